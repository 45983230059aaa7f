//! Requests and answers of a pretended service, and its HTTP door.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::sim::http::HungUp;

/// Largest body that is taken: packages of apps are large.
const BODY_MAX: usize = 64 * 1024 * 1024;

/// A request, as a service sees it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ask {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The segments of the path, percent-decoded.
    pub path: Vec<String>,
    /// The query, percent-decoded.
    pub query: Vec<(String, String)>,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Ask {
    /// The value of a header; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value of a parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as a JSON object; `None` where it is none.
    pub fn object(&self) -> Option<serde_json::Map<String, Value>> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Some(object),
            _ => None,
        }
    }

    /// The segments of the path, to match on.
    pub fn segments(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }
}

/// An answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers beside `Content-Type` and `Date`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// An answer with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, body.to_string())
    }

    /// An answer whose body is this text.
    pub fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// A portal says no, in these words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl Refused {
    /// The answer of a portal's HTTP door, in a form of the simulator's own.
    pub fn reply(&self) -> Reply {
        Reply::json(422, &serde_json::json!({"portal": self.0}))
    }
}

/// A pretended service.
pub trait Service: Send + Sync + 'static {
    /// Answers one request. `None`: the connection ends without an answer.
    fn answer(&self, ask: &Ask) -> Option<Reply>;
}

/// A service that listens. Dropping it ends it.
pub struct RunningService {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl RunningService {
    /// Root address, such as `http://127.0.0.1:9000`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops taking connections.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

/// Listens on a free port of 127.0.0.1 and answers until dropped.
///
/// # Errors
/// Where no port can be had.
pub async fn serve(service: Arc<dyn Service>) -> std::io::Result<RunningService> {
    serve_at(0, service).await
}

/// The same on a port of the caller's choice.
///
/// # Errors
/// Where that port cannot be had.
pub async fn serve_at(port: u16, service: Arc<dyn Service>) -> std::io::Result<RunningService> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    tasks.spawn(crate::sim::server::accept(
        listener,
        router(service),
        stopped,
    ));
    Ok(RunningService {
        address,
        stop,
        _tasks: tasks,
    })
}

/// The service as a router: every path and method leads to it.
pub fn router(service: Arc<dyn Service>) -> Router {
    Router::new()
        .fallback(call)
        .layer(axum::extract::DefaultBodyLimit::max(BODY_MAX))
        .with_state(service)
}

async fn call(
    State(service): State<Arc<dyn Service>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let ask = Ask {
        method: method.as_str().to_owned(),
        path: segments(uri.path()),
        query: url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect(),
        headers: headers
            .iter()
            .filter_map(|(name, value)| {
                Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
            })
            .collect(),
        body: body.to_vec(),
    };
    match service.answer(&ask) {
        Some(reply) => response(reply),
        None => {
            let mut answer = Response::new(Body::empty());
            answer.extensions_mut().insert(HungUp);
            answer
        }
    }
}

fn segments(path: &str) -> Vec<String> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    let decoded = parts.map(|part| percent_encoding::percent_decode_str(part).decode_utf8_lossy());
    decoded.map(std::borrow::Cow::into_owned).collect()
}

fn response(reply: Reply) -> Response<Body> {
    let kind = if matches!(reply.body.first(), Some(b'{' | b'[')) {
        "application/json"
    } else {
        "text/plain; charset=utf-8"
    };
    let mut answer = Response::new(Body::from(reply.body));
    *answer.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let into = answer.headers_mut();
    into.insert("content-type", HeaderValue::from_static(kind));
    for (name, value) in &reply.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            into.insert(name, value);
        }
    }
    answer
}
