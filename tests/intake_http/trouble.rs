//! A sink that fails or dawdles, and more load than can be borne.

use std::time::Duration;

use axum::http::StatusCode;
use evergraph::domain::notification::refusal::Delay;
use serde_json::json;

use crate::world::*;

#[tokio::test]
async fn the_sink_fails_once_and_the_redelivery_arrives() {
    let world = World::new();
    world.sink.failures.lock().unwrap().push_back(true);
    let items = [world.change(&inbox(), 1), world.change(&files(), 2)];
    assert_eq!(world.post(&items).await, 503);
    assert!(world.events().is_empty());
    assert_eq!(world.post(&items).await, 202);
    assert_eq!(world.events().len(), 2, "a failed write is no first");
    assert_eq!(world.post(&items[..1]).await, 202);
    assert_eq!(world.events().len(), 2, "a written one is");
}

#[tokio::test(start_paused = true)]
async fn a_slow_sink_is_waited_for_well_below_three_seconds() {
    let world = World::in_memory();
    *world.sink.takes.lock().unwrap() = Duration::from_secs(20);
    let began = tokio::time::Instant::now();
    assert_eq!(world.post(&[world.change(&inbox(), 1)]).await, 503);
    let took = began.elapsed();
    assert!(took < Duration::from_millis(2600), "{took:?}");
    *world.sink.takes.lock().unwrap() = Duration::from_millis(100);
    assert_eq!(world.post(&[world.change(&inbox(), 1)]).await, 202);
    assert_eq!(world.figures().delayed.get(&Delay::Deadline), Some(&1));
    assert_eq!(world.events().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn beyond_capacity_requests_are_turned_away_at_once() {
    let world = World::of(Plan {
        memory: true,
        change: |config| config.requests_at_once = 2,
        ..Plan::default()
    });
    *world.sink.takes.lock().unwrap() = Duration::from_millis(500);
    let post = |number: u32| {
        let item = world.change(&inbox(), number);
        let world = &world;
        async move {
            let began = tokio::time::Instant::now();
            (world.post(&[item]).await, began.elapsed())
        }
    };
    let (one, two, shed, later) = tokio::join!(post(1), post(2), post(3), async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        post(4).await
    });
    assert_eq!((one.0, two.0, later.0), (202, 202, 202));
    assert_eq!(shed, (503, Duration::ZERO));
    assert_eq!(world.figures().delayed.get(&Delay::Capacity), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_dawdles_keeps_nobody_out_for_long() {
    let world = World::of(Plan {
        memory: true,
        change: |config| config.requests_at_once = 1,
        ..Plan::default()
    });
    let endless = futures::stream::pending::<Result<&str, std::io::Error>>();
    let endless = axum::body::Body::from_stream(endless);
    let began = tokio::time::Instant::now();
    let status = world.post_body(NOTIFICATIONS, endless).await;
    assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
    assert!(began.elapsed() <= Duration::from_secs(5));
    assert_eq!(world.post(&[world.change(&inbox(), 1)]).await, 202);
}

#[tokio::test(start_paused = true)]
async fn without_a_sink_graph_keeps_everything_and_is_answered_at_once() {
    let world = World::in_memory();
    world.handler.take_nothing_in();
    let began = tokio::time::Instant::now();
    assert_eq!(world.post(&[world.change(&inbox(), 1)]).await, 503);
    let body = json!({ "value": [] }).to_string();
    let status = world.post_body(LIFECYCLE, body).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(world.events().is_empty());
}
