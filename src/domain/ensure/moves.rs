//! What a run wants to be done, and what it is told in return.

use std::time::Duration;

use crate::domain::conflict::RetryAfter;

use super::{Ending, Failure, HolderId, Observation, Seen, Token};

/// What is to be done next.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Move {
    /// Look at everything with the natural key, all pages.
    Observe,
    /// Read one thing by its id.
    ReRead {
        /// Which.
        holder: HolderId,
    },
    /// Create it.
    Create {
        /// The mark of this run.
        token: Token,
    },
    /// Change it to what is wanted, on condition of its version.
    Patch {
        /// The thing as it was seen; `version` is the condition.
        seen: Seen,
    },
    /// Prove that it lives, by touching it (renewing it, where the kind has that) or by reading
    /// it: it stays while its duplicates go.
    Keep {
        /// The thing as it was seen.
        seen: Seen,
    },
    /// Delete one of several that are ours, on condition of its version.
    Delete {
        /// The thing as it was seen.
        seen: Seen,
        /// The one that stays.
        survivor: HolderId,
    },
    /// Bring a deleted thing of ours back.
    Restore {
        /// The thing as it was seen.
        seen: Seen,
    },
    /// Ask how an operation is getting on.
    Poll,
    /// Provide what it needs.
    Provide,
    /// Take the lock anew; the protected work has stopped.
    Reacquire,
    /// Wait.
    Wait {
        /// How long, at least.
        time: Duration,
    },
    /// It is over.
    End(Ending),
}

impl Move {
    /// Whether it changes something in the service.
    pub fn writes(&self) -> bool {
        match self {
            Self::Create { .. }
            | Self::Patch { .. }
            | Self::Keep { .. }
            | Self::Delete { .. }
            | Self::Restore { .. }
            | Self::Provide
            | Self::Reacquire => true,
            Self::Observe | Self::ReRead { .. } | Self::Poll | Self::Wait { .. } | Self::End(_) => {
                false
            }
        }
    }

    /// Whether what it does cannot be undone: it is written down before, or not done.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Delete { .. })
    }

    /// What it does, as a verb phrase.
    pub fn verb(&self) -> String {
        match self {
            Self::Observe => "look at everything that has the key".to_owned(),
            Self::ReRead { holder } => format!("read {holder}"),
            Self::Create { .. } => "create it".to_owned(),
            Self::Patch { seen } => format!("change {} to what is wanted", seen.id),
            Self::Keep { seen } => format!("make sure that {} stands", seen.id),
            Self::Delete { seen, survivor } => {
                format!("delete {}, a duplicate of {survivor}", seen.id)
            }
            Self::Restore { seen } => format!("restore {}", seen.id),
            Self::Poll => "ask how the operation is getting on".to_owned(),
            Self::Provide => "provide what it needs".to_owned(),
            Self::Reacquire => "take the lock anew".to_owned(),
            Self::Wait { time } => format!("wait {} ms", time.as_millis()),
            Self::End(ending) => ending.to_string(),
        }
    }
}

/// Something that a call told, and the request id under which it did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told<T> {
    /// The content.
    pub value: T,
    /// The service's request id.
    pub request_id: Option<String>,
}

impl<T> Told<T> {
    /// Without a request id.
    pub fn new(value: T) -> Self {
        Self {
            value,
            request_id: None,
        }
    }

    /// With a request id.
    pub fn by(value: T, request_id: Option<String>) -> Self {
        Self { value, request_id }
    }
}

/// How an operation is getting on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress {
    /// Still under way.
    Running {
        /// How long the service asks to wait before the next poll.
        wait: Option<RetryAfter>,
    },
    /// Over, or there is none.
    Settled,
    /// It failed; the words say how.
    Failed(String),
}

/// What came of a move.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Heard {
    /// What was seen.
    Observed(Told<Observation>),
    /// What was read: `None` is a 404, the proof that the id is not there.
    Read(Told<Option<Seen>>),
    /// It was created, patched, or kept: as it stands now.
    Wrote(Told<Seen>),
    /// It was deleted, restored, provided, or taken.
    Did(Told<()>),
    /// How the operation is getting on.
    Polled(Told<Progress>),
    /// The time has passed.
    Waited,
    /// It failed.
    Failed(Failure),
    /// It was not tried: it could not be written down before.
    NotRecorded {
        /// Why not.
        words: String,
    },
}
