//! One run: a world from a seed, its weather and its people, a quiet time, and the verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::checks::remembered;
use super::coverage::{Coverage, disharmony};
use super::flaw::Flaw;
use super::ledger::{Ledger, lock};
use super::people::People;
use super::people_setup::{presence, ring, wishes};
use super::stint::Worker;
use super::truth::{Realm, StoreTroubles, Truth};
use super::weather::{BRISK, Weather, disarm};
use super::work::{Life, Terms};
use crate::domain::ids::{AppId, FleetId, TenantId};
use crate::domain::ownership::{FleetUrl, Home, Origin};
use crate::domain::policy::Policy;
use crate::domain::subscription::{Declaration, DesiredSet};
use crate::ports::state::{DocName, StateStore};
use crate::sim::clock::SimClock;
use crate::sim::control::Control;
use crate::sim::exchange::Sim;
use crate::sim::settings::Settings;

/// What to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Everything comes from it.
    pub seed: u64,
    /// Virtual days, the quiet time included.
    pub days: u32,
    /// Workers of the fleet; by the seed where left out.
    pub workers: Option<usize>,
    /// Declared subscriptions; by the seed where left out.
    pub subscriptions: Option<usize>,
    /// A rule broken on purpose.
    pub flaw: Flaw,
}

/// How it went.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    /// The broken rules; none, where all is well.
    pub broken: Vec<String>,
    /// How often things happened.
    pub tally: BTreeMap<&'static str, u64>,
    /// Decisions and events, in order.
    pub trace: Vec<String>,
    /// Ticks of one worker in the quiet time until the fleet was as declared.
    pub ticks_to_harmony: u64,
    /// Calls of Graph.
    pub calls: u64,
}

/// Makes an empty store.
pub type NewStore = dyn Fn() -> Arc<dyn StateStore>;

/// Four audits of a slow fleet: ghosts leave the listing, a mismatched row is seen, seen again,
/// replaced, and confirmed. Longer than the longest wait of the weather.
const QUIET: SignedDuration = SignedDuration::from_hours(24);

/// Runs one seed under paused time.
///
/// # Errors
/// The runtime could not be built.
pub fn run(options: &Options, store: &NewStore) -> std::io::Result<Verdict> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    Ok(runtime.block_on(async {
        match World::new(options, store) {
            Some(world) => world.run().await,
            None => Verdict {
                broken: vec!["the world could not be set up".to_owned()],
                ..Verdict::default()
            },
        }
    }))
}

struct World {
    realm: Arc<Realm>,
    second: Arc<Realm>,
    people: People,
    terms: Terms,
    workers: usize,
    chance: fastrand::Rng,
    end: Instant,
    quiet: Instant,
}

const TENANT: &str = "84bd8158-6d4d-4958-8b9f-9d6445542f95";
const APP: &str = "aaaaaaaa-0000-0000-0000-000000000001";

impl World {
    fn new(options: &Options, store: &NewStore) -> Option<Self> {
        let mut chance = fastrand::Rng::with_seed(options.seed);
        let start: Timestamp = "2030-01-01T00:00:00Z".parse().ok()?;
        let mut settings = Settings {
            latency: BRISK,
            ..Settings::default()
        };
        settings.listing.lag_ms = [0, 30_000, 90_000][chance.usize(0..3)];
        settings.listing.ghost_ms = [0, 60_000, 21_600_000][chance.usize(0..3)];
        settings.listing.expired_ms = [0, 3_600_000][chance.usize(0..2)];
        settings.listing.page_size = [3, 100][chance.usize(0..2)];
        settings.duplicates.name_holder = chance.u8(0..3) > 0;
        let sim = Sim::new(SimClock::running(start), settings, chance.u64(..));
        let control = Control::new(sim);
        let workers = options
            .workers
            .unwrap_or_else(|| chance.usize(1..=3))
            .max(1);
        let count = options.subscriptions.unwrap_or_else(|| chance.usize(2..=7));
        // Presence lives for an hour at most, and needs a quick fleet.
        let quick = chance.u8(0..10) == 0;
        let minutes = if quick { 10 } else { 60 };
        let began = Instant::now();
        let end = began + Duration::from_secs(u64::from(options.days.max(1)) * 86_400);
        let quiet = end - QUIET.unsigned_abs();
        let tenant = TenantId::parse(TENANT).ok()?;
        let mut base = wishes(&tenant, &mut chance, count.max(1));
        if quick {
            base.extend(presence(&tenant));
        }
        let policy = Policy {
            tick: SignedDuration::from_mins(minutes),
            audit_every: SignedDuration::from_mins(minutes * 6),
            ..Policy::default()
        };
        let set = DesiredSet::of(base.clone());
        let realm = realm("prod", &control, store(), policy.clone(), set, workers)?;
        let hourly = Policy {
            tick: SignedDuration::from_hours(2),
            ..policy
        };
        let others = wishes(&tenant, &mut chance, 3).split_off(2);
        let second = realm_of_others(&control, store(), hourly, DesiredSet::of(others))?;
        let people = People::new(Arc::clone(&realm), chance.u64(..), base, workers, quiet);
        let terms = Terms {
            end,
            tick: realm.policy.tick.unsigned_abs(),
            lease: Duration::from_secs(30),
            calls_max: [12, 10_000][chance.usize(0..2)],
            concurrency: chance.usize(1..=4),
            flaw: options.flaw,
        };
        Some(Self {
            realm,
            second,
            people,
            terms,
            workers,
            chance,
            end,
            quiet,
        })
    }

