//! The REST door of one region.

use std::time::Duration;

use serde_json::{Value, json};

use super::store::Store;
use super::{Policy, Setup, documents, feed, session, words};
use crate::sim::services::door::{Ask, Reply};

/// What a call needs beside the store.
pub(super) struct Scene<'a> {
    pub setup: &'a Setup,
    pub region: usize,
    pub endpoints: &'a [String],
    pub at: Duration,
}

/// The word of the plan for a call.
pub(super) fn operation(ask: &Ask) -> &'static str {
    let segments = ask.segments();
    let query = ask.header("x-ms-documentdb-isquery").is_some();
    match (ask.method.as_str(), segments.as_slice()) {
        ("GET", []) => "read account",
        ("GET", ["dbs", _, "colls", _]) => "read container",
        ("POST", ["dbs", _, "colls", _, "docs"]) if query => "query",
        ("POST", ["dbs", _, "colls", _, "docs"]) => "create item",
        ("GET", ["dbs", _, "colls", _, "docs", _]) => "read item",
        ("PUT", ["dbs", _, "colls", _, "docs", _]) => "replace item",
        ("DELETE", ["dbs", _, "colls", _, "docs", _]) => "delete item",
        ("GET", ["dbs", _, "colls", _, "conflicts"]) => "read conflicts",
        ("DELETE", ["dbs", _, "colls", _, "conflicts", _]) => "delete conflict",
        _ => "other",
    }
}

pub(super) fn answer(store: &mut Store, scene: &Scene<'_>, ask: &Ask) -> Reply {
    if !is_authorized(ask) {
        return words::unauthorized();
    }
    if ask.header("x-ms-date").is_none() || ask.header("x-ms-version").is_none() {
        return words::bad_request("x-ms-date and x-ms-version are required.");
    }
    let operation = operation(ask);
    let writes = !operation.starts_with("read") && operation != "query";
    if writes && scene.region != 0 && !scene.setup.multi_write {
        return words::not_writable_here();
    }
    if let Some(token) = ask.header("x-ms-session-token")
        && !writes
        && !session::is_served(store, scene.region, token)
    {
        return words::not_yet_here();
    }
    let reply = act(store, scene, ask, operation);
    reply
        .header("x-ms-session-token", session::token(store, scene.region))
        .header("x-ms-request-charge", "1")
        .header("x-ms-activity-id", "3c1d6d1e-6a5f-4a0a-9a54-8a1f0a2b3c4d")
}

fn act(store: &mut Store, scene: &Scene<'_>, ask: &Ask, operation: &str) -> Reply {
    let segments = ask.segments();
    let last = segments.last().copied().unwrap_or_default();
    match operation {
        "read account" => account(scene),
        "read container" => container(scene.setup, last),
        "query" => documents::query(store, scene, ask),
        "create item" => documents::create(store, scene, ask),
        "read item" => documents::read(store, scene, ask, last),
        "replace item" => documents::replace(store, scene, ask, last),
        "delete item" => documents::delete(store, scene, ask, last),
        "read conflicts" => feed::list(store, scene, ask),
        "delete conflict" => feed::delete(store, ask, last),
        _ => words::not_found(),
    }
}

/// `type=aad&ver=1.0&sig=…`, percent-encoded as a whole
/// (learn.microsoft.com, "Access control in the Azure Cosmos DB SQL API").
fn is_authorized(ask: &Ask) -> bool {
    let Some(sent) = ask.header("authorization") else {
        return false;
    };
    let encoded = !sent.contains(['=', '&', ' ']);
    let decoded = percent_encoding::percent_decode_str(sent).decode_utf8_lossy();
    let token = decoded.strip_prefix("type=aad&ver=1.0&sig=");
    encoded && token.is_some_and(|token| !token.is_empty())
}

/// The value of the partition key header, `["a"]`, as the text of its one part.
pub(super) fn partition(ask: &Ask) -> Option<String> {
    let parts: Vec<Value> =
        serde_json::from_str(ask.header("x-ms-documentdb-partitionkey")?).ok()?;
    match parts.as_slice() {
        [one] => Some(one.to_string()),
        _ => None,
    }
}

fn account(scene: &Scene<'_>) -> Reply {
    let region = |(number, endpoint): (usize, &String)| json!({"name": format!("Region {number}"), "databaseAccountEndpoint": endpoint});
    let all: Vec<Value> = scene.endpoints.iter().enumerate().map(region).collect();
    let writable = if scene.setup.multi_write {
        all.len()
    } else {
        1
    };
    let body = json!({
        "id": "simulated",
        "writableLocations": all.get(..writable.min(all.len())),
        "readableLocations": all,
        "enableMultipleWriteLocations": scene.setup.multi_write,
        "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
    });
    Reply::json(200, &body)
}

fn container(setup: &Setup, name: &str) -> Reply {
    let policy = match &setup.policy {
        Policy::LastWriterWins { path } => {
            json!({"mode": "LastWriterWins", "conflictResolutionPath": path, "conflictResolutionProcedure": ""})
        }
        Policy::Custom => {
            json!({"mode": "Custom", "conflictResolutionPath": "", "conflictResolutionProcedure": ""})
        }
    };
    let unique = setup.unique_paths.iter();
    let unique: Vec<Value> = unique.map(|path| json!({"paths": [path]})).collect();
    let body = json!({
        "id": name,
        "partitionKey": {"paths": [setup.partition_path], "kind": "Hash"},
        "uniqueKeyPolicy": {"uniqueKeys": unique},
        "conflictResolutionPolicy": policy,
    });
    Reply::json(200, &body)
}
