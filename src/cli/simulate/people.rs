//! What people do: they change declarations, keys, addresses and tokens, remove subscriptions,
//! put strange ones there, and lose or spoil the state.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::checks::remembered;
use super::ledger::lock;
use super::people_setup::{ring, wishes};
use super::truth::Realm;
use super::weather::SKEW_MAX;
use crate::app::marks;
use crate::domain::ids::SubscriptionId;
use crate::domain::ownership::{FleetUrl, Origin};
use crate::domain::sight::{LifecycleEvent, WakeMark};
use crate::domain::subscription::{Declaration, Desired};
use crate::sim::control::PlantOrder;
use crate::sim::row::Row;

/// People around one fleet, until they rest.
pub struct People {
    realm: Arc<Realm>,
    chance: fastrand::Rng,
    base: Vec<Desired>,
    workers: usize,
    end: Instant,
    moves: u32,
    kids: u32,
}

impl People {
    /// People from a seed.
    pub fn new(
        realm: Arc<Realm>,
        seed: u64,
        base: Vec<Desired>,
        workers: usize,
        end: Instant,
    ) -> Self {
        Self {
            realm,
            chance: fastrand::Rng::with_seed(seed),
            base,
            workers,
            end,
            moves: 0,
            kids: 1,
        }
    }

    /// One idea after another; in the end everything is put right.
    pub async fn meddle(mut self) {
        while self.rest(60, 16 * 60).await {
            match self.chance.u8(0..16) {
                0 | 1 => self.remove_one().await,
                2 => self.plant_twin(),
                3 => self.plant_mismatched(),
                4 => self.foreign_holder().await,
                5 | 6 => self.change_declaration(),
                7 => self.lose_declaration().await,
                8 => self.strange_tokens().await,
                9 => self.roll_keys(),
                10 => self.reduce_ring().await,
                11 => self.move_house(),
                12 => self.misplace_a_worker().await,
                13 => self.lose_state().await,
                14 => self.ask_to_reauthorize().await,
                _ => self.set_clocks(),
            }
        }
        self.put_right();
    }

    async fn rest(&mut self, least: u64, most: u64) -> bool {
        let wait = Duration::from_secs(self.chance.u64(least..=most) * 60);
        let until = (Instant::now() + wait).min(self.end);
        tokio::time::sleep_until(until).await;
        Instant::now() < self.end && lock(&self.realm.ledger).broken.is_empty()
    }

    fn tell(&self, what: &'static str) {
        self.realm.count(what);
        self.realm.tell("people", what);
    }

    fn any_row(&mut self) -> Option<Row> {
        let mut rows = self.realm.own_rows();
        let at = self.chance.usize(0..rows.len().max(1));
        (at < rows.len()).then(|| rows.swap_remove(at))
    }

    fn take_away(&self, row: &Row) {
        lock(&self.realm.ledger).taken_away.insert(row.id.clone());
        // It is live: it was just found so.
        let _gone = self.realm.control.remove(&row.id, false);
    }

    async fn mark(&self, event: LifecycleEvent, row: &Row) {
        if let Ok(subscription) = SubscriptionId::parse(&row.id) {
            let mark = WakeMark {
                event,
                subscription,
            };
            let _left = marks::leave(self.realm.store.as_ref(), &mark).await;
        }
    }

    async fn remove_one(&mut self) {
        let Some(row) = self.any_row() else { return };
        if self.chance.bool() {
            self.tell("a subscription is removed from outside");
            self.take_away(&row);
        } else {
            self.tell("a subscription is removed from outside, with an event");
            self.take_away(&row);
            self.mark(LifecycleEvent::SubscriptionRemoved, &row).await;
        }
    }

    async fn ask_to_reauthorize(&mut self) {
        let Some(row) = self.any_row() else { return };
        self.tell("reauthorization is asked for");
        for _ in 0..3 {
            self.mark(LifecycleEvent::ReauthorizationRequired, &row)
                .await;
        }
    }

