//! Refusals in Graph's words: status, code, message, and the JSON body around them.

use jiff::Timestamp;
use serde_json::{Value, json};

/// An answer that is no success.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Graph's code.
    pub code: String,
    /// Graph's message.
    pub message: String,
    /// Value of `Retry-After`, where it is sent.
    pub retry_after: Option<String>,
    /// Value of `Location`, for a redirect.
    pub location: Option<String>,
}

impl Refusal {
    /// Any refusal.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            retry_after: None,
            location: None,
        }
    }

    /// 400 `InvalidRequest`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidRequest", message)
    }

    /// `ExtensionError`: the workload behind Graph answered. The message names its status and
    /// reason in a fixed grammar; the HTTP status is the same where both are known.
    pub fn extension(operation: &str, status: u16, reason: &str) -> Self {
        let name = status_name(status);
        Self::new(
            status,
            "ExtensionError",
            format!("Operation: {operation}; Exception: [Status Code: {name}; Reason: {reason}]"),
        )
    }

    /// 401 of the gateway.
    pub fn unauthenticated(message: &str) -> Self {
        Self::new(401, "InvalidAuthenticationToken", message)
    }

    /// 404 for a subscription that is not there (msgraph-sdk-php#221, docs#5725).
    pub fn not_found() -> Self {
        Self::new(404, "ResourceNotFound", "The object was not found.")
    }

    /// 409 for a second subscription of the same thing (abraunegg/onedrive#2501). The pages
    /// print `<>` where the real body names the holder.
    pub fn in_use(holder: Option<&str>) -> Self {
        let holder = holder.unwrap_or("<>");
        let words =
            format!("Subscription Id {holder} already exists for the requested combination");
        Self::new(409, "ObjectIdentifierInUse", words)
    }

    /// 429 (sample of the throttling page).
    pub fn throttled(retry_after: Option<String>) -> Self {
        let mut refusal = Self::new(429, "TooManyRequests", "Please retry again later.");
        refusal.retry_after = retry_after;
        refusal
    }

    /// What Graph was seen to say for a status, for injected faults.
    pub fn typical(status: u16, operation: &str) -> Self {
        match status {
            308 => Self::new(308, "PermanentRedirect", ""),
            401 => Self::unauthenticated("Access token has expired or is not yet valid."),
            403 => Self::extension(operation, 403, "Access denied"),
            404 => Self::not_found(),
            409 => Self::in_use(None),
            429 => Self::throttled(Some("10".into())),
            // microsoft-graph-devx-api#126
            500 => Self::extension(operation, 500, "Request has been quarantined by condition."),
            // Q&A 417261
            503 => Self::extension(
                operation,
                503,
                "Target resource 'mailbox' hosted on database 'DB' is currently on backend 'Unknown'",
            ),
            // The shape of the other gateway errors; no body is recorded in the sources.
            _ => Self::new(status, "UnknownError", ""),
        }
    }

    /// The body: property names and date form as in real answers.
    pub fn body(&self, now: Timestamp, request_id: &str, client_request_id: &str) -> Value {
        let mut inner = json!({
            "date": now.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
            "request-id": request_id,
            "client-request-id": client_request_id,
        });
        if self.status == 429 && self.code == "TooManyRequests" {
            inner["code"] = "429".into();
            inner["message"] = "Please retry after".into();
            inner["status"] = "429".into();
        }
        json!({"error": {"code": self.code, "message": self.message, "innerError": inner}})
    }
}

/// .NET's name of a status, as it stands in `ExtensionError`; its number where it has none.
fn status_name(status: u16) -> String {
    match status {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        500 => "InternalServerError",
        502 => "BadGateway",
        503 => "ServiceUnavailable",
        504 => "GatewayTimeout",
        other => return other.to_string(),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workloads_answers_follow_their_grammar() {
        let refusal = Refusal::extension("Create", 403, "Access denied");
        assert_eq!(
            refusal.message,
            "Operation: Create; Exception: [Status Code: Forbidden; Reason: Access denied]"
        );
        let now = "2026-03-01T12:00:00.5Z".parse().unwrap();
        let body = refusal.body(now, "r", "c");
        assert_eq!(body["error"]["code"], "ExtensionError");
        assert_eq!(body["error"]["innerError"]["date"], "2026-03-01T12:00:00");
        assert_eq!(body["error"]["innerError"]["request-id"], "r");
        assert_eq!(body["error"]["innerError"]["client-request-id"], "c");
    }
}
