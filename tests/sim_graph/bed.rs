//! A simulator, an endpoint of the test's making, and a client.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::IntoResponse;
use evergraph::sim::server::{RunningSim, SimOptions, SimServer};
use serde_json::{Value, json};

pub const START: &str = "2026-03-01T12:00:00Z";
pub const TENANT: &str = "84bd8158-6d4d-4958-8b9f-9d6445542f95";

/// What the endpoint does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    Echo,
    Accept,
    Status(u16),
    Json,
    Html,
    Raw,
    Slow,
    Redirect,
}

/// One request that the endpoint saw.
#[derive(Clone, Debug)]
pub struct Seen {
    pub query: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

#[derive(Clone)]
pub struct Endpoint {
    pub url: String,
    manner: Arc<Mutex<Manner>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Endpoint {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            manner: Arc::new(Mutex::new(Manner::Echo)),
            seen: Arc::default(),
        };
        let router = Router::new().fallback(receive).with_state(endpoint.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        endpoint
    }

    pub fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Requests that were notifications, their bodies parsed.
    pub fn notifications(&self) -> Vec<Value> {
        let seen = self.seen();
        let posts = seen.iter().filter(|one| !one.body.is_empty());
        posts
            .map(|one| serde_json::from_str(&one.body).unwrap())
            .collect()
    }
}

async fn receive(
    State(endpoint): State<Endpoint>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> axum::response::Response {
    endpoint.seen.lock().unwrap().push(Seen {
        query: uri.query().unwrap_or_default().to_owned(),
        path: uri.path().to_owned(),
        headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let query = uri.query().unwrap_or_default().as_bytes();
    let token = url::form_urlencoded::parse(query)
        .find(|(name, _)| name == "validationToken")
        .map(|(_, value)| value.into_owned());
    let manner = *endpoint.manner.lock().unwrap();
    let plain = |text: String| ([("content-type", "text/plain")], text).into_response();
    match (manner, token) {
        (Manner::Echo, Some(token)) => plain(token),
        (Manner::Status(status), _) => {
            (axum::http::StatusCode::from_u16(status).unwrap(), "no").into_response()
        }
        (Manner::Json, Some(token)) => axum::Json(token).into_response(),
        (Manner::Html, Some(token)) => axum::response::Html(token).into_response(),
        (Manner::Raw, Some(_)) => {
            let raw = uri.query().unwrap().split('=').nth(1).unwrap();
            plain(raw.to_owned())
        }
        (Manner::Slow, _) => {
            tokio::time::sleep(Duration::from_secs(3)).await;
            plain("late".into())
        }
        (Manner::Redirect, _) => axum::response::Redirect::temporary("/other").into_response(),
        (Manner::Accept, _) | (_, None) => (axum::http::StatusCode::ACCEPTED, "").into_response(),
    }
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Got {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Got {
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }

    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}

pub struct Bed {
    pub sim: RunningSim,
    pub endpoint: Endpoint,
    client: reqwest::Client,
    pub token: String,
}

impl Bed {
    /// A simulator whose clock stands still, with a patch over the usual switches.
    pub async fn with(patch: Value) -> Self {
        let mut options = SimOptions::new(START.parse().unwrap());
        options.frozen = true;
        options.settings = options.settings.patched(patch).unwrap();
        let redirect = reqwest::redirect::Policy::none();
        Self {
            sim: SimServer::start(options).await.unwrap(),
            endpoint: Endpoint::start().await,
            client: reqwest::Client::builder()
                .redirect(redirect)
                .no_proxy()
                .build()
                .unwrap(),
            token: "me".into(),
        }
    }

    pub async fn new() -> Self {
        Self::with(json!({})).await
    }

    /// The call's answer, or `None` where the connection ended without one.
    pub async fn try_call(&self, method: &str, path: &str, body: &Value) -> Option<Got> {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.sim.url())
        };
        let method = method.parse().unwrap();
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.ok()?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.bytes().await.ok()?;
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Some(Got {
            status,
            headers,
            body,
        })
    }

    pub async fn call(&self, method: &str, path: &str, body: Value) -> Got {
        self.try_call(method, path, &body).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Got {
        self.call("GET", path, Value::Null).await
    }

    /// A create with the members laid over a usual body; null members are left out.
    pub fn body(&self, over: Value) -> Value {
        let mut body = json!({
            "resource": "users/u1/messages",
            "changeType": "created",
            "notificationUrl": format!("{}/n", self.endpoint.url),
            "expirationDateTime": "2026-03-03T12:00:00Z",
            "clientState": "secret",
        });
        for (name, value) in over.as_object().unwrap() {
            body[name] = value.clone();
        }
        body.as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        body
    }

    pub async fn create(&self, over: Value) -> Got {
        self.call("POST", "/v1.0/subscriptions", self.body(over))
            .await
    }

    pub async fn one(&self, id: &str) -> Got {
        self.get(&format!("/v1.0/subscriptions/{id}")).await
    }

    pub async fn renew(&self, id: &str, body: Value) -> Got {
        self.call("PATCH", &format!("/v1.0/subscriptions/{id}"), body)
            .await
    }

    /// Ids of all pages, and the number of pages.
    pub async fn list(&self) -> (Vec<String>, usize) {
        let (mut ids, mut pages) = (Vec::new(), 0);
        let mut next = Some("/v1.0/subscriptions".to_owned());
        while let Some(path) = next {
            let page = self.get(&path).await.expect(200);
            pages += 1;
            for row in page.body["value"].as_array().unwrap() {
                ids.push(row["id"].as_str().unwrap().to_owned());
            }
            next = page.body["@odata.nextLink"].as_str().map(str::to_owned);
        }
        (ids, pages)
    }

    pub async fn sim_post(&self, path: &str, body: Value) -> Got {
        self.call("POST", &format!("/_sim/{path}"), body).await
    }

    pub async fn advance(&self, by: &str) {
        self.sim_post("clock", json!({ "advance": by }))
            .await
            .expect(200);
    }

    pub async fn patch(&self, patch: Value) {
        self.call("PATCH", "/_sim/settings", patch)
            .await
            .expect(200);
    }

    pub async fn fault(&self, rule: Value) {
        self.sim_post("faults", rule).await.expect(200);
    }
}

/// Waits, a short while of real time at most, until the condition holds.
#[track_caller]
pub fn eventually(what: &'static str, mut holds: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        for _ in 0..1000 {
            if holds() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("never happened: {what} ({caller})");
    }
}
