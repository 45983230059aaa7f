//! A receiver that does everything right, except for one twist.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use evergraph::cli::probe::{Report, Target, probe};
use serde_json::Value;
use tokio::net::TcpListener;
use url::Url;

/// Longest body that is read.
const BODY_MAX: usize = 1 << 20;

/// A request, read whole.
pub struct Seen {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub token: Option<String>,
}

impl Seen {
    /// The items, where the body has some.
    pub fn items(&self) -> Vec<Value> {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["value"].as_array().cloned().unwrap_or_default()
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    pub fn is_handshake(&self) -> bool {
        self.token.is_some() && !self.json().is_some_and(|body| body["value"].is_array())
    }

    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

/// What is wrong: an answer instead of the right one.
pub type Twist = fn(&Seen) -> Option<Response>;

/// How bodies are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reading {
    /// For a while.
    Patient,
    /// Without end.
    Endless,
    /// One after another.
    InTurn,
    /// A body beyond the bound is an error of the server.
    Unbounded,
}

#[derive(Clone)]
struct Wrong {
    twist: Twist,
    reading: Reading,
    turn: Arc<tokio::sync::Mutex<()>>,
}

pub fn plain(status: u16, text: impl Into<String>) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("content-type", "text/plain")], text.into()).into_response()
}

pub fn echo(token: impl Into<String>) -> Response {
    let mut answer = plain(200, token);
    let value = "nosniff".parse().unwrap();
    answer.headers_mut().insert("x-content-type-options", value);
    answer
}

/// Serves until the test ends.
pub async fn receiver(twist: Twist, reading: Reading) -> Url {
    let wrong = Wrong {
        twist,
        reading,
        turn: Arc::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/n?code=key", listener.local_addr().unwrap());
    let router = Router::new().fallback(receive).with_state(wrong);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url.parse().unwrap()
}

async fn receive(State(wrong): State<Wrong>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let _turn = match wrong.reading {
        Reading::InTurn => Some(wrong.turn.lock().await),
        _ => None,
    };
    let body = match read(body, wrong.reading).await {
        Ok(body) => body,
        Err(status) => return plain(status, ""),
    };
    let query = head.uri.query().unwrap_or_default().as_bytes();
    let token = url::form_urlencoded::parse(query)
        .find(|(name, value)| name == "validationToken" && !value.is_empty())
        .map(|(_, value)| value.into_owned());
    let seen = Seen {
        method: head.method,
        uri: head.uri,
        headers: head.headers,
        body,
        token,
    };
    (wrong.twist)(&seen).unwrap_or_else(|| right(&seen))
}

async fn read(body: Body, reading: Reading) -> Result<Bytes, u16> {
    let patience = match reading {
        Reading::Endless | Reading::InTurn => Duration::from_secs(3_600),
        Reading::Patient | Reading::Unbounded => Duration::from_millis(1_500),
    };
    match tokio::time::timeout(patience, to_bytes(body, BODY_MAX)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) if reading == Reading::Unbounded => Err(500),
        Ok(Err(_)) => Err(413),
        Err(_) => Err(408),
    }
}

fn right(seen: &Seen) -> Response {
    match &seen.token {
        Some(token) if seen.is_handshake() && token.len() <= 4096 => echo(token),
        Some(_) if seen.is_handshake() => plain(400, ""),
        _ if seen.method == Method::POST => plain(202, ""),
        _ => plain(405, ""),
    }
}

pub fn target(url: Url, only: &[&str]) -> Target {
    Target {
        url,
        only: only.iter().map(|id| (*id).to_owned()).collect(),
        limit: Duration::from_secs(120),
        stall: Duration::from_millis(2_500),
        owned: false,
    }
}

pub async fn report(url: Url, only: &[&str]) -> Report {
    probe(&target(url, only)).await.unwrap()
}
