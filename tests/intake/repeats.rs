//! Repeats: what is suppressed, and what never is.

use std::sync::Arc;
use std::time::Duration;

use crate::fixture::*;
use jiff::SignedDuration;

#[tokio::test]
async fn the_sink_fails_once_and_the_redelivery_arrives() {
    let world = world();
    world.sink.failures.lock().unwrap().push_back(true);
    let items = [message(INBOX, 1), message(DRIVE, 2)];
    check(&world.post(&items).await, "503 0w 0r 0x sink");
    check(&world.post(&items).await, "202 2w 0r 0x");
    check(&world.post(&items).await, "202 1w 1r 0x"); // a drive always passes
    assert_eq!(world.events().len(), 3);
}

#[tokio::test]
async fn a_recreated_subscription_and_a_silent_duplicate_collapse() {
    let world = world();
    let mut other = message(INBOX, 1);
    other["subscriptionId"] = "another".into();
    other["subscriptionExpirationDateTime"] = "2031-01-01T00:00:00Z".into();
    check(
        &world.post(&[message(INBOX, 1), other]).await,
        "202 1w 1r 0x",
    );
}

#[tokio::test]
async fn the_window_ends() {
    let world = world();
    check(&world.post(&[message(INBOX, 1)]).await, "202 1w 0r 0x");
    world.pass(SignedDuration::from_mins(269));
    check(&world.post(&[message(INBOX, 1)]).await, "202 0w 1r 0x");
    world.pass(SignedDuration::from_mins(1));
    check(&world.post(&[message(INBOX, 1)]).await, "202 1w 0r 0x");
    let events = world.events();
    assert_eq!(
        events[0]["id"], events[1]["id"],
        "the consumer still knows it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_repeat_during_the_write_shares_its_outcome() {
    for fails in [false, true] {
        let world = world();
        *world.sink.takes.lock().unwrap() = Duration::from_millis(500);
        world.sink.failures.lock().unwrap().push_back(fails);
        let first = {
            let intake = Arc::clone(&world.intake);
            let body = serde_json::json!({ "value": [message(INBOX, 1)] }).to_string();
            tokio::spawn(async move {
                let admission = intake.admit().unwrap();
                let route = evergraph::app::intake::Route::Notifications;
                intake.receive(admission, route, body.as_bytes()).await
            })
        };
        tokio::time::sleep(Duration::from_millis(100)).await;
        let second = world.post(&[message(INBOX, 1)]).await;
        let first = first.await.unwrap();
        if fails {
            check(&first, "503 0w 0r 0x sink");
            check(&second, "503 0w 0r 0x first_not_written");
            check(&world.post(&[message(INBOX, 1)]).await, "202 1w 0r 0x");
        } else {
            check(&first, "202 1w 0r 0x");
            check(&second, "202 0w 1r 0x");
        }
        assert_eq!(world.events().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_given_up_keeps_nobody_from_writing() {
    let world = world();
    *world.sink.takes.lock().unwrap() = Duration::from_millis(500);
    let items = [message(INBOX, 1)];
    let soon = Duration::from_millis(100);
    let given_up = tokio::time::timeout(soon, world.post(&items)).await;
    assert!(given_up.is_err());
    check(&world.post(&items).await, "202 1w 0r 0x");
}
