//! What must be true of Graph, and of the memory, whatever happened before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use evergraph::sim::control::PlantOrder;
use evergraph::sim::request::Op;
use evergraph::sim::row::{Row, change_set};
use evergraph::sim::settings::DEFAULT_TENANT;
use serde_json::json;
use tokio::time::Instant;

use crate::bed::{Bed, FLEET, normal};

const STRANGER: &str = "0b7f9c52-2a5c-4a3d-9e6b-6c1d2e3f4a5b";

type Key = (String, Vec<String>);

fn key(resource: &str, changes: &str) -> Key {
    (normal(resource), change_set(changes))
}

impl Bed {
    fn is_ours(&self, row: &Row) -> bool {
        row.notification_url == format!("{}/api/notifications/{FLEET}", self.public_url)
            && row.app.as_str() == "default"
    }

    /// Our live rows.
    pub fn ours(&self) -> Vec<Row> {
        let mut rows = self.control().live();
        rows.retain(|row| self.is_ours(row));
        rows
    }

    /// Keys that are declared and not served, and keys that are served more than once.
    pub fn gaps_and_doubles(&self) -> (Vec<Key>, Vec<Key>) {
        let mut served: BTreeMap<Key, u32> = BTreeMap::new();
        for row in self.ours() {
            *served
                .entry(key(&row.resource, &row.change_type))
                .or_default() += 1;
        }
        let wished = self.wishes.iter();
        let wished: BTreeSet<Key> = wished
            .map(|wish| key(&wish.resource, wish.changes))
            .collect();
        let gaps = wished.iter().filter(|one| !served.contains_key(*one));
        let doubles = served
            .iter()
            .filter(|(one, count)| **count > 1 || !wished.contains(*one));
        (
            gaps.cloned().collect(),
            doubles.map(|(one, _)| one.clone()).collect(),
        )
    }

    /// Exactly one live subscription for each wish, and the memory says the same as Graph.
    pub async fn check_served_once(&self) {
        let (gaps, doubles) = self.gaps_and_doubles();
        assert!(gaps.is_empty(), "not served: {gaps:?}");
        assert!(
            doubles.is_empty(),
            "served twice, or not declared: {doubles:?}"
        );
        let state = self.place.state().await;
        assert_eq!(state.entries.len(), self.wishes.len());
        assert!(state.watches.is_empty(), "{:?}", state.watches);
        let rows: BTreeMap<String, Row> = self
            .ours()
            .into_iter()
            .map(|row| (row.id.clone(), row))
            .collect();
        for entry in state.entries.values() {
            let held = entry.held.as_ref().expect("each key is served");
            let row = &rows[held.id.as_str()];
            assert_eq!(held.expires, row.expires, "{}", row.resource);
            assert_eq!(entry.key.resource, normal(&row.resource));
            assert_eq!(entry.intent, None, "{}", row.resource);
            assert_eq!(entry.obstacle, None, "{}", row.resource);
            assert_eq!(entry.blocked, None, "{}", row.resource);
        }
    }

    /// Subscriptions that are not ours, each near enough to be mistaken for one that is.
    pub fn plant_strangers(&self) -> Vec<Row> {
        let (wish, far) = (&self.wishes[0], "2031-06-01T00:00:00Z");
        let port = self.public_url.rsplit_once(':').unwrap().1;
        let own = &self.public_url;
        let other_path = "users/ffffffff-0000-4000-8000-000000000000/messages";
        // app, notification URL, resource, change type
        let mut plants = vec![
            (
                "default",
                format!("{own}/api/notifications/{FLEET}-2"),
                other_path,
                "created",
            ),
            (
                "default",
                format!("{own}/api/notifications/prod"),
                &wish.resource,
                "deleted",
            ),
            (
                "default",
                format!("{own}/api/lifecycle/{FLEET}"),
                other_path,
                "deleted",
            ),
            (
                "default",
                format!("http://localhost:{port}/api/notifications/{FLEET}"),
                other_path,
                "updated",
            ),
            (
                "default",
                format!("{own}/api/notifications/{FLEET}?code=x"),
                &wish.resource,
                "created",
            ),
        ];
        for wish in &self.wishes[..20] {
            let url = format!("{own}/api/notifications/{FLEET}");
            plants.push((STRANGER, url, &wish.resource, wish.changes));
        }
        self.control()
            .patch_settings(json!({"expiry": {"enforce_max": false}}))
            .unwrap();
        let rows = plants.into_iter().map(|(app, url, resource, changes)| {
            let body = json!({"resource": resource, "changeType": changes,
                "notificationUrl": url, "lifecycleNotificationUrl": url,
                "clientState": "a stranger's", "expirationDateTime": far});
            let order = PlantOrder {
                tenant: Some(DEFAULT_TENANT.to_owned()),
                app: Some(app.to_owned()),
                subscription: body.as_object().unwrap().clone(),
            };
            self.control().plant(order).unwrap()
        });
        let rows = rows.collect();
        self.control()
            .patch_settings(json!({"expiry": {"enforce_max": true}}))
            .unwrap();
        rows
    }

    /// The strangers are as they were, to the last field.
    pub fn check_untouched(&self, strangers: &[Row]) {
        let now = self.control().subscriptions();
        for stranger in strangers {
            let found = now.iter().find(|row| row.id == stranger.id);
            assert_eq!(
                found,
                Some(stranger),
                "a stranger's subscription was touched"
            );
        }
    }

    /// Number of the last call that Graph was sent.
    pub fn last_call(&self) -> u64 {
        let sim = self.control().sim();
        sim.with(|service, _| {
            service
                .calls
                .log()
                .next_back()
                .map_or(0, |call| call.number)
        })
    }

    /// Calls after a number, by operation.
    pub fn calls_after(&self, number: u64) -> BTreeMap<Op, u64> {
        let sim = self.control().sim();
        sim.with(|service, _| {
            let mut counts = BTreeMap::new();
            let calls = service.calls.log().rev();
            for call in calls.take_while(|call| call.number > number) {
                *counts.entry(call.operation).or_default() += 1;
            }
            counts
        })
    }

    /// Creates that Graph answered with success, or would have.
    pub fn created(&self) -> usize {
        let sim = self.control().sim();
        sim.with(|service, _| {
            let calls = service.calls.log();
            let creates = calls.filter(|call| call.operation == Op::Create);
            creates.filter(|call| call.id.is_some()).count()
        })
    }

    /// Waits until Graph has finished every call: an effect comes even if its caller is dead.
    pub async fn calls_over(&self) {
        let began = Instant::now();
        while self.running_calls() > 0 {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "a call never ends"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn running_calls(&self) -> usize {
        let sim = self.control().sim();
        sim.with(|service, _| {
            let calls = service.calls.log();
            calls
                .filter(|call| call.status.is_none() && !call.lost)
                .count()
        })
    }
}
