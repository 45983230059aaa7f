//! One call from arrival to answer: what both doors share.
//!
//! Latency, faults, the handshakes between the two halves of a create, and the very bytes of
//! the answer are decided here, so that HTTP and the in-process door cannot disagree.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::calls::HandshakeRecord;
use super::clock::{At, SimClock};
use super::faults::Effect;
use super::refusal::Refusal;
use super::request::{Op, Request};
use super::row::{Row, Shown};
use super::service::{Arrival, Handshake, Page, Service};
use super::settings::{Settings, ValidationWording};
use super::token::Caller;

/// The service and its clock, shared by everything that runs on them.
pub struct Sim {
    /// The virtual clock.
    pub clock: SimClock,
    service: Mutex<Service>,
    pub(super) stirred: tokio::sync::Notify,
}

impl Sim {
    /// A simulator without doors.
    pub fn new(clock: SimClock, settings: Settings, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            clock,
            service: Mutex::new(Service::new(settings, seed)),
            stirred: tokio::sync::Notify::new(),
        })
    }

    /// Looks at or changes the service, at the present moment.
    pub fn with<T>(&self, look: impl FnOnce(&mut Service, At) -> T) -> T {
        let at = self.clock.at();
        let mut service = self.service.lock().unwrap_or_else(PoisonError::into_inner);
        look(&mut service, at)
    }

    /// Wakes the sending of notifications: something was queued.
    pub(super) fn stir(&self) {
        self.stirred.notify_one();
    }
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

/// A moment of a call at which a test may want to act.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// The call arrived and has had no effect.
    Arrived,
    /// The call has had its effect, the reply is not sent.
    Acted,
}

/// Told of each moment; whoever kills workers at awaits does it from here.
pub type Watch = Arc<dyn Fn(&Request, Moment) + Send + Sync>;

/// How a call ended for the caller.
#[derive(Clone, Debug)]
pub enum Exchange {
    /// With an answer.
    Answered(Box<Answer>),
    /// The connection ended without one.
    Lost,
    /// It could not be sent.
    Unreachable,
}

/// An answer, down to its bytes.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Date`.
    pub date: Timestamp,
    /// `request-id`.
    pub request_id: String,
    /// `client-request-id`.
    pub client_request_id: String,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// `Location`.
    pub location: Option<String>,
    /// The body; empty for 204.
    pub body: Vec<u8>,
    /// What a success holds.
    pub content: Content,
}

/// What an answer holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// A row.
    Row(Box<Row>),
    /// A page of rows and the address of the next.
    Page(Vec<Row>, Option<String>),
    /// Success without content.
    Done,
    /// A refusal.
    Refused(Refusal),
    /// Bytes of a test's choice, with a success status.
    Garbled,
}

/// Runs one call. Effects happen even if the caller goes away: run it in a task of its own.
pub async fn exchange(
    sim: &Arc<Sim>,
    request: &Request,
    endpoint: &dyn Endpoint,
    watch: Option<&Watch>,
) -> Exchange {
    let arrival = sim.with(|service, at| service.arrive(at, request));
    let half = Duration::from_micros(arrival.latency_ms * 500);
    pause(half + held(&arrival.fault, Moment::Arrived)).await;
    if let Some(watch) = watch {
        watch(request, Moment::Arrived);
    }
    let outcome = match before_effect(&arrival, request) {
        Before::Lost => return lost(sim, &arrival, request, Exchange::Lost),
        Before::Unreachable => return lost(sim, &arrival, request, Exchange::Unreachable),
        Before::Refused(refusal) => Err(refusal),
        Before::GoOn => perform(sim, request, &arrival, endpoint).await,
    };
    if let Some(watch) = watch {
        watch(request, Moment::Acted);
    }
    pause(half + held(&arrival.fault, Moment::Acted)).await;
    if arrival.fault == Some(Effect::LoseAfter) {
        return lost(sim, &arrival, request, Exchange::Lost);
    }
    let outcome = match (outcome, &arrival.fault) {
        (Ok(_), Some(Effect::AnswerAfter(injected))) => Err(injected.refusal(request.op)),
        (outcome, _) => outcome,
    };
    answer(sim, request, &arrival, outcome)
}

