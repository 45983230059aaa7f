//! From an answer to a verdict.

use super::rule::{Codes, Holder, Rule};
use super::rules;
use super::unwrap::{Reading, Text};
use super::{Answer, Automatic, Cause, Confidence, Effect, Operation, Remedy, RetryAfter, Verdict};
use crate::domain::ids;

/// Counts the editions of the rules; stands beside a rule's id wherever a decision is kept.
pub const PLAYBOOK_VERSION: u32 = 1;

/// What a failed answer means.
///
/// Total on any bytes, and bounded in time: only the beginning of a long body is looked at.
/// The order: codes from the deepest outwards, then texts, then the status. A 409 that no rule
/// knows is [`Cause::Unclassified`], never [`Cause::AlreadyExists`].
pub fn classify(answer: &Answer<'_>) -> Verdict {
    let reading = Reading::of(answer);
    let (rule, confidence) = decide(answer, &reading);
    let means = rule.means;
    let wait = reading.wait().cloned();
    Verdict {
        cause: means.cause,
        remedy: means.remedy,
        automatic: automatic(means.automatic, means.remedy, wait.as_ref()),
        may_have_taken_effect: match answer.operation {
            Operation::Read => Effect::No,
            _ => means.effect,
        },
        wait,
        holder: holder(rule.holder, reading.texts()),
        rule: rule.id,
        confidence,
        sources: rule.sources,
        words: reading.words,
    }
}

fn decide(answer: &Answer<'_>, reading: &Reading) -> (&'static Rule, Confidence) {
    let found = by_code(answer, reading, Strength::Telling)
        .or_else(|| by_text(answer, reading))
        .or_else(|| by_code(answer, reading, Strength::Weak))
        .or_else(|| by_status(answer, reading));
    match found {
        Some(rule) if rule.codes == Codes::Any && rule.text.is_empty() => {
            (rule, Confidence::Status)
        }
        Some(rule) if rule.text.is_empty() => (rule, Confidence::Code),
        Some(rule) => (rule, Confidence::Text),
        None => (
            rules::default_for(reading.status, answer.operation),
            Confidence::Status,
        ),
    }
}

/// How much the codes of a rule say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strength {
    Telling,
    /// Wrappers and general codes: texts are asked before them.
    Weak,
}

