//! What the service says.

use serde_json::{Value, json};

use crate::sim::services::door::Reply;

/// An error in Graph's envelope.
pub(super) fn graph(status: u16, code: &str, message: &str) -> Reply {
    let body = json!({"error": {"code": code, "message": message, "innerError": {
        "date": "2026-03-01T12:00:00",
        "request-id": "7f3e9c1a-52d0-4b7e-9a64-1d2c3b4a5f60",
        "client-request-id": "7f3e9c1a-52d0-4b7e-9a64-1d2c3b4a5f60",
    }}});
    Reply::json(status, &body)
}

/// 409 of a staff member who exists or was removed lately: outside Graph's envelope, without a
/// code (Q&A 5491714).
pub(super) fn staff_exists() -> Reply {
    Reply::text(
        409,
        r#"{"statusCode":409,"message":"A staff member already exists"}"#,
    )
}

/// 500 of an appointment with a wrong staff id, a taken slot or a wrong service
/// (microsoft-graph-explorer-v4#3761, microsoft-graph-docs#19316).
pub(super) fn unknown() -> Reply {
    graph(500, "UnknownError", "")
}

/// 400 of an appointment without staff by an application (microsoft-graph-docs PR 22029).
pub(super) fn invalid_staff() -> Reply {
    graph(400, "ErrorInvalid", "Invalid Staff")
}

/// 400 of a body that does not fit (microsoft-graph-docs#13076).
pub(super) fn invalid() -> Reply {
    graph(400, "ErrorInvalidRequest", "The request is invalid.")
}

/// 404.
pub(super) fn not_found() -> Reply {
    graph(
        404,
        "ErrorItemNotFound",
        "The specified object was not found in the store.",
    )
}

/// 401 of Graph's gateway.
pub(super) fn unauthenticated() -> Reply {
    graph(401, "InvalidAuthenticationToken", "Access token is empty.")
}

/// A refusal of the portal, in a form of the simulator's own.
pub(super) fn portal(status: u16, words: &str) -> Reply {
    Reply::json(status, &json!({"portal": words}))
}

/// A list.
pub(super) fn page(rows: &[Value], next: Option<String>) -> Reply {
    let mut body = json!({"value": rows});
    if let Some(next) = next {
        body["@odata.nextLink"] = next.into();
    }
    Reply::json(200, &body)
}
