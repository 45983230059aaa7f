//! An event subscription that could not be made through an SDK.

use std::sync::Arc;

use evergraph::domain::conflict::{Cause, Effect, Operation, Remedy, Service};
use evergraph::sim::clock::SimClock;
use evergraph::sim::services::Mishap;
use evergraph::sim::services::event_grid::EventGrid;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{House, check_verdict, verdict};

const GROUP: &str = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shop";
const PORTAL: &str = "/_portal/topics/orders/event-subscriptions";

async fn house() -> (Arc<EventGrid>, House) {
    let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    let events = EventGrid::new(Arc::new(SimClock::standing(start)));
    events.portal_create_topic(GROUP, "orders", SignedDuration::from_mins(1));
    (events.clone(), House::of(events).await)
}

fn path(topic: &str, name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.EventGrid/systemTopics/{topic}/eventSubscriptions/{name}")
}

fn wish() -> Value {
    json!({"properties": {"destination": {"endpointType": "AzureFunction"}}})
}

/// A create as an SDK does it: sent, then read until it is there. Its end is the SDK's answer.
async fn create(house: &House, name: &str) -> (u16, Value) {
    let path = path("orders", name);
    let (status, begun) = house.call("PUT", &path, &wish()).await;
    assert_eq!(status, 201);
    assert_eq!(begun["properties"]["provisioningState"], "Creating");
    house.get(&path).await
}

#[tokio::test(start_paused = true)]
async fn a_create_that_ended_with_404_stands_after_the_same_create_by_hand_or_once_more_later() {
    let (events, house) = house().await;
    let ended = create(&house, "to-audit").await;
    assert_eq!(ended.0, 404);
    assert_eq!(ended.1["error"]["code"], "ResourceNotFound");
    assert_eq!(
        ended.1["error"]["message"],
        "Event subscription doesn't exist."
    );
    let found = verdict(Service::Messaging, Operation::CreateByPut, &ended);
    check_verdict(
        &found,
        "messaging/event-subscription-absent-after-create",
        Cause::AmbiguousOutcome,
        Remedy::ReadBeforeRetry,
    );
    assert_eq!(found.may_have_taken_effect, Effect::Yes);

    // Some time later the read still says no, so the create may be repeated, through either door.
    events.clock().advance(SignedDuration::from_mins(2));
    assert_eq!(house.get(&path("orders", "to-audit")).await.0, 404);
    let (status, stands) = create(&house, "to-audit").await;
    assert_eq!(status, 200);
    assert_eq!(stands["properties"]["provisioningState"], "Succeeded");

    let mut by_hand = wish();
    by_hand["name"] = json!("to-billing");
    assert_eq!(house.call("POST", PORTAL, &by_hand).await.0, 200);
    assert_eq!(house.get(&path("orders", "to-billing")).await.0, 200);
    let (_, listed) = house.get(PORTAL).await;
    assert_eq!(listed, json!({"value": ["to-audit", "to-billing"]}));
}

#[tokio::test(start_paused = true)]
async fn the_portal_is_no_way_around_a_topic_that_is_not_ready() {
    let (events, house) = house().await;
    let by_hand = json!({"name": "to-audit", "properties": {}});
    assert_eq!(house.call("POST", PORTAL, &by_hand).await.0, 422);
    let nameless = json!({"properties": "none"});
    assert_eq!(house.call("POST", PORTAL, &nameless).await.0, 422);
    assert_eq!(
        events.portal_event_subscriptions("orders").unwrap().len(),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn the_read_before_the_retry_finds_a_create_whose_answer_was_a_404_all_the_same() {
    let (events, house) = house().await;
    events.clock().advance(SignedDuration::from_mins(2));
    let words =
        r#"{"error":{"code":"ResourceNotFound","message":"Event subscription doesn't exist."}}"#;
    let answer = evergraph::sim::services::Reply::text(404, words);
    events.plan("create", Mishap::AnswerAfter(answer));
    let path = path("orders", "to-audit");
    assert_eq!(house.call("PUT", &path, &wish()).await.0, 404);
    assert_eq!(house.get(&path).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_missing_topic_is_a_missing_dependency_and_no_reason_to_wait() {
    let (_, house) = house().await;
    let refused = house.call("PUT", &path("nothing", "a"), &wish()).await;
    assert_eq!(refused.0, 404);
    let found = verdict(Service::Messaging, Operation::CreateByPut, &refused);
    check_verdict(
        &found,
        "arm/dependency-missing",
        Cause::DependencyMissing,
        Remedy::EnsureDependency,
    );
    let bare = house.call("PUT", &path("orders", "a"), &json!({})).await;
    assert_eq!(bare.0, 400);
    assert_eq!(house.without_token(&path("orders", "a")).await, 401);
}
