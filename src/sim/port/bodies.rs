//! The port's requests as the bodies that a client would send.

use serde_json::{Map, Value};

use crate::domain::subscription::EncryptionCertificate;
use crate::ports::graph::{CreateRequest, RenewRequest};
use crate::sim::row::ticks;

fn put(fields: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        fields.insert(name.to_owned(), value.into());
    }
}

fn put_certificate(fields: &mut Map<String, Value>, certificate: Option<&EncryptionCertificate>) {
    put(
        fields,
        "encryptionCertificateId",
        certificate.map(|one| one.id.clone()),
    );
    let der = certificate.map(|one| one.der_base64.clone());
    put(fields, "encryptionCertificate", der);
}

pub(super) fn create_body(request: &CreateRequest) -> Vec<u8> {
    let mut fields = Map::new();
    let text = |text: &str| Some(text.to_owned());
    put(&mut fields, "resource", text(&request.resource));
    put(
        &mut fields,
        "changeType",
        Some(request.change_types.to_string()),
    );
    put(
        &mut fields,
        "notificationUrl",
        text(&request.notification_url),
    );
    put(
        &mut fields,
        "lifecycleNotificationUrl",
        request.lifecycle_url.clone(),
    );
    put(
        &mut fields,
        "expirationDateTime",
        Some(ticks(request.expires)),
    );
    put(
        &mut fields,
        "clientState",
        text(request.client_state.expose()),
    );
    put(
        &mut fields,
        "includeResourceData",
        request.certificate.as_ref().map(|_| true),
    );
    put_certificate(&mut fields, request.certificate.as_ref());
    put(
        &mut fields,
        "notificationQueryOptions",
        request.query_options.clone(),
    );
    Value::Object(fields).to_string().into_bytes()
}

pub(super) fn renew_body(request: &RenewRequest) -> Vec<u8> {
    let mut fields = Map::new();
    put(
        &mut fields,
        "expirationDateTime",
        Some(ticks(request.expires)),
    );
    put(
        &mut fields,
        "notificationUrl",
        request.notification_url.clone(),
    );
    put_certificate(&mut fields, request.certificate.as_ref());
    Value::Object(fields).to_string().into_bytes()
}
