//! What stands in the way.

use super::named::named;

/// What stands in the way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Cause {
    /// The very thing exists already, perhaps ours.
    AlreadyExists,
    /// Somebody else holds the name.
    NameHeldByOther,
    /// A deleted thing still holds the name and can be restored.
    SoftDeletedHolder,
    /// The old thing is still being deleted.
    DeletionInProgress,
    /// It changed since it was read.
    VersionMismatch,
    /// The request must carry a condition and does not.
    PreconditionRequired,
    /// Another writer got in between; the same request may simply be repeated.
    WriteContention,
    /// Another operation on the same thing is under way.
    OperationInProgress,
    /// Somebody holds a lock or a lease.
    LockHeld,
    /// Our lock or lease is gone.
    LockLost,
    /// A human or a policy locked it.
    AdministrativeLock,
    /// Something that the request needs is not there.
    DependencyMissing,
    /// Something still depends on it.
    DependentsExist,
    /// It is in a state in which this cannot be done.
    InvalidState,
    /// A limit is reached.
    QuotaExhausted,
    /// Too many calls.
    Throttled,
    /// The service has trouble of its own.
    Unavailable,
    /// It may have been done.
    AmbiguousOutcome,
    /// It exists but cannot be seen yet.
    NotVisibleYet,
    /// Two regions accepted different writes.
    ReplicationConflict,
    /// The request itself is wrong.
    InvalidRequest,
    /// Nothing that we know. Never treated as "already exists".
    Unclassified,
}

named! {
    Cause {
        AlreadyExists => "AlreadyExists",
        NameHeldByOther => "NameHeldByOther",
        SoftDeletedHolder => "SoftDeletedHolder",
        DeletionInProgress => "DeletionInProgress",
        VersionMismatch => "VersionMismatch",
        PreconditionRequired => "PreconditionRequired",
        WriteContention => "WriteContention",
        OperationInProgress => "OperationInProgress",
        LockHeld => "LockHeld",
        LockLost => "LockLost",
        AdministrativeLock => "AdministrativeLock",
        DependencyMissing => "DependencyMissing",
        DependentsExist => "DependentsExist",
        InvalidState => "InvalidState",
        QuotaExhausted => "QuotaExhausted",
        Throttled => "Throttled",
        Unavailable => "Unavailable",
        AmbiguousOutcome => "AmbiguousOutcome",
        NotVisibleYet => "NotVisibleYet",
        ReplicationConflict => "ReplicationConflict",
        InvalidRequest => "InvalidRequest",
        Unclassified => "Unclassified",
    }
}

impl Cause {
    /// What it is, as a headline of the playbook.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::AlreadyExists => "the very thing exists already, perhaps our own",
            Self::NameHeldByOther => "somebody else holds the name or the value",
            Self::SoftDeletedHolder => "a deleted thing still holds the name and can be restored",
            Self::DeletionInProgress => "the old thing is still being deleted",
            Self::VersionMismatch => "it changed since it was read",
            Self::PreconditionRequired => "the request must carry a condition and does not",
            Self::WriteContention => "another write got in between",
            Self::OperationInProgress => "another operation on the same thing is under way",
            Self::LockHeld => "somebody holds a lock or a lease",
            Self::LockLost => "our lock or lease is gone",
            Self::AdministrativeLock => "a person or a policy locked it",
            Self::DependencyMissing => "something that the request needs is not there",
            Self::DependentsExist => "something still depends on it",
            Self::InvalidState => "it is in a state in which this cannot be done",
            Self::QuotaExhausted => "a limit is reached",
            Self::Throttled => "too many calls",
            Self::Unavailable => "the service has trouble of its own",
            Self::AmbiguousOutcome => "it may have been done",
            Self::NotVisibleYet => "it exists but cannot be seen yet",
            Self::ReplicationConflict => "two regions accepted different writes",
            Self::InvalidRequest => "the request itself is wrong",
            Self::Unclassified => "nothing that the playbook knows",
        }
    }

    /// What never to do about it, whoever answers so.
    pub const fn never(self) -> &'static str {
        match self {
            Self::AlreadyExists => {
                "Repeat the create, or delete the holder to make room before it is proven ours."
            }
            Self::NameHeldByOther => "Take the name from its holder, or retry in a loop.",
            Self::SoftDeletedHolder => "Purge the deleted thing.",
            Self::DeletionInProgress => "Retry in a tight loop.",
            Self::VersionMismatch => {
                "Drop the condition, or write the old content with the new version."
            }
            Self::PreconditionRequired => "Send a wildcard condition just to get through.",
            Self::WriteContention => "Treat it as a duplicate.",
            Self::OperationInProgress => "Cancel an operation that we did not start.",
            Self::LockHeld => "Break another's lock.",
            Self::LockLost => "Go on with the protected work.",
            Self::AdministrativeLock => "Remove the lock automatically.",
            Self::DependencyMissing => "Retry without end while nothing provides what is missing.",
            Self::DependentsExist => "Delete the dependents automatically.",
            Self::InvalidState => "Retry: the state does not change by itself.",
            Self::QuotaExhausted => "Delete what is not proven ours to make room.",
            Self::Throttled => "Call before the asked time has passed.",
            Self::Unavailable => "Repeat a create that may have been done before a read.",
            Self::AmbiguousOutcome => "Repeat the write before a read proved that it was not done.",
            Self::NotVisibleYet => "Take not found for free, and create again.",
            Self::ReplicationConflict => "Let the last writer win where both contents matter.",
            Self::InvalidRequest => "Send the same request again.",
            Self::Unclassified => "Treat it as \"already exists\", or retry a write by habit.",
        }
    }
}
