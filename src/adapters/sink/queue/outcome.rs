//! What a failed call of Queue or Blob Storage means.
//!
//! Codes: learn.microsoft.com/rest/api/storageservices/queue-service-error-codes.

use azure_core::Error;
use azure_core::error::ErrorKind;

use crate::adapters::azure::{self, Silence, has_code};
use crate::ports::sink::SinkError;

/// Whether the queue or the container is what is missing.
pub(super) fn is_missing(error: &Error) -> bool {
    has_code(error, &["QueueNotFound", "ContainerNotFound"])
}

/// Whether somebody else made it first.
pub(super) fn is_there(error: &Error) -> bool {
    has_code(error, &["QueueAlreadyExists", "ContainerAlreadyExists"])
}

/// Translates a failure of a call at a place.
pub(super) fn sink_error(place: &str, error: &Error) -> SinkError {
    let place = place.to_owned();
    let ErrorKind::HttpResponse {
        status, error_code, ..
    } = error.kind()
    else {
        return unanswered(place, error);
    };
    let status = u16::from(*status);
    let code = error_code.as_deref().unwrap_or_default();
    let why = format!("it answered {status} {code}");
    match (status, code) {
        // It takes half a minute at least until the name is free again.
        (408 | 429 | 500.., _) | (_, "QueueBeingDeleted" | "ContainerBeingDeleted") => {
            SinkError::Unavailable { place, why }
        }
        (401 | 403, _) => SinkError::Denied {
            place,
            why: format!(
                "{why}; a SAS must be in date and allow add and create, or the identity needs the \
                 roles Storage Queue Data Message Sender (Contributor to make the queue) and, for \
                 events over 48 KiB, Storage Blob Data Contributor; the storage firewall must let \
                 us in"
            ),
        },
        _ => SinkError::Denied {
            place,
            why: format!("{why}; check that EVERGRAPH_SINK names a queue"),
        },
    }
}

fn unanswered(place: String, error: &Error) -> SinkError {
    match azure::unanswered(error) {
        Silence::Denied(why) => SinkError::Denied { place, why },
        Silence::Unavailable(why) => SinkError::Unavailable { place, why },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, code: &str, denied: bool) {
        let kind = ErrorKind::HttpResponse {
            status: status.into(),
            error_code: Some(code.to_owned()),
            raw_response: None,
        };
        let error = sink_error("q", &Error::with_message(kind, "an answer"));
        let is_denied = matches!(error, SinkError::Denied { .. });
        assert_eq!(is_denied, denied, "{status} {code}: {error}");
    }

    #[test]
    fn only_what_a_human_must_mend_is_denied() {
        check(503, "ServerBusy", false);
        check(500, "OperationTimedOut", false);
        check(429, "", false);
        check(409, "QueueBeingDeleted", false);
        check(403, "AuthorizationPermissionMismatch", true);
        check(401, "NoAuthenticationInformation", true);
        check(400, "RequestBodyTooLarge", true);
        check(404, "Not Found", true);
    }

    #[test]
    fn a_sas_is_never_shown() {
        let inner = std::io::Error::other("refused (http://h/q?sv=1&sig=hunter2)");
        let error = Error::with_error(ErrorKind::Connection, inner, "failed");
        let error = sink_error("q", &error);
        assert!(matches!(error, SinkError::Unavailable { .. }), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
