//! The ensure engine under any sequence of answers, and under one cause that does not go away.

#![allow(clippy::unwrap_used, reason = "test file")]

use std::time::Duration;

use evergraph::domain::conflict::{
    Automatic, Cause, Confidence, Effect, Remedy, RetryAfter, Verdict, playbook,
};
use evergraph::domain::ensure::{
    Drift, Ending, Facts, Failure, GiveUp, Heard, HolderId, Limits, Moment, Move, Observation,
    Ours, Outcome, Progress, Refusal, Run, Seen, Standing, Stop, Token, Told,
};
use proptest::prelude::*;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn refused(cause: Cause, remedy: Remedy) -> Refusal {
    let verdict = Verdict {
        cause,
        remedy,
        automatic: Automatic::Yes,
        may_have_taken_effect: Effect::No,
        wait: None,
        holder: None,
        rule: "test/rule",
        confidence: Confidence::Code,
        sources: &[],
        words: "in the service's words".to_owned(),
    };
    Refusal {
        verdict,
        holder: None,
        request_id: Some("r-1".to_owned()),
    }
}

fn fails(refusal: &Refusal) -> Heard {
    Heard::Failed(Failure::Refused(Box::new(refusal.clone())))
}

fn sees(holders: &[Seen]) -> Heard {
    Heard::Observed(Told::new(Observation::complete(holders.to_vec())))
}

fn versioned(id: &str, version: &str, drift: bool) -> Seen {
    let drift = match drift {
        true => Drift::Patchable(vec!["size".to_owned()]),
        false => Drift::None,
    };
    Seen {
        version: Some(version.to_owned()),
        drift,
        ..Seen::ours(id)
    }
}

/// Drives a run by a script; waits take exactly their time.
fn drive(
    facts: Facts,
    per_mille: u16,
    mut answer: impl FnMut(&Move, Duration) -> Heard,
) -> (Ending, Vec<(Duration, Move)>) {
    let mut run = Run::start(facts, Limits::default(), Token::new("me"));
    let (mut now, mut moves) = (Duration::ZERO, Vec::new());
    loop {
        assert!(!run.take_steps().is_empty(), "a move without a record");
        let next = run.next().clone();
        if let Move::End(ending) = next {
            return (ending, moves);
        }
        moves.push((now, next.clone()));
        let heard = match &next {
            Move::Wait { time } => {
                now += *time;
                Heard::Waited
            }
            other => answer(other, now),
        };
        run.heard(heard, Moment { now, per_mille });
    }
}

fn gave_up(ending: &Ending) -> &GiveUp {
    match ending {
        Ending::GaveUp(up) => up,
        other => panic!("{other}"),
    }
}

fn count(moves: &[(Duration, Move)], want: fn(&Move) -> bool) -> usize {
    moves.iter().filter(|(_, one)| want(one)).count()
}

fn waits(moves: &[(Duration, Move)]) -> Vec<u64> {
    let time = |(_, one): &(Duration, Move)| match one {
        Move::Wait { time } => Some(time.as_secs()),
        _ => None,
    };
    moves.iter().filter_map(time).collect()
}

/// Every create is refused by one cause, and nothing can be seen.
#[track_caller]
fn check_create(cause: Cause, remedy: Remedy, stop: Stop, creates: usize) {
    let refusal = refused(cause, remedy);
    let (ending, moves) = drive(Facts::default(), 999, |next, _| match next {
        Move::Observe => sees(&[]),
        Move::Poll => Heard::Polled(Told::new(Progress::Settled)),
        Move::Provide | Move::Reacquire => Heard::Did(Told::new(())),
        _ => fails(&refusal),
    });
    assert_eq!(gave_up(&ending).reason, stop, "{cause}: {ending}");
    let sent = count(&moves, |one| matches!(one, Move::Create { .. }));
    assert_eq!(sent, creates, "{cause}: {moves:?}");
}

