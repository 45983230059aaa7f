//! Bodies count by their bytes, handshakes by their invocation, and time from the very beginning.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use evergraph::domain::notification::refusal::Delay;
use futures::StreamExt as _;
use jiff::SignedDuration;
use serde_json::json;

use crate::world::*;

fn world() -> World {
    World::of(Plan {
        memory: true,
        change: |config| config.bytes_at_once = 2_000,
        ..Plan::default()
    })
}

/// A notification of about so many bytes.
fn body(world: &World, number: u32, bytes: usize) -> String {
    let mut item = world.change(&inbox(), number);
    item["filling"] = "x".repeat(bytes).into();
    json!({ "value": [item] }).to_string()
}

fn chunked(text: String) -> Body {
    let pieces: Vec<String> = text
        .as_bytes()
        .chunks(100)
        .map(|piece| String::from_utf8(piece.to_vec()).unwrap())
        .collect();
    let pieces = futures::stream::iter(pieces).then(|piece| async move {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok::<_, std::io::Error>(piece)
    });
    Body::from_stream(pieces)
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_fit_beside_others_is_turned_away_and_fits_later() {
    for framing in [|text: String| Body::from(text), chunked] {
        let world = world();
        *world.sink.takes.lock().unwrap() = Duration::from_millis(500);
        let large = |number| world.post_body(NOTIFICATIONS, framing(body(&world, number, 1_000)));
        let (first, second, small) = tokio::join!(
            large(1),
            async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                large(2).await
            },
            async {
                tokio::time::sleep(Duration::from_millis(200)).await;
                world.post_body(NOTIFICATIONS, body(&world, 3, 10)).await
            }
        );
        assert_eq!(
            (first, second),
            (StatusCode::ACCEPTED, StatusCode::SERVICE_UNAVAILABLE)
        );
        assert_eq!(small, StatusCode::ACCEPTED, "what fits is taken");
        assert_eq!(
            large(2).await,
            StatusCode::ACCEPTED,
            "the room is given back"
        );
        assert_eq!(world.figures().delayed.get(&Delay::Capacity), Some(&1));
    }
}

#[tokio::test(start_paused = true)]
async fn who_announces_much_and_sends_nothing_keeps_nobody_out() {
    let world = world();
    let silent = || {
        let nothing = futures::stream::pending::<Result<String, std::io::Error>>();
        world.post_body(NOTIFICATIONS, Body::from_stream(nothing))
    };
    let (_, _, served) = tokio::join!(silent(), silent(), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.post_body(NOTIFICATIONS, body(&world, 1, 1_000)).await
    });
    assert_eq!(served, StatusCode::ACCEPTED);
}

#[tokio::test(start_paused = true)]
async fn a_body_beside_a_token_counts_like_any_other() {
    let world = world();
    *world.sink.takes.lock().unwrap() = Duration::from_millis(500);
    let with_token = format!("{NOTIFICATIONS}?validationToken=x");
    let (first, second) = tokio::join!(
        world.post_body(NOTIFICATIONS, body(&world, 1, 1_000)),
        async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            world.post_body(&with_token, body(&world, 2, 1_000)).await
        }
    );
    assert_eq!(
        (first, second),
        (StatusCode::ACCEPTED, StatusCode::SERVICE_UNAVAILABLE)
    );
    let again = world.post_body(&with_token, body(&world, 2, 1_000)).await;
    assert_eq!(again, StatusCode::ACCEPTED);
    assert_eq!(world.events().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_arrives_slowly_uses_up_the_time_for_its_answer() {
    let world = World::in_memory();
    *world.sink.takes.lock().unwrap() = Duration::from_millis(500);
    let slow = futures::stream::iter([body(&world, 1, 10)]).then(|piece| async move {
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        Ok::<_, std::io::Error>(piece)
    });
    let begun = tokio::time::Instant::now();
    let answer = world
        .post_body(NOTIFICATIONS, Body::from_stream(slow))
        .await;
    assert_eq!(answer, StatusCode::SERVICE_UNAVAILABLE);
    assert!(begun.elapsed() < Duration::from_millis(2_600));
    assert_eq!(world.figures().took.within(1000), Some(3_000));
}

#[tokio::test(start_paused = true)]
async fn a_handshake_is_counted_once_however_often_it_is_delivered() {
    let world = World::in_memory();
    let shake = |invocation: &str, path: &str| {
        Request::post(format!("{path}?validationToken=a%2bb+c"))
            .header("X-Azure-Functions-InvocationId", invocation)
            .body(Body::empty())
            .unwrap()
    };
    for _ in 0..40 {
        let answer = world.send(shake("6d0f3a52-9a5e-4c0f-8f0e-0d6d3f1b7a11", NOTIFICATIONS));
        assert_eq!(answer.await, StatusCode::OK);
    }
    assert_eq!(world.figures().handshakes, 1);
    world.send(shake("another", LIFECYCLE)).await;
    assert_eq!(world.figures().handshakes, 2);
    assert_eq!(world.figures().requests, 0, "it is no notification");
}

#[tokio::test(start_paused = true)]
async fn the_time_before_us_is_estimated_where_a_gateway_tells_the_beginning() {
    let world = World::in_memory();
    let now = world.fleet.sim.clock.read();
    let post = |number: u32, ago_ms: i64| {
        let at = now - SignedDuration::from_millis(ago_ms);
        Request::post(NOTIFICATIONS)
            .header("X-Request-Start", format!("t={}", at.as_millisecond()))
            .body(Body::from(body(&world, number, 10)))
            .unwrap()
    };
    assert_eq!(world.send(post(1, 200)).await, StatusCode::ACCEPTED);
    assert_eq!(world.send(post(2, 4_000)).await, StatusCode::ACCEPTED);
    assert_eq!(world.post(&[world.change(&inbox(), 3)]).await, 202);
    let figures = world.figures();
    assert_eq!(figures.requests, 3);
    assert_eq!((figures.before.requests, figures.before.max_ms), (2, 4_000));
    let (ours, estimated) = world.reception.intake().answers(now);
    assert_eq!((ours.all, ours.over_slow), (3, 0));
    assert_eq!((estimated.all, estimated.over_slow), (2, 1));
}
