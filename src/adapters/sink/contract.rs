//! What every [`Sink`] must do, as functions that panic where it does not.
//!
//! It stands beside the sinks, not in `tests/`, so that another sink can be held to it from
//! anywhere. Each function takes a sink that nobody used before, and a way to see what a
//! consumer would get from it.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures::future::join_all;

use crate::domain::notification::event::Event;
use crate::domain::notification::identity::EventId;
use crate::domain::subscription::KeyTag;
use crate::ports::sink::Sink;

/// What a consumer gets.
#[async_trait::async_trait]
pub trait Consumer: Send + Sync {
    /// Takes every event that is there, each as its JSON text. May take them away.
    async fn take(&self) -> Vec<String>;
}

/// An event with a number and so many bytes of content.
pub fn event(number: u128, bytes: usize) -> Event {
    let filling = "x".repeat(bytes);
    let id = EventId::unique(number);
    let json = format!(
        r#"{{"specversion":"1.0","id":"{id}","subject":"a,\"data\":b","data":{{"n":{number},"text":"ü€😀 \" \\n {filling}"}}}}"#
    );
    Event {
        json: Bytes::from(json),
        id,
        tag: KeyTag::from_bytes([1; 16]),
        subscription: None,
        tenant: None,
        lifecycle: false,
    }
}

async fn written(sink: &dyn Sink, events: &[Event]) {
    let outcome = sink.write(events).await;
    outcome.unwrap_or_else(|error| panic!("the events must be taken: {error}"));
}

fn texts(events: &[Event]) -> Vec<String> {
    let text = |event: &Event| String::from_utf8_lossy(&event.json).into_owned();
    events.iter().map(text).collect()
}

/// What was written is there once the call returns, byte for byte, and nothing else is.
pub async fn hands_on_what_it_took(sink: &dyn Sink, consumer: &dyn Consumer) {
    assert_eq!(consumer.take().await, Vec::<String>::new(), "nothing yet");
    let events = [event(1, 0), event(2, 10), event(3, 1000)];
    written(sink, &events).await;
    assert_eq!(consumer.take().await, texts(&events));
}

/// Events of any size are taken, small and large ones in one call.
pub async fn takes_events_of_any_size(sink: &dyn Sink, consumer: &dyn Consumer) {
    let sizes = [
        0, 40_000, 48_000, 49_152, 65_536, 100, 300_000, 2_000_000, 7,
    ];
    let events: Vec<Event> = (0..).zip(sizes).map(|(at, size)| event(at, size)).collect();
    written(sink, &events).await;
    let found: BTreeSet<String> = consumer.take().await.into_iter().collect();
    let wanted: BTreeSet<String> = texts(&events).into_iter().collect();
    assert!(found == wanted, "{} of {} found", found.len(), wanted.len());
}

/// A request may bring thousands of items.
pub async fn takes_many_at_once(sink: &dyn Sink, consumer: &dyn Consumer) {
    let events: Vec<Event> = (0..1500).map(|at| event(at, 700)).collect();
    written(sink, &events).await;
    let found: BTreeSet<String> = consumer.take().await.into_iter().collect();
    let wanted: BTreeSet<String> = texts(&events).into_iter().collect();
    assert!(found == wanted, "{} of {} found", found.len(), wanted.len());
}

/// Many writers at once lose nothing and get into nobody's way.
pub async fn serves_many_writers(sink: &dyn Sink, consumer: &dyn Consumer) {
    let calls: Vec<Vec<Event>> = (0..40_u128)
        .map(|call| (0..5).map(|at| event(call * 10 + at, 50)).collect())
        .collect();
    join_all(calls.iter().map(|events| written(sink, events))).await;
    let mut found = consumer.take().await;
    let mut wanted: Vec<String> = calls.iter().flat_map(|events| texts(events)).collect();
    found.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
}

/// The same event may be written again: consumers tell by its id.
pub async fn takes_a_repeat(sink: &dyn Sink, consumer: &dyn Consumer) {
    let one = [event(1, 5)];
    written(sink, &one).await;
    written(sink, &one).await;
    assert_eq!(consumer.take().await, [texts(&one), texts(&one)].concat());
}
