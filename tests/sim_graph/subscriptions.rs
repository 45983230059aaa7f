//! Create, read, list, renew, delete, and what each refuses.

use evergraph::sim::token::unsigned_jwt;
use serde_json::{Value, json};

use crate::bed::{Bed, TENANT};

#[tokio::test]
async fn a_create_answers_with_every_property_and_graphs_headers() {
    let bed = Bed::new().await;
    let got = bed
        .create(json!({"resource": "me/mailFolders('Inbox')/messages"}))
        .await
        .expect(201);
    let body = &got.body;
    let context = format!("{}/v1.0/$metadata#subscriptions/$entity", bed.sim.url());
    assert_eq!(body["@odata.context"], context);
    assert_eq!(body["resource"], "me/mailFolders('Inbox')/messages");
    assert_eq!(body["applicationId"], "default");
    assert_eq!(body["clientState"], "secret");
    assert_eq!(body["expirationDateTime"], "2026-03-03T12:00:00.0000000Z");
    assert_eq!(body["latestSupportedTlsVersion"], "v1_2");
    assert_eq!(body["lifecycleNotificationUrl"], Value::Null);
    assert_eq!(body.as_object().unwrap().len(), 17);
    assert_eq!(got.headers["date"], "Sun, 01 Mar 2026 12:00:00 GMT");
    assert_eq!(got.headers["odata-version"], "4.0");
    assert!(got.headers.contains_key("request-id"));
    assert_eq!(got.headers["client-request-id"], got.headers["request-id"]);
}

#[tokio::test]
async fn lists_hide_client_state_and_get_shows_it() {
    let bed = Bed::new().await;
    let id = bed.create(json!({})).await.expect(201).id();
    let page = bed.get("/v1.0/subscriptions").await.expect(200);
    assert_eq!(page.body["value"][0]["clientState"], Value::Null);
    assert_eq!(bed.one(&id).await.expect(200).body["clientState"], "secret");
    bed.patch(json!({"answers": {"client_state_on_get": false, "nulls": false}}))
        .await;
    let got = bed.one(&id).await.expect(200).body;
    assert_eq!(got["clientState"], Value::Null);
    assert!(
        !got.as_object()
            .unwrap()
            .contains_key("notificationUrlAppId")
    );
}

#[tokio::test]
async fn wrong_bodies_get_graphs_words() {
    let bed = Bed::new().await;
    let missing = |name: &str| format!("{name} is a required property for subscription creation");
    let push = "'vapidPublicKey' is not supported for this notificationUrl.";
    for (over, words) in [
        (
            json!({"expirationDateTime": null}),
            missing("expirationDateTime"),
        ),
        (json!({"changeType": null}), missing("changeType")),
        (json!({"resource": ""}), missing("resource")),
        (json!({"notificationUrl": null}), missing("notificationUrl")),
        (
            json!({"resource": "users", "changeType": "created"}),
            "Invalid 'changeType' attribute: 'created'.".into(),
        ),
        (
            json!({"resource": "drives/d/root", "changeType": "updated,deleted"}),
            "Invalid 'changeType' attribute: 'deleted'.".into(),
        ),
        (
            json!({"expirationDateTime": "2026-03-08T11:51:00Z"}),
            "Subscription expiration can only be 10070 minutes in the future.".into(),
        ),
        (
            json!({"resource": "chats/1/messages"}),
            "lifecycleNotificationUrl is a required property for subscription creation on this \
             resource when the expirationDateTime value is set to greater than 1 hour."
                .into(),
        ),
        (json!({"vapidPublicKey": "x"}), push.into()),
    ] {
        let got = bed.create(over.clone()).await.expect(400);
        assert_eq!(got.message(), words, "{over}");
    }
    assert!(
        bed.endpoint.seen().is_empty(),
        "none of them reaches the endpoint"
    );
    for odd in [
        json!([]),
        json!("x"),
        json!({"resource": 7, "changeType": "created"}),
    ] {
        let got = bed
            .call("POST", "/v1.0/subscriptions", odd)
            .await
            .expect(400);
        assert!(!got.code().is_empty());
    }
}

