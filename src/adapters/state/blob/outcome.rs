//! What an answer of Blob Storage means for the caller.
//!
//! The codes come from the header `x-ms-error-code`. Sources: learn.microsoft.com/rest/api/
//! storageservices/blob-service-error-codes, and Azurite 3.37 where it was seen to answer.

use azure_core::Error;
use azure_core::error::ErrorKind;

use crate::adapters::azure::{self, Silence, has_code};
use crate::ports::state::{DocName, StateError};

/// An answer, before the operation gives it its final sense.
#[derive(Debug)]
pub(super) enum Meaning {
    /// No such blob, or no such container.
    Absent,
    /// The blob is there.
    Exists,
    /// Another ETag, or no blob at all.
    ConditionNotMet,
    /// Another lease stands.
    Held,
    /// The lease named does not stand.
    Lost,
    /// The same for every operation.
    Other(StateError),
}

impl Meaning {
    /// For operations on a document.
    pub(super) fn of(self, name: &DocName) -> StateError {
        let name = name.clone();
        match self {
            Self::Absent => StateError::Absent { name },
            Self::Exists => StateError::Exists { name },
            Self::ConditionNotMet => StateError::Changed { name },
            Self::Held => StateError::Held { name },
            Self::Lost => StateError::Lost { name },
            Self::Other(error) => error,
        }
    }

    /// For operations on a lease that we hold: a blob that is gone took it along, and whoever
    /// breaks it or holds another one has it.
    pub(super) fn of_lease(self, name: &DocName) -> StateError {
        match self {
            Self::Absent | Self::Held => StateError::Lost { name: name.clone() },
            other => other.of(name),
        }
    }

    /// For operations on many documents, where the others make no sense.
    pub(super) fn over(self, prefix: &str) -> StateError {
        match self {
            Self::Other(error) => error,
            odd => StateError::Unavailable {
                name: prefix.to_owned(),
                why: format!("the service answered {odd:?} to a listing"),
            },
        }
    }
}

/// Translates a failure by its code, or by its status where the code is none we know.
pub(super) fn meaning(name: &str, error: &Error) -> Meaning {
    let ErrorKind::HttpResponse {
        status, error_code, ..
    } = error.kind()
    else {
        return Meaning::Other(unanswered(name, error));
    };
    let code = error_code.as_deref().unwrap_or_default();
    match code {
        "BlobNotFound" | "ContainerNotFound" => Meaning::Absent,
        "BlobAlreadyExists" => Meaning::Exists,
        "ConditionNotMet" => Meaning::ConditionNotMet,
        "LeaseIdMissing"
        | "LeaseAlreadyPresent"
        | "LeaseIsBreakingAndCannotBeAcquired"
        | "LeaseIsBreakingAndCannotBeChanged" => Meaning::Held,
        "LeaseLost"
        | "LeaseAlreadyBroken"
        | "LeaseIsBrokenAndCannotBeRenewed"
        | "LeaseIdMismatchWithBlobOperation"
        | "LeaseIdMismatchWithLeaseOperation"
        | "LeaseNotPresentWithBlobOperation"
        | "LeaseNotPresentWithLeaseOperation" => Meaning::Lost,
        // It takes half a minute at least until the name is free again.
        "ContainerBeingDeleted" | "AccountBeingCreated" => {
            Meaning::Other(unavailable(name, error, u16::from(*status), code))
        }
        _ => Meaning::Other(by_status(name, error, u16::from(*status), code)),
    }
}

/// Whether the container is what is missing.
pub(super) fn misses_container(error: &Error) -> bool {
    has_code(error, &["ContainerNotFound"])
}

/// Whether somebody else made the container first.
pub(super) fn found_container(error: &Error) -> bool {
    has_code(error, &["ContainerAlreadyExists"])
}

/// Whether the blob was not in the version demanded.
pub(super) fn failed_condition(error: &Error) -> bool {
    has_code(error, &["ConditionNotMet"])
}

fn by_status(name: &str, error: &Error, status: u16, code: &str) -> StateError {
    let remedy = match status {
        408 | 429 | 500.. => return unavailable(name, error, status, code),
        401 | 403 => {
            "the SAS must be in date and allow read, add, create, write, delete and list, or \
             the identity needs the role Storage Blob Data Contributor on the container; the \
             storage firewall must let us in"
        }
        _ => "check that EVERGRAPH_STATE names a container of Blob Storage",
    };
    StateError::Denied {
        name: name.to_owned(),
        why: format!("it answered {}; {remedy}", answer(error, status, code)),
    }
}

