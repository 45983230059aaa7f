//! Graph's directory: users, groups, applications, federated credentials, assignments.

use crate::domain::conflict::Operation::{self, *};
use crate::domain::conflict::Service::{self, Arm, GraphDirectory};
use crate::domain::conflict::rule::{Rule, means};

const HERE: &[Service] = &[GraphDirectory];
/// Templates can hold directory objects, too.
const WITH_ARM: &[Service] = &[GraphDirectory, Arm];
/// The object of the request is the one that is to come into being.
const CREATES: &[Operation] = &[Create, CreateByPut];
/// The object of the request stands already, so the conflicting one is another.
const CHANGES: &[Operation] = &[Update, Action];

const CONFLICT_SOURCES: &[&str] = &[
    "https://github.com/microsoftgraph/microsoft-graph-docs/issues/1508",
    "https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/8421",
    "https://github.com/microsoftgraph/msgraph-sdk-powershell/issues/1640",
];
const UNNAMED_KEY: &[&str] =
    &["https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/6346"];
const CREDENTIAL_NAME: &[&str] = &["https://github.com/Azure/azure-dev/issues/1482"];
const MEMBERS: &[&str] = &[
    "https://github.com/microsoftgraph/microsoft-graph-docs/issues/8637",
    "https://github.com/microsoftgraph/microsoft-graph-docs/issues/11514",
];

const SAME_VALUE: &[&str] = &["another object with the same value for property*already exists"];
const CONFLICTING: &[&str] =
    &["a conflicting object with one or more of the specified property values is present"];
const BAD_REQUEST: &[&str] = &["Request_BadRequest", "BadRequest"];
const OBJECT_CONFLICT: &[&str] = &["ObjectConflict", "ConflictingObjects"];
const SAME_KEY: &[&str] = &["Request_MultipleObjectsWithSameKeyValue"];

const NEVER_RENAME: &str =
    "Append digits to the name: it makes a second object of the same person or thing.";

