//! Lifecycle events: durable wake marks, and events for the consumer.

use crate::fixture::*;
use evergraph::app::intake::{Answer, Route};
use evergraph::app::marks;
use serde_json::json;

async fn lying(world: &World) -> Vec<String> {
    let marks = marks::lying(world.store.as_ref()).await.unwrap();
    marks
        .into_iter()
        .map(|(name, _)| name.to_string())
        .collect()
}

async fn post(world: &World, items: &[serde_json::Value]) -> Answer {
    let body = json!({ "value": items }).to_string();
    world.post_text(Route::Lifecycle, &body).await
}

#[tokio::test]
async fn each_event_leaves_a_mark_and_reaches_the_consumer() {
    let world = world();
    let items = [
        lifecycle("reauthorizationRequired", "s1"),
        lifecycle("subscriptionRemoved", "s1"),
        lifecycle("missed", "s2"),
        lifecycle("paused", "s3"),
    ];
    let answer = post(&world, &items).await;
    check(&answer, "202 4w 0r 0x");
    assert_eq!(
        lying(&world).await,
        [
            "wake/missed_s2",
            "wake/reauthorizationrequired_s1",
            "wake/subscriptionremoved_s1",
        ]
    );
    let events = world.events();
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str()).collect();
    assert_eq!(
        kinds[0],
        Some("evergraph.lifecycle.reauthorizationRequired")
    );
    assert_eq!(kinds[3], Some("evergraph.lifecycle.paused"));
    let resync: Vec<_> = events
        .iter()
        .map(|event| event["resync"].as_str())
        .collect();
    assert_eq!(resync, [None, Some("required"), Some("required"), None]);
    assert_eq!(events[0]["subject"], "subscriptions/s1");
    assert_eq!(events[0]["subscription"], "inbox");
}

#[tokio::test]
async fn a_storm_leaves_one_mark() {
    let world = world();
    let items = vec![lifecycle("reauthorizationRequired", "s1"); 50];
    for _ in 0..3 {
        check(&post(&world, &items).await, "202 50w 0r 0x");
    }
    assert_eq!(lying(&world).await.len(), 1);
}

#[tokio::test]
async fn a_forged_event_wakes_nobody() {
    let world = world();
    let mut forged = lifecycle("subscriptionRemoved", "s1");
    forged["clientState"] = "x".into();
    check(&post(&world, &[forged]).await, "202 0w 0r 1x");
    assert!(lying(&world).await.is_empty());
}

#[tokio::test]
async fn an_item_at_the_wrong_address_is_counted_and_not_lost() {
    let world = world();
    let answer = world
        .post(&[lifecycle("missed", "s1"), message(INBOX, 1)])
        .await;
    check(&answer, "202 2w 0r 0x");
    assert_eq!(lying(&world).await, ["wake/missed_s1"]);
    check(&post(&world, &[message(INBOX, 2)]).await, "202 1w 0r 0x");
    assert_eq!(world.intake.figures().wrong_route, 2);
    let Answer::Accepted(receipt) = answer else {
        panic!("accepted");
    };
    assert_eq!((receipt.marks, receipt.wrong_route), (1, 1));
}

#[tokio::test]
async fn a_mark_is_left_even_where_the_event_was_written_before() {
    let world = world();
    let mut event = lifecycle("missed", "s1");
    event["id"] = "n1".into(); // its identity is certain
    check(&post(&world, &[event.clone()]).await, "202 1w 0r 0x");
    let names = marks::lying(world.store.as_ref()).await.unwrap();
    let names: Vec<_> = names.into_iter().map(|(name, _)| name).collect();
    marks::remove(world.store.as_ref(), &names).await;
    check(&post(&world, &[event]).await, "202 0w 1r 0x");
    assert_eq!(lying(&world).await, ["wake/missed_s1"]);
}
