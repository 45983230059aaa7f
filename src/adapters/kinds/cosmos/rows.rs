//! Items and entries of the conflict feed, as the service writes them.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::adapters::kinds::canonical;
use crate::domain::ensure::kinds::cosmos::{FeedEntry, ItemRow};
use crate::domain::ensure::kinds::mark::Mark;

/// What the service adds to an item; it is not sent back.
pub(super) const SYSTEM: &[&str] = &["_rid", "_self", "_etag", "_attachments", "_ts", "_lsn"];

/// Reads an item. `field`: the property that holds the mark.
pub(super) fn item(value: &Value, field: &str) -> Option<ItemRow> {
    let object = value.as_object()?;
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let fields = canonical::fields(object);
    Some(ItemRow {
        id: text("id")?.to_owned(),
        version: text("_etag").unwrap_or_default().to_owned(),
        mark: text(field).and_then(Mark::parse),
        fields,
        content: Arc::from(value.to_string()),
    })
}

/// Reads an entry of the feed, if it is about the item: the version that does not stand is in
/// `content`, as text. A delete has none, and is about whatever item it names.
pub(super) fn entry(value: &Value, id: &str, field: &str) -> Option<FeedEntry> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let content = text("content").and_then(|text| serde_json::from_str::<Value>(text).ok());
    let row = content.as_ref().and_then(|content| item(content, field));
    let about = row.as_ref().is_some_and(|row| row.id == id);
    let entry = FeedEntry {
        id: text("id")?.to_owned(),
        item: row,
    };
    about.then_some(entry)
}

/// An item without what the service adds.
pub(super) fn without_system(item: &mut Map<String, Value>) {
    item.retain(|name, _| !SYSTEM.contains(&name.as_str()));
}

/// A query for other items of the partition with one of these values: path and value of each.
pub(super) fn by_value(path: &str, value: &Value) -> Value {
    let parts = path.split('/').filter(|part| !part.is_empty());
    let place: String = parts
        .map(|part| format!("[{}]", Value::from(part)))
        .collect();
    serde_json::json!({
        "query": format!("SELECT * FROM c WHERE c{place} = @p0"),
        "parameters": [{"name": "@p0", "value": value}],
    })
}

/// The value at a path such as `/a/b`.
pub(super) fn at_path<'v>(item: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let first = item.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}
