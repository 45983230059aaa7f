//! Customers: duplicates arise without a 409.

use evergraph::adapters::kinds::bookings::BookingsCustomer;
use evergraph::domain::ensure::{Outcome, Stop};
use evergraph::sim::services::bookings::Manners;
use evergraph::sim::services::{Mishap, Reply};
use serde_json::json;

use super::bed::{Bed, EVE, bed, customer_spec, fields};
use super::kinds::{check_done, check_gave_up, check_would, rehearse, run, story};

fn ids(bed: &Bed) -> Vec<String> {
    let all = bed.portal().customers().into_iter();
    all.map(|one| one.id).collect()
}

/// A customer as a run of the owner creates one, put there past the API's log.
fn plant(bed: &Bed, mark: &str) -> String {
    let id = bed.portal().add_customer(EVE, "Eve").unwrap();
    let marked = json!({"addresses": [{"postOfficeBox": mark}]});
    bed.portal().edit(&id, &marked).unwrap();
    id
}

/// Both doors: neither says a word about a second customer of the same address.
#[tokio::test(start_paused = true)]
async fn the_service_takes_two_customers_of_one_address_through_either_door() {
    let bed = bed().await;
    let eve = json!({"displayName": "Eve", "emailAddress": EVE});
    for _ in 0..2 {
        let (status, _) = bed.api("POST", "customers", &eve).await;
        assert_eq!(status, 201);
        let (status, _) = bed.browser("POST", "customers", &eve).await;
        assert_eq!(status, 200);
    }
    assert_eq!(ids(&bed).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_customer_is_created_once_and_a_second_run_writes_nothing() {
    let bed = bed().await;
    check_done(&run(1, &bed.customer("us", "Eve")).await, Outcome::Created);
    let mut spec = customer_spec("us", "Eve");
    spec.address = " EVE@Fabrikam.COM ".into();
    let again = BookingsCustomer::new(bed.line(), spec);
    check_done(&run(2, &again).await, Outcome::Unchanged);
    assert_eq!(bed.writes(), ["create customer"]);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_of_a_customer_writes_nothing() {
    let bed = bed().await;
    check_would(&rehearse(&bed.customer("us", "Eve")).await, "create");
    plant(&bed, "evergraph/us/a");
    plant(&bed, "evergraph/us/b");
    let account = rehearse(&bed.customer("us", "Eve")).await;
    check_would(&account, "");
    assert!(bed.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn own_surplus_is_collapsed_to_the_smallest_id() {
    let bed = bed().await;
    let kept = plant(&bed, "evergraph/us/a");
    plant(&bed, "evergraph/us/b");
    plant(&bed, "evergraph/us/c");
    let account = run(1, &bed.customer("us", "Eve")).await;
    check_done(&account, Outcome::Collapsed(2));
    assert_eq!(ids(&bed), [kept]);
}

#[tokio::test(start_paused = true)]
async fn two_processes_that_both_created_agree_on_the_one_that_stays() {
    let bed = bed().await;
    let (one, two) = (bed.customer("us", "Eve"), bed.customer("us", "Eve"));
    let (left, right) = tokio::join!(run(1, &one), run(2, &two));
    assert!(left.is_done(), "{}", story(&left));
    assert!(right.is_done(), "{}", story(&right));
    check_done(
        &run(3, &bed.customer("us", "Eve")).await,
        Outcome::Unchanged,
    );
    assert_eq!(ids(&bed).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_twin_that_appears_right_after_our_create_is_collapsed_in_the_same_run() {
    let bed = bed().await;
    let bookings = bed.bookings.clone();
    bed.bookings.meanwhile("create customer", move || {
        let portal = bookings.portal(super::bed::BUSINESS);
        let id = portal.add_customer(EVE, "Eve").unwrap();
        let marked = json!({"addresses": [{"postOfficeBox": "evergraph/us/other-run"}]});
        portal.edit(&id, &marked).unwrap();
    });
    let account = run(1, &bed.customer("us", "Eve")).await;
    check_done(&account, Outcome::Collapsed(1));
    assert_eq!(ids(&bed).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_others_entered_is_never_changed_nor_counted_as_surplus() {
    let bed = bed().await;
    let theirs = plant(&bed, "evergraph/them/x");
    let entered = bed.portal().add_customer(EVE, "Eve from the desk").unwrap();
    let ours = plant(&bed, "evergraph/us/a");
    let before = bed.portal().customers();
    check_done(
        &run(1, &bed.customer("us", "Eve")).await,
        Outcome::Unchanged,
    );
    assert!(bed.writes().is_empty());
    assert_eq!(bed.portal().customers(), before);
    assert_eq!(ids(&bed), [theirs, entered, ours]);
}

#[tokio::test(start_paused = true)]
async fn another_owners_customer_excludes_ours() {
    let bed = bed().await;
    plant(&bed, "evergraph/them/x");
    let account = run(1, &bed.customer("us", "Eve")).await;
    check_gave_up(&account, Stop::Foreign);
    assert!(bed.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_customer_whom_a_person_entered_is_left_to_a_decision() {
    let bed = bed().await;
    let id = bed.portal().add_customer(EVE, "Eva").unwrap();
    let account = run(1, &bed.customer("us", "Eve")).await;
    let told = check_gave_up(&account, Stop::Unproven);
    assert!(told.contains("adopt = true"), "{told}");
    assert!(bed.writes().is_empty());

    let mut spec = customer_spec("us", "Eve");
    spec.adopt = true;
    let account = run(1, &BookingsCustomer::new(bed.line(), spec)).await;
    check_done(&account, Outcome::Patched);
    assert_eq!(ids(&bed), [id]);
    assert_eq!(bed.portal().customers()[0].text("displayName"), "Eve");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_found_by_the_mark_of_its_run() {
    let bed = bed().await;
    bed.bookings.plan("create customer", Mishap::LoseAfter);
    let account = run(1, &bed.customer("us", "Eve")).await;
    check_done(&account, Outcome::CreatedEarlier);
    assert_eq!(bed.writes(), ["create customer"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_behind_a_lagging_list_is_not_repeated() {
    let bed = bed().await;
    bed.bookings.set_manners(Manners {
        page_rows: 100,
        list_lag: 3,
    });
    bed.bookings.plan("create customer", Mishap::LoseAfter);
    let account = run(1, &bed.customer("us", "Eve")).await;
    check_done(&account, Outcome::CreatedEarlier);
    assert_eq!(ids(&bed).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_arrived_is_sent_again_after_its_time() {
    let bed = bed().await;
    bed.bookings.plan("create customer", Mishap::LoseBefore);
    check_done(&run(1, &bed.customer("us", "Eve")).await, Outcome::Created);
    assert_eq!(ids(&bed).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_cannot_be_had_creates_nothing() {
    let bed = bed().await;
    bed.bookings.set_manners(Manners {
        page_rows: 1,
        list_lag: 0,
    });
    plant(&bed, "evergraph/us/a");
    bed.portal()
        .add_customer("other@x.example", "Other")
        .unwrap();
    let broken = Reply::text(503, "");
    for _ in 0..4 {
        let broken = Mishap::Answer(broken.clone());
        bed.bookings.plan_after(1, "list customer", broken);
    }
    let account = run(1, &bed.customer("us", "Eve")).await;
    check_gave_up(&account, Stop::Incomplete);
    assert!(bed.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_postal_address_is_changed_without_losing_the_mark() {
    let bed = bed().await;
    let street = |street: &str| {
        let mut spec = customer_spec("us", "Eve");
        spec.fields = fields(&[
            ("displayName", json!("Eve")),
            ("addresses", json!([{"street": street}])),
        ]);
        BookingsCustomer::new(bed.line(), spec)
    };
    check_done(&run(1, &street("Old Lane 1")).await, Outcome::Created);
    check_done(&run(2, &street("New Road 2")).await, Outcome::Patched);
    check_done(&run(3, &street("New Road 2")).await, Outcome::Unchanged);
    let all = bed.portal().customers();
    let address = &all[0].properties["addresses"][0];
    assert_eq!(address["street"], "New Road 2");
    let mark = address["postOfficeBox"].as_str().unwrap();
    assert!(mark.starts_with("evergraph/us/"), "{mark}");
}
