//! Weeks of a whole fleet under bad weather, from fixed seeds.

#![allow(clippy::unwrap_used, reason = "test file")]

use std::sync::Arc;

use evergraph::adapters::state::memory::MemoryStore;
use evergraph::cli::simulate::{Flaw, Options, Verdict, simulate};
use evergraph::ports::state::StateStore;

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

#[test]
fn smoke() {
    let started = std::time::Instant::now();
    for seed in 1..=5 {
        let verdict = run(seed, 30, Flaw::None);
        println!(
            "{seed} {:?} calls {} harmony {} {:?}",
            started.elapsed(),
            verdict.calls,
            verdict.ticks_to_harmony,
            verdict.broken
        );
    }
}