#[test]
fn a_refused_create_ends_by_its_cause() {
    use Remedy::*;
    for (cause, remedy, stop, creates) in [
        (Cause::AlreadyExists, AdoptExisting, Stop::Invisible, 2),
        (Cause::AlreadyExists, TreatAsSuccess, Stop::Invisible, 2),
        (Cause::NotVisibleYet, ReadBeforeRetry, Stop::Invisible, 2),
        (Cause::VersionMismatch, RereadAndReapply, Stop::Invisible, 2),
        (Cause::NameHeldByOther, Escalate, Stop::Foreign, 1),
        (
            Cause::SoftDeletedHolder,
            RestoreSoftDeleted,
            Stop::NeedsOperator,
            1,
        ),
        (Cause::DeletionInProgress, RetryAfterDelay, Stop::Timeout, 2),
        (Cause::DeletionInProgress, PollThenRetry, Stop::Timeout, 2),
        (Cause::WriteContention, RetryAfterDelay, Stop::Contention, 2),
        (Cause::OperationInProgress, PollThenRetry, Stop::Timeout, 2),
        (Cause::LockHeld, WaitForUnlock, Stop::Locked, 2),
        (Cause::LockLost, AbandonAndReacquire, Stop::LockLost, 2),
        (Cause::AdministrativeLock, Escalate, Stop::NeedsOperator, 1),
        (Cause::DependentsExist, Escalate, Stop::NeedsOperator, 1),
        (Cause::InvalidState, Escalate, Stop::NeedsOperator, 1),
        (Cause::InvalidState, FixRequest, Stop::Bug, 1),
        (
            Cause::DependencyMissing,
            EnsureDependency,
            Stop::MissingDependency,
            2,
        ),
        (Cause::QuotaExhausted, Escalate, Stop::Quota, 1),
        (Cause::QuotaExhausted, WaitForRelease, Stop::Quota, 1),
        (Cause::Throttled, RetryAfterDelay, Stop::Busy, 2),
        (Cause::Unavailable, RetryAfterDelay, Stop::Busy, 2),
        (Cause::AmbiguousOutcome, ReadBeforeRetry, Stop::Unknown, 2),
        (Cause::PreconditionRequired, FixRequest, Stop::Bug, 1),
        (Cause::InvalidRequest, FixRequest, Stop::Bug, 1),
        (Cause::Unclassified, Escalate, Stop::Unclassified, 1),
    ] {
        check_create(cause, remedy, stop, creates);
    }
}

#[test]
fn what_may_still_show_is_looked_for_in_growing_pauses_before_one_more_create() {
    let refusal = refused(Cause::AlreadyExists, Remedy::AdoptExisting);
    let (ending, moves) = drive(Facts::default(), 0, |next, _| match next {
        Move::Observe => sees(&[]),
        _ => fails(&refusal),
    });
    assert_eq!(gave_up(&ending).reason, Stop::Invisible);
    assert_eq!(waits(&moves), [1, 2, 4, 8, 16, 29, 1, 2, 4, 8, 16, 29]);
}

#[test]
fn what_is_found_in_time_is_taken_over() {
    let refusal = refused(Cause::AlreadyExists, Remedy::AdoptExisting);
    let (ending, moves) = drive(Facts::default(), 0, |next, now| match next {
        Move::Observe if now >= s(7) => sees(&[Seen::ours("x")]),
        Move::Observe => sees(&[]),
        _ => fails(&refusal),
    });
    let want = Ending::Done {
        outcome: Outcome::Adopted,
        id: HolderId::new("x"),
    };
    assert_eq!(ending, want);
    assert_eq!(count(&moves, |one| matches!(one, Move::Create { .. })), 1);
}

#[test]
fn a_lost_create_is_known_again_by_its_token() {
    let mut sent = false;
    let (ending, _) = drive(Facts::default(), 0, |next, _| match next {
        Move::Create { .. } => {
            sent = true;
            let words = "lost".to_owned();
            Heard::Failed(Failure::NoReply { words })
        }
        _ if sent => sees(&[Seen {
            token: Some(Token::new("me")),
            ours: Ours::Foreign,
            ..Seen::ours("x")
        }]),
        _ => sees(&[]),
    });
    assert!(matches!(
        ending,
        Ending::Done {
            outcome: Outcome::CreatedEarlier,
            ..
        }
    ));
}

#[test]
fn five_changes_are_tried_and_not_one_more() {
    let refusal = refused(Cause::VersionMismatch, Remedy::RereadAndReapply);
    let mut version = 0;
    let (ending, moves) = drive(Facts::default(), 999, |next, _| match next {
        Move::Observe => {
            version += 1;
            sees(&[versioned("x", &version.to_string(), true)])
        }
        _ => fails(&refusal),
    });
    assert_eq!(gave_up(&ending).reason, Stop::Contention);
    assert_eq!(count(&moves, |one| matches!(one, Move::Patch { .. })), 5);
}

