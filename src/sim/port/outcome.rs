//! From an answer's bytes to the port's errors, by way of the conflict classifier.

use crate::domain::conflict::{
    self, Cause, Effect, Operation, RetryAfter, Service, Verdict, parse_retry_after,
};
use crate::ports::graph::{GraphError, Trace, Wait};
use crate::sim::answer::Answer;
use crate::sim::request::Op;

/// What was tried, for errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed {
    pub verb: &'static str,
    pub op: Op,
}

fn operation_of(op: Op) -> Operation {
    match op {
        Op::Create => Operation::Create,
        Op::List | Op::Get => Operation::Read,
        Op::Renew => Operation::Update,
        Op::Reauthorize => Operation::Action,
        Op::Delete => Operation::Delete,
    }
}

impl Failed {
    /// Nothing came back: a write may have taken effect, a read certainly changed nothing.
    pub fn silent(self, detail: &str) -> GraphError {
        self.unsure(detail.to_owned(), Trace::default(), Wait::NotSaid)
    }

    /// It was never sent.
    pub fn unreachable(self) -> GraphError {
        GraphError::Unavailable {
            operation: self.verb,
            detail: "no connection".into(),
            wait: Wait::NotSaid,
            trace: Trace::default(),
        }
    }

    /// A success that cannot be read.
    pub fn garbled(self, answer: &Answer) -> GraphError {
        let detail = format!("the answer ({}) cannot be read", answer.status);
        self.unsure(detail, super::trace_of(answer), Wait::NotSaid)
    }

    fn unsure(self, detail: String, trace: Trace, wait: Wait) -> GraphError {
        let operation = self.verb;
        if matches!(self.op, Op::List | Op::Get) {
            GraphError::Unavailable {
                operation,
                detail,
                wait,
                trace,
            }
        } else {
            GraphError::Unknown {
                operation,
                detail,
                trace,
            }
        }
    }

    /// A refusal, by consequence: the classifier reads the very bytes that HTTP would carry.
    pub fn refused(self, answer: &Answer) -> GraphError {
        let retry_after = answer.retry_after.as_deref();
        let date = answer.http_date();
        let mut headers = vec![("Date", date.as_str())];
        headers.extend(retry_after.map(|value| ("Retry-After", value)));
        let verdict = conflict::classify(&conflict::Answer {
            service: Service::GraphSubscriptions,
            operation: operation_of(self.op),
            status: answer.status,
            headers: &headers,
            body: &answer.body,
        });
        let said = verdict
            .wait
            .clone()
            .or_else(|| retry_after.map(|value| parse_retry_after(value, Some(answer.date))));
        self.by_consequence(answer, verdict, waited(said))
    }

    /// The same order of questions as in the HTTP adapter, which this room may not name: the
    /// cause first, since one status means different things; then the status.
    fn by_consequence(self, answer: &Answer, verdict: Verdict, wait: Wait) -> GraphError {
        let (operation, trace) = (self.verb, super::trace_of(answer));
        let detail = format!("HTTP {}: {}", answer.status, words_of(&answer.body));
        match self.consequence(answer.status, &verdict) {
            Consequence::Quota => GraphError::Quota {
                operation,
                detail,
                verdict,
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
            Consequence::Denied => GraphError::Denied {
                operation,
                detail,
                trace,
            },
            Consequence::Trouble if verdict.may_have_taken_effect != Effect::No => {
                self.unsure(detail, trace, wait)
            }
            Consequence::Trouble => GraphError::Unavailable {
                operation,
                detail,
                wait,
                trace,
            },
            Consequence::Refused => GraphError::Refused {
                operation,
                detail,
                verdict,
                trace,
            },
        }
    }

    fn consequence(self, status: u16, verdict: &Verdict) -> Consequence {
        let names_an_id = !matches!(self.op, Op::Create | Op::List);
        match (status, verdict.cause) {
            (401, _) => Consequence::Denied,
            (_, Cause::QuotaExhausted) => Consequence::Quota,
            (_, Cause::Throttled) => Consequence::Throttled,
            (_, Cause::Unavailable | Cause::AmbiguousOutcome | Cause::NotVisibleYet) => {
                Consequence::Trouble
            }
            (_, Cause::InvalidRequest | Cause::DependencyMissing | Cause::Unclassified) => {
                match status {
                    403 => Consequence::Denied,
                    404 if names_an_id => Consequence::Gone,
                    409 => Consequence::Conflict,
                    429 => Consequence::Throttled,
                    408 | 500.. => Consequence::Trouble,
                    _ => Consequence::Refused,
                }
            }
            _ => Consequence::Conflict,
        }
    }
}

enum Consequence {
    Refused,
    Trouble,
    Throttled,
    Gone,
    Conflict,
    Quota,
    Denied,
}

fn waited(said: Option<RetryAfter>) -> Wait {
    match said {
        None => Wait::NotSaid,
        Some(RetryAfter::For(length)) => Wait::For(length),
        Some(RetryAfter::Absurd(text)) => Wait::Absurd(text),
    }
}

/// Code and message of the body.
fn words_of(body: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| value["error"][name].as_str().unwrap_or_default().to_owned();
    format!("{}: {}", text("code"), text("message"))
}
