//! Items and entries of the conflict feed, as the service writes them.

use std::sync::Arc;

use serde_json::{Map, Value, json};

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

/// What the container says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Shape {
    /// Path of the partition key.
    pub partition: String,
    /// The sets of paths whose values together are unique in a partition.
    pub unique: Vec<Vec<String>>,
    /// Whether what loses between regions goes to the conflict feed.
    pub feed: bool,
}

impl Shape {
    /// Reads the container's properties. A partition key of several levels is not known here.
    pub fn read(value: &Value) -> Option<Self> {
        let texts = |value: &Value| -> Vec<String> {
            let all = value.as_array().into_iter().flatten();
            all.filter_map(|one| Some(one.as_str()?.to_owned()))
                .collect()
        };
        let keys = value["uniqueKeyPolicy"]["uniqueKeys"].as_array();
        let partition = texts(&value["partitionKey"]["paths"]);
        let [partition] = partition.as_slice() else {
            return None;
        };
        let mode = value["conflictResolutionPolicy"]["mode"].as_str();
        Some(Self {
            partition: partition.clone(),
            unique: keys
                .into_iter()
                .flatten()
                .map(|key| texts(&key["paths"]))
                .collect(),
            feed: mode != Some("LastWriterWins"),
        })
    }
}

/// A query for items of the partition with all of these values: path and value of each.
pub(super) fn by_values(values: &[(&str, &Value)]) -> Value {
    let place = |path: &str| -> String {
        let parts = path.split('/').filter(|part| !part.is_empty());
        parts
            .map(|part| format!("[{}]", Value::from(part)))
            .collect()
    };
    let conditions: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(number, (path, _))| format!("c{} = @p{number}", place(path)))
        .collect();
    let given: Vec<Value> = values
        .iter()
        .enumerate()
        .map(|(number, (_, value))| json!({"name": format!("@p{number}"), "value": value}))
        .collect();
    json!({
        "query": format!("SELECT * FROM c WHERE {}", conditions.join(" AND ")),
        "parameters": given,
    })
}

/// Puts a value at a path such as `/a/b`.
pub(super) fn put_at(item: &mut Map<String, Value>, path: &str, value: Value) {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let [outer @ .., last] = parts.as_slice() else {
        return;
    };
    let mut place = item;
    for part in outer {
        let inner = place.entry(*part).or_insert_with(|| json!({}));
        if !inner.is_object() {
            *inner = json!({});
        }
        let Value::Object(inner) = inner else { return };
        place = inner;
    }
    place.insert((*last).to_owned(), value);
}

/// The value at a path such as `/a/b`.
pub(super) fn at_path<'v>(item: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let first = item.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_its_place_part_by_part() {
        let (one, two) = (Value::from(1), Value::from("x"));
        let query = by_values(&[("/a/b\"c", &one), ("/d", &two)]);
        let text = r#"SELECT * FROM c WHERE c["a"]["b\"c"] = @p0 AND c["d"] = @p1"#;
        assert_eq!(query["query"], text);
        assert_eq!(query["parameters"][1]["value"], "x");
    }

    #[test]
    fn a_value_is_put_where_it_is_found() {
        let mut item = Map::new();
        put_at(&mut item, "/a/b", Value::from(1));
        put_at(&mut item, "/a/c", Value::from(2));
        assert_eq!(at_path(&item, "/a/b"), Some(&Value::from(1)));
        assert_eq!(at_path(&item, "/a/c"), Some(&Value::from(2)));
        assert_eq!(at_path(&item, "/a/d"), None);
    }

    #[test]
    fn a_partition_key_of_several_levels_is_not_known() {
        let shape = |paths: Value| {
            Shape::read(&json!({"partitionKey": {"paths": paths},
                "conflictResolutionPolicy": {"mode": "Custom"},
                "uniqueKeyPolicy": {"uniqueKeys": [{"paths": ["/a", "/b"]}]}}))
        };
        assert_eq!(shape(json!(["/a", "/b"])), None);
        let read = shape(json!(["/tenant"])).unwrap();
        assert_eq!(read.unique, [["/a", "/b"]]);
        assert!(read.feed);
    }
}
