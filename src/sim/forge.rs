//! Forged traffic: what somebody else might send to an endpoint in Graph's name.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::control::{ChangeOrder, ControlError, Emitted, wrong};
use super::deliveries::{Cargo, Post};
use super::emit::{queue_post, whole_item};
use super::publisher::{Claims, GRAPH_APP, SigningError};
use super::rich::is_rich;
use super::row::Row;
use super::service::Service;
use super::settings::TokenForm;

/// What is wrong with a forged notification; all else in it is right.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// Another `clientState`.
    WrongClientState,
    /// No `clientState`.
    NoClientState,
    /// Another `tenantId` than that of subscription and token.
    WrongTenant,
    /// No JSON.
    Garbage,
    /// A token signed by a key that is not published, under its own `kid`.
    UnknownKid,
    /// The same under the `kid` of a published key.
    WrongSignature,
    /// A token without a signature (`alg` is `none`).
    Unsigned,
    /// A token by another publisher (`azp`, `appid`).
    WrongPublisher,
    /// A token for another application.
    WrongAudience,
    /// A token by another issuer.
    WrongIssuer,
    /// A token whose time is over.
    ExpiredToken,
    /// A token whose time has not come.
    FutureToken,
    /// `validationTokens` is `null`.
    NullTokens,
    /// There are no `validationTokens`.
    NoTokens,
    /// `dataSignature` does not fit `data`.
    BadHmac,
    /// There is no `dataSignature`.
    NoHmac,
}

impl Flaw {
    /// Whether only rich notifications can have it.
    fn needs_rich(self) -> bool {
        use Flaw::{Garbage, NoClientState, WrongClientState, WrongTenant};
        !matches!(
            self,
            WrongClientState | NoClientState | WrongTenant | Garbage
        )
    }
}

/// A forgery to send.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForgeOrder {
    /// In the name of which subscription.
    pub subscription: String,
    /// What is wrong.
    pub flaw: Flaw,
    /// How many POSTs.
    #[serde(default = "one")]
    pub count: u32,
}

fn one() -> u32 {
    1
}

/// Queues forged POSTs, each sent once, whatever the answer.
pub(super) fn queue_forgeries(
    service: &mut Service,
    order: &ForgeOrder,
    row: &Row,
    now: Timestamp,
) -> Result<Emitted, ControlError> {
    if order.flaw.needs_rich() && !is_rich(row) {
        return Err(ControlError::Wrong(format!(
            "subscription {} has no resource data, which this flaw is about",
            row.id
        )));
    }
    let mut emitted = Emitted {
        subscriptions: vec![row.id.clone()],
        ..Emitted::default()
    };
    let change = ChangeOrder {
        resource: None,
        subscription: Some(row.id.clone()),
        change_type: row.change_set().into_iter().next().unwrap_or_default(),
        tenant: None,
        count: 1,
    };
    for _ in 0..order.count.clamp(1, 10_000) {
        let mut item = whole_item(service, &change, row, now)?;
        spoil_item(&mut item, order.flaw);
        let event = service.events.add(row, &item, Some(order.flaw), now);
        let body = body(service, row, item, order.flaw, now).map_err(wrong)?;
        let post = Post {
            url: row.notification_url.clone(),
            cargo: Cargo::Forged,
            subscriptions: vec![row.id.clone()],
            events: vec![event],
            body,
        };
        let number = queue_post(service, post, now);
        if let Some(event) = service.events.find_mut(event) {
            event.deliveries.push(number);
        }
        emitted.events.push(event);
        emitted.deliveries.push(number);
    }
    Ok(emitted)
}

/// A tenant that nobody has.
const STRANGER: &str = "0badc0de-0000-4000-8000-000000000002";

fn spoil_item(item: &mut Value, flaw: Flaw) {
    match flaw {
        Flaw::WrongClientState => item["clientState"] = "forged-client-state".into(),
        Flaw::NoClientState => {
            item.as_object_mut()
                .map(|members| members.remove("clientState"));
        }
        Flaw::WrongTenant => item["tenantId"] = STRANGER.into(),
        Flaw::BadHmac => {
            let other = digest(&SHA256, b"another content");
            item["encryptedContent"]["dataSignature"] = STANDARD.encode(other).into();
        }
        Flaw::NoHmac => {
            item["encryptedContent"]
                .as_object_mut()
                .map(|members| members.remove("dataSignature"));
        }
        _ => {}
    }
}

fn body(
    service: &mut Service,
    row: &Row,
    item: Value,
    flaw: Flaw,
    now: Timestamp,
) -> Result<Value, SigningError> {
    let mut body = json!({ "value": [item] });
    match flaw {
        Flaw::Garbage => return Ok("{\"value\":[{\"subscriptionId\":\"".into()),
        Flaw::NullTokens => body["validationTokens"] = Value::Null,
        Flaw::NoTokens => {}
        _ if is_rich(row) => {
            body["validationTokens"] = json!([token(service, row, flaw, now)?]);
        }
        _ => {}
    }
    Ok(body)
}

fn token(
    service: &mut Service,
    row: &Row,
    flaw: Flaw,
    now: Timestamp,
) -> Result<String, SigningError> {
    let mut settings = service.settings.delivery.clone();
    if settings.validation_tokens == TokenForm::Null {
        settings.validation_tokens = TokenForm::V2;
    }
    let hours = match flaw {
        Flaw::ExpiredToken => -48,
        Flaw::FutureToken => 48,
        _ => 0,
    };
    let issued = now.checked_add(SignedDuration::from_hours(hours));
    let claims = Claims {
        audience: match flaw {
            Flaw::WrongAudience => STRANGER.to_owned(),
            _ => row.app.to_string(),
        },
        tenant: row.tenant.to_string(),
        publisher: match flaw {
            Flaw::WrongPublisher => STRANGER.to_owned(),
            _ => GRAPH_APP.to_owned(),
        },
        form: settings.validation_tokens,
        issued: issued.unwrap_or(now),
        life_s: settings.token_life_s.min(86_700),
    };
    let mut claims = claims.json(&settings);
    if flaw == Flaw::WrongIssuer {
        claims["iss"] = format!("https://login.example/{}/v2.0", row.tenant).into();
    }
    let publisher = &mut service.publisher;
    match flaw {
        Flaw::Unsigned => {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let kid = &publisher.current()?.kid;
            let header = json!({"typ": "JWT", "alg": "none", "kid": kid});
            Ok(format!("{}.{}.", part(&header), part(&claims)))
        }
        Flaw::UnknownKid => {
            let key = publisher.stranger()?;
            key.sign(&key.kid, &claims)
        }
        Flaw::WrongSignature => {
            let kid = publisher.current()?.kid.clone();
            publisher.stranger()?.sign(&kid, &claims)
        }
        _ => {
            let key = publisher.current()?;
            key.sign(&key.kid, &claims)
        }
    }
}
