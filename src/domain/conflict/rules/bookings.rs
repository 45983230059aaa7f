//! Microsoft Bookings.

use crate::domain::conflict::Operation::{self, *};
use crate::domain::conflict::Service::{self, Bookings};
use crate::domain::conflict::rule::{Rule, means};

const HERE: &[Service] = &[Bookings];
const WRITES: &[Operation] = &[Create, CreateByPut, Update, Delete, Action];

const SLOT_SOURCES: &[&str] = &[
    "https://github.com/microsoftgraph/microsoft-graph-explorer-v4/issues/3761",
    "https://github.com/microsoftgraph/microsoft-graph-docs/issues/19316",
    "https://github.com/microsoftgraph/msgraph-sdk-java/issues/1581",
];
const SLOT_ADVICE: &str = "Read calendarView for the slot and the customer; only if the appointment is not there, mend staff, service or slot and try again.";
const SLOT_NEVER: &str = "Repeat blindly: it books twice.";

/// The rules, in the order in which they are asked.
pub(super) const RULES: &[Rule] = &[
    Rule::new("bookings/staff-exists", HERE, means::EXISTS)
        // The body stands outside Graph's envelope and has no code.
        .codes_or_none(&["Conflict"])
        .text(&["staff member already exists"])
        .why("The person is a staff member already, or was one lately: the list of the API does not show hidden and deleted members.")
        .advice("List the staff by mail address in any letter case; adopt and PATCH if found. Not found: a person must add them in the portal, which links the existing member; no call of the API is documented to do so.")
        .never("Delete the user in Entra, or make up an alias person.")
        .sources(&["https://learn.microsoft.com/en-us/answers/questions/5491714/how-to-fix-409-conflict-issue-in-ms-bookings-api"])
        .example(Create, 409, r#"{"statusCode":409,"message":"A staff member already exists"}"#),
    Rule::new("bookings/staff-not-available", HERE, means::AMBIGUOUS)
        .operations(WRITES)
        .text(&["staff not available"])
        .why("The service says that the staff is not available; appointments behind this answer were found booked.")
        .advice(SLOT_ADVICE)
        .never(SLOT_NEVER)
        .sources(SLOT_SOURCES)
        .example(Create, 500, r#"{"error":{"code":"UnknownError","message":"Staff not available"}}"#),
    Rule::new("bookings/unknown-error", HERE, means::AMBIGUOUS)
        .operations(WRITES)
        .statuses(&[500])
        .weak_codes(&["UnknownError"])
        .why("A wrong staff id, a taken slot or a wrong service hides behind this answer, and the appointment may stand all the same.")
        .advice(SLOT_ADVICE)
        .never(SLOT_NEVER)
        .sources(SLOT_SOURCES)
        .example(Create, 500, r#"{"error":{"code":"UnknownError","message":""}}"#),
    Rule::new("bookings/invalid-staff", HERE, means::INVALID)
        .statuses(&[400])
        .text(&["invalid staff"])
        .why("With application permissions an appointment needs staffMemberIds; with delegated ones it does not.")
        .sources(&["https://github.com/microsoftgraph/microsoft-graph-docs/pull/22029"])
        .example(Create, 400, r#"{"error":{"code":"ErrorInvalid","message":"Invalid Staff"}}"#),
    Rule::new("bookings/invalid-request", HERE, means::INVALID)
        .codes(&["ErrorInvalidRequest"])
        .why("The request is malformed.")
        .sources(&["https://github.com/microsoftgraph/microsoft-graph-docs/issues/13076"])
        .example(Create, 400, r#"{"error":{"code":"ErrorInvalidRequest","message":"The request is invalid."}}"#),
];