/// The rules, in the order in which they are asked.
pub(super) const RULES: &[Rule] = &[
    Rule::new("graph-directory/object-conflict", HERE, means::EXISTS)
        .operations(CREATES)
        .codes(OBJECT_CONFLICT)
        .why("An object with the same value of a unique property exists. A fresh random value in the message speaks for our own create, whose answer was lost.")
        .advice("Read by the property that details[].target names, also in deletedItems; compare, then adopt. A read may lag for a minute.")
        .never(NEVER_RENAME)
        .sources(CONFLICT_SOURCES)
        .example(Create, 400, r#"{"error":{"code":"Request_BadRequest","message":"Another object with the same value for property userPrincipalName already exists.","details":[{"code":"ObjectConflict","target":"userPrincipalName"}]}}"#),
    Rule::new("graph-directory/object-conflict-on-change", HERE, means::HELD)
        .operations(CHANGES)
        .codes(OBJECT_CONFLICT)
        .why("Another object holds the value of a unique property. A conflict on proxyAddresses even blocks a change of other properties.")
        .advice("Find the other object by the property that details[].target names, and let a human decide who keeps the value.")
        .never(NEVER_RENAME)
        .sources(CONFLICT_SOURCES)
        .example(Update, 400, r#"{"error":{"code":"Request_BadRequest","message":"Another object with the same value for property proxyAddresses already exists.","details":[{"code":"ObjectConflict","target":"proxyAddresses"}]}}"#),
    Rule::new("graph-directory/same-value", HERE, means::EXISTS)
        .operations(CREATES)
        .codes_or_none(BAD_REQUEST)
        .text(SAME_VALUE)
        .why("An object with the same value of a unique property exists; only the message says so.")
        .advice("Read by the property that the message names, compare, then adopt.")
        .never(NEVER_RENAME)
        .sources(CONFLICT_SOURCES)
        .example(Create, 400, r#"{"error":{"code":"Request_BadRequest","message":"Another object with the same value for property mailNickname already exists."}}"#),
    Rule::new("graph-directory/same-value-on-change", HERE, means::HELD)
        .operations(CHANGES)
        .text(SAME_VALUE)
        .why("Another object holds the value of a unique property; only the message says so.")
        .never(NEVER_RENAME)
        .sources(CONFLICT_SOURCES)
        .example(Update, 400, r#"{"error":{"code":"Request_BadRequest","message":"Another object with the same value for property mailNickname already exists."}}"#),
    Rule::new("graph-directory/conflicting-object", HERE, means::EXISTS)
        .operations(CREATES)
        .codes_or_none(BAD_REQUEST)
        .text(CONFLICTING)
        .why("An object with one of the unique values exists; the answer does not say which value.")
        .advice("Search by each unique property, deletedItems included; compare, then adopt.")
        .never(NEVER_RENAME)
        .sources(UNNAMED_KEY)
        .example(Create, 400, r#"{"error":{"code":"Request_BadRequest","message":"A conflicting object with one or more of the specified property values is present in the directory."}}"#),
    Rule::new("graph-directory/conflicting-object-on-change", HERE, means::HELD)
        .operations(CHANGES)
        .text(CONFLICTING)
        .why("Another object holds one of the unique values; the answer does not say which value.")
        .sources(UNNAMED_KEY)
        .example(Update, 400, r#"{"error":{"code":"Request_BadRequest","message":"A conflicting object with one or more of the specified property values is present in the directory."}}"#),
    Rule::new("graph-directory/reference-exists", HERE, means::STANDS)
        .codes_or_none(BAD_REQUEST)
        .text(&["added object references already exist"])
        .why("The membership or reference that was to be added stands already.")
        .advice("Verify it. Where one request added several, drop the known ones and send the rest again.")
        .never("Take the whole request for done: of several references none was added.")
        .sources(MEMBERS)
        .example(Update, 400, r#"{"error":{"code":"Request_BadRequest","message":"One or more added object references already exist for the following modified properties: 'members'."}}"#),
    Rule::new("graph-directory/assignment-exists", WITH_ARM, means::STANDS)
        .codes_or_none(&["Conflict", "DeploymentFailed", "Request_BadRequest", "BadRequest"])
        .text(&["entitlementgrant entry already exists", "permission being assigned already exists"])
        .why("The app role or permission is assigned already.")
        .advice("List the assignments; if principal, resource and role agree, go on.")
        .sources(&["https://github.com/microsoftgraph/msgraph-bicep-types/issues/161"])
        .example(Create, 400, r#"{"error":{"code":"Request_BadRequest","message":"Permission being assigned already exists on the object"}}"#),
    Rule::new("graph-directory/twice-in-request", HERE, means::INVALID)
        .text(&["can only be present once as an add/remove change"])
        .why("The same reference stands twice in the request itself; the directory is not in conflict with it.")
        .advice("Remove repeats before the request is sent.")
        .sources(&["https://github.com/microsoftgraph/contoso-airlines-teams-sample/issues/1"])
        .example(Update, 400, r#"{"error":{"code":"Request_BadRequest","message":"Object 'a' referenced from 'b' can only be present once as an add/remove change."}}"#),
    Rule::new("graph-directory/same-key", HERE, means::EXISTS)
        .operations(CREATES)
        .codes(SAME_KEY)
        .why("An object with the same name exists, perhaps with other contents: a federated credential of the same name may trust another subject.")
        .advice("GET it by name and compare issuer and subject; equal: adopt, else escalate.")
        .never("Overwrite it: somebody's sign-in depends on it.")
        .sources(CREDENTIAL_NAME)
        .example(Create, 409, r#"{"error":{"code":"Request_MultipleObjectsWithSameKeyValue","message":"FederatedIdentityCredential with name build already exists."}}"#),
    Rule::new("graph-directory/same-key-on-change", HERE, means::HELD)
        .operations(CHANGES)
        .codes(SAME_KEY)
        .why("Another object holds the key.")
        .sources(CREDENTIAL_NAME)
        .example(Update, 409, r#"{"error":{"code":"Request_MultipleObjectsWithSameKeyValue","message":"An object with this key already exists."}}"#),
    Rule::new("graph-directory/issuer-and-subject-exist", HERE, means::EXISTS)
        .codes(&["InvalidFederatedIdentityCredentialValue"])
        .text(&["combination of issuer and subject must be unique", "issuer*subject*already exist"])
        .why("A federated credential with this issuer and subject exists under another name.")
        .advice("List the credentials of the application and adopt the one with the same issuer and subject.")
        .sources(&["https://github.com/Azure/azure-workload-identity/issues/434"])
        .example(Create, 400, r#"{"error":{"code":"InvalidFederatedIdentityCredentialValue","message":"The combination of issuer and subject must be unique for the application. Issuer https://issuer.example and Subject: a already exist."}}"#),
    Rule::new("graph-directory/invitation-of-blocked-guest", HERE, means::STATE)
        .operations(&[Create, Action])
        .statuses(&[412])
        .why("A create carries no version, so 412 is no mismatch here: seen when a guest is invited who exists and is blocked from signing in.")
        .advice("Find the guest by mail, and let a human decide whether to unblock.")
        .never("Invite again.")
        .sources(&["https://github.com/microsoftgraph/msgraph-sdk-php/issues/301"])
        .example(Create, 412, r#"{"error":{"code":"UnknownError","message":""}}"#),
];
