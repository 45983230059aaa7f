//! How the two regions meet: what only one wrote is taken over, what both wrote is reconciled.

use std::cmp::Ordering;
use std::time::Duration;

use serde_json::Value;

use super::store::{Conflict, Key, Place, Store, Version, at_path};
use super::{Policy, REGIONS, Setup};

/// Lets the regions meet. With `until`, only writes up to that time are carried over.
pub(super) fn meet(store: &mut Store, setup: &Setup, until: Option<Duration>) {
    let old = |place: &Place| until.is_none_or(|until| place.now.at <= until);
    let mut keys: Vec<Key> = Vec::new();
    for region in &store.regions {
        let open = region
            .iter()
            .filter(|(_, place)| !place.shared && old(place));
        keys.extend(open.map(|(key, _)| key.clone()));
    }
    for key in keys {
        meet_at(store, setup, &key);
    }
    for here in 0..REGIONS {
        for there in 0..REGIONS {
            let open = store.regions[there].values().filter(|place| !place.shared);
            let first_open = open.map(|place| place.now.lsn).min();
            let seen = first_open.map_or(store.written[there], |open| open - 1);
            store.applied[here][there] = store.applied[here][there].max(seen);
        }
    }
}

fn meet_at(store: &mut Store, setup: &Setup, key: &Key) {
    let open = |store: &Store, region: usize| {
        let place = store.regions[region].get(key).filter(|place| !place.shared);
        place.map(|place| place.now.clone())
    };
    let winner = match (open(store, 0), open(store, 1)) {
        (None, None) => return,
        (Some(one), None) | (None, Some(one)) => one,
        (Some(hub), Some(other)) => reconcile(store, &setup.policy, key, hub, other),
    };
    for region in &mut store.regions {
        let now = winner.clone();
        region.insert(key.clone(), Place { now, shared: true });
    }
}

fn reconcile(
    store: &mut Store,
    policy: &Policy,
    key: &Key,
    hub: Version,
    other: Version,
) -> Version {
    match policy {
        Policy::LastWriterWins { path } => {
            let (winner, loser) = match by_path(path, &hub, &other) {
                Ordering::Less => (other, hub),
                _ => (hub, other),
            };
            store.dropped.push(loser.item);
            winner
        }
        Policy::Custom => {
            store.last_conflict += 1;
            store.feed.push(Conflict {
                id: format!("conflict-{}", store.last_conflict),
                key: key.clone(),
                kind: other.kind,
                item: other.item,
            });
            hub
        }
    }
}

/// A delete beats everything; then the number at the path; then `_ts`. The service decides ties
/// as it likes: here the hub wins.
fn by_path(path: &str, hub: &Version, other: &Version) -> Ordering {
    let (left, right) = match (&hub.item, &other.item) {
        (None, _) => return Ordering::Greater,
        (_, None) => return Ordering::Less,
        (Some(left), Some(right)) => (left, right),
    };
    let number = |item: &Value, path: &str| at_path(item, path).and_then(Value::as_f64);
    let pair = match (number(left, path), number(right, path)) {
        (Some(left), Some(right)) => (left, right),
        _ => (
            number(left, "/_ts").unwrap_or_default(),
            number(right, "/_ts").unwrap_or_default(),
        ),
    };
    pair.0.total_cmp(&pair.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn container(policy: Policy) -> (Store, Setup) {
        let setup = Setup {
            policy,
            ..Setup::default()
        };
        (Store::default(), setup)
    }

    fn put(store: &mut Store, setup: &Setup, region: usize, value: i64) {
        let item = json!({"id": "a", "pk": "p", "n": value});
        store.put(setup, region, item, Duration::ZERO);
    }

    fn values(store: &Store) -> Vec<Option<Value>> {
        let key = Key::of("p", "a");
        (0..REGIONS)
            .map(|region| store.standing(region, &key).map(|item| item["n"].clone()))
            .collect()
    }

    #[test]
    fn the_highest_number_wins_in_both_regions() {
        let path = "/n".into();
        let (mut store, setup) = container(Policy::LastWriterWins { path });
        put(&mut store, &setup, 0, 3);
        put(&mut store, &setup, 1, 7);
        meet(&mut store, &setup, None);
        assert_eq!(values(&store), [Some(json!(7)), Some(json!(7))]);
        assert_eq!(store.dropped.len(), 1);
        assert!(store.feed.is_empty());
    }

    #[test]
    fn a_delete_wins_whatever_the_number_says() {
        let path = "/n".into();
        let (mut store, setup) = container(Policy::LastWriterWins { path });
        put(&mut store, &setup, 0, 3);
        meet(&mut store, &setup, None);
        put(&mut store, &setup, 0, 9);
        store.delete(1, &Key::of("p", "a"), Duration::ZERO);
        meet(&mut store, &setup, None);
        assert_eq!(values(&store), [None, None]);
    }

    #[test]
    fn in_custom_mode_the_hub_stands_and_the_other_is_in_the_feed() {
        let (mut store, setup) = container(Policy::Custom);
        put(&mut store, &setup, 0, 3);
        put(&mut store, &setup, 1, 7);
        meet(&mut store, &setup, None);
        assert_eq!(values(&store), [Some(json!(3)), Some(json!(3))]);
        assert_eq!(store.feed.len(), 1);
        assert!(store.dropped.is_empty());
    }
}