    fn plant(&self, row: &Row, change: impl FnOnce(&mut Map<String, Value>)) -> Option<Row> {
        // As long as every kind but presence allows.
        let minutes = if row.resource.contains("presence") {
            55
        } else {
            20 * 60
        };
        let expires = self.realm.now() + SignedDuration::from_mins(minutes);
        let body = json!({
            "resource": row.resource,
            "changeType": row.change_type,
            "notificationUrl": row.notification_url,
            "lifecycleNotificationUrl": row.lifecycle_url,
            "expirationDateTime": expires.to_string(),
            "clientState": row.client_state.as_ref().map(|text| text.expose()),
        });
        let Value::Object(mut subscription) = body else {
            return None;
        };
        change(&mut subscription);
        let order = PlantOrder {
            tenant: Some(self.realm.tenant.as_str().to_owned()),
            app: Some(self.realm.app.as_str().to_owned()),
            subscription,
        };
        let planted = self.realm.control.plant(order).ok()?;
        lock(&self.realm.ledger).planted.insert(planted.id.clone());
        Some(planted)
    }

    fn plant_twin(&mut self) {
        let Some(row) = self.any_row() else { return };
        if self.plant(&row, |_| {}).is_some() {
            self.tell("a duplicate of ours appears");
        }
    }

    fn plant_mismatched(&mut self) {
        let Some(row) = self.any_row() else { return };
        let wrong = self.plant(&row, |body| {
            body.insert("clientState".into(), "nobody knows me".into());
        });
        if wrong.is_some() {
            self.tell("a row of ours with a wrong clientState appears");
        }
    }

    /// Somebody takes our place; later they go.
    async fn foreign_holder(&mut self) {
        let Some(row) = self.any_row() else { return };
        self.take_away(&row);
        let foreign = self.plant(&row, |body| {
            body.insert(
                "notificationUrl".into(),
                "https://theirs.example/hook".into(),
            );
            body.insert(
                "lifecycleNotificationUrl".into(),
                "https://theirs.example/life".into(),
            );
        });
        let Some(foreign) = foreign else { return };
        self.tell("a foreign subscription takes our place");
        self.rest(30, 6 * 60).await;
        if self.realm.row(&foreign.id).is_some() {
            self.tell("the foreign subscription goes");
            self.take_away(&foreign);
        }
    }

    /// The base, with one thing different; never empty.
    fn variant(&mut self) -> Vec<Desired> {
        let mut wanted = self.base.clone();
        let at = self.chance.usize(0..wanted.len());
        match self.chance.u8(0..5) {
            0 if wanted.len() > 1 => drop(wanted.swap_remove(at)),
            1 => {
                let others = wishes(&self.realm.tenant, &mut self.chance, 7);
                let tag = wanted[at].key.tag();
                let other = others.into_iter().find(|one| {
                    one.key.resource == wanted[at].key.resource && one.key.tag() != tag
                });
                if let Some(other) = other {
                    wanted[at] = other;
                }
            }
            2 => {
                let name = format!("renamed-{}", self.chance.u16(..));
                if let Ok(name) = crate::domain::ids::SubscriptionName::parse(&name) {
                    wanted[at].name = name;
                }
            }
            3 if !wanted[at].resource.as_str().contains("chats") => wanted[at].lifecycle = false,
            _ => wanted.reverse(),
        }
        wanted
    }

    fn change_declaration(&mut self) {
        self.tell("the declaration changes");
        let wanted = self.variant();
        self.realm.declare(wanted);
    }

    async fn lose_declaration(&mut self) {
        let before = lock(&self.realm.truth).declaration.clone();
        if self.chance.bool() {
            self.tell("the declaration is empty");
            lock(&self.realm.truth).declaration =
                Declaration::Read(crate::domain::subscription::DesiredSet::of([]));
        } else {
            self.tell("the declaration is broken");
            lock(&self.realm.truth).declaration = Declaration::Unusable {
                why: "line 3: a bracket is missing".to_owned(),
            };
        }
        self.rest(30, 8 * 60).await;
        lock(&self.realm.truth).declaration = before;
    }

