//! The whole table of outcomes.

use super::*;
use crate::domain::conflict::{Automatic, Cause, Confidence, Effect, Remedy, RetryAfter};
use crate::ports::graph_outcome::{Broken, unanswered, wait};
use std::time::Duration;

const CALLS: [Call; 6] = [
    Call::List,
    Call::Get,
    Call::Create,
    Call::Renew,
    Call::Reauthorize,
    Call::Delete,
];
const CHANGES: [Call; 4] = [Call::Create, Call::Renew, Call::Reauthorize, Call::Delete];
const READS: [Call; 2] = [Call::List, Call::Get];
const BY_ID: [Call; 4] = [Call::Get, Call::Renew, Call::Reauthorize, Call::Delete];

fn verdict(cause: Cause, effect: Effect) -> Verdict {
    Verdict {
        cause,
        remedy: Remedy::Escalate,
        automatic: Automatic::No,
        may_have_taken_effect: effect,
        wait: None,
        holder: None,
        rule: "test",
        confidence: Confidence::Code,
        sources: &[],
        words: "words".into(),
    }
}

#[track_caller]
fn check(calls: &[Call], status: u16, cause: Cause, effect: Effect, expected: &str) {
    for call in calls {
        let verdict = verdict(cause, effect);
        let error = failed(*call, status, verdict, Wait::NotSaid, Trace::default());
        assert_eq!(
            error.kind(),
            expected,
            "{call:?} {status} {cause:?} {effect:?}"
        );
    }
}

#[test]
fn who_is_not_allowed_is_told_so() {
    check(&CALLS, 401, Cause::Unclassified, Effect::Unknown, "denied");
    check(&CALLS, 401, Cause::InvalidRequest, Effect::No, "denied");
    check(&CALLS, 403, Cause::Unclassified, Effect::Unknown, "denied");
    check(&CALLS, 403, Cause::InvalidRequest, Effect::No, "denied");
}

#[test]
fn the_cause_is_believed_before_the_status() {
    check(&CALLS, 403, Cause::QuotaExhausted, Effect::No, "quota");
    check(&CALLS, 429, Cause::QuotaExhausted, Effect::No, "quota");
    check(&CALLS, 403, Cause::AlreadyExists, Effect::No, "conflict");
    check(&CALLS, 503, Cause::Throttled, Effect::No, "throttled");
    check(&CALLS, 400, Cause::LockHeld, Effect::No, "conflict");
    check(&READS, 404, Cause::Unavailable, Effect::No, "unavailable");
    check(
        &CHANGES,
        400,
        Cause::Unavailable,
        Effect::Unknown,
        "unknown",
    );
    check(&CHANGES, 500, Cause::InvalidRequest, Effect::No, "refused");
}

#[test]
fn without_a_cause_the_status_decides() {
    check(
        &CALLS,
        409,
        Cause::Unclassified,
        Effect::Unknown,
        "conflict",
    );
    check(
        &CALLS,
        429,
        Cause::Unclassified,
        Effect::Unknown,
        "throttled",
    );
    check(&CALLS, 400, Cause::InvalidRequest, Effect::No, "refused");
    check(&CALLS, 400, Cause::DependencyMissing, Effect::No, "refused");
    check(&CALLS, 400, Cause::Unclassified, Effect::Unknown, "refused");
    check(&CALLS, 308, Cause::Unclassified, Effect::Unknown, "refused");
    check(&CHANGES, 422, Cause::Unclassified, Effect::Yes, "unknown");
}

#[test]
fn only_an_id_can_be_gone() {
    check(&BY_ID, 404, Cause::Unclassified, Effect::Unknown, "gone");
    check(&BY_ID, 404, Cause::DependencyMissing, Effect::No, "gone");
    check(
        &[Call::List, Call::Create],
        404,
        Cause::Unclassified,
        Effect::No,
        "refused",
    );
}

#[test]
fn in_graphs_own_trouble_a_change_may_have_been_made() {
    for status in [408, 500, 502, 503, 504, 599] {
        check(
            &READS,
            status,
            Cause::Unclassified,
            Effect::Unknown,
            "unavailable",
        );
        check(
            &CHANGES,
            status,
            Cause::Unclassified,
            Effect::Unknown,
            "unknown",
        );
        check(&CHANGES, status, Cause::Unavailable, Effect::Yes, "unknown");
        check(
            &CHANGES,
            status,
            Cause::Unavailable,
            Effect::No,
            "unavailable",
        );
        check(
            &CHANGES,
            status,
            Cause::AmbiguousOutcome,
            Effect::Unknown,
            "unknown",
        );
    }
    check(
        &READS,
        304,
        Cause::Unclassified,
        Effect::Unknown,
        "unavailable",
    );
    check(
        &CHANGES,
        303,
        Cause::Unclassified,
        Effect::Unknown,
        "unknown",
    );
}

#[track_caller]
fn check_unanswered(calls: &[Call], broken: &Broken, expected: &str) {
    for call in calls {
        let error = unanswered(*call, broken.clone(), Trace::default());
        assert_eq!(error.kind(), expected, "{call:?} {broken:?}");
    }
}

#[test]
fn what_was_never_sent_took_no_effect() {
    check_unanswered(&CALLS, &Broken::NotSent(String::new()), "unavailable");
    check_unanswered(&READS, &Broken::Lost(String::new()), "unavailable");
    check_unanswered(&CHANGES, &Broken::Lost(String::new()), "unknown");
}

#[test]
fn the_classifiers_wait_goes_before_the_header() {
    let mut verdict = verdict(Cause::Throttled, Effect::No);
    let trace = Trace::default();
    assert_eq!(wait(&verdict, None, &trace), Wait::NotSaid);
    verdict.wait = Some(RetryAfter::For(Duration::from_secs(7)));
    let seven = Wait::For(Duration::from_secs(7));
    assert_eq!(wait(&verdict, Some("9"), &trace), seven);
    verdict.wait = Some(RetryAfter::Absurd("never".into()));
    assert_eq!(
        wait(&verdict, Some("9"), &trace),
        Wait::Absurd("never".into())
    );
}

#[test]
fn a_wait_is_told_even_where_the_outcome_is_unknown() {
    let thirty = Wait::For(Duration::from_secs(30));
    let verdict = verdict(Cause::Unavailable, Effect::Unknown);
    let error = failed(Call::Create, 503, verdict, thirty.clone(), Trace::default());
    assert_eq!((error.kind(), error.wait()), ("unknown", Some(&thirty)));
}