async fn pause(length: Duration) {
    if !length.is_zero() {
        tokio::time::sleep(length).await;
    }
}

fn held(fault: &Option<Effect>, moment: Moment) -> Duration {
    match (fault, moment) {
        (Some(Effect::HoldBefore { ms }), Moment::Arrived)
        | (Some(Effect::HoldReply { ms }), Moment::Acted) => Duration::from_millis(*ms),
        _ => Duration::ZERO,
    }
}

enum Before {
    GoOn,
    Lost,
    Unreachable,
    Refused(Refusal),
}

fn before_effect(arrival: &Arrival, request: &Request) -> Before {
    match &arrival.fault {
        Some(Effect::LoseBefore) => return Before::Lost,
        Some(Effect::Unreachable) => return Before::Unreachable,
        Some(Effect::Answer(injected)) => return Before::Refused(injected.refusal(request.op)),
        Some(Effect::Redirect { location }) if !request.redirected => {
            let mut refusal = Refusal::typical(308, request.op.extension_word());
            refusal.location = Some(location.clone());
            return Before::Refused(refusal);
        }
        _ => {}
    }
    match &arrival.throttled {
        Some(refusal) => Before::Refused(refusal.clone()),
        None => Before::GoOn,
    }
}

fn lost(sim: &Sim, arrival: &Arrival, request: &Request, how: Exchange) -> Exchange {
    sim.with(|service, _| service.calls.close(arrival.number, request.op, None, None));
    tracing::info!(
        operation = request.op.as_str(), request_id = %arrival.request_id,
        fault = arrival.fault.as_ref().map(Effect::as_str),
        "{} was not answered", request.op.as_str()
    );
    how
}

async fn perform(
    sim: &Arc<Sim>,
    request: &Request,
    arrival: &Arrival,
    endpoint: &dyn Endpoint,
) -> Result<Content, Refusal> {
    let caller = request.caller.as_ref().map_err(Clone::clone)?;
    let id = request.id.as_deref().unwrap_or_default();
    match request.op {
        Op::Create => create(sim, request, arrival, caller, endpoint).await,
        Op::Renew => renew(sim, request, arrival, caller, endpoint).await,
        Op::Get => sim
            .with(|service, at| service.get(at, caller, id))
            .map(|row| Content::Row(Box::new(row))),
        Op::List => sim
            .with(|service, at| service.list(at, caller, request.skiptoken.as_deref()))
            .map(|page| page_content(page, request, arrival.fault.as_ref())),
        Op::Delete => sim
            .with(|service, at| service.delete(at, caller, id))
            .map(|()| Content::Done),
        Op::Reauthorize => {
            let wanted = sim.with(|service, at| -> Result<_, Refusal> {
                let row = service.get(at, caller, id)?;
                let asks = service.settings.validation.on_reauthorize;
                let urls = [row.notification_url.as_str()];
                Ok(service.handshakes(if asks { &urls } else { &[] }))
            })?;
            shake(sim, arrival, wanted, endpoint).await?;
            sim.with(|service, at| service.reauthorize(at, caller, id))
                .map(|()| Content::Done)
        }
    }
}

async fn create(
    sim: &Arc<Sim>,
    request: &Request,
    arrival: &Arrival,
    caller: &Caller,
    endpoint: &dyn Endpoint,
) -> Result<Content, Refusal> {
    let (draft, handshakes) =
        sim.with(|service, at| service.begin_create(at, caller, &request.body))?;
    shake(sim, arrival, handshakes, endpoint).await?;
    let row = sim.with(|service, at| {
        let row = service.finish_create(at, caller, draft)?;
        let id = row.id.clone();
        service
            .calls
            .amend(arrival.number, |record| record.id = Some(id));
        Ok(row)
    })?;
    Ok(Content::Row(Box::new(row)))
}

