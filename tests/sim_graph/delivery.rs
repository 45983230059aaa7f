//! Notifications, by real HTTP.

use evergraph::sim::deliveries::Standing;
use serde_json::{Value, json};

use crate::bed::{Bed, Manner, eventually};

async fn settled(bed: &Bed) {
    let control = bed.sim.control().clone();
    eventually("every attempt has ended", || {
        let all = control.deliveries();
        all.iter()
            .all(|one| one.standing != Standing::Sending && !one.attempts.is_empty())
    })
    .await;
}

#[tokio::test]
async fn a_change_reaches_the_subscriptions_that_cover_it() {
    let bed = Bed::new().await;
    let id = bed.create(json!({})).await.expect(201).id();
    bed.create(json!({"resource": "users/u2/messages"}))
        .await
        .expect(201);
    bed.create(json!({"changeType": "deleted"}))
        .await
        .expect(201);
    let order = json!({"resource": "users/u1/messages/AAMk=", "change_type": "created"});
    let got = bed.sim_post("changes", order).await.expect(200);
    assert_eq!(got.body["subscriptions"], json!([id]));
    let endpoint = bed.endpoint.clone();
    eventually("it arrives", || endpoint.notifications().len() == 1).await;
    let item = &bed.endpoint.notifications()[0]["value"][0];
    assert_eq!(item["subscriptionId"], id);
    assert_eq!(item["clientState"], "secret");
    assert_eq!(item["changeType"], "created");
    assert_eq!(item["resource"], "Users/u1/Messages/AAMk=");
    assert_eq!(
        item["resourceData"]["@odata.type"],
        "#Microsoft.Graph.Message"
    );
    assert_eq!(item["resourceData"]["id"], "AAMk=");
    assert_eq!(
        item["subscriptionExpirationDateTime"],
        "2026-03-03T12:00:00.0000000Z"
    );
    assert_eq!(item["tenantId"], evergraph::sim::settings::DEFAULT_TENANT);
}

#[tokio::test]
async fn each_kind_has_its_own_item() {
    let bed = Bed::new().await;
    let soon = "2026-03-01T12:59:00Z";
    for (resource, changed, wanted) in [
        ("users", "users/5f", "Users/5f"),
        (
            "chats/1/messages",
            "chats/1/messages/16",
            "chats('1')/messages('16')",
        ),
        (
            "/teams/getAllChannels",
            "teams/t/channels/c",
            "teams('t')/channels('c')",
        ),
        (
            "communications/presences/p",
            "communications/presences/p",
            "communications/presences/p",
        ),
        ("chats/getAllMessages", "", "chats('19:"),
        ("drives/d/root", "drives/d/root", "drives/d/root"),
    ] {
        let made = json!({
            "resource": resource, "changeType": "updated", "expirationDateTime": soon,
        });
        let id = bed.create(made).await.expect(201).id();
        let before = bed.endpoint.notifications().len();
        let order = if changed == resource || changed.is_empty() {
            json!({"subscription": id, "change_type": "updated"})
        } else {
            json!({"resource": changed, "change_type": "updated"})
        };
        bed.sim_post("changes", order).await.expect(200);
        let endpoint = bed.endpoint.clone();
        eventually("it arrives", || endpoint.notifications().len() > before).await;
        let notes = bed.endpoint.notifications();
        let item = &notes.last().unwrap()["value"][0];
        let got = item["resource"].as_str().unwrap();
        assert!(got.starts_with(wanted), "{resource}: {got}");
        match resource {
            "users" => {
                // 12:00 of the first of March 2026 in ticks of 100 ns since the year 1.
                let ticks = 639_079_632_000_000_000_i64;
                assert_eq!(item["resourceData"]["sequenceNumber"], ticks);
            }
            "drives/d/root" => assert_eq!(item["resourceData"], Value::Null),
            _ => {}
        }
    }
}

