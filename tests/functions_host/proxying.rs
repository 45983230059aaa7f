//! Proxy mode: what reaches the handler, what is replayed, what the client gets.

use std::sync::Arc;
use std::time::Duration;

use evergraph::devhost::{Exit, HostEvent, Outcome, RunningHost};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::fixture::{
    Reaction, SOON, Scripted, Seen, TestClock, answer, app, connect, event, get, http, post, send,
};

const NOW: &str = "2026-11-23T00:51:22Z";

async fn started(
    script: impl Fn(&Seen) -> Reaction + Send + Sync + 'static,
) -> (Scripted, RunningHost, TempDir) {
    let app = app(
        r#""functionTimeout":"00:00:01","#,
        "",
        &[("hooks", http("hooks/{*path}"))],
    );
    let handler = Scripted::new(script);
    let host = handler.host(app.path(), &TestClock::at(NOW)).await;
    (handler, host, app)
}

#[tokio::test]
async fn a_get_arrives_with_the_marks_of_the_host_and_without_spoofed_ones() {
    let (handler, host, _app) = started(|_| answer(418, "X-A: 1\r\n", "tea")).await;
    let spoofed = "X-Ms-Invocation-Id: spoof\r\nX-Forwarded-For: 9.9.9.9\r\nx-functions-key: k\r\n";
    let got = get(&host, "/api/hooks/a?b=1", spoofed).await;
    assert_eq!((got.status, got.body.as_str()), (418, "tea"));
    assert!(got.head.to_lowercase().contains("x-a: 1"), "{}", got.head);
    let seen = &handler.seen()[0];
    let id = seen.header("x-ms-invocation-id").unwrap();
    let expected = format!(
        "GET /api/hooks/a?b=1 HTTP/1.1\r\nHost: {}\r\nX-Azure-Functions-HostVersion: 4.1037.0.0\r\nX-Azure-Functions-InvocationId: {id}\r\nx-ms-invocation-id: {id}\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: example.test\r\nX-Forwarded-Proto: http\r\nx-functions-key: k",
        seen.header("host").unwrap()
    );
    assert_eq!(seen.head, expected);
    assert!(seen.header("host").unwrap().starts_with("127.0.0.1:"));
}

#[tokio::test]
async fn the_path_is_encoded_again_and_the_query_is_not_touched() {
    let (handler, host, _app) = started(|_| answer(200, "", "")).await;
    let query = "validationToken=Validation%3a+Testing%2f&x=1&x=2";
    let cases = [
        ("/api/hooks/a%2Fb", "/api/hooks/a%252Fb"),
        ("/api/hooks/%e2%82%ac", "/api/hooks/%E2%82%AC"),
        ("/api/hooks/x/../y", "/api/hooks/y"),
        ("/api/hooks/%zz", "/api/hooks/%25zz"),
    ];
    for (index, (sent, expected)) in cases.into_iter().enumerate() {
        get(&host, &format!("{sent}?{query}"), "").await;
        let expected = format!("GET {expected}?{query} HTTP/1.1");
        assert_eq!(handler.seen()[index].request_line(), expected);
    }
}

#[track_caller]
fn check_one_id(seen: &[Seen], deliveries: usize) {
    assert_eq!(seen.len(), deliveries);
    let first = seen[0].header("x-azure-functions-invocationid").unwrap();
    assert!(
        seen.iter()
            .all(|s| s.header("x-azure-functions-invocationid") == Some(first))
    );
}

#[tokio::test]
async fn a_dropped_request_without_a_body_is_delivered_forty_times() {
    for request in [
        "GET /api/hooks HTTP/1.1\r\n",
        "POST /api/hooks HTTP/1.1\r\nContent-Length: 0\r\n",
    ] {
        let (handler, host, _app) = with_long_time(|_| Reaction::Drop).await;
        let request = format!("{request}Host: h\r\nConnection: close\r\n\r\n");
        let got = send(&host, request).await;
        assert_eq!((got.status, got.body.as_str()), (500, ""));
        check_one_id(&handler.seen(), 40);
    }
}

