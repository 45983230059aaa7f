//! Conflicts: what stands in the way, and what to do about it.
//!
//! A conflict is classified by service, operation, status, code and text, never by its status
//! alone: the same 409 means a duplicate here and a lock there, and a duplicate may well be a 403.

mod graph_subscriptions;
mod retry_after;

pub use graph_subscriptions::classify;
pub use retry_after::{RetryAfter, parse_retry_after};

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

/// What to do about it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Remedy {
    /// Read what is there, compare, take it over if it is ours.
    AdoptExisting,
    /// The wanted state stands already.
    TreatAsSuccess,
    /// Read again, apply the change again, write on the new version.
    RereadAndReapply,
    /// The same request, later.
    RetryAfterDelay,
    /// Poll the operation's state, then the same request.
    PollThenRetry,
    /// Wait for the lock's end.
    WaitForUnlock,
    /// Stop the protected work, take the lock anew, read again.
    AbandonAndReacquire,
    /// Restore the deleted holder, by policy.
    RestoreSoftDeleted,
    /// Provide what is missing, then the same request.
    EnsureDependency,
    /// Read before anything is repeated.
    ReadBeforeRetry,
    /// Wait until somebody releases what is counted.
    WaitForRelease,
    /// Mend the request.
    FixRequest,
    /// Tell a human.
    Escalate,
}

/// Which service answered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Service {
    /// Microsoft Graph, change notification subscriptions.
    GraphSubscriptions,
}

/// What was being done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Operation {
    /// A create by POST.
    Create,
    /// A create at a name of the caller's choice, by PUT.
    CreateByPut,
    /// A change: PATCH, PUT over something that exists.
    Update,
    /// A delete.
    Delete,
    /// GET, HEAD, a list or a query.
    Read,
    /// An action or function call.
    Action,
    /// Taking, renewing, changing, breaking or releasing a lease.
    LeaseAction,
}

/// A failed answer of a service.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Which service.
    pub service: Service,
    /// What was being done.
    pub operation: Operation,
    /// HTTP status.
    pub status: u16,
    /// Headers, names in any letter case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body, whatever it is.
    pub body: &'a [u8],
}

/// Whether a program may carry out the remedy by itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Automatic {
    /// Yes, within its bounds.
    Yes,
    /// Only after a read proved that it is the same thing, or that it is ours.
    AfterCompare,
    /// Only where the operator's policy allows it.
    Policy,
    /// No.
    No,
}

/// Whether the failed request may have taken effect all the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Effect {
    /// It may.
    Yes,
    /// It certainly did not.
    No,
    /// Nothing is known.
    Unknown,
}

/// What the decision rests on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Confidence {
    /// A code of the service.
    Code,
    /// A text pattern, where the service gives no code.
    Text,
    /// The status alone.
    Status,
}

/// What a failed answer means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// What stands in the way.
    pub cause: Cause,
    /// What to do about it.
    pub remedy: Remedy,
    /// Whether a program may do it by itself.
    pub automatic: Automatic,
    /// Whether the request may have taken effect all the same.
    pub may_have_taken_effect: Effect,
    /// How long to wait, where headers or body say so.
    pub wait: Option<RetryAfter>,
    /// The id of the holder, where the body names one. Untrusted: shape-checked only.
    pub holder: Option<String>,
    /// The rule that decided, such as `graph-subscriptions/object-identifier-in-use`.
    pub rule: &'static str,
    /// What the decision rests on.
    pub confidence: Confidence,
    /// Where the rule is written down: addresses.
    pub sources: &'static [&'static str],
    /// The service's code and message, cut to a printable length. For people only.
    pub words: String,
}
