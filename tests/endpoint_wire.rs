//! The self-handshake against real sockets: our own handler, and what may stand in front of it.

#![allow(clippy::unwrap_used, reason = "test file")]

#[path = "graph_wire/scripted.rs"]
#[expect(dead_code, reason = "shared with the tests of the Graph client")]
mod scripted;

use std::time::Duration;

use evergraph::adapters::endpoint::EndpointOverHttp;
use evergraph::domain::ids::FleetId;
use evergraph::http::{Handler, serve};
use evergraph::ports::endpoint::{Obstacle, OwnEndpoint, Unreachable};
use jiff::SignedDuration;
use scripted::{Scripted, Step};
use tokio::net::TcpListener;
use url::Url;

/// For answers that never come.
const SHORT: Duration = Duration::from_millis(300);

/// For those that do, on a machine that is busy.
const LONG: Duration = Duration::from_secs(10);

async fn shake(origin: &str, path: &str) -> Result<(), Unreachable> {
    shake_within(LONG, origin, path).await
}

async fn shake_within(whole: Duration, origin: &str, path: &str) -> Result<(), Unreachable> {
    let root = Url::parse(origin).unwrap();
    let endpoint = EndpointOverHttp::waiting(&root, whole);
    endpoint.shake(&format!("{origin}{path}")).await
}

fn answer(status: &str, headers: &str, body: &str) -> Step {
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
    Step::Send(text.into_bytes())
}

async fn check_at(origin: &str, obstacle: Obstacle) -> Unreachable {
    let found = shake(origin, "/api/notifications/prod").await.unwrap_err();
    assert_eq!(found.obstacle, obstacle, "{found}");
    assert!(!found.seen.contains("validationToken"), "{found}");
    found
}

async fn check(step: Step, obstacle: Obstacle) {
    let server = Scripted::start(vec![step]).await;
    check_at(&server.root, obstacle).await;
}

async fn handler() -> String {
    let fleets = vec![FleetId::parse("prod").unwrap()];
    let handler = Handler::new(fleets, SignedDuration::from_mins(5));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(listener, handler.router(), std::future::pending()));
    origin
}

#[tokio::test]
async fn our_own_handler_answers_on_both_routes() {
    let origin = handler().await;
    for path in ["/api/notifications/prod", "/api/lifecycle/prod"] {
        assert_eq!(shake(&origin, path).await, Ok(()), "{path}");
    }
    let other = shake(&origin, "/api/notifications/other").await;
    assert_eq!(other.unwrap_err().obstacle, Obstacle::NoSuchFleet);
}

#[tokio::test]
async fn the_request_is_as_graph_sends_it() {
    let server = Scripted::start(vec![answer("200 OK", "", "")]).await;
    check_at(&server.root, Obstacle::EchoAltered).await;
    let request = server.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let line = head.lines().next().unwrap();
    assert!(line.starts_with("POST /api/notifications/prod?validationToken=validation%3a+self"));
    assert!(line.contains("%2b"), "plus signs: {line}");
    let head = head.to_ascii_lowercase();
    assert!(head.contains("content-type: text/plain"), "{head}");
    assert!(head.contains("content-length: 0"), "{head}");
    assert_eq!(body, "");
}

#[tokio::test]
async fn a_sign_in_in_front_is_recognised_and_not_followed() {
    check(answer("401 Unauthorized", "", ""), Obstacle::AuthInFront).await;
    check(answer("403 Forbidden", "", ""), Obstacle::AuthInFront).await;
    let to = "Location: https://login.microsoftonline.com/common/oauth2/authorize\r\n";
    let server = Scripted::start(vec![answer("302 Found", to, "")]).await;
    check_at(&server.root, Obstacle::AuthInFront).await;
    let elsewhere =
        Scripted::start_with(|root| vec![answer("308 x", &format!("Location: {root}/b\r\n"), "")]);
    let elsewhere = elsewhere.await;
    check_at(&elsewhere.root, Obstacle::Redirected).await;
    assert_eq!(elsewhere.requests().len(), 1, "it was not followed");
}

#[tokio::test]
async fn access_restrictions_and_stopped_apps_are_told_apart() {
    let ip = "x-ms-forbidden-ip: 20.1.2.3\r\nContent-Type: text/html\r\n";
    let step = answer("403 Ip Forbidden", ip, "<h1>Error 403 - Forbidden</h1>");
    check(step, Obstacle::AccessRestricted).await;
    let page = "<h1>Error 403 - This web app is stopped.</h1>";
    check(answer("403 Site Disabled", "", page), Obstacle::NotRunning).await;
    let page = "Function host is not running.";
    check(answer("503 x", "", page), Obstacle::NotRunning).await;
}

#[tokio::test]
async fn what_never_comes_is_given_up_in_time() {
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab".to_vec();
    for bytes in [Vec::new(), half] {
        let server = Scripted::start(vec![Step::Hang(bytes)]).await;
        let found = shake_within(SHORT, &server.root, "/api/notifications/prod").await;
        assert_eq!(found.unwrap_err().obstacle, Obstacle::Timeout);
    }
}

#[tokio::test]
async fn a_closed_port_an_unknown_name_and_bad_tls_have_their_own_words() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    check_at(&format!("http://127.0.0.1:{port}"), Obstacle::NoConnection).await;
    // A label of a name has at most 63 characters, so no resolver needs to be asked.
    let name = "x".repeat(64);
    check_at(&format!("http://{name}.invalid"), Obstacle::Name).await;
    let tls = handler().await.replace("http:", "https:");
    check_at(&tls, Obstacle::Tls).await;
}

#[tokio::test]
async fn a_page_without_end_is_not_read_to_its_end() {
    let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n".to_vec();
    bytes.extend(std::iter::repeat_n(b'x', 64 * 1024));
    let found = Scripted::start(vec![Step::Hang(bytes)]).await;
    let found = check_at(&found.root, Obstacle::EchoAltered).await;
    assert!(found.seen.chars().count() < 400, "{found}");
}
