//! The ensure engine under any sequence of answers, and under one cause that does not go away.

#![allow(clippy::unwrap_used, reason = "test file")]

#[path = "ensure_answers/random.rs"]
mod random;
#[path = "ensure_answers/witness.rs"]
mod witness;
#[path = "ensure_answers/words.rs"]
mod words;

use std::time::Duration;

use evergraph::domain::conflict::{Cause, Remedy, playbook};
use evergraph::domain::ensure::{
    Ending, Facts, Failure, GiveUp, Heard, HolderId, Limits, Moment, Move, Ours, Outcome, Progress,
    Run, Seen, Standing, Stop, Token, Told,
};
use proptest::prelude::*;
use random::{Reply, any_reply, heard};
use witness::Witness;
use words::{fails, refused, s, sees, versioned};

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

#[test]
fn a_look_that_began_too_early_opens_no_gate() {
    let mut run = Run::start(Facts::default(), Limits::default(), Token::new("me"));
    let mut tell = |heard, now| {
        let moment = Moment { now, per_mille: 0 };
        run.heard(heard, moment);
        run.next().clone()
    };
    assert!(matches!(tell(sees(&[]), s(0)), Move::Create { .. }));
    let words = "lost".to_owned();
    let lost = Heard::Failed(Failure::NoReply { words });
    assert_eq!(tell(lost, s(1)), Move::Observe);
    // Asked for at 1 s, answered after the window: what it shows is as old as the question.
    assert_eq!(tell(sees(&[]), s(90)), Move::Observe);
    assert!(matches!(tell(sees(&[]), s(91)), Move::Create { .. }));
}

/// So many duplicates, and every call takes so long: how many are deleted, and how it ends.
#[track_caller]
fn check_collapse(count: usize, seconds: u64, deleted: usize, keeps: usize) {
    let mut things: Vec<Seen> = (0..count).map(|id| Seen::ours(format!("t{id}"))).collect();
    let mut run = Run::start(Facts::default(), Limits::default(), Token::new("me"));
    let (mut now, mut proofs, mut deletes, mut proof) = (s(0), 0, 0, s(0));
    while !matches!(run.next(), Move::End(_)) {
        let asked_at = now;
        now += s(seconds);
        let heard = match run.next() {
            Move::Observe => sees(&things),
            Move::ReRead { holder } => {
                let found = things.iter().find(|one| one.id == *holder);
                Heard::Read(Told::new(found.cloned()))
            }
            Move::Keep { seen } => {
                (proofs, proof) = (proofs + 1, asked_at);
                Heard::Wrote(Told::new(seen.clone()))
            }
            Move::Delete { seen, .. } => {
                assert!(
                    asked_at <= proof + s(10),
                    "deleted {seen:?} on an old proof"
                );
                deletes += 1;
                things.retain(|one| one.id != seen.id);
                Heard::Did(Told::new(()))
            }
            other => panic!("{other:?}"),
        };
        run.heard(heard, Moment { now, per_mille: 0 });
    }
    assert_eq!((deletes, proofs), (deleted, keeps));
}

#[test]
fn a_proof_that_the_survivor_lives_holds_for_ten_seconds() {
    check_collapse(2, 1, 1, 1);
    // Six deletes of 2 s each do not fit into what is left of one proof.
    check_collapse(7, 2, 6, 2);
    // A list that takes longer than the proof holds deletes nothing.
    check_collapse(3, 6, 0, 3);
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
    assert!(now <= limits.total + s(6), "{now:?}");
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
