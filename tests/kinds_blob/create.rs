//! Creating, taking over, changing; lost answers and races.

use evergraph::domain::ensure::{Outcome, Stop};
use evergraph::sim::services::Mishap;

use crate::bed::{Bed, CONTAINER, NAME, Wish, content, terms};
use crate::kinds::{check_done, check_gave_up, check_rule, check_would, engine, rehearse};

#[tokio::test(start_paused = true)]
async fn a_missing_blob_is_created_with_our_mark_and_a_second_run_writes_nothing() {
    let bed = Bed::new().await;
    check_done(&bed.run(1, &Wish::default()).await, Outcome::Created);
    let blob = bed.sim.blob(CONTAINER, NAME).unwrap();
    let has = |name: &str, value: &str| {
        let pair = (name.to_owned(), value.to_owned());
        assert!(blob.metadata.contains(&pair), "{:?}", blob.metadata);
    };
    has("evergraph_owner", "team-a");
    has("stage", "prod");
    let writes = bed.sim.writes().len();
    check_done(&bed.run(2, &Wish::default()).await, Outcome::Unchanged);
    assert_eq!((writes, bed.sim.writes().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_rehearsal_says_what_it_would_do_and_writes_nothing() {
    let bed = Bed::new().await;
    check_would(&rehearse(&bed.kind(1, &Wish::default())).await, "create it");
    check_done(&bed.run(1, &Wish::default()).await, Outcome::Created);
    let changed = rehearse(&bed.kind(1, &content("v2"))).await;
    check_would(&changed, "change app/config.json");
    assert_eq!(bed.sim.writes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_was_lost_is_known_again_and_not_repeated() {
    let bed = Bed::new().await;
    bed.sim.plan("put blob", Mishap::LoseAfter);
    let account = bed.run(1, &Wish::default()).await;
    check_done(&account, Outcome::CreatedEarlier);
    assert_eq!(bed.puts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_never_arrived_is_repeated_after_a_look() {
    let bed = Bed::new().await;
    bed.sim.plan("put blob", Mishap::LoseBefore);
    check_done(&bed.run(1, &Wish::default()).await, Outcome::Created);
    assert_eq!(bed.puts(), 2);
    let called = bed.sim.called();
    let at = |nth: usize| {
        let puts = called.iter().enumerate();
        puts.filter(|(_, call)| call.operation == "put blob")
            .nth(nth)
            .unwrap()
            .0
    };
    assert!(
        called[at(0) + 1..at(1)]
            .iter()
            .any(|call| call.operation == "head blob")
    );
}

#[tokio::test(start_paused = true)]
async fn of_two_racing_creators_one_creates_and_the_other_takes_over() {
    let bed = Bed::new().await;
    let wish = Wish::default();
    let (one, other) = (bed.kind(1, &wish), bed.kind(2, &wish));
    let (engine_one, engine_other) = (engine(1), engine(2));
    let (one, other) = tokio::join!(
        engine_one.run(&one, terms()),
        engine_other.run(&other, terms())
    );
    let created = [&one, &other].map(|account| {
        assert!(account.is_done());
        crate::kinds::story(account).contains("Created")
    });
    assert_eq!(created.iter().filter(|created| **created).count(), 1);
    assert_eq!(bed.content(), "v1");
}

#[tokio::test(start_paused = true)]
async fn a_409_for_our_own_blob_is_compared_and_adopted() {
    let bed = Bed::new().await;
    let (first, sim) = (bed.kind(7, &Wish::default()), bed.sim.clone());
    // Another process of ours creates it between our look and our create.
    let account = bed.run(7, &Wish::default()).await;
    check_done(&account, Outcome::Created);
    let blob = sim.blob(CONTAINER, NAME).unwrap();
    sim.portal_delete(CONTAINER, NAME);
    let again = sim.clone();
    sim.meanwhile("put blob", move || {
        again.restore_as_it_was(CONTAINER, NAME, &blob)
    });
    let account = engine(8).run(&first, terms()).await;
    check_done(&account, Outcome::Adopted);
    check_rule(&account, "storage/exists");
}

#[tokio::test(start_paused = true)]
async fn a_409_for_somebody_elses_blob_is_left_alone() {
    let bed = Bed::new().await;
    let sim = bed.sim.clone();
    bed.sim.meanwhile("put blob", move || {
        sim.portal_upload(CONTAINER, NAME, b"v1", false).unwrap();
    });
    let account = bed.run(1, &Wish::default()).await;
    let next = check_gave_up(&account, Stop::Foreign);
    assert!(next.contains("the mark of the owner team-a"), "{next}");
    check_rule(&account, "storage/exists");
    assert_eq!(bed.sim.blob(CONTAINER, NAME).unwrap().metadata, []);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_conditional_and_carries_over_what_people_added() {
    let bed = Bed::new().await;
    check_done(&bed.run(1, &Wish::default()).await, Outcome::Created);
    bed.sim
        .portal_metadata(CONTAINER, NAME, "note", "by hand")
        .unwrap();
    check_done(&bed.run(1, &content("v2")).await, Outcome::Patched);
    assert_eq!(bed.content(), "v2");
    let blob = bed.sim.blob(CONTAINER, NAME).unwrap();
    assert!(
        blob.metadata
            .contains(&("note".to_owned(), "by hand".to_owned()))
    );
}

#[tokio::test(start_paused = true)]
async fn a_412_is_answered_by_a_new_read_and_the_change_applied_to_what_stands_then() {
    let bed = Bed::new().await;
    check_done(&bed.run(1, &Wish::default()).await, Outcome::Created);
    let sim = bed.sim.clone();
    bed.sim.meanwhile("put blob", move || {
        sim.portal_metadata(CONTAINER, NAME, "note", "late")
            .unwrap();
    });
    let account = bed.run(1, &content("v2")).await;
    check_done(&account, Outcome::Patched);
    check_rule(&account, "storage/condition");
    let blob = bed.sim.blob(CONTAINER, NAME).unwrap();
    assert!(
        blob.metadata
            .contains(&("note".to_owned(), "late".to_owned()))
    );
    assert_eq!(bed.content(), "v2");
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_answer_was_lost_is_found_done() {
    let bed = Bed::new().await;
    check_done(&bed.run(1, &Wish::default()).await, Outcome::Created);
    bed.sim.plan("put blob", Mishap::LoseAfter);
    check_done(&bed.run(1, &content("v2")).await, Outcome::Patched);
    assert_eq!(bed.puts(), 2);
}
