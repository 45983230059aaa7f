//! What stands in the way: containers, holds, copies, load.

use std::time::Duration;

use evergraph::domain::ensure::{Outcome, Stop};
use evergraph::sim::services::{Mishap, Reply};
use tokio::time::Instant;

use crate::bed::{Bed, CONTAINER, NAME, Wish, content};
use crate::kinds::{check_done, check_gave_up, check_rule};

fn creating() -> Wish {
    Wish {
        create_container: true,
        ..Wish::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_container_is_named_to_a_person_unless_it_may_be_created() {
    let bed = Bed::empty().await;
    let next = check_gave_up(&bed.run(1, &Wish::default()).await, Stop::MissingDependency);
    assert!(next.contains("create_container = true"), "{next}");
    let account = bed.run(1, &creating()).await;
    check_done(&account, Outcome::Created);
    check_rule(&account, "storage/container-missing");
}

#[tokio::test(start_paused = true)]
async fn a_container_that_is_being_deleted_is_waited_for() {
    let bed = Bed::new().await;
    bed.sim.portal_delete_container(CONTAINER);
    let began = Instant::now();
    let account = bed.run(1, &creating()).await;
    check_done(&account, Outcome::Created);
    check_rule(&account, "storage/being-deleted");
    assert!(
        began.elapsed() >= Duration::from_secs(29),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_legal_hold_is_left_to_a_person() {
    let bed = Bed::new().await;
    check_done(&bed.run(1, &Wish::default()).await, Outcome::Created);
    bed.sim.portal_legal_hold(CONTAINER, NAME, true).unwrap();
    let account = bed.run(1, &content("v2")).await;
    check_gave_up(&account, Stop::NeedsOperator);
    check_rule(&account, "storage/administrative");
    assert_eq!(bed.puts(), 2);
    assert_eq!(bed.content(), "v1");
}

#[tokio::test(start_paused = true)]
async fn a_copy_onto_the_blob_is_polled_and_never_aborted() {
    let bed = Bed::new().await;
    check_done(&bed.run(1, &Wish::default()).await, Outcome::Created);
    bed.sim.portal_copy(CONTAINER, NAME, 90).unwrap();
    let began = Instant::now();
    let account = bed.run(1, &content("v2")).await;
    check_done(&account, Outcome::Patched);
    check_rule(&account, "storage/pending");
    assert!(
        began.elapsed() >= Duration::from_secs(89),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(bed.puts(), 3, "once refused, once done");
}

#[tokio::test(start_paused = true)]
async fn snapshots_do_not_hinder_a_change_and_none_is_deleted() {
    let bed = Bed::new().await;
    check_done(&bed.run(1, &Wish::default()).await, Outcome::Created);
    bed.sim.portal_snapshot(CONTAINER, NAME).unwrap();
    check_done(&bed.run(1, &content("v2")).await, Outcome::Patched);
    let deletes = bed
        .sim
        .writes()
        .into_iter()
        .filter(|call| call.operation.starts_with("delete"));
    assert_eq!(deletes.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_busy_account_is_tried_again_after_a_wait() {
    let bed = Bed::new().await;
    let busy = "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>ServerBusy</Code><Message>Ingress is over the account limit.</Message></Error>";
    let reply = Reply::text(503, busy).header("x-ms-error-code", "ServerBusy");
    bed.sim.plan("head blob", Mishap::Answer(reply.clone()));
    bed.sim.plan("put blob", Mishap::Answer(reply));
    let account = bed.run(1, &Wish::default()).await;
    check_done(&account, Outcome::Created);
    check_rule(&account, "storage/server-busy");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_accepted_says_nothing_about_whose_the_blob_is() {
    let bed = Bed::new().await;
    for _ in 0..2 {
        let reply =
            Reply::text(403, "").header("x-ms-error-code", "AuthorizationPermissionMismatch");
        bed.sim.plan("head blob", Mishap::Answer(reply));
    }
    let account = bed.run(1, &Wish::default()).await;
    check_gave_up(&account, Stop::Unauthorised);
    assert_eq!(bed.sim.writes().len(), 0);
}
