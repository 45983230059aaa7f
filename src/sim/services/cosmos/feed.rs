//! The conflict feed: read by partition, each entry deleted by whoever has decided about it.

use serde_json::{Value, json};

use super::api::{Scene, partition};
use super::store::{Conflict, Store};
use super::words;
use crate::sim::services::door::{Ask, Reply};

fn shown(conflict: &Conflict) -> Value {
    json!({
        "id": conflict.id,
        "_rid": format!("rid-{}", conflict.id),
        "resourceType": "document",
        "operationType": conflict.kind.as_str(),
        "sourceResourceId": format!("rid-{}", conflict.key.id),
        "resourceId": format!("rid-{}", conflict.key.id),
        // The whole version that does not stand, as text.
        "content": conflict.item.as_ref().map(Value::to_string).unwrap_or_default(),
    })
}

pub(super) fn list(store: &Store, scene: &Scene<'_>, ask: &Ask) -> Reply {
    let Some(partition) = partition(ask) else {
        return words::bad_request("The partition key header is missing.");
    };
    let rows = scene.setup.page_rows.max(1);
    let from: usize = ask
        .header("x-ms-continuation")
        .and_then(|token| token.parse().ok())
        .unwrap_or(0);
    let own = store
        .feed
        .iter()
        .filter(|one| one.key.partition == partition);
    let all: Vec<Value> = own.map(shown).collect();
    let page: Vec<&Value> = all.iter().skip(from).take(rows).collect();
    let count = page.len();
    let body = json!({"_rid": "rid", "Conflicts": page, "_count": count});
    let reply = Reply::json(200, &body);
    if all.len() > from + rows {
        return reply.header("x-ms-continuation", (from + rows).to_string());
    }
    reply
}

pub(super) fn delete(store: &mut Store, ask: &Ask, id: &str) -> Reply {
    let before = store.feed.len();
    let partition = partition(ask);
    store
        .feed
        .retain(|one| one.id != id || Some(&one.key.partition) != partition.as_ref());
    if store.feed.len() == before {
        return words::not_found();
    }
    Reply::text(204, "")
}
