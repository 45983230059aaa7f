//! A fleet in a box: the real use cases over the simulated Graph and a store in memory, under
//! paused time.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "shared by several test files"
)]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evergraph::adapters::audit::memory::MemoryAudit;
use evergraph::adapters::dice::FastDice;
use evergraph::adapters::state::memory::MemoryStore;
use evergraph::app::audit::trail::Trail;
use evergraph::app::pass::{PassConfig, Services};
use evergraph::app::report::{Action, Report};
use evergraph::app::tick;
use evergraph::domain::client_state::KeyRing;
use evergraph::domain::ids::{AppId, FleetId, SubscriptionName, TenantId};
use evergraph::domain::ownership::{FleetUrl, Home, Origin};
use evergraph::domain::policy::Policy;
use evergraph::domain::resource::Resource;
use evergraph::domain::subscription::{
    ChangeTypes, Declaration, Desired, DesiredSet, Lifetime, SubscriptionKey,
};
use evergraph::ports::clock::{Clock, ClockError};
use evergraph::ports::desired::DesiredSource;
use evergraph::ports::state::{DocName, StateStore};
use evergraph::sim::clock::SimClock;
use evergraph::sim::control::Control;
use evergraph::sim::exchange::Sim;
use evergraph::sim::port::SimGraph;
use evergraph::sim::row::Row;
use evergraph::sim::settings::Settings;
use jiff::{SignedDuration, Timestamp};

pub const TENANT: &str = "84bd8158-6d4d-4958-8b9f-9d6445542f95";
pub const APP: &str = "aaaaaaaa-0000-0000-0000-000000000001";

/// The simulator's clock as the Clock port.
pub struct Wall(pub Arc<Sim>);

#[async_trait::async_trait]
impl Clock for Wall {
    async fn now(&self) -> Result<Timestamp, ClockError> {
        Ok(self.0.clock.read())
    }
}

/// A declaration that a test can change.
pub struct Wishes(pub Mutex<Declaration>);

#[async_trait::async_trait]
impl DesiredSource for Wishes {
    fn place(&self) -> String {
        "a test".to_owned()
    }
    async fn read(&self) -> Declaration {
        self.0.lock().unwrap().clone()
    }
}

pub fn tenant() -> TenantId {
    TenantId::parse(TENANT).unwrap()
}

pub fn app(id: &str) -> AppId {
    AppId::parse(id).unwrap()
}

pub fn wish(name: &str, resource: &str, changes: &str) -> Desired {
    let resource = Resource::parse(resource).unwrap();
    Desired {
        name: SubscriptionName::parse(name).unwrap(),
        key: SubscriptionKey {
            tenant: tenant(),
            resource: resource.normal().to_owned(),
            change_types: ChangeTypes::parse(changes).unwrap(),
            resource_data: false,
            query_options: None,
        },
        resource,
        lifetime: Lifetime::Max,
        lifecycle: true,
        certificate: None,
        because: None,
    }
}

/// `count` mailboxes.
pub fn mailboxes(count: usize) -> Vec<Desired> {
    (0..count)
        .map(|at| {
            wish(
                &format!("box-{at}"),
                &format!("users/u{at}/messages"),
                "created,updated",
            )
        })
        .collect()
}

pub fn ring(kids: &[&str]) -> KeyRing {
    use base64::Engine as _;
    let entry = |kid: &&str| {
        let key = [kid.as_bytes()[0]; 32];
        format!(
            "{kid}:{}",
            base64::engine::general_purpose::STANDARD.encode(key)
        )
    };
    KeyRing::parse(&kids.iter().map(entry).collect::<Vec<_>>().join(",")).unwrap()
}

pub fn home(origin: &str, fleet: &str, former: &[&str]) -> Home {
    Home {
        current: FleetUrl {
            origin: Origin::parse(origin).unwrap(),
            fleet: FleetId::parse(fleet).unwrap(),
        },
        former: former
            .iter()
            .map(|url| FleetUrl::parse_former(url).unwrap())
            .collect(),
    }
}

