//! Rule 6: a conflict is looked into, and a blocked key is not tried at every tick.

use evergraph::domain::conflict::Cause;
use evergraph::domain::plan::Reason;
use evergraph::domain::record::Miss;
use evergraph::domain::state::BlockedBy;
use evergraph::domain::subscription::Desired;

use crate::support::build::*;
use crate::support::graph::{Duplicates, already_exists, verdict};
use crate::support::world::World;

fn mail() -> Desired {
    wish("mail", "users/u1/messages")
}

#[test]
fn a_foreign_holder_blocks_until_its_end() {
    for duplicates in [Duplicates::RefusedByName, Duplicates::Refused] {
        let theirs = foreign(row("theirs", &mail(), at(32)));
        let mut world = World::new(&[mail()]).with_row(theirs);
        world.graph.duplicates = duplicates;
        assert_eq!(world.pass().created(), 1);
        let blocked = world.entry(&mail()).blocked.clone().unwrap();
        assert_eq!(blocked.cause, BlockedBy::Foreign);
        assert_eq!(blocked.holder, Some(id("theirs")));
        let tries: usize = world.ticks(7).iter().map(|story| story.created()).sum();
        assert_eq!(tries, 0, "{duplicates:?}");
        world.ticks(2);
        assert_eq!(world.live(&mail()).len(), 1);
    }
}

#[test]
fn a_foreign_holder_that_stays_is_asked_about_once_for_each_audit() {
    let theirs = foreign(row("theirs", &mail(), at(72_000)));
    let mut world = World::new(&[mail()]).with_row(theirs);
    world.graph.duplicates = Duplicates::RefusedByName;
    let tries: usize = world
        .ticks(12 * 5)
        .iter()
        .map(|story| story.created())
        .sum();
    assert!((4..=6).contains(&tries), "{tries} creates in five hours");
}

#[test]
fn a_holder_that_nobody_can_see_blocks_until_the_next_audit() {
    for holder in [Some("somewhere"), None] {
        let mut world = World::new(&[mail()]);
        world.graph.refuses_creates = Some(already_exists(holder));
        assert_eq!(world.pass().created(), 1);
        let blocked = world.entry(&mail()).blocked.clone().unwrap();
        assert_eq!(
            (blocked.cause, blocked.until),
            (BlockedBy::Invisible, at(60))
        );
    }
}

#[test]
fn an_unclassified_conflict_is_never_taken_for_already_exists() {
    let mut world = World::new(&[mail()]);
    world.graph.refuses_creates = Some(Miss::Conflict(verdict(Cause::Unclassified, None)));
    let story = world.pass();
    assert_eq!(story.created(), 1);
    let blocked = world.entry(&mail()).blocked.clone().unwrap();
    assert_eq!(blocked.cause, BlockedBy::Unclassified);
    assert!(world.held(&mail()).is_none());
    assert!(world.pass().has_hold(Reason::Unclassified));
}

#[test]
fn a_quota_is_waited_for() {
    let mut world = World::new(&[mail()]);
    world.graph.refuses_creates = Some(Miss::Quota(verdict(Cause::QuotaExhausted, None)));
    world.pass();
    assert_eq!(
        world.entry(&mail()).blocked.clone().unwrap().cause,
        BlockedBy::Quota
    );
    let tries: usize = world.ticks(11).iter().map(|story| story.created()).sum();
    assert_eq!(tries, 0);
}

#[test]
fn a_named_holder_that_is_ours_and_good_is_adopted() {
    let mut world = World::new(&[mail()]).with_row(row("r1", &mail(), at(7200)));
    world.graph.duplicates = Duplicates::RefusedByName;
    world.graph.rows.get_mut(&id("r1")).unwrap().lags = true;
    let story = world.pass();
    assert_eq!(story.created(), 1);
    assert_eq!(world.held(&mail()).unwrap().id, id("r1"));
}

#[test]
fn an_id_that_graph_named_is_not_believed_before_a_get() {
    // The name stands in an error text: it may be anything.
    let other = wish("other", "users/u2/messages");
    let mut world = World::new(&[mail(), other.clone()]).with_row(row("r2", &other, at(7200)));
    world.graph.refuses_creates = Some(already_exists(Some("r2")));
    let story = world.pass();
    assert_eq!(story.deleted(), 0);
    assert_eq!(
        world.entry(&mail()).blocked.clone().unwrap().cause,
        BlockedBy::Unclassified
    );
    world.ticks(30);
    assert_eq!(world.live(&other), [id("r2")]);
}

#[test]
fn an_own_row_that_nobody_declares_makes_room_after_its_confirmation() {
    // A limit of one for the resource, whatever the change types.
    let old = Desired {
        key: evergraph::domain::subscription::SubscriptionKey {
            change_types: evergraph::domain::subscription::ChangeTypes::parse("created").unwrap(),
            ..mail().key
        },
        ..mail()
    };
    let mut world = World::new(&[mail()]).with_row(row("r1", &old, at(7200)));
    world.graph.refuses_creates = Some(already_exists(None));
    world.pass();
    let blocked = world.entry(&mail()).blocked.clone().unwrap();
    assert_eq!((blocked.cause, blocked.until), (BlockedBy::OwnRow, at(15)));
    world.ticks(3);
    world.graph.refuses_creates = None;
    world.ticks(2);
    assert_eq!((world.live(&mail()).len(), world.live(&old).len()), (1, 0));
}

#[test]
fn what_was_deleted_to_make_room_may_be_seen_by_graph_for_a_moment() {
    let old = without_lifecycle(row("r1", &mail(), at(7200)));
    let mut world = World::new(&[mail()])
        .with_row(old.clone())
        .with_held(&mail(), held(&old))
        .settled();
    world.graph.refuses_creates = Some(already_exists(Some("r1")));
    while !world.live(&mail()).is_empty() {
        world.ticks(1);
        assert!(world.now < at(120), "the mismatched row goes first");
    }
    assert!(world.entry(&mail()).blocked.is_none());
    world.graph.refuses_creates = None;
    world.ticks(1);
    assert_eq!(
        world.live(&mail()).len(),
        1,
        "it blocks the key for a moment, not for an hour"
    );
}
