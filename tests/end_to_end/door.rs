//! A door in front of Blob Storage that writes down who goes through.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

/// A request to storage and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `GET shards/0.json`, `PUT heartbeat.json`, `LIST`, `LEASE renew shards/0.json`.
    pub what: String,
    pub status: u16,
}

#[derive(Clone)]
struct Behind {
    client: reqwest::Client,
    origin: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// Dropped, it closes.
pub struct Door {
    /// The container's URL through the door.
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Door {
    /// A door to a container of Azurite.
    pub async fn before(container: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let origin = Url::parse(container)
            .unwrap()
            .origin()
            .ascii_serialization();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let behind = Behind {
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            origin: origin.clone(),
            seen: Arc::clone(&seen),
        };
        let router = axum::Router::new().fallback(pass_on).with_state(behind);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url: container.replace(&origin, &format!("http://{address}")),
            seen,
            task,
        }
    }

    /// What went through since the last call.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass_on(State(behind): State<Behind>, request: Request) -> Response {
    let what = name_of(&request);
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let target = head.uri.path_and_query().unwrap();
    let mut onward = behind
        .client
        .request(head.method, format!("{}{target}", behind.origin))
        .body(body);
    for (name, value) in &head.headers {
        // Of an empty body the client says no length by itself; storage asks for it.
        let is_told = name != "content-length" || value == "0";
        if name != "host" && is_told {
            onward = onward.header(name, value);
        }
    }
    let (status, response) = match onward.send().await {
        Ok(answer) => {
            let status = answer.status();
            (status, response_of(answer).await)
        }
        Err(_) => (StatusCode::BAD_GATEWAY, None),
    };
    let status = response
        .as_ref()
        .map_or(StatusCode::BAD_GATEWAY, |_| status);
    let seen = Seen {
        what,
        status: status.as_u16(),
    };
    behind.seen.lock().unwrap().push(seen);
    response.unwrap_or_else(|| {
        let mut broken = Response::new(Body::empty());
        *broken.status_mut() = StatusCode::BAD_GATEWAY;
        broken
    })
}

async fn response_of(answer: reqwest::Response) -> Option<Response> {
    const HOP: [HeaderName; 2] = [
        axum::http::header::TRANSFER_ENCODING,
        axum::http::header::CONNECTION,
    ];
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    for name in HOP {
        headers.remove(name);
    }
    let body = answer.bytes().await.ok()?;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Some(response)
}

/// What a request wants, without the container and what proves its right.
fn name_of(request: &Request) -> String {
    let query = request.uri().query().unwrap_or_default();
    let has = |pair: &str| query.split('&').any(|one| one == pair);
    // /account/container/document
    let document = request.uri().path().splitn(4, '/').nth(3);
    let document = document.unwrap_or("the container").replace("%2F", "/");
    if has("comp=list") {
        return "LIST".to_owned();
    }
    if has("comp=lease") {
        let action = request.headers().get("x-ms-lease-action");
        let action = action.and_then(|value| value.to_str().ok());
        return format!("LEASE {} {document}", action.unwrap_or_default());
    }
    format!("{} {document}", request.method())
}
