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

impl Remedy {
    /// What to do, in a sentence.
    pub const fn instruction(self) -> &'static str {
        match self {
            Self::AdoptExisting => {
                "Read what is there by its id or natural key, compare, and take it over only if it is ours."
            }
            Self::TreatAsSuccess => {
                "Read once to verify that what stands is what was wanted, then go on as after a success."
            }
            Self::RereadAndReapply => {
                "Read it again, apply the change to the new version, and write with its version; five rounds at most."
            }
            Self::RetryAfterDelay => "Send the same request again, later.",
            Self::PollThenRetry => {
                "Poll the state of the thing or of the operation until it is done, then send the same request again."
            }
            Self::WaitForUnlock => {
                "Wait, within bounds, for the lock's end, then send the same request again."
            }
            Self::AbandonAndReacquire => {
                "Stop the protected work, take the lock anew, and read everything again."
            }
            Self::RestoreSoftDeleted => {
                "Restore the deleted holder if it is ours and the policy allows it."
            }
            Self::EnsureDependency => "Provide what is missing, then send the same request again.",
            Self::ReadBeforeRetry => {
                "Read first; repeat only what is proven not to have been done."
            }
            Self::WaitForRelease => {
                "List our own; if none is to be adopted, wait until the place is released, trying seldom."
            }
            Self::FixRequest => "Mend the request or the setting behind it.",
            Self::Escalate => "Tell a human, with the evidence.",
        }
    }
}
