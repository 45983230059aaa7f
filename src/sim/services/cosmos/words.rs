//! What the service says. Sources: the page of HTTP status codes for Cosmos DB, and the issues
//! that the rules of `domain::conflict` name for each.

use serde_json::json;

use crate::sim::services::door::Reply;

fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"code": code, "message": message}))
}

fn sub_status(reply: Reply, number: u16) -> Reply {
    reply.header("x-ms-substatus", number.to_string())
}

/// 409: the id is taken in the partition.
pub fn item_exists() -> Reply {
    error(
        409,
        "Conflict",
        "Resource with specified id or name already exists.",
    )
}

/// 409: the id, or a value that must be unique, is taken.
pub fn unique_exists() -> Reply {
    error(
        409,
        "Conflict",
        "Resource with specified id, name, or unique index already exists.",
    )
}

/// 412: the item is no longer the one that the ETag names.
pub fn stale() -> Reply {
    error(
        412,
        "PreconditionFailed",
        "Operation cannot be performed because one of the specified precondition is not met",
    )
}

/// 404.
pub fn not_found() -> Reply {
    error(
        404,
        "NotFound",
        "Entity with the specified id does not exist in the system.",
    )
}

/// 404/1002: this region has not yet seen what the session wrote.
pub fn not_yet_here() -> Reply {
    let words = "The read session is not available for the input session token.";
    sub_status(error(404, "NotFound", words), 1002)
}

/// 403/3: this region takes no writes.
pub fn not_writable_here() -> Reply {
    let words = "The requested operation cannot be performed at this region";
    sub_status(error(403, "Forbidden", words), 3)
}

/// 429/3200 with the wait in milliseconds.
pub fn too_many(wait_ms: u64) -> Reply {
    let words = r#"Message: {"Errors":["Request rate is large. More Request Units may be needed, so no changes were made. Please retry this request later."]}"#;
    sub_status(error(429, "429", words), 3200).header("x-ms-retry-after-ms", wait_ms.to_string())
}

/// 449: two writes of one item met.
pub fn retry_with() -> Reply {
    let words = r#"Message: {"Errors":["Conflicting request to resource has been attempted. Retry to avoid conflicts."]}"#;
    error(449, "449", words)
}

/// 410: the partition moved.
pub fn gone() -> Reply {
    sub_status(
        error(
            410,
            "Gone",
            "The requested resource is no longer available at the server.",
        ),
        1002,
    )
}

/// 408: a write that ran out of time may have been done.
pub fn timed_out() -> Reply {
    error(408, "RequestTimeout", "Request timed out.")
}

/// 503: the service promises not to have processed it.
pub fn unavailable() -> Reply {
    error(
        503,
        "ServiceUnavailable",
        "Service is currently unavailable.",
    )
}

/// 401: no token, or one that is not percent-encoded.
pub fn unauthorized() -> Reply {
    error(
        401,
        "Unauthorized",
        "The input authorization token can't serve the request. Please check that the header is formed as documented.",
    )
}

/// 400.
pub fn bad_request(message: &str) -> Reply {
    error(400, "BadRequest", message)
}

/// 400/1001: the partition key of the header is not that of the item.
pub fn wrong_partition() -> Reply {
    let words =
        "PartitionKey extracted from document doesn't match the one specified in the header.";
    sub_status(error(400, "BadRequest", words), 1001)
}