#[test]
fn the_same_version_is_not_refused_a_third_time() {
    let refusal = refused(Cause::VersionMismatch, Remedy::RereadAndReapply);
    let (ending, moves) = drive(Facts::default(), 999, |next, _| match next {
        Move::Observe => sees(&[versioned("x", "1", true)]),
        _ => fails(&refusal),
    });
    assert_eq!(gave_up(&ending).reason, Stop::Contention);
    assert_eq!(count(&moves, |one| matches!(one, Move::Patch { .. })), 1);
}

#[test]
fn a_deletion_is_waited_for_ten_minutes_and_an_operation_fifteen() {
    for (standing, minutes) in [(Standing::BeingDeleted, 10), (Standing::BeingMade, 15)] {
        let thing = Seen {
            standing,
            ..Seen::ours("x")
        };
        let (ending, moves) = drive(Facts::default(), 999, |next, _| match next {
            Move::Poll => Heard::Polled(Told::new(Progress::Running { wait: None })),
            _ => sees(std::slice::from_ref(&thing)),
        });
        assert_eq!(gave_up(&ending).reason, Stop::Timeout, "{standing:?}");
        let (last, _) = moves.last().unwrap();
        assert!(*last <= s(minutes * 60), "{standing:?}: {last:?}");
        assert!(*last >= s(minutes * 60 - 90), "{standing:?}: {last:?}");
        assert_eq!(count(&moves, Move::writes), 0);
    }
}

#[test]
fn a_known_lease_is_waited_for_as_long_as_its_term() {
    let facts = Facts {
        lease_term: Some(s(60)),
        ..Facts::default()
    };
    let refusal = refused(Cause::LockHeld, Remedy::WaitForUnlock);
    let (ending, moves) = drive(facts, 999, |next, _| match next {
        Move::Observe => sees(&[versioned("x", "1", true)]),
        _ => fails(&refusal),
    });
    // Five changes, or the term and ten seconds, whichever ends first.
    assert!(matches!(
        gave_up(&ending).reason,
        Stop::Locked | Stop::Contention
    ));
    assert!(moves.last().unwrap().0 <= s(70));
}

#[test]
fn not_allowed_is_not_foreign() {
    let denied = || {
        Heard::Failed(Failure::Unauthorised {
            words: "no".to_owned(),
            request_id: None,
        })
    };
    let (ending, moves) = drive(Facts::default(), 0, |_, _| denied());
    assert_eq!(gave_up(&ending).reason, Stop::Unauthorised);
    assert_eq!(moves.len(), 2);
}

#[test]
fn what_a_ledger_knows_is_read_and_nothing_is_listed() {
    let facts = Facts {
        known: Some(HolderId::new("x")),
        ..Facts::default()
    };
    let (ending, moves) = drive(facts, 0, |_, _| {
        Heard::Read(Told::new(Some(Seen::ours("x"))))
    });
    assert!(matches!(
        ending,
        Ending::Done {
            outcome: Outcome::Unchanged,
            ..
        }
    ));
    assert_eq!(moves.len(), 1);
}

#[test]
fn a_name_that_comes_back_is_not_taken_for_a_ghost() {
    // The id is the name: it was not there, was created, and is there now.
    let facts = Facts {
        known: Some(HolderId::new("x")),
        ..Facts::default()
    };
    let mut there = false;
    let (ending, _) = drive(facts, 0, |next, _| match next {
        Move::ReRead { .. } => Heard::Read(Told::new(there.then(|| Seen::ours("x")))),
        Move::Create { .. } => {
            there = true;
            Heard::Wrote(Told::new(Seen::ours("x")))
        }
        _ if there => sees(&[Seen::ours("x")]),
        _ => sees(&[]),
    });
    assert!(matches!(
        ending,
        Ending::Done {
            outcome: Outcome::Created,
            ..
        }
    ));
}

fn any_seen() -> impl Strategy<Value = Seen> {
    let drift = prop_oneof![
        4 => Just(Drift::None),
        2 => Just(Drift::Patchable(vec!["size".to_owned()])),
        1 => Just(Drift::Fixed(vec!["kind".to_owned()])),
    ];
    let standing = prop_oneof![
        6 => Just(Standing::Live),
        1 => Just(Standing::BeingMade),
        1 => Just(Standing::SoftDeleted),
        1 => Just(Standing::BeingDeleted),
    ];
    let ours = prop_oneof![
        4 => Just(Ours::ByRule),
        1 => Just(Ours::Foreign),
        1 => Just(Ours::Unknown),
    ];
    let token = prop::option::of(prop_oneof![Just("me"), Just("other")].prop_map(Token::new));
    (0..4_u8, ours, token, 0..3_u8, drift, standing).prop_map(
        |(id, ours, token, version, drift, standing)| Seen {
            ours,
            token,
            version: (version > 0).then(|| version.to_string()),
            drift,
            standing,
            ..Seen::ours(format!("t{id}"))
        },
    )
}

