//! Requests as Graph, or somebody in its name, sends them, and what comes back.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, USER_AGENT};
use tokio::time::Instant;
use url::Url;

use crate::domain::ownership::is_loopback;

/// Longest wait for an answer: what Graph grants a handshake and a retry.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of an answer that are looked at.
const ANSWER_MAX: usize = 64 * 1024;

/// How a body is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Load {
    /// None at all.
    Nothing,
    /// With its length.
    Whole(String),
    /// In chunks of a few bytes, without a length.
    Chunked(String),
    /// In two halves, with a pause between.
    Paused(String, Duration),
    /// Its first half, and then nothing any more.
    Stalled(String),
}

/// One request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// Added to the query as it is.
    pub(super) query: Option<String>,
    pub(super) content_type: Option<&'static str>,
    /// `User-Agent`; none is sent where it is `None`.
    pub(super) agent: Option<&'static str>,
    pub(super) load: Load,
}

impl Ask {
    /// A handshake with an encoded token, as real ones were logged: no agent, no body.
    pub(super) fn handshake(encoded: &str) -> Self {
        Self {
            method: Method::POST,
            query: Some(format!("validationToken={encoded}")),
            content_type: Some("text/plain; charset=utf-8"),
            agent: None,
            load: Load::Nothing,
        }
    }

    /// A notification.
    pub(super) fn notification(body: impl Into<String>) -> Self {
        Self {
            method: Method::POST,
            query: None,
            content_type: Some("application/json; charset=utf-8"),
            agent: None,
            load: Load::Whole(body.into()),
        }
    }

    pub(super) fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    pub(super) fn content_type(mut self, kind: Option<&'static str>) -> Self {
        self.content_type = kind;
        self
    }

    pub(super) fn load(mut self, load: Load) -> Self {
        self.load = load;
        self
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    pub(super) took: Duration,
}

/// Why nothing came back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Silence {
    /// Not in time.
    TimedOut,
    /// The connection ended, or never began.
    Broken(String),
}

/// Sends requests to one address and counts them.
pub(super) struct Asker {
    client: reqwest::Client,
    url: Url,
    stall: Duration,
    sent: AtomicU32,
}

impl Asker {
    /// Redirects are not followed, as Graph's are not. Each request has a connection of its own,
    /// so that a case cannot spoil the next.
    pub(super) fn new(url: Url, stall: Duration) -> Result<Self, reqwest::Error> {
        let mut client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0);
        if is_loopback(&url) {
            client = client.no_proxy();
        }
        Ok(Self {
            client: client.build()?,
            url,
            stall,
            sent: AtomicU32::new(0),
        })
    }

    /// Requests so far.
    pub(super) fn sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Sends one; waits ten seconds at most.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Answer, Silence> {
        self.ask_for(ask, PATIENCE).await
    }

    /// Sends one whose end never comes; waits as long as the caller of the suite said.
    pub(super) async fn ask_endlessly(&self, ask: &Ask) -> Result<Answer, Silence> {
        self.ask_for(ask, self.stall).await
    }

    async fn ask_for(&self, ask: &Ask, patience: Duration) -> Result<Answer, Silence> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        let answer = tokio::time::timeout(patience, self.exchange(ask)).await;
        let (status, headers, body) = answer.unwrap_or(Err(Silence::TimedOut))?;
        let took = began.elapsed();
        Ok(Answer {
            status,
            headers,
            body,
            took,
        })
    }

    async fn exchange(&self, ask: &Ask) -> Result<(u16, HeaderMap, String), Silence> {
        let mut url = self.url.clone();
        if let Some(added) = &ask.query {
            // An address with a query of its own, such as a function key, keeps it.
            let query = match url.query() {
                Some(own) if !own.is_empty() => format!("{own}&{added}"),
                _ => added.clone(),
            };
            url.set_query(Some(&query));
        }
        let mut request = self.client.request(ask.method.clone(), url);
        if let Some(kind) = ask.content_type {
            request = request.header(CONTENT_TYPE, kind);
        }
        if let Some(agent) = ask.agent {
            request = request.header(USER_AGENT, agent);
        }
        let request = match body_of(&ask.load) {
            Some(body) => request.body(body),
            // Graph's POST without a body says that its length is 0.
            None if ask.method == Method::POST => request.body(""),
            None => request,
        };
        let broken = |error: reqwest::Error| Silence::Broken(innermost(&error.without_url()));
        let mut answer = request.send().await.map_err(broken)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(broken)? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_MAX {
                body.truncate(ANSWER_MAX);
                break;
            }
        }
        Ok((status, headers, String::from_utf8_lossy(&body).into_owned()))
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

type Chunk = Result<Bytes, std::io::Error>;

fn body_of(load: &Load) -> Option<reqwest::Body> {
    match load {
        Load::Nothing => None,
        Load::Whole(text) => Some(text.clone().into()),
        Load::Chunked(text) => {
            let parts: Vec<Chunk> = text
                .as_bytes()
                .chunks(7)
                .map(|part| Ok(Bytes::copy_from_slice(part)))
                .collect();
            Some(reqwest::Body::wrap_stream(stream::iter(parts)))
        }
        Load::Paused(text, pause) => Some(halves(text, *pause)),
        // Far beyond every patience here.
        Load::Stalled(text) => Some(halves(text, PATIENCE * 100)),
    }
}

fn halves(text: &str, pause: Duration) -> reqwest::Body {
    let (first, second) = text.as_bytes().split_at(text.len() / 2);
    let (first, second) = (
        Bytes::copy_from_slice(first),
        Bytes::copy_from_slice(second),
    );
    let parts = [(first, Duration::ZERO), (second, pause)];
    let sent = stream::unfold(parts.into_iter(), |mut rest| async move {
        let (part, pause) = rest.next()?;
        tokio::time::sleep(pause).await;
        Some((Chunk::Ok(part), rest))
    });
    reqwest::Body::wrap_stream(sent)
}
