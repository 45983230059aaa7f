//! What others send in Graph's name: it is acknowledged, and nobody learns anything.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::ask::Ask;
use super::case::{Act, Case, Group};
use super::delivery::{SECRET, SUBSCRIPTION, TENANT, item, post};
use super::judge::Judge;

/// The page on notifications with resource data.
const RICH: &str = "learn.microsoft.com/graph/change-notifications-with-resource-data";

const ACKNOWLEDGED: &str = "2xx within 3 s, before and whatever the verification";

/// Graph's own application, which every genuine token names.
const GRAPH_APP: &str = "0bf30f3b-4a52-48df-9a82-234910c4a086";

fn case(id: &'static str, says: &'static str, expected: &'static str, act: Act) -> Case {
    Case {
        id,
        group: Group::Forgery,
        says,
        source: RICH,
        expected,
        act,
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = basic();
    all.extend(rich());
    all.extend(leaks());
    all
}

/// Client states that cannot be right.
fn client_states() -> Vec<Ask> {
    let long = "x".repeat(128);
    let states = [json!("wrong"), json!(""), Value::Null, json!(long)];
    let mut asks: Vec<Ask> = states
        .into_iter()
        .map(|state| {
            let mut item = item("forged");
            item["clientState"] = state;
            Ask::notification(post(&[item]))
        })
        .collect();
    let mut none = item("forged");
    if let Some(members) = none.as_object_mut() {
        members.remove("clientState");
    }
    asks.push(Ask::notification(post(&[none])));
    asks
}

fn basic() -> Vec<Case> {
    let hostile = [
        "../../../../etc/passwd",
        "'; DROP TABLE subscriptions; --",
        "a\r\nX-Probe-Injected: 1",
        "${jndi:ldap://127.0.0.1/x}",
        "\u{0}\u{202e}",
    ];
    let hostile = hostile.map(|text| {
        let mut item = item("hostile");
        item["subscriptionId"] = text.into();
        item["resource"] = text.into();
        item["resourceData"]["id"] = text.into();
        Ask::notification(post(&[item]))
    });
    vec![
        case(
            "forgery.client-state",
            "Acknowledge what does not verify, so that attackers learn nothing and Graph does not repeat.",
            ACKNOWLEDGED,
            Act::Each(client_states(), Judge::Acknowledged),
        ),
        case(
            "forgery.hostile-ids",
            "Ids of notifications are input of strangers: paths, queries, logs.",
            "no server error and no injected header",
            Act::Each(hostile.to_vec(), Judge::NoHeader("x-probe-injected")),
        ),
    ]
}

/// A rich item whose envelope nobody can open.
fn sealed() -> Value {
    let mut item = item("rich");
    let bytes = |length: usize| STANDARD.encode(vec![7; length]);
    item["encryptedContent"] = json!({
        "data": bytes(64),
        "dataSignature": bytes(32),
        "dataKey": bytes(256),
        "encryptionCertificateId": "probe",
        "encryptionCertificateThumbprint": "0BADC0DE0BADC0DE0BADC0DE0BADC0DE0BADC0DE",
    });
    item
}

/// A token whose claims look right and whose signature is not.
fn token(header: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "aud": SUBSCRIPTION,
        "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
        "azp": GRAPH_APP, "tid": TENANT, "ver": "2.0",
        "iat": 1_700_000_000, "nbf": 1_700_000_000, "exp": 4_000_000_000_u64,
    });
    format!("{}.{}.{signature}", part(header), part(&claims))
}

fn with_tokens(tokens: &Value) -> Ask {
    let body = json!({"value": [sealed()], "validationTokens": tokens});
    Ask::notification(body.to_string())
}

fn rich() -> Vec<Case> {
    let noise = URL_SAFE_NO_PAD.encode([7; 256]);
    let unsigned = token(&json!({"alg": "none", "typ": "JWT"}), "");
    let hmac = token(
        &json!({"alg": "HS256", "typ": "JWT", "kid": "probe"}),
        &noise,
    );
    let unknown = token(
        &json!({"alg": "RS256", "typ": "JWT", "kid": "probe"}),
        &noise,
    );
    let shapes = [
        Value::Null,
        json!([]),
        json!("x"),
        json!([null]),
        json!(["a.b.c"]),
        json!([""]),
        json!([unsigned, hmac]),
    ];
    let mut asks = vec![Ask::notification(post(&[sealed()]))];
    asks.extend(shapes.iter().map(with_tokens));
    let mut damaged = sealed();
    damaged["encryptedContent"] = json!({"data": "***", "dataKey": 7});
    let damaged = json!({"value": [damaged], "validationTokens": [unknown]});
    vec![
        case(
            "forgery.tokens",
            "validationTokens that are missing, null, empty, malformed or unsigned verify nothing.",
            ACKNOWLEDGED,
            Act::Each(asks, Judge::Acknowledged),
        ),
        case(
            "forgery.unknown-key",
            "A key id that is not published: fetch the keys once more, then ignore the POST.",
            ACKNOWLEDGED,
            Act::Each(
                vec![with_tokens(&json!([unknown]))],
                Judge::AcknowledgedOrLater,
            ),
        ),
        case(
            "forgery.damaged-envelope",
            "An envelope that cannot be read is no reason for an error of the server.",
            ACKNOWLEDGED,
            Act::Each(
                vec![Ask::notification(damaged.to_string())],
                Judge::AcknowledgedOrLater,
            ),
        ),
    ]
}

fn leaks() -> Vec<Case> {
    let mut asks = vec![
        Ask::notification(post(&[item("leak")])),
        with_tokens(&Value::Null),
    ];
    asks.extend(client_states());
    let words = vec![SECRET, SUBSCRIPTION, TENANT, "probe-leak", "clientState"];
    vec![
        case(
            "forgery.no-echo",
            "The answer has no meaning for Graph; for others it must say nothing.",
            "nothing of the notification in body or headers",
            Act::Silent(asks.clone(), words),
        ),
        case(
            "forgery.constant",
            "Answers that differ tell an attacker which part was right.",
            "status, body and names of headers are always the same",
            Act::Alike(asks),
        ),
    ]
}
