//! A call that did not do what was asked, by what follows from it.

use crate::domain::conflict::{self, Answer, Cause, Confidence, Verdict};

use super::HolderId;

/// A refusal, classified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// What it means.
    pub verdict: Verdict,
    /// The holder that the verdict names, once the kind found its shape good.
    pub holder: Option<HolderId>,
    /// The service's request id: to be quoted to its support.
    pub request_id: Option<String>,
}

/// A call that did not do what was asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failure {
    /// The service refused; the verdict says why.
    #[error("{}: {}", .0.verdict.cause, .0.verdict.words)]
    Refused(Box<Refusal>),
    /// 404 on a thing that was named by its id. Proves that it is not there (any more).
    #[error("it is not there")]
    Gone {
        /// The service's request id.
        request_id: Option<String>,
    },
    /// 401, or 403 without a rule of its own: our token is not accepted. Says nothing about
    /// whose the thing is.
    #[error("not allowed: {words}")]
    Unauthorised {
        /// The service's words.
        words: String,
        /// The service's request id.
        request_id: Option<String>,
    },
    /// Sent, and no usable answer came back: a write may have been done.
    #[error("no usable answer: {words}")]
    NoReply {
        /// What happened.
        words: String,
    },
    /// Never sent: it certainly was not done.
    #[error("not sent: {words}")]
    NotSent {
        /// What happened.
        words: String,
    },
    /// The kind has no such call: a person must do it.
    #[error("{0}")]
    NotSupported(
        /// What a person must do instead, as an instruction.
        &'static str,
    ),
}

impl Failure {
    /// Classifies an answer that is not a success. `by_id`: the request named the thing by its
    /// id, so that a plain 404 proves that it is not there.
    ///
    /// The holder is left out: the kind fills it in after checking the shape of what the verdict
    /// names (the runner does, by the kind's rule).
    pub fn of(answer: &Answer<'_>, by_id: bool, request_id: Option<String>) -> Self {
        let verdict = conflict::classify(answer);
        let plain = verdict.confidence == Confidence::Status;
        let by_rule = !plain || verdict.cause != Cause::InvalidRequest;
        match answer.status {
            401 => Self::Unauthorised {
                words: verdict.words,
                request_id,
            },
            403 if !by_rule => Self::Unauthorised {
                words: verdict.words,
                request_id,
            },
            404 if by_id && !by_rule => Self::Gone { request_id },
            _ => Self::Refused(Box::new(Refusal {
                verdict,
                holder: None,
                request_id,
            })),
        }
    }

    /// The service's request id, where an answer came.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.request_id.as_deref(),
            Self::Gone { request_id } | Self::Unauthorised { request_id, .. } => {
                request_id.as_deref()
            }
            Self::NoReply { .. } | Self::NotSent { .. } | Self::NotSupported(_) => None,
        }
    }
}
