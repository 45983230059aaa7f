//! One subscription, as Graph writes it.
//!
//! Tolerant of every shape that was seen: nulls, missing and unknown fields, odd times. What
//! decides about ownership or time must be readable, or the row is not.

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::{Map, Value};

use crate::domain::client_state::ClientState;
use crate::domain::ids::{AppId, SubscriptionId};
use crate::domain::subscription::{ChangeTypes, Observed};

/// Longest resource path; the longest that were seen carry a `$select` of some hundred characters.
const RESOURCE: usize = 4096;
/// Longest address of any kind.
const ADDRESS: usize = 8192;
/// Longest `notificationQueryOptions`.
const QUERY_OPTIONS: usize = 4096;
/// Longest clientState of anybody; old pages of the documentation allow 255.
const CLIENT_STATE: usize = 1024;
/// Longest of everything else.
const SHORT: usize = 512;

/// Why a row cannot be read: the field, never its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum RowFault {
    #[error("it is no object")]
    NoObject,
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{0} has a form that we do not know")]
    Form(&'static str),
    #[error("{field} has more than {max} characters")]
    Long { field: &'static str, max: usize },
}

/// Reads a row.
pub(super) fn read(value: &Value) -> Result<Observed, RowFault> {
    let row = value.as_object().ok_or(RowFault::NoObject)?;
    let id = required(row, "id", SHORT)?;
    let change_types = text(row, "changeType", SHORT)?;
    let certificate_id = text(row, "encryptionCertificateId", SHORT)?;
    Ok(Observed {
        id: SubscriptionId::parse(id).map_err(|_| RowFault::Form("id"))?,
        resource: required(row, "resource", RESOURCE)?.to_owned(),
        change_types: change_types.and_then(|words| ChangeTypes::parse(words).ok()),
        notification_url: required(row, "notificationUrl", ADDRESS)?.to_owned(),
        lifecycle_url: text(row, "lifecycleNotificationUrl", ADDRESS)?.map(str::to_owned),
        expires: moment(required(row, "expirationDateTime", SHORT)?)
            .ok_or(RowFault::Form("expirationDateTime"))?,
        client_state: text(row, "clientState", CLIENT_STATE)?
            .map(|text| ClientState::new(text.to_owned())),
        // Samples carry words here; an application that is no id is not ours.
        application: text(row, "applicationId", SHORT)?.and_then(|id| AppId::parse(id).ok()),
        // Some answers leave the flag out; a certificate is accepted for resource data only.
        resource_data: flag(row, "includeResourceData")?.unwrap_or(certificate_id.is_some()),
        certificate_id: certificate_id.map(str::to_owned),
        query_options: text(row, "notificationQueryOptions", QUERY_OPTIONS)?.map(str::to_owned),
    })
}

/// A text. Null, absent and empty mean the same: Graph writes all three for "not set".
fn text<'a>(
    row: &'a Map<String, Value>,
    field: &'static str,
    max: usize,
) -> Result<Option<&'a str>, RowFault> {
    match row.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if text.len() <= max || text.chars().count() <= max => {
            Ok(Some(text))
        }
        Some(Value::String(_)) => Err(RowFault::Long { field, max }),
        Some(_) => Err(RowFault::Form(field)),
    }
}

fn required<'a>(
    row: &'a Map<String, Value>,
    field: &'static str,
    max: usize,
) -> Result<&'a str, RowFault> {
    text(row, field, max)?.ok_or(RowFault::Missing(field))
}

fn flag(row: &Map<String, Value>, field: &'static str) -> Result<Option<bool>, RowFault> {
    match row.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(RowFault::Form(field)),
    }
}

