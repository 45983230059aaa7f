//! Rule 8: no call before the wait that Graph asked for has passed; absurd waits are not kept.

use std::time::Duration;

use evergraph::domain::conflict::RetryAfter;
use evergraph::domain::plan::Reason;
use evergraph::domain::record::Miss;
use evergraph::domain::state::{BlockedBy, Held};
use evergraph::domain::subscription::Desired;

use crate::support::build::*;
use crate::support::world::World;

fn mail() -> Desired {
    wish("mail", "users/u1/messages")
}

fn due(end: jiff::Timestamp) -> World {
    let ours = row("r1", &mail(), end);
    let held = Held {
        due: at(0),
        ..held(&ours)
    };
    World::new(&[mail()])
        .with_row(ours)
        .with_held(&mail(), held)
        .settled()
}

fn wait_s(seconds: u64) -> Option<RetryAfter> {
    Some(RetryAfter::For(Duration::from_secs(seconds)))
}

#[test]
fn silence_holds_for_the_whole_tenant_and_ends_on_time() {
    for miss in [
        Miss::Throttled(wait_s(1500)),
        Miss::Unavailable(wait_s(1500)),
    ] {
        let mut world = due(at(600));
        world.graph.refuses_renewals = Some(miss);
        assert_eq!(world.pass().renewed(), 1);
        world.graph.refuses_renewals = None;
        for _ in 0..5 {
            assert_eq!(world.agenda(), None);
            let story = world.pass();
            assert!(story.has_hold(Reason::QuietPeriod));
            assert_eq!(story.renewed() + story.listed() + story.got(), 0);
            world.wait(minutes(5));
        }
        assert_eq!(world.pass().renewed(), 1);
    }
}

#[test]
fn silence_without_a_length_grows_with_each_time() {
    let mut world = due(at(6000));
    world.graph.refuses_renewals = Some(Miss::Throttled(None));
    let mut waits = Vec::new();
    for _ in 0..4 {
        world.pass();
        let until = world.state.tenants[&tenant(1)].quiet_until.unwrap();
        waits.push(until.duration_since(world.now));
        world.now = until;
    }
    assert_eq!(waits, [minutes(1), minutes(2), minutes(4), minutes(8)]);
}

/// A renewal meets the wait; from then on Graph would answer. It is tried again after `minutes`.
#[track_caller]
fn check_tried_again(end: i64, asked: Option<RetryAfter>, minutes: usize) {
    let mut world = due(at(end));
    world.graph.refuses_renewals = Some(Miss::Throttled(asked));
    assert_eq!(world.pass().renewed(), 1);
    world.graph.refuses_renewals = None;
    world.ticks(minutes / 5);
    assert_eq!(world.graph.rows[&id("r1")].row.expires, at(end), "too soon");
    world.ticks(1);
    let expires = world.held(&mail()).unwrap().expires;
    assert!(expires > at(600), "it was left to end");
}

#[test]
fn a_wait_past_the_end_is_tried_again_at_the_next_audit_or_after_half_of_what_is_left() {
    check_tried_again(150, wait_s(3 * 3600), 60);
    check_tried_again(90, wait_s(3 * 3600), 45);
    check_tried_again(40, wait_s(3600), 20);
}

#[test]
fn an_absurd_wait_never_lets_end_what_lives() {
    for asked in [wait_s(90_000), Some(RetryAfter::Absurd("soon".into()))] {
        check_tried_again(6000, asked.clone(), 60);
        check_tried_again(90, asked.clone(), 45);
        check_tried_again(40, asked, 20);
    }
}

#[test]
fn an_absurd_wait_is_neither_kept_nor_tried_at_every_tick() {
    for asked in [wait_s(90_000), Some(RetryAfter::Absurd("soon".into()))] {
        let mut world = World::new(&[mail()]);
        world.graph.refuses_creates = Some(Miss::Throttled(asked));
        world.pass();
        let blocked = world.entry(&mail()).blocked.clone().unwrap();
        assert_eq!(
            (blocked.cause, blocked.until),
            (BlockedBy::AbsurdWait, at(60))
        );
        let tries: usize = world.ticks(11).iter().map(|story| story.created()).sum();
        assert_eq!(tries, 0);
        world.graph.refuses_creates = None;
        world.ticks(2);
        assert_eq!(world.live(&mail()).len(), 1);
    }
}

#[test]
fn failures_wait_longer_each_time_but_never_past_a_quarter_of_what_is_left() {
    let mut world = due(at(400));
    world.graph.refuses_renewals = Some(Miss::Unavailable(None));
    let mut last = jiff::SignedDuration::ZERO;
    for at_failure in 1..40 {
        assert_eq!(world.pass().renewed(), 1, "failure {at_failure}");
        let retry = world.entry(&mail()).retry.clone().unwrap();
        let wait = retry.not_before.duration_since(world.now);
        let left = at(400).duration_since(world.now);
        assert!(wait <= left / 4 || wait <= last, "{wait:?} of {left:?}");
        last = wait;
        world.now = retry.not_before;
        if at(400).duration_since(world.now) < minutes(2) {
            break;
        }
    }
    assert!(world.held(&mail()).is_some());
}

#[test]
fn a_listing_is_not_asked_for_before_the_wait_that_its_refusal_named() {
    let world = due(at(6000));
    let mut state = world.state.clone();
    let hash = world.setup.config_hash();
    let recorder = world.setup.recorder(hash.as_deref(), world.now);
    let miss = Miss::Unavailable(wait_s(1800));
    recorder.not_listed(&mut state, &tenant(1), Some(&miss));
    let again = state.tenants[&tenant(1)].look_again.clone().unwrap();
    assert_eq!(again.not_before, at(30));
    let absurd = Miss::Throttled(Some(RetryAfter::Absurd("-1".into())));
    recorder.not_listed(&mut state, &tenant(1), Some(&absurd));
    let again = state.tenants[&tenant(1)].look_again.clone().unwrap();
    assert_eq!(again.not_before, at(60));
}
