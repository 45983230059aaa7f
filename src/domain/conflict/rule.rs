//! A rule: data that turns what stands in an answer into a meaning.

use super::{Automatic, Cause, Effect, Operation, Remedy, Service};

/// What a rule concludes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Meaning {
    /// What stands in the way.
    pub cause: Cause,
    /// What to do about it.
    pub remedy: Remedy,
    /// Whether a program may do it by itself.
    pub automatic: Automatic,
    /// Whether a write may have taken effect; a read never has one.
    pub effect: Effect,
}

impl Meaning {
    /// A meaning.
    pub(super) const fn of(
        cause: Cause,
        remedy: Remedy,
        automatic: Automatic,
        effect: Effect,
    ) -> Self {
        Self {
            cause,
            remedy,
            automatic,
            effect,
        }
    }
}

/// The meanings of the decision table, one for each row and its variants.
pub(super) mod means {
    use super::Meaning;
    use super::{Automatic::*, Cause::*, Remedy::*};
    use crate::domain::conflict::Effect;

    pub const EXISTS: Meaning = Meaning::of(AlreadyExists, AdoptExisting, AfterCompare, Effect::No);
    pub const STANDS: Meaning =
        Meaning::of(AlreadyExists, TreatAsSuccess, AfterCompare, Effect::No);
    pub const HELD: Meaning = Meaning::of(NameHeldByOther, Escalate, No, Effect::No);
    pub const SOFT_DELETED: Meaning =
        Meaning::of(SoftDeletedHolder, RestoreSoftDeleted, Policy, Effect::No);
    /// The thing being deleted can be read, so poll it.
    pub const DELETING_POLL: Meaning =
        Meaning::of(DeletionInProgress, PollThenRetry, Yes, Effect::No);
    pub const DELETING_DELAY: Meaning =
        Meaning::of(DeletionInProgress, RetryAfterDelay, Yes, Effect::No);
    pub const STALE: Meaning =
        Meaning::of(VersionMismatch, RereadAndReapply, AfterCompare, Effect::No);
    pub const NEEDS_CONDITION: Meaning =
        Meaning::of(PreconditionRequired, FixRequest, No, Effect::No);
    pub const CONTENTION: Meaning = Meaning::of(WriteContention, RetryAfterDelay, Yes, Effect::No);
    /// The operation can be read, so poll it.
    pub const BUSY_POLL: Meaning = Meaning::of(OperationInProgress, PollThenRetry, Yes, Effect::No);
    pub const BUSY_DELAY: Meaning =
        Meaning::of(OperationInProgress, RetryAfterDelay, Yes, Effect::No);
    pub const LOCKED: Meaning = Meaning::of(LockHeld, WaitForUnlock, Yes, Effect::No);
    pub const LOCK_LOST: Meaning = Meaning::of(LockLost, AbandonAndReacquire, Yes, Effect::No);
    pub const ADMIN_LOCK: Meaning = Meaning::of(AdministrativeLock, Escalate, No, Effect::No);
    pub const MISSING: Meaning =
        Meaning::of(DependencyMissing, EnsureDependency, Policy, Effect::No);
    pub const DEPENDENTS: Meaning = Meaning::of(DependentsExist, Escalate, No, Effect::No);
    pub const STATE: Meaning = Meaning::of(InvalidState, Escalate, No, Effect::No);
    /// The caller's own setting causes the state.
    pub const STATE_FIX: Meaning = Meaning::of(InvalidState, FixRequest, No, Effect::No);
    /// A limit of one: its holder goes away by itself.
    pub const LIMIT_OF_ONE: Meaning = Meaning::of(QuotaExhausted, WaitForRelease, Yes, Effect::No);
    pub const QUOTA: Meaning = Meaning::of(QuotaExhausted, Escalate, No, Effect::No);
    pub const THROTTLED: Meaning = Meaning::of(Throttled, RetryAfterDelay, Yes, Effect::No);
    pub const UNAVAILABLE: Meaning =
        Meaning::of(Unavailable, RetryAfterDelay, Yes, Effect::Unknown);
    /// Unavailable, and the service promises that it did nothing.
    pub const NOT_DONE: Meaning = Meaning::of(Unavailable, RetryAfterDelay, Yes, Effect::No);
    pub const AMBIGUOUS: Meaning = Meaning::of(AmbiguousOutcome, ReadBeforeRetry, Yes, Effect::Yes);
    pub const INVISIBLE: Meaning = Meaning::of(NotVisibleYet, ReadBeforeRetry, Yes, Effect::No);
    pub const DIVERGED: Meaning = Meaning::of(
        ReplicationConflict,
        RereadAndReapply,
        AfterCompare,
        Effect::Yes,
    );
    pub const INVALID: Meaning = Meaning::of(InvalidRequest, FixRequest, No, Effect::No);
    pub const UNCLASSIFIED: Meaning = Meaning::of(Unclassified, Escalate, No, Effect::Unknown);
}

