//! The control API below `/_sim/`.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::{Response, StatusCode, header};
use axum::routing::{delete, get, post};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Door;
use crate::sim::control::{Control, ControlError, PlantOrder, calls_json};
use crate::sim::faults::Rule;

/// What there is, in words: the answer of `GET /_sim/`.
const ROUTES: &[(&str, &str)] = &[
    ("GET /_sim/clock", "the virtual time: {\"now\", \"frozen\"}"),
    (
        "POST /_sim/clock",
        "{\"set\":\"2026-03-01T12:00:00Z\"}, {\"advance\":\"3h\"}, {\"frozen\":true}; several at once",
    ),
    ("GET /_sim/settings", "every switch"),
    (
        "PATCH /_sim/settings",
        "a JSON object laid over the switches, at any depth",
    ),
    (
        "GET /_sim/faults",
        "faults in force, and how often each effect happened",
    ),
    (
        "POST /_sim/faults",
        "{\"operation\":\"create\",\"nth\":1,\"times\":1,\"effect\":{\"hold_reply\":{\"ms\":5000}}}",
    ),
    ("DELETE /_sim/faults", "removes all"),
    ("DELETE /_sim/faults/{number}", "removes one"),
    (
        "GET /_sim/subscriptions",
        "every subscription, clientState shown",
    ),
    (
        "POST /_sim/subscriptions",
        "{\"tenant\",\"app\",\"subscription\":{…}}: puts one there unchecked",
    ),
    (
        "DELETE /_sim/subscriptions/{id}",
        "removes one behind its owner's back; ?announce=true sends subscriptionRemoved",
    ),
    ("POST /_sim/subscriptions/{id}/expire", "ends one now"),
    (
        "POST /_sim/subscriptions/{id}/hide",
        "leaves one out of lists; /show undoes it",
    ),
    (
        "GET /_sim/calls",
        "log and counters by operation; ?operation=create&after=17",
    ),
    ("DELETE /_sim/calls", "empties log and counters"),
];

pub(super) fn routes() -> Router<Door> {
    Router::new()
        .route("/", get(contents))
        .route("/clock", get(read_clock).post(move_clock))
        .route("/settings", get(read_settings).patch(patch_settings))
        .route("/faults", get(faults).post(arm).delete(disarm_all))
        .route("/faults/{number}", delete(disarm))
        .route("/subscriptions", get(subscriptions).post(plant))
        .route("/subscriptions/{id}", delete(remove))
        .route("/subscriptions/{id}/{order}", post(order))
        .route("/calls", get(calls).delete(reset_calls))
        .fallback(nowhere)
        .method_not_allowed_fallback(nowhere)
}

pub(super) type Answer = Response<Body>;

