//! OneDrive and SharePoint files through Graph.

use crate::domain::conflict::Operation::*;
use crate::domain::conflict::Service::{self, GraphDrive};
use crate::domain::conflict::rule::{Rule, means};

const HERE: &[Service] = &[GraphDrive];

const STALE_SOURCES: &[&str] = &[
    "https://github.com/skilion/onedrive/issues/366",
    "https://github.com/OneDrive/onedrive-api-docs/issues/1414",
    "https://github.com/OneDrive/onedrive-api-docs/issues/1716",
];
const LOCK_SOURCES: &[&str] = &[
    "https://github.com/OneDrive/onedrive-api-docs/issues/912",
    "https://github.com/OneDrive/onedrive-api-docs/pull/1199",
    "https://github.com/microsoftgraph/microsoft-graph-explorer-v4/issues/3435",
];
const GRAPH_ERRORS: &str = "https://learn.microsoft.com/en-us/graph/errors";

/// The rules, in the order in which they are asked.
pub(super) const RULES: &[Rule] = &[
    Rule::new("graph-drive/name-exists", HERE, means::EXISTS)
        .codes(&["nameAlreadyExists"])
        .why("An item with this name, or one that SharePoint takes for the same, stands in the folder.")
        .advice("GET it by path and compare. If that says 404, a similar name holds the place: list the folder. Send @microsoft.graph.conflictBehavior explicitly; even 'replace' was answered with 409.")
        .never("Replace by default: it overwrites somebody's file.")
        .sources(&[
            "https://github.com/OneDrive/onedrive-api-docs/issues/977",
            "https://github.com/OneDrive/onedrive-api-docs/issues/359",
        ])
        .example(Create, 409, r#"{"error":{"code":"nameAlreadyExists","message":"The specified item name already exists."}}"#),
    Rule::new("graph-drive/similar-name", HERE, means::HELD)
        .text(&["incompatible with a similar name on an existing item"])
        .why("Another item has a name that SharePoint takes for the same one; neither read nor create works with ours.")
        .advice("List the folder, find the similar name, and let a human choose.")
        .sources(&["https://github.com/OneDrive/onedrive-api-docs/issues/977"])
        .example(Read, 404, r#"{"error":{"code":"itemNotFound","message":"The specified item name is incompatible with a similar name on an existing item."}}"#),
    Rule::new("graph-drive/changed", HERE, means::STALE)
        .codes(&["resourceModified", "preconditionFailed"])
        .why("The item changed since it was read. Status 409 and 412 both occur, also right after an upload, also with the right ETag.")
        .advice("Read, apply the change anew, write with the new ETag; at most three rounds, because the service itself errs at times.")
        .never("Drop If-Match: it would undo somebody's change.")
        .sources(STALE_SOURCES)
        .example(Update, 409, r#"{"error":{"code":"resourceModified","message":"The resource has changed since the caller last read it; usually an eTag mismatch"}}"#),
    Rule::new("graph-drive/etag-mismatch", HERE, means::STALE)
        .text(&["etag does not match", "has changed since the caller last read it"])
        .why("The item changed since it was read; only the message says so.")
        .never("Drop If-Match: it would undo somebody's change.")
        .sources(STALE_SOURCES)
        .example(Update, 412, r#"{"error":{"code":"notAllowed","message":"ETag does not match current item's value"}}"#),
    Rule::new("graph-drive/locked", HERE, means::LOCKED)
        .codes(&["resourceLocked"])
        .why("Somebody edits the file, or checked it out.")
        .advice("Wait some minutes, then tell the person.")
        .never("Take it for a missing permission, whatever the outer code says.")
        .sources(LOCK_SOURCES)
        .example(Update, 423, r#"{"error":{"code":"notAllowed","innerError":{"code":"resourceLocked"},"message":"The resource you are attempting to access is locked"}}"#),
    Rule::new("graph-drive/checked-out", HERE, means::LOCKED)
        .text(&[
            "checked out or locked for editing",
            "lock token does not match existing lock",
            "you are attempting to access is locked",
            "is locked for shared use",
        ])
        .why("Somebody edits the file, or checked it out; the code says accessDenied all the same.")
        .advice("Wait some minutes, then tell the person.")
        .never("Take it for a missing permission.")
        .sources(LOCK_SOURCES)
        .example(Update, 423, r#"{"error":{"code":"accessDenied","message":"The file is currently checked out or locked for editing by another user."}}"#),
    Rule::new("graph-drive/parent-missing", HERE, means::MISSING)
        .statuses(&[409])
        .text(&["parent folder*not exist", "parent*could not be found", "parent*does not exist"])
        .why("The parent folder does not exist: one of the meanings that Graph gives to 409.")
        .advice("Create the folders above first.")
        .sources(&[GRAPH_ERRORS])
        .example(Create, 409, r#"{"error":{"code":"generalException","message":"The specified parent folder does not exist."}}"#),
    Rule::new("graph-drive/quota", HERE, means::QUOTA)
        .codes(&["quotaLimitReached", "insufficientStorage"])
        .why("The storage of the drive or site is full.")
        .sources(&[GRAPH_ERRORS])
        .example(Create, 507, r#"{"error":{"code":"quotaLimitReached","message":"The user has reached their quota limit."}}"#),
];
