//! Every interleaving of two runs of the ensure engine over a model service: lost replies, lagging
//! lists and reads, foreign holders, soft-deleted ones, silent duplicates. And variants with one
//! rule broken, which must be found out.

#![allow(clippy::unwrap_used, reason = "test file")]

#[path = "ensure_explore/actor.rs"]
mod actor;
#[path = "ensure_explore/search.rs"]
mod search;
#[path = "ensure_explore/service.rs"]
mod service;
#[path = "ensure_explore/world.rs"]
mod world;

use evergraph::domain::ensure::Standing;
use search::{Found, explore};
use service::{Duplicates, Rules, Thing};
use world::{Broken, Faults, World};

const SILENT: Rules = Rules {
    duplicates: Duplicates::Silent,
    reads_lag: false,
    rising: true,
    tokens: true,
};

const NAMED: Rules = Rules {
    duplicates: Duplicates::RefusedByName,
    ..SILENT
};

const REFUSED: Rules = Rules {
    duplicates: Duplicates::Refused,
    ..SILENT
};

const NONE: Faults = Faults {
    losses: 0,
    reads: 0,
    stalls: 0,
    throttles: 0,
    pages: 0,
    meddles: 0,
    removals: 0,
    squats: 0,
};

const LOSS: Faults = Faults { losses: 1, ..NONE };

/// The three ways with duplicates, ids rising and falling, with tokens and without.
fn every_rule() -> impl Iterator<Item = Rules> {
    [SILENT, NAMED, REFUSED].into_iter().flat_map(|rules| {
        [(true, true), (false, false)].map(|(rising, tokens)| Rules {
            rising,
            tokens,
            ..rules
        })
    })
}

#[track_caller]
fn check_safe(name: &str, world: World) {
    match explore(world) {
        Found::Nothing { states, ends } => {
            println!("{name}: {states} states, {ends} healed");
            assert!(ends > 0, "{name}: nothing came to an end");
        }
        Found::Violation { what, story } => {
            panic!("{name}: {what}\n  {}", story.join("\n  "));
        }
    }
}

#[track_caller]
fn check_found(name: &str, world: World, broken: Broken, want: &str) {
    match explore(World { broken, ..world }) {
        Found::Nothing { states, .. } => panic!("{name}: not found in {states} states"),
        Found::Violation { what, story } => {
            println!("{name}: {what} in {} steps", story.len());
            assert!(
                what.contains(want),
                "{name}: {what}\n  {}",
                story.join("\n  ")
            );
        }
    }
}

fn drifting(id: &str) -> Thing {
    Thing {
        drift: true,
        ..Thing::own(id)
    }
}

fn deleted(thing: Thing) -> Thing {
    Thing {
        standing: Standing::SoftDeleted,
        ..thing
    }
}

#[test]
fn two_first_runs_leave_one_thing() {
    for rules in every_rule() {
        check_safe("first runs", World::new(rules, Vec::new(), LOSS));
    }
}

#[test]
fn one_of_them_may_be_slow() {
    let faults = Faults { stalls: 2, ..NONE };
    for rules in every_rule() {
        check_safe("slow", World::new(rules, Vec::new(), faults));
    }
    let two = vec![Thing::own("t1"), Thing::own("t2")];
    let faults = Faults {
        stalls: 1,
        throttles: 1,
        ..NONE
    };
    check_safe("slow duplicates", World::new(SILENT, two, faults));
}

#[test]
fn with_two_lost_replies_too() {
    let faults = Faults { losses: 2, ..NONE };
    for rules in [SILENT, NAMED] {
        check_safe("two losses", World::new(rules, Vec::new(), faults));
    }
}

#[test]
fn a_holder_that_cannot_be_seen_is_never_doubled() {
    for rules in every_rule() {
        let rules = Rules {
            reads_lag: true,
            ..rules
        };
        check_safe("lagging reads", World::new(rules, Vec::new(), LOSS));
        if rules.duplicates != Duplicates::Silent {
            let hidden = Thing {
                shown: false,
                ..Thing::own("t1")
            };
            check_safe("hidden holder", World::new(rules, vec![hidden], LOSS));
        }
    }
}

#[test]
fn nobody_calls_before_the_service_allows_it() {
    let faults = Faults {
        throttles: 1,
        losses: 1,
        ..NONE
    };
    let once = Faults {
        losses: 0,
        ..faults
    };
    check_safe("throttled", World::new(SILENT, Vec::new(), once));
    check_safe("throttled", World::new(NAMED, Vec::new(), faults));
    let two = vec![Thing::own("t1"), drifting("t2")];
    check_safe("throttled duplicates", World::new(SILENT, two, faults));
}

