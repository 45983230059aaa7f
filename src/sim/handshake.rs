//! Endpoint handshakes: who asks, what may come back, and Graph's words for a failure.

use std::sync::Arc;
use std::time::Duration;

use super::arrival::Arrival;
use super::calls::HandshakeRecord;
use super::exchange::Sim;
use super::refusal::Refusal;
use super::settings::ValidationWording;

/// An endpoint to validate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Handshake {
    /// Where to.
    pub url: String,
    /// What it must echo.
    pub token: String,
    /// `User-Agent`, where one is sent.
    pub user_agent: Option<String>,
    /// The echo must say that it is `text/plain`.
    pub needs_text_plain: bool,
}

/// What an endpoint did with its handshake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Echo {
    /// 200 with the token.
    Echoed,
    /// Another status; its reason in .NET's spelling, such as `Forbidden`.
    Status(String),
    /// 200, but not the token as `text/plain`.
    Wrong,
    /// No answer within the limit.
    TimedOut,
    /// No connection.
    Unreachable(String),
}

/// Asks endpoints to prove that they want notifications.
#[async_trait::async_trait]
pub trait Endpoint: Send + Sync {
    /// Runs one handshake; `timeout` is in real time.
    async fn validate(&self, handshake: &Handshake, timeout: Duration) -> Echo;
}

/// An endpoint that always answers well.
pub struct Willing;

#[async_trait::async_trait]
impl Endpoint for Willing {
    async fn validate(&self, _handshake: &Handshake, _timeout: Duration) -> Echo {
        Echo::Echoed
    }
}

/// Runs the handshakes one after another (order and parallelism are not documented), and stops
/// at the first that fails.
pub(super) async fn shake(
    sim: &Arc<Sim>,
    arrival: &Arrival,
    handshakes: Vec<Handshake>,
    endpoint: &dyn Endpoint,
) -> Result<(), Refusal> {
    for handshake in handshakes {
        let (timeout, wording) = sim.with(|service, _| {
            let rules = &service.settings.validation;
            (Duration::from_millis(rules.timeout_ms), rules.wording)
        });
        let echo = endpoint.validate(&handshake, timeout).await;
        let outcome = match &echo {
            Echo::Echoed => "echoed",
            Echo::Status(_) => "other_status",
            Echo::Wrong => "wrong_body",
            Echo::TimedOut => "timed_out",
            Echo::Unreachable(_) => "unreachable",
        };
        tracing::info!(outcome, "asked the endpoint to prove itself");
        sim.with(|service, _| {
            *service.calls.handshakes.entry(outcome.into()).or_default() += 1;
            service.calls.amend(arrival.number, |record| {
                record.handshakes.push(HandshakeRecord {
                    url: handshake.url.clone(),
                    outcome: outcome.into(),
                });
            });
        });
        if let Some(refusal) = failed(&echo, wording) {
            return Err(refusal);
        }
    }
    Ok(())
}

/// Graph's words for a failed handshake; the sources of each are with [`ValidationWording`].
fn failed(echo: &Echo, wording: ValidationWording) -> Option<Refusal> {
    const FAILED: &str = "Subscription validation request failed.";
    let must = "Notification endpoint must respond with 200 OK to validation request.";
    let code = match wording {
        ValidationWording::Y2018 => "InvalidRequest",
        ValidationWording::Y2024 | ValidationWording::Y2026 => "ValidationError",
    };
    let message = match echo {
        Echo::Echoed => return None,
        // The code of the newer time-out is quoted nowhere: the recorded ones say InvalidRequest.
        Echo::TimedOut => {
            return Some(Refusal::invalid(
                "Subscription validation request timed out.",
            ));
        }
        Echo::Wrong => {
            format!("{FAILED} Response must exactly match validationToken query parameter.")
        }
        Echo::Status(_) | Echo::Unreachable(_) if wording == ValidationWording::Y2018 => {
            format!("{FAILED} Must respond with 200 OK to this request.")
        }
        Echo::Status(name) if wording == ValidationWording::Y2026 => {
            format!("{FAILED} HTTP status code is '{name}'. {must}")
        }
        Echo::Status(_) | Echo::Unreachable(_) => format!("{FAILED} {must}"),
    };
    Some(Refusal::new(400, code, message))
}
