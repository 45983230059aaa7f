//! What goes wrong on order.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bed::{Bed, eventually};

#[tokio::test]
async fn a_lost_reply_says_nothing_about_the_effect() {
    let bed = Bed::new().await;
    for (effect, exists) in [("lose_before", false), ("lose_after", true)] {
        bed.fault(json!({"operation": "create", "effect": effect}))
            .await;
        let body = bed.body(json!({ "resource": format!("users/{effect}/messages") }));
        let got = bed.try_call("POST", "/v1.0/subscriptions", &body).await;
        assert!(got.is_none(), "{effect}: {got:?}");
        let rows = bed.sim.control().live();
        let found = rows.iter().any(|row| row.resource.contains(effect));
        assert_eq!(found, exists, "{effect}");
    }
    let calls = bed.get("/_sim/calls").await.body;
    assert_eq!(calls["counts"]["create"]["lost"], 2);
    assert_eq!(calls["faults"], json!({"lose_after": 1, "lose_before": 1}));
}

#[tokio::test]
async fn a_caller_that_dies_in_a_held_create_leaves_a_subscription_behind() {
    let bed = Bed::new().await;
    bed.fault(json!({"operation": "create", "effect": {"hold_reply": {"ms": 60_000}}}))
        .await;
    let body = bed.body(json!({}));
    let call = bed.try_call("POST", "/v1.0/subscriptions", &body);
    let died = tokio::time::timeout(Duration::from_millis(400), call).await;
    assert!(died.is_err(), "the reply is held");
    let control = bed.sim.control().clone();
    eventually("the subscription is there", || control.live().len() == 1).await;
    // Dying before the effect does not undo it either.
    bed.fault(json!({"operation": "create", "effect": {"hold_before": {"ms": 300}}}))
        .await;
    let body = bed.body(json!({"changeType": "updated"}));
    let call = bed.try_call("POST", "/v1.0/subscriptions", &body);
    assert!(
        tokio::time::timeout(Duration::from_millis(100), call)
            .await
            .is_err()
    );
    eventually("the second one is there", || control.live().len() == 2).await;
}

#[tokio::test]
async fn refusals_come_with_the_status_words_and_wait_that_were_ordered() {
    let bed = Bed::new().await;
    let id = bed.create(json!({})).await.expect(201).id();
    bed.fault(
        json!({"operation": "get", "effect": {"answer": {"status": 429, "retry_after": "2.128"}}}),
    )
    .await;
    let got = bed.one(&id).await.expect(429);
    assert_eq!(got.headers["retry-after"], "2.128");
    assert_eq!(
        (got.code(), got.message()),
        ("TooManyRequests", "Please retry again later.")
    );
    assert_eq!(got.body["error"]["innerError"]["status"], "429");
    bed.fault(json!({"effect": {"answer": {"status": 429, "retry_after": ""}}}))
        .await;
    assert!(
        !bed.one(&id)
            .await
            .expect(429)
            .headers
            .contains_key("retry-after")
    );
    bed.fault(json!({"operation": "get", "effect": {"answer": {"status": 503, "code": "x", "message": "y"}}}))
        .await;
    let got = bed.one(&id).await.expect(503);
    assert_eq!((got.code(), got.message()), ("x", "y"));
    bed.fault(json!({"operation": "renew", "id": id, "effect": {"answer": {"status": 404}}}))
        .await;
    let later = json!({"expirationDateTime": "2026-03-04T12:00:00Z"});
    bed.renew(&id, later.clone()).await.expect(404);
    bed.one(&id).await.expect(200);
    bed.fault(json!({"operation": "renew", "effect": {"answer_after": {"status": 500}}}))
        .await;
    bed.renew(&id, later).await.expect(500);
    let row = bed.one(&id).await.expect(200);
    assert_eq!(
        row.body["expirationDateTime"],
        "2026-03-04T12:00:00.0000000Z"
    );
}

#[tokio::test]
async fn rate_limits_count_refused_calls_too() {
    let bed = Bed::with(json!({"throttling": {"enforce": true}})).await;
    for _ in 0..25 {
        bed.get("/v1.0/subscriptions").await.expect(200);
    }
    let got = bed.get("/v1.0/subscriptions").await.expect(429);
    let wait: u64 = got.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    bed.one("x").await.expect(404);
}

