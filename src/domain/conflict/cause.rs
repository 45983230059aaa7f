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
