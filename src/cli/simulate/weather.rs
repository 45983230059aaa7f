//! What goes wrong by itself: Graph's storms, a store that fails, workers that die.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;

use super::ledger::lock;
use super::truth::{Realm, StoreTroubles};
use crate::sim::faults::{Effect, Injected, Rule};
use crate::sim::request::Op;
use crate::sim::settings::{Chances, Latency};

/// How long a call takes in fair weather.
pub const BRISK: Latency = Latency {
    min_ms: 20,
    max_ms: 600,
};

/// Just within the patience of the callers.
const SLOW: Latency = Latency {
    min_ms: 500,
    max_ms: 14_000,
};

/// Makes weather until its end, then none.
pub struct Weather {
    realm: Arc<Realm>,
    chance: fastrand::Rng,
    end: Instant,
}

impl Weather {
    /// Weather from a seed.
    pub fn new(realm: Arc<Realm>, seed: u64, end: Instant) -> Self {
        Self {
            realm,
            chance: fastrand::Rng::with_seed(seed),
            end,
        }
    }

    /// Fair hours and stormy ones in turn.
    pub async fn blow(mut self) {
        while self.rest(2 * 60, 30 * 60).await {
            match self.chance.u8(0..10) {
                0 | 1 => self.graph_storm().await,
                2 | 8 | 9 => self.slow_graph().await,
                3 => self.store_storm().await,
                4 => self.dying_workers().await,
                5 => self.absurd_wait(),
                6 => self.long_silence(),
                _ => self.everything_at_once().await,
            }
        }
        self.clear();
    }

    /// Waits so many minutes, at least and at most; `false` once the weather ends.
    async fn rest(&mut self, least: u64, most: u64) -> bool {
        let wait = Duration::from_secs(self.chance.u64(least..=most) * 60);
        let until = (Instant::now() + wait).min(self.end);
        tokio::time::sleep_until(until).await;
        Instant::now() < self.end && lock(&self.realm.ledger).broken.is_empty()
    }

    fn tell(&self, what: &'static str) {
        self.realm.count(what);
        self.realm.tell("weather", what);
    }

    fn set_chances(&self, chances: Chances) {
        let sim = self.realm.control.sim();
        sim.with(|service, _| service.settings.chances = chances);
    }

    fn chances(&mut self) -> Chances {
        let most = if self.chance.u8(0..4) == 0 { 150 } else { 30 };
        let mut one = || self.chance.u16(0..=most);
        Chances {
            lose_before: one(),
            lose_after: one(),
            unreachable: one(),
            throttle: one(),
            throttle_silent: one(),
            server_error: one(),
            server_error_after: one(),
            unavailable: one(),
            false_gone: one(),
            hide_row: 0,
        }
    }

    async fn graph_storm(&mut self) {
        self.tell("storm over Graph");
        let mut chances = self.chances();
        if self.chance.u8(0..4) == 0 {
            self.realm.change(|truth| truth.rows_hidden = true);
            chances.hide_row = 200;
        }
        self.realm.change(|truth| truth.stormy = true);
        self.set_chances(chances);
        self.rest(10, 4 * 60).await;
        self.clear();
    }

    async fn store_storm(&mut self) {
        self.tell("storm over the store");
        let store = self.store_troubles(60, 400);
        self.realm.change(|truth| {
            truth.stormy = true;
            truth.store = store;
        });
        self.rest(10, 3 * 60).await;
        self.clear();
    }

    /// Calls that take longer than a lease is renewed for, and renewals that hang: leases lapse
    /// in the middle of passes.
    async fn slow_graph(&mut self) {
        self.tell("Graph is slow");
        self.set_latency(SLOW);
        let store = self.store_troubles(30, 900);
        self.realm.change(|truth| {
            truth.stormy = true;
            truth.store = store;
        });
        self.rest(3 * 60, 9 * 60).await;
        self.clear();
    }

    fn set_latency(&self, latency: Latency) {
        let sim = self.realm.control.sim();
        sim.with(|service, _| service.settings.latency = latency);
    }

    async fn dying_workers(&mut self) {
        self.tell("workers die");
        let deaths = self.chance.u16(100..700);
        self.realm.change(|truth| {
            truth.stormy = true;
            truth.deaths = deaths;
        });
        self.rest(10, 3 * 60).await;
        self.clear();
    }

    async fn everything_at_once(&mut self) {
        self.tell("everything at once");
        let chances = self.chances();
        self.set_chances(chances);
        let (deaths, store) = (self.chance.u16(50..300), self.store_troubles(30, 200));
        self.realm.change(|truth| {
            truth.stormy = true;
            truth.deaths = deaths;
            truth.store = store;
        });
        self.rest(10, 3 * 60).await;
        self.clear();
    }

    fn store_troubles(&mut self, calls: u16, renewals: u16) -> StoreTroubles {
        StoreTroubles {
            fail: self.chance.u16(0..calls),
            lose: self.chance.u16(0..calls),
            hang: self.chance.u16(0..renewals),
        }
    }

    fn clear(&self) {
        self.set_chances(Chances::default());
        self.set_latency(BRISK);
        let now = self.realm.now();
        lock(&self.realm.ledger).trouble(now);
        self.realm.change(|truth| {
            truth.stormy = false;
            truth.deaths = 5;
            truth.store = StoreTroubles::default();
        });
    }

    /// Graph demands a wait that makes no sense, once, of the next write.
    fn absurd_wait(&mut self) {
        self.tell("absurd Retry-After");
        const ABSURD: [&str; 4] = ["999999", "-5", "soon", "Fri, 31 Dec 9999 23:59:59 GMT"];
        let said = ABSURD[self.chance.usize(0..ABSURD.len())];
        self.next_write(said);
    }

    /// Graph demands a long wait that must be kept.
    fn long_silence(&mut self) {
        self.tell("long Retry-After");
        let said = self.chance.u32(60..1_200).to_string();
        self.next_write(&said);
    }

    fn next_write(&mut self, retry_after: &str) {
        let now = self.realm.now();
        lock(&self.realm.ledger).trouble(now);
        let op = [Op::Renew, Op::Create, Op::List][self.chance.usize(0..3)];
        let effect = Effect::Answer(Injected {
            retry_after: Some(retry_after.to_owned()),
            ..Injected::status(429)
        });
        // No control refuses a 429.
        let _armed = self.realm.control.arm(Rule::next(op, effect));
    }
}

/// Nothing that was armed strikes any more.
pub fn disarm(realm: &Realm) {
    let sim = realm.control.sim();
    sim.with(|service, _| service.faults.disarm_all());
}

/// At most this long is a worker's clock wrong.
pub const SKEW_MAX: SignedDuration = SignedDuration::from_secs(150);
