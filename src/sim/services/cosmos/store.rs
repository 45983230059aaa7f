//! What stands in each region.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::{REGIONS, Setup};

/// An item's place: its partition and its id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Key {
    /// The partition key's value as JSON text, such as `"a"`.
    pub partition: String,
    pub id: String,
}

impl Key {
    /// The place in a partition whose key is a text.
    pub fn of(partition: &str, id: &str) -> Self {
        Self {
            partition: Value::from(partition).to_string(),
            id: id.to_owned(),
        }
    }
}

/// The kind of the last write of a version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Create,
    Replace,
    Delete,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Delete => "delete",
        }
    }
}

/// One version of an item.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Version {
    /// Where it was written.
    pub region: usize,
    /// The number of the write in that region.
    pub lsn: u64,
    pub kind: Kind,
    /// The item; `None` after a delete.
    pub item: Option<Value>,
    /// When it was written, since the account began.
    pub at: Duration,
}

/// An item in one region.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Place {
    pub now: Version,
    /// Whether the other region has it already.
    pub shared: bool,
}

/// An entry of the conflict feed.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Conflict {
    pub id: String,
    pub key: Key,
    pub kind: Kind,
    /// The version that does not stand.
    pub item: Option<Value>,
}

/// Both regions and what their reconciliation left behind.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub regions: [BTreeMap<Key, Place>; REGIONS],
    /// Writes of each region so far.
    pub written: [u64; REGIONS],
    /// `applied[here][there]`: the last write of `there` that `here` has seen.
    pub applied: [[u64; REGIONS]; REGIONS],
    pub feed: Vec<Conflict>,
    pub dropped: Vec<Option<Value>>,
    pub last_conflict: u64,
}

impl Store {
    pub fn standing(&self, region: usize, key: &Key) -> Option<&Value> {
        self.regions[region].get(key)?.now.item.as_ref()
    }

    /// Writes an item as new or over what stands, and answers it as it then reads.
    pub fn put(&mut self, setup: &Setup, region: usize, mut item: Value, at: Duration) -> Value {
        let key = Key {
            partition: at_path(&item, &setup.partition_path)
                .unwrap_or(&Value::Null)
                .to_string(),
            id: item["id"].as_str().unwrap_or_default().to_owned(),
        };
        let kind = match self.standing(region, &key) {
            Some(_) => Kind::Replace,
            None => Kind::Create,
        };
        let lsn = self.next_lsn(region);
        if let Some(object) = item.as_object_mut() {
            stamp(object, &key, region, lsn, at);
        }
        self.write(
            region,
            key,
            Version {
                region,
                lsn,
                kind,
                item: Some(item.clone()),
                at,
            },
        );
        item
    }

    /// Deletes what stands.
    pub fn delete(&mut self, region: usize, key: &Key, at: Duration) {
        let lsn = self.next_lsn(region);
        let kind = Kind::Delete;
        self.write(
            region,
            key.clone(),
            Version {
                region,
                lsn,
                kind,
                item: None,
                at,
            },
        );
    }

    fn next_lsn(&mut self, region: usize) -> u64 {
        self.written[region] += 1;
        self.applied[region][region] = self.written[region];
        self.written[region]
    }

    fn write(&mut self, region: usize, key: Key, now: Version) {
        let shared = false;
        self.regions[region].insert(key, Place { now, shared });
    }

    /// Another item of the partition that has the same value at a unique path.
    pub fn holder_of_unique(&self, setup: &Setup, region: usize, key: &Key, item: &Value) -> bool {
        let mut others = self.regions[region].iter().filter_map(|(other, place)| {
            let same = other.partition == key.partition && other.id != key.id;
            place.now.item.as_ref().filter(|_| same)
        });
        others.any(|other| {
            setup.unique_paths.iter().any(|path| {
                let value = at_path(item, path);
                value.is_some() && value == at_path(other, path)
            })
        })
    }
}

/// What the service adds to an item.
fn stamp(item: &mut Map<String, Value>, key: &Key, region: usize, lsn: u64, at: Duration) {
    let etag = format!("\"0{region}00{lsn:04x}-0000-4d00-0000-65e1c0de0000\"");
    item.insert("_rid".into(), format!("rid-{}", key.id).into());
    item.insert(
        "_self".into(),
        format!("dbs/d/colls/c/docs/rid-{}/", key.id).into(),
    );
    item.insert("_etag".into(), etag.into());
    item.insert("_attachments".into(), "attachments/".into());
    // Seconds, as the service counts them; the account began at this moment.
    item.insert("_ts".into(), (1_772_366_400 + at.as_secs()).into());
}

/// The value at a path such as `/a/b`.
pub(super) fn at_path<'v>(item: &'v Value, path: &str) -> Option<&'v Value> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    parts.try_fold(item, |value, part| value.get(part))
}
