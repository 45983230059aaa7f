//! What we send.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Serialize;

use crate::adapters::words;
use crate::domain::subscription::EncryptionCertificate;
use crate::ports::graph::{CreateRequest, RenewRequest};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Create<'a> {
    change_type: String,
    notification_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lifecycle_notification_url: Option<&'a str>,
    resource: &'a str,
    expiration_date_time: String,
    client_state: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    include_resource_data: Option<bool>,
    #[serde(flatten)]
    certificate: Certificate<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_query_options: Option<&'a str>,
}

/// Never empty: Graph refuses a PATCH without expiry and address, and an empty body would
/// change nothing while it looks like a renewal.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Renew<'a> {
    expiration_date_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_url: Option<&'a str>,
    #[serde(flatten)]
    certificate: Certificate<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Certificate<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_certificate: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_certificate_id: Option<&'a str>,
}

impl<'a> Certificate<'a> {
    fn of(certificate: Option<&'a EncryptionCertificate>) -> Self {
        Self {
            encryption_certificate: certificate.map(|one| one.der_base64.as_str()),
            encryption_certificate_id: certificate.map(|one| one.id.as_str()),
        }
    }
}

/// Graph keeps seven fraction digits; whole milliseconds are read alike everywhere.
fn in_millis(moment: Timestamp) -> String {
    let cut = Timestamp::from_millisecond(moment.as_millisecond());
    cut.unwrap_or(moment).to_string()
}

/// The body of a create.
pub(super) fn create(request: &CreateRequest) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Create {
        change_type: request.change_types.to_string(),
        notification_url: &request.notification_url,
        lifecycle_notification_url: request.lifecycle_url.as_deref(),
        resource: &request.resource,
        expiration_date_time: in_millis(request.expires),
        client_state: request.client_state.expose(),
        include_resource_data: request.certificate.as_ref().map(|_| true),
        certificate: Certificate::of(request.certificate.as_ref()),
        notification_query_options: request.query_options.as_deref(),
    })
}

/// The body of a renewal.
pub(super) fn renew(request: &RenewRequest) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Renew {
        expiration_date_time: in_millis(request.expires),
        notification_url: request.notification_url.as_deref(),
        certificate: Certificate::of(request.certificate.as_ref()),
    })
}

/// What must not be repeated when Graph quotes our request in its answer.
#[derive(Default)]
pub(super) struct Unspoken(Vec<SecretString>);

/// Longest text of Graph's that is kept.
const WORDS: usize = 500;

impl Unspoken {
    /// clientState, and the queries of the addresses: function keys may stand there.
    pub(super) fn of_create(request: &CreateRequest) -> Self {
        let mut secrets = vec![request.client_state.expose().to_owned().into()];
        let addresses = [
            Some(&request.notification_url),
            request.lifecycle_url.as_ref(),
        ];
        secrets.extend(addresses.into_iter().flatten().filter_map(|one| query(one)));
        Self(secrets)
    }

    /// The query of a new address.
    pub(super) fn of_renewal(request: &RenewRequest) -> Self {
        Self(
            request
                .notification_url
                .as_deref()
                .and_then(query)
                .into_iter()
                .collect(),
        )
    }

    /// The text without them, fit to be shown.
    pub(super) fn clean(&self, text: &str) -> String {
        use secrecy::ExposeSecret as _;
        let mut clean = text.to_owned();
        for secret in &self.0 {
            if !secret.expose_secret().is_empty() {
                clean = clean.replace(secret.expose_secret(), "…");
            }
        }
        words::printable(&clean, WORDS)
    }
}

fn query(address: &str) -> Option<SecretString> {
    let start = address.find('?')?;
    Some(address[start..].to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::client_state::ClientState;
    use crate::domain::subscription::{ChangeType, ChangeTypes};
    use serde_json::{Value, json};

    fn request() -> CreateRequest {
        CreateRequest {
            resource: "users/a/messages".into(),
            change_types: ChangeTypes::of(&[ChangeType::Updated, ChangeType::Created]),
            notification_url: "https://hooks.example/api/notifications/prod?code=key1".into(),
            lifecycle_url: None,
            expires: "2030-01-02T03:04:05.123456789Z".parse().unwrap(),
            client_state: ClientState::new("hunter2".into()),
            certificate: None,
            query_options: None,
        }
    }

    fn json_of(bytes: serde_json::Result<Vec<u8>>) -> Value {
        serde_json::from_slice(&bytes.unwrap()).unwrap()
    }

    fn certificate() -> EncryptionCertificate {
        EncryptionCertificate {
            id: "2030".into(),
            der_base64: "AAAA".into(),
            opening: crate::domain::notification::roster::Opening::Decrypt,
        }
    }

    #[test]
    fn a_basic_create_names_nothing_that_it_does_not_need() {
        assert_eq!(
            json_of(create(&request())),
            json!({
                "changeType": "created,updated",
                "notificationUrl": "https://hooks.example/api/notifications/prod?code=key1",
                "resource": "users/a/messages",
                "expirationDateTime": "2030-01-02T03:04:05.123Z",
                "clientState": "hunter2",
            })
        );
    }

    #[test]
    fn a_rich_create_carries_the_certificate_and_the_flag() {
        let body = json_of(create(&CreateRequest {
            certificate: Some(certificate()),
            lifecycle_url: Some("https://hooks.example/l".into()),
            query_options: Some("$filter=x".into()),
            ..request()
        }));
        assert_eq!(body["includeResourceData"], true);
        assert_eq!(body["encryptionCertificate"], "AAAA");
        assert_eq!(body["encryptionCertificateId"], "2030");
        assert_eq!(body["lifecycleNotificationUrl"], "https://hooks.example/l");
        assert_eq!(body["notificationQueryOptions"], "$filter=x");
    }

    #[test]
    fn a_renewal_always_carries_the_expiry() {
        let plain = RenewRequest {
            expires: request().expires,
            notification_url: None,
            certificate: None,
        };
        let expiry = "2030-01-02T03:04:05.123Z";
        assert_eq!(
            json_of(renew(&plain)),
            json!({ "expirationDateTime": expiry })
        );
        let moved = RenewRequest {
            notification_url: Some("https://new.example/".into()),
            certificate: Some(certificate()),
            ..plain
        };
        assert_eq!(
            json_of(renew(&moved)),
            json!({
                "expirationDateTime": expiry,
                "notificationUrl": "https://new.example/",
                "encryptionCertificate": "AAAA",
                "encryptionCertificateId": "2030",
            })
        );
    }

    #[test]
    fn what_graph_quotes_of_our_secrets_is_taken_out() {
        let unspoken = Unspoken::of_create(&request());
        let shown = unspoken.clean("'hunter2' at https://hooks.example/x?code=key1 is bad");
        assert_eq!(shown, "'…' at https://hooks.example/x… is bad");
        assert_eq!(Unspoken::default().clean("as it is"), "as it is");
    }
}
