//! Notifications under fire: handlers and their host are killed, the sink fails, connections are
//! cut, and in the end every event that Graph was told to be settled lies in the sink, and so does
//! every other one, sent again.
//!
//! Real processes: `evergraph sim graph`, `evergraph host --supervise` with its handlers, a folder
//! as the sink. The time of day is the simulator's, so that Graph's hours of retries pass in
//! seconds.
#![cfg(all(feature = "cli", unix))]
#![allow(clippy::unwrap_used, reason = "test file")]

mod bed;
mod count;
mod load;
mod processes;
mod relay;
mod storm;

use std::time::Duration;

use tokio::time::Instant;

use crate::bed::Bed;
use crate::storm::Storm;

/// How long it storms, in real time.
const STORM: Duration = Duration::from_secs(24);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_that_was_acknowledged_is_there_and_every_other_one_comes_again() {
    let (began, seed) = (Instant::now(), seed());
    println!("seed {seed}; EVERGRAPH_TEST_SEED={seed} repeats its draws");
    let mut bed = Bed::new(seed).await;
    bed.subscribe().await;
    let mut storm = Storm::new(seed);
    storm.rage(&mut bed, STORM).await;
    let raged = began.elapsed();
    bed.calm_down().await;
    let truth = bed.sim.get("_sim/events").await;
    let found = count::found(&bed.events_folder());
    let tally = count::check(&truth, &found);
    storm.check(&bed);
    println!(
        "{tally}\n{}\nstormed for {:.1} s, {:.1} s in all",
        storm.told(&bed),
        raged.as_secs_f64(),
        began.elapsed().as_secs_f64()
    );
}

fn seed() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "repeats a run")]
    let asked = std::env::var("EVERGRAPH_TEST_SEED").ok();
    asked.map_or_else(
        || fastrand::Rng::new().u64(1..1_000_000),
        |seed| seed.parse().expect("EVERGRAPH_TEST_SEED is a number"),
    )
}
