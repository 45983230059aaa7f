//! Answers that break off, lie, or never come.

use std::time::Duration;

use evergraph::adapters::graph::{GraphOptions, GraphSetupError};
use evergraph::ports::graph::Graph;
use tokio::net::TcpListener;
use tokio::time::Instant;
use url::Url;

use crate::scripted::{Scripted, Step, answer};
use crate::{
    ID, every_call, graph, id, new_subscription, options, patient, renewal, row, tenant, word,
};

const LOST: [&str; 6] = [
    "unavailable",
    "unavailable",
    "unknown",
    "unknown",
    "unknown",
    "unknown",
];

/// Every call meets the same step, and each is sent exactly once.
async fn check_every_call(step: Step, expected: [&str; 6]) {
    let server = Scripted::start(vec![step]).await;
    let calls = every_call(&patient(&server.root)).await;
    assert_eq!(calls, expected);
    let sent = server.requests().len();
    assert_eq!(sent, 6, "each call is sent once, whatever becomes of it");
}

#[tokio::test]
async fn a_connection_that_closes_without_an_answer_leaves_changes_unknown() {
    check_every_call(Step::Close, LOST).await;
}

#[tokio::test]
async fn half_a_head_is_no_answer() {
    check_every_call(Step::SendAndClose(b"HTTP/1.1 201 Crea".to_vec()), LOST).await;
    check_every_call(Step::SendAndClose(b"good morning\r\n\r\n".to_vec()), LOST).await;
}

#[tokio::test]
async fn a_torn_body_is_no_subscription_but_a_delete_needs_none() {
    let whole = answer("200 OK", "", &row(ID).to_string());
    let torn = whole[..whole.len() - 5].to_vec();
    let mut expected = LOST;
    expected[4] = "ok";
    expected[5] = "ok";
    check_every_call(Step::SendAndClose(torn), expected).await;
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{".to_vec();
    check_every_call(Step::SendAndClose(chunked), expected).await;
}

#[tokio::test]
async fn a_refusal_with_a_torn_body_is_still_a_refusal() {
    let torn = b"HTTP/1.1 409 Conflict\r\ncontent-length: 500\r\n\r\n{\"error\":".to_vec();
    check_every_call(Step::SendAndClose(torn), ["conflict"; 6]).await;
}

#[tokio::test]
async fn success_with_an_unreadable_body_is_no_success() {
    for body in ["", "{", "null", "[]", "<html></html>", r#"{"id":5}"#] {
        let mut expected = LOST;
        expected[4] = "ok";
        expected[5] = "ok";
        check_every_call(Step::Send(answer("200 OK", "", body)), expected).await;
    }
}

#[tokio::test]
async fn an_answer_about_another_subscription_says_nothing() {
    let other = answer("200 OK", "", &row("another").to_string());
    let server = Scripted::start(vec![Step::Send(other)]).await;
    let graph = patient(&server.root);
    let tenant = tenant();
    assert_eq!(word(&graph.get(&tenant, &id()).await), "unavailable");
    assert_eq!(
        word(&graph.renew(&tenant, &id(), &renewal()).await),
        "unknown"
    );
}

#[tokio::test]
async fn silence_ends_at_the_time_out() {
    let server = Scripted::start(vec![Step::Hang(Vec::new())]).await;
    let began = Instant::now();
    assert_eq!(every_call(&graph(options(&server.root))).await, LOST);
    // Six calls of 0.4 s each (the delete's own limit of a second is cut to that).
    assert!(began.elapsed() < Duration::from_secs(8));
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn a_body_that_never_ends_ends_at_the_time_out() {
    let head = b"HTTP/1.1 201 Created\r\ncontent-length: 500\r\n\r\n{".to_vec();
    let server = Scripted::start(vec![Step::Hang(head)]).await;
    let graph = graph(options(&server.root));
    let created = graph.create(&tenant(), &new_subscription()).await;
    assert_eq!(word(&created), "unknown");
    assert!(created.unwrap_err().to_string().contains("in time"));
}

#[tokio::test]
async fn a_delete_answers_within_its_limit() {
    let server = Scripted::start(vec![Step::Hang(Vec::new())]).await;
    let graph = patient(&server.root);
    let began = Instant::now();
    let limit = Duration::from_millis(50);
    assert_eq!(
        word(&graph.delete(&tenant(), &id(), limit).await),
        "unknown"
    );
    assert!(began.elapsed() < Duration::from_secs(5));
    let none = graph.delete(&tenant(), &id(), Duration::ZERO).await;
    assert_eq!(word(&none), "unavailable");
    assert_eq!(server.requests().len(), 1, "the second was never sent");
}

#[tokio::test]
async fn what_was_never_sent_is_not_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(every_call(&graph(options(&root))).await, ["unavailable"; 6]);
}

#[tokio::test]
async fn a_pooled_connection_that_dies_is_not_a_second_try() {
    let fine = Step::Send(answer("200 OK", "", &row(ID).to_string()));
    let server = Scripted::start(vec![fine, Step::Close]).await;
    let graph = patient(&server.root);
    assert_eq!(word(&graph.get(&tenant(), &id()).await), "ok");
    let created = graph.create(&tenant(), &new_subscription()).await;
    assert_eq!(word(&created), "unknown", "{created:?}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_body_above_the_cap_is_not_read() {
    let mut options = options("http://127.0.0.1:9");
    let long = format!("{{\"value\":[],\"pad\":\"{}\"}}", "x".repeat(3000));
    let server = Scripted::start(vec![Step::Send(answer("200 OK", "", &long))]).await;
    options.base_url = Url::parse(&format!("{}/v1.0", server.root)).unwrap();
    options.body_limit = 2048;
    let error = graph(options).list(&tenant()).await.unwrap_err();
    assert_eq!(error.kind(), "unavailable");
    assert!(error.to_string().contains("2048 bytes"), "{error}");
    assert_eq!(word(&patient(&server.root).list(&tenant()).await), "ok");
}

#[test]
fn a_graph_elsewhere_must_be_https() {
    let tokens = crate::Fixed::new(Ok("x"));
    let options = GraphOptions::new(Url::parse("http://graph.example/v1.0").unwrap());
    let ids = evergraph::adapters::graph::RequestIds::seeded(1);
    let made = evergraph::adapters::graph::GraphOverHttp::new(options, tokens, ids);
    assert!(matches!(made, Err(GraphSetupError::Address { .. })));
}
