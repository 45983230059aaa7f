//! What Blob Storage answers when it refuses.

use jiff::Timestamp;

use crate::sim::services::Reply;

/// A refusal: status, code, words
/// (<https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes>).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Refusal {
    pub status: u16,
    pub code: &'static str,
    pub words: &'static str,
}

const fn refusal(status: u16, code: &'static str, words: &'static str) -> Refusal {
    Refusal {
        status,
        code,
        words,
    }
}

pub(super) const NO_AUTHENTICATION: Refusal = refusal(
    401,
    "NoAuthenticationInformation",
    "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
);
pub(super) const NO_HEADER: Refusal = refusal(
    400,
    "MissingRequiredHeader",
    "An HTTP header that's mandatory for this request is not specified.",
);
pub(super) const BAD_HEADER: Refusal = refusal(
    400,
    "InvalidHeaderValue",
    "The value for one of the HTTP headers is not in the correct format.",
);
pub(super) const NO_CONTAINER: Refusal = refusal(
    404,
    "ContainerNotFound",
    "The specified container does not exist.",
);
pub(super) const NO_BLOB: Refusal =
    refusal(404, "BlobNotFound", "The specified blob does not exist.");
pub(super) const BLOB_EXISTS: Refusal = refusal(
    409,
    "BlobAlreadyExists",
    "The specified blob already exists.",
);
pub(super) const CONTAINER_EXISTS: Refusal = refusal(
    409,
    "ContainerAlreadyExists",
    "The specified container already exists.",
);
pub(super) const CONTAINER_DELETING: Refusal = refusal(
    409,
    "ContainerBeingDeleted",
    "The specified container is being deleted. Try operation later.",
);
pub(super) const CONDITION: Refusal = refusal(
    412,
    "ConditionNotMet",
    "The condition specified using HTTP conditional header(s) is not met.",
);
pub(super) const SNAPSHOTS: Refusal = refusal(
    409,
    "SnapshotsPresent",
    "This operation is not permitted because the blob has snapshots.",
);
pub(super) const PENDING_COPY: Refusal = refusal(
    409,
    "PendingCopyOperation",
    "There is currently a pending copy operation.",
);
pub(super) const LEGAL_HOLD: Refusal = refusal(
    409,
    "BlobImmutableDueToLegalHold",
    "This operation is not permitted as the blob is immutable due to one or more legal holds.",
);
pub(super) const LEASE_MISSING: Refusal = refusal(
    412,
    "LeaseIdMissing",
    "There is currently a lease on the blob and no lease ID was specified in the request.",
);
pub(super) const LEASE_OTHER: Refusal = refusal(
    412,
    "LeaseIdMismatchWithBlobOperation",
    "The lease ID specified did not match the lease ID for the blob.",
);
pub(super) const LEASE_NONE: Refusal = refusal(
    412,
    "LeaseNotPresentWithBlobOperation",
    "There is currently no lease on the blob.",
);
pub(super) const LEASE_LOST: Refusal = refusal(
    412,
    "LeaseLost",
    "A lease ID was specified, but the lease for the blob has expired.",
);
pub(super) const LEASE_PRESENT: Refusal = refusal(
    409,
    "LeaseAlreadyPresent",
    "There is already a lease present.",
);
pub(super) const LEASE_BREAKING: Refusal = refusal(
    409,
    "LeaseIsBreakingAndCannotBeAcquired",
    "The lease ID matched, but the lease is currently in breaking state and cannot be acquired until it is broken.",
);
pub(super) const LEASE_ACTION_OTHER: Refusal = refusal(
    409,
    "LeaseIdMismatchWithLeaseOperation",
    "The lease ID specified did not match the lease ID for the blob.",
);
pub(super) const LEASE_ACTION_NONE: Refusal = refusal(
    409,
    "LeaseNotPresentWithLeaseOperation",
    "There is currently no lease on the blob.",
);
pub(super) const LEASE_BROKEN: Refusal = refusal(
    409,
    "LeaseIsBrokenAndCannotBeRenewed",
    "The lease ID matched, but the lease has been broken explicitly and cannot be renewed.",
);

impl Refusal {
    /// As the service writes it: XML that begins with a byte order mark, and the code in a
    /// header, too.
    pub(super) fn reply(&self, request_id: &str, now: Timestamp) -> Reply {
        let body = format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{}</Code>\
             <Message>{}\nRequestId:{request_id}\nTime:{now}</Message></Error>",
            self.code, self.words
        );
        Reply::text(self.status, body)
            .header("content-type", "application/xml")
            .header("x-ms-error-code", self.code)
            .header("x-ms-request-id", request_id)
    }
}
