//! One call from arrival to answer: what both doors share.
//!
//! Latency, faults, the handshakes between the two halves of a create, and the very bytes of
//! the answer are decided here, so that HTTP and the in-process door cannot disagree.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::answer::{Answer, Content, answer, page_content};
use super::arrival::Arrival;
use super::clock::{At, SimClock};
use super::faults::Effect;
use super::handshake::{Endpoint, shake};
use super::refusal::Refusal;
use super::request::{Op, Request};
use super::service::Service;
use super::settings::Settings;
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