async fn with_long_time(
    script: impl Fn(&Seen) -> Reaction + Send + Sync + 'static,
) -> (Scripted, RunningHost, TempDir) {
    let app = app("", "", &[("hooks", http("hooks/{*path}"))]);
    let handler = Scripted::new(script);
    let host = handler.host(app.path(), &TestClock::at(NOW)).await;
    (handler, host, app)
}

#[tokio::test]
async fn a_garbage_answer_to_a_get_is_asked_for_ten_times() {
    let (handler, host, _app) =
        with_long_time(|_| Reaction::Bytes(b"hello\r\n\r\n".to_vec())).await;
    assert_eq!(get(&host, "/api/hooks", "").await.status, 500);
    check_one_id(&handler.seen(), 10);
}

#[tokio::test]
async fn a_post_with_a_body_is_delivered_once() {
    let (handler, host, _app) = started(|_| Reaction::Drop).await;
    let got = post(&host, "/api/hooks", "", "{}").await;
    assert_eq!((got.status, got.body.as_str()), (500, ""));
    assert_eq!(handler.seen().len(), 1);
    assert_eq!(handler.seen()[0].text(), "{}");
}

#[tokio::test]
async fn a_get_whose_handler_dies_is_answered_by_the_next_process() {
    let (handler, host, _app) = started(|seen| match seen.process {
        1 => Reaction::Exit(Exit::Signal(9)),
        _ => answer(200, "", "second"),
    })
    .await;
    let got = get(&host, "/api/hooks", "").await;
    assert_eq!((got.status, got.body.as_str()), (200, "second"));
    check_one_id(&handler.seen(), 2);
}

#[tokio::test]
async fn a_time_out_in_a_get_kills_the_handler_and_delivers_again() {
    let (handler, host, _app) = started(|seen| match seen.process {
        1 => Reaction::Hang,
        _ => answer(200, "", "second"),
    })
    .await;
    let got = get(&host, "/api/hooks", "").await;
    assert_eq!((got.status, got.body.as_str()), (200, "second"));
    check_one_id(&handler.seen(), 2);
    assert_eq!(handler.starts(), 2);
}

#[tokio::test]
async fn a_time_out_in_a_post_is_a_500_and_kills_the_handler() {
    let (handler, host, _app) = started(|_| Reaction::Hang).await;
    let got = post(&host, "/api/hooks", "", "x").await;
    assert_eq!((got.status, got.body.as_str()), (500, ""));
    host.ready().await.unwrap();
    assert_eq!((handler.seen().len(), handler.starts()), (1, 2));
}

#[tokio::test]
async fn a_handler_that_is_gone_costs_ten_tries_and_gives_500() {
    let (_, host, _app) = with_long_time(|_| Reaction::Exit(Exit::Code(0))).await;
    let started = tokio::time::Instant::now();
    let got = get(&host, "/api/hooks", "").await;
    assert_eq!((got.status, got.body.as_str()), (500, ""));
    let waited = started.elapsed();
    assert!(
        waited > Duration::from_millis(1500) && waited < Duration::from_secs(4),
        "{waited:?}"
    );
}

#[tokio::test]
async fn a_handler_error_is_a_successful_invocation() {
    let (_, host, _app) = started(|_| answer(503, "Retry-After: 3\r\n", "busy")).await;
    let mut events = host.events();
    let got = post(&host, "/api/hooks", "", "x").await;
    assert_eq!((got.status, got.body.as_str()), (503, "busy"));
    let outcome = event(&mut events, |event| match event {
        HostEvent::Invocation(invocation) => Some(invocation.outcome.clone()),
        _ => None,
    })
    .await;
    assert_eq!(outcome, Outcome::Succeeded { status: Some(503) });
}