fn unavailable(name: &str, error: &Error, status: u16, code: &str) -> StateError {
    StateError::Unavailable {
        name: name.to_owned(),
        why: format!("it answered {}", answer(error, status, code)),
    }
}

/// Status, code and request id. Not the body: it may repeat what was signed.
fn answer(error: &Error, status: u16, code: &str) -> String {
    let id = match error.kind() {
        ErrorKind::HttpResponse {
            raw_response: Some(raw),
            ..
        } => raw
            .headers()
            .get_optional_str(&"x-ms-request-id".into())
            .map(|id| format!(", request id {id}")),
        _ => None,
    };
    format!("{status} {code}{}", id.unwrap_or_default())
}

fn unanswered(name: &str, error: &Error) -> StateError {
    let name = name.to_owned();
    match azure::unanswered(error) {
        Silence::Denied(why) => StateError::Denied { name, why },
        Silence::Unavailable(why) => StateError::Unavailable { name, why },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, code: &str) -> Error {
        Error::with_message(
            ErrorKind::HttpResponse {
                status: status.into(),
                error_code: Some(code.to_owned()),
                raw_response: None,
            },
            "an answer",
        )
    }

    #[track_caller]
    fn check(status: u16, code: &str, expected: &str) {
        let name = DocName::parse("shards/0.json").unwrap();
        let error = meaning(name.as_str(), &answered(status, code)).of(&name);
        let kind = format!("{error:?}");
        assert!(kind.starts_with(expected), "{status} {code}: {kind}");
    }

    #[test]
    fn every_code_has_one_consequence() {
        check(404, "BlobNotFound", "Absent");
        check(404, "ContainerNotFound", "Absent");
        check(409, "BlobAlreadyExists", "Exists");
        check(412, "ConditionNotMet", "Changed");
        check(412, "LeaseIdMissing", "Held");
        check(409, "LeaseAlreadyPresent", "Held");
        check(409, "LeaseIsBreakingAndCannotBeAcquired", "Held");
        check(412, "LeaseLost", "Lost");
        check(412, "LeaseIdMismatchWithBlobOperation", "Lost");
        check(409, "LeaseIdMismatchWithLeaseOperation", "Lost");
        check(412, "LeaseNotPresentWithBlobOperation", "Lost");
        check(409, "LeaseNotPresentWithLeaseOperation", "Lost");
        check(409, "LeaseIsBrokenAndCannotBeRenewed", "Lost");
    }

    #[test]
    fn only_what_will_pass_by_itself_is_called_unavailable() {
        check(503, "ServerBusy", "Unavailable");
        check(500, "OperationTimedOut", "Unavailable");
        check(409, "ContainerBeingDeleted", "Unavailable");
        check(403, "AuthenticationFailed", "Denied");
        check(403, "AuthorizationPermissionMismatch", "Denied");
        check(401, "NoAuthenticationInformation", "Denied");
        check(409, "BlobImmutableDueToPolicy", "Denied");
        check(307, "TemporaryRedirect", "Denied");
        // A proxy's 404 is no proof that the document is absent.
        check(404, "Not Found", "Denied");
        check(400, "InvalidQueryParameterValue", "Denied");
    }

    #[test]
    fn a_lease_that_went_with_its_blob_is_lost() {
        let name = DocName::parse("a").unwrap();
        let error = meaning("a", &answered(404, "BlobNotFound")).of_lease(&name);
        assert!(matches!(error, StateError::Lost { .. }), "{error}");
    }

    #[test]
    fn a_connection_that_fails_says_so_without_the_sas() {
        let inner = std::io::Error::other("refused (http://h/c/b?sv=1&sig=hunter2): reset");
        let error = Error::with_error(ErrorKind::Connection, inner, "failed to execute");
        let StateError::Unavailable { why, .. } =
            meaning("a", &error).of(&DocName::parse("a").unwrap())
        else {
            panic!("a broken connection must be Unavailable");
        };
        assert_eq!(why, "failed to execute: refused (http://h/c/b): reset");
    }

    #[test]
    fn a_refused_token_is_for_a_human() {
        let error = Error::with_message(ErrorKind::Credential, "no identity here");
        let error = meaning("a", &error).of(&DocName::parse("a").unwrap());
        assert!(matches!(error, StateError::Denied { .. }), "{error}");
    }
}
