//! From a failed answer to what the caller must do next: the one place that decides it.

use crate::domain::conflict::{Cause, Effect, Operation, RetryAfter, Verdict, parse_retry_after};
use crate::ports::graph::{GraphError, Trace, Wait};

/// One of the calls that we make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Call {
    List,
    Get,
    Create,
    Renew,
    Reauthorize,
    Delete,
}

impl Call {
    /// The call as a verb phrase.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::List => "list the subscriptions",
            Self::Get => "read a subscription",
            Self::Create => "create a subscription",
            Self::Renew => "renew a subscription",
            Self::Reauthorize => "reauthorize a subscription",
            Self::Delete => "delete a subscription",
        }
    }

    /// The call in the classifier's words.
    pub(super) fn operation(self) -> Operation {
        match self {
            Self::List | Self::Get => Operation::Read,
            Self::Create => Operation::Create,
            Self::Renew => Operation::Update,
            Self::Reauthorize => Operation::Action,
            Self::Delete => Operation::Delete,
        }
    }

    fn changes(self) -> bool {
        !matches!(self, Self::List | Self::Get)
    }

    fn names_an_id(self) -> bool {
        !matches!(self, Self::List | Self::Create)
    }
}

/// A failed answer, understood.
pub(super) struct Failure {
    pub status: u16,
    pub verdict: Verdict,
    pub wait: Wait,
    pub trace: Trace,
}

/// No answer, or none that can be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Broken {
    /// The request never left.
    NotSent(String),
    /// It was sent; what became of it is not known.
    Lost(String),
}

enum Consequence {
    Refused,
    Unknown,
    Unavailable,
    Throttled,
    Gone,
    Conflict,
    Quota,
    Denied,
}

/// What a failed answer means for the caller. The cause is believed first, since the same
/// status means different things; the status decides where the cause is none or says only that
/// the request was wrong.
fn consequence(call: Call, status: u16, verdict: &Verdict) -> Consequence {
    if status == 401 {
        return Consequence::Denied;
    }
    match verdict.cause {
        Cause::QuotaExhausted => Consequence::Quota,
        Cause::Throttled => Consequence::Throttled,
        Cause::AlreadyExists
        | Cause::NameHeldByOther
        | Cause::SoftDeletedHolder
        | Cause::DeletionInProgress
        | Cause::VersionMismatch
        | Cause::PreconditionRequired
        | Cause::WriteContention
        | Cause::OperationInProgress
        | Cause::LockHeld
        | Cause::LockLost
        | Cause::AdministrativeLock
        | Cause::DependentsExist
        | Cause::InvalidState
        | Cause::ReplicationConflict => Consequence::Conflict,
        Cause::Unavailable | Cause::AmbiguousOutcome | Cause::NotVisibleYet => {
            trouble(call, verdict)
        }
        Cause::InvalidRequest | Cause::DependencyMissing
            if status >= 500 && verdict.may_have_taken_effect == Effect::No =>
        {
            Consequence::Refused
        }
        Cause::InvalidRequest | Cause::DependencyMissing | Cause::Unclassified => {
            by_status(call, status, verdict)
        }
    }
}

fn by_status(call: Call, status: u16, verdict: &Verdict) -> Consequence {
    match status {
        403 => Consequence::Denied,
        404 if call.names_an_id() => Consequence::Gone,
        409 => Consequence::Conflict,
        429 => Consequence::Throttled,
        408 | 500.. => trouble(call, verdict),
        400..=499 if call.changes() && verdict.may_have_taken_effect == Effect::Yes => {
            Consequence::Unknown
        }
        // A redirect that we do not follow: nothing was done where we asked.
        301 | 302 | 307 | 308 | 400..=499 => Consequence::Refused,
        _ if call.changes() => Consequence::Unknown,
        _ => Consequence::Unavailable,
    }
}

/// Graph's own trouble: a change may have been made all the same.
fn trouble(call: Call, verdict: &Verdict) -> Consequence {
    if call.changes() && verdict.may_have_taken_effect != Effect::No {
        Consequence::Unknown
    } else {
        Consequence::Unavailable
    }
}

/// The error for a failed answer.
pub(super) fn failed(call: Call, failure: Failure) -> GraphError {
    let consequence = consequence(call, failure.status, &failure.verdict);
    let operation = call.verb();
    let Failure {
        status,
        verdict,
        wait,
        trace,
    } = failure;
    let detail = match verdict.words.as_str() {
        "" => format!("HTTP {status}"),
        words => format!("HTTP {status}: {words}"),
    };
    match consequence {
        Consequence::Refused => GraphError::Refused {
            operation,
            detail,
            verdict,
            trace,
        },
        Consequence::Unknown => GraphError::Unknown {
            operation,
            detail: with_wait(detail, &wait),
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
pub(super) fn unanswered(call: Call, broken: Broken, trace: Trace) -> GraphError {
    let operation = call.verb();
    match broken {
        Broken::Lost(detail) if call.changes() => GraphError::Unknown {
            operation,
            detail,
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
/// header. `date` is the answer's own clock.
pub(super) fn wait(verdict: &Verdict, header: Option<&str>, trace: &Trace) -> Wait {
    let said = verdict.wait.clone();
    match said.or_else(|| Some(parse_retry_after(header?, trace.date))) {
        None => Wait::NotSaid,
        Some(RetryAfter::For(wait)) => Wait::For(wait),
        Some(RetryAfter::Absurd(text)) => Wait::Absurd(text),
    }
}

fn with_wait(detail: String, wait: &Wait) -> String {
    match wait {
        Wait::NotSaid => detail,
        Wait::For(wait) => format!("{detail}; it asks to wait {} s", wait.as_secs_f64()),
        Wait::Absurd(text) => format!("{detail}; it asks to wait {text:?}"),
    }
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
