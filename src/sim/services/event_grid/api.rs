//! The API door:
//! <https://learn.microsoft.com/en-us/rest/api/eventgrid/controlplane/system-topic-event-subscriptions>.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Topic;
use crate::sim::services::{Ask, Reply};

/// The word for a call; mishaps are planned by it.
pub(super) fn operation(ask: &Ask) -> &'static str {
    match ask.method.as_str() {
        "PUT" => "create",
        "GET" => "read",
        _ => "other",
    }
}

pub(super) fn answer(topics: &mut [Topic], now: Timestamp, ask: &Ask) -> Reply {
    if ask.header("authorization").is_none() {
        let words = "Authentication failed. The 'Authorization' header is missing.";
        return error(401, "AuthenticationFailed", words);
    }
    let segments = ask.segments();
    let [
        "subscriptions",
        _,
        "resourceGroups",
        _,
        "providers",
        "Microsoft.EventGrid",
        "systemTopics",
        topic,
        "eventSubscriptions",
        name,
    ] = segments.as_slice()
    else {
        return error(404, "ResourceNotFound", "There is no such address.");
    };
    let id = format!("/{}", segments[..8].join("/"));
    let found = topics
        .iter_mut()
        .find(|one| one.id.eq_ignore_ascii_case(&id));
    let Some(found) = found else {
        // https://github.com/pulumi/pulumi-azure/issues/1237
        let words = format!(
            "Can not perform requested operation on nested resource. Parent resource '{topic}' not found."
        );
        return error(404, "ParentResourceNotFound", &words);
    };
    match ask.method.as_str() {
        "PUT" => create(found, now, name, ask),
        "GET" => match found.subscriptions.get(*name) {
            Some(properties) => Reply::json(200, &shown(&id, name, properties, "Succeeded")),
            // https://github.com/pulumi/pulumi-azure-native/issues/1681
            None => error(404, "ResourceNotFound", "Event subscription doesn't exist."),
        },
        _ => error(
            405,
            "MethodNotAllowed",
            "Only PUT and GET are answered here.",
        ),
    }
}

/// A create is taken with 201, and goes on behind the answer; before the topic is ready nothing
/// comes of it, and the read with which clients wait says 404 ("resource created but read
/// failed", <https://github.com/pulumi/examples/issues/1672>).
fn create(topic: &mut Topic, now: Timestamp, name: &str, ask: &Ask) -> Reply {
    let body = ask.object().unwrap_or_default();
    let Some(properties) = body.get("properties").filter(|it| it.is_object()) else {
        return error(400, "InvalidRequest", "The properties are missing.");
    };
    if now >= topic.ready_at {
        topic
            .subscriptions
            .insert(name.to_owned(), properties.clone());
    }
    Reply::json(201, &shown(&topic.id, name, properties, "Creating"))
}

fn shown(topic: &str, name: &str, properties: &Value, state: &str) -> Value {
    let mut properties = properties.clone();
    properties["provisioningState"] = json!(state);
    json!({
        "id": format!("{topic}/eventSubscriptions/{name}"),
        "name": name,
        "type": "Microsoft.EventGrid/systemTopics/eventSubscriptions",
        "properties": properties,
    })
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({"error": {"code": code, "message": message}}),
    )
}
