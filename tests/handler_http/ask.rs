//! Asking a handler, with and without a socket.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use evergraph::http::{Handler, HandlerParts, serve};
use jiff::SignedDuration;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use crate::fleet::{Fleet, home};

/// What a running host sends at the first run of a timer.
pub const ENVELOPE: &str = r#"{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":{"Last":"0001-01-01T00:00:00+00:00","Next":"2026-11-23T00:52:00+00:00","LastUpdated":"0001-01-01T00:00:00+00:00"},"IsPastDue":false}},"Metadata":{"sys":{"MethodName":"renew","UtcNow":"2026-11-23T00:51:22.3967032Z","RandGuid":"67ad2d1f-84a4-4e0e-92ad-8bb5b1d5a3a7"}}}"#;

/// A handler of the fleet `prod`, which was `staging` before; nothing behind it yet.
pub fn bare() -> Handler {
    let former = ["https://old.example.com/api/notifications/staging"];
    let home = home("https://app.example.com", "prod", &former);
    Handler::new(
        home.fleets().cloned().collect(),
        SignedDuration::from_mins(5),
    )
}

pub fn parts(fleet: &Fleet) -> HandlerParts {
    HandlerParts {
        services: fleet.services.clone(),
        config: fleet.config.clone(),
        pass_limit: Duration::from_secs(570),
    }
}

/// A handler with everything behind it.
pub fn ready(fleet: &Fleet) -> Handler {
    let handler = bare();
    handler.ready(parts(fleet));
    handler
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }

    /// The log lines of an answer that the host accepts; fails on any other.
    #[track_caller]
    pub fn logs(&self) -> Vec<String> {
        assert_eq!(self.status, StatusCode::OK);
        assert_eq!(self.header("content-type"), "application/json");
        logs_of(&self.body)
    }
}

/// The log lines of a body that has exactly the members of the protocol.
#[track_caller]
pub fn logs_of(body: &[u8]) -> Vec<String> {
    let answer: Value = serde_json::from_slice(body).unwrap();
    let members = answer.as_object().unwrap();
    assert_eq!(members.len(), 3);
    assert_eq!(members["Outputs"], serde_json::json!({}));
    assert_eq!(members["ReturnValue"], Value::Null);
    let lines = members["Logs"].as_array().unwrap();
    assert!(!lines.is_empty(), "an answer always says something");
    lines
        .iter()
        .map(|line| line.as_str().unwrap().to_owned())
        .collect()
}

pub async fn ask(handler: &Handler, request: Request<Body>) -> Answer {
    let response = handler.router().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    Answer {
        status: head.status,
        headers: head.headers,
        body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
    }
}

pub async fn get(handler: &Handler, target: &str) -> Answer {
    ask(handler, Request::get(target).body(Body::empty()).unwrap()).await
}

pub async fn post(handler: &Handler, target: &str, body: impl Into<Body>) -> Answer {
    ask(handler, Request::post(target).body(body.into()).unwrap()).await
}

/// Serves on a free loopback port until the test ends.
pub async fn serve_on_loopback(handler: &Handler) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(
        listener,
        handler.router(),
        std::future::pending::<()>(),
    ));
    address
}

/// Sends bytes as they are and reads the answer to the end of the connection.
pub async fn exchange(address: std::net::SocketAddr, request: &[u8]) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), body.to_owned())
}