#[tokio::test]
async fn resource_data_needs_its_certificate_and_a_select_where_graph_wants_one() {
    let bed = Bed::new().await;
    let rich = |over: Value| {
        let mut whole = json!({
            "resource": "users/u1/messages?$select=subject",
            "includeResourceData": true,
            // A sequence that begins with a sequence: what a DER certificate looks like.
            "encryptionCertificate": "MAMwAQA=",
            "encryptionCertificateId": "c1",
            "expirationDateTime": "2026-03-02T11:00:00Z",
        });
        for (name, value) in over.as_object().unwrap() {
            whole[name] = value.clone();
        }
        whole
    };
    for (over, part) in [
        (
            json!({"encryptionCertificate": null}),
            "encryptionCertificate is a required",
        ),
        (
            json!({"encryptionCertificateId": null}),
            "encryptionCertificateId is a required",
        ),
        (
            json!({"encryptionCertificate": "MAMCAQE="}),
            "Cannot find the requested object.",
        ),
        (
            json!({"resource": "users/u1/messages"}),
            "$select is required",
        ),
        (
            json!({"resource": "users", "changeType": "updated"}),
            "is not supported",
        ),
        (
            json!({"expirationDateTime": "2026-03-02T13:00:00Z"}),
            "can only be 1440 minutes",
        ),
    ] {
        let got = bed.create(rich(over.clone())).await.expect(400);
        assert!(got.message().contains(part), "{over}: {}", got.message());
    }
    let got = bed.create(rich(json!({}))).await.expect(201);
    assert_eq!(got.body["encryptionCertificate"], "MAMwAQA=");
    let rolled = json!({
        "expirationDateTime": "2026-03-02T11:00:00Z",
        "encryptionCertificate": "MAMwAQE=", "encryptionCertificateId": "c2",
    });
    let rolled_row = bed.renew(&got.id(), rolled.clone()).await.expect(200);
    assert_eq!(rolled_row.body["encryptionCertificateId"], "c2");
    bed.patch(json!({"renewals": {"change_certificate": false}}))
        .await;
    let kept = json!({
        "expirationDateTime": "2026-03-02T11:00:00Z", "encryptionCertificateId": "c3",
    });
    assert_eq!(
        bed.renew(&got.id(), kept).await.expect(200).body["encryptionCertificateId"],
        "c2"
    );
}

#[tokio::test]
async fn second_subscriptions_meet_what_their_kind_says() {
    let bed = Bed::new().await;
    let first = bed.create(json!({})).await.expect(201).id();
    let same = json!({"resource": "/Users/U1/Messages", "changeType": "Created"});
    let got = bed.create(same).await.expect(409);
    assert_eq!(got.code(), "ObjectIdentifierInUse");
    let words = format!("Subscription Id {first} already exists for the requested combination");
    assert_eq!(got.message(), words);
    bed.create(json!({"changeType": "updated"}))
        .await
        .expect(201);
    bed.create(json!({"resource": "users/u1/messages?$select=id"}))
        .await
        .expect(201);

    let presence = |who: &str| {
        json!({
            "resource": format!("communications/presences/{who}"),
            "changeType": "updated", "expirationDateTime": "2026-03-01T12:59:00Z",
        })
    };
    bed.create(presence("a")).await.expect(201);
    let got = bed.create(presence("b")).await.expect(409);
    assert_eq!(got.code(), "ExtensionError");
    assert!(
        got.message()
            .contains("[Status Code: Conflict; Reason: A subscripton already exists.")
    );

    let chat = |change: &str| {
        json!({
            "resource": "/chats/1/messages", "changeType": change,
            "expirationDateTime": "2026-03-01T12:59:00Z",
        })
    };
    bed.create(chat("created")).await.expect(201);
    let got = bed.create(chat("updated")).await.expect(403);
    let part = "Reason: App 'default' has reached its limit of '1' 'CHATS/1/MESSAGES' subscription";
    assert!(got.message().contains(part), "{}", got.message());

    let list = json!({"resource": "sites/s/lists/l", "changeType": "updated"});
    let twice = [
        bed.create(list.clone()).await.expect(201),
        bed.create(list).await.expect(201),
    ];
    assert_ne!(twice[0].id(), twice[1].id());
}

#[tokio::test]
async fn duplicate_rules_are_switches() {
    let bed = Bed::with(json!({"duplicates": {"name_holder": false}})).await;
    bed.create(json!({})).await.expect(201);
    let got = bed.create(json!({})).await.expect(409);
    assert!(got.message().contains("Subscription Id <> already exists"));
    bed.patch(json!({"duplicates": {"by_change_type": false}}))
        .await;
    bed.create(json!({"changeType": "updated"}))
        .await
        .expect(409);
    bed.patch(json!({"duplicates": {"silent": true}})).await;
    bed.create(json!({})).await.expect(201);
    bed.patch(json!({"duplicates": {"silent": false, "fold_case": false}}))
        .await;
    let spelled = |resource: &str| json!({ "resource": resource });
    bed.create(spelled("/users('u1')/messages"))
        .await
        .expect(409);
    bed.create(spelled("Users/u1/messages")).await.expect(201);
    bed.patch(json!({"duplicates": {"fold_spelling": false}}))
        .await;
    bed.create(spelled("/users/u1/messages")).await.expect(201);
    bed.create(spelled("users/u1/messages")).await.expect(409);
}

