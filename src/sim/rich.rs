//! Rich items: what the resource says, its envelope, and the tokens of a POST.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::envelope::{KEY_BYTES, SealError, seal};
use super::kinds::Kind;
use super::publisher::SigningError;
use super::row::{Row, ticks};
use super::service::Service;
use super::settings::TokenForm;

/// Whether the subscription asked for resource data.
pub fn is_rich(row: &Row) -> bool {
    row.resource_data == Some(true)
}

/// Adds `encryptedContent` to an item.
pub fn enclose(
    service: &mut Service,
    row: &Row,
    item: &mut Value,
    now: Timestamp,
) -> Result<(), SealError> {
    let content = content(row, item, now).to_string();
    let mut key = [0; KEY_BYTES];
    service.rng.fill(&mut key);
    let certificate = row.certificate.as_deref().unwrap_or_default();
    let id = row.certificate_id.as_deref();
    let mut sealed = seal(certificate, id, content.as_bytes(), &key)?;
    if !service.settings.delivery.signature
        && let Some(members) = sealed.as_object_mut()
    {
        members.remove("dataSignature");
    }
    item["encryptedContent"] = sealed;
    Ok(())
}

/// One token for each pair of application and tenant among the rows, or `null` where the switch
/// says that Graph could make none.
pub fn tokens(service: &mut Service, rows: &[&Row], now: Timestamp) -> Result<Value, SigningError> {
    let settings = service.settings.delivery.clone();
    if settings.validation_tokens == TokenForm::Null {
        return Ok(Value::Null);
    }
    let mut pairs: Vec<(&str, &str)> = rows
        .iter()
        .map(|row| (row.app.as_str(), row.tenant.as_str()))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    let publisher = &mut service.publisher;
    let signed = pairs.into_iter().map(|(app, tenant)| {
        publisher
            .token(app, tenant, now, &settings)
            .map(Value::from)
    });
    signed.collect()
}

/// The resource, shaped as the samples of decrypted content show it, cut to `$select` where
/// the subscription has one.
fn content(row: &Row, item: &Value, now: Timestamp) -> Value {
    let data = &item["resourceData"];
    let id = data["id"].as_str().unwrap_or_default();
    let mut content = match row.kind {
        Kind::Message => json!({
            "receivedDateTime@odata.type": "#DateTimeOffset",
            "receivedDateTime": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "subject": format!("Message {id}"),
            "bodyPreview": "Hello,\r\n\r\nWhat\u{2019}s up?",
            "importance@odata.type": "#microsoft.graph.importance",
            "importance": "normal",
            "from": {
                "@odata.type": "#microsoft.graph.recipient",
                "emailAddress": {
                    "@odata.type": "#microsoft.graph.emailAddress",
                    "name": "Ada Example", "address": "ada@contoso.example",
                },
            },
        }),
        Kind::ChatMessage => json!({
            "messageType": "message",
            "etag": now.as_millisecond().to_string(),
            "createdDateTime": ticks(now),
            "subject": null,
            "importance": "normal",
            "body": {"contentType": "text", "content": format!("Text of {id}")},
            "attachments": [],
            "mentions": [],
        }),
        Kind::Presence => json!({
            "availability": "Available",
            "activity": "Available",
        }),
        _ => json!({"displayName": format!("The one with id {id}")}),
    };
    content["id"] = id.into();
    content["@odata.type"] = data["@odata.type"].clone();
    if let (Some(wanted), Some(members)) = (selected(&row.resource), content.as_object_mut()) {
        cut(members, &wanted);
    }
    content
}

/// The names in `$select`, folded.
fn selected(resource: &str) -> Option<Vec<String>> {
    let (_, query) = resource.split_once('?')?;
    let (_, names) = url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name.eq_ignore_ascii_case("$select"))?;
    let names = names.split(',').map(|name| name.trim().to_lowercase());
    Some(names.collect())
}

fn cut(members: &mut Map<String, Value>, wanted: &[String]) {
    members.retain(|name, _| {
        let plain = name.split('@').next().unwrap_or_default().to_lowercase();
        plain.is_empty() || wanted.contains(&plain)
    });
}
