//! What Resource Manager says of sites.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::site::Site;
use super::{State, answers};
use crate::sim::services::{Ask, Reply};

pub(super) fn answer(state: &mut State, now: Timestamp, ask: &Ask) -> Reply {
    let segments = ask.segments();
    let Some((id, rest)) = target(&segments) else {
        return answers::not_found(&segments.join("/"));
    };
    if let ("GET", ["providers", "Microsoft.Authorization", "locks"]) = (ask.method.as_str(), rest)
    {
        return locks(state, &id);
    }
    let found = |site: &Site| site.id().eq_ignore_ascii_case(&id);
    let Some(at) = state.sites.iter().position(found) else {
        let name = segments.last().copied().unwrap_or_default();
        return answers::not_found(&format!("Microsoft.Web/sites/{name}"));
    };
    if ask.method != "GET"
        && let Some(refused) = refusal(state, now, at, &id)
    {
        return refused;
    }
    let site = &mut state.sites[at];
    match (ask.method.as_str(), rest) {
        ("GET", []) => Reply::json(200, &site_json(site)),
        ("GET", ["config", "web"]) => Reply::json(200, &config(site)),
        ("POST", ["config", "appsettings", "list"]) => Reply::json(200, &settings(site)),
        ("PUT" | "PATCH", ["config", "web"]) => set_config(site, ask),
        ("PUT", ["config", "appsettings"]) => set_settings(site, ask),
        _ => answers::not_found(&segments.join("/")),
    }
}

/// The id of a resource, and what is asked of it.
fn target<'c>(segments: &'c [&'c str]) -> Option<(String, &'c [&'c str])> {
    let length = match segments {
        [
            "subscriptions",
            _,
            "resourceGroups",
            _,
            "providers",
            "Microsoft.Web",
            "sites",
            _,
            ..,
        ] => 8,
        ["subscriptions", _, "resourceGroups", _, ..] => 4,
        ["subscriptions", _, ..] => 2,
        _ => return None,
    };
    let (id, rest) = segments.split_at(length);
    Some((format!("/{}", id.join("/")), rest))
}

/// A lock, or another operation, refuses everything but GET; a lock counts as far up as the
/// subscription.
fn refusal(state: &State, now: Timestamp, at: usize, id: &str) -> Option<Reply> {
    let locks = state.locks_over(id);
    if let Some(lock) = locks.iter().find(|lock| lock.level == "ReadOnly") {
        return Some(answers::scope_locked(id, &lock.scope));
    }
    let until = state.sites[at].managed_until.filter(|until| *until > now);
    until.map(|_| answers::managed(state.switches.plan_busy, now))
}

fn locks(state: &State, id: &str) -> Reply {
    let rows: Vec<Value> = state
        .locks_over(id)
        .iter()
        .map(|lock| {
            json!({
                "id": format!("{}/providers/Microsoft.Authorization/locks/{}", lock.scope, lock.name),
                "name": lock.name,
                "type": "Microsoft.Authorization/locks",
                "properties": {"level": lock.level, "notes": lock.notes},
            })
        })
        .collect();
    Reply::json(200, &json!({"value": rows}))
}

fn site_json(site: &Site) -> Value {
    json!({
        "id": site.id(),
        "name": site.name,
        "type": "Microsoft.Web/sites",
        "kind": "functionapp,linux",
        "properties": {
            "state": "Running",
            "enabledHostNames": [
                format!("{}.azurewebsites.net", site.name),
                format!("{}.scm.azurewebsites.net", site.name),
            ],
        },
    })
}

fn config(site: &Site) -> Value {
    let cors = match site.origins.as_slice() {
        [] => Value::Null,
        origins => json!({"allowedOrigins": origins, "supportCredentials": false}),
    };
    json!({
        "id": format!("{}/config/web", site.id()),
        "name": site.name,
        "properties": {"cors": cors},
    })
}

fn settings(site: &Site) -> Value {
    json!({
        "id": format!("{}/config/appsettings", site.id()),
        "name": "appsettings",
        "properties": site.settings,
    })
}

/// The API takes origins with a wildcard subdomain, which the portal does not
/// (<https://learn.microsoft.com/en-us/azure/app-service/app-service-web-tutorial-rest-api>).
fn set_config(site: &mut Site, ask: &Ask) -> Reply {
    let body: Value = serde_json::from_slice(&ask.body).unwrap_or_default();
    if let Some(origins) = body["properties"]["cors"]["allowedOrigins"].as_array() {
        let origins = origins.iter().filter_map(Value::as_str);
        site.origins = origins.map(str::to_owned).collect();
    }
    Reply::json(200, &config(site))
}

/// Replaces all settings, as the real call does.
fn set_settings(site: &mut Site, ask: &Ask) -> Reply {
    let body: Value = serde_json::from_slice(&ask.body).unwrap_or_default();
    let pairs = body["properties"].as_object().into_iter().flatten();
    site.settings = pairs
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    Reply::json(200, &settings(site))
}
