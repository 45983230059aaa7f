//! The checks of a create that come before the endpoint is validated.
//!
//! Order: required fields, URL scheme, change types, expiry, lifecycle rule, certificate. It is
//! inferred from reports, not documented.

use jiff::Timestamp;
use serde_json::{Map, Value};
use url::Url;

use super::expiry;
use super::kinds::{Family, Kind, Rich};
use super::path::Path;
use super::refusal::Refusal;
use super::request::{flag, missing, moment, required, text};
use super::row::change_set;
use super::settings::Settings;
use crate::domain::client_state::ClientState;
use crate::domain::ownership::is_loopback;

/// A subscription that passed the first checks.
#[derive(Clone, Debug)]
pub struct Draft {
    pub resource: String,
    pub path: Path,
    pub kind: Kind,
    pub change_type: String,
    pub notification_url: String,
    pub lifecycle_url: Option<String>,
    pub expires: Timestamp,
    pub client_state: Option<ClientState>,
    pub resource_data: Option<bool>,
    pub certificate: Option<String>,
    pub certificate_id: Option<String>,
    pub query_options: Option<String>,
    pub tls: String,
    pub url_app_id: Option<String>,
}

/// Reads and checks the body of a create.
pub fn draft(
    fields: &Map<String, Value>,
    now: Timestamp,
    settings: &Settings,
) -> Result<Draft, Refusal> {
    let change_type = required(fields, "changeType")?;
    let notification_url = required(fields, "notificationUrl")?;
    let resource = required(fields, "resource")?;
    let asked =
        moment(fields, "expirationDateTime")?.ok_or_else(|| missing("expirationDateTime"))?;
    let lifecycle_url = text(fields, "lifecycleNotificationUrl")?;
    let path = Path::parse(&resource);
    let kind = known_kind(&path, &resource, settings)?;
    let resource_data = flag(fields, "includeResourceData")?;
    let rich = resource_data == Some(true);

    check_url(&notification_url, "NotificationUrl", settings)?;
    if let Some(url) = &lifecycle_url {
        check_url(url, "LifecycleNotificationUrl", settings)?;
    }
    check_change_types(kind, &change_type)?;
    let expires = expiry::granted("Create", asked, now, kind, rich, settings)?;
    check_lifecycle(kind, expires, now, lifecycle_url.as_deref())?;
    let draft = Draft {
        resource,
        path,
        kind,
        change_type,
        notification_url,
        lifecycle_url,
        expires,
        client_state: text(fields, "clientState")?.map(ClientState::new),
        resource_data,
        certificate: text(fields, "encryptionCertificate")?,
        certificate_id: text(fields, "encryptionCertificateId")?,
        query_options: text(fields, "notificationQueryOptions")?,
        tls: text(fields, "latestSupportedTlsVersion")?.unwrap_or_else(|| "v1_2".into()),
        url_app_id: text(fields, "notificationUrlAppId")?,
    };
    check_lengths(&draft)?;
    check_rich(&draft)?;
    check_tls_and_push(fields, &draft)?;
    Ok(draft)
}

fn known_kind(path: &Path, resource: &str, settings: &Settings) -> Result<Kind, Refusal> {
    let kind = Kind::of(path);
    if kind == Kind::Unknown && !settings.permissions.accept_unknown_resources {
        // No source records the answer; the words are the simulator's own.
        return Err(Refusal::extension(
            "Create",
            400,
            &format!("Resource '{resource}' is not supported."),
        ));
    }
    Ok(kind)
}

/// Whether notifications can be sent to the address. Event Hubs and Event Grid have addresses
/// of their own form and no handshake.
pub fn check_url(text: &str, property: &str, settings: &Settings) -> Result<(), Refusal> {
    if let Some(hub) = text.strip_prefix("EventHub:") {
        let fits = hub.starts_with("https://") && hub.contains("tenantId=");
        // docs#18725
        return if fits {
            Ok(())
        } else {
            Err(Refusal::invalid(format!(
                "Invalid event hub notification url='{text}'."
            )))
        };
    }
    if text.starts_with("EventGrid:") {
        return Ok(());
    }
    let Ok(url) = Url::parse(text) else {
        return Err(Refusal::invalid(format!(
            "{property} '{text}' is not a valid URL."
        )));
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if !settings.https_only && is_loopback(&url) => Ok(()),
        // docs-contrib#7821
        scheme => Err(Refusal::invalid(format!(
            "{property} scheme='{scheme}' is not supported."
        ))),
    }
}

