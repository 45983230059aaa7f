//! From a classified answer of the subscriptions service to what its caller must do next: the one
//! place that decides it, for the real Graph and for the simulated one.

use super::{Cause, Effect, Operation, Verdict};

/// One of the calls that we make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// All subscriptions of the calling application.
    List,
    /// One by id.
    Get,
    /// A new one.
    Create,
    /// A later end for one.
    Renew,
    /// A new authorization for one.
    Reauthorize,
    /// The end of one.
    Delete,
}

impl Call {
    /// The call as a verb phrase.
    pub fn verb(self) -> &'static str {
        match self {
            Self::List => "list the subscriptions",
            Self::Get => "read a subscription",
            Self::Create => "create a subscription",
            Self::Renew => "renew a subscription",
            Self::Reauthorize => "reauthorize a subscription",
            Self::Delete => "delete a subscription",
        }
    }

    /// The call in the classifier's words.
    pub fn operation(self) -> Operation {
        match self {
            Self::List | Self::Get => Operation::Read,
            Self::Create => Operation::Create,
            Self::Renew => Operation::Update,
            Self::Reauthorize => Operation::Action,
            Self::Delete => Operation::Delete,
        }
    }

    /// Whether it is meant to change something.
    pub fn changes(self) -> bool {
        !matches!(self, Self::List | Self::Get)
    }

    /// Whether its address names a subscription.
    pub fn names_an_id(self) -> bool {
        !matches!(self, Self::List | Self::Create)
    }
}

/// What the caller of the subscriptions service must do after a failed answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Consequence {
    /// Give up: the same request fails again.
    Refused,
    /// Look before acting again: it may have taken effect.
    Unknown,
    /// Try later: it took no effect.
    Unavailable,
    /// Be quiet first: it took no effect.
    Throttled,
    /// It is not there.
    Gone,
    /// Look into what stands in the way.
    Conflict,
    /// Wait for a release.
    Quota,
    /// Tell a human: it is not allowed.
    Denied,
}

/// What a failed answer means for the caller. The cause is believed first, since the same
/// status means different things; the status decides where the cause is none or says only that
/// the request was wrong.
pub fn consequence(call: Call, status: u16, verdict: &Verdict) -> Consequence {
    if status == 401 {
        return Consequence::Denied;
    }
    match verdict.cause {
        Cause::QuotaExhausted => Consequence::Quota,
        Cause::Throttled => Consequence::Throttled,
        Cause::AlreadyExists
        | Cause::NameHeldByOther
        | Cause::SoftDeletedHolder
        | Cause::DeletionInProgress
        | Cause::VersionMismatch
        | Cause::PreconditionRequired
        | Cause::WriteContention
        | Cause::OperationInProgress
        | Cause::LockHeld
        | Cause::LockLost
        | Cause::AdministrativeLock
        | Cause::DependentsExist
        | Cause::InvalidState
        | Cause::ReplicationConflict => Consequence::Conflict,
        Cause::Unavailable | Cause::AmbiguousOutcome | Cause::NotVisibleYet => {
            trouble(call, verdict)
        }
        Cause::InvalidRequest | Cause::DependencyMissing
            if status >= 500 && verdict.may_have_taken_effect == Effect::No =>
        {
            Consequence::Refused
        }
        Cause::InvalidRequest | Cause::DependencyMissing | Cause::Unclassified => {
            by_status(call, status, verdict)
        }
    }
}

fn by_status(call: Call, status: u16, verdict: &Verdict) -> Consequence {
    match status {
        403 => Consequence::Denied,
        404 if call.names_an_id() => Consequence::Gone,
        409 => Consequence::Conflict,
        429 => Consequence::Throttled,
        408 | 500.. => trouble(call, verdict),
        400..=499 if call.changes() && verdict.may_have_taken_effect == Effect::Yes => {
            Consequence::Unknown
        }
        // A redirect that we do not follow: nothing was done where we asked.
        301 | 302 | 307 | 308 | 400..=499 => Consequence::Refused,
        _ if call.changes() => Consequence::Unknown,
        _ => Consequence::Unavailable,
    }
}

/// Graph's own trouble: a change may have been made all the same.
fn trouble(call: Call, verdict: &Verdict) -> Consequence {
    if call.changes() && verdict.may_have_taken_effect != Effect::No {
        Consequence::Unknown
    } else {
        Consequence::Unavailable
    }
}
