//! One logical call: what belongs to it, and what is said about its end.

use std::time::Duration;

use reqwest::header::HeaderValue;

use super::body::Unspoken;
use super::exchange::Answer;
use super::outcome;
use crate::adapters::words;
use crate::domain::conflict::{self, Call, Service};
use crate::domain::ids::TenantId;
use crate::ports::graph::{GraphError, Trace};
use crate::ports::graph_outcome::{self, Broken};

/// What belongs to one logical call.
pub(super) struct Setting<'a> {
    pub call: Call,
    pub tenant: &'a TenantId,
    pub bearer: HeaderValue,
    pub client_request_id: String,
    pub unspoken: Unspoken,
}

/// An answer that says success and cannot be used.
pub(super) fn unreadable(setting: &Setting<'_>, why: &str, trace: Trace) -> GraphError {
    let error = graph_outcome::unanswered(setting.call, Broken::Lost(why.to_owned()), trace);
    tracing::info!(
        graph.operation = setting.call.verb(),
        tenant.id = setting.tenant.as_str(),
        graph.outcome = error.kind(),
        graph.request_id = error.trace().request_id.as_deref().unwrap_or_default(),
        graph.client_request_id = setting.client_request_id.as_str(),
        "{error}"
    );
    error
}

/// What a failed answer means.
pub(super) fn failure(setting: &Setting<'_>, answer: &Answer) -> GraphError {
    let headers: Vec<(&str, &str)> = answer
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    let mut verdict = conflict::classify(&conflict::Answer {
        service: Service::GraphSubscriptions,
        operation: setting.call.operation(),
        status: answer.status.as_u16(),
        headers: &headers,
        body: &answer.body,
    });
    verdict.words = match answer.stayed {
        Some(why) => why.to_owned(),
        None => setting.unspoken.clean(&verdict.words),
    };
    let header = answer.retry_after();
    let wait = graph_outcome::wait(&verdict, header.as_deref(), &answer.trace);
    let trace = answer.trace.clone();
    outcome::failed(setting.call, answer.status.as_u16(), verdict, wait, trace)
}

/// One event for each exchange: what support needs to find it, and nothing that is secret.
pub(super) fn report(setting: &Setting<'_>, result: &Result<Answer, GraphError>, took: Duration) {
    let operation = setting.call.verb();
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let client_request_id = setting.client_request_id.as_str();
    let tenant = setting.tenant.as_str();
    let id_of = |trace: &Trace| trace.request_id.clone().unwrap_or_default();
    match result {
        Ok(answer) => tracing::debug!(
            graph.operation = operation,
            tenant.id = tenant,
            http.status = answer.status.as_u16(),
            graph.request_id = id_of(&answer.trace),
            graph.client_request_id = client_request_id,
            took_ms,
            "graph let us {operation}"
        ),
        Err(error) => tracing::info!(
            graph.operation = operation,
            tenant.id = tenant,
            graph.outcome = error.kind(),
            graph.request_id = id_of(error.trace()),
            graph.client_request_id = client_request_id,
            took_ms,
            "{}",
            words::printable(&error.to_string(), 800)
        ),
    }
}

/// A request that cannot be written is never sent.
pub(super) fn unwritable(call: Call, error: &serde_json::Error) -> GraphError {
    let why = format!("the request cannot be written: {error}");
    graph_outcome::unanswered(call, Broken::NotSent(why), Trace::default())
}
