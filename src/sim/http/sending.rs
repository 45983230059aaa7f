//! The part of the control API that sends notifications, and tells what was sent.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;

use super::Door;
use super::control::{Answer, answer, named, ok, read};
use crate::sim::control::{ChangeOrder, ControlError};
use crate::sim::forge::ForgeOrder;

/// What there is, in words.
pub(super) const ROUTES: &[(&str, &str)] = &[
    (
        "POST /_sim/changes",
        "{\"resource\":\"users/{id}/messages/{id}\",\"change_type\":\"created\"}: notifies",
    ),
    (
        "POST /_sim/lifecycle",
        "{\"subscription\":\"{id}\",\"event\":\"reauthorizationRequired\"}",
    ),
    (
        "POST /_sim/forgeries",
        "{\"subscription\":\"{id}\",\"flaw\":\"wrong_client_state\",\"count\":1}",
    ),
    (
        "GET /_sim/deliveries",
        "every notification with its attempts",
    ),
    ("DELETE /_sim/deliveries", "forgets those that have ended"),
    (
        "GET /_sim/events",
        "every item: how often it was sent and accepted, and its fate; ?after=17",
    ),
    (
        "GET /_sim/endpoints",
        "how well each endpoint answers: normal, slow or drop",
    ),
    (
        "GET /_sim/keys",
        "names of the published signing keys, and how often they were fetched",
    ),
    (
        "POST /_sim/keys/rotate",
        "signs by a new key; ?keep=false unpublishes the old ones",
    ),
];

pub(super) fn routes() -> Router<Door> {
    Router::new()
        .route("/changes", post(change))
        .route("/lifecycle", post(lifecycle))
        .route("/forgeries", post(forge))
        .route("/deliveries", get(deliveries).delete(clear_deliveries))
        .route("/events", get(events))
        .route("/endpoints", get(endpoints))
        .route("/keys", get(keys))
        .route("/keys/rotate", post(rotate))
}

async fn change(State(door): State<Door>, body: Bytes) -> Answer {
    let emitted = read::<ChangeOrder>(&body).and_then(|order| door.control().emit_change(&order));
    answer(emitted.map(|emitted| json!(emitted)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LifecycleOrder {
    subscription: String,
    event: String,
}

async fn lifecycle(State(door): State<Door>, body: Bytes) -> Answer {
    let emitted = read::<LifecycleOrder>(&body).and_then(|order| {
        door.control()
            .emit_lifecycle(&order.subscription, &order.event)
    });
    answer(emitted.map(|emitted| json!(emitted)))
}

async fn deliveries(State(door): State<Door>) -> Answer {
    ok(&json!({ "value": door.control().deliveries() }))
}

async fn clear_deliveries(State(door): State<Door>) -> Answer {
    door.sim.with(|service, _| {
        service.deliveries.clear_ended();
        service.events.clear_ended();
    });
    ok(&json!({}))
}

async fn events(State(door): State<Door>, RawQuery(query): RawQuery) -> Answer {
    let after = named(query.as_deref(), "after").map_or(Ok(0), |text| {
        let wrong = |_| ControlError::Wrong(format!("after is {text:?}; it must be a number"));
        text.parse().map_err(wrong)
    });
    answer(after.map(|after: u64| {
        let control = door.control();
        json!({"counts": control.event_counts(), "value": control.events(after)})
    }))
}

async fn endpoints(State(door): State<Door>) -> Answer {
    ok(&json!({ "value": door.control().endpoints() }))
}

async fn forge(State(door): State<Door>, body: Bytes) -> Answer {
    let emitted = read::<ForgeOrder>(&body).and_then(|order| door.control().forge(&order));
    answer(emitted.map(|emitted| json!(emitted)))
}

async fn keys(State(door): State<Door>) -> Answer {
    let told = door.sim.with(|service, _| {
        let (kids, fetches) = (service.publisher.kids(), service.publisher.fetches);
        json!({"kids": kids, "fetches": fetches})
    });
    ok(&told)
}

async fn rotate(State(door): State<Door>, RawQuery(query): RawQuery) -> Answer {
    let keep = named(query.as_deref(), "keep").is_none_or(|value| value != "false");
    answer(
        door.control()
            .rotate_keys(keep)
            .map(|kid| json!({"kid": kid})),
    )
}
