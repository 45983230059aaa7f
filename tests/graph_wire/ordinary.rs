//! What Graph usually answers.

use std::sync::atomic::Ordering;
use std::time::Duration;

use evergraph::adapters::graph::{GraphOptions, GraphOverHttp, RequestIds};
use evergraph::adapters::identity::TokenError;
use evergraph::domain::conflict::{RetryAfter, parse_retry_after};
use evergraph::domain::ids::AppId;
use evergraph::ports::graph::{Graph, GraphError, Wait};
use httpmock::prelude::*;
use serde_json::json;
use url::Url;

use crate::scripted::{Scripted, Step, answer};
use crate::{
    END, Fixed, ID, every_call, id, new_subscription, patient, renewal, row, tenant, word,
};

const PLACE: &str = "/v1.0/subscriptions";

fn place() -> String {
    format!("{PLACE}/{ID}")
}

#[tokio::test]
async fn a_create_sends_what_graph_wants_and_believes_what_it_answers() {
    let server = MockServer::start_async().await;
    let mock = server.mock(|when, then| {
        when.method(POST)
            .path(PLACE)
            .header("authorization", "Bearer secret-token")
            .header("content-type", "application/json")
            .json_body(json!({
                "changeType": "created",
                "notificationUrl": "https://hooks.example/api/notifications/prod",
                "lifecycleNotificationUrl": "https://hooks.example/api/lifecycle/prod",
                "resource": "users/a/messages",
                "expirationDateTime": "2030-01-02T03:04:05Z",
                "clientState": "hunter2",
            }));
        then.status(201)
            .header("request-id", "r-1")
            .header("date", "Tue, 01 Jan 2030 00:00:07 GMT")
            .json_body(row(ID));
    });
    let graph = patient(&server.base_url());
    let reply = graph.create(&tenant(), &new_subscription()).await.unwrap();
    assert_eq!(mock.calls_async().await, 1);
    assert_eq!(reply.value.id, id());
    assert_eq!(reply.value.expires, END.parse().unwrap());
    assert_eq!(reply.trace.request_id.as_deref(), Some("r-1"));
    assert_eq!(reply.trace.date, "2030-01-01T00:00:07Z".parse().ok());
}

#[tokio::test]
async fn reads_renewals_and_deletes_go_to_the_id() {
    let server = MockServer::start_async().await;
    let get = server.mock(|when, then| {
        when.method(GET).path(place());
        then.status(200).json_body(row(ID));
    });
    let patch = server.mock(|when, then| {
        when.method("PATCH")
            .path(place())
            .json_body(json!({ "expirationDateTime": "2030-01-02T03:04:05Z" }));
        then.status(200).json_body(row(&ID.to_ascii_uppercase()));
    });
    let reauthorize = server.mock(|when, then| {
        when.method(POST).path(format!("{}/reauthorize", place()));
        then.status(204);
    });
    let delete = server.mock(|when, then| {
        when.method(DELETE).path(place());
        then.status(204);
    });
    let calls = every_call(&patient(&server.base_url())).await;
    assert_eq!(calls[1], "ok");
    assert_eq!(calls[3..], ["ok", "ok", "ok"]);
    for mock in [get, patch, reauthorize, delete] {
        assert_eq!(mock.calls_async().await, 1);
    }
}

/// `expected`: list, get, create, renew, reauthorize, delete.
async fn check_status(status: u16, code: &str, message: &str, expected: [&str; 6]) {
    let server = MockServer::start_async().await;
    let error = json!({ "error": {
        "code": code, "message": message,
        "innerError": { "date": "2025-01-29T11:28:53", "request-id": "r-9" },
    }});
    let mock = server.mock(|_, then| {
        then.status(status).json_body(error);
    });
    let calls = every_call(&patient(&server.base_url())).await;
    assert_eq!(calls, expected, "{status} {code}");
    assert_eq!(mock.calls_async().await, 6, "{status}: one call each");
}

#[tokio::test]
async fn failures_are_told_by_what_to_do_next() {
    let token = ("InvalidAuthenticationToken", "Access token is empty.");
    check_status(401, token.0, token.1, ["denied"; 6]).await;
    let gone = ("ResourceNotFound", "The object was not found.");
    check_status(
        404,
        gone.0,
        gone.1,
        ["refused", "gone", "refused", "gone", "gone", "gone"],
    )
    .await;
    let many = ("TooManyRequests", "Please retry again later.");
    check_status(429, many.0, many.1, ["throttled"; 6]).await;
    let broken = ("generalException", "An error occurred.");
    check_status(
        500,
        broken.0,
        broken.1,
        [
            "unavailable",
            "unavailable",
            "unknown",
            "unknown",
            "unknown",
            "unknown",
        ],
    )
    .await;
}

/// What a create that fails in this way comes to.
async fn create_error(status: u16, code: &str, message: &str) -> GraphError {
    let server = MockServer::start_async().await;
    let error = json!({ "error": { "code": code, "message": message } });
    server.mock(|_, then| {
        then.status(status)
            .header("request-id", "r-2")
            .json_body(error);
    });
    let graph = patient(&server.base_url());
    graph
        .create(&tenant(), &new_subscription())
        .await
        .unwrap_err()
}

