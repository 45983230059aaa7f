//! Items: create, read, replace, delete and query in one region.

use serde_json::{Value, json};

use super::api::{Scene, partition};
use super::store::{Key, Store, at_path};
use super::{query as queries, words};
use crate::sim::services::door::{Ask, Reply};

fn with_etag(status: u16, item: &Value) -> Reply {
    let etag = item["_etag"].as_str().unwrap_or_default();
    Reply::json(status, item).header("etag", etag)
}

/// The item of a body and its place, if the partition of the header is its own.
fn sent(scene: &Scene<'_>, ask: &Ask) -> Result<(Value, Key), Reply> {
    let object = ask.object();
    let item = Value::Object(object.ok_or_else(|| words::bad_request("The item is no object."))?);
    let id = item["id"].as_str().unwrap_or_default().to_owned();
    if id.is_empty() {
        return Err(words::bad_request("The item has no id."));
    }
    let own = at_path(&item, &scene.setup.partition_path).unwrap_or(&Value::Null);
    let own = own.to_string();
    match partition(ask) {
        Some(named) if named == own => Ok((item, Key { partition: own, id })),
        _ => Err(words::wrong_partition()),
    }
}

fn named(ask: &Ask, id: &str) -> Result<Key, Reply> {
    let missing = || words::bad_request("The partition key header is missing.");
    let partition = partition(ask).ok_or_else(missing)?;
    let id = id.to_owned();
    Ok(Key { partition, id })
}

pub(super) fn create(store: &mut Store, scene: &Scene<'_>, ask: &Ask) -> Reply {
    let (item, key) = match sent(scene, ask) {
        Ok(sent) => sent,
        Err(refusal) => return refusal,
    };
    if store.standing(scene.region, &key).is_some() {
        return match scene.setup.unique_paths.is_empty() {
            true => words::item_exists(),
            false => words::unique_exists(),
        };
    }
    if store.holder_of_unique(scene.setup, scene.region, &key, &item) {
        return words::unique_exists();
    }
    let stands = store.put(scene.setup, scene.region, item, scene.at);
    with_etag(201, &stands)
}

pub(super) fn read(store: &Store, scene: &Scene<'_>, ask: &Ask, id: &str) -> Reply {
    match named(ask, id) {
        Err(refusal) => refusal,
        Ok(key) => match store.standing(scene.region, &key) {
            Some(item) => with_etag(200, item),
            None => words::not_found(),
        },
    }
}

/// The refusal of a write over what stands, if there is one.
fn refusal(store: &Store, scene: &Scene<'_>, ask: &Ask, key: &Key) -> Option<Reply> {
    let Some(stands) = store.standing(scene.region, key) else {
        return Some(words::not_found());
    };
    let stale = |wanted: &str| wanted != "*" && stands["_etag"] != *wanted;
    ask.header("if-match").is_some_and(stale).then(words::stale)
}

pub(super) fn replace(store: &mut Store, scene: &Scene<'_>, ask: &Ask, id: &str) -> Reply {
    let (item, key) = match sent(scene, ask) {
        Ok(sent) => sent,
        Err(refusal) => return refusal,
    };
    if key.id != id {
        return words::bad_request("The id of the item is not that of the address.");
    }
    if let Some(refusal) = refusal(store, scene, ask, &key) {
        return refusal;
    }
    if store.holder_of_unique(scene.setup, scene.region, &key, &item) {
        return words::unique_exists();
    }
    let stands = store.put(scene.setup, scene.region, item, scene.at);
    with_etag(200, &stands)
}

pub(super) fn delete(store: &mut Store, scene: &Scene<'_>, ask: &Ask, id: &str) -> Reply {
    let key = match named(ask, id) {
        Ok(key) => key,
        Err(refusal) => return refusal,
    };
    if let Some(refusal) = refusal(store, scene, ask, &key) {
        return refusal;
    }
    store.delete(scene.region, &key, scene.at);
    Reply::text(204, "")
}

pub(super) fn query(store: &Store, scene: &Scene<'_>, ask: &Ask) -> Reply {
    let conditions = ask.object().map(Value::Object);
    let conditions = conditions.as_ref().and_then(queries::conditions);
    let (Some(conditions), Some(partition)) = (conditions, partition(ask)) else {
        return words::bad_request("Syntax error, or the partition key header is missing.");
    };
    let rows = store.regions[scene.region]
        .iter()
        .filter_map(|(key, place)| {
            let item = place.now.item.as_ref()?;
            let fits = conditions
                .iter()
                .all(|(path, wanted)| at_path(item, path) == Some(wanted));
            (key.partition == partition && fits).then_some(item)
        });
    let found: Vec<&Value> = rows.collect();
    let count = found.len();
    Reply::json(
        200,
        &json!({"_rid": "rid", "Documents": found, "_count": count}),
    )
}
