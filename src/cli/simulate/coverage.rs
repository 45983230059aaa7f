//! Is each declared key served, and if not, whose doing is it?

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};

use super::checks::remembered;
use super::ledger::lock;
use super::truth::{Realm, declared, fits, tag_of};
use crate::domain::ownership::Home;
use crate::domain::subscription::{Declaration, Desired, DesiredSet, KeyTag};
use crate::sim::row::Row;

/// A subscription granted for at least this long has hours of slack when it is due: no weather
/// of the simulation lasts long enough to let it end.
const LONG_LIVED: SignedDuration = SignedDuration::from_hours(22);

/// A short-lived one may end where the weather was bad within this time.
const EXCUSED_FOR: SignedDuration = SignedDuration::from_hours(3);

/// Watches the rows of one fleet over time.
pub struct Coverage {
    realm: Arc<Realm>,
    last: BTreeMap<KeyTag, Vec<Row>>,
}

impl Coverage {
    /// A watch that has seen nothing yet.
    pub fn new(realm: Arc<Realm>) -> Self {
        Self {
            realm,
            last: BTreeMap::new(),
        }
    }

    /// Looks once: whoever lost its last row must have an excuse, and nobody has two by our doing.
    pub fn look(&mut self) {
        let now = self.realm.now();
        let (set, home, ring, stormy, strict) = {
            let truth = lock(&self.realm.truth);
            let Declaration::Read(set) = &truth.declaration else {
                return;
            };
            let strict = !truth.memory_lost && !truth.rows_hidden;
            let ring = Arc::clone(&truth.ring);
            (set.clone(), truth.home.clone(), ring, truth.stormy, strict)
        };
        if stormy {
            lock(&self.realm.ledger).trouble(now);
        }
        let mut rows: BTreeMap<KeyTag, Vec<Row>> = BTreeMap::new();
        for row in self.realm.own_rows() {
            if let Some(tag) = tag_of(&row) {
                rows.entry(tag).or_default().push(row);
            }
        }
        for (tag, desired) in &set.by_key {
            let serving = rows.remove(tag).unwrap_or_default();
            let before = self.last.insert(*tag, serving.clone()).unwrap_or_default();
            if serving.is_empty() && !before.is_empty() {
                self.excuse(now, desired, &before);
            }
            if serving.len() < 2 {
                continue;
            }
            let good = serving
                .iter()
                .filter(|row| fits(&home, &ring, desired, row));
            let made = good.filter(|row| !self.is_planted(&row.id)).count();
            if made > 1 {
                lock(&self.realm.ledger).count("two of one key");
                if strict {
                    let words = format!("{} is served twice, by our own doing", desired.name);
                    self.realm.broke("coverage", words);
                }
            }
        }
        let known = declared(&Declaration::Read(set));
        self.last.retain(|tag, _| known.contains(tag));
    }

    fn is_planted(&self, id: &str) -> bool {
        lock(&self.realm.ledger).planted.contains(id)
    }

    fn excuse(&self, now: Timestamp, desired: &Desired, before: &[Row]) {
        let mut ledger = lock(&self.realm.ledger);
        ledger.count("coverage lapsed");
        let ended = before.iter().filter(|row| {
            let here = self.realm.control.sim().with(|service, _| {
                let row = service.store.any(&row.id);
                row.map_or(row.is_none(), |row| row.deleted.is_none())
            });
            here && row.expires <= now && !ledger.taken_away.contains(&row.id)
        });
        let ended = ended.max_by_key(|row| row.expires).cloned();
        let Some(row) = ended else { return };
        let lifetime = row
            .expires
            .duration_since(row.last_patch.unwrap_or(row.created));
        let troubled = ledger
            .last_trouble
            .is_some_and(|at| now.duration_since(at) < EXCUSED_FOR);
        let put_off = self.realm.policy.audit_every + self.realm.policy.tick * 2;
        if ledger
            .last_absurd
            .is_some_and(|at| now.duration_since(at) <= put_off)
        {
            ledger.count("lapsed after an absurd Retry-After");
        } else if lifetime >= LONG_LIVED || !troubled {
            let memory = remembered(&self.realm).now_or_never().flatten();
            let entry = memory.and_then(|doc| doc.state.entries.get(&desired.key.tag()).cloned());
            let words = format!(
                "{} lapsed: {} ended at {} although it was granted for {lifetime:#}; \
                 remembered is {entry:?}",
                desired.name, row.id, row.expires
            );
            ledger.broke(now, "coverage", words);
        } else {
            ledger.count("short-lived one lapsed in bad weather");
        }
    }
}

/// What is not yet as it should be; nothing, once the fleet is in harmony with its declaration.
pub fn disharmony(realm: &Realm) -> Option<String> {
    let (set, home, ring) = {
        let truth = lock(&realm.truth);
        let Declaration::Read(set) = &truth.declaration else {
            return Some("the declaration is broken".to_owned());
        };
        (set.clone(), truth.home.clone(), Arc::clone(&truth.ring))
    };
    let mut rows: BTreeMap<Option<KeyTag>, Vec<Row>> = BTreeMap::new();
    for row in realm.own_rows() {
        rows.entry(tag_of(&row)).or_default().push(row);
    }
    for (tag, desired) in &set.by_key {
        let serving = rows.remove(&Some(*tag)).unwrap_or_default();
        let [row] = &serving[..] else {
            let ids: Vec<_> = serving.iter().map(|row| row.id.as_str()).collect();
            return Some(format!("{} is served by {ids:?}", desired.name));
        };
        if !fits(&home, &ring, desired, row) || !at_home(&home, row) {
            return Some(format!(
                "{} is served by {}, which does not fit",
                desired.name, row.id
            ));
        }
    }
    left_over(&set, rows)
}

fn at_home(home: &Home, row: &Row) -> bool {
    home.current.notifications() == row.notification_url
}

fn left_over(set: &DesiredSet, rows: BTreeMap<Option<KeyTag>, Vec<Row>>) -> Option<String> {
    let row = rows.into_values().flatten().next()?;
    let count = set.by_key.len();
    Some(format!(
        "{} ({}) stands beside the {count} declared ones",
        row.id, row.resource
    ))
}
