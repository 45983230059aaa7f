//! Lifecycle events: in the sink, a durable mark, and a pass at once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::StatusCode;
use evergraph::domain::notification::refusal::Delay;
use evergraph::ports::state::StateStore as _;
use serde_json::{Value, json};

use crate::world::*;

async fn post_event(world: &World, path: &str, items: &[Value]) -> StatusCode {
    let body = json!({ "value": items }).to_string();
    world.post_body(path, body).await
}

async fn marks(world: &World) -> usize {
    world.fleet.store.list("wake/", 100).await.unwrap().len()
}

/// Paused time leaps over every wait.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(20)).await;
}

#[tokio::test(start_paused = true)]
async fn a_removed_subscription_is_created_again_at_once() {
    let world = World::in_memory();
    world.fleet.tick().await;
    let rows = world.fleet.live();
    let row = rows
        .iter()
        .find(|row| row.resource.contains("messages"))
        .unwrap();
    world.fleet.control.remove(&row.id, false).unwrap();
    assert_eq!(world.fleet.live().len(), 1);
    let event = world.lifecycle(&inbox(), "subscriptionRemoved", &row.id);
    let status = post_event(&world, LIFECYCLE, &[event]).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(marks(&world).await, 1, "it lies there before the answer");
    let events = world.events();
    assert_eq!(events[0]["type"], "evergraph.lifecycle.subscriptionRemoved");
    assert_eq!(events[0]["resync"], "required");
    settle().await;
    assert_eq!(world.fleet.live().len(), 2, "without any tick");
    assert_eq!(marks(&world).await, 0, "the mark was taken up");
}

#[tokio::test(start_paused = true)]
async fn a_storm_leads_to_one_renewal() {
    let world = World::in_memory();
    world.fleet.tick().await;
    let rows = world.fleet.live();
    let row = rows
        .iter()
        .find(|row| row.resource.contains("messages"))
        .unwrap();
    world.fleet.jump(30);
    let event = world.lifecycle(&inbox(), "reauthorizationRequired", &row.id);
    for _ in 0..50 {
        let status = post_event(&world, LIFECYCLE, std::slice::from_ref(&event)).await;
        assert_eq!(status, StatusCode::ACCEPTED);
    }
    let expires = || {
        let rows = world.fleet.live();
        rows.iter().find(|one| one.id == row.id).unwrap().expires
    };
    settle().await;
    let renewed = expires();
    assert!(renewed > row.expires, "it was renewed");
    for _ in 0..10 {
        post_event(&world, LIFECYCLE, std::slice::from_ref(&event)).await;
        settle().await;
    }
    assert_eq!(expires(), renewed, "once in ten minutes");
    assert_eq!(world.events().len(), 60, "every event reaches the consumer");
    assert_eq!(marks(&world).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_mark_that_cannot_be_left_keeps_the_event_with_graph() {
    let world = World::in_memory();
    let mut event = world.lifecycle(&inbox(), "missed", "7f105c7d-2dc5-4530-97cd-4e7ae6534c07");
    event["id"] = "lsgTZMr9KwAAA".into();
    world.store.is_full.store(true, Ordering::Relaxed);
    let status = post_event(&world, LIFECYCLE, std::slice::from_ref(&event)).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(marks(&world).await, 0);
    assert_eq!(world.figures().delayed.get(&Delay::WakeMark), Some(&1));
    world.store.is_full.store(false, Ordering::Relaxed);
    let status = post_event(&world, LIFECYCLE, &[event]).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(
        marks(&world).await,
        1,
        "although the event was written before"
    );
    assert_eq!(world.events().len(), 1, "it was a certain repeat");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_written_stays_with_graph_although_its_mark_lies_there() {
    let world = World::in_memory();
    world.sink.failures.lock().unwrap().push_back(true);
    let event = world.lifecycle(&inbox(), "missed", "7f105c7d-2dc5-4530-97cd-4e7ae6534c07");
    let status = post_event(&world, LIFECYCLE, std::slice::from_ref(&event)).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let status = post_event(&world, LIFECYCLE, &[event]).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(world.events().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_wrong_address_is_noticed_and_loses_nothing() {
    let world = World::in_memory();
    let event = world.lifecycle(&inbox(), "missed", "7f105c7d-2dc5-4530-97cd-4e7ae6534c07");
    let status = post_event(&world, NOTIFICATIONS, &[event]).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let status = post_event(&world, LIFECYCLE, &[world.change(&inbox(), 1)]).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(world.events().len(), 2);
    let figures = world.figures();
    assert_eq!((figures.wrong_route, figures.marks), (2, 1));
}
