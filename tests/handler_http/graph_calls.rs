//! Graph calls: handshakes, and notifications that must stay with it.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};

use crate::ask::{Answer, ask, bare, get, post};

const NOTIFICATION: &str = r#"{"value":[{"subscriptionId":"7f105c7d-2dc5-4530-97cd-4e7ae6534c07","clientState":"x","changeType":"created"}]}"#;

/// Both addresses of both fleets that are or were ours.
const OURS: [&str; 4] = [
    "/api/notifications/prod",
    "/api/lifecycle/prod",
    "/api/notifications/staging",
    "/api/lifecycle/staging",
];

#[track_caller]
fn check_echo(answer: &Answer, token: &str) {
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.text(), token);
}

#[tokio::test]
async fn a_handshake_is_answered_before_anything_else_is_there() {
    let handler = bare();
    for path in OURS {
        let target = format!("{path}?validationToken=Validation%3a+Testing+client%2b1");
        let answer = post(&handler, &target, Body::empty()).await;
        check_echo(&answer, "Validation: Testing client+1");
        check_echo(
            &get(&handler, &target).await,
            "Validation: Testing client+1",
        );
    }
}

#[tokio::test]
async fn a_token_is_never_a_page() {
    let target = "/api/notifications/prod?validationToken=%3Cscript%3Ealert(1)%3C/script%3E";
    let answer = get(&bare(), target).await;
    check_echo(&answer, "<script>alert(1)</script>");
}

#[tokio::test]
async fn a_path_of_no_fleet_of_ours_is_nothing_handshakes_included() {
    let handler = bare();
    for path in [
        "/api/notifications/other",
        "/api/notifications/PROD",
        "/api/notifications/prod/",
        "/api/notifications/prod/x",
        "/api/notifications/x/prod",
        "/api/notifications/%70rod",
        "/api/notifications/%ff",
        "/api/notifications/",
        "/api/notifications",
        "/api/lifecycle/other",
        "/api/prod",
        "/notifications/prod",
    ] {
        let target = format!("{path}?validationToken=abc");
        for body in ["", NOTIFICATION] {
            let answer = post(&handler, &target, body).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert!(answer.body.is_empty(), "{path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_handshake_stays_with_graph() {
    let handler = bare();
    for path in OURS {
        for body in [NOTIFICATION, "", "{", "text"] {
            let answer = post(&handler, path, body).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        }
    }
    let large = vec![b'x'; 4 * 1024 * 1024 + 1];
    let answer = post(&handler, OURS[0], large).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(start_paused = true)]
async fn a_token_with_a_body_is_a_handshake_unless_the_body_is_a_notification() {
    let handler = bare();
    let target = "/api/notifications/prod?validationToken=abc";
    for body in ["{}", "null", " ", "abc", r#"{"value":1}"#] {
        check_echo(&post(&handler, target, body).await, "abc");
    }
    let answer = post(&handler, target, NOTIFICATION).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_token_beyond_measure_is_refused() {
    let handler = bare();
    let longest = "x".repeat(4096);
    let target = format!("/api/notifications/prod?validationToken={longest}");
    check_echo(&get(&handler, &target).await, &longest);
    let answer = get(&handler, &format!("{target}x")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(!answer.text().contains("xxx"));
}

#[tokio::test]
async fn the_address_is_posted_to() {
    let handler = bare();
    for (method, query) in [
        (Method::GET, ""),
        (Method::HEAD, ""),
        (Method::GET, "?validationToken="),
        (Method::PUT, "?validationToken=abc"),
        (Method::DELETE, ""),
        (Method::OPTIONS, ""),
    ] {
        let request = Request::builder()
            .method(method.clone())
            .uri(format!("/api/lifecycle/prod{query}"))
            .body(Body::empty())
            .unwrap();
        let answer = ask(&handler, request).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.header("allow"), "POST");
    }
}