    async fn strange_tokens(&mut self) {
        self.tell("tokens are a stranger's");
        let all = self.chance.bool();
        let one = self.chance.usize(1..=self.workers);
        let now = self.realm.now();
        lock(&self.realm.truth).strangers = if all {
            (1..=self.workers).collect()
        } else {
            [one].into()
        };
        lock(&self.realm.ledger).trouble(now);
        self.rest(30, 6 * 60).await;
        let now = self.realm.now();
        lock(&self.realm.truth).strangers.clear();
        lock(&self.realm.ledger).trouble(now);
    }

    /// A new key is appended first; only later does it move to the front. Both are one step of
    /// the deployment here, since every worker reads the ring at each tick.
    fn roll_keys(&mut self) {
        self.tell("the key ring is rolled");
        self.kids += 1;
        let ring = ring(self.kids, self.chance.bool());
        if let Some(ring) = ring {
            lock(&self.realm.truth).ring = Arc::new(ring);
        }
    }

    async fn reduce_ring(&mut self) {
        self.tell("a key is missing from the ring");
        let before = Arc::clone(&lock(&self.realm.truth).ring);
        if let Some(other) = ring(90, false) {
            lock(&self.realm.truth).ring = Arc::new(other);
        }
        self.rest(30, 8 * 60).await;
        lock(&self.realm.truth).ring = before;
    }

    fn move_house(&mut self) {
        if self.moves >= 2 {
            return;
        }
        self.moves += 1;
        self.tell("the public address changes");
        let origin = Origin::parse(&format!("https://house-{}.example", self.moves));
        let mut truth = lock(&self.realm.truth);
        if let Ok(origin) = origin {
            let old = truth.home.current.clone();
            truth.home.former.push(old);
            truth.home.current.origin = origin;
        }
    }

    /// Only while the state says where the fleet lives: nothing else could tell the mistake from
    /// a beginning.
    async fn misplace_a_worker(&mut self) {
        let memory = remembered(&self.realm).await;
        if memory.is_none_or(|doc| doc.state.residence.is_none()) {
            return;
        }
        self.tell("a worker is set up for another address by mistake");
        let one = self.chance.usize(1..=self.workers);
        let mut home = lock(&self.realm.truth).home.clone();
        if let Ok(origin) = Origin::parse("https://mistake.example") {
            home.current = FleetUrl {
                origin,
                ..home.current
            };
            home.former.clear();
        }
        lock(&self.realm.truth).misplaced.insert(one, home);
        self.rest(30, 6 * 60).await;
        lock(&self.realm.truth).misplaced.clear();
    }

    /// The state is deleted or spoilt, where nobody holds its lease at that moment.
    async fn lose_state(&mut self) {
        let realm = Arc::clone(&self.realm);
        if self.chance.bool() {
            if realm.store.delete(&realm.state_name).await.is_ok() {
                self.tell("the state is deleted");
                lock(&realm.truth).memory_lost = true;
            }
            return;
        }
        let Ok(Some(stored)) = realm.store.read(&realm.state_name).await else {
            return;
        };
        let spoilt = b"{\"format\":\"evergraph-state\",\"version\":99}".to_vec();
        if realm.store.put(&realm.state_name, spoilt).await.is_err() {
            return;
        }
        self.tell("the state is spoilt");
        lock(&realm.truth).spoilt = Some(stored.bytes);
        self.rest(30, 6 * 60).await;
        self.unspoil().await;
    }

    /// The old document is put back, as soon as nobody holds the lease of the spoilt one.
    async fn unspoil(&self) {
        let Some(bytes) = lock(&self.realm.truth).spoilt.clone() else {
            return;
        };
        let (store, name) = (&self.realm.store, &self.realm.state_name);
        while store.put(name, bytes.clone()).await.is_err() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        lock(&self.realm.truth).spoilt = None;
    }

    fn set_clocks(&mut self) {
        self.tell("clocks are wrong");
        let most = SKEW_MAX.as_secs();
        for at in 0..self.workers {
            let skew = SignedDuration::from_secs(self.chance.i64(-most..=most));
            if let Some(known) = lock(&self.realm.truth).skew.get_mut(at) {
                *known = skew;
            }
        }
    }

    fn put_right(&mut self) {
        let wanted = self.variant();
        self.realm.declare(wanted);
        self.tell("people rest");
    }
}
