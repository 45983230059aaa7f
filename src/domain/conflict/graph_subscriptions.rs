//! Rules of Graph's subscriptions service.
use super::{Answer, Automatic, Cause, Confidence, Effect, Remedy, Verdict};

/// What the answer means.
pub fn classify(_answer: &Answer<'_>) -> Verdict {
    Verdict {
        cause: Cause::Unclassified,
        remedy: Remedy::Escalate,
        automatic: Automatic::No,
        may_have_taken_effect: Effect::Unknown,
        wait: None,
        holder: None,
        rule: "generic/unclassified",
        confidence: Confidence::Status,
        sources: &[],
        words: String::new(),
    }
}
