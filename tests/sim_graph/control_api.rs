//! The control API.

use serde_json::{Value, json};

use crate::bed::{Bed, TENANT};

#[tokio::test]
async fn the_clock_can_be_read_set_moved_stopped_and_started() {
    let bed = Bed::new().await;
    let got = bed.get("/_sim/clock").await.expect(200);
    assert_eq!(
        got.body,
        json!({"now": "2026-03-01T12:00:00Z", "frozen": true})
    );
    let order = json!({"set": "2027-01-01T00:00:00Z", "advance": "36h 5m"});
    let got = bed.sim_post("clock", order).await.expect(200);
    assert_eq!(got.body["now"], "2027-01-02T12:05:00Z");
    let got = bed
        .sim_post("clock", json!({"advance": "-PT5M"}))
        .await
        .expect(200);
    assert_eq!(got.body["now"], "2027-01-02T12:00:00Z");
    let got = bed
        .sim_post("clock", json!({"frozen": false}))
        .await
        .expect(200);
    assert_eq!(got.body["frozen"], false);
}

async fn check_refused(bed: &Bed, order: &str, body: Value, status: u16, part: &str) {
    let (method, path) = order.split_once(' ').unwrap();
    let got = bed.call(method, &format!("/_sim/{path}"), body).await;
    assert_eq!(got.status, status, "{order}: {}", got.body);
    let words = got.message();
    assert!(words.contains(part), "{order}: {words}");
}

#[tokio::test]
async fn wrong_orders_to_clock_switches_and_faults_get_a_clear_json_error() {
    let bed = Bed::new().await;
    for (order, body, part) in [
        ("POST clock", json!({}), "at least one of set"),
        ("POST clock", json!({"advance": "soon"}), "does not fit"),
        ("POST clock", json!({"forward": "1h"}), "forward"),
        ("POST clock", Value::Null, "does not fit"),
        ("PATCH settings", json!({"listing": {"pages": 1}}), "pages"),
        ("PATCH settings", json!(7), "object"),
        ("POST faults", json!({"effect": "explode"}), "explode"),
        (
            "POST faults",
            json!({"effect": {"answer": {"status": 200}}}),
            "400 to 599",
        ),
        (
            "POST faults",
            json!({"nth": 0, "effect": "hide_row"}),
            "from 1",
        ),
    ] {
        check_refused(&bed, order, body, 400, part).await;
    }
    check_refused(&bed, "DELETE faults/9", Value::Null, 404, "no fault 9").await;
    check_refused(&bed, "DELETE faults/x", Value::Null, 404, "no fault x").await;
}

#[tokio::test]
async fn wrong_orders_about_subscriptions_get_a_clear_json_error() {
    let bed = Bed::new().await;
    let moved = json!({"change_type": "moved", "resource": "x"});
    for (order, body, status, part) in [
        (
            "DELETE subscriptions/x",
            Value::Null,
            404,
            "no live subscription x",
        ),
        (
            "POST subscriptions/x/hide",
            Value::Null,
            404,
            "no live subscription x",
        ),
        (
            "POST subscriptions/x/dance",
            Value::Null,
            404,
            "expire, hide and show",
        ),
        (
            "POST subscriptions",
            json!({"subscription": {}}),
            400,
            "changeType is a required",
        ),
        ("POST changes", moved, 400, "created, updated"),
        (
            "POST changes",
            json!({"change_type": "created"}),
            400,
            "name a resource",
        ),
        ("GET calls?after=x", Value::Null, 400, "must be a number"),
        ("GET nowhere", Value::Null, 404, "/_sim/nowhere"),
        ("PUT clock", Value::Null, 404, "PUT /_sim/clock"),
    ] {
        check_refused(&bed, order, body, status, part).await;
    }
}

#[tokio::test]
async fn what_there_is_is_listed() {
    let bed = Bed::new().await;
    for path in ["/_sim", "/_sim/"] {
        let got = bed.get(path).await.expect(200);
        let routes = got.body["routes"].as_object().unwrap();
        assert!(routes.contains_key("GET /_sim/clock"), "{path}");
    }
}