fn any_refusal() -> impl Strategy<Value = Refusal> {
    let rules: Vec<_> = playbook().map(|rule| rule.means).collect();
    let wait = prop_oneof![
        6 => Just(None),
        2 => (0..400_u64).prop_map(|wait| Some(RetryAfter::For(s(wait)))),
        1 => Just(Some(RetryAfter::Absurd("9999".to_owned()))),
    ];
    let holder = prop::option::of((0..4_u8).prop_map(|id| HolderId::new(format!("t{id}"))));
    (prop::sample::select(rules), wait, holder).prop_map(|(means, wait, holder)| {
        let mut refusal = refused(means.cause, means.remedy);
        refusal.verdict.automatic = means.automatic;
        refusal.verdict.may_have_taken_effect = means.effect;
        refusal.verdict.wait = wait;
        refusal.holder = holder;
        refusal
    })
}

fn any_failure() -> impl Strategy<Value = Failure> {
    let words = || "words".to_owned();
    prop_oneof![
        8 => any_refusal().prop_map(|refusal| Failure::Refused(Box::new(refusal))),
        1 => Just(Failure::Gone { request_id: None }),
        1 => Just(Failure::Unauthorised { words: words(), request_id: None }),
        2 => Just(Failure::NoReply { words: words() }),
        1 => Just(Failure::NotSent { words: words() }),
        1 => Just(Failure::NotSupported("Do it by hand.")),
    ]
}

/// One answer to whatever is asked: which one counts is decided by the question.
#[derive(Clone, Debug)]
struct Reply {
    fails: Option<Failure>,
    holders: Vec<Seen>,
    complete: bool,
    seen: Seen,
    there: bool,
    takes: Duration,
    per_mille: u16,
}

fn any_reply() -> impl Strategy<Value = Reply> {
    (
        prop::option::of(any_failure()),
        prop::collection::vec(any_seen(), 0..4),
        prop::bool::weighted(0.9),
        any_seen(),
        any::<bool>(),
        0..4_000_u64,
        0..1_000_u16,
    )
        .prop_map(
            |(fails, holders, complete, seen, there, takes, per_mille)| Reply {
                fails,
                holders,
                complete,
                seen,
                there,
                takes: Duration::from_millis(takes),
                per_mille,
            },
        )
}

fn heard(next: &Move, reply: &Reply) -> Heard {
    if let Some(failure) = &reply.fails {
        return Heard::Failed(failure.clone());
    }
    let named = |id: &HolderId| Seen {
        id: id.clone(),
        ..reply.seen.clone()
    };
    match next {
        Move::Observe => Heard::Observed(Told::new(Observation {
            holders: reply.holders.clone(),
            missing: (!reply.complete).then(|| "a page".to_owned()),
        })),
        Move::ReRead { holder } => Heard::Read(Told::new(reply.there.then(|| named(holder)))),
        Move::Create { .. } => Heard::Wrote(Told::new(reply.seen.clone())),
        Move::Patch { seen } | Move::Keep { seen } => Heard::Wrote(Told::new(named(&seen.id))),
        Move::Poll => Heard::Polled(Told::new(match reply.there {
            true => Progress::Settled,
            false => Progress::Running { wait: None },
        })),
        _ => Heard::Did(Told::new(())),
    }
}

/// What must hold of every run, whatever is answered.
#[derive(Default)]
struct Witness {
    creates: usize,
    looked: bool,
    silent_until: Duration,
    absurd: bool,
    kept: Option<(HolderId, Duration, bool)>,
}

