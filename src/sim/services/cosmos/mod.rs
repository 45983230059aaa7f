//! A pretended Azure Cosmos DB: one container in two regions with asynchronous replication.
//!
//! Each region is a door of its own ([`Cosmos::region`]). Writes are taken locally and meet
//! later, when they are old enough or when a test says so ([`Cosmos::replicate`]); what was
//! accepted in both regions is then reconciled by the container's policy
//! (<https://learn.microsoft.com/azure/cosmos-db/conflict-resolution-policies>).

mod api;
mod documents;
mod feed;
mod query;
mod replication;
mod session;
mod store;
pub mod words;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::door::{Ask, Reply, Service};
use super::mishaps::{Called, Mishap, Mishaps, pass_through};
use store::Store;

/// Number of regions. The first is the hub: under [`Policy::Custom`] its version stands.
pub const REGIONS: usize = 2;

/// How conflicting writes of two regions are reconciled. Fixed when a container is created.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Policy {
    /// The highest number at the path wins, the other write is dropped without a trace; a delete
    /// beats everything. A path that holds no number falls back to `/_ts`.
    LastWriterWins {
        /// Such as `/_ts`.
        path: String,
    },
    /// No merge procedure is there (or it throws): what loses goes to the conflict feed.
    Custom,
}

/// How the account is set up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Setup {
    /// Path of the partition key, such as `/tenant`.
    pub partition_path: String,
    /// Paths whose values must be unique in a partition.
    pub unique_paths: Vec<String>,
    /// How conflicts are reconciled.
    pub policy: Policy,
    /// Whether both regions take writes. Otherwise only the first does.
    pub multi_write: bool,
    /// How old a write is when it reaches the other region; `None`: only by
    /// [`Cosmos::replicate`].
    pub lag: Option<Duration>,
    /// Items and conflicts of one page.
    pub page_rows: usize,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            partition_path: "/pk".into(),
            unique_paths: Vec::new(),
            policy: Policy::LastWriterWins {
                path: "/_ts".into(),
            },
            multi_write: true,
            lag: None,
            page_rows: 100,
        }
    }
}

/// The account, with one container `{database}/{container}` of the caller's naming.
pub struct Cosmos {
    setup: Setup,
    began: Instant,
    store: Mutex<Store>,
    mishaps: Mutex<Mishaps>,
    endpoints: Mutex<Vec<String>>,
}

impl Cosmos {
    /// An empty container.
    pub fn new(setup: Setup) -> Arc<Self> {
        Arc::new(Self {
            setup,
            began: Instant::now(),
            store: Mutex::default(),
            mishaps: Mutex::default(),
            endpoints: Mutex::default(),
        })
    }

    /// The door of one region: 0 or 1.
    pub fn region(self: &Arc<Self>, region: usize) -> Arc<Region> {
        Arc::new(Region {
            cosmos: Arc::clone(self),
            region: region.min(REGIONS - 1),
        })
    }

    /// Tells the account at which addresses its regions answer, in their order; a read of the
    /// account shows them.
    pub fn set_endpoints(&self, endpoints: &[String]) {
        *lock(&self.endpoints) = endpoints.to_vec();
    }

    /// Every write reaches the other region now.
    pub fn replicate(&self) {
        let setup = &self.setup;
        self.with(|store| replication::meet(store, setup, None));
    }

    /// Writes an item into one region as another program would, past plan and log.
    pub fn put(&self, region: usize, item: &Value) {
        let (setup, at) = (&self.setup, self.began.elapsed());
        self.with(|store| store.put(setup, region, item.clone(), at));
    }

    /// Deletes an item in one region as another program would.
    pub fn remove(&self, region: usize, partition: &str, id: &str) {
        let at = self.began.elapsed();
        let key = store::Key::of(partition, id);
        self.with(|store| store.delete(region, &key, at));
    }

    /// The item as it stands in a region.
    pub fn item(&self, region: usize, partition: &str, id: &str) -> Option<Value> {
        let key = store::Key::of(partition, id);
        self.with(|store| store.standing(region, &key).cloned())
    }

    /// Writes that last-writer-wins dropped; no call of the service shows them.
    pub fn dropped(&self) -> Vec<Option<Value>> {
        self.with(|store| store.dropped.clone())
    }

    /// Entries of the conflict feed.
    pub fn conflicts(&self) -> usize {
        self.with(|store| store.feed.len())
    }

    /// The next call of an operation, in whichever region, goes wrong. Operations: `read
    /// account`, `read container`, `create item`, `read item`, `replace item`, `delete item`,
    /// `query`, `read conflicts`, `delete conflict`.
    pub fn plan(&self, operation: &str, mishap: Mishap) {
        lock(&self.mishaps).plan(operation, mishap);
    }

    /// The call after `skip` good ones goes wrong.
    pub fn plan_after(&self, skip: u32, operation: &str, mishap: Mishap) {
        lock(&self.mishaps).plan_after(skip, operation, mishap);
    }

    /// Nothing goes wrong any more.
    pub fn forget_plans(&self) {
        lock(&self.mishaps).forget();
    }

    /// Somebody else acts right before the next call of the operation takes effect.
    pub fn meanwhile(&self, operation: &str, act: impl FnOnce() + Send + 'static) {
        lock(&self.mishaps).meanwhile(operation, act);
    }

    /// Every call so far.
    pub fn called(&self) -> Vec<Called> {
        lock(&self.mishaps).called().to_vec()
    }

    /// The calls that were meant to change something.
    pub fn writes(&self) -> Vec<Called> {
        let all = self.called().into_iter();
        all.filter(|call| !call.operation.starts_with("read") && call.operation != "query")
            .collect()
    }

    fn with<T>(&self, look: impl FnOnce(&mut Store) -> T) -> T {
        look(&mut lock(&self.store))
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One region of the account.
pub struct Region {
    cosmos: Arc<Cosmos>,
    region: usize,
}

impl Service for Region {
    fn answer(&self, ask: &Ask) -> Option<Reply> {
        let cosmos = &self.cosmos;
        let operation = api::operation(ask);
        let effect = || {
            let endpoints = lock(&cosmos.endpoints).clone();
            let scene = api::Scene {
                setup: &cosmos.setup,
                region: self.region,
                endpoints: &endpoints,
                at: cosmos.began.elapsed(),
            };
            cosmos.with(|store| {
                // A write of an account that is younger than the lag reached nobody yet.
                if let Some(old) = cosmos.setup.lag.and_then(|lag| scene.at.checked_sub(lag)) {
                    replication::meet(store, scene.setup, Some(old));
                }
                api::answer(store, &scene, ask)
            })
        };
        pass_through(
            operation,
            ask,
            &|look| look(&mut lock(&cosmos.mishaps)),
            effect,
        )
    }
}