#[tokio::test]
async fn items_for_one_address_share_a_post_and_odd_shapes_are_switches() {
    let bed = Bed::new().await;
    bed.create(json!({})).await.expect(201);
    bed.create(json!({"changeType": "created,updated"}))
        .await
        .expect(201);
    let order = json!({"resource": "users/u1/messages", "change_type": "created", "count": 2});
    bed.sim_post("changes", order.clone()).await.expect(200);
    settled(&bed).await;
    assert_eq!(
        bed.endpoint.notifications()[0]["value"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    bed.patch(json!({"delivery": {
        "batch": false, "duplicate": true, "personal_account": true,
        "expiry_format": "pacific", "notification_id": true,
    }}))
    .await;
    bed.sim_post("changes", order).await.expect(200);
    settled(&bed).await;
    let notes = bed.endpoint.notifications();
    assert_eq!(notes.len(), 1 + 8);
    let item = &notes[1]["value"][0];
    assert_eq!(item["tenantId"], "");
    assert_eq!(
        item["subscriptionExpirationDateTime"],
        "2026-03-03T04:00:00.0000000-08:00"
    );
    assert_eq!(item["id"].as_str().unwrap().len(), 13);
}

#[tokio::test]
async fn refused_notifications_are_tried_again_over_virtual_hours() {
    let bed = Bed::new().await;
    bed.create(json!({})).await.expect(201);
    bed.endpoint.behave(Manner::Status(503));
    let order = json!({"resource": "users/u1/messages", "change_type": "created"});
    bed.sim_post("changes", order.clone()).await.expect(200);
    settled(&bed).await;
    assert_eq!(bed.sim.control().deliveries()[0].attempts.len(), 1);
    bed.advance("11s").await;
    let control = bed.sim.control().clone();
    eventually("it is tried again", || {
        control.deliveries()[0].attempts.len() == 2
    })
    .await;
    bed.endpoint.behave(Manner::Accept);
    bed.advance("1h").await;
    eventually("it is delivered", || {
        control.deliveries()[0].standing == Standing::Delivered
    })
    .await;

    bed.endpoint.behave(Manner::Status(500));
    bed.sim_post("changes", order).await.expect(200);
    settled(&bed).await;
    bed.advance("5h").await;
    eventually("it is dropped", || {
        control.deliveries()[1].standing == Standing::Dropped
    })
    .await;
    assert_eq!(control.deliveries()[1].attempts.len(), 11);
}

#[tokio::test]
async fn a_slow_endpoint_has_not_got_it() {
    let bed = Bed::with(json!({"delivery": {"timeout_ms": 100}})).await;
    bed.create(json!({})).await.expect(201);
    bed.endpoint.behave(Manner::Slow);
    let order = json!({"resource": "users/u1/messages", "change_type": "created"});
    bed.sim_post("changes", order).await.expect(200);
    settled(&bed).await;
    let all = bed.get("/_sim/deliveries").await.body;
    assert_eq!(all["value"][0]["standing"], "waiting");
    assert_eq!(all["value"][0]["attempts"][0]["error"], "no answer in time");
}

#[tokio::test]
async fn a_running_clock_retries_by_itself() {
    let bed = Bed::with(json!({"delivery": {"first_backoff_s": 1}})).await;
    bed.create(json!({})).await.expect(201);
    bed.endpoint.behave(Manner::Status(503));
    let order = json!({"resource": "users/u1/messages", "change_type": "created"});
    bed.sim_post("changes", order).await.expect(200);
    settled(&bed).await;
    bed.endpoint.behave(Manner::Accept);
    bed.sim_post("clock", json!({"frozen": false}))
        .await
        .expect(200);
    let control = bed.sim.control().clone();
    eventually("it is delivered", || {
        control.deliveries()[0].standing == Standing::Delivered
    })
    .await;
}

#[tokio::test]
async fn lifecycle_events_go_to_the_lifecycle_address() {
    let bed = Bed::with(json!({"delivery": {"lifecycle_tenant": "organization_id"}})).await;
    let url = format!("{}/l", bed.endpoint.url);
    let made = bed
        .create(json!({ "lifecycleNotificationUrl": url }))
        .await
        .expect(201);
    let event = |name: &str| json!({"subscription": made.id(), "event": name});
    bed.sim_post("lifecycle", event("reauthorizationRequired"))
        .await
        .expect(200);
    let endpoint = bed.endpoint.clone();
    eventually("it arrives", || endpoint.notifications().len() == 1).await;
    let item = &bed.endpoint.notifications()[0]["value"][0];
    assert_eq!(item["lifecycleEvent"], "reauthorizationRequired");
    assert!(item["organizationId"].is_string() && item["tenantId"].is_null());
    assert!(item["resource"].is_null() && item["changeType"].is_null());
    assert_eq!(bed.endpoint.seen().last().unwrap().path, "/l");
    bed.sim_post("lifecycle", event("nonsense"))
        .await
        .expect(400);

    let path = format!("/_sim/subscriptions/{}?announce=true", made.id());
    bed.call("DELETE", &path, Value::Null).await.expect(200);
    bed.one(&made.id()).await.expect(404);
    eventually("the removal is announced", || {
        endpoint.notifications().len() == 2
    })
    .await;
    let last = &bed.endpoint.notifications()[1]["value"][0];
    assert_eq!(last["lifecycleEvent"], "subscriptionRemoved");
    let plain = bed
        .create(json!({"changeType": "updated"}))
        .await
        .expect(201)
        .id();
    let got = bed
        .sim_post(
            "lifecycle",
            json!({"subscription": plain, "event": "missed"}),
        )
        .await;
    assert!(
        got.expect(400)
            .message()
            .contains("no lifecycleNotificationUrl")
    );
}
