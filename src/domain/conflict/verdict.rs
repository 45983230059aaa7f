//! What a failed answer means.

use super::named::named;
use super::{Cause, Remedy, RetryAfter};

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

named! {
    Automatic {
        Yes => "yes",
        AfterCompare => "after-compare",
        Policy => "policy",
        No => "no",
    }
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

named! {
    Effect {
        Yes => "yes",
        No => "no",
        Unknown => "unknown",
    }
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

named! {
    Confidence {
        Code => "code",
        Text => "text",
        Status => "status",
    }
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
