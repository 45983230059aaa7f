//! Pages, and links and redirects that lead astray.

use std::time::Duration;

use evergraph::adapters::graph::{GraphOverHttp, Pace, RequestIds};
use evergraph::ports::graph::{Graph, Listed};
use httpmock::Mock;
use httpmock::prelude::*;
use serde_json::{Value, json};

use crate::scripted::{Scripted, Step, answer};
use crate::{ID, graph, id, new_subscription, options, patient, renewal, row, tenant, word};

const PLACE: &str = "/v1.0/subscriptions";

/// A page at `?p={at}`; the first stands without a query.
fn page<'a>(server: &'a MockServer, at: u32, rows: &[&str], next: Option<String>) -> Mock<'a> {
    let mut body = json!({ "value": rows.iter().map(|id| row(id)).collect::<Vec<_>>() });
    if let Some(next) = next {
        body["@odata.nextLink"] = Value::String(next);
    }
    server.mock(|when, then| {
        let when = when.method(GET).path(PLACE);
        if at == 0 {
            when.query_param_missing("p");
        } else {
            when.query_param("p", at.to_string());
        }
        then.status(200).json_body(body);
    })
}

fn link(server: &MockServer, at: u32) -> Option<String> {
    Some(server.url(format!("{PLACE}?p={at}")))
}

async fn list(graph: &GraphOverHttp) -> Listed {
    graph.list(&tenant()).await.unwrap().value
}

fn ids(listed: &Listed) -> Vec<&str> {
    listed.rows.iter().map(|row| row.id.as_str()).collect()
}

#[tokio::test]
async fn every_page_is_read_once_and_an_empty_one_is_no_end() {
    let server = MockServer::start_async().await;
    let pages = [
        page(&server, 0, &["a", "b"], link(&server, 1)),
        page(&server, 1, &[], link(&server, 2)),
        page(&server, 2, &["c"], None),
    ];
    let listed = list(&patient(&server.base_url())).await;
    assert_eq!(ids(&listed), ["a", "b", "c"]);
    assert_eq!((listed.incomplete, listed.pages), (None, 3));
    for page in pages {
        assert_eq!(page.calls_async().await, 1);
    }
}

#[tokio::test]
async fn a_next_link_to_a_stranger_is_not_followed() {
    let server = MockServer::start_async().await;
    let stranger = MockServer::start_async().await;
    let trap = stranger.mock(|_, then| {
        then.status(200).json_body(json!({ "value": [] }));
    });
    for next in [stranger.url(format!("{PLACE}?p=1")), server.url("/beta/x")] {
        let first = page(&server, 0, &["a"], Some(next));
        let listed = list(&patient(&server.base_url())).await;
        assert_eq!(ids(&listed), ["a"]);
        let why = listed.incomplete.unwrap();
        assert!(why.contains("leads away"), "{why}");
        first.delete_async().await;
    }
    assert_eq!(trap.calls_async().await, 0);
}

#[tokio::test]
async fn a_circle_of_links_ends() {
    let server = MockServer::start_async().await;
    let first = page(&server, 0, &["a"], link(&server, 1));
    page(&server, 1, &["b"], link(&server, 1));
    let listed = list(&patient(&server.base_url())).await;
    assert_eq!((ids(&listed), listed.pages), (vec!["a", "b"], 2));
    assert!(listed.incomplete.unwrap().contains("followed before"));
    assert_eq!(first.calls_async().await, 1);
}

#[tokio::test]
async fn pages_beyond_the_limit_are_not_read() {
    let server = MockServer::start_async().await;
    page(&server, 0, &["a"], link(&server, 1));
    page(&server, 1, &["b"], link(&server, 2));
    let third = page(&server, 2, &["c"], None);
    let mut options = options(&server.base_url());
    options.page_limit = 2;
    let listed = list(&graph(options)).await;
    assert_eq!(ids(&listed), ["a", "b"]);
    assert!(listed.incomplete.unwrap().contains("after 2 pages"));
    assert_eq!(third.calls_async().await, 0);
}