/// Whether an address is validated by a handshake.
pub fn has_handshake(url: &str) -> bool {
    !url.starts_with("EventHub:") && !url.starts_with("EventGrid:")
}

fn check_change_types(kind: Kind, text: &str) -> Result<(), Refusal> {
    let allowed = kind.facts().changes;
    for word in change_set(text) {
        if !allowed.contains(&word.as_str()) {
            // docs#4819
            return Err(Refusal::invalid(format!(
                "Invalid 'changeType' attribute: '{word}'."
            )));
        }
    }
    Ok(())
}

fn check_lifecycle(
    kind: Kind,
    expires: Timestamp,
    now: Timestamp,
    lifecycle_url: Option<&str>,
) -> Result<(), Refusal> {
    let long = expires.duration_since(now) > jiff::SignedDuration::from_hours(1);
    if kind.facts().family == Family::Teams && long && lifecycle_url.is_none() {
        // "Change notifications for Teams messages"
        return Err(Refusal::invalid(
            "lifecycleNotificationUrl is a required property for subscription creation on this \
             resource when the expirationDateTime value is set to greater than 1 hour.",
        ));
    }
    Ok(())
}

fn check_lengths(draft: &Draft) -> Result<(), Refusal> {
    // Both 128: the subscription page and the page on resource data. The words are our own.
    let too_long = |text: Option<&str>| text.is_some_and(|text| text.chars().count() > 128);
    if too_long(draft.client_state.as_ref().map(ClientState::expose)) {
        return Err(Refusal::invalid(
            "The length of 'clientState' must not exceed 128 characters.",
        ));
    }
    if too_long(draft.certificate_id.as_deref()) {
        return Err(Refusal::invalid(
            "The length of 'encryptionCertificateId' must not exceed 128 characters.",
        ));
    }
    Ok(())
}

fn check_rich(draft: &Draft) -> Result<(), Refusal> {
    if draft.resource_data != Some(true) {
        return Ok(());
    }
    let select = draft
        .path
        .query()
        .is_some_and(|query| query.to_ascii_lowercase().contains("$select="));
    match draft.kind.facts().rich {
        Rich::No => {
            return Err(Refusal::extension(
                "Create",
                400,
                "Resource data is not supported for this resource.",
            ));
        }
        // Mandatory for Outlook ("Outlook change notifications overview").
        Rich::WithSelect if !select => {
            return Err(Refusal::extension(
                "Create",
                400,
                "$select is required when includeResourceData is true.",
            ));
        }
        Rich::WithoutSelect if select => {
            return Err(Refusal::extension(
                "Create",
                400,
                "$select is not supported for this resource.",
            ));
        }
        _ => {}
    }
    let certificate = draft
        .certificate
        .as_deref()
        .ok_or_else(|| missing("encryptionCertificate"))?;
    if draft.certificate_id.is_none() {
        return Err(missing("encryptionCertificateId"));
    }
    check_certificate(certificate)
}

/// Whether the text can be a DER certificate: base64 of an ASN.1 sequence that holds another
/// one first (a bare RSA key starts with an integer instead; docs#9081).
pub fn check_certificate(text: &str) -> Result<(), Refusal> {
    use base64::Engine as _;
    let der = base64::engine::general_purpose::STANDARD.decode(text);
    let fits = matches!(der.as_deref(), Ok([0x30, length, rest @ ..])
        if rest.get(usize::from(if *length >= 0x80 { length & 0x7f } else { 0 })) == Some(&0x30));
    if fits {
        Ok(())
    } else {
        Err(Refusal::invalid(
            "Certificate validation error: Cannot find the requested object.",
        ))
    }
}

fn check_tls_and_push(fields: &Map<String, Value>, draft: &Draft) -> Result<(), Refusal> {
    if !["v1_0", "v1_1", "v1_2", "v1_3"].contains(&draft.tls.as_str()) {
        return Err(Refusal::invalid(format!(
            "Invalid 'latestSupportedTlsVersion' attribute: '{}'.",
            draft.tls
        )));
    }
    // Web Push properties are rejected on an ordinary webhook subscription (2026).
    for name in [
        "vapidPublicKey",
        "webPushEncryptionP256dhPublicKey",
        "webPushEncryptionSecret",
    ] {
        if text(fields, name)?.is_some() {
            return Err(Refusal::new(
                400,
                "BadRequest",
                format!("'{name}' is not supported for this notificationUrl."),
            ));
        }
    }
    Ok(())
}
