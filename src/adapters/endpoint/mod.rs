//! Our own public addresses, validated over HTTP as Graph validates them.

mod judge;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use reqwest::Response;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use url::{Url, form_urlencoded};

use super::outgoing::{Outgoing, chain};
use crate::ports::endpoint::{Obstacle, OwnEndpoint, Unreachable};
use judge::Seen;

/// How long Graph waits for the answer to a validation
/// (learn.microsoft.com/graph/change-notifications-delivery-webhooks).
pub const GRAPH_WAITS: Duration = Duration::from_secs(10);

/// As much of an answer is read: a token has about a hundred characters, a page of an
/// obstacle says early what it is.
const BODY_MAX: usize = 16 * 1024;

/// Reserved characters, both kinds of blank, a plus sign, and what a page or a gateway that
/// decodes twice would spoil. Lower case only, because escapes are sent in lower case, as Graph
/// sends them.
const TOKEN: &str = "validation: self test +1 a+b c%2bd e%20f &x=1 /?#[]@!$'()*,; <é> ";

/// Validates addresses of our own.
#[derive(Debug)]
pub struct EndpointOverHttp {
    outgoing: Outgoing,
    count: AtomicU64,
}

impl EndpointOverHttp {
    /// Nothing is sent yet. `origin` is where all the addresses are.
    pub fn new(origin: &Url) -> Self {
        Self::waiting(origin, GRAPH_WAITS)
    }

    /// The same with another time than Graph's.
    pub fn waiting(origin: &Url, whole: Duration) -> Self {
        Self {
            outgoing: Outgoing::to(origin).answered_within(whole),
            // Not the same token as another process: a cache in between would prove nothing.
            count: AtomicU64::new(fastrand::Rng::new().u64(..)),
        }
    }

    fn token(&self) -> String {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        format!("{TOKEN}{number:016x}")
    }
}

/// The address with the token, as Graph writes it: a form with lower-case escapes.
fn with_token(address: &str, token: &str) -> String {
    let token: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
    format!("{address}?validationToken={}", token.to_ascii_lowercase())
}

#[async_trait::async_trait]
impl OwnEndpoint for EndpointOverHttp {
    async fn shake(&self, address: &str) -> Result<(), Unreachable> {
        let token = self.token();
        let client = self.outgoing.client().map_err(|why| Unreachable {
            obstacle: Obstacle::OtherAnswer,
            seen: why.to_owned(),
        })?;
        let call = client
            .post(with_token(address, &token))
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            // Written out: without it some gateways answer 411.
            .header(CONTENT_LENGTH, "0");
        let answer = call.send().await.map_err(|error| broken(&error))?;
        let seen = read(answer).await.map_err(|error| broken(&error))?;
        seen.judge(&token)
    }
}

async fn read(answer: Response) -> Result<Seen, reqwest::Error> {
    let header = |name: &str| {
        let value = answer.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let mut seen = Seen {
        status: answer.status().as_u16(),
        content_type: header("content-type").unwrap_or_default(),
        location: header("location"),
        forbidden_ip: header("x-ms-forbidden-ip"),
        body: Vec::new(),
    };
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        let room = BODY_MAX - seen.body.len();
        seen.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if seen.body.len() == BODY_MAX {
            break;
        }
    }
    Ok(seen)
}

/// No answer, or half of one.
fn broken(error: &reqwest::Error) -> Unreachable {
    let words = chain(error);
    let said = words.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| said.contains(part));
    // The client tells names from connections in words alone.
    let obstacle = if says(&["dns error", "failed to lookup"]) {
        Obstacle::Name
    } else if error.is_timeout() {
        Obstacle::Timeout
    } else if says(&["certificate", "tls", "handshake", "corrupt message"]) {
        Obstacle::Tls
    } else if error.is_connect() {
        Obstacle::NoConnection
    } else {
        Obstacle::OtherAnswer
    };
    Unreachable {
        obstacle,
        seen: words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_written_as_graph_writes_it() {
        let url = with_token("https://a.example/api/notifications/prod", "a: b+c/é");
        assert_eq!(
            url,
            "https://a.example/api/notifications/prod?validationToken=a%3a+b%2bc%2f%c3%a9"
        );
        assert_eq!(TOKEN, TOKEN.to_lowercase(), "escapes are made lower case");
        let parsed = Url::parse(&with_token("https://a.example/x", TOKEN)).unwrap();
        let (_, back) = parsed.query_pairs().next().unwrap();
        assert_eq!(back, TOKEN);
    }

    #[test]
    fn no_two_tokens_are_the_same() {
        let endpoint = EndpointOverHttp::new(&Url::parse("http://127.0.0.1:1").unwrap());
        assert_ne!(endpoint.token(), endpoint.token());
    }
}
