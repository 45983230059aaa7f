//! From a failed call to the port's error, for everything that stands behind the port.

use super::graph::{GraphError, Trace, Wait};
use crate::domain::conflict::{Call, Consequence, RetryAfter, Verdict, parse_retry_after};

/// A failed answer, understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// What the caller must do.
    pub consequence: Consequence,
    /// The answer in words, secrets removed.
    pub detail: String,
    /// What it means.
    pub verdict: Verdict,
    /// How long Graph asks us to wait.
    pub wait: Wait,
    /// Beside it.
    pub trace: Trace,
}

/// No answer, or none that can be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Broken {
    /// The request never left.
    NotSent(String),
    /// It was sent; what became of it is not known.
    Lost(String),
}

/// The error for a failed answer.
pub fn failed(call: Call, failure: Failure) -> GraphError {
    let operation = call.verb();
    let Failure {
        consequence,
        detail,
        verdict,
        wait,
        trace,
    } = failure;
    match consequence {
        Consequence::Refused => GraphError::Refused {
            operation,
            detail,
            verdict,
            trace,
        },
        Consequence::Unknown => GraphError::Unknown {
            operation,
            detail,
            wait,
            trace,
        },
        Consequence::Unavailable => GraphError::Unavailable {
            operation,
            detail,
            wait,
            trace,
        },
        Consequence::Throttled => GraphError::Throttled {
            operation,
            wait,
            trace,
        },
        Consequence::Gone => GraphError::Gone { operation, trace },
        Consequence::Conflict => GraphError::Conflict {
            operation,
            detail,
            verdict,
            trace,
        },
        Consequence::Quota => GraphError::Quota {
            operation,
            detail,
            verdict,
            trace,
        },
        Consequence::Denied => GraphError::Denied {
            operation,
            detail,
            trace,
        },
    }
}

/// The error for no answer, or for an answer that says success and cannot be read.
pub fn unanswered(call: Call, broken: Broken, trace: Trace) -> GraphError {
    let operation = call.verb();
    match broken {
        Broken::Lost(detail) if call.changes() => GraphError::Unknown {
            operation,
            detail,
            wait: Wait::NotSaid,
            trace,
        },
        Broken::Lost(detail) | Broken::NotSent(detail) => GraphError::Unavailable {
            operation,
            detail,
            wait: Wait::NotSaid,
            trace,
        },
    }
}

/// How long Graph asks us to wait: what the classifier found in headers and body, else the
/// header's text, measured by the answer's own clock.
pub fn wait(verdict: &Verdict, header: Option<&str>, trace: &Trace) -> Wait {
    let said = verdict.wait.clone();
    match said.or_else(|| Some(parse_retry_after(header?, trace.date))) {
        None => Wait::NotSaid,
        Some(RetryAfter::For(wait)) => Wait::For(wait),
        Some(RetryAfter::Absurd(text)) => Wait::Absurd(text),
    }
}
