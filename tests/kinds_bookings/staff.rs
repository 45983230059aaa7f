//! Staff members.

use evergraph::adapters::kinds::bookings::BookingsStaff;
use evergraph::domain::ensure::kinds::bookings::Role;
use evergraph::domain::ensure::{HolderId, Outcome, Stop};
use evergraph::sim::services::bookings::{Manners, Standing};
use evergraph::sim::services::{Mishap, Reply};
use serde_json::json;

use super::bed::{ANN, BUSINESS, bed, staff_spec};
use super::kinds::{check_done, check_gave_up, check_rule, check_would, rehearse, run};

#[tokio::test(start_paused = true)]
async fn a_staff_member_is_created_and_a_second_run_writes_nothing() {
    let bed = bed().await;
    check_done(
        &run(1, &bed.staff(Role::Member, "Ann")).await,
        Outcome::Created,
    );
    assert_eq!(bed.writes(), ["create staff"]);
    check_done(
        &run(2, &bed.staff(Role::Member, "Ann")).await,
        Outcome::Unchanged,
    );
    assert_eq!(bed.writes(), ["create staff"]);
    let all = bed.portal().staff();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].text("role"), "member");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_what_it_would_do_and_writes_nothing() {
    let bed = bed().await;
    check_would(&rehearse(&bed.staff(Role::Member, "Ann")).await, "create");
    bed.portal().add_staff(ANN, "Old name", "member").unwrap();
    check_would(&rehearse(&bed.staff(Role::Member, "Ann")).await, "change");
    assert!(bed.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_member_whom_a_person_added_is_taken_over_and_only_what_differs_is_sent() {
    let bed = bed().await;
    let id = bed
        .portal()
        .add_staff("Ann@Contoso.com", "Ann O.", "member")
        .unwrap();
    bed.portal()
        .edit(&id, &json!({"timeZone": "Europe/Berlin"}))
        .unwrap();
    check_done(
        &run(1, &bed.staff(Role::Member, "Ann")).await,
        Outcome::Patched,
    );
    assert_eq!(bed.writes(), ["update staff"]);
    let all = bed.portal().staff();
    assert_eq!(all[0].id, id);
    assert_eq!(all[0].text("displayName"), "Ann");
    assert_eq!(all[0].text("timeZone"), "Europe/Berlin");
    assert_eq!(all[0].text("emailAddress"), "Ann@Contoso.com");
}

#[tokio::test(start_paused = true)]
async fn a_holder_on_a_later_page_is_found_before_anything_is_created() {
    let bed = bed().await;
    bed.bookings.set_manners(Manners {
        page_rows: 2,
        list_lag: 0,
    });
    for number in 0..5 {
        let address = format!("person{number}@contoso.com");
        bed.portal().add_staff(&address, "P", "viewer").unwrap();
    }
    bed.portal().add_staff(ANN, "Ann", "member").unwrap();
    check_done(
        &run(1, &bed.staff(Role::Member, "Ann")).await,
        Outcome::Unchanged,
    );
    assert!(bed.writes().is_empty());
}

/// Both doors: the portal links whom the API can neither see nor create.
#[tokio::test(start_paused = true)]
async fn a_removed_or_hidden_member_blocks_the_api_and_is_linked_by_the_portal() {
    for hide in [false, true] {
        let bed = bed().await;
        let portal = bed.portal();
        let id = portal.add_staff(ANN, "Ann", "member").unwrap();
        if hide {
            portal.hide_staff(ANN).unwrap();
        } else {
            portal.remove_staff(ANN).unwrap();
        }

        // The API: 409 outside Graph's envelope, and a list that shows nobody.
        let wished = json!({"displayName": "Ann", "emailAddress": ANN, "role": "member"});
        let (status, body) = bed.api("POST", "staffMembers", &wished).await;
        let said = json!({"statusCode": 409, "message": "A staff member already exists"});
        assert_eq!((status, body), (409, said));
        let (_, listed) = bed.api("GET", "staffMembers", &json!(null)).await;
        assert_eq!(listed["value"], json!([]));

        // The portal: the same wish succeeds, under the old id.
        let (status, linked) = bed.browser("POST", "staff", &wished).await;
        assert_eq!((status, &linked["id"]), (200, &json!(id)));
        assert_eq!(portal.staff()[0].standing, Standing::Active);
        check_done(
            &run(1, &bed.staff(Role::Member, "Ann")).await,
            Outcome::Unchanged,
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_removed_member_is_left_to_a_person_with_the_way_through_the_portal() {
    let bed = bed().await;
    bed.portal().add_staff(ANN, "Ann", "member").unwrap();
    bed.portal().remove_staff(ANN).unwrap();
    let account = run(1, &bed.staff(Role::Member, "Ann")).await;
    let told = check_gave_up(&account, Stop::Invisible);
    check_rule(&account, "bookings/staff-exists");
    for words in [ANN, BUSINESS, "Open Bookings in the browser", "links"] {
        assert!(told.contains(words), "{told}");
    }
    let refused = bed.bookings.writes();
    assert!(refused.len() <= 2, "{refused:?}");
    assert!(refused.iter().all(|call| call.status == Some(409)));
    assert_eq!(bed.portal().staff()[0].standing, Standing::Removed);
}

#[tokio::test(start_paused = true)]
async fn a_member_linked_in_the_portal_while_the_run_looks_again_is_taken_over() {
    let bed = bed().await;
    let id = bed.portal().add_staff(ANN, "Old", "member").unwrap();
    bed.portal().remove_staff(ANN).unwrap();
    let bookings = bed.bookings.clone();
    // The list after the refused create: by then a person has added her again.
    bed.bookings.meanwhile("create staff", move || {
        let again = bookings.clone();
        bookings.meanwhile("list staff", move || {
            again
                .portal(BUSINESS)
                .add_staff(ANN, "Old", "member")
                .unwrap();
        });
    });
    check_done(
        &run(1, &bed.staff(Role::Member, "Ann")).await,
        Outcome::Patched,
    );
    assert_eq!(bed.portal().staff()[0].id, id);
}

#[tokio::test(start_paused = true)]
async fn of_two_racing_actors_one_creates_and_the_other_adopts() {
    let bed = bed().await;
    let (one, two) = (
        bed.staff(Role::Member, "Ann"),
        bed.staff(Role::Member, "Ann"),
    );
    let bookings = bed.bookings.clone();
    // The other actor gets in between the look and the create.
    let rival = json!({"displayName": "Ann", "emailAddress": ANN, "role": "member"});
    bed.bookings.meanwhile("create staff", move || {
        let text = rival["displayName"].as_str().unwrap();
        bookings
            .portal(BUSINESS)
            .add_staff(ANN, text, "member")
            .unwrap();
    });
    check_done(&run(1, &one).await, Outcome::Adopted);
    check_done(&run(2, &two).await, Outcome::Unchanged);
    assert_eq!(bed.portal().staff().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_processes_at_once_leave_one_member() {
    let bed = bed().await;
    let (one, two) = (
        bed.staff(Role::Member, "Ann"),
        bed.staff(Role::Member, "Ann"),
    );
    let (left, right) = tokio::join!(run(1, &one), run(2, &two));
    assert!(left.is_done() && right.is_done());
    assert_eq!(bed.portal().staff().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_was_lost_is_found_and_not_repeated() {
    let bed = bed().await;
    bed.bookings.plan("create staff", Mishap::LoseAfter);
    let account = run(1, &bed.staff(Role::Member, "Ann")).await;
    assert!(account.is_done(), "{}", super::kinds::story(&account));
    assert_eq!(bed.writes(), ["create staff"]);
    assert_eq!(bed.portal().staff().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_create_behind_a_500_is_looked_for_before_it_is_repeated() {
    let bed = bed().await;
    let answer = r#"{"error":{"code":"UnknownError","message":""}}"#;
    let after = Mishap::AnswerAfter(Reply::text(500, answer));
    bed.bookings.plan("create staff", after);
    let account = run(1, &bed.staff(Role::Member, "Ann")).await;
    assert!(account.is_done(), "{}", super::kinds::story(&account));
    check_rule(&account, "bookings/unknown-error");
    assert_eq!(bed.writes(), ["create staff"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_lags_behind_a_create_is_waited_for() {
    let bed = bed().await;
    bed.bookings.set_manners(Manners {
        page_rows: 100,
        list_lag: 2,
    });
    check_done(
        &run(1, &bed.staff(Role::Member, "Ann")).await,
        Outcome::Created,
    );
    assert_eq!(bed.writes(), ["create staff"]);
}

#[tokio::test(start_paused = true)]
async fn an_administrator_who_is_not_declared_as_one_is_never_changed() {
    let bed = bed().await;
    bed.portal().add_staff(ANN, "Ann", "administrator").unwrap();
    let before = bed.portal().staff();
    let account = run(1, &bed.staff(Role::Member, "Ann B.")).await;
    let told = check_gave_up(&account, Stop::Foreign);
    assert!(told.contains("administrator"), "{told}");
    assert!(bed.writes().is_empty());
    assert_eq!(bed.portal().staff(), before);
}

#[tokio::test(start_paused = true)]
async fn without_adopting_only_the_id_of_an_earlier_run_is_changed() {
    let bed = bed().await;
    let id = bed.portal().add_staff(ANN, "Old", "member").unwrap();
    let mut spec = staff_spec(Role::Member, "Ann");
    spec.adopt = false;
    let account = run(1, &BookingsStaff::new(bed.line(), spec.clone())).await;
    check_gave_up(&account, Stop::Foreign);
    assert!(bed.writes().is_empty());
    spec.known = Some(HolderId::new(id.as_str()));
    let account = run(1, &BookingsStaff::new(bed.line(), spec)).await;
    check_done(&account, Outcome::Patched);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_create_waits_as_long_as_it_was_asked_to() {
    let bed = bed().await;
    let answer = r#"{"error":{"code":"TooManyRequests","message":"Please retry again later."}}"#;
    let answer = Reply::text(429, answer).header("retry-after", "41");
    bed.bookings.plan("create staff", Mishap::Answer(answer));
    let account = run(1, &bed.staff(Role::Member, "Ann")).await;
    check_done(&account, Outcome::Created);
    let took = account.steps.last().unwrap().at;
    assert!(took.as_secs() >= 41, "{took:?}");
}

/// Both doors: staff added by the API has no page access, staff of the portal has, and the role
/// has another name in the documentation than in the service.
#[tokio::test(start_paused = true)]
async fn staff_of_the_api_lacks_the_page_access_that_the_portal_gives() {
    let bed = bed().await;
    let documented = json!({"displayName": "Ann", "emailAddress": ANN, "role": "teamMember"});
    let (status, _) = bed.api("POST", "staffMembers", &documented).await;
    assert_eq!(status, 400);
    let account = run(1, &bed.staff(Role::parse("teamMember").unwrap(), "Ann")).await;
    check_done(&account, Outcome::Created);
    assert!(!bed.portal().staff()[0].page_access);

    bed.portal().add_staff(ANN, "Ann", "member").unwrap();
    assert!(bed.portal().staff()[0].page_access);
    assert_eq!(bed.portal().staff()[0].text("role"), "member");
}

#[tokio::test(start_paused = true)]
async fn a_business_that_does_not_exist_is_a_fault_of_the_specification() {
    let bed = bed().await;
    let mut spec = staff_spec(Role::Member, "Ann");
    spec.business = "nobody@contoso.com".into();
    let account = run(1, &BookingsStaff::new(bed.line(), spec)).await;
    check_gave_up(&account, Stop::Bug);
    assert!(bed.writes().is_empty());
}