pub(super) fn reply(status: StatusCode, value: &Value) -> Answer {
    let mut answer = Response::new(Body::from(format!("{value}\n")));
    *answer.status_mut() = status;
    let kind = header::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

pub(super) fn ok(value: &Value) -> Answer {
    reply(StatusCode::OK, value)
}

pub(super) fn refused(error: &ControlError) -> Answer {
    let (status, code) = match error {
        ControlError::Wrong(_) => (StatusCode::BAD_REQUEST, "wrong_input"),
        ControlError::Absent(_) => (StatusCode::NOT_FOUND, "not_there"),
    };
    let words = json!({"error": {"code": code, "message": error.to_string()}});
    reply(status, &words)
}

pub(super) fn answer(outcome: Result<Value, ControlError>) -> Answer {
    match outcome {
        Ok(value) => ok(&value),
        Err(error) => refused(&error),
    }
}

pub(super) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, ControlError> {
    serde_json::from_slice(body)
        .map_err(|error| ControlError::Wrong(format!("the body does not fit: {error}")))
}

impl Door {
    pub(super) fn control(&self) -> Control {
        Control::new(self.sim.clone())
    }
}

async fn nowhere(method: axum::http::Method, uri: axum::http::Uri) -> Answer {
    let words = format!(
        "there is no {method} /_sim{} here; GET /_sim/ lists what there is",
        uri.path()
    );
    refused(&ControlError::Absent(words))
}

pub(super) async fn contents() -> Answer {
    let routes: serde_json::Map<String, Value> = ROUTES
        .iter()
        .chain(super::sending::ROUTES)
        .map(|(route, words)| ((*route).to_owned(), Value::from(*words)))
        .collect();
    ok(&json!({"what": "evergraph's simulated Microsoft Graph", "routes": routes}))
}

fn clock_json(door: &Door) -> Value {
    let clock = &door.sim.clock;
    json!({"now": clock.read().to_string(), "frozen": clock.is_frozen()})
}

async fn read_clock(State(door): State<Door>) -> Answer {
    ok(&clock_json(&door))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockOrder {
    set: Option<Timestamp>,
    advance: Option<SignedDuration>,
    frozen: Option<bool>,
}

async fn move_clock(State(door): State<Door>, body: Bytes) -> Answer {
    answer(read::<ClockOrder>(&body).and_then(|order| {
        if order.set.is_none() && order.advance.is_none() && order.frozen.is_none() {
            let words = "name at least one of set, advance, frozen";
            return Err(ControlError::Wrong(words.into()));
        }
        let clock = &door.sim.clock;
        if let Some(frozen) = order.frozen {
            if frozen { clock.freeze() } else { clock.run() }
        }
        if let Some(to) = order.set {
            clock.set(to);
        }
        if let Some(by) = order.advance {
            clock.advance(by);
        }
        Ok(clock_json(&door))
    }))
}

async fn read_settings(State(door): State<Door>) -> Answer {
    ok(&json!(door.control().settings()))
}

async fn patch_settings(State(door): State<Door>, body: Bytes) -> Answer {
    let patched = read(&body).and_then(|patch| door.control().patch_settings(patch));
    answer(patched.map(|settings| json!(settings)))
}

async fn faults(State(door): State<Door>) -> Answer {
    let (rules, fired) = door.control().faults();
    ok(&json!({"rules": rules, "fired": fired}))
}

async fn arm(State(door): State<Door>, body: Bytes) -> Answer {
    let armed = read::<Rule>(&body).and_then(|rule| door.control().arm(rule));
    answer(armed.map(|number| json!({"number": number})))
}

async fn disarm_all(State(door): State<Door>) -> Answer {
    door.sim.with(|service, _| service.faults.disarm_all());
    ok(&json!({}))
}

async fn disarm(State(door): State<Door>, Path(number): Path<String>) -> Answer {
    let found = number
        .parse()
        .is_ok_and(|number| door.sim.with(|service, _| service.faults.disarm(number)));
    answer(if found {
        Ok(json!({}))
    } else {
        Err(ControlError::Absent(format!("there is no fault {number}")))
    })
}

async fn subscriptions(State(door): State<Door>) -> Answer {
    let rows: Vec<Value> = door.sim.with(|service, at| {
        let rows = service.store.all();
        rows.map(|row| row.inside(at.now)).collect()
    });
    ok(&json!({ "value": rows }))
}

async fn plant(State(door): State<Door>, body: Bytes) -> Answer {
    let planted = read::<PlantOrder>(&body).and_then(|order| door.control().plant(order));
    match planted {
        Ok(row) => reply(StatusCode::CREATED, &row.inside(door.sim.clock.read())),
        Err(error) => refused(&error),
    }
}

async fn remove(
    State(door): State<Door>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let announce = named(query.as_deref(), "announce").is_some_and(|value| value == "true");
    answer(
        door.control()
            .remove(&id, announce)
            .map(|emitted| json!(emitted)),
    )
}

async fn order(State(door): State<Door>, Path((id, order)): Path<(String, String)>) -> Answer {
    let control = door.control();
    let done = match order.as_str() {
        "expire" => control.expire(&id),
        "hide" => control.hide(&id, true),
        "show" => control.hide(&id, false),
        _ => Err(ControlError::Absent(format!(
            "there is no order {order:?}; the orders are expire, hide and show"
        ))),
    };
    answer(done.map(|()| json!({})))
}

async fn calls(State(door): State<Door>, RawQuery(query): RawQuery) -> Answer {
    let query = query.as_deref();
    let operation = named(query, "operation");
    let after = named(query, "after").map_or(Ok(0), |text| {
        let wrong = |_| ControlError::Wrong(format!("after is {text:?}; it must be a number"));
        text.parse().map_err(wrong)
    });
    answer(after.map(|after| {
        door.sim
            .with(|service, _| calls_json(service, after, operation.as_deref()))
    }))
}

async fn reset_calls(State(door): State<Door>) -> Answer {
    door.sim.with(|service, _| {
        service.calls.reset();
        service.faults.fired.clear();
    });
    ok(&json!({}))
}

pub(super) fn named(query: Option<&str>, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query?.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
