//! Azure Storage: blobs, queues, tables, files. Its codes stand in the body and in
//! `x-ms-error-code`.

use crate::domain::conflict::Operation::{self, *};
use crate::domain::conflict::Service::{self, Arm, Storage};
use crate::domain::conflict::rule::{Rule, means};

const HERE: &[Service] = &[Storage];
const WITH_ARM: &[Service] = &[Storage, Arm];
const WRITES: &[Operation] = &[Create, CreateByPut, Update, Delete, Action, LeaseAction];

const BLOB: &str = "https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes";
const QUEUE: &str =
    "https://learn.microsoft.com/rest/api/storageservices/queue-service-error-codes";
const TABLE: &str =
    "https://learn.microsoft.com/rest/api/storageservices/table-service-error-codes";
const FILES: &str = "https://learn.microsoft.com/rest/api/storageservices/file-service-error-codes";
const LEASES: &str = "https://learn.microsoft.com/rest/api/storageservices/lease-blob";

/// The rules, in the order in which they are asked.
pub(super) const RULES: &[Rule] = &[
    Rule::new("storage/exists", HERE, means::EXISTS)
        .codes(&[
            "BlobAlreadyExists",
            "ContainerAlreadyExists",
            "QueueAlreadyExists",
            "TableAlreadyExists",
            "EntityAlreadyExists",
            // The emulator's spelling: https://github.com/Azure/Azurite/issues/764
            "EntityAlreadyExist",
            "ResourceAlreadyExists",
            "ShareAlreadyExists",
            "PathAlreadyExists",
            "FilesystemAlreadyExists",
        ])
        .why("The blob, container, queue, table, entity, share or path exists. A PUT with If-None-Match: * is answered so too, and so is our own create whose answer was lost.")
        .advice("HEAD it, compare content hash or metadata, then adopt.")
        .never("Overwrite it.")
        .sources(&[BLOB, QUEUE, TABLE, FILES])
        .example(CreateByPut, 409, "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>BlobAlreadyExists</Code><Message>The specified blob already exists.\nRequestId:1</Message></Error>"),
    Rule::new("storage/being-deleted", WITH_ARM, means::DELETING_DELAY)
        .codes(&[
            "ContainerBeingDeleted",
            "QueueBeingDeleted",
            "TableBeingDeleted",
            "ShareBeingDeleted",
            "FilesystemBeingDeleted",
            "DeletePending",
            // The twin of Resource Manager.
            "ContainerOperationFailure",
        ])
        .why("The old one is still being deleted and keeps the name: half a minute as a rule, ten minutes were reported.")
        .advice("Repeat every 5 to 30 seconds, up to ten minutes.")
        .sources(&[
            BLOB,
            "https://github.com/Azure/azure-sdk-for-net/issues/28897",
            "https://github.com/Azure/azure-sdk/issues/710",
            "https://github.com/Azure/azure-rest-api-specs/issues/30456",
        ])
        .example(CreateByPut, 409, r#"<?xml version="1.0" encoding="utf-8"?><Error><Code>ContainerBeingDeleted</Code><Message>The specified container is being deleted. Try operation later.</Message></Error>"#),
    Rule::new("storage/lease-held", HERE, means::LOCKED)
        .codes(&[
            "LeaseAlreadyPresent",
            "LeaseIsBreakingAndCannotBeAcquired",
            "LeaseIsBreakingAndCannotBeChanged",
            // 412: somebody holds a lease and we sent none.
            "LeaseIdMissing",
        ])
        .why("Somebody holds the lease.")
        .advice("Wait for its end: 15 to 60 seconds for a finite one, its term and ten seconds in all.")
        .never("Break another's lease, or write without it.")
        .sources(&[BLOB, LEASES, "https://github.com/Azure/azure-sdk-for-java/issues/20621"])
        .example(LeaseAction, 409, r#"<?xml version="1.0" encoding="utf-8"?><Error><Code>LeaseAlreadyPresent</Code><Message>There is already a lease present.</Message></Error>"#),
    Rule::new("storage/lease-lost", HERE, means::LOCK_LOST)
        .codes(&[
            "LeaseIdMismatchWithLeaseOperation",
            "LeaseIdMismatchWithBlobOperation",
            "LeaseIdMismatchWithContainerOperation",
            "LeaseNotPresentWithLeaseOperation",
            "LeaseNotPresentWithBlobOperation",
            "LeaseNotPresentWithContainerOperation",
            "LeaseNotPresentWithFileOperation",
            "LeaseIdMismatchWithFileOperation",
            "LeaseIsBrokenAndCannotBeRenewed",
            "LeaseAlreadyBroken",
            "LeaseLost",
        ])
        .why("Our lease ended, was broken, or belongs to another now. Others may have written since.")
        .advice("Stop the protected work first, take the lease anew, read everything again.")
        .never("Go on and merely retry the lease call.")
        .sources(&[
            BLOB,
            LEASES,
            "https://github.com/Azure/azure-sdk-for-java/issues/20620",
            "https://github.com/Azure/azure-sdk-for-net/issues/19094",
        ])
        .example(Update, 412, r#"<?xml version="1.0" encoding="utf-8"?><Error><Code>LeaseIdMismatchWithBlobOperation</Code><Message>The lease ID specified did not match the lease ID for the blob.</Message></Error>"#),
    Rule::new("storage/file-in-use", HERE, means::LOCKED)
        .codes(&["FileLockConflict", "SharingViolation", "FileOpenBySmbClient", "DeleteShareWhenSnapshotLeased"])
        .why("An SMB client holds the file open or locked.")
        .advice("Wait some minutes, then tell the person.")
        .sources(&[FILES])
        .example(Update, 409, r#"<Error><Code>SharingViolation</Code><Message>The specified resource may be in use by an SMB client.</Message></Error>"#),
    Rule::new("storage/append-position", HERE, means::STALE)
        .codes(&["AppendPositionConditionNotMet", "MaxBlobSizeConditionNotMet", "SequenceNumberConditionNotMet"])
        .why("The blob grew or moved on since its length was read; perhaps by our own append, whose answer was lost.")
        .advice("Compare the tail of the blob with what was to be appended before anything is appended again.")
        .never("Drop the condition.")
        .sources(&[BLOB])
        .example(Update, 412, r#"<Error><Code>AppendPositionConditionNotMet</Code><Message>The append position condition specified was not met.</Message></Error>"#),
    Rule::new("storage/condition", HERE, means::STALE)
        .codes(&[
            "ConditionNotMet",
            "SourceConditionNotMet",
            "TargetConditionNotMet",
            "UpdateConditionNotSatisfied",
        ])
        .why("A condition of the request does not hold: it changed since it was read.")
        .never("Drop the condition.")
        .sources(&[BLOB, TABLE])
        .example(Update, 412, r#"<Error><Code>ConditionNotMet</Code><Message>The condition specified using HTTP conditional header(s) is not met.</Message></Error>"#),
    Rule::new("storage/pending", HERE, means::BUSY_POLL)
        .codes(&[
            "PendingCopyOperation",
            "BlobBeingRehydrated",
            "AccountBeingCreated",
            "FileShareAccessTierTransitionNotAllowed",
        ])
        .why("A copy, a rehydration or the creation of the account is under way.")
        .advice("Read the status of the copy or of the tier until it is done, then repeat.")
        .never("Abort a copy that we did not start.")
        .sources(&[BLOB, "https://github.com/Azure/azure-storage-azcopy/issues/697"])
        .example(CreateByPut, 409, r#"<Error><Code>PendingCopyOperation</Code><Message>There is currently a pending copy operation.</Message></Error>"#),
    Rule::new("storage/wrong-state", HERE, means::STATE)
        .codes(&[
            "NoPendingCopyOperation",
            "CopyIdMismatch",
            "BlobOverwritten",
            "InvalidBlobType",
            "BlobOperationNotSupported",
            "ResourceTypeMismatch",
            "BlobArchived",
            "BlobNotArchived",
            "CannotChangeToLowerTier",
            "BlobTierInadequateForContentLength",
            "ContentLengthLargerThanTierLimit",
            "FeatureVersionMismatch",
            "IncrementalCopyBlobMismatch",
            "IncrementalCopyOfEarlierVersionSnapshotNotAllowed",
            "IncrementalCopyOfEralierVersionSnapshotNotAllowed",
            "IncrementalCopySourceMustBeSnapshot",
            "PreviousSnapshotCannotBeNewer",
            "PreviousSnapshotNotFound",
            "PreviousSnapshotOperationNotSupported",
            "OperationNotAllowedOnIncrementalCopyBlob",
            "SequenceNumberIncrementTooLarge",
            "InvalidBlobTier",
            "FileGenerationMismatch",
            "ReadOnlyAttribute",
            "CannotDeleteFileOrDirectory",
        ])
        .why("The resource is of another kind, tier or state than the request needs.")
        .never("Retry: it never works.")
        .sources(&[BLOB, FILES])
        .example(Update, 409, r#"<Error><Code>InvalidBlobType</Code><Message>The blob type is invalid for this operation.</Message></Error>"#),
    Rule::new("storage/dependents", HERE, means::DEPENDENTS)
        .codes(&["SnapshotsPresent", "QueueNotEmpty", "ShareHasSnapshots", "DirectoryNotEmpty"])
        .why("Snapshots, messages or files still stand in or on it.")
        .never("Delete them automatically.")
        .sources(&[BLOB, QUEUE, FILES])
        .example(Delete, 409, r#"<Error><Code>SnapshotsPresent</Code><Message>This operation is not permitted because the blob has snapshots.</Message></Error>"#),
    Rule::new("storage/administrative", HERE, means::ADMIN_LOCK)
        .codes(&[
            "BlobImmutableDueToPolicy",
            "BlobImmutableDueToLegalHold",
            "ContainerHasLegalHold",
            "ContainerImmutabilityPolicyLocked",
            "ContainerImmutableStorageWithVersioningEnabled",
            "ContainerDisabled",
            "QueueDisabled",
            "ShareDisabled",
        ])
        .why("A policy, a legal hold or an administrator keeps it as it is.")
        .never("Retry, or lift the hold.")
        .sources(&[BLOB, QUEUE, "https://github.com/Azure/azure-sdk-for-python/issues/22255"])
        .example(Delete, 409, r#"<Error><Code>BlobImmutableDueToPolicy</Code><Message>This operation is not permitted as the blob is immutable due to a policy.</Message></Error>"#),
    Rule::new("storage/snapshot-rate", HERE, means::THROTTLED)
        // The first spelling is the service's.
        .codes(&["SnaphotOperationRateExceeded", "SnapshotOperationRateExceeded"])
        .why("Snapshots are taken faster than the service allows.")
        .sources(&[BLOB])
        .example(Create, 409, r#"<Error><Code>SnaphotOperationRateExceeded</Code><Message>The rate of snapshot operations is too high.</Message></Error>"#),
    Rule::new("storage/limit", HERE, means::QUOTA)
        .codes(&[
            "BlockCountExceedsLimit",
            "SnapshotCountExceeded",
            "FileSnapshotCountExceeded",
            "ShareSnapshotCountExceeded",
            "ContainerQuotaDowngradeNotAllowed",
        ])
        .why("A counted limit of blocks, snapshots or quota is reached.")
        .advice("Roll to a new blob before the limit: an append blob holds 50,000 blocks.")
        .sources(&[BLOB, FILES])
        .example(Update, 409, r#"<Error><Code>BlockCountExceedsLimit</Code><Message>The committed block count cannot exceed the maximum limit of 50,000 blocks.</Message></Error>"#),
    Rule::new("storage/server-busy", HERE, means::THROTTLED)
        .codes(&["ServerBusy"])
        .why("The account's ingress, egress or request limit is reached. Storage says so with 503, not 429, and without Retry-After.")
        .sources(&[BLOB])
        .example(Update, 503, r#"<Error><Code>ServerBusy</Code><Message>Ingress is over the account limit.</Message></Error>"#),
    Rule::new("storage/timed-out", HERE, means::AMBIGUOUS)
        .operations(WRITES)
        .codes(&["OperationTimedOut"])
        .why("The operation did not end in time; it may have been done.")
        .advice("HEAD and compare before it is repeated.")
        .sources(&["https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes"])
        .example(CreateByPut, 500, r#"<Error><Code>OperationTimedOut</Code><Message>Operation could not be completed within the specified time.</Message></Error>"#),
    Rule::new("storage/container-missing", HERE, means::MISSING)
        .operations(WRITES)
        .codes(&["ContainerNotFound", "ShareNotFound", "FilesystemNotFound"])
        .why("The container, share or file system is not there. One that is being deleted answers so, too, to all but its creation.")
        .advice("Create it first, if that is ours to do.")
        .sources(&[BLOB, "https://learn.microsoft.com/rest/api/storageservices/delete-container"])
        .example(CreateByPut, 404, r#"<Error><Code>ContainerNotFound</Code><Message>The specified container does not exist.</Message></Error>"#),
    Rule::new("storage/parent-missing", HERE, means::MISSING)
        .operations(WRITES)
        .codes(&["ParentNotFound", "SourcePathNotFound"])
        .why("The directory above does not exist.")
        .advice("Create it first.")
        .sources(&[FILES])
        .example(CreateByPut, 404, r#"<Error><Code>ParentNotFound</Code><Message>The specified parent path does not exist.</Message></Error>"#),
];