async fn renew(
    sim: &Arc<Sim>,
    request: &Request,
    arrival: &Arrival,
    caller: &Caller,
    endpoint: &dyn Endpoint,
) -> Result<Content, Refusal> {
    let id = request.id.as_deref().unwrap_or_default();
    let redirects = sim.with(|service, _| service.settings.renewals.redirect);
    if redirects && !request.redirected {
        let mut refusal = Refusal::typical(308, "Update");
        refusal.location = Some(format!("{}/subscriptions/{id}?redirected=1", request.base));
        return Err(refusal);
    }
    let (change, handshakes) =
        sim.with(|service, at| service.begin_renew(at, caller, id, &request.body))?;
    shake(sim, arrival, handshakes, endpoint).await?;
    let row = sim.with(|service, at| service.finish_renew(at, caller, change))?;
    Ok(Content::Row(Box::new(row)))
}

/// Runs the handshakes one after another (order and parallelism are not documented), and stops
/// at the first that fails.
async fn shake(
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

fn page_content(page: Page, request: &Request, fault: Option<&Effect>) -> Content {
    let Page { mut rows, next } = page;
    let link = |token: &str| format!("{}/subscriptions?$skiptoken={token}", request.base);
    let mut next = next.map(|token| link(&token));
    match fault {
        Some(Effect::HideRow) if !rows.is_empty() => {
            rows.remove(0);
        }
        Some(Effect::EmptyPage) => {
            // The link must lead to the rows that are not shown here.
            let here = request
                .skiptoken
                .clone()
                .unwrap_or_else(|| "YWZ0ZXI6MA".into());
            (rows, next) = (Vec::new(), Some(link(&here)));
        }
        Some(Effect::NextLink { url }) => next = Some(url.clone()),
        _ => {}
    }
    Content::Page(rows, next)
}

fn answer(
    sim: &Sim,
    request: &Request,
    arrival: &Arrival,
    outcome: Result<Content, Refusal>,
) -> Exchange {
    let client_request_id = request
        .client_request_id
        .clone()
        .unwrap_or_else(|| arrival.request_id.clone());
    let mut content = outcome.unwrap_or_else(Content::Refused);
    let answered = sim.with(|service, at| {
        let status = status_of(request.op, &content);
        let value = match &content {
            Content::Refused(refusal) => {
                Some(refusal.body(at.now, &arrival.request_id, &client_request_id))
            }
            other => success(request, other, &service.settings),
        };
        let mut body = value
            .map(|value| value.to_string().into_bytes())
            .unwrap_or_default();
        if let Some(Effect::Body { text }) = &arrival.fault {
            body = text.clone().into_bytes();
            content = Content::Garbled;
        }
        let (code, retry_after, location) = match &content {
            Content::Refused(refusal) => (
                Some(refusal.code.clone()),
                refusal.retry_after.clone(),
                refusal.location.clone(),
            ),
            _ => (None, None, None),
        };
        service
            .calls
            .close(arrival.number, request.op, Some(status), code);
        Answer {
            status,
            date: at.now,
            request_id: arrival.request_id.clone(),
            client_request_id,
            retry_after,
            location,
            body,
            content,
        }
    });
    tracing::info!(
        operation = request.op.as_str(), status = answered.status,
        request_id = %arrival.request_id, "answered {} with {}",
        request.op.as_str(), answered.status
    );
    Exchange::Answered(Box::new(answered))
}

fn status_of(op: Op, content: &Content) -> u16 {
    match content {
        Content::Refused(refusal) => refusal.status,
        Content::Done => 204,
        Content::Row(_) | Content::Page(..) | Content::Garbled => {
            if op == Op::Create {
                201
            } else {
                200
            }
        }
    }
}

fn success(request: &Request, content: &Content, settings: &Settings) -> Option<Value> {
    let context = format!("{}/$metadata#subscriptions", request.base);
    match content {
        Content::Row(row) => {
            let shown = match request.op {
                Op::Get => Shown::Read,
                _ => Shown::Written,
            };
            let mut whole = row.json(shown, &settings.answers);
            whole.insert("@odata.context".into(), format!("{context}/$entity").into());
            Some(Value::Object(whole))
        }
        Content::Page(rows, next) => {
            let rows: Vec<Value> = rows
                .iter()
                .map(|row| Value::Object(row.json(Shown::Listed, &settings.answers)))
                .collect();
            let mut whole = json!({ "@odata.context": context, "value": rows });
            if let Some(next) = next {
                whole["@odata.nextLink"] = next.clone().into();
            }
            Some(whole)
        }
        Content::Done | Content::Refused(_) | Content::Garbled => None,
    }
}
