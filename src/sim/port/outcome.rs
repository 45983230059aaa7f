//! From an answer's bytes to the port's errors, by way of the conflict classifier.

use crate::domain::conflict::{
    self, Cause, Effect, Operation, RetryAfter, Service, Verdict, parse_retry_after,
};
use crate::ports::graph::{GraphError, Trace, Wait};
use crate::sim::answer::Answer;

/// What was tried, for errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed {
    pub verb: &'static str,
    pub operation: Operation,
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
        if self.operation == Operation::Read {
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
        let headers: Vec<(&str, &str)> = retry_after
            .map(|value| ("Retry-After", value))
            .into_iter()
            .collect();
        let verdict = conflict::classify(&conflict::Answer {
            service: Service::GraphSubscriptions,
            operation: self.operation,
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

    fn by_consequence(self, answer: &Answer, verdict: Verdict, wait: Wait) -> GraphError {
        let (operation, trace) = (self.verb, super::trace_of(answer));
        let detail = words_of(&answer.body);
        match (answer.status, verdict.cause) {
            (_, Cause::QuotaExhausted) => GraphError::Quota {
                operation,
                detail,
                verdict,
                trace,
            },
            (429, _) | (_, Cause::Throttled) => GraphError::Throttled {
                operation,
                wait,
                trace,
            },
            (404, _) if self.operation != Operation::Create => {
                GraphError::Gone { operation, trace }
            }
            (409, _) | (_, Cause::AlreadyExists | Cause::NameHeldByOther) => GraphError::Conflict {
                operation,
                detail,
                verdict,
                trace,
            },
            (401 | 403, _) => GraphError::Denied {
                operation,
                detail,
                trace,
            },
            (408 | 500.., _) if verdict.may_have_taken_effect != Effect::No => {
                self.unsure(detail, trace, wait)
            }
            // The endpoint was not ready, or the service has trouble: later it may work.
            (408 | 500.., _) | (_, Cause::DependencyMissing | Cause::Unavailable) => {
                GraphError::Unavailable {
                    operation,
                    detail,
                    wait,
                    trace,
                }
            }
            _ => GraphError::Refused {
                operation,
                detail,
                verdict,
                trace,
            },
        }
    }
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
