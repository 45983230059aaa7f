//! How notifications reach an endpoint that is slow, and those that never do; the count of both.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use evergraph::sim::endpoints::State;
use evergraph::sim::events::Fate;
use serde_json::{Value, json};

use crate::bed::{Bed, Manner, eventually};

async fn change(bed: &Bed, id: &str, count: u32) {
    let order = json!({"subscription": id, "change_type": "created", "count": count});
    bed.sim_post("changes", order).await.expect(200);
}

async fn until_quiet(bed: &Bed) {
    let control = bed.sim.control().clone();
    eventually("nothing waits", || {
        let events = control.events(0);
        events.iter().all(|event| event.fate != Fate::Waiting)
    })
    .await;
}

fn fates(bed: &Bed) -> BTreeMap<&'static str, u64> {
    bed.sim.control().event_counts()
}

async fn with_lifecycle(bed: &Bed) -> String {
    let url = format!("{}/l", bed.endpoint.url);
    let made = json!({ "lifecycleNotificationUrl": url });
    bed.create(made).await.expect(201).id()
}

/// Lifecycle events that arrived.
fn told(bed: &Bed) -> Vec<Value> {
    let posts = bed.endpoint.notifications();
    let items = posts
        .iter()
        .flat_map(|post| post["value"].as_array().unwrap());
    items
        .map(|item| item["lifecycleEvent"].clone())
        .filter(|event| !event.is_null())
        .collect()
}

#[tokio::test]
async fn the_log_counts_what_was_sent_and_what_was_accepted() {
    let bed = Bed::new().await;
    let id = bed.create(json!({})).await.expect(201).id();
    bed.endpoint.behave(Manner::Status(503));
    change(&bed, &id, 3).await;
    let control = bed.sim.control().clone();
    eventually("it is refused", || {
        control.events(0).iter().all(|event| event.sent == 1)
    })
    .await;
    assert_eq!(fates(&bed), BTreeMap::from([("waiting", 3)]));
    bed.endpoint.behave(Manner::Accept);
    bed.advance("11s").await;
    until_quiet(&bed).await;
    let told = bed.get("/_sim/events?after=2").await.expect(200).body;
    assert_eq!(told["counts"], json!({"accepted": 3}));
    let last = &told["value"][0];
    assert_eq!(
        (&last["number"], &last["sent"], &last["accepted"]),
        (&json!(3), &json!(2), &json!(1))
    );
    let arrived = bed.endpoint.notifications().pop().unwrap();
    assert_eq!(
        last["etag"],
        arrived["value"][2]["resourceData"]["@odata.etag"]
    );
    assert_eq!(
        last["resource_id"],
        arrived["value"][2]["resourceData"]["id"]
    );
    assert_eq!(last["deliveries"], json!([1]));
}

#[tokio::test]
async fn posts_are_cut_to_the_greatest_size() {
    let bed = Bed::with(json!({"delivery": {"batch_max": 4}})).await;
    let id = bed.create(json!({})).await.expect(201).id();
    change(&bed, &id, 10).await;
    until_quiet(&bed).await;
    let mut sizes: Vec<usize> = bed
        .endpoint
        .notifications()
        .iter()
        .map(|post| post["value"].as_array().unwrap().len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [2, 4, 4]);
}

#[tokio::test]
async fn what_is_lost_is_counted_and_announced_by_missed() {
    let bed = Bed::with(json!({"delivery": {"loss_per_mille": 300}})).await;
    let id = with_lifecycle(&bed).await;
    change(&bed, &id, 50).await;
    until_quiet(&bed).await;
    let counts = fates(&bed);
    assert!((5..30).contains(&counts["lost"]), "{counts:?}");
    assert_eq!(counts["lost"] + counts["accepted"], 50 + 1, "{counts:?}");
    assert_eq!(told(&bed), ["missed"], "once while it is under way");
    bed.patch(json!({"delivery": {"announce_missed": false, "loss_per_mille": 1000}}))
        .await;
    change(&bed, &id, 5).await;
    until_quiet(&bed).await;
    assert_eq!(told(&bed).len(), 1);
}

#[tokio::test]
async fn what_was_given_up_is_announced_by_missed() {
    let bed = Bed::new().await;
    let id = with_lifecycle(&bed).await;
    bed.endpoint.behave(Manner::Status(500));
    change(&bed, &id, 1).await;
    bed.advance("1s").await;
    let control = bed.sim.control().clone();
    eventually("it is refused", || control.events(0)[0].sent == 1).await;
    bed.advance("5h").await;
    eventually("it is dropped", || {
        control.events(0)[0].fate == Fate::Dropped
    })
    .await;
    bed.endpoint.behave(Manner::Accept);
    bed.advance("1h").await;
    until_quiet(&bed).await;
    assert_eq!(told(&bed).last(), Some(&json!("missed")));
}