    async fn run(mut self) -> Verdict {
        let mut tasks: Vec<JoinHandle<()>> = Vec::new();
        for number in 1..=self.workers {
            let worker = Arc::new(Worker::new(number, Arc::clone(&self.realm)));
            let life = Life::new(worker, self.terms.clone(), self.chance.u64(..));
            tasks.push(tokio::spawn(life.live()));
        }
        let other = Arc::new(Worker::new(1, Arc::clone(&self.second)));
        let terms = Terms {
            tick: self.second.policy.tick.unsigned_abs(),
            flaw: Flaw::None,
            ..self.terms.clone()
        };
        tasks.push(tokio::spawn(
            Life::new(other, terms, self.chance.u64(..)).live(),
        ));
        let weather = Weather::new(Arc::clone(&self.realm), self.chance.u64(..), self.quiet);
        tasks.push(tokio::spawn(weather.blow()));
        let people = tokio::spawn(self.people.meddle());
        let ticks = watch(&self.realm, &self.second, self.quiet, self.end, &self.terms).await;
        tasks.push(people);
        for task in tasks {
            if let Err(error) = task.await {
                self.realm.broke("run", format!("an actor died: {error}"));
            }
        }
        verdict(&self.realm, &self.second, ticks).await
    }
}

fn realm(
    name: &'static str,
    control: &Control,
    store: Arc<dyn StateStore>,
    policy: Policy,
    set: DesiredSet,
    workers: usize,
) -> Option<Arc<Realm>> {
    let home = Home {
        current: FleetUrl {
            origin: Origin::parse("https://app.example.com").ok()?,
            fleet: FleetId::parse(name).ok()?,
        },
        former: Vec::new(),
    };
    let truth = Truth {
        declaration: Declaration::Read(set),
        undeclared_since: BTreeMap::new(),
        home,
        ring: Arc::new(ring(1, true)?),
        former_apps: BTreeSet::new(),
        strangers: BTreeSet::new(),
        skew: vec![SignedDuration::ZERO; workers],
        store: StoreTroubles::default(),
        deaths: 5,
        spoilt: None,
        memory_lost: false,
        rows_hidden: false,
        stormy: false,
        misplaced: BTreeMap::new(),
    };
    Some(Arc::new(Realm {
        name,
        control: control.clone(),
        store,
        state_name: DocName::parse("shards/0.json")?,
        app: AppId::parse(APP).ok()?,
        tenant: TenantId::parse(TENANT).ok()?,
        policy,
        truth: Mutex::new(truth),
        ledger: Mutex::new(Ledger::default()),
    }))
}

/// A second fleet on the same application registration, at the same address: only its fleet id
/// is another.
fn realm_of_others(
    control: &Control,
    store: Arc<dyn StateStore>,
    policy: Policy,
    set: DesiredSet,
) -> Option<Arc<Realm>> {
    realm("second", control, store, policy, set, 1)
}

/// Looks at the coverage until the end; answers after how many quiet ticks all was as declared.
async fn watch(
    realm: &Arc<Realm>,
    second: &Arc<Realm>,
    quiet: Instant,
    end: Instant,
    terms: &Terms,
) -> u64 {
    let mut coverage = [
        Coverage::new(Arc::clone(realm)),
        Coverage::new(Arc::clone(second)),
    ];
    let mut ticks = 0;
    let mut calm = false;
    let broken = |realm: &Realm| !lock(&realm.ledger).broken.is_empty();
    while Instant::now() < end && !broken(realm) && !broken(second) {
        tokio::time::sleep(terms.tick).await;
        coverage.iter_mut().for_each(Coverage::look);
        if Instant::now() < quiet {
            continue;
        }
        if !calm {
            disarm(realm);
            calm = true;
        }
        if disharmony(realm).is_some() {
            ticks = Instant::now().duration_since(quiet).as_secs() / terms.tick.as_secs() + 1;
        }
    }
    ticks
}

async fn verdict(realm: &Realm, second: &Realm, ticks_to_harmony: u64) -> Verdict {
    for realm in [realm, second] {
        if !lock(&realm.ledger).broken.is_empty() {
            continue;
        }
        if let Some(what) = disharmony(realm) {
            realm.broke("verdict", format!("rule 12: after the quiet time, {what}"));
        }
        if remembered(realm).await.is_none() {
            realm.broke("verdict", "the state cannot be read");
        }
    }
    let calls = realm.control.sim().with(|service, _| {
        let counts = service.calls.counts().values();
        counts.map(|count| count.total).sum()
    });
    let mut verdict = Verdict {
        ticks_to_harmony,
        calls,
        ..Verdict::default()
    };
    for realm in [realm, second] {
        let mut ledger = lock(&realm.ledger);
        verdict.broken.append(&mut ledger.broken);
        verdict.trace.append(&mut ledger.trace);
        for (what, count) in std::mem::take(&mut ledger.tally) {
            *verdict.tally.entry(what).or_default() += count;
        }
    }
    verdict
}
