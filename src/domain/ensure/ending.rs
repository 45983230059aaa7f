//! How a run ends.

use std::fmt;

use crate::domain::conflict::Cause;

use super::HolderId;

/// It stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Outcome {
    /// It stood already, as wanted. Nothing was written.
    Unchanged,
    /// This run created it.
    Created,
    /// A create of ours whose answer was lost had created it.
    CreatedEarlier,
    /// After a refusal: it stood already, and it is ours.
    Adopted,
    /// It stood, and was changed to what is wanted.
    Patched,
    /// It stood more than once; so many surplus ones were deleted.
    Collapsed(u32),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchanged => f.write_str("it stood already, as wanted"),
            Self::Created => f.write_str("it was created"),
            Self::CreatedEarlier => f.write_str("an earlier request of ours had created it"),
            Self::Adopted => f.write_str("it stood already and is ours; it was taken over"),
            Self::Patched => f.write_str("it was changed to what is wanted"),
            Self::Collapsed(1) => f.write_str("one duplicate of it was deleted"),
            Self::Collapsed(surplus) => write!(f, "{surplus} duplicates of it were deleted"),
        }
    }
}

/// Why a run gave up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Stop {
    /// It is somebody else's.
    Foreign,
    /// Whose it is cannot be proven.
    Unproven,
    /// It is ours, but differs in what nothing may change.
    Mismatch,
    /// A person must decide or act.
    NeedsOperator,
    /// It kept changing, or others kept writing.
    Contention,
    /// An operation or a deletion did not end in time.
    Timeout,
    /// A lock was not released in time.
    Locked,
    /// Our lock was lost and could not be had again.
    LockLost,
    /// What it needs is not there.
    MissingDependency,
    /// A limit is reached.
    Quota,
    /// The service is busy or has trouble of its own.
    Busy,
    /// Whether it was created is not known.
    Unknown,
    /// Something holds the key, or was created, and cannot be seen.
    Invisible,
    /// The request itself is wrong: mend the specification or the program.
    Bug,
    /// Our token is not accepted.
    Unauthorised,
    /// No rule knows the refusal.
    Unclassified,
    /// Not everything could be seen.
    Incomplete,
    /// A delete could not be written down before.
    NotRecorded,
    /// The time or the calls of this run are spent.
    Spent,
}

impl Stop {
    /// Every reason.
    pub const ALL: &'static [Self] = &[
        Self::Foreign,
        Self::Unproven,
        Self::Mismatch,
        Self::NeedsOperator,
        Self::Contention,
        Self::Timeout,
        Self::Locked,
        Self::LockLost,
        Self::MissingDependency,
        Self::Quota,
        Self::Busy,
        Self::Unknown,
        Self::Invisible,
        Self::Bug,
        Self::Unauthorised,
        Self::Unclassified,
        Self::Incomplete,
        Self::NotRecorded,
        Self::Spent,
    ];

    /// With what a run gives up when a cause does not go away: the last column of the decision table.
    pub(super) const fn of(cause: Cause) -> Self {
        match cause {
            Cause::NameHeldByOther => Self::Foreign,
            Cause::AlreadyExists | Cause::NotVisibleYet => Self::Invisible,
            Cause::DeletionInProgress | Cause::OperationInProgress => Self::Timeout,
            Cause::VersionMismatch | Cause::WriteContention | Cause::ReplicationConflict => {
                Self::Contention
            }
            Cause::LockHeld => Self::Locked,
            Cause::LockLost => Self::LockLost,
            Cause::SoftDeletedHolder
            | Cause::AdministrativeLock
            | Cause::DependentsExist
            | Cause::InvalidState => Self::NeedsOperator,
            Cause::DependencyMissing => Self::MissingDependency,
            Cause::QuotaExhausted => Self::Quota,
            Cause::Throttled | Cause::Unavailable => Self::Busy,
            Cause::AmbiguousOutcome => Self::Unknown,
            Cause::PreconditionRequired | Cause::InvalidRequest => Self::Bug,
            Cause::Unclassified => Self::Unclassified,
        }
    }

    /// The word in JSON, logs and the audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::Unproven => "unproven",
            Self::Mismatch => "mismatch",
            Self::NeedsOperator => "needs-operator",
            Self::Contention => "contention",
            Self::Timeout => "timeout",
            Self::Locked => "locked",
            Self::LockLost => "lock-lost",
            Self::MissingDependency => "missing-dependency",
            Self::Quota => "quota",
            Self::Busy => "busy",
            Self::Unknown => "unknown",
            Self::Invisible => "invisible",
            Self::Bug => "bug",
            Self::Unauthorised => "unauthorised",
            Self::Unclassified => "unclassified",
            Self::Incomplete => "incomplete",
            Self::NotRecorded => "not-recorded",
            Self::Spent => "spent",
        }
    }

    /// What a person should do next, where the kind has nothing better to say.
    pub const fn next_step(self) -> &'static str {
        match self {
            Self::Foreign => {
                "Find the holder's owner. Choose another name, or have them release it; nothing here will take it."
            }
            Self::Unproven => {
                "Look at the holder and mark it as ours, or choose another name; until then nothing is created beside it."
            }
            Self::Mismatch => {
                "Decide whether it is to be replaced: that is a deliberate act with a gap, and never done by itself."
            }
            Self::NeedsOperator => "Read the evidence and decide; run ensure again afterwards.",
            Self::Contention => {
                "Find out who else writes it: two owners of one thing is a fault of design."
            }
            Self::Timeout => {
                "Look at the operation in the service; run ensure again when it is over."
            }
            Self::Locked => "Find the holder of the lock; run ensure again when it is released.",
            Self::LockLost => {
                "Something else took the lock. Check what it did before running ensure again."
            }
            Self::MissingDependency => "Provide what is missing, then run ensure again.",
            Self::Quota => "Release something that is not needed, or ask for a higher limit.",
            Self::Busy => "Run ensure again later.",
            Self::Unknown => {
                "Run ensure again later: it will look before it creates. Do not create it by hand."
            }
            Self::Invisible => {
                "Ask the service's support with the request id, or wait some hours: deleted things can hold a name unseen."
            }
            Self::Bug => "Mend the specification: the same request would fail again.",
            Self::Unauthorised => {
                "Grant the missing permission, or take a fresh token after a new grant."
            }
            Self::Unclassified => {
                "Read the service's words in the evidence and add a rule for them; nothing was guessed."
            }
            Self::Incomplete => "Run ensure again: not every page could be read.",
            Self::NotRecorded => "Make the audit writable, then run ensure again.",
            Self::Spent => "Run ensure again: it goes on from what it finds.",
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A run gave up.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GiveUp {
    /// Why.
    pub reason: Stop,
    /// What was seen, in a sentence.
    pub evidence: String,
    /// What a person should do next.
    pub next_step: String,
}

/// How a run ended.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Ending {
    /// It stands.
    Done {
        /// What brought it there.
        outcome: Outcome,
        /// Its id.
        id: HolderId,
    },
    /// It does not stand as wanted, or nobody knows.
    GaveUp(GiveUp),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done { outcome, id } => write!(f, "done with {id}: {outcome}"),
            Self::GaveUp(up) => write!(f, "gave up ({}): {}", up.reason, up.evidence),
        }
    }
}
