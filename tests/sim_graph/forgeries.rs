//! Forged notifications: each flaw is there, and nothing else is wrong.

use jsonwebtoken::jwk::JwkSet;
use serde_json::{Value, json};

use crate::bed::{Bed, eventually};
use crate::rich::{Holder, claims, rich};

async fn forged(bed: &Bed, id: &str, flaw: &str) -> Value {
    let before = bed.endpoint.notifications().len();
    let order = json!({"subscription": id, "flaw": flaw});
    bed.sim_post("forgeries", order).await.expect(200);
    let endpoint = bed.endpoint.clone();
    eventually("it arrives", || endpoint.notifications().len() > before).await;
    bed.endpoint.notifications().pop().unwrap()
}

/// What a receiver that checks everything finds wrong.
async fn found(bed: &Bed, holder: &Holder, post: &Value) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    let item = &post["value"][0];
    if item["clientState"] != "secret" {
        wrong.push("client state");
    }
    if holder.open(&item["encryptedContent"]).is_none() {
        wrong.push("hmac");
    }
    let keys = bed.get("/common/discovery/v2.0/keys").await.expect(200);
    let keys: JwkSet = serde_json::from_value(keys.body).unwrap();
    let Some(token) = post["validationTokens"][0].as_str() else {
        wrong.push("token");
        return wrong;
    };
    let signed = token.rsplit('.').next() != Some("");
    let Some(claims) = signed.then(|| claims(token, &keys)).flatten() else {
        wrong.push("signature");
        return wrong;
    };
    let tenant = evergraph::sim::settings::DEFAULT_TENANT;
    let now = 1_772_366_400;
    let issuer = format!("https://login.microsoftonline.com/{tenant}/v2.0");
    for (holds, name) in [
        (claims["tid"] == item["tenantId"], "tenant"),
        (claims["aud"] == "default", "audience"),
        (
            claims["azp"] == evergraph::sim::publisher::GRAPH_APP,
            "publisher",
        ),
        (claims["iss"] == issuer, "issuer"),
        (claims["exp"].as_i64().unwrap() > now, "expired"),
        (claims["nbf"].as_i64().unwrap() <= now, "future"),
    ] {
        if !holds {
            wrong.push(name);
        }
    }
    wrong
}

#[tokio::test]
async fn each_flaw_is_the_only_one() {
    let bed = Bed::new().await;
    let holder = Holder::new();
    let id = rich(&bed, &holder).await;
    for (flaw, wanted) in [
        ("wrong_client_state", "client state"),
        ("no_client_state", "client state"),
        ("wrong_tenant", "tenant"),
        ("unknown_kid", "signature"),
        ("wrong_signature", "signature"),
        ("wrong_publisher", "publisher"),
        ("wrong_audience", "audience"),
        ("wrong_issuer", "issuer"),
        ("expired_token", "expired"),
        ("future_token", "future"),
        ("null_tokens", "token"),
        ("no_tokens", "token"),
        ("bad_hmac", "hmac"),
        ("no_hmac", "hmac"),
    ] {
        let post = forged(&bed, &id, flaw).await;
        assert_eq!(found(&bed, &holder, &post).await, [wanted], "{flaw}");
    }
    let post = forged(&bed, &id, "unsigned").await;
    let token = post["validationTokens"][0].as_str().unwrap();
    assert!(token.ends_with('.'), "no signature: {token}");
    let counts = bed.get("/_sim/events").await.expect(200).body["counts"].clone();
    assert_eq!(counts, json!({"forged": 15}));
}

#[tokio::test]
async fn forgeries_are_sent_once_and_wrong_orders_are_told() {
    let bed = Bed::new().await;
    bed.endpoint.behave(crate::bed::Manner::Echo);
    let id = bed.create(json!({})).await.expect(201).id();
    bed.endpoint.behave(crate::bed::Manner::Status(503));
    let order = json!({"subscription": id, "flaw": "garbage", "count": 3});
    bed.sim_post("forgeries", order).await.expect(200);
    let control = bed.sim.control().clone();
    eventually("all are sent", || {
        control.events(0).iter().all(|event| event.sent == 1)
    })
    .await;
    bed.advance("5h").await;
    assert_eq!(bed.endpoint.seen().len(), 1 + 3);
    let last = bed.endpoint.seen().pop().unwrap();
    assert!(serde_json::from_str::<Value>(&last.body).is_err());
    for (flaw, status, part) in [
        ("bad_hmac", 400, "no resource data"),
        ("dance", 400, "dance"),
    ] {
        let order = json!({"subscription": id, "flaw": flaw});
        let got = bed.sim_post("forgeries", order).await.expect(status);
        assert!(got.message().contains(part), "{}", got.message());
    }
    let order = json!({"subscription": "x", "flaw": "garbage"});
    bed.sim_post("forgeries", order).await.expect(404);
}