#[tokio::test]
async fn doubled_and_reordered_notifications_are_the_same_events() {
    let bed = Bed::with(json!({
        "delivery": {"duplicate": true, "reorder": true, "batch": false},
    }))
    .await;
    let id = bed.create(json!({})).await.expect(201).id();
    change(&bed, &id, 20).await;
    until_quiet(&bed).await;
    let control = bed.sim.control().clone();
    eventually("both have arrived", || {
        control.events(0).iter().all(|event| event.accepted == 2)
    })
    .await;
    let arrived: Vec<String> = bed
        .endpoint
        .notifications()
        .iter()
        .map(|post| post["value"][0]["resourceData"]["id"].to_string())
        .collect();
    let sent: Vec<String> = control
        .events(0)
        .iter()
        .map(|event| json!(event.resource_id).to_string())
        .collect();
    assert_eq!(arrived.len(), 40);
    let (once, wanted): (BTreeSet<_>, BTreeSet<_>) =
        (arrived.iter().collect(), sent.iter().collect());
    assert_eq!(once, wanted);
    let mut order: Vec<&String> = Vec::new();
    for id in &arrived {
        if !order.contains(&id) {
            order.push(id);
        }
    }
    assert_ne!(order, sent.iter().collect::<Vec<_>>(), "another order");
}

#[tokio::test]
async fn reauthorization_is_asked_for_once_for_each_expiry() {
    let bed = Bed::with(json!({"delivery": {"reauthorize_before_min": 30}})).await;
    let id = with_lifecycle(&bed).await;
    bed.advance("47h").await;
    assert!(told(&bed).is_empty());
    bed.advance("31m").await;
    let endpoint = bed.endpoint.clone();
    eventually("it is asked", || endpoint.notifications().len() == 1).await;
    bed.advance("5m").await;
    until_quiet(&bed).await;
    assert_eq!(told(&bed), ["reauthorizationRequired"]);
    let body = json!({"expirationDateTime": "2026-03-04T12:00:00Z"});
    bed.renew(&id, body).await.expect(200);
    bed.advance("24h").await;
    eventually("it is asked again", || endpoint.notifications().len() == 2).await;
}

#[tokio::test]
async fn a_slow_endpoint_hears_later_and_a_worse_one_nothing() {
    let bed = Bed::with(
        json!({"delivery": {"batch": false, "timeout_ms": 200, "endpoints": {
            "set": "custom",
            "custom": {"min_answers": 4, "slow_over_ms": 200, "drop_over_ms": 100_000},
        }}}),
    )
    .await;
    let id = with_lifecycle(&bed).await;
    bed.endpoint.behave(Manner::Slow);
    change(&bed, &id, 4).await;
    let control = bed.sim.control().clone();
    eventually("it is slow", || {
        control
            .endpoints()
            .first()
            .is_some_and(|one| one.state == State::Slow)
    })
    .await;
    bed.endpoint.behave(Manner::Accept);
    change(&bed, &id, 1).await;
    bed.advance("9m").await;
    eventually("the first four are accepted", || {
        control
            .events(0)
            .iter()
            .filter(|one| one.fate == Fate::Accepted)
            .count()
            == 4
    })
    .await;
    assert_eq!(control.events(4)[0].sent, 0, "later by ten minutes");
    bed.advance("1m").await;
    eventually("it arrives", || control.events(4)[0].accepted == 1).await;

    bed.patch(json!({"delivery": {"endpoints": {"custom": {"drop_over_ms": 0}}}}))
        .await;
    change(&bed, &id, 4).await;
    eventually("it is dropped", || {
        control.endpoints()[0].state == State::Drop
    })
    .await;
    let before = control.events(0).len() as u64;
    change(&bed, &id, 2).await;
    let fates: Vec<Fate> = control.events(before).iter().map(|one| one.fate).collect();
    assert_eq!(fates[..2], [Fate::Dropped, Fate::Dropped]);
    let all = bed.get("/_sim/endpoints").await.expect(200).body;
    assert_eq!(all["value"][0]["state"], "drop");
}

async fn check_shape(patch: Value, look: impl Fn(&Value) -> bool) {
    let bed = Bed::with(json!({ "delivery": patch.clone() })).await;
    let id = bed.create(json!({})).await.expect(201).id();
    change(&bed, &id, 1).await;
    until_quiet(&bed).await;
    let post = bed.endpoint.notifications().pop().unwrap();
    assert!(look(&post), "{patch}: {post}");
}

#[tokio::test]
async fn the_shapes_that_receivers_must_bear_are_switches() {
    let expiry = |post: &Value| post["value"][0]["subscriptionExpirationDateTime"].clone();
    check_shape(json!({"expiry_format": "short"}), |post| {
        expiry(post) == "2026-03-03T12:00:00.0+00:00"
    })
    .await;
    check_shape(json!({"path_style": "parentheses"}), |post| {
        let item = &post["value"][0];
        let path = item["resource"].as_str().unwrap();
        path.starts_with("Users('u1')/Messages('") && item["resourceData"]["@odata.id"] == path
    })
    .await;
    check_shape(json!({"path_style": "slashes"}), |post| {
        let path = post["value"][0]["resource"].as_str().unwrap();
        path.starts_with("Users/u1/Messages/")
    })
    .await;
    check_shape(json!({"unknown_members": true}), |post| {
        post["futureMember"].is_object() && post["value"][0]["futureMember"].is_object()
    })
    .await;
}
