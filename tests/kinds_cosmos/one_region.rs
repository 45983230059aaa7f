//! What a single region answers.

use evergraph::adapters::kinds::cosmos::CREATES;
use evergraph::app::ensure::Terms;
use evergraph::domain::ensure::{Outcome, Stop};
use evergraph::sim::services::Mishap;
use evergraph::sim::services::cosmos::{Setup, words};
use serde_json::json;

use super::bed::{ID, PARTITION, bed, marked, spec};
use super::kinds::{
    check_done, check_gave_up, check_rule, check_would, engine, rehearse, run, story,
};

#[tokio::test(start_paused = true)]
async fn an_item_is_created_with_its_mark_and_a_second_run_writes_nothing() {
    let bed = bed(Setup::default()).await;
    check_done(&run(1, &bed.one(1)).await, Outcome::Created);
    assert_eq!(bed.writes(), [("create item".to_owned(), Some(201))]);
    let mark = bed.item(0)["evergraph"].as_str().unwrap().to_owned();
    assert!(mark.starts_with("evergraph/us/"), "{mark}");
    check_done(&run(2, &bed.one(1)).await, Outcome::Unchanged);
    assert_eq!(bed.writes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_writes_nothing() {
    let bed = bed(Setup::default()).await;
    check_would(&rehearse(&bed.one(1)).await, "create");
    bed.cosmos.put(0, &marked("evergraph/us/t", 5));
    check_would(&rehearse(&bed.one(1)).await, "change");
    assert!(bed.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn after_a_409_the_item_is_read_and_adopted_if_it_is_ours() {
    let bed = bed(Setup::default()).await;
    let cosmos = bed.cosmos.clone();
    bed.cosmos.meanwhile("create item", move || {
        cosmos.put(0, &marked("evergraph/us/other-run", 1));
    });
    let account = run(1, &bed.one(1)).await;
    check_done(&account, Outcome::Adopted);
    check_rule(&account, "cosmos/item-exists");
    assert_eq!(bed.writes(), [("create item".to_owned(), Some(409))]);
}

#[tokio::test(start_paused = true)]
async fn after_a_409_a_foreign_item_is_left_alone() {
    let bed = bed(Setup::default()).await;
    let cosmos = bed.cosmos.clone();
    bed.cosmos.meanwhile("create item", move || {
        cosmos.put(0, &marked("evergraph/them/t", 9));
    });
    check_gave_up(&run(1, &bed.one(1)).await, Stop::Foreign);
    assert_eq!(bed.writes().len(), 1);
    assert_eq!(bed.item(0)["n"], 9);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_item_is_never_changed() {
    let bed = bed(Setup::default()).await;
    bed.cosmos.put(0, &marked("evergraph/them/t", 9));
    let before = bed.item(0);
    let told = check_gave_up(&run(1, &bed.one(1)).await, Stop::Foreign);
    assert!(told.contains(ID), "{told}");
    assert!(bed.writes().is_empty());
    assert_eq!(bed.item(0), before);
}

#[tokio::test(start_paused = true)]
async fn an_item_without_a_mark_is_taken_over_only_where_that_is_wished() {
    let bed = bed(Setup::default()).await;
    let theirs = json!({"id": ID, "pk": PARTITION, "n": 1, "note": "by hand"});
    bed.cosmos.put(0, &theirs);
    let told = check_gave_up(&run(1, &bed.one(1)).await, Stop::Unproven);
    assert!(told.contains("adopt = true"), "{told}");
    assert!(bed.writes().is_empty());

    let mut wished = spec("us", 1);
    wished.adopt = true;
    check_done(&run(2, &bed.kind(&[0], wished)).await, Outcome::Patched);
    assert_eq!(bed.item(0)["note"], "by hand");
    check_done(&run(3, &bed.one(1)).await, Outcome::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_found_by_the_mark_of_its_run() {
    let bed = bed(Setup::default()).await;
    bed.cosmos.plan("create item", Mishap::LoseAfter);
    check_done(&run(1, &bed.one(1)).await, Outcome::CreatedEarlier);
    assert_eq!(bed.writes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_timed_out_is_looked_for_before_anything_else() {
    let bed = bed(Setup::default()).await;
    let after = Mishap::AnswerAfter(words::timed_out());
    bed.cosmos.plan("create item", after);
    check_done(&run(1, &bed.one(1)).await, Outcome::CreatedEarlier);
    assert_eq!(bed.writes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn after_a_412_the_item_is_read_again_and_what_others_wrote_is_kept() {
    let bed = bed(Setup::default()).await;
    bed.cosmos.put(0, &marked("evergraph/us/t", 1));
    let cosmos = bed.cosmos.clone();
    bed.cosmos.meanwhile("replace item", move || {
        let mut item = marked("evergraph/us/t", 1);
        item["note"] = json!("written meanwhile");
        cosmos.put(0, &item);
    });
    let account = run(1, &bed.one(2)).await;
    check_done(&account, Outcome::Patched);
    check_rule(&account, "cosmos/version");
    let statuses: Vec<_> = bed.writes().into_iter().map(|(_, status)| status).collect();
    assert_eq!(statuses, [Some(412), Some(200)]);
    assert_eq!(bed.item(0)["n"], 2);
    assert_eq!(bed.item(0)["note"], "written meanwhile");
}

#[tokio::test(start_paused = true)]
async fn an_item_that_keeps_changing_is_given_up_after_bounded_rounds() {
    let bed = bed(Setup::default()).await;
    bed.cosmos.put(0, &marked("evergraph/us/t", 1));
    for round in 0..20 {
        let cosmos = bed.cosmos.clone();
        bed.cosmos.meanwhile("replace item", move || {
            cosmos.put(0, &marked("evergraph/us/t", 100 + round));
        });
    }
    check_gave_up(&run(1, &bed.one(2)).await, Stop::Contention);
    let writes = bed.writes();
    assert!((2..=6).contains(&writes.len()), "{writes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_449_is_the_same_request_again() {
    let bed = bed(Setup::default()).await;
    let met = Mishap::Answer(words::retry_with());
    bed.cosmos.plan("create item", met);
    let account = run(1, &bed.one(1)).await;
    check_done(&account, Outcome::Created);
    check_rule(&account, "cosmos/retry-with");
    let took = account.steps.last().unwrap().at;
    assert!(took.as_secs() < 1, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn writes_that_keep_meeting_are_repeated_until_their_budget_is_spent() {
    let mut terms = Terms::default();
    terms.limits.creates = CREATES;
    let bed = bed(Setup::default()).await;
    for _ in 0..8 {
        let met = Mishap::Answer(words::retry_with());
        bed.cosmos.plan("create item", met);
    }
    check_done(&engine(1).run(&bed.one(1), terms).await, Outcome::Created);

    let busy = super::bed::bed(Setup::default()).await;
    for _ in 0..200 {
        let met = Mishap::Answer(words::retry_with());
        busy.cosmos.plan("create item", met);
    }
    let account = engine(2).run(&busy.one(1), terms).await;
    check_gave_up(&account, Stop::Contention);
    assert!(account.steps.last().unwrap().at.as_secs() <= 30);
}

#[tokio::test(start_paused = true)]
async fn a_429_waits_for_the_milliseconds_of_its_header() {
    let bed = bed(Setup::default()).await;
    for operation in ["read item", "create item"] {
        let many = Mishap::Answer(words::too_many(7_250));
        bed.cosmos.plan(operation, many);
    }
    let account = run(1, &bed.one(1)).await;
    check_done(&account, Outcome::Created);
    check_rule(&account, "cosmos/request-rate");
    let took = account.steps.last().unwrap().at;
    assert!(took.as_millis() >= 2 * 7_250, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_moved_partition_and_a_busy_service_are_asked_again() {
    let bed = bed(Setup::default()).await;
    bed.cosmos.plan("read item", Mishap::Answer(words::gone()));
    let busy = Mishap::Answer(words::unavailable());
    bed.cosmos.plan("create item", busy);
    let account = run(1, &bed.one(1)).await;
    check_done(&account, Outcome::Created);
    check_rule(&account, "cosmos/partition-moved");
    check_rule(&account, "cosmos/unavailable");
}

#[tokio::test(start_paused = true)]
async fn a_unique_value_of_another_item_is_found_before_and_after_the_409() {
    let setup = || Setup {
        unique_paths: vec!["/n".into()],
        ..Setup::default()
    };
    let other = json!({"id": "other", "pk": PARTITION, "n": 1, "evergraph": "evergraph/us/t"});
    let early = bed(setup()).await;
    early.cosmos.put(0, &other);
    check_gave_up(&run(1, &early.one(1)).await, Stop::Foreign);
    assert!(early.writes().is_empty());

    let late = bed(setup()).await;
    let cosmos = late.cosmos.clone();
    late.cosmos
        .meanwhile("create item", move || cosmos.put(0, &other));
    let account = run(1, &late.one(1)).await;
    check_gave_up(&account, Stop::Foreign);
    check_rule(&account, "cosmos/unique-key-exists");
    assert_eq!(late.writes(), [("create item".to_owned(), Some(409))]);
}

#[tokio::test(start_paused = true)]
async fn of_two_processes_at_once_both_end_well_with_one_item() {
    let bed = bed(Setup::default()).await;
    let (one, two) = (bed.one(1), bed.one(1));
    let (left, right) = tokio::join!(run(1, &one), run(2, &two));
    assert!(left.is_done(), "{}", story(&left));
    assert!(right.is_done(), "{}", story(&right));
    let created = bed
        .writes()
        .iter()
        .filter(|(_, status)| *status == Some(201))
        .count();
    assert_eq!(created, 1);
}
