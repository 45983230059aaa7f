//! Weeks of a whole fleet under bad weather and busy people, from fixed seeds.
//!
//! `cargo test` runs a few seeds. Many run with
//! `EVERGRAPH_SEEDS=200 cargo test --profile sim --test simulation`.
//! A seed that fails is replayed, decision by decision, with `evergraph simulate --seed N`.

#![allow(clippy::unwrap_used, reason = "test file")]

use std::collections::BTreeMap;
use std::sync::Arc;

use evergraph::adapters::state::memory::MemoryStore;
use evergraph::cli::simulate::{Flaw, Options, Verdict, simulate};
use evergraph::ports::state::StateStore;

/// Seeds of a plain `cargo test`.
const FEW: u64 = 16;

/// Virtual days of each seed.
const DAYS: u32 = 30;

/// What must have happened in some run: a simulation in which nothing goes wrong proves nothing.
const SOMETIMES: &[&str] = &[
    "died at a step",
    "died at an await",
    "store call failed",
    "store answer lost",
    "lease renewal hung",
    "lease held elsewhere",
    "write refused",
    "throttled with Retry-After",
    "throttled without Retry-After",
    "throttled with an absurd Retry-After",
    "outcome unknown",
    "graph unavailable",
    "listing incomplete",
    "conflict",
    "gone",
    "tokens are a stranger's",
    "the key ring is rolled",
    "a key is missing from the ring",
    "the public address changes",
    "a worker is set up for another address by mistake",
    "the declaration changes",
    "the declaration is empty",
    "the declaration is broken",
    "the state is deleted",
    "the state is spoilt",
    "clocks are wrong",
    "a subscription is removed from outside",
    "a subscription is removed from outside, with an event",
    "a foreign subscription takes our place",
    "the foreign subscription goes",
    "a duplicate of ours appears",
    "a row of ours with a wrong clientState appears",
    "reauthorization is asked for",
    "reauthorized by PATCH",
    "the next create is not answered",
    "Graph is slow",
    "create repeated after its settle time",
    "adopted",
    "created",
    "renewed",
    "moved",
    "duplicate deleted",
    "mismatched row replaced",
    "replacement confirmed",
    "row in the way deleted first",
    "gap measured",
    "undeclared row deleted",
    "blocked by a foreign holder",
    "held for another application",
    "held for an open intent",
    "held in silence",
    "held for an incomplete listing",
    "let go after a 404",
    "declaration-empty",
    "declaration-unusable",
    "state-unreadable",
    "key-missing",
    "other-residence",
    "pass stopped",
    "pass failed",
    "tick idle",
    "audit failed",
    "audit-failing",
    "quota",
    "storm over Graph",
    "storm over the store",
    "workers die",
];

fn store() -> Arc<dyn StateStore> {
    Arc::new(MemoryStore::new())
}

fn run(seed: u64, days: u32, flaw: Flaw) -> Verdict {
    let options = Options {
        seed,
        days,
        workers: None,
        subscriptions: None,
        flaw,
    };
    simulate(&options, &store).unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "how many seeds is asked of whoever runs the tests"
)]
fn seeds() -> u64 {
    let asked = std::env::var("EVERGRAPH_SEEDS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(FEW)
}

#[track_caller]
fn check_holds(seed: u64) -> Verdict {
    let verdict = run(seed, DAYS, Flaw::None);
    assert!(
        verdict.broken.is_empty(),
        "replay with `evergraph simulate --seed {seed} --days {DAYS}`:\n{}",
        verdict.broken.join("\n")
    );
    verdict
}

#[test]
fn every_rule_holds_whatever_happens_and_everything_that_should_happen_does() {
    let mut tally: BTreeMap<&str, u64> = BTreeMap::new();
    let mut slowest = 0;
    for seed in 1..=seeds() {
        let verdict = check_holds(seed);
        slowest = slowest.max(verdict.ticks_to_harmony);
        for (what, count) in &verdict.tally {
            *tally.entry(what).or_default() += count;
        }
        if seed % 10 == 0 {
            assert!(
                run(seed, DAYS, Flaw::None) == verdict,
                "seed {seed} ran differently"
            );
        }
    }
    println!("slowest harmony: {slowest} ticks; {tally:#?}");
    let never: Vec<_> = SOMETIMES
        .iter()
        .filter(|what| !tally.contains_key(**what))
        .collect();
    assert!(never.is_empty(), "no seed did this: {never:?}");
    assert!(
        slowest <= QUIET_TICKS_MAX,
        "{slowest} quiet ticks until all was as declared"
    );
}

/// At an hour each: four audits of six ticks.
const QUIET_TICKS_MAX: u64 = 24;

/// A rule that is broken on purpose is noticed within so many seeds, by these words.
#[track_caller]
fn check_noticed(flaw: Flaw, within: u64, words: &str) {
    let noticed = (1..=within).find(|seed| {
        let broken = run(*seed, DAYS, flaw).broken.join("\n");
        broken.contains(words)
    });
    let Some(seed) = noticed else {
        panic!("{flaw:?} was not noticed as {words:?}");
    };
    println!("{flaw:?} was noticed in seed {seed}");
}

#[test]
fn a_renewal_margin_smaller_than_the_tick_is_noticed() {
    check_noticed(Flaw::LateRenewal, 5, "lapsed");
}

#[test]
fn duplicates_that_nobody_deletes_are_noticed() {
    check_noticed(Flaw::NeverDeletes, 5, "rule 12");
}

#[test]
fn a_delete_without_a_renewal_of_the_survivor_is_noticed() {
    check_noticed(Flaw::SurvivorNotRenewed, 20, "rule 3");
}

#[test]
fn a_blind_retry_after_a_lost_answer_is_noticed() {
    check_noticed(Flaw::BlindRetry, 20, "rule 4");
}

#[test]
fn deafness_to_retry_after_is_noticed() {
    check_noticed(Flaw::DeafToRetryAfter, 20, "rule 8");
}