fn by_code(answer: &Answer<'_>, reading: &Reading, strength: Strength) -> Option<&'static Rule> {
    reading.codes().find_map(|code| {
        rules::rules_of(answer.service).find(|rule| {
            let (Codes::OneOf(codes) | Codes::OneOfOrNone(codes)) = rule.codes else {
                return false;
            };
            rule.weak_codes == (strength == Strength::Weak)
                && codes
                    .iter()
                    .any(|known| is_code(known, code, rule.means.cause))
                && fits(rule, answer, reading)
        })
    })
}

fn by_text(answer: &Answer<'_>, reading: &Reading) -> Option<&'static Rule> {
    let no_code = reading.codes().next().is_none();
    rules::rules_of(answer.service).find(|rule| {
        let codes_fit = match rule.codes {
            Codes::Any => true,
            Codes::OneOf(_) => false,
            Codes::OneOfOrNone(_) => no_code,
        };
        codes_fit && !rule.text.is_empty() && fits(rule, answer, reading)
    })
}

/// What a status means at this service, whatever the body says.
fn by_status(answer: &Answer<'_>, reading: &Reading) -> Option<&'static Rule> {
    rules::rules_of(answer.service).find(|rule| {
        rule.codes == Codes::Any && rule.text.is_empty() && fits(rule, answer, reading)
    })
}

/// A wrong "already exists" is the mistake that costs most: there a code must agree to the
/// letter. Elsewhere letter case is no reason to miss a known code.
fn is_code(known: &str, code: &str, cause: Cause) -> bool {
    match cause {
        Cause::AlreadyExists => known == code,
        _ => known.eq_ignore_ascii_case(code),
    }
}

fn fits(rule: &Rule, answer: &Answer<'_>, reading: &Reading) -> bool {
    (rule.operations.is_empty() || rule.operations.contains(&answer.operation))
        && (rule.statuses.is_empty() || rule.statuses.contains(&reading.status))
        && (rule.text.is_empty() || speaks(rule.text, reading.texts()))
        && (rule.means.cause != Cause::AlreadyExists || may_claim_existence(rule, reading))
}

/// Codes that only say that something inside failed.
const WRAPPERS: &[&str] = &[
    "BadRequest",
    "Conflict",
    "Request_BadRequest",
    // Resource Manager
    "DeploymentFailed",
    "DeploymentOperationFailed",
    "InvalidTemplateDeployment",
    "MultipleErrorsOccurred",
    "PreflightValidationCheckFailed",
    "ResourceDeploymentFailure",
    "ResourceOperationFailure",
];

/// Whether the answer is whole enough for "already exists": readable, header and body agree,
/// and around the code that decides stand only codes that are known. Deeper ones may be new:
/// Graph adds them, and asks to use the deepest that is known. Where a text decides, no code at
/// all may be unknown.
fn may_claim_existence(rule: &Rule, reading: &Reading) -> bool {
    if reading.malformed || reading.header_and_body_disagree() {
        return false;
    }
    let (Codes::OneOf(known) | Codes::OneOfOrNone(known)) = rule.codes else {
        return false;
    };
    let decides = |code: &str| known.contains(&code);
    let is_number = |code: &str| code.contains('=') || code.bytes().all(|b| b.is_ascii_digit());
    let harmless = |code: &str| decides(code) || is_number(code) || WRAPPERS.contains(&code);
    if rule.text.is_empty() {
        reading.around(decides).all(harmless)
    } else {
        reading.codes().all(harmless)
    }
}

fn speaks(patterns: &[&str], texts: &[Text]) -> bool {
    texts.iter().any(|text| {
        patterns
            .iter()
            .any(|pattern| matches_in(pattern, &text.folded))
    })
}

/// Whether the parts between the `*` stand in the text, in this order.
fn matches_in(pattern: &str, text: &str) -> bool {
    let mut rest = text;
    pattern.split('*').all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

/// A demand to wait that makes no sense must not end in a retry at our own pace.
fn automatic(planned: Automatic, remedy: Remedy, wait: Option<&RetryAfter>) -> Automatic {
    let waits = matches!(
        remedy,
        Remedy::RetryAfterDelay
            | Remedy::PollThenRetry
            | Remedy::WaitForUnlock
            | Remedy::WaitForRelease
    );
    match wait {
        Some(RetryAfter::Absurd(_)) if waits => Automatic::No,
        _ => planned,
    }
}

/// The holder's id, if it has the shape that the rule expects: a body is not to be trusted.
fn holder(place: Holder, texts: &[Text]) -> Option<String> {
    const NAME_MAX: usize = 128;
    const RESOURCE_MAX: usize = 1_024;
    let after = |words: &str| {
        texts.iter().find_map(|text| {
            let at = text.folded.find(words)? + words.len();
            Some(text.plain[at..].trim_start_matches([' ', '\'', '"', '<', '`', '{']))
        })
    };
    let take = |text: &str, max: usize, fits: fn(char) -> bool| {
        let end = text.find(|c| !fits(c)).unwrap_or(text.len());
        let token = text[..end].trim_end_matches('.');
        let closed = text[end..].is_empty() || !text[end..].starts_with('*');
        (!token.is_empty() && token.len() <= max && closed).then(|| token.to_owned())
    };
    match place {
        Holder::Unnamed => None,
        Holder::GuidAfter(words) => {
            let in_guid = |c: char| c.is_ascii_alphanumeric() || c == '-';
            take(after(words)?, 36, in_guid).filter(|token| ids::is_guid(token))
        }
        Holder::NameAfter(words) => take(after(words)?, NAME_MAX, |c| {
            c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
        }),
        Holder::ResourceAfter(words) => take(after(words)?, RESOURCE_MAX, |c| {
            c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '(' | ')')
        })
        .filter(|token| token.starts_with("/subscriptions/")),
    }
}