/// Which codes a rule wants to see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codes {
    /// Whatever code there is, or none.
    Any,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// One of these, or no code at all.
    OneOfOrNone(&'static [&'static str]),
}

/// Where the body names the holder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holder {
    /// Nowhere.
    Unnamed,
    /// A GUID right after these words.
    GuidAfter(&'static str),
    /// A short name of letters, digits, `-`, `_` and `.` right after these words.
    NameAfter(&'static str),
    /// A resource id, `/subscriptions/…`, right after these words.
    ResourceAfter(&'static str),
}

/// An answer that the rule recognises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Example {
    /// What was being done.
    pub operation: Operation,
    /// HTTP status.
    pub status: u16,
    /// Headers that matter.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body.
    pub body: &'static str,
}

/// One line of the playbook.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    /// A name that stays: `service/what`.
    pub id: &'static str,
    /// Which services answer so; the first is the rule's home. Empty: all of them.
    pub services: &'static [Service],
    /// While doing what. Empty: anything.
    pub operations: &'static [Operation],
    /// Statuses, the wrapped one where an envelope names one. Empty: any.
    pub statuses: &'static [u16],
    /// Codes.
    pub codes: Codes,
    /// The codes are wrappers or say little: texts are asked first.
    pub weak_codes: bool,
    /// Text patterns in lower case, any of them; `*` stands for anything. Empty: any text.
    pub text: &'static [&'static str],
    /// What it concludes.
    pub means: Meaning,
    /// Where the body names the holder.
    pub holder: Holder,
    /// What happened, in a sentence.
    pub why: &'static str,
    /// What to do here beside what the remedy says. May be empty.
    pub advice: &'static str,
    /// What never to do here beside what the cause forbids. May be empty.
    pub never: &'static str,
    /// Where it is written.
    pub sources: &'static [&'static str],
    /// An answer that it recognises.
    pub example: Example,
}

impl Rule {
    /// A rule that wants nothing yet.
    pub(super) const fn new(
        id: &'static str,
        services: &'static [Service],
        means: Meaning,
    ) -> Self {
        Self {
            id,
            services,
            operations: &[],
            statuses: &[],
            codes: Codes::Any,
            weak_codes: false,
            text: &[],
            means,
            holder: Holder::Unnamed,
            why: "",
            advice: "",
            never: "",
            sources: &[],
            example: Example {
                operation: Operation::Create,
                status: 0,
                headers: &[],
                body: "",
            },
        }
    }

    pub(super) const fn operations(self, operations: &'static [Operation]) -> Self {
        Self { operations, ..self }
    }

    pub(super) const fn statuses(self, statuses: &'static [u16]) -> Self {
        Self { statuses, ..self }
    }

    pub(super) const fn codes(self, codes: &'static [&'static str]) -> Self {
        Self {
            codes: Codes::OneOf(codes),
            ..self
        }
    }

    pub(super) const fn weak_codes(self, codes: &'static [&'static str]) -> Self {
        Self {
            weak_codes: true,
            ..self.codes(codes)
        }
    }

    pub(super) const fn codes_or_none(self, codes: &'static [&'static str]) -> Self {
        Self {
            codes: Codes::OneOfOrNone(codes),
            ..self
        }
    }

    pub(super) const fn text(self, text: &'static [&'static str]) -> Self {
        Self { text, ..self }
    }

    pub(super) const fn holder(self, holder: Holder) -> Self {
        Self { holder, ..self }
    }

    pub(super) const fn why(self, why: &'static str) -> Self {
        Self { why, ..self }
    }

    pub(super) const fn advice(self, advice: &'static str) -> Self {
        Self { advice, ..self }
    }

    pub(super) const fn never(self, never: &'static str) -> Self {
        Self { never, ..self }
    }

    pub(super) const fn sources(self, sources: &'static [&'static str]) -> Self {
        Self { sources, ..self }
    }

    pub(super) const fn example(
        self,
        operation: Operation,
        status: u16,
        body: &'static str,
    ) -> Self {
        let headers = self.example.headers;
        Self {
            example: Example {
                operation,
                status,
                headers,
                body,
            },
            ..self
        }
    }

    pub(super) const fn example_headers(
        self,
        headers: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self {
            example: Example {
                headers,
                ..self.example
            },
            ..self
        }
    }
}
