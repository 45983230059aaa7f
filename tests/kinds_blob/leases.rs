//! Leases: held by others, taken by us, lost.

use std::time::Duration;

use evergraph::domain::ensure::{Outcome, Stop};
use tokio::time::Instant;

use crate::bed::{Bed, CONTAINER, NAME, Wish, content};
use crate::kinds::{check_done, check_gave_up, check_rule};

const OTHER: &str = "0d0d0d0d-0000-4000-8000-000000000001";

fn leased(content: &'static str) -> Wish {
    Wish {
        lease_s: Some(30),
        content,
        ..Wish::default()
    }
}

async fn with_blob() -> Bed {
    let bed = Bed::new().await;
    check_done(&bed.run(1, &Wish::default()).await, Outcome::Created);
    bed
}

#[tokio::test(start_paused = true)]
async fn a_412_because_somebody_holds_the_lease_is_waited_for_and_not_read_as_a_new_version() {
    let bed = with_blob().await;
    bed.sim.lease_as(CONTAINER, NAME, OTHER, 30).unwrap();
    let began = Instant::now();
    let account = bed.run(1, &content("v2")).await;
    check_done(&account, Outcome::Patched);
    check_rule(&account, "storage/lease-held");
    assert!(
        began.elapsed() >= Duration::from_secs(29),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_lease_without_end_is_given_up_on_and_never_broken() {
    let bed = with_blob().await;
    bed.sim.portal_lease(CONTAINER, NAME).unwrap();
    let account = bed.run(1, &content("v2")).await;
    let next = check_gave_up(&account, Stop::Locked);
    assert!(next.contains("may break the lease in the portal"), "{next}");
    assert_eq!(bed.sim.blob(CONTAINER, NAME).unwrap().lease_state, "leased");
    assert_eq!(bed.content(), "v1");
}

#[tokio::test(start_paused = true)]
async fn a_change_under_a_lease_takes_it_and_gives_it_back() {
    let bed = with_blob().await;
    check_done(&bed.run(1, &leased("v2")).await, Outcome::Patched);
    assert_eq!(bed.content(), "v2");
    let blob = bed.sim.blob(CONTAINER, NAME).unwrap();
    assert_eq!(blob.lease_state, "available");
    let words: Vec<String> = bed
        .sim
        .writes()
        .into_iter()
        .map(|call| call.operation)
        .collect();
    assert_eq!(words, ["put blob", "lease", "put blob", "lease"]);
}

#[tokio::test(start_paused = true)]
async fn a_busy_lease_is_waited_for_when_it_is_to_be_taken() {
    let bed = with_blob().await;
    bed.sim.lease_as(CONTAINER, NAME, OTHER, 20).unwrap();
    let account = bed.run(1, &leased("v2")).await;
    check_done(&account, Outcome::Patched);
    check_rule(&account, "storage/lease-held");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_broken_under_us_stops_the_write_until_it_is_taken_anew_and_all_is_read() {
    let bed = with_blob().await;
    let sim = bed.sim.clone();
    bed.sim.meanwhile("put blob", move || {
        sim.portal_break_lease(CONTAINER, NAME).unwrap();
    });
    let account = bed.run(1, &leased("v2")).await;
    check_done(&account, Outcome::Patched);
    check_rule(&account, "storage/lease-lost");
    let called: Vec<String> = bed
        .sim
        .called()
        .into_iter()
        .map(|call| call.operation)
        .collect();
    // Refused, taken anew, read, and only then written again; then given back.
    let tail = &called[called.len() - 7..];
    assert_eq!(tail[0], "lease", "{called:?}");
    let read = tail.iter().position(|one| one == "head blob").unwrap();
    let put = tail.iter().position(|one| one == "put blob").unwrap();
    assert!(read < put, "{called:?}");
    assert_eq!(
        bed.sim.blob(CONTAINER, NAME).unwrap().lease_state,
        "available"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_another_took_from_us_is_waited_for_and_not_taken_back() {
    let bed = with_blob().await;
    let sim = bed.sim.clone();
    bed.sim.meanwhile("put blob", move || {
        sim.portal_break_lease(CONTAINER, NAME).unwrap();
        sim.lease_as(CONTAINER, NAME, OTHER, 20).unwrap();
    });
    let began = Instant::now();
    let account = bed.run(1, &leased("v2")).await;
    check_done(&account, Outcome::Patched);
    check_rule(&account, "storage/lease-lost");
    check_rule(&account, "storage/lease-held");
    assert!(began.elapsed() >= Duration::from_secs(19));
}

#[tokio::test(start_paused = true)]
async fn what_another_wrote_after_taking_our_lease_stays() {
    let bed = with_blob().await;
    let sim = bed.sim.clone();
    bed.sim.meanwhile("put blob", move || {
        sim.portal_break_lease(CONTAINER, NAME).unwrap();
        sim.portal_upload(CONTAINER, NAME, b"theirs", true).unwrap();
        sim.lease_as(CONTAINER, NAME, OTHER, 20).unwrap();
    });
    check_gave_up(&bed.run(1, &leased("v2")).await, Stop::Foreign);
    assert_eq!(bed.content(), "theirs");
}
