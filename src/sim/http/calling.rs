//! Calls to endpoints: handshakes and notifications, by real HTTP.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use tokio::task::JoinSet;
use tokio::time::Instant;
use url::Url;

use crate::sim::deliveries::{Outcome, Sending};
use crate::sim::exchange::Sim;
use crate::sim::handshake::{Echo, Endpoint, Handshake};

/// Longest reply to a handshake that is read; the token has about 120 bytes.
const ECHO_BYTES_MAX: usize = 16 * 1024;

/// Attempts under way at one time.
const SENDING_MAX: usize = 64;

/// The client that calls endpoints. Redirects are not followed: the reply must be a 200 itself.
/// A proxy of the machine is not used: endpoints of a simulation are near.
#[derive(Clone)]
pub(in crate::sim) struct Caller {
    client: reqwest::Client,
}

impl Caller {
    pub(in crate::sim) fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { client })
    }

    async fn shake(&self, handshake: &Handshake) -> Echo {
        let Ok(mut url) = Url::parse(&handshake.url) else {
            return Echo::Unreachable("no URL".into());
        };
        // An address with a query of its own keeps it on every call.
        let token = form_encoded(&handshake.token);
        let query = match url.query() {
            Some(own) if !own.is_empty() => format!("{own}&validationToken={token}"),
            _ => format!("validationToken={token}"),
        };
        url.set_query(Some(&query));
        let mut request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .body("");
        if let Some(agent) = &handshake.user_agent {
            request = request.header(USER_AGENT, agent);
        }
        match request.send().await {
            Ok(answer) => judge(answer, handshake).await,
            Err(error) => Echo::Unreachable(error.to_string()),
        }
    }

    async fn send(&self, sending: &Sending) -> Result<u16, String> {
        let request = self
            .client
            .post(&sending.url)
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .timeout(sending.timeout)
            .body(sending.body.clone());
        match request.send().await {
            Ok(answer) => Ok(answer.status().as_u16()),
            Err(error) if error.is_timeout() => Err("no answer in time".into()),
            Err(error) => Err(error.without_url().to_string()),
        }
    }
}

#[async_trait::async_trait]
impl Endpoint for Caller {
    async fn validate(&self, handshake: &Handshake, timeout: Duration) -> Echo {
        tokio::time::timeout(timeout, self.shake(handshake))
            .await
            .unwrap_or(Echo::TimedOut)
    }
}

async fn judge(answer: reqwest::Response, handshake: &Handshake) -> Echo {
    let status = answer.status();
    if status.as_u16() != 200 {
        // .NET's spelling of a status: its reason without blanks.
        let name = status
            .canonical_reason()
            .unwrap_or_default()
            .replace([' ', '-'], "");
        return Echo::Status(if name.is_empty() {
            status.as_u16().to_string()
        } else {
            name
        });
    }
    let kind = answer.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let plain = kind
        .split(';')
        .next()
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/plain"));
    match read_short(answer).await {
        Err(error) => Echo::Unreachable(error),
        Ok(Some(body)) if body == handshake.token.as_bytes() => {
            if plain || !handshake.needs_text_plain {
                Echo::Echoed
            } else {
                Echo::Wrong
            }
        }
        Ok(_) => Echo::Wrong,
    }
}

/// The body; `None` where it is longer than any echo.
async fn read_short(mut answer: reqwest::Response) -> Result<Option<Vec<u8>>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| error.to_string())? {
        body.extend_from_slice(&chunk);
        if body.len() > ECHO_BYTES_MAX {
            return Ok(None);
        }
    }
    Ok(Some(body))
}

/// Form encoding as the real service does it: a blank is `+`, hex is in lower case (access log
/// of 2024-08-28: `Validation%3a+Testing+client+application+…`).
fn form_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b' ' => encoded.push('+'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                encoded.push(char::from(byte));
            }
            // Writing to a String cannot fail.
            other => drop(write!(encoded, "%{other:02x}")),
        }
        encoded
    })
}

/// Sends what is due, as long as the simulator runs. Wakes when something is queued, when the
/// virtual clock is moved, and when its time comes by itself.
pub(in crate::sim) async fn deliver(sim: Arc<Sim>, caller: Caller) {
    let mut sending: JoinSet<()> = JoinSet::new();
    loop {
        let room = SENDING_MAX - sending.len();
        let (due, next, now) = sim.with(|service, at| {
            let due = service.due(at, room);
            (due, service.next_due(at.now), at.now)
        });
        for one in due {
            let (sim, caller) = (Arc::clone(&sim), caller.clone());
            sending.spawn(async move { attempt(&sim, &caller, one).await });
        }
        let full = sending.len() >= SENDING_MAX;
        let wait = next
            .filter(|_| !full && !sim.clock.is_frozen())
            .map(|next| Duration::try_from(next.duration_since(now)).unwrap_or_default());
        tokio::select! {
            () = sim.stirred.notified() => {}
            () = sim.clock.changed() => {}
            () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            Some(ended) = sending.join_next() => {
                if let Err(broken) = ended {
                    tracing::error!(%broken, "a delivery broke off");
                }
            }
        }
    }
}

async fn attempt(sim: &Sim, caller: &Caller, sending: Sending) {
    let began = Instant::now();
    let answer = caller.send(&sending).await;
    let took = began.elapsed();
    tracing::info!(
        delivery = sending.number,
        status = answer.as_ref().ok(),
        error = answer.as_ref().err(),
        "sent a notification"
    );
    let outcome = Outcome { answer, took };
    sim.with(|service, at| service.attempted(at, &sending, outcome));
    // What follows may be a notification itself.
    sim.stir();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_encoded_like_the_recorded_ones() {
        assert_eq!(
            form_encoded("Validation: Testing client Request-Id: 25460109-0e8b"),
            "Validation%3a+Testing+client+Request-Id%3a+25460109-0e8b"
        );
    }
}
