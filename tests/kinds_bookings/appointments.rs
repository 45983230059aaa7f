//! Appointments: no kind of ensure makes them, but the two doors differ, and both are shown.

use evergraph::domain::conflict::{Answer, Cause, Effect, Operation, Service, classify};
use evergraph::sim::services::{Mishap, Reply};
use serde_json::{Value, json};

use super::bed::{ANN, Bed, bed};

fn moment(hour: u32) -> Value {
    json!({"dateTime": format!("2026-03-02T{hour:02}:00:00"), "timeZone": "UTC"})
}

fn wish(staff: &[&str], customer: &str) -> Value {
    json!({
        "startDateTime": moment(9),
        "endDateTime": moment(10),
        "staffMemberIds": staff,
        "customers": [{"emailAddress": customer}],
    })
}

async fn staffed() -> (Bed, String) {
    let bed = bed().await;
    let id = bed.portal().add_staff(ANN, "Ann", "member").unwrap();
    (bed, id)
}

#[tokio::test(start_paused = true)]
async fn a_second_customer_of_a_slot_is_a_500_for_the_api_and_welcome_in_the_portal() {
    let (bed, ann) = staffed().await;
    let (status, _) = bed
        .api("POST", "appointments", &wish(&[&ann], "a@x.example"))
        .await;
    assert_eq!(status, 201);
    let second = wish(&[&ann], "b@x.example");
    let (status, body) = bed.api("POST", "appointments", &second).await;
    assert_eq!(status, 500);
    assert_eq!(body["error"]["code"], "UnknownError");
    assert_eq!(body["error"]["message"], "");
    // The body says nothing, so the verdict must: look into the calendar first.
    let verdict = classify(&Answer {
        service: Service::Bookings,
        operation: Operation::Create,
        status,
        headers: &[],
        body: body.to_string().as_bytes(),
    });
    assert_eq!(verdict.cause, Cause::AmbiguousOutcome);
    assert_eq!(verdict.may_have_taken_effect, Effect::Yes);
    let (_, calendar) = bed.api("GET", "calendarView", &json!(null)).await;
    assert_eq!(calendar["value"].as_array().unwrap().len(), 1);

    let (status, _) = bed.browser("POST", "appointments", &second).await;
    assert_eq!(status, 200);
    assert_eq!(bed.portal().appointments(), ["a@x.example", "b@x.example"]);
}

#[tokio::test(start_paused = true)]
async fn a_busy_personal_calendar_is_honoured_by_the_portal_and_overlooked_by_the_api() {
    let (bed, ann) = staffed().await;
    let busy = json!({"staffMemberId": ann, "startDateTime": moment(8), "endDateTime": moment(12)});
    assert_eq!(bed.browser("POST", "busy", &busy).await.0, 200);

    let (status, _) = bed
        .browser("POST", "appointments", &wish(&[&ann], "a@x.example"))
        .await;
    assert_eq!(status, 422);
    assert!(bed.portal().appointments().is_empty());

    // What a program must ask before, since the create does not tell.
    let ask = json!({"staffIds": [ann], "startDateTime": moment(9), "endDateTime": moment(10)});
    let (_, told) = bed.api("POST", "getStaffAvailability", &ask).await;
    assert_eq!(told["value"][0]["availabilityItems"][0]["status"], "busy");
    let (status, _) = bed
        .api("POST", "appointments", &wish(&[&ann], "a@x.example"))
        .await;
    assert_eq!(status, 201);
}

#[tokio::test(start_paused = true)]
async fn an_appointment_may_stand_behind_a_failed_answer() {
    let (bed, ann) = staffed().await;
    let words = r#"{"error":{"code":"UnknownError","message":"Staff not available"}}"#;
    let after = Mishap::AnswerAfter(Reply::text(500, words));
    bed.bookings.plan("create appointment", after);
    let (status, _) = bed
        .api("POST", "appointments", &wish(&[&ann], "a@x.example"))
        .await;
    assert_eq!(status, 500);
    assert_eq!(bed.portal().appointments(), ["a@x.example"]);
}

#[tokio::test(start_paused = true)]
async fn an_appointment_without_staff_or_with_a_wrong_id_is_refused() {
    let (bed, _) = staffed().await;
    let (status, body) = bed
        .api("POST", "appointments", &wish(&[], "a@x.example"))
        .await;
    assert_eq!(
        (status, &body["error"]["message"]),
        (400, &json!("Invalid Staff"))
    );
    let (status, _) = bed
        .api("POST", "appointments", &wish(&["x"], "a@x.example"))
        .await;
    assert_eq!(status, 500);
    assert!(bed.portal().appointments().is_empty());
}
