//! The API door: <https://learn.microsoft.com/en-us/graph/api/resources/channel>.

use serde_json::{Value, json};

use super::{Channel, State};
use crate::sim::services::{Ask, Reply};

/// The word for a call; mishaps are planned by it.
pub(super) fn operation(ask: &Ask) -> &'static str {
    match (ask.method.as_str(), ask.path.len()) {
        ("GET", 5..) => "read channel",
        ("GET", _) => "list channel",
        ("POST", _) => "create channel",
        ("DELETE", _) => "delete channel",
        _ => "other channel",
    }
}

pub(super) fn answer(state: &mut State, ask: &Ask) -> Reply {
    if ask.header("authorization").is_none() {
        return error(401, "InvalidAuthenticationToken", "Access token is empty.");
    }
    let segments = ask.segments();
    let ["v1.0" | "beta", "teams", team, "channels", rest @ ..] = segments.as_slice() else {
        return not_found();
    };
    let Some(channels) = state.teams.get_mut(*team) else {
        return not_found();
    };
    match (ask.method.as_str(), rest) {
        // Live channels only: the deleted one that holds a name is not to be seen here.
        ("GET", []) => {
            let live = channels.iter().filter(|one| !one.deleted);
            let rows: Vec<Value> = live.map(shown).collect();
            Reply::json(200, &json!({"@odata.count": rows.len(), "value": rows}))
        }
        ("POST", []) => create(state, team, ask),
        ("GET", [id]) => match live(channels, id) {
            Some(channel) => Reply::json(200, &shown(channel)),
            None => not_found(),
        },
        ("DELETE", [id]) => match live(channels, id) {
            Some(channel) => {
                channel.deleted = true;
                Reply::text(204, "")
            }
            None => not_found(),
        },
        _ => not_found(),
    }
}

fn live<'c>(channels: &'c mut [Channel], id: &str) -> Option<&'c mut Channel> {
    channels.iter_mut().find(|one| one.id == id && !one.deleted)
}

/// Any channel of that name, live or deleted, refuses, in the same words
/// (microsoft-graph-docs#6168, #6649).
fn create(state: &mut State, team: &str, ask: &Ask) -> Reply {
    let body = ask.object().unwrap_or_default();
    let name = body.get("displayName").and_then(Value::as_str);
    let Some(name) = name.filter(|name| !name.trim().is_empty()) else {
        return error(400, "BadRequest", "A displayName is required.");
    };
    let held = state.teams.get(team).into_iter().flatten();
    if held.into_iter().any(|one| one.is_named(name)) {
        let words = "Channel name already existed, please use other name";
        return error(state.manners.status, state.manners.code, words);
    }
    match state.add(team, name) {
        Some(channel) => Reply::json(201, &shown(&channel)),
        None => not_found(),
    }
}

fn shown(channel: &Channel) -> Value {
    json!({"id": channel.id, "displayName": channel.name, "membershipType": "standard"})
}

fn not_found() -> Reply {
    error(404, "NotFound", "Nothing of this id was found.")
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    let inner = json!({
        "date": "2026-03-01T12:00:00",
        "request-id": "3c1f6a52-0b7d-4e0f-8a35-9d6e2b1c4f70",
    });
    let body = json!({"error": {"code": code, "message": message, "innerError": inner}});
    Reply::json(status, &body)
}