#[tokio::test]
async fn listings_lag_keep_ghosts_and_hide_rows() {
    let bed = Bed::with(
        json!({"listing": {"lag_ms": 60_000, "ghost_ms": 120_000, "expired_ms": 30_000}}),
    )
    .await;
    let id = bed.create(json!({})).await.expect(201).id();
    assert!(bed.list().await.0.is_empty());
    bed.one(&id).await.expect(200);
    bed.advance("1m").await;
    assert_eq!(bed.list().await.0, std::slice::from_ref(&id));
    bed.call("DELETE", &format!("/v1.0/subscriptions/{id}"), Value::Null)
        .await
        .expect(204);
    assert_eq!(bed.list().await.0, std::slice::from_ref(&id));
    bed.one(&id).await.expect(404);
    bed.advance("2m").await;
    assert!(bed.list().await.0.is_empty());

    let id = bed.create(json!({})).await.expect(201).id();
    bed.advance("1m").await;
    bed.sim_post(&format!("subscriptions/{id}/hide"), Value::Null)
        .await
        .expect(200);
    assert!(bed.list().await.0.is_empty());
    bed.one(&id).await.expect(200);
    bed.sim_post(&format!("subscriptions/{id}/show"), Value::Null)
        .await
        .expect(200);
    bed.sim_post(&format!("subscriptions/{id}/expire"), Value::Null)
        .await
        .expect(200);
    assert_eq!(
        bed.list().await.0,
        std::slice::from_ref(&id),
        "an expired one lingers"
    );
    bed.one(&id).await.expect(404);
    bed.advance("31s").await;
    assert!(bed.list().await.0.is_empty());
}

#[tokio::test]
async fn pages_can_be_empty_or_lead_astray() {
    let bed = Bed::with(json!({"listing": {"page_size": 2}})).await;
    for at in 0..4 {
        bed.create(json!({"resource": format!("users/u{at}/events")}))
            .await
            .expect(201);
    }
    bed.fault(json!({"operation": "list", "effect": "empty_page"}))
        .await;
    let (ids, pages) = bed.list().await;
    assert_eq!((ids.len(), pages), (4, 3));
    bed.fault(json!({"operation": "list", "nth": 2, "effect": "empty_page"}))
        .await;
    let (ids, pages) = bed.list().await;
    assert_eq!((ids.len(), pages), (4, 3));
    bed.fault(
        json!({"operation": "list", "effect": {"next_link": {"url": "https://evil.example/x"}}}),
    )
    .await;
    let page = bed.get("/v1.0/subscriptions").await.expect(200);
    assert_eq!(page.body["@odata.nextLink"], "https://evil.example/x");
    bed.fault(json!({"operation": "list", "effect": "hide_row"}))
        .await;
    assert_eq!(bed.list().await.0.len(), 3);
}

#[tokio::test]
async fn a_renewal_may_be_redirected_and_a_lifetime_cut() {
    let bed = Bed::with(json!({"renewals": {"redirect": true}})).await;
    let id = bed.create(json!({})).await.expect(201).id();
    let later = json!({"expirationDateTime": "2026-03-04T12:00:00Z"});
    let got = bed.renew(&id, later.clone()).await.expect(308);
    let location = got.headers["location"].to_str().unwrap().to_owned();
    bed.call("PATCH", &location, later).await.expect(200);

    bed.patch(json!({"expiry": {"shorten_to_min": {"event": 1440}}}))
        .await;
    let got = bed
        .create(json!({"resource": "users/u/events"}))
        .await
        .expect(201);
    assert_eq!(
        got.body["expirationDateTime"],
        "2026-03-02T12:00:00.0000000Z"
    );
}

#[tokio::test]
async fn the_first_create_after_consent_may_be_refused() {
    let bed = Bed::with(json!({"permissions": {"unauthorized_first": true}})).await;
    let got = bed.create(json!({})).await.expect(401);
    assert_eq!(got.code(), "ExtensionError");
    bed.create(json!({})).await.expect(201);
}
