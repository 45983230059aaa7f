//! Everything at once: two processes in two regions, lost calls, failed answers, replication.

use evergraph::app::ensure::Terms;
use evergraph::domain::ensure::kinds::cosmos::ItemSpec;
use evergraph::sim::services::Mishap;
use evergraph::sim::services::cosmos::{Setup, words};
use serde_json::json;

use super::bed::{Bed, PARTITION, bed, by_number, custom, lagging, marked, spec};
use super::kinds::{engine, story};

fn mishap(rng: &mut fastrand::Rng) -> Mishap {
    match rng.u8(0..8) {
        0 => Mishap::LoseBefore,
        1 => Mishap::LoseAfter,
        2 => Mishap::Answer(words::retry_with()),
        3 => Mishap::Answer(words::too_many(rng.u64(1..2_000))),
        4 => Mishap::Answer(words::gone()),
        5 => Mishap::Answer(words::unavailable()),
        6 => Mishap::Answer(words::timed_out()),
        _ => Mishap::AnswerAfter(words::timed_out()),
    }
}

fn plan(bed: &Bed, rng: &mut fastrand::Rng) {
    let operations = [
        "read item",
        "create item",
        "replace item",
        "read conflicts",
        "delete conflict",
        "read container",
    ];
    for _ in 0..rng.u8(2..7) {
        let operation = operations[rng.usize(0..operations.len())];
        bed.cosmos.plan_after(rng.u32(0..2), operation, mishap(rng));
    }
}

async fn weather(seed: u64, setup: Setup) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let bed = bed(setup).await;
    let other = json!({"id": "other", "pk": PARTITION, "n": 5, "evergraph": "evergraph/them/t"});
    bed.cosmos.put(0, &other);
    if rng.bool() {
        bed.cosmos
            .put(rng.usize(0..2), &marked("evergraph/us/before", 9));
    }
    bed.cosmos.replicate();
    let theirs = bed.cosmos.item(0, PARTITION, "other");
    plan(&bed, &mut rng);
    let wanted: ItemSpec = spec("us", 1);
    let terms = Terms::default();
    let here = bed.kind(&[0, 1], wanted.clone());
    let there = bed.kind(&[1, 0], wanted.clone());
    let (one, two) = (engine(1), engine(2));
    tokio::join!(one.run(&here, terms), two.run(&there, terms));
    bed.cosmos.forget_plans();
    bed.cosmos.replicate();
    let mended = engine(3)
        .run(&bed.kind(&[0, 1], wanted.clone()), terms)
        .await;
    assert!(mended.is_done(), "seed {seed}:\n{}", story(&mended));
    let before = bed.writes().len();
    let last = engine(4).run(&bed.kind(&[1, 0], wanted), terms).await;
    assert!(last.is_done(), "seed {seed}:\n{}", story(&last));
    assert_eq!(bed.writes().len(), before, "seed {seed}:\n{}", story(&last));
    assert_eq!(bed.item(0), bed.item(1), "seed {seed}");
    assert_eq!(bed.item(0)["n"], 1, "seed {seed}");
    assert_eq!(bed.cosmos.conflicts(), 0, "seed {seed}");
    assert_eq!(
        bed.cosmos.item(0, PARTITION, "other"),
        theirs,
        "seed {seed}"
    );
}

#[tokio::test(start_paused = true)]
async fn after_any_storm_the_item_stands_in_both_regions_whatever_the_policy() {
    for seed in 0..25 {
        weather(seed, lagging()).await;
        weather(seed, by_number()).await;
        weather(seed, custom()).await;
    }
}