/// Reads a moment with any offset and up to nine fraction digits (Graph writes up to seven).
/// Without an offset it is UTC, as the resource page says of `expirationDateTime`.
fn moment(text: &str) -> Option<Timestamp> {
    let with_offset = text.parse::<Timestamp>().ok();
    with_offset.or_else(|| {
        let has_time = text.contains(['T', 't']);
        let local = text.parse::<DateTime>().ok().filter(|_| has_time)?;
        let zoned = local.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(zoned.timestamp())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row() -> Value {
        json!({
            "id": "5522bd62-7c96-4530-85b0-00b916f6151a",
            "resource": "users/a/messages",
            "changeType": "created, updated",
            "notificationUrl": "https://hooks.example/api/notifications/prod",
            "expirationDateTime": "2030-01-01T21:42:18.2257768Z",
        })
    }

    fn with(field: &str, value: Value) -> Result<Observed, RowFault> {
        let mut row = row();
        row[field] = value;
        read(&row)
    }

    #[track_caller]
    fn check_moment(text: &str, expected: Option<&str>) {
        let expected = expected.map(|text| text.parse::<Timestamp>().unwrap());
        assert_eq!(moment(text), expected, "{text}");
    }

    #[test]
    fn a_row_with_only_what_is_needed_is_read() {
        let observed = read(&row()).unwrap();
        assert_eq!(
            observed.change_types.unwrap().to_string(),
            "created,updated"
        );
        assert!(!observed.resource_data);
        assert_eq!(observed.client_state, None);
        assert_eq!(observed.lifecycle_url, None);
    }

    #[test]
    fn null_absent_and_empty_mean_not_set() {
        for unset in [Value::Null, json!("")] {
            for field in [
                "clientState",
                "lifecycleNotificationUrl",
                "applicationId",
                "encryptionCertificateId",
                "notificationQueryOptions",
            ] {
                assert_eq!(with(field, unset.clone()), read(&row()), "{field}");
            }
        }
        assert_eq!(with("includeResourceData", Value::Null), read(&row()));
        assert_eq!(with("creatorId", json!({"new": []})), read(&row()));
        assert_eq!(with("changeType", Value::Null).unwrap().change_types, None);
        let unknown = with("changeType", json!("created,moved")).unwrap();
        assert_eq!(unknown.change_types, None);
    }

    #[test]
    fn resource_data_follows_the_flag_and_else_the_certificate() {
        let rich = with("encryptionCertificateId", json!("2030")).unwrap();
        assert!(rich.resource_data);
        assert!(
            with("includeResourceData", json!(true))
                .unwrap()
                .resource_data
        );
        let mut row = row();
        row["encryptionCertificateId"] = json!("2030");
        row["includeResourceData"] = json!(false);
        assert!(!read(&row).unwrap().resource_data);
    }

    #[test]
    fn a_field_that_decides_must_be_readable() {
        for field in ["id", "resource", "notificationUrl", "expirationDateTime"] {
            assert_eq!(with(field, Value::Null), Err(RowFault::Missing(field)));
            assert_eq!(with(field, json!(7)), Err(RowFault::Form(field)));
        }
        for field in ["clientState", "changeType", "includeResourceData"] {
            assert_eq!(with(field, json!([])), Err(RowFault::Form(field)));
        }
        assert_eq!(with("id", json!("a/b")), Err(RowFault::Form("id")));
        assert!(with("resource", json!("x".repeat(RESOURCE + 1))).is_err());
        assert!(with("resource", json!("ä".repeat(RESOURCE))).is_ok());
        assert!(with("notificationUrl", json!("x".repeat(ADDRESS + 1))).is_err());
        assert_eq!(read(&json!([])), Err(RowFault::NoObject));
    }

    #[test]
    fn moments_are_read_in_every_form_that_was_seen() {
        let plain = Some("2030-01-02T03:04:05Z");
        check_moment("2030-01-02T03:04:05Z", plain);
        check_moment("2030-01-02T03:04:05+00:00", plain);
        check_moment("2030-01-02T03:04:05", plain);
        check_moment("2030-01-02T03:04:05.0000000Z", plain);
        check_moment("2030-01-01T19:04:05-08:00", plain);
        check_moment(
            "2030-01-02T03:04:05.8+00:00",
            Some("2030-01-02T03:04:05.8Z"),
        );
        check_moment(
            "2030-01-01T19:04:05.9097561-08:00",
            Some("2030-01-02T03:04:05.9097561Z"),
        );
        check_moment("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00Z"));
        for bad in [
            "",
            "soon",
            "2030-01-02",
            "2030-13-01T00:00:00Z",
            "1893553445",
        ] {
            check_moment(bad, None);
        }
    }
}