#[tokio::test]
async fn a_foreign_subscription_can_be_planted_and_taken_away() {
    let bed = Bed::new().await;
    let order = json!({"tenant": TENANT, "app": "other", "subscription": bed.body(json!({}))});
    let planted = bed.sim_post("subscriptions", order).await.expect(201);
    assert_eq!(planted.body["applicationId"], "other");
    assert!(bed.endpoint.seen().is_empty(), "nothing is validated");
    let own = json!({"subscription": bed.body(json!({}))});
    let own = bed.sim_post("subscriptions", own).await.expect(201);
    bed.create(json!({})).await.expect(409);
    let all = bed.get("/_sim/subscriptions").await.expect(200).body;
    assert_eq!(all["value"].as_array().unwrap().len(), 2);
    assert_eq!(all["value"][0]["clientState"], "secret");
    let path = format!("/_sim/subscriptions/{}", own.id());
    bed.call("DELETE", &path, Value::Null).await.expect(200);
    bed.create(json!({})).await.expect(201);
}

#[tokio::test]
async fn calls_are_logged_counted_and_forgotten_on_order() {
    let bed = Bed::new().await;
    let id = bed.create(json!({})).await.expect(201).id();
    bed.create(json!({})).await.expect(409);
    bed.one(&id).await.expect(200);
    let got = bed
        .get("/_sim/calls?operation=create")
        .await
        .expect(200)
        .body;
    let wanted = json!({"total": 2, "ok": 1, "refused": 1, "throttled": 0, "lost": 0});
    assert_eq!(got["counts"]["create"], wanted);
    assert_eq!(got["handshakes"], json!({"echoed": 2}));
    let calls = got["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 2);
    assert_eq!(
        (&calls[0]["id"], &calls[0]["status"]),
        (&json!(id), &json!(201))
    );
    assert_eq!(calls[1]["code"], "ObjectIdentifierInUse");
    assert_eq!(
        bed.get("/_sim/calls?after=2").await.body["calls"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    bed.call("DELETE", "/_sim/calls", Value::Null)
        .await
        .expect(200);
    assert_eq!(bed.get("/_sim/calls").await.body["counts"], json!({}));
}

#[tokio::test]
async fn it_stops_when_told_even_with_connections_open() {
    let bed = Bed::new().await;
    bed.create(json!({})).await.expect(201);
    let url = bed.sim.url();
    bed.sim.stop().await;
    assert!(reqwest::get(format!("{url}/_sim/clock")).await.is_err());
}

/// Paths of all switches, and their values as JSON.
fn paths(prefix: &str, value: &Value) -> Vec<(String, Value)> {
    let Some(object) = value.as_object().filter(|object| !object.is_empty()) else {
        return vec![(prefix.to_owned(), value.clone())];
    };
    let below = |(name, value): (&String, &Value)| {
        let path = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        paths(&path, value)
    };
    object.iter().flat_map(below).collect()
}

#[tokio::test]
async fn the_page_about_the_simulator_names_every_route_and_switch_with_its_default() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/simulator.md");
    let page = std::fs::read_to_string(file).unwrap();
    let bed = Bed::new().await;
    let contents = bed.get("/_sim/").await.expect(200).body;
    for route in contents["routes"].as_object().unwrap().keys() {
        assert!(
            page.contains(&format!("| `{route}` |")),
            "the page misses {route}"
        );
    }
    let settings = bed.get("/_sim/settings").await.expect(200).body;
    let all = paths("", &settings);
    assert!(all.len() > 70, "{}", all.len());
    for (path, value) in all {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{path}` |")));
        let row = row.unwrap_or_else(|| panic!("the page misses {path}"));
        let cell = row.split('`').nth(3).unwrap();
        let said: Value = serde_json::from_str(cell).unwrap();
        assert_eq!(said, value, "{path}");
    }
}
