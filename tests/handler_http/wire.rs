//! Bytes on a socket, as a running host and Graph send them.

use std::net::SocketAddr;
use std::time::Duration;

use evergraph::http::serve;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::ask::{ENVELOPE, bare, exchange, logs_of, ready, serve_on_loopback};
use crate::fleet::{Fleet, mailboxes};

/// The head of the host's own call, in its order of headers.
fn host_call(framing: &str) -> String {
    format!(
        "POST /renew HTTP/1.1\r\nHost: 127.0.0.1:7071\r\n\
         X-Azure-Functions-HostVersion: 4.1037.0.0\r\n\
         X-Azure-Functions-InvocationId: 0f1e7a52-1f0b-4d0b-9d56-0a3f2f9f7c11\r\n\
         User-Agent: Azure-Functions-Host/4.1037.0.0\r\n{framing}\r\n\
         traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\r\n\
         Content-Type: application/json; charset=utf-8\r\nConnection: close\r\n\r\n"
    )
}

fn in_chunks(body: &str, size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in body.as_bytes().chunks(size) {
        out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

async fn check_call(address: SocketAddr, framing: &str, body: &[u8], words: &str) {
    let mut request = host_call(framing).into_bytes();
    request.extend_from_slice(body);
    let (head, body) = exchange(address, &request).await;
    assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
    assert!(
        head.contains("content-type: application/json\r\n"),
        "{head}"
    );
    // The host takes any framing, but a length cannot be cut short unseen.
    let length = format!("content-length: {}", body.len());
    assert!(head.contains(&length), "{head}");
    let logs = logs_of(body.as_bytes());
    assert!(logs[0].contains(words), "{logs:#?}");
}

#[tokio::test]
async fn a_call_arrives_in_chunks_or_with_a_length() {
    let fleet = Fleet::new(mailboxes(2));
    let address = serve_on_loopback(&ready(&fleet)).await;
    let chunked = "Transfer-Encoding: chunked";
    // A later attempt of a retry carries an exception of several KB.
    let exception = "at Some.Namespace.Method() ".repeat(300);
    let long = ENVELOPE.replace(
        "\"Metadata\":{",
        &format!("\"Metadata\":{{\"RetryContext\":{{\"Exception\":\"{exception}\"}},"),
    );
    assert!(long.len() > 8 * 1024);
    check_call(address, chunked, &in_chunks(&long, 0x400), "created 2").await;
    let body = in_chunks(ENVELOPE, 0x400);
    check_call(address, chunked, &body, "nothing was due").await;
    let body = in_chunks(ENVELOPE, 1);
    check_call(address, chunked, &body, "nothing was due").await;
    let length = format!("Content-Length: {}", ENVELOPE.len());
    check_call(address, &length, ENVELOPE.as_bytes(), "nothing was due").await;
}

#[tokio::test]
async fn a_call_without_a_body_is_answered_and_changes_nothing() {
    let fleet = Fleet::new(mailboxes(1));
    let address = serve_on_loopback(&ready(&fleet)).await;
    check_call(address, "Content-Length: 0", b"", "no body").await;
    check_call(
        address,
        "Transfer-Encoding: chunked",
        b"0\r\n\r\n",
        "no body",
    )
    .await;
    check_call(address, "X-Nothing: 1", b"", "no body").await;
    assert!(fleet.live().is_empty());
}

#[tokio::test]
async fn a_call_that_is_far_too_long_still_gets_its_answer() {
    let fleet = Fleet::new(mailboxes(1));
    let address = serve_on_loopback(&ready(&fleet)).await;
    let body = "x".repeat(12 * 1024 * 1024);
    let length = format!("Content-Length: {}", body.len());
    check_call(address, &length, body.as_bytes(), "more than").await;
    assert!(fleet.live().is_empty());
}

#[tokio::test]
async fn the_proxy_cannot_reach_the_timer_however_its_headers_are_spelt() {
    let fleet = Fleet::new(mailboxes(1));
    let address = serve_on_loopback(&ready(&fleet)).await;
    for header in [
        "x-ms-invocation-id: 1",
        "X-Ms-Invocation-Id:1",
        "X-MS-INVOCATION-ID:",
        "X-Forwarded-For: 203.0.113.7",
        "x-forwarded-host: app.example.com",
        "X-FORWARDED-PROTO: https",
    ] {
        let length = format!("{header}\r\nContent-Length: {}", ENVELOPE.len());
        let request = host_call(&length) + ENVELOPE;
        let (head, body) = exchange(address, request.as_bytes()).await;
        assert!(head.starts_with("http/1.1 404 "), "{header}: {head}");
        assert!(body.is_empty(), "{header}");
    }
    assert!(fleet.live().is_empty());
}

#[tokio::test]
async fn the_first_question_of_the_host_is_answered() {
    let address = serve_on_loopback(&bare()).await;
    // Complete as a host sends it, but for the close: no User-Agent, no Accept.
    let request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:7071\r\nConnection: close\r\n\r\n";
    let (head, _) = exchange(address, request).await;
    assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
    let request = b"HEAD / HTTP/1.1\r\nHost: 127.0.0.1:7071\r\nConnection: close\r\n\r\n";
    let (head, body) = exchange(address, request).await;
    assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
    assert!(body.is_empty());
}

async fn check_handshake(address: SocketAddr, head_and_body: &str, token: &str) {
    let (head, body) = exchange(address, head_and_body.as_bytes()).await;
    assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
    assert!(
        head.contains("content-type: text/plain; charset=utf-8\r\n"),
        "{head}"
    );
    assert!(head.contains("x-content-type-options: nosniff"), "{head}");
    assert_eq!(body, token);
}

#[tokio::test]
async fn handshakes_are_answered_byte_for_byte() {
    let address = serve_on_loopback(&bare()).await;
    let sent = "Validation%3a+Testing+client+application+reachability+for+subscription+Request-Id%3a+25460109-0e8b-4521-8090-dd691b407ed8";
    let meant = "Validation: Testing client application reachability for subscription Request-Id: 25460109-0e8b-4521-8090-dd691b407ed8";
    let tail = "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    for (query, more, token) in [
        // Graph's own form: text/plain, empty Referer and User-Agent, no body.
        (
            sent,
            "Content-Type: text/plain; charset=utf-8\r\nReferer: \r\nUser-Agent: \r\nContent-Length: 0\r\n\r\n",
            meant,
        ),
        // Through the host's proxy.
        (
            sent,
            "x-ms-invocation-id: 1\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Host: a\r\nContent-Length: 0\r\n\r\n",
            meant,
        ),
        // Neither a length nor a type, an odd type, and a body that is empty only at its end.
        (sent, "\r\n", meant),
        (
            sent,
            "Content-Type: application/x-www-form-urlencoded; =\r\nContent-Length: 0\r\n\r\n",
            meant,
        ),
        (sent, "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", meant),
        // The case of escapes, and reserved characters left as they are or escaped.
        ("a%3Ab%3ac%2Bd%2be%26f%3d%20g+h", "\r\n", "a:b:c+d+e&f= g h"),
        ("a:/?@!$'()*,;=b", "\r\n", "a:/?@!$'()*,;=b"),
    ] {
        for path in ["/api/notifications/prod", "/api/lifecycle/prod"] {
            let request = format!("POST {path}?validationToken={query} {tail}{more}");
            check_handshake(address, &request, token).await;
        }
    }
}

#[tokio::test]
async fn a_replayed_handshake_has_the_same_answer() {
    let address = serve_on_loopback(&bare()).await;
    let request = "GET /api/notifications/prod?validationToken=abc HTTP/1.1\r\nHost: x\r\n\
                   X-Azure-Functions-InvocationId: 1\r\nConnection: close\r\n\r\n";
    for _ in 0..3 {
        check_handshake(address, request, "abc").await;
    }
}

#[tokio::test]
async fn one_connection_serves_many_calls() {
    let address = serve_on_loopback(&bare()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    for _ in 0..20 {
        let call =
            b"POST /api/notifications/prod HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
        stream.write_all(call).await.unwrap();
        let mut bytes = [0; 1024];
        let length = stream.read(&mut bytes).await.unwrap();
        assert!(bytes[..length].starts_with(b"HTTP/1.1 503 "));
    }
}

#[tokio::test]
async fn serving_ends_when_it_should() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async {
        let _ = stopped.await;
    };
    let serving = tokio::spawn(serve(listener, bare().router(), shutdown));
    let _idle = TcpStream::connect(address).await.unwrap();
    stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(9), serving).await;
    ended.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