#[tokio::test]
async fn a_body_with_a_length_is_read_whole_and_one_in_chunks_streams() {
    let (handler, host, _app) = with_long_time(|_| answer(202, "", "")).await;
    let head = "POST /api/hooks HTTP/1.1\r\nHost: h\r\nConnection: close\r\n";
    let mut whole = connect(&host).await;
    whole
        .write_all(format!("{head}Content-Length: 4\r\n\r\nab").as_bytes())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(
        handler.seen().len(),
        0,
        "the handler waits for the whole body"
    );
    whole.write_all(b"cd").await.unwrap();
    assert_eq!(handler.saw(1).await[0].text(), "abcd");

    let chunks =
        format!("{head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    assert_eq!(send(&host, chunks).await.status, 202);
    let seen = handler.saw(2).await;
    assert!(seen[1].text().ends_with("0\r\n\r\n"), "{:?}", seen[1]);
    assert_eq!(seen[1].header("transfer-encoding"), Some("chunked"));
    assert_eq!(seen[1].header("content-length"), None);
}

#[tokio::test]
async fn without_a_100_the_body_of_an_expecting_client_comes_after_a_second() {
    let (handler, host, _app) = with_long_time(|_| answer(202, "", "")).await;
    let started = tokio::time::Instant::now();
    assert_eq!(
        post(&host, "/api/hooks", "Expect: 100-continue\r\n", "x")
            .await
            .status,
        202
    );
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(handler.seen()[0].header("expect"), Some("100-continue"));
}

#[tokio::test]
async fn an_answer_that_breaks_off_reaches_the_client_in_part() {
    let cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\nde".to_vec();
    let (_, host, _app) = started(move |_| Reaction::Bytes(cut.clone())).await;
    let mut events = host.events();
    let got = get(&host, "/api/hooks", "").await;
    assert_eq!(got.status, 200);
    assert!(
        got.body.contains("abc") && !got.body.ends_with("0\r\n\r\n"),
        "{got:?}"
    );
    let outcome = event(&mut events, |event| match event {
        HostEvent::Invocation(invocation) => Some(invocation.outcome.clone()),
        _ => None,
    })
    .await;
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_client_that_goes_away_closes_the_handlers_connection() {
    let closed = Arc::new(Notify::new());
    let reaction = Reaction::TellWhenClosed(closed.clone());
    let (handler, host, _app) = with_long_time(move |_| reaction.clone()).await;
    let mut events = host.events();
    let mut client = connect(&host).await;
    let request = b"POST /api/hooks HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx";
    client.write_all(request).await.unwrap();
    handler.saw(1).await;
    drop(client);
    tokio::time::timeout(SOON, closed.notified()).await.unwrap();
    let outcome = event(&mut events, |event| match event {
        HostEvent::Invocation(invocation) => Some(invocation.outcome.clone()),
        _ => None,
    })
    .await;
    assert!(matches!(outcome, Outcome::Failed { why } if why.contains("went away")));
}

#[tokio::test]
async fn pieces_of_an_answer_arrive_as_they_are_written() {
    let more = Arc::new(Notify::new());
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    let first = format!("{head}data: 1\n\n").into_bytes();
    let reaction = Reaction::InTwo(first, more.clone(), b"data: 2\n\n".to_vec());
    let (_, host, _app) = with_long_time(move |_| reaction.clone()).await;
    let mut client = connect(&host).await;
    let request = b"GET /api/hooks HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    client.write_all(request).await.unwrap();
    let mut text = String::new();
    while !text.contains("data: 1") {
        let mut piece = [0; 1024];
        let read = tokio::time::timeout(SOON, client.read(&mut piece))
            .await
            .unwrap()
            .unwrap();
        assert!(read > 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&piece[..read]));
    }
    assert!(!text.contains("data: 2"), "{text}");
    more.notify_one();
    client.read_to_string(&mut text).await.unwrap();
    assert!(text.contains("data: 2"), "{text}");
}

#[tokio::test]
async fn a_host_that_is_told_to_stop_waits_for_requests_in_flight() {
    let more = Arc::new(Notify::new());
    let rest = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate".to_vec();
    let reaction = Reaction::InTwo(Vec::new(), more.clone(), rest);
    let (handler, host, _app) = with_long_time(move |_| reaction.clone()).await;
    let address = host.url().replace("http://", "");
    let mut client = connect(&host).await;
    let request = b"GET /api/hooks HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    client.write_all(request).await.unwrap();
    handler.saw(1).await;
    let stopping = tokio::spawn(host.stop_gracefully());
    while TcpStream::connect(&address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(!stopping.is_finished());
    more.notify_one();
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    assert!(text.ends_with("late"), "{text}");
    tokio::time::timeout(SOON, stopping).await.unwrap().unwrap();
}