#[tokio::test]
async fn quotas_are_counted_where_graph_counts_them() {
    let bed = Bed::with(json!({"quotas": {"mailbox": 2, "directory_app_tenant": 1}})).await;
    bed.create(json!({})).await.expect(201);
    bed.create(json!({"resource": "users/u1/events"}))
        .await
        .expect(201);
    let got = bed
        .create(json!({"resource": "users/u1/contacts"}))
        .await
        .expect(403);
    assert!(
        got.message()
            .starts_with("Operation: Create; Exception: [Status Code: Forbidden;")
    );
    bed.create(json!({"resource": "users/u2/events"}))
        .await
        .expect(201);
    bed.create(json!({"resource": "users", "changeType": "updated"}))
        .await
        .expect(201);
    bed.create(json!({"resource": "groups", "changeType": "updated"}))
        .await
        .expect(403);
    bed.patch(json!({"quotas": {"mailbox_as_429": true}})).await;
    let got = bed
        .create(json!({"resource": "users/u1/contacts"}))
        .await
        .expect(429);
    assert!(got.message().contains("12/31/9999"), "{}", got.message());
}

#[tokio::test]
async fn each_application_and_tenant_sees_its_own() {
    let mut bed = Bed::new().await;
    let other_tenant = "11111111-2222-4333-8444-555555555555";
    let mut made = Vec::new();
    for (tenant, app) in [
        (TENANT, "app-a"),
        (TENANT, "app-b"),
        (other_tenant, "app-a"),
    ] {
        bed.token = unsigned_jwt(tenant, app);
        let got = bed.create(json!({})).await.expect(201);
        assert_eq!(got.body["applicationId"], app);
        assert_eq!(bed.list().await.0, [got.id()]);
        made.push(got.id());
    }
    bed.token = unsigned_jwt(TENANT, "app-a");
    assert_eq!(bed.one(&made[1]).await.status, 404);
    bed.patch(json!({"answers": {"foreign": "storage_extension"}}))
        .await;
    let got = bed.one(&made[1]).await.expect(400);
    assert_eq!(
        got.message(),
        "There was an error processing a storage extension."
    );
    assert_eq!(
        bed.call(
            "DELETE",
            &format!("/v1.0/subscriptions/{}", made[2]),
            Value::Null
        )
        .await
        .status,
        400
    );
    bed.patch(json!({"duplicates": {"across_apps": true}}))
        .await;
    bed.token = unsigned_jwt(TENANT, "app-c");
    bed.create(json!({})).await.expect(409);
}