/// One fleet, its Graph and its memory.
pub struct Fleet {
    pub sim: Arc<Sim>,
    pub control: Control,
    pub graph: Arc<SimGraph>,
    pub store: MemoryStore,
    pub audit: MemoryAudit,
    pub wishes: Arc<Wishes>,
    pub services: Services,
    pub config: PassConfig,
}

impl Fleet {
    pub fn new(wishes: Vec<Desired>) -> Self {
        let start: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        let sim = Sim::new(SimClock::running(start), Settings::default(), 7);
        Self::over(sim, MemoryStore::new(), wishes)
    }

    /// A fleet over a given Graph and store.
    pub fn over(sim: Arc<Sim>, store: MemoryStore, wishes: Vec<Desired>) -> Self {
        let graph = Arc::new(SimGraph::new(Arc::clone(&sim), app(APP)));
        let audit = MemoryAudit::default();
        let wishes = Arc::new(Wishes(Mutex::new(Declaration::Read(DesiredSet::of(
            wishes,
        )))));
        let services = Services {
            graph: Arc::clone(&graph) as _,
            store: Arc::new(store.clone()),
            clock: Arc::new(Wall(Arc::clone(&sim))),
            dice: Arc::new(FastDice::seeded(11)),
            desired: Arc::clone(&wishes) as _,
            pulse: None,
            trail: Arc::new(Trail::new(Arc::new(audit.clone()), "prod", "test")),
            endpoint: None,
        };
        let config = PassConfig {
            home: home("https://app.example.com", "prod", &[]),
            ring: Arc::new(ring(&["k1"])),
            former_apps: BTreeSet::new(),
            policy: Policy::default(),
            state_name: DocName::parse("shards/0.json").unwrap(),
            lease_term: Duration::from_secs(30),
            budget: Duration::from_secs(535),
            calls_max: 10_000,
            concurrency: 8,
        };
        Self {
            control: Control::new(Arc::clone(&sim)),
            sim,
            graph,
            store,
            audit,
            wishes,
            services,
            config,
        }
    }

    pub async fn tick(&self) -> Report {
        tick::run(&self.services, &self.config).await
    }

    /// Ticks at their distance until so much virtual time has passed.
    pub async fn run_for(&self, time: SignedDuration) -> Vec<Report> {
        let until = self.sim.clock.read() + time;
        let mut reports = Vec::new();
        while self.sim.clock.read() < until {
            reports.push(self.tick().await);
            self.sim.clock.advance(self.config.policy.tick);
        }
        reports
    }

    pub fn declare(&self, wishes: Vec<Desired>) {
        *self.wishes.0.lock().unwrap() = Declaration::Read(DesiredSet::of(wishes));
    }

    pub fn break_declaration(&self, why: &str) {
        *self.wishes.0.lock().unwrap() = Declaration::Unusable {
            why: why.to_owned(),
        };
    }

    /// Living subscriptions, by Graph.
    pub fn live(&self) -> Vec<Row> {
        self.control.live()
    }

    /// Living subscriptions at an address, by resource.
    pub fn live_at(&self, url: &str) -> Vec<String> {
        let mut resources: Vec<String> = self
            .live()
            .into_iter()
            .filter(|row| row.notification_url == url)
            .map(|row| row.resource)
            .collect();
        resources.sort();
        resources
    }

    pub fn jump(&self, minutes: i64) {
        self.sim.clock.advance(SignedDuration::from_mins(minutes));
    }

    pub async fn state_bytes(&self) -> Vec<u8> {
        self.store
            .read(&self.config.state_name)
            .await
            .unwrap()
            .unwrap()
            .bytes
    }
}

pub fn done(reports: &[Report], action: Action) -> usize {
    reports.iter().map(|report| report.done(action)).sum()
}

pub fn calls(reports: &[Report], kind: &str) -> u32 {
    reports
        .iter()
        .filter_map(|report| report.calls.get(kind))
        .sum()
}
