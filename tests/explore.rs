//! Every interleaving of two workers, one effect at a time, over the real functions of the core:
//! lapsed leases, lost replies, crashes, lagging listings, removals from outside. And variants
//! with one rule broken, which must be found out.

#![allow(clippy::unwrap_used, reason = "test file")]

mod support;

#[path = "explore/model.rs"]
mod model;
#[path = "explore/print.rs"]
mod print;
#[path = "explore/search.rs"]
mod search;

use model::{Broken, Faults, Node};
use search::{Found, explore};
use support::build::*;
use support::graph::{Duplicates, Ids};
use support::world::World;

use evergraph::domain::state::Going;
use evergraph::domain::subscription::Desired;

fn mail() -> Desired {
    wish("mail", "users/u1/messages")
}

/// Nothing is there yet, and listings lag.
fn empty(ids: Ids) -> World {
    let mut world = World::new(&[mail()]);
    world.graph.ids = ids;
    world.graph.lags = true;
    world
}

/// Two good rows; the state holds the larger.
fn doubled() -> World {
    let ours = row("r2", &mail(), at(7200));
    World::new(&[mail()])
        .with_row(row("r1", &mail(), at(7200)))
        .with_row(ours.clone())
        .with_held(&mail(), held(&ours))
        .settled()
}

/// Two good rows of which the state knows nothing.
fn unknown() -> World {
    World::new(&[mail()])
        .with_row(row("r1", &mail(), at(7200)))
        .with_row(row("r2", &mail(), at(7200)))
}

/// One row whose mismatch is confirmed; or that row and its replacement.
fn mismatched(duplicates: Duplicates, replaced: bool) -> World {
    let old = without_lifecycle(row("r1", &mail(), at(7200)));
    let mut world = World::new(&[mail()]).with_row(old.clone());
    world = match replaced {
        false => world.with_held(&mail(), held(&old)),
        true => {
            let new = row("r5", &mail(), at(7200));
            world.with_row(new.clone()).with_held(&mail(), held(&new))
        }
    };
    world = world.settled();
    let hash = world.setup.config_hash().unwrap();
    let watched = watch(Going::Mismatched, at(-60), &hash);
    world.state.watches.insert(id("r1"), watched);
    world.graph.duplicates = duplicates;
    world
}

/// Makes the audit due: both workers have a reason to look.
fn audited(mut world: World) -> World {
    world.state.tenants.get_mut(&tenant(1)).unwrap().audited_at = None;
    world
}

#[track_caller]
fn check_safe(name: &str, world: World, faults: Faults) {
    check_node(name, Node::begin(world, faults, Broken::Nothing));
}

#[track_caller]
fn check_node(name: &str, node: Node) {
    match explore(node) {
        Found::Nothing { states, ends } => {
            println!("{name}: {states} states, {ends} healed");
            assert!(
                states > 10,
                "{name}: {states} states are too few to mean anything"
            );
        }
        Found::Violation { what, story } => {
            panic!("{name}: {what}\n  {}", story.join("\n  "));
        }
    }
}

#[track_caller]
fn check_found(name: &str, world: World, faults: Faults, broken: Broken) {
    let mut node = Node::begin(world, faults, broken);
    node.loose = broken == Broken::SurvivorByRecord;
    match explore(node) {
        Found::Nothing { states, .. } => panic!("{name}: not found in {states} states"),
        Found::Violation { what, story } => {
            println!("{name}: {what} in {} steps", story.len());
        }
    }
}

/// A worker that stalls for good after its lease lapsed is as good as dead, so this holds crashes.
const SOME: Faults = Faults {
    lapses: 1,
    losses: 1,
    crashes: 0,
    removals: 0,
    jumps: 1,
};

const NONE: Faults = Faults {
    lapses: 0,
    losses: 0,
    crashes: 0,
    removals: 0,
    jumps: 0,
};

#[test]
fn a_first_create_is_never_doubled() {
    for ids in [Ids::Rising, Ids::Falling] {
        check_safe("first create", empty(ids), SOME);
    }
    let twice = Faults {
        losses: 2,
        jumps: 2,
        crashes: 0,
        lapses: 0,
        ..NONE
    };
    check_safe("two lost replies", empty(Ids::Rising), twice);
}

#[test]
fn beside_a_foreign_row_too() {
    let theirs = foreign(row("a-theirs", &mail(), at(7200)));
    check_safe("foreign row", empty(Ids::Rising).with_row(theirs), SOME);
}

#[test]
fn of_duplicates_one_always_stays() {
    let removal = Faults {
        removals: 1,
        losses: 0,
        ..SOME
    };
    check_safe("duplicates", audited(doubled()), SOME);
    check_safe("duplicates and a removal", audited(doubled()), removal);
}

#[test]
fn a_mismatched_row_goes_only_when_its_replacement_stands() {
    let accepted = Duplicates::Accepted;
    check_safe("mismatched", audited(mismatched(accepted, false)), SOME);
    check_safe("replaced", audited(mismatched(accepted, true)), SOME);
    let removal = Faults {
        removals: 1,
        losses: 0,
        ..SOME
    };
    check_safe(
        "replaced and a removal",
        audited(mismatched(accepted, true)),
        removal,
    );
}

#[test]
fn what_blocks_its_successor_goes_under_a_durable_intent() {
    for duplicates in [Duplicates::RefusedByName, Duplicates::Refused] {
        let world = mismatched(duplicates, false);
        check_safe("in the way", audited(world), SOME);
    }
}

#[test]
fn where_the_lease_guards_nothing_but_the_state_one_still_stays() {
    // Two creates may then meet, but no delete ever takes the last one, and it heals.
    for world in [unknown(), audited(doubled()), empty(Ids::Falling)] {
        let faults = Faults {
            losses: 0,
            lapses: 2,
            ..SOME
        };
        let mut node = Node::begin(world, faults, Broken::Nothing);
        node.loose = true;
        node.most = 3;
        check_node("no lease for effects", node);
    }
}

#[test]
fn a_survivor_chosen_by_record_is_found_out() {
    let faults = Faults { lapses: 1, ..NONE };
    check_found(
        "survivor by record",
        unknown(),
        faults,
        Broken::SurvivorByRecord,
    );
}

#[test]
fn a_delete_without_a_renewal_first_is_found_out() {
    let faults = Faults {
        removals: 1,
        ..NONE
    };
    check_found(
        "no renewal first",
        audited(doubled()),
        faults,
        Broken::NoRenewalFirst,
    );
}

#[test]
fn a_blind_retry_of_a_create_is_found_out() {
    let faults = Faults { losses: 1, ..NONE };
    check_found(
        "blind retry",
        empty(Ids::Rising),
        faults,
        Broken::BlindRetry,
    );
}

#[test]
fn a_create_without_a_durable_intent_is_found_out() {
    let faults = Faults {
        crashes: 1,
        jumps: 0,
        ..NONE
    };
    check_found("no intent", empty(Ids::Rising), faults, Broken::NoIntent);
}

#[test]
fn a_write_without_the_lease_is_found_out() {
    let faults = Faults { lapses: 1, ..NONE };
    check_found("no fence", empty(Ids::Rising), faults, Broken::NoFence);
}

#[test]
fn duplicates_that_nobody_removes_are_found_out() {
    check_found("no collapse", audited(doubled()), NONE, Broken::NoCollapse);
}