#[tokio::test]
async fn pages_are_linked_until_the_last() {
    let bed = Bed::with(json!({"listing": {"page_size": 2}})).await;
    let mut made = Vec::new();
    for at in 0..5 {
        let resource = format!("users/u{at}/messages");
        made.push(
            bed.create(json!({ "resource": resource }))
                .await
                .expect(201)
                .id(),
        );
    }
    let page = bed.get("/v1.0/subscriptions").await.expect(200);
    let next = page.body["@odata.nextLink"].as_str().unwrap();
    let start = format!("{}/v1.0/subscriptions?$skiptoken=", bed.sim.url());
    assert!(next.starts_with(&start), "{next}");
    assert_eq!(bed.list().await, (made, 3));
    assert_eq!(
        bed.get("/v1.0/subscriptions?$skiptoken=nonsense")
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn what_expired_or_was_deleted_is_gone_for_good() {
    let bed = Bed::new().await;
    let id = bed
        .create(json!({"expirationDateTime": "2026-03-01T12:10:00Z"}))
        .await
        .expect(201);
    assert_eq!(
        id.body["expirationDateTime"], "2026-03-01T12:45:00.0000000Z",
        "raised"
    );
    let id = id.id();
    bed.advance("44m").await;
    bed.one(&id).await.expect(200);
    bed.advance("1m").await;
    let later = json!({"expirationDateTime": "2026-03-03T12:00:00Z"});
    for got in [bed.one(&id).await, bed.renew(&id, later).await] {
        assert_eq!((got.status, got.code()), (404, "ResourceNotFound"));
        assert_eq!(got.message(), "The object was not found.");
    }
    let id = bed.create(json!({})).await.expect(201).id();
    let path = format!("/v1.0/subscriptions/{id}");
    bed.call("DELETE", &path, Value::Null).await.expect(204);
    bed.call("DELETE", &path, Value::Null).await.expect(404);
    bed.create(json!({})).await.expect(201);
}

#[tokio::test]
async fn a_patch_changes_expiry_and_address_and_nothing_else() {
    let bed = Bed::new().await;
    let id = bed.create(json!({})).await.expect(201).id();
    let got = bed
        .renew(&id, json!({"clientState": "x"}))
        .await
        .expect(400);
    assert_eq!(
        got.message(),
        "Subscription must contain either the 'expirationDateTime' or 'notificationUrl' property \
         and its value."
    );
    let url = format!("{}/moved", bed.endpoint.url);
    let change = json!({
        "expirationDateTime": "2026-03-04T01:02:03.4567891+01:00", "notificationUrl": url,
        "clientState": "x", "lifecycleNotificationUrl": url, "resource": "users",
    });
    let got = bed.renew(&id, change).await.expect(200).body;
    assert_eq!(got["expirationDateTime"], "2026-03-04T00:02:03.4567891Z");
    assert_eq!(got["notificationUrl"], url);
    assert_eq!(got["clientState"], "secret");
    assert_eq!(got["lifecycleNotificationUrl"], Value::Null);
    assert_eq!(got["resource"], "users/u1/messages");
}

#[tokio::test]
async fn reauthorize_keeps_the_expiry_and_ten_minutes_are_watched() {
    let bed = Bed::new().await;
    let made = bed.create(json!({})).await.expect(201);
    let path = format!("/v1.0/subscriptions/{}/reauthorize", made.id());
    bed.call("POST", &path, Value::Null).await.expect(204);
    let row = bed.one(&made.id()).await.expect(200);
    assert_eq!(
        row.body["expirationDateTime"],
        made.body["expirationDateTime"]
    );
    let later = json!({"expirationDateTime": "2026-03-04T12:00:00Z"});
    bed.advance("11m").await;
    bed.renew(&made.id(), later).await.expect(200);
    let violations = |got: &Value| got["ten_minute_violations"].clone();
    assert_eq!(violations(&bed.get("/_sim/calls").await.body), 0);
    bed.advance("9m").await;
    bed.call("POST", &path, Value::Null).await.expect(204);
    assert_eq!(violations(&bed.get("/_sim/calls").await.body), 1);
}

#[tokio::test]
async fn tokens_are_needed_and_strict_mode_wants_real_ones() {
    let mut bed = Bed::new().await;
    let bare = reqwest::get(format!("{}/v1.0/subscriptions", bed.sim.url()))
        .await
        .unwrap();
    assert_eq!(bare.status(), 401);
    bed.patch(json!({"tokens": {"strict": true}})).await;
    let got = bed.get("/v1.0/subscriptions").await.expect(401);
    assert_eq!(got.code(), "InvalidAuthenticationToken");
    bed.token = unsigned_jwt(TENANT, "app-a");
    bed.get("/v1.0/subscriptions").await.expect(200);
}

#[tokio::test]
async fn paths_and_methods_that_graph_does_not_know_are_refused() {
    let bed = Bed::new().await;
    for (method, path, status, part) in [
        ("GET", "/v1.0/nowhere", 400, "segment 'nowhere'"),
        (
            "PATCH",
            "/v1.0/subscriptions",
            404,
            "No HTTP resource was found",
        ),
        ("PUT", "/v1.0/subscriptions/x", 405, "method is not allowed"),
        ("GET", "/v1.0/subscriptions/nothing", 404, "was not found"),
        ("GET", "/", 400, "segment ''"),
    ] {
        let got = bed.call(method, path, Value::Null).await.expect(status);
        assert!(
            got.message().contains(part),
            "{method} {path}: {}",
            got.message()
        );
    }
    let got = bed
        .create(json!({"resource": "users/1/memberOf"}))
        .await
        .expect(400);
    assert_eq!(got.code(), "ExtensionError");
    bed.patch(json!({"permissions": {"accept_unknown_resources": true}}))
        .await;
    bed.create(json!({"resource": "users/1/memberOf"}))
        .await
        .expect(201);
    bed.get("/beta/subscriptions").await.expect(200);
}