#[tokio::test]
async fn a_create_is_refused_or_blocked() {
    let refused = create_error(
        400,
        "ValidationError",
        "Subscription validation request failed. Notification endpoint must respond with 200 OK to validation request.",
    )
    .await;
    assert_eq!(refused.kind(), "refused");
    assert!(refused.to_string().contains("400"), "{refused}");
    let message = format!("Subscription Id {ID} already exists for the requested combination");
    let conflict = create_error(409, "ObjectIdentifierInUse", &message).await;
    let holder = match &conflict {
        GraphError::Conflict { verdict, .. } => verdict.holder.as_deref(),
        other => panic!("{other:?}"),
    };
    assert_eq!(holder, Some(ID));
    assert_eq!(conflict.trace().request_id.as_deref(), Some("r-2"));
    let denied = create_error(
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges",
    )
    .await;
    assert_eq!(denied.kind(), "denied");
}

#[tokio::test]
async fn what_graph_quotes_of_our_secret_is_not_repeated() {
    let error = create_error(400, "InvalidRequest", "clientState 'hunter2' is bad").await;
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

/// Whatever the header says is told as the domain reads it.
async fn check_wait(header: &str, status: u16) {
    let server = MockServer::start_async().await;
    server.mock(|_, then| {
        then.status(status).header("retry-after", header);
    });
    let graph = patient(&server.base_url());
    let error = graph.get(&tenant(), &id()).await.unwrap_err();
    let expected = match parse_retry_after(header, error.trace().date) {
        RetryAfter::For(wait) => Wait::For(wait),
        RetryAfter::Absurd(text) => Wait::Absurd(text),
    };
    match error {
        GraphError::Throttled { wait, .. } | GraphError::Unavailable { wait, .. } => {
            assert_eq!(wait, expected, "{header}");
        }
        other => panic!("{header}: {other:?}"),
    }
}

#[tokio::test]
async fn a_wait_reaches_the_caller_in_every_form() {
    for header in ["10", "2.128", "Fri, 31 Dec 9999 23:59:59 GMT", "-1", "soon"] {
        check_wait(header, 429).await;
        check_wait(header, 503).await;
    }
}

#[tokio::test]
async fn no_wait_said_is_no_wait_invented() {
    let server = MockServer::start_async().await;
    server.mock(|_, then| {
        then.status(429);
    });
    let graph = patient(&server.base_url());
    let error = graph.get(&tenant(), &id()).await.unwrap_err();
    let said = matches!(error, GraphError::Throttled { ref wait, .. } if *wait == Wait::NotSaid);
    assert!(said, "{error:?}");
}

#[tokio::test]
async fn without_a_token_graph_is_not_called() {
    let server = MockServer::start_async().await;
    let mock = server.mock(|_, then| {
        then.status(200);
    });
    let options = || GraphOptions::new(Url::parse(&server.url("/v1.0")).unwrap());
    let denied = TokenError::Denied { why: "no".into() };
    let late = TokenError::Unavailable {
        why: "later".into(),
        wait: Some(Duration::from_secs(3)),
    };
    for (fault, expected) in [(denied, "denied"), (late, "unavailable")] {
        let tokens = Fixed::new(Err(fault));
        let graph = GraphOverHttp::new(options(), tokens, RequestIds::seeded(1)).unwrap();
        assert_eq!(every_call(&graph).await, [expected; 6]);
        assert_eq!(word(&graph.application(&tenant()).await), expected);
    }
    assert_eq!(mock.calls_async().await, 0);
}

#[tokio::test]
async fn a_token_that_graph_refuses_is_reported_to_its_source() {
    let server = MockServer::start_async().await;
    server.mock(|_, then| {
        then.status(401);
    });
    let tokens = Fixed::new(Ok("secret-token"));
    let options = GraphOptions::new(Url::parse(&server.url("/v1.0")).unwrap());
    let graph = GraphOverHttp::new(options, tokens.clone(), RequestIds::seeded(1)).unwrap();
    assert_eq!(word(&graph.get(&tenant(), &id()).await), "denied");
    assert_eq!(tokens.refused.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_application_is_the_tokens() {
    let graph = patient("http://127.0.0.1:9");
    let application = graph.application(&tenant()).await.unwrap();
    assert_eq!(application, AppId::unnamed());
}

#[tokio::test]
async fn a_bodyless_post_says_so_and_each_call_has_its_own_id() {
    let server = Scripted::start(vec![Step::Send(answer("204 No Content", "", ""))]).await;
    let graph = patient(&server.root);
    assert_eq!(word(&graph.reauthorize(&tenant(), &id()).await), "ok");
    assert_eq!(word(&graph.get(&tenant(), &id()).await), "unavailable");
    assert_eq!(
        word(&graph.renew(&tenant(), &id(), &renewal()).await),
        "unknown"
    );
    let requests = server.requests();
    let [post, get, _] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    let same = RequestIds::seeded(1);
    for request in &requests {
        assert!(request.contains(&format!("client-request-id: {}", same.next())));
    }
    assert!(post.to_ascii_lowercase().contains("content-length: 0"));
    assert!(!get.to_ascii_lowercase().contains("content-length"));
}