#[test]
fn an_incomplete_list_creates_nothing() {
    let faults = Faults {
        pages: 1,
        reads: 1,
        ..NONE
    };
    let page = Faults { reads: 0, ..faults };
    check_safe("empty", World::new(SILENT, Vec::new(), page));
    let there = vec![drifting("t1")];
    check_safe("there", World::new(SILENT, there, faults));
}

#[test]
fn of_duplicates_one_stays_and_the_others_go() {
    let faults = Faults {
        losses: 1,
        meddles: 1,
        ..NONE
    };
    let two = || vec![Thing::own("t1"), Thing::own("t2")];
    check_safe("two", World::new(SILENT, two(), faults));
    let three = vec![drifting("t1"), Thing::own("t2"), drifting("t3")];
    check_safe("three", World::new(SILENT, three, LOSS));
    let ghost = Thing {
        gone: true,
        shown: false,
        ..Thing::own("t0")
    };
    let mut haunted = two();
    haunted.push(ghost);
    check_safe("a ghost", World::new(SILENT, haunted, LOSS));
}

#[test]
fn drift_is_mended_on_condition_of_the_version() {
    let faults = Faults {
        losses: 1,
        meddles: 2,
        ..NONE
    };
    for rules in [SILENT, NAMED] {
        check_safe("drift", World::new(rules, vec![drifting("t1")], faults));
    }
}

#[test]
fn what_is_removed_from_outside_comes_back() {
    let faults = Faults {
        removals: 1,
        losses: 1,
        ..NONE
    };
    check_safe("removed", World::new(NAMED, vec![Thing::own("t1")], faults));
}

#[test]
fn a_foreign_holder_is_left_alone() {
    for rules in every_rule() {
        for exclusive in [true, false] {
            let theirs = vec![Thing::foreign("a-theirs")];
            let world = World::new(rules, theirs, LOSS);
            check_safe("foreign", World { exclusive, ..world });
        }
    }
    let faults = Faults {
        squats: 1,
        losses: 1,
        ..NONE
    };
    check_safe("squatter", World::new(NAMED, Vec::new(), faults));
    check_safe("squatter", World::new(REFUSED, Vec::new(), faults));
}

#[test]
fn a_soft_deleted_holder_is_restored_only_by_policy_and_only_if_ours() {
    for thing in [Thing::own("t1"), Thing::foreign("t1")] {
        for restore in [true, false] {
            let world = World::new(NAMED, vec![deleted(thing.clone())], LOSS);
            check_safe("soft-deleted", World { restore, ..world });
        }
    }
}

#[test]
fn a_blind_retry_of_a_create_is_found_out() {
    let world = World::new(SILENT, Vec::new(), LOSS);
    check_found(
        "blind retry",
        world,
        Broken::BlindRetry,
        "nothing was looked at",
    );
}

#[test]
fn an_impatient_caller_is_found_out() {
    let faults = Faults {
        throttles: 1,
        ..NONE
    };
    let world = World::new(SILENT, Vec::new(), faults);
    check_found(
        "impatient",
        world,
        Broken::Impatient,
        "before the service allowed it",
    );
}

#[test]
fn an_incomplete_list_taken_for_complete_is_found_out() {
    let faults = Faults { pages: 1, ..NONE };
    let world = World::new(SILENT, vec![Thing::own("t1")], faults);
    check_found("pages", world, Broken::TrustsPages, "every list shows");
}

#[test]
fn a_foreign_thing_taken_for_ours_is_found_out() {
    let theirs = Thing {
        drift: true,
        ..Thing::foreign("t1")
    };
    let world = World::new(SILENT, vec![theirs], NONE);
    check_found("foreign", world, Broken::TakesForeign, "is foreign");
}

#[test]
fn a_survivor_that_is_not_proven_to_live_is_found_out() {
    let ghost = Thing {
        gone: true,
        shown: false,
        ..Thing::own("t0")
    };
    let world = World::new(SILENT, vec![ghost, Thing::own("t1")], NONE);
    check_found("no proof", world, Broken::NoProof, "is the last one");
}

#[test]
fn a_create_without_a_window_after_a_lost_one_is_found_out() {
    let world = World::new(SILENT, Vec::new(), LOSS);
    check_found(
        "no window",
        world,
        Broken::NoWindow,
        "its own earlier one stands",
    );
}

#[test]
fn duplicates_that_nobody_removes_are_found_out() {
    let two = vec![Thing::own("t1"), Thing::own("t2")];
    let world = World::new(SILENT, two, NONE);
    check_found("no collapse", world, Broken::NoCollapse, "2 of ours");
}