impl Witness {
    fn before(&mut self, next: &Move, now: Duration, facts: &Facts) {
        if matches!(next, Move::Wait { .. } | Move::End(_)) {
            assert!(!self.absurd || matches!(next, Move::End(_)), "{next:?}");
            return;
        }
        assert!(!self.absurd, "{next:?} after a demand that makes no sense");
        assert!(now >= self.silent_until, "{next:?} before it was allowed");
        match next {
            Move::Create { .. } => {
                self.creates += 1;
                assert!(self.creates <= 2, "more than two creates");
                assert!(self.looked, "a create without a look before it");
                self.looked = false;
            }
            Move::Patch { seen } | Move::Keep { seen } => check_ours(seen),
            Move::Restore { seen } => {
                check_ours(seen);
                assert!(facts.restore, "a restore against the policy");
            }
            Move::Delete { seen, survivor } => {
                check_ours(seen);
                assert!(facts.collapse, "a delete against the policy");
                assert!(*survivor < seen.id, "{survivor} stays, {} goes", seen.id);
                let (kept, at, listed) = self.kept.clone().expect("a delete without a proof");
                assert!(kept == *survivor && listed && now <= at + s(10));
            }
            _ => {}
        }
    }

    fn after(&mut self, next: &Move, heard: &Heard, asked_at: Duration, now: Duration) {
        if let Heard::Failed(Failure::Refused(refusal)) = heard {
            match &refusal.verdict.wait {
                Some(RetryAfter::For(wait)) => self.silent_until = now + *wait,
                Some(RetryAfter::Absurd(_)) => self.absurd = true,
                None => {}
            }
        }
        match (next, heard) {
            (Move::Observe, Heard::Observed(told)) if told.value.missing.is_none() => {
                self.looked = true;
                if let Some((_, _, listed)) = &mut self.kept {
                    *listed = true;
                }
            }
            (Move::Keep { seen } | Move::Patch { seen }, Heard::Wrote(_)) => {
                self.kept = Some((seen.id.clone(), asked_at, false));
            }
            _ => {}
        }
    }
}

#[track_caller]
fn check_ours(seen: &Seen) {
    let token = seen.token == Some(Token::new("me"));
    assert!(token || seen.ours == Ours::ByRule, "{seen:?} is not ours");
}

fn check_run(facts: &Facts, replies: &[Reply]) {
    let limits = Limits::default();
    let mut run = Run::start(facts.clone(), limits, Token::new("me"));
    let mut witness = Witness::default();
    let mut now = Duration::ZERO;
    for turn in 0.. {
        assert!(turn < 1_000, "no end");
        assert!(!run.take_steps().is_empty(), "a move without a record");
        let next = run.next().clone();
        witness.before(&next, now, facts);
        if let Move::End(ending) = next {
            if let Ending::GaveUp(up) = ending {
                assert!(!up.evidence.is_empty() && !up.next_step.is_empty());
            }
            break;
        }
        let reply = &replies[turn % replies.len()];
        let asked_at = now;
        let heard = if let Move::Wait { time } = next {
            now += time;
            Heard::Waited
        } else {
            now += reply.takes;
            heard(&next, reply)
        };
        witness.after(&next, &heard, asked_at, now);
        let per_mille = reply.per_mille;
        run.heard(heard, Moment { now, per_mille });
    }
    assert!(run.calls() <= limits.calls);
    assert!(now <= limits.total + s(4), "{now:?}");
}

fn any_facts() -> impl Strategy<Value = Facts> {
    (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(exclusive, restore, collapse, known)| Facts {
            known: known.then(|| HolderId::new("t1")),
            exclusive,
            restore,
            collapse,
            ..Facts::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 3_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_sequence_of_answers_keeps_the_rules_and_comes_to_an_end(
        facts in any_facts(),
        replies in prop::collection::vec(any_reply(), 1..12),
    ) {
        check_run(&facts, &replies);
    }
}

#[test]
fn every_cause_of_the_playbook_keeps_the_rules_when_it_never_goes_away() {
    let seen = versioned("t1", "1", true);
    for rule in playbook() {
        for holders in [
            Vec::new(),
            vec![seen.clone()],
            vec![seen.clone(), Seen::ours("t2")],
        ] {
            let mut refusal = refused(rule.means.cause, rule.means.remedy);
            refusal.verdict.automatic = rule.means.automatic;
            refusal.verdict.may_have_taken_effect = rule.means.effect;
            let calm = Reply {
                fails: None,
                holders,
                complete: true,
                seen: seen.clone(),
                there: true,
                takes: Duration::from_millis(100),
                per_mille: 500,
            };
            let angry = Reply {
                fails: Some(Failure::Refused(Box::new(refusal))),
                ..calm.clone()
            };
            for replies in [
                vec![calm.clone(), angry.clone()],
                vec![angry.clone()],
                vec![calm.clone(), angry.clone(), calm.clone(), calm.clone()],
            ] {
                check_run(&Facts::default(), &replies);
            }
        }
    }
}
