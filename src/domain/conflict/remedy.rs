//! What to do about it.

use super::named::named;

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

named! {
    Remedy {
        AdoptExisting => "AdoptExisting",
        TreatAsSuccess => "TreatAsSuccess",
        RereadAndReapply => "RereadAndReapply",
        RetryAfterDelay => "RetryAfterDelay",
        PollThenRetry => "PollThenRetry",
        WaitForUnlock => "WaitForUnlock",
        AbandonAndReacquire => "AbandonAndReacquire",
        RestoreSoftDeleted => "RestoreSoftDeleted",
        EnsureDependency => "EnsureDependency",
        ReadBeforeRetry => "ReadBeforeRetry",
        WaitForRelease => "WaitForRelease",
        FixRequest => "FixRequest",
        Escalate => "Escalate",
    }
}
