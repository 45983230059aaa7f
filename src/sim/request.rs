//! What callers send: operations and the bodies of create and PATCH.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::refusal::Refusal;
use super::token::Caller;

/// An operation of the subscriptions API.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// `POST /subscriptions`
    Create,
    /// `GET /subscriptions`, one page
    List,
    /// `GET /subscriptions/{id}`
    Get,
    /// `PATCH /subscriptions/{id}`
    Renew,
    /// `POST /subscriptions/{id}/reauthorize`
    Reauthorize,
    /// `DELETE /subscriptions/{id}`
    Delete,
}

impl Op {
    /// The word of logs, counters and faults.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::List => "list",
            Self::Get => "get",
            Self::Renew => "renew",
            Self::Reauthorize => "reauthorize",
            Self::Delete => "delete",
        }
    }

    /// The word that stands in `ExtensionError` messages. Create and Update were seen.
    pub fn extension_word(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::List | Self::Get => "Read",
            Self::Renew | Self::Reauthorize => "Update",
            Self::Delete => "Delete",
        }
    }
}

/// One call, as it came through either door.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is wanted.
    pub op: Op,
    /// Who wants it, or why nobody knows.
    pub caller: Result<Caller, Refusal>,
    /// The subscription, where one is named.
    pub id: Option<String>,
    /// The `$skiptoken` of a list.
    pub skiptoken: Option<String>,
    /// Whether this is the second half of a redirected renewal.
    pub redirected: bool,
    /// The caller's own id of the request.
    pub client_request_id: Option<String>,
    /// Address of the API as the caller sees it, such as `http://127.0.0.1:9000/v1.0`.
    pub base: String,
    /// The body.
    pub body: Vec<u8>,
}

/// The body of a create.
#[derive(Clone, PartialEq, Debug)]
pub struct CreateBody {
    /// Every property by name.
    pub fields: Map<String, Value>,
}

/// Reads a body as a JSON object. The words are those of Graph's gateway as generally known.
pub fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(Refusal::new(
            400,
            "BadRequest",
            "Unable to read JSON request payload. Please ensure Content-Type header is set and \
             payload is of valid JSON format.",
        )),
    }
}

/// A text property; absent, null and empty are the same.
pub fn text(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, Refusal> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(wrong_type(name, "a string")),
    }
}

/// A truth property.
pub fn flag(fields: &Map<String, Value>, name: &str) -> Result<Option<bool>, Refusal> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(wrong_type(name, "true or false")),
    }
}

/// A moment, in any form with an offset.
pub fn moment(fields: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, Refusal> {
    let Some(text) = text(fields, name)? else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        wrong_type(
            name,
            "a moment with an offset, such as 2026-03-01T12:00:00Z",
        )
    })
}

/// A required text property. The message is recorded for `expirationDateTime`
/// (docs#4092) and used for all.
pub fn required(fields: &Map<String, Value>, name: &str) -> Result<String, Refusal> {
    text(fields, name)?.ok_or_else(|| missing(name))
}

/// The refusal of a missing property.
pub fn missing(name: &str) -> Refusal {
    Refusal::invalid(format!(
        "{name} is a required property for subscription creation"
    ))
}

fn wrong_type(name: &str, wanted: &str) -> Refusal {
    Refusal::new(
        400,
        "BadRequest",
        format!("Cannot convert the value of '{name}': {wanted} is expected."),
    )
}
