//! What a status means where no rule of a service knows more.

use crate::domain::conflict::Operation::{self, *};
use crate::domain::conflict::rule::{Rule, means};

const WRITES: &[Operation] = &[Create, CreateByPut, Update, Delete, Action, LeaseAction];

const HTTP: &str = "https://www.rfc-editor.org/rfc/rfc9110#section-15";
const GRAPH_ERRORS: &str = "https://learn.microsoft.com/en-us/graph/errors";
const COSMOS_CODES: &str =
    "https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb";

/// No rule knows it.
pub(super) const UNCLASSIFIED: Rule = Rule::new("generic/unclassified", &[], means::UNCLASSIFIED)
    .statuses(&[409])
    .why("No rule knows this answer. A conflict that nobody understands is not a duplicate.")
    .advice("Read the state of the resource, decide by what is there, and keep the body for the playbook.")
    .sources(&[HTTP, GRAPH_ERRORS])
    .example(Create, 409, r#"{"error":{"code":"Conflict","message":"The request could not be completed."}}"#);

/// A read failed on the service's side.
pub(super) const READ_FAILED: Rule = Rule::new("generic/read-failed", &[], means::NOT_DONE)
    .operations(&[Read])
    .statuses(&[408, 500, 502, 504])
    .why("The service failed to answer a read. A read changes nothing, so it may be repeated.")
    .sources(&[HTTP])
    .example(Read, 502, "");

/// The defaults, the first that fits decides.
pub(super) const RULES: &[Rule] = &[
    UNCLASSIFIED,
    READ_FAILED,
    Rule::new("generic/outcome-unknown", &[], means::AMBIGUOUS)
        .operations(WRITES)
        .statuses(&[408, 500, 502, 504])
        .why("The service failed while it worked on a write, and does not say whether the write was done. Creates behind such answers have been seen to stand.")
        .sources(&[
            "https://github.com/microsoftgraph/msgraph-sdk-java/issues/1581",
            "https://github.com/pnp/powershell/pull/3992",
        ])
        .example(Create, 500, r#"{"error":{"code":"InternalServerError","message":"An error has occurred."}}"#),
    Rule::new("generic/version-mismatch", &[], means::STALE)
        .statuses(&[412])
        .why("A condition of the request does not hold: the resource changed since it was read.")
        .sources(&[HTTP, GRAPH_ERRORS])
        .example(Update, 412, ""),
    Rule::new("generic/locked", &[], means::LOCKED)
        .statuses(&[423])
        .why("The resource is locked by somebody.")
        .sources(&[GRAPH_ERRORS])
        .example(Update, 423, ""),
    Rule::new("generic/write-contention", &[], means::CONTENTION)
        .statuses(&[449])
        .why("Two writes met; the service asks to repeat the same request.")
        .sources(&[COSMOS_CODES])
        .example(Update, 449, ""),
    Rule::new("generic/throttled", &[], means::THROTTLED)
        .statuses(&[429])
        .why("Too many calls in too short a time.")
        .sources(&["https://learn.microsoft.com/en-us/graph/throttling"])
        .example(Read, 429, r#"{"error":{"code":"UnknownError","message":""}}"#),
    Rule::new("generic/unavailable", &[], means::UNAVAILABLE)
        .statuses(&[503])
        .why("The service has trouble of its own.")
        .sources(&[HTTP, GRAPH_ERRORS])
        .example(Create, 503, ""),
    Rule::new("generic/invalid-request", &[], means::INVALID)
        .statuses(&[400, 401, 403, 404])
        .why("The request itself is refused: its form, its token, its permissions or its address.")
        .sources(&[HTTP, GRAPH_ERRORS])
        .example(Read, 404, r#"{"error":{"code":"SomethingNew","message":"No."}}"#),
];
