//! What a failed call of Blob Storage means for the audit.
//!
//! Codes: learn.microsoft.com/rest/api/storageservices/blob-service-error-codes.

use azure_core::Error;
use azure_core::error::ErrorKind;

use crate::adapters::azure::{self, Silence, has_code};
use crate::ports::audit::AuditError;

/// Whether the container is what is missing.
pub(super) fn misses_container(error: &Error) -> bool {
    has_code(error, &["ContainerNotFound"])
}

/// Whether somebody else made the container first.
pub(super) fn found_container(error: &Error) -> bool {
    has_code(error, &["ContainerAlreadyExists"])
}

/// Whether a blob, or what lies behind a position, is not there.
pub(super) fn is_nothing_there(error: &Error) -> bool {
    has_code(
        error,
        &["BlobNotFound", "ContainerNotFound", "InvalidRange"],
    )
}

/// Translates a failure of a call at a place.
pub(super) fn audit_error(place: &str, error: &Error) -> AuditError {
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
        // Another position: a block of ours landed although its answer was lost. The next blob
        // takes the lines.
        (_, "AppendPositionConditionNotMet" | "ContainerBeingDeleted" | "BlobAlreadyExists")
        | (408 | 429 | 500.., _) => AuditError::Unavailable { place, why },
        (401 | 403, _) => AuditError::Denied {
            place,
            why: format!(
                "{why}; the SAS must be in date and allow read, add, create, write, delete and \
                 list, or the identity needs the role Storage Blob Data Contributor; the storage \
                 firewall must let us in"
            ),
        },
        _ => AuditError::Denied {
            place,
            why: format!(
                "{why}; check that EVERGRAPH_AUDIT names a container of an account that has \
                 append blobs"
            ),
        },
    }
}

fn unanswered(place: String, error: &Error) -> AuditError {
    match azure::unanswered(error) {
        Silence::Denied(why) => AuditError::Denied { place, why },
        Silence::Unavailable(why) => AuditError::Unavailable { place, why },
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
        let error = audit_error("a", &Error::with_message(kind, "an answer"));
        let is_denied = matches!(error, AuditError::Denied { .. });
        assert_eq!(is_denied, denied, "{status} {code}: {error}");
    }

    #[test]
    fn only_what_a_human_must_mend_is_denied() {
        check(503, "ServerBusy", false);
        check(412, "AppendPositionConditionNotMet", false);
        check(409, "ContainerBeingDeleted", false);
        check(403, "AuthorizationPermissionMismatch", true);
        check(409, "BlobImmutableDueToPolicy", true);
        check(400, "FeatureNotSupportedForAccount", true);
    }

    #[test]
    fn a_connection_that_fails_says_so_without_the_sas() {
        let inner = std::io::Error::other("refused (http://h/c/b?sv=1&sig=hunter2): reset");
        let error = Error::with_error(ErrorKind::Connection, inner, "failed to execute");
        let said = audit_error("a", &error);
        assert!(matches!(said, AuditError::Unavailable { .. }), "{said}");
        assert!(!said.to_string().contains("hunter2"), "{said}");
    }
}
