//! The API door: <https://learn.microsoft.com/en-us/rest/api/keyvault/secrets/operation-groups>.

use serde_json::{Value, json};

use super::{Secret, Standing, State};
use crate::sim::services::{Ask, Reply};

const VAULT: &str = "https://contoso-vault.vault.azure.net";
/// Longest retention, and the default.
const RETENTION_S: i64 = 90 * 24 * 3600;

/// The word for a call; mishaps are planned by it.
pub(super) fn operation(ask: &Ask) -> &'static str {
    match (ask.method.as_str(), ask.segments().as_slice()) {
        ("GET", ["secrets"]) => "list",
        ("GET", ["secrets", ..]) => "read",
        ("PUT", ["secrets", ..]) => "set",
        ("DELETE", ["secrets", ..]) => "delete",
        ("GET", ["deletedsecrets"]) => "list deleted",
        ("GET", ["deletedsecrets", ..]) => "read deleted",
        ("POST", ["deletedsecrets", ..]) => "recover",
        _ => "other",
    }
}

pub(super) fn answer(state: &mut State, ask: &Ask) -> Reply {
    if ask.header("authorization").is_none() {
        return unauthorized();
    }
    match (ask.method.as_str(), ask.segments().as_slice()) {
        ("GET", ["secrets"]) => list(state, readable, live_row),
        ("GET", ["secrets", name]) => read(state, name),
        ("PUT", ["secrets", name]) => set(state, name, ask),
        ("DELETE", ["secrets", name]) => delete(state, name),
        ("GET", ["deletedsecrets"]) => list(state, |one| one == Standing::Deleted, deleted_row),
        ("GET", ["deletedsecrets", name]) => match state.standing(name) {
            Some(Standing::Deleted) => Reply::json(200, &deleted(state, name)),
            _ => not_found(&format!("Deleted Secret not found: {name}")),
        },
        ("POST", ["deletedsecrets", name, "recover"]) => recover(state, name),
        _ => error(404, "BadParameter", "There is no such address.", None),
    }
}

/// A secret that is being recovered reads well before it can be set: recovery counted as
/// complete, and the next set was refused (azure-sdk-for-net#31581).
fn readable(standing: Standing) -> bool {
    matches!(standing, Standing::Live | Standing::Recovering { .. })
}

fn read(state: &mut State, name: &str) -> Reply {
    match state.find(name) {
        Some(secret) if readable(secret.standing) => Reply::json(200, &live(name, secret)),
        _ => absent(name),
    }
}

fn set(state: &mut State, name: &str, ask: &Ask) -> Reply {
    if let Some(refused) = state.standing(name).and_then(|now| refusal(now, name)) {
        return refused;
    }
    let body = ask.object().unwrap_or_default();
    let Some(value) = body.get("value").and_then(Value::as_str) else {
        return error(
            400,
            "BadParameter",
            "The value of a secret is missing.",
            None,
        );
    };
    state.set(name, value);
    read(state, name)
}

fn delete(state: &mut State, name: &str) -> Reply {
    match state.standing(name) {
        Some(Standing::Live) => {
            state.begin_delete(name);
            Reply::json(200, &deleted(state, name))
        }
        Some(recovering @ Standing::Recovering { .. }) => {
            refusal(recovering, name).unwrap_or_else(|| absent(name))
        }
        _ => absent(name),
    }
}

fn recover(state: &mut State, name: &str) -> Reply {
    match state.standing(name) {
        Some(Standing::Deleted) => {
            state.begin_recover(name);
            read(state, name)
        }
        // A purge so early was refused like that (terraform-provider-azurerm#10454).
        Some(early @ Standing::Deleting { .. }) => {
            refusal(early, name).unwrap_or_else(|| absent(name))
        }
        _ => not_found(&format!("Deleted Secret not found: {name}")),
    }
}

/// Why a name cannot be written now.
fn refusal(standing: Standing, name: &str) -> Option<Reply> {
    let (words, inner) = match standing {
        Standing::Live => return None,
        // https://github.com/hashicorp/terraform-provider-azurerm/issues/10454
        Standing::Deleting { .. } => ("is currently being deleted.", "ObjectIsBeingDeleted"),
        // https://github.com/external-secrets/external-secrets/issues/3519
        Standing::Deleted => (
            "is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged.",
            "ObjectIsDeletedButRecoverable",
        ),
        // https://github.com/hashicorp/terraform-provider-azurerm/issues/12285
        Standing::Recovering { .. } => (
            "is currently being recovered and cannot be re-created; retry later.",
            "ObjectIsBeingRecovered",
        ),
    };
    let message = format!("Secret {name} {words}");
    Some(error(409, "Conflict", &message, Some(inner)))
}

fn list(state: &State, shown: fn(Standing) -> bool, row: fn(&str, &Secret) -> Value) -> Reply {
    let rows = state.secrets.iter();
    let rows = rows.filter(|(_, secret)| shown(secret.standing));
    let rows: Vec<Value> = rows.map(|(name, secret)| row(name, secret)).collect();
    Reply::json(200, &json!({"value": rows, "nextLink": null}))
}

fn live_row(name: &str, _: &Secret) -> Value {
    json!({"id": format!("{VAULT}/secrets/{name}"), "attributes": {"enabled": true}})
}

fn live(name: &str, secret: &Secret) -> Value {
    let (version, value) = (secret.values.len(), secret.values.last());
    json!({
        "value": value,
        "id": format!("{VAULT}/secrets/{name}/{version:032x}"),
        "attributes": {"enabled": true, "recoveryLevel": "Recoverable"},
    })
}

fn deleted(state: &mut State, name: &str) -> Value {
    let found = state.find(name);
    found.map_or(Value::Null, |secret| deleted_row(name, secret))
}

fn deleted_row(name: &str, secret: &Secret) -> Value {
    let at = secret.deleted_at.as_second();
    json!({
        "recoveryId": format!("{VAULT}/deletedsecrets/{name}"),
        "deletedDate": at,
        "scheduledPurgeDate": at + RETENTION_S,
        "id": format!("{VAULT}/secrets/{name}/{:032x}", secret.values.len()),
        "attributes": {"enabled": true, "recoveryLevel": "Recoverable"},
    })
}

fn absent(name: &str) -> Reply {
    not_found(&format!(
        "A secret with (name/id) {name} was not found in this key vault."
    ))
}

fn not_found(message: &str) -> Reply {
    error(404, "SecretNotFound", message, None)
}

/// <https://github.com/hashicorp/terraform-provider-azurerm/issues/19749>
fn unauthorized() -> Reply {
    let words = "AKV10000: Request is missing a Bearer or PoP token.";
    let challenge = "Bearer authorization=\"https://login.windows.net/16b3c013-d300-468d-ac64-7eda0820b6d3\", resource=\"https://vault.azure.net\"";
    error(401, "Unauthorized", words, None).header("www-authenticate", challenge)
}

fn error(status: u16, code: &str, message: &str, inner: Option<&str>) -> Reply {
    let mut body = json!({"error": {"code": code, "message": message}});
    if let Some(inner) = inner {
        body["error"]["innererror"] = json!({"code": inner});
    }
    Reply::json(status, &body)
}
