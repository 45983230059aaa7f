//! What a run remembers of its way.

use std::time::Duration;

use crate::domain::conflict::Cause;

use super::{HolderId, Outcome, Stop};

/// A refusal that is being looked into.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Obstacle {
    pub(super) cause: Cause,
    /// Whom it names; taken away once a 404 proved that nobody is there.
    pub(super) holder: Option<HolderId>,
    /// The service's words.
    pub(super) words: String,
    /// With what the run gives up because of it.
    pub(super) stop: Stop,
}

/// How often and since when a cause was met.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Tries {
    pub(super) cause: Cause,
    pub(super) failures: u32,
    pub(super) since: Duration,
}

/// What the run has brought about so far.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Deeds {
    pub(super) created: bool,
    pub(super) earlier: bool,
    pub(super) adopted: bool,
    pub(super) patched: bool,
    pub(super) deleted: u32,
}

impl Deeds {
    /// What brought it where it stands.
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self { deleted: 1.., .. } => Outcome::Collapsed(self.deleted),
            Self { created: true, .. } => Outcome::Created,
            Self { earlier: true, .. } => Outcome::CreatedEarlier,
            Self { patched: true, .. } => Outcome::Patched,
            Self { adopted: true, .. } => Outcome::Adopted,
            _ => Outcome::Unchanged,
        }
    }
}
