//! The secrets of one pretended key vault, as far as a deleted secret's name goes.
//!
//! Two doors to one core: the API at the root (`/secrets`, `/deletedsecrets`), and the portal, in
//! process as `portal_…` or below `/_portal/` over HTTP. Left out: purge (a vault with purge
//! protection; the playbook never purges either), the end of the retention time, permissions,
//! properties beside the value, keys and certificates, pages of lists, and `api-version`.

mod api;
mod portal;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::door::{Ask, Reply, Service};
use super::mishaps::{Mishap, Mishaps, pass_through};
use crate::sim::clock::SimClock;

/// How a secret stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    Live,
    /// A delete takes a while; until then the deleted secret cannot be read either
    /// (<https://learn.microsoft.com/en-us/azure/key-vault/general/soft-delete-overview>).
    Deleting {
        until: Timestamp,
    },
    Deleted,
    /// Recovered, but not yet to be written (azure-sdk-for-net#31581).
    Recovering {
        until: Timestamp,
    },
}

#[derive(Clone, Debug)]
struct Secret {
    /// The values, the newest last; recovery brings all of them back.
    values: Vec<String>,
    standing: Standing,
    deleted_at: Timestamp,
}

/// How the service behaves, as far as a test may choose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Manners {
    /// How long a delete takes. No figure is documented.
    pub deleting: SignedDuration,
    /// How long a recovered secret cannot be set. No figure is documented.
    pub recovering: SignedDuration,
    /// Whether the portal has a page of deleted secrets. The portal of the report
    /// azure-sdk-for-python#9743 had none.
    pub portal_shows_deleted: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            deleting: SignedDuration::from_secs(5),
            recovering: SignedDuration::from_secs(5),
            portal_shows_deleted: true,
        }
    }
}

struct State {
    secrets: BTreeMap<String, Secret>,
    manners: Manners,
    now: Timestamp,
}

impl State {
    /// What was under way until now is done.
    fn settle(&mut self, now: Timestamp) {
        self.now = now;
        for secret in self.secrets.values_mut() {
            secret.standing = match secret.standing {
                Standing::Deleting { until } if until <= now => Standing::Deleted,
                Standing::Recovering { until } if until <= now => Standing::Live,
                other => other,
            };
        }
    }

    /// A secret, whatever its standing. Names do not care about letter case.
    fn find(&mut self, name: &str) -> Option<&mut Secret> {
        self.secrets.get_mut(&name.to_ascii_lowercase())
    }

    fn standing(&mut self, name: &str) -> Option<Standing> {
        self.find(name).map(|secret| secret.standing)
    }

    /// Sets a value where the standing allows it.
    fn set(&mut self, name: &str, value: &str) {
        let fresh = Secret {
            values: Vec::new(),
            standing: Standing::Live,
            deleted_at: self.now,
        };
        let held = self.secrets.entry(name.to_ascii_lowercase());
        held.or_insert(fresh).values.push(value.to_owned());
    }

    fn begin_delete(&mut self, name: &str) {
        let (now, takes) = (self.now, self.manners.deleting);
        if let Some(secret) = self.find(name) {
            secret.deleted_at = now;
            secret.standing = Standing::Deleting { until: now + takes };
        }
        self.settle(now);
    }

    fn begin_recover(&mut self, name: &str) {
        let (now, takes) = (self.now, self.manners.recovering);
        if let Some(secret) = self.find(name) {
            secret.standing = Standing::Recovering { until: now + takes };
        }
        self.settle(now);
    }
}

/// The service.
pub struct KeyVault {
    clock: Arc<SimClock>,
    state: Mutex<State>,
    mishaps: Mutex<Mishaps>,
}

impl KeyVault {
    /// An empty vault.
    pub fn new(clock: Arc<SimClock>) -> Arc<Self> {
        let now = clock.read();
        Arc::new(Self {
            clock,
            state: Mutex::new(State {
                secrets: BTreeMap::new(),
                manners: Manners::default(),
                now,
            }),
            mishaps: Mutex::default(),
        })
    }

    /// The clock by which deletes and recoveries end.
    pub fn clock(&self) -> &Arc<SimClock> {
        &self.clock
    }

    /// Changes how it behaves.
    pub fn set_manners(&self, manners: Manners) {
        self.with(|state| state.manners = manners);
    }

    /// The next call of the API goes wrong. Operations: `list`, `read`, `set`, `delete`,
    /// `list deleted`, `read deleted` and `recover`.
    pub fn plan(&self, operation: &str, mishap: Mishap) {
        self.mishaps(|plan| plan.plan(operation, mishap));
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let now = self.clock.read();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle(now);
        act(&mut state)
    }

    fn mishaps<T>(&self, act: impl FnOnce(&mut Mishaps) -> T) -> T {
        act(&mut self.mishaps.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Service for KeyVault {
    fn answer(&self, ask: &Ask) -> Option<Reply> {
        if ask.path.first().is_some_and(|first| first == "_portal") {
            return Some(portal::answer(self, ask));
        }
        pass_through(api::operation(ask), ask, &|look| self.mishaps(look), || {
            self.with(|state| api::answer(state, ask))
        })
    }
}
