//! A steady plan allocates nothing for each key, however many there are.

#![allow(clippy::unwrap_used, reason = "test file")]

mod support;

use std::alloc::System;

use evergraph::domain::reconcile::{Progress, reconcile};
use evergraph::domain::sight::{Listing, Sight, Sights};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use support::build::*;
use support::world::World;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Allocations of one planning over `count` subscriptions that are not due.
fn allocations(count: usize, listed: bool) -> usize {
    let name = |number: usize| format!("users/u{number}/messages");
    let wishes: Vec<_> = (0..count)
        .map(|number| wish(&format!("m{number}"), &name(number)))
        .collect();
    let mut world = World::new(&wishes);
    let mut rows = Vec::new();
    for (number, wish) in wishes.iter().enumerate() {
        let shown = signed(row(&format!("r{number}"), wish, at(7200)), None);
        world = world.with_held(wish, held(&shown));
        rows.push(shown);
    }
    let world = world.settled();
    let begun_at = world.now;
    let listing = match listed {
        true => Listing::Complete { rows, begun_at },
        false => Listing::NotTaken,
    };
    let app = Some(app("app-1"));
    let sight = Sight {
        app,
        listing,
        ..Sight::default()
    };
    let sights = Sights::from([(tenant(1), sight)]);
    let progress = Progress::new(world.now);
    let inputs = world
        .setup
        .inputs(&world.state, &sights, &progress, world.now);
    let region = Region::new(ALLOCATOR);
    let plan = reconcile(&inputs);
    let used = region.change();
    assert!(plan.is_at_rest() && plan.holds.is_empty(), "{plan:#?}");
    used.allocations + used.reallocations
}

// One test: the counter counts every thread.
#[test]
fn a_steady_plan_allocates_nothing_for_each_key() {
    for listed in [false, true] {
        let (few, many) = (allocations(500, listed), allocations(5000, listed));
        assert!(
            few < 60,
            "{few} allocations for 500 keys (listed: {listed})"
        );
        assert!(
            many <= few + 5,
            "{many} for 5000 keys, {few} for 500 (listed: {listed})"
        );
        println!("listed: {listed}: {few} for 500 keys, {many} for 5000");
    }
}
