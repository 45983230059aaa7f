//! Endpoint validation.

use serde_json::json;

use crate::bed::{Bed, Manner};

#[tokio::test]
async fn the_handshake_looks_like_the_recorded_ones() {
    let bed = Bed::new().await;
    bed.create(json!({})).await.expect(201);
    let seen = bed.endpoint.seen();
    let query = &seen[0].query;
    let wanted = "validationToken=Validation%3a+Testing+client+application+reachability+for+\
                  subscription+Request-Id%3a+";
    assert!(query.starts_with(wanted), "{query}");
    assert_eq!(seen[0].headers["content-type"], "text/plain; charset=utf-8");
    assert!(!seen[0].headers.contains_key("user-agent"));
    assert!(!seen[0].headers.contains_key("authorization"));
    assert_eq!((seen.len(), seen[0].body.as_str()), (1, ""));
}

#[tokio::test]
async fn an_address_with_a_query_keeps_it() {
    let bed = Bed::new().await;
    let url = format!("{}/api/x?code=a%2Fb==&who=1", bed.endpoint.url);
    let got = bed
        .create(json!({ "notificationUrl": url }))
        .await
        .expect(201);
    assert_eq!(got.body["notificationUrl"], url);
    let query = &bed.endpoint.seen()[0].query;
    let start = "code=a%2Fb==&who=1&validationToken=Validation%3a+";
    assert!(query.starts_with(start), "{query}");
}

#[tokio::test]
async fn the_lifecycle_address_is_validated_too_even_if_it_is_the_same() {
    let bed = Bed::new().await;
    let url = format!("{}/n", bed.endpoint.url);
    let both = json!({ "lifecycleNotificationUrl": url });
    let got = bed.create(both).await.expect(201);
    assert_eq!(got.body["lifecycleNotificationUrl"], url);
    let seen = bed.endpoint.seen();
    assert_eq!(seen.len(), 2);
    assert_ne!(seen[0].query, seen[1].query, "each has its own token");
}

#[tokio::test]
async fn whatever_is_no_plain_echo_is_refused_with_graphs_words() {
    let bed = Bed::with(json!({"validation": {"timeout_ms": 300}})).await;
    let must = "Subscription validation request failed. Notification endpoint must respond with \
                200 OK to validation request.";
    let exact = "Subscription validation request failed. Response must exactly match \
                 validationToken query parameter.";
    let late = "Subscription validation request timed out.";
    for (manner, code, words) in [
        (Manner::Accept, "ValidationError", must),
        (Manner::Status(403), "ValidationError", must),
        (Manner::Status(500), "ValidationError", must),
        (Manner::Redirect, "ValidationError", must),
        (Manner::Json, "ValidationError", exact),
        (Manner::Html, "ValidationError", exact),
        (Manner::Raw, "ValidationError", exact),
        (Manner::Slow, "InvalidRequest", late),
    ] {
        bed.endpoint.behave(manner);
        let got = bed.create(json!({})).await.expect(400);
        assert_eq!((got.code(), got.message()), (code, words), "{manner:?}");
        assert!(bed.sim.control().live().is_empty(), "{manner:?}");
    }
}

#[tokio::test]
async fn the_words_follow_the_year() {
    let bed = Bed::new().await;
    bed.endpoint.behave(Manner::Status(403));
    for (year, code, part) in [
        (
            "2018",
            "InvalidRequest",
            "failed. Must respond with 200 OK to this request.",
        ),
        (
            "2026",
            "ValidationError",
            "failed. HTTP status code is 'Forbidden'. Notification",
        ),
    ] {
        bed.patch(json!({"validation": {"wording": year}})).await;
        let got = bed.create(json!({})).await.expect(400);
        assert_eq!(got.code(), code);
        assert!(got.message().contains(part), "{}", got.message());
    }
}

#[tokio::test]
async fn a_renewal_validates_again_unless_told_otherwise() {
    let bed = Bed::new().await;
    let id = bed.create(json!({})).await.expect(201).id();
    let later = json!({"expirationDateTime": "2026-03-04T12:00:00Z"});
    bed.renew(&id, later.clone()).await.expect(200);
    assert_eq!(bed.endpoint.seen().len(), 2);
    bed.endpoint.behave(Manner::Status(500));
    bed.renew(&id, later.clone()).await.expect(400);
    bed.patch(json!({"validation": {"on_patch": false}})).await;
    bed.renew(&id, later).await.expect(200);
    assert_eq!(bed.endpoint.seen().len(), 3);
    // A new address is validated in any case.
    let moved = json!({"notificationUrl": format!("{}/new", bed.endpoint.url)});
    bed.renew(&id, moved).await.expect(400);
    assert_eq!(bed.endpoint.seen()[3].path, "/new");
}

#[tokio::test]
async fn a_cache_validates_each_address_once_and_no_validation_never() {
    let bed = Bed::with(json!({"validation": {"cache": true}})).await;
    bed.create(json!({})).await.expect(201);
    bed.create(json!({"changeType": "updated"}))
        .await
        .expect(201);
    assert_eq!(bed.endpoint.seen().len(), 1);
    bed.patch(json!({"validation": {"enabled": false}})).await;
    bed.create(json!({"notificationUrl": "https://nobody.example/x", "changeType": "deleted"}))
        .await
        .expect(201);
    assert_eq!(bed.endpoint.seen().len(), 1);
}

#[tokio::test]
async fn the_handshake_comes_before_403_and_409() {
    let bed = Bed::new().await;
    bed.create(json!({})).await.expect(201);
    bed.create(json!({})).await.expect(409);
    assert_eq!(bed.endpoint.seen().len(), 2);
    bed.patch(json!({"permissions": {"granted": []}})).await;
    let got = bed
        .create(json!({"changeType": "updated"}))
        .await
        .expect(403);
    assert_eq!(
        got.message(),
        "Operation: Create; Exception: [Status Code: Forbidden; Reason: Access denied]"
    );
    assert_eq!(bed.endpoint.seen().len(), 3);
}

#[tokio::test]
async fn only_https_or_loopback_and_by_switch_only_https() {
    let bed = Bed::new().await;
    let localhost = bed.endpoint.url.replace("127.0.0.1", "localhost");
    bed.create(json!({ "notificationUrl": localhost }))
        .await
        .expect(201);
    let outside = json!({"notificationUrl": "http://example.com/x"});
    let got = bed.create(outside).await.expect(400);
    assert_eq!(
        got.message(),
        "NotificationUrl scheme='http' is not supported."
    );
    bed.patch(json!({"https_only": true})).await;
    let got = bed
        .create(json!({"changeType": "updated"}))
        .await
        .expect(400);
    assert_eq!(got.code(), "InvalidRequest");
    let hub = "EventHub:https://ns.servicebus.windows.net/eventhubname/x?tenantId=t";
    bed.create(json!({"notificationUrl": hub, "changeType": "updated"}))
        .await
        .expect(201);
    let got = bed
        .create(json!({"notificationUrl": "EventHub:x"}))
        .await
        .expect(400);
    assert_eq!(
        got.message(),
        "Invalid event hub notification url='EventHub:x'."
    );
}
