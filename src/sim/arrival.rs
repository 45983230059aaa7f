//! What is decided when a call arrives: its place in the log, its faults, its rate limit.

use super::calls::CallRecord;
use super::clock::At;
use super::faults::{Effect, Traits};
use super::kinds::Kind;
use super::path::Path;
use super::refusal::Refusal;
use super::request::{Op, Request, object, text};
use super::service::Service;

/// What was decided when a call arrived.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Its number in the log.
    pub number: u64,
    /// `request-id` of the answer.
    pub request_id: String,
    /// What goes wrong.
    pub fault: Option<Effect>,
    /// Milliseconds that the call takes.
    pub latency_ms: u64,
    /// The 429 of the rate limits.
    pub throttled: Option<Refusal>,
}

impl Service {
    /// Writes the call down and decides what will go wrong with it.
    pub fn arrive(&mut self, at: At, request: &Request) -> Arrival {
        let request_id = self.guid();
        let caller = request.caller.as_ref().ok();
        let id = request.id.as_deref();
        let row = id.and_then(|id| self.store.any(id));
        let sent = sent_resource(request);
        let resource = row.map(|row| row.resource.clone()).or(sent);
        let kind = row
            .map(|row| row.kind)
            .or_else(|| resource.as_deref().map(|text| Kind::of(&Path::parse(text))));
        let traits = Traits {
            op: request.op,
            tenant: caller.map(|caller| caller.tenant.as_str()),
            app: caller.map(|caller| caller.app.as_str()),
            kind: kind.map(|kind| kind.facts().name),
            id,
            resource: resource.as_deref(),
        };
        let fault = self
            .faults
            .strike(&traits, &self.settings.chances, &mut self.rng);
        let throttled = caller.and_then(|caller| {
            let rules = &self.settings.throttling;
            let (app, tenant) = (&caller.app, &caller.tenant);
            let wait = rules
                .enforce
                .then(|| self.limiter.count(request.op, app, tenant, at.real, rules))??;
            Some(Refusal::throttled(
                rules.retry_after.then(|| wait.to_string()),
            ))
        });
        let latency = &self.settings.latency;
        let most = latency.max_ms.max(latency.min_ms);
        let latency_ms = match most {
            0 => 0,
            most => self.rng.u64(latency.min_ms..=most),
        };
        let number = self.calls.open(CallRecord {
            number: 0,
            at: at.now.to_string(),
            operation: request.op,
            tenant: caller.map(|caller| caller.tenant.to_string()),
            app: caller.map(|caller| caller.app.to_string()),
            id: request.id.clone(),
            resource,
            status: None,
            code: None,
            lost: false,
            fault: fault.as_ref().map(Effect::as_str),
            request_id: request_id.clone(),
            handshakes: Vec::new(),
        });
        Arrival {
            number,
            request_id,
            fault,
            latency_ms,
            throttled,
        }
    }
}

fn sent_resource(request: &Request) -> Option<String> {
    if request.op != Op::Create {
        return None;
    }
    text(&object(&request.body).ok()?, "resource").ok()?
}