#[tokio::test]
async fn a_listing_that_takes_too_long_is_incomplete() {
    let server = MockServer::start_async().await;
    page(&server, 0, &["a"], link(&server, 1));
    let second = page(&server, 1, &["b"], None);
    let mut options = options(&server.base_url());
    options.pace = Pace {
        burst: 1,
        interval: Duration::from_millis(30),
    };
    options.timeouts.listing = Duration::from_millis(20);
    let listed = list(&graph(options)).await;
    assert_eq!(ids(&listed), ["a"]);
    assert!(listed.incomplete.unwrap().contains("have passed"));
    assert_eq!(second.calls_async().await, 0);
}

#[tokio::test]
async fn a_page_that_fails_fails_the_listing() {
    let server = MockServer::start_async().await;
    page(&server, 0, &["a"], link(&server, 1));
    server.mock(|when, then| {
        when.query_param("p", "1");
        then.status(429).header("retry-after", "5");
    });
    let graph = patient(&server.base_url());
    assert_eq!(word(&graph.list(&tenant()).await), "throttled");
}

#[tokio::test]
async fn all_pages_of_a_listing_share_one_request_id() {
    let server = Scripted::start_with(|root| {
        let next = format!("{root}{PLACE}?p=1");
        let first = json!({ "value": [row("a")], "@odata.nextLink": next }).to_string();
        let last = json!({ "value": [row("b")] }).to_string();
        [first, last]
            .map(|body| Step::Send(answer("200 OK", "", &body)))
            .to_vec()
    })
    .await;
    let listed = list(&patient(&server.root)).await;
    assert_eq!(
        (ids(&listed), listed.incomplete.clone()),
        (vec!["a", "b"], None)
    );
    let id = format!("client-request-id: {}", RequestIds::seeded(1).next());
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request.contains(&id)));
}

#[tokio::test]
async fn a_moved_renewal_keeps_method_body_and_token() {
    let server = MockServer::start_async().await;
    for status in [307, 308] {
        let moved = server.mock(|when, then| {
            when.method("PATCH").path(format!("{PLACE}/{ID}"));
            then.status(status).header("location", "/moved/here");
        });
        let target = server.mock(|when, then| {
            when.method("PATCH")
                .path("/moved/here")
                .header("authorization", "Bearer secret-token")
                .json_body(json!({ "expirationDateTime": "2030-01-02T03:04:05Z" }));
            then.status(200).json_body(row(ID));
        });
        let graph = patient(&server.base_url());
        let renewed = graph.renew(&tenant(), &id(), &renewal()).await;
        assert_eq!(word(&renewed), "ok", "{status}: {renewed:?}");
        assert_eq!(
            (moved.calls_async().await, target.calls_async().await),
            (1, 1)
        );
        moved.delete_async().await;
        target.delete_async().await;
    }
}

#[tokio::test]
async fn a_redirect_to_a_stranger_carries_nothing_there() {
    let stranger = MockServer::start_async().await;
    let trap = stranger.mock(|_, then| {
        then.status(200).json_body(row(ID));
    });
    for status in [301, 302, 303, 307, 308] {
        let server = MockServer::start_async().await;
        server.mock(|_, then| {
            then.status(status)
                .header("location", stranger.url(format!("{PLACE}/{ID}")));
        });
        let graph = patient(&server.base_url());
        let created = graph.create(&tenant(), &new_subscription()).await;
        let expected = if status == 303 { "unknown" } else { "refused" };
        assert_eq!(word(&created), expected, "{status}: {created:?}");
    }
    assert_eq!(trap.calls_async().await, 0);
}

#[tokio::test]
async fn redirects_in_a_circle_end_after_three() {
    let server = MockServer::start_async().await;
    let circle = server.mock(|_, then| {
        then.status(308).header("location", PLACE);
    });
    let graph = patient(&server.base_url());
    let created = graph.create(&tenant(), &new_subscription()).await;
    assert_eq!(word(&created), "refused", "{created:?}");
    assert_eq!(circle.calls_async().await, 4);
}
