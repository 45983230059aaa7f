//! From an answer's bytes to the port's errors, by way of the conflict classifier: the same way
//! that an answer over HTTP takes.

use crate::domain::conflict::{self, Call, Service, consequence};
use crate::ports::graph::{GraphError, Trace};
use crate::ports::graph_outcome::{self, Broken, Failure};
use crate::sim::answer::Answer;
use crate::sim::request::Op;

/// The call in the product's words.
fn call_of(op: Op) -> Call {
    match op {
        Op::Create => Call::Create,
        Op::List => Call::List,
        Op::Get => Call::Get,
        Op::Renew => Call::Renew,
        Op::Reauthorize => Call::Reauthorize,
        Op::Delete => Call::Delete,
    }
}

/// Nothing came back: a write may have taken effect, a read certainly changed nothing.
pub(super) fn silent(op: Op, detail: &str) -> GraphError {
    let lost = Broken::Lost(detail.to_owned());
    graph_outcome::unanswered(call_of(op), lost, Trace::default())
}

/// It was never sent.
pub(super) fn unreachable(op: Op) -> GraphError {
    let not_sent = Broken::NotSent("no connection".to_owned());
    graph_outcome::unanswered(call_of(op), not_sent, Trace::default())
}

/// A success that cannot be read.
pub(super) fn garbled(op: Op, answer: &Answer) -> GraphError {
    let lost = Broken::Lost(format!("the answer ({}) cannot be read", answer.status));
    graph_outcome::unanswered(call_of(op), lost, super::trace_of(answer))
}

/// A refusal, by consequence: the classifier reads the very bytes that HTTP would carry.
pub(super) fn refused(op: Op, answer: &Answer) -> GraphError {
    let call = call_of(op);
    let retry_after = answer.retry_after.as_deref();
    let date = answer.http_date();
    let mut headers = vec![("Date", date.as_str())];
    headers.extend(retry_after.map(|value| ("Retry-After", value)));
    let verdict = conflict::classify(&conflict::Answer {
        service: Service::GraphSubscriptions,
        operation: call.operation(),
        status: answer.status,
        headers: &headers,
        body: &answer.body,
    });
    let trace = super::trace_of(answer);
    let failure = Failure {
        consequence: consequence(call, answer.status, &verdict),
        detail: format!("HTTP {}: {}", answer.status, verdict.words),
        wait: graph_outcome::wait(&verdict, retry_after, &trace),
        verdict,
        trace,
    };
    graph_outcome::failed(call, failure)
}
