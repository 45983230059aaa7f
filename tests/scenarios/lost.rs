//! Answers that are lost, and waits that Graph asks for.

use evergraph::app::report::Action;
use evergraph::domain::plan::Reason;
use evergraph::sim::faults::{Effect, Injected, Rule};
use evergraph::sim::request::Op;
use jiff::{SignedDuration, Timestamp};

use crate::fleet::{Fleet, done, mailboxes, wish};
use crate::rows::{decided, sent, words};

fn throttle(said: &str) -> Effect {
    Effect::Answer(Injected {
        retry_after: Some(said.to_owned()),
        ..Injected::status(429)
    })
}

async fn check_lost_create(effect: Effect, adopted: usize) {
    // A kind of which Graph accepts duplicates in silence: nothing else would stop a blind retry.
    let fleet = Fleet::new(vec![wish("list", "sites/s/lists/l", "updated")]);
    fleet.control.arm(Rule::next(Op::Create, effect)).unwrap();
    let first = fleet.tick().await;
    assert_eq!(first.done(Action::Create), 0);
    let reports = fleet.run_for(SignedDuration::from_mins(1)).await;
    assert_eq!(
        sent(&fleet, "create"),
        1,
        "not before its settle time: {reports:#?}"
    );
    let reports = fleet.run_for(SignedDuration::from_mins(15)).await;
    assert_eq!(done(&reports, Action::Adopt), adopted);
    assert_eq!(done(&reports, Action::Create), 1 - adopted);
    assert_eq!(fleet.live().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_was_lost_is_found_and_adopted() {
    check_lost_create(Effect::LoseAfter, 1).await;
    check_lost_create(Effect::AnswerAfter(Injected::status(500)), 1).await;
    check_lost_create(Effect::HoldReply { ms: 60_000 }, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_create_that_never_arrived_is_sent_once_more_after_its_settle_time() {
    check_lost_create(Effect::LoseBefore, 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_create_that_a_lagging_listing_hides_is_still_not_doubled() {
    let fleet = Fleet::new(vec![wish("list", "sites/s/lists/l", "updated")]);
    let lag = serde_json::json!({"listing": {"lag_ms": 100_000}});
    fleet.control.patch_settings(lag).unwrap();
    fleet
        .control
        .arm(Rule::next(Op::Create, Effect::LoseAfter))
        .unwrap();
    fleet.run_for(SignedDuration::from_hours(3)).await;
    assert_eq!((fleet.live().len(), sent(&fleet, "create")), (1, 1));
}

fn calls_between(fleet: &Fleet, from: Timestamp, to: Timestamp) -> usize {
    fleet.sim.with(|service, _| {
        let moments = service
            .calls
            .log()
            .map(|call| call.at.parse::<Timestamp>().unwrap());
        moments.filter(|at| *at > from && *at < to).count()
    })
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_before_a_retry_after_has_passed() {
    for op in [Op::Create, Op::List] {
        let mut fleet = Fleet::new(mailboxes(3));
        fleet.config.concurrency = 1;
        fleet.control.arm(Rule::next(op, throttle("1500"))).unwrap();
        fleet.tick().await;
        let said = fleet.sim.clock.read();
        let until = said + SignedDuration::from_secs(1_500);
        let reports = fleet.run_for(SignedDuration::from_mins(45)).await;
        assert_eq!(calls_between(&fleet, said, until), 0, "{op:?}");
        assert_eq!(fleet.live().len(), 3, "{op:?}: {}", words(&reports));
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_second_page_is_kept_too() {
    let fleet = Fleet::new(mailboxes(5));
    fleet.tick().await;
    let pages = serde_json::json!({"listing": {"page_size": 2}});
    fleet.control.patch_settings(pages).unwrap();
    let second = Rule {
        nth: 2,
        ..Rule::next(Op::List, throttle("1500"))
    };
    fleet.control.arm(second).unwrap();
    fleet.jump(60);
    fleet.tick().await;
    let said = fleet.sim.clock.read();
    fleet.run_for(SignedDuration::from_mins(40)).await;
    let until = said + SignedDuration::from_secs(1_500);
    assert_eq!(calls_between(&fleet, said, until), 0);
}

#[tokio::test(start_paused = true)]
async fn an_absurd_retry_after_is_reported_and_tried_again_at_the_next_audit() {
    for said in ["Fri, 31 Dec 9999 23:59:59 GMT", "999999", "-3", "soon"] {
        let fleet = Fleet::new(mailboxes(1));
        fleet
            .control
            .arm(Rule::next(Op::Create, throttle(said)))
            .unwrap();
        let first = fleet.tick().await;
        let reports = fleet.run_for(SignedDuration::from_mins(55)).await;
        assert_eq!(sent(&fleet, "create"), 1, "{said}: not before the audit");
        let first = [first];
        let blocked = decided(&first, Action::Hold, Reason::AbsurdWait)
            + decided(&first, Action::Block, Reason::AbsurdWait);
        assert_eq!(blocked, 1, "{said}: {}", words(&first));
        assert_eq!(done(&reports, Action::Create), 0);
        let reports = fleet.run_for(SignedDuration::from_mins(15)).await;
        assert_eq!(done(&reports, Action::Create), 1, "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_failed_is_tried_again_in_time() {
    let fleet = Fleet::new(vec![wish("p", "communications/presences/u1", "updated")]);
    fleet.tick().await;
    let id = fleet.live()[0].id.clone();
    for status in [500, 503, 403] {
        let rule = Rule {
            times: 2,
            ..Rule::next(Op::Renew, Effect::Answer(Injected::status(status)))
        };
        fleet.control.arm(rule).unwrap();
        fleet.run_for(SignedDuration::from_hours(3)).await;
        assert_eq!(fleet.live()[0].id, id, "it outlived two times {status}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_absurd_retry_after_never_lets_end_what_lives() {
    // The next audit would come too late.
    for said in ["999999", "7200"] {
        let fleet = Fleet::new(vec![wish("p", "communications/presences/u1", "updated")]);
        fleet.tick().await;
        let id = fleet.live()[0].id.clone();
        fleet
            .control
            .arm(Rule::next(Op::Renew, throttle(said)))
            .unwrap();
        let reports = fleet.run_for(SignedDuration::from_hours(2)).await;
        let left: Vec<_> = fleet.live().into_iter().map(|row| row.id).collect();
        assert_eq!(left, [id], "{said}: {}", words(&reports));
    }
}

#[tokio::test(start_paused = true)]
async fn two_creators_that_both_get_201_are_collapsed_by_the_verify_listing_not_the_audit() {
    let list = || vec![wish("list", "sites/s/lists/l", "updated")];
    let one = Fleet::new(list());
    // The same deployment without the one lease: its store is another.
    let other = Fleet::over(
        std::sync::Arc::clone(&one.sim),
        evergraph::adapters::state::memory::MemoryStore::new(),
        list(),
    );
    let latency = serde_json::json!({"latency": {"min_ms": 200, "max_ms": 200}});
    one.control.patch_settings(latency).unwrap();
    let (first, second) = tokio::join!(one.tick(), other.tick());
    assert_eq!(
        (first.done(Action::Create), second.done(Action::Create)),
        (1, 1)
    );
    assert_eq!(one.live().len(), 2);
    let smallest = one.live().into_iter().map(|row| row.id).min().unwrap();
    let reports = one.run_for(SignedDuration::from_mins(15)).await;
    assert_eq!(decided(&reports, Action::Look, Reason::VerifyCreates), 1);
    assert_eq!(decided(&reports, Action::Look, Reason::Audit), 0);
    let left: Vec<_> = one.live().into_iter().map(|row| row.id).collect();
    assert_eq!(left, [smallest], "{}", words(&reports));
}
