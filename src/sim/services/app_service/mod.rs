//! A simulated App Service: the deployment service (Kudu) of each site, what Resource Manager
//! says of sites, and the portal.
//!
//! Resource Manager answers below `/subscriptions/…`; the deployment service of a site, in
//! reality `https://{site}.scm.azurewebsites.net`, below `/scm/{site}/…`.

mod answers;
mod arm;
mod browser;
mod kudu;
pub mod portal;
pub mod site;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::door::{Ask, Reply, Service};
use super::mishaps::{Called, Mishap, Mishaps, pass_through};
use crate::sim::answer::http_date;
use crate::sim::clock::SimClock;
use site::{Deployment, Site};

/// The switches: what differs between builds, or is under no caller's control.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Switches {
    /// A deployment has this long the provisional row that hides author and message.
    pub extract_s: i64,
    /// A whole deployment takes this long.
    pub deploy_s: i64,
    /// A busy deployment engine is told by its lock, as newer builds do: "The '…' operation
    /// conflicts with the pending '…' operation".
    pub lock_words: bool,
    /// A run-from-package app refuses with the text of an auto swap, as older builds of
    /// KuduLite did.
    pub misnamed_run_from_package: bool,
    /// Deployments fail in their build.
    pub failing_builds: bool,
    /// Extended code of the management side's "another operation": 59203, as 409, or 59205, as
    /// 429.
    pub plan_busy: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            extract_s: 2,
            deploy_s: 20,
            lock_words: false,
            misnamed_run_from_package: false,
            failing_builds: false,
            plan_busy: false,
        }
    }
}

/// The service.
pub struct AppService {
    clock: Arc<SimClock>,
    mishaps: Mutex<Mishaps>,
    state: Mutex<State>,
}

/// What the service knows.
pub(in crate::sim::services) struct State {
    sites: Vec<Site>,
    locks: Vec<Lock>,
    switches: Switches,
    numbers: u64,
}

/// A lock of Resource Manager.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lock {
    /// The subscription, resource group or resource that it lies on, as a resource id.
    pub scope: String,
    /// Its name.
    pub name: String,
    /// `ReadOnly` or `CanNotDelete`.
    pub level: String,
    /// Why, in the words of whoever set it.
    pub notes: String,
}

impl AppService {
    /// A service without sites.
    pub fn new(clock: Arc<SimClock>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            mishaps: Mutex::default(),
            state: Mutex::new(State {
                sites: Vec::new(),
                locks: Vec::new(),
                switches: Switches::default(),
                numbers: 0,
            }),
        })
    }

    /// The clock by which deployments proceed.
    pub fn clock(&self) -> &Arc<SimClock> {
        &self.clock
    }

    /// Changes the switches.
    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        self.with(|state, _| change(&mut state.switches));
    }

    /// The deployments of a site, the latest first; none for an unknown site.
    pub fn deployments(&self, site: &str) -> Vec<Deployment> {
        self.with(|state, now| {
            let site = state.site(site);
            site.map_or_else(Vec::new, |site| site.listed(now))
        })
    }

    /// The next call of an operation goes wrong. Operations: see `operation` in this file.
    pub fn plan(&self, operation: &str, mishap: Mishap) {
        self.mishaps(|plan| plan.plan(operation, mishap));
    }

    /// Somebody else acts right before the next call of the operation takes effect.
    pub fn meanwhile(&self, operation: &str, act: impl FnOnce() + Send + 'static) {
        self.mishaps(|plan| plan.meanwhile(operation, act));
    }

    /// Every call so far.
    pub fn called(&self) -> Vec<Called> {
        self.mishaps(|plan| plan.called().to_vec())
    }

    /// The calls that were meant to change something.
    pub fn writes(&self) -> Vec<Called> {
        let all = self.called().into_iter();
        all.filter(|call| WRITES.contains(&call.operation.as_str()))
            .collect()
    }

    fn mishaps<T>(&self, act: impl FnOnce(&mut Mishaps) -> T) -> T {
        act(&mut self.mishaps.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn with<T>(&self, act: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let now = self.clock.read();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut state, now)
    }
}

impl State {
    fn site(&mut self, name: &str) -> Option<&mut Site> {
        let named = |site: &&mut Site| site.name.eq_ignore_ascii_case(name);
        self.sites.iter_mut().find(named)
    }

    /// An id as Kudu's: 32 hex digits, never the same twice.
    fn id(&mut self) -> String {
        self.numbers += 1;
        let number = self.numbers.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        format!("{number:016x}{:016x}", number.rotate_left(17))
    }

    /// The locks that hold for a resource: its own, and those of what it lies in.
    fn locks_over(&self, id: &str) -> Vec<Lock> {
        let covers = |lock: &&Lock| {
            let (scope, id) = (lock.scope.to_ascii_lowercase(), id.to_ascii_lowercase());
            id == scope || id.starts_with(&format!("{scope}/"))
        };
        self.locks.iter().filter(covers).cloned().collect()
    }
}

/// The words for calls that are meant to change something.
const WRITES: [&str; 3] = ["zip deploy", "write config", "other kudu call"];

/// The word for a call; mishaps are planned by it.
fn operation(ask: &Ask) -> &'static str {
    match (ask.method.as_str(), ask.segments().as_slice()) {
        ("POST" | "PUT", ["scm", _, "api", "zipdeploy"]) => "zip deploy",
        ("GET", ["scm", _, "api", "deployments"]) => "list deployments",
        ("GET", ["scm", _, "api", "deployments", _]) => "read deployment",
        (_, ["scm", ..]) => "other kudu call",
        ("GET", [.., "config", "web"]) => "read config",
        ("POST", [.., "config", "appsettings", "list"]) => "list settings",
        ("GET", [.., "Microsoft.Authorization", "locks"]) => "list locks",
        ("GET", _) => "read site",
        _ => "write config",
    }
}

impl Service for AppService {
    fn answer(&self, ask: &Ask) -> Option<Reply> {
        if ask.path.first().is_some_and(|first| first == "_portal") {
            return Some(browser::answer(self, ask));
        }
        let reply = pass_through(operation(ask), ask, &|look| self.mishaps(look), || {
            self.with(|state, now| {
                if ask.header("authorization").is_none() {
                    return answers::no_token();
                }
                match ask.segments().as_slice() {
                    ["scm", site, rest @ ..] => kudu::answer(state, now, site, rest, ask),
                    ["subscriptions", ..] => arm::answer(state, now, ask),
                    _ => Reply::text(404, ""),
                }
            })
        });
        reply.map(|reply| reply.header("date", http_date(self.clock.read())))
    }
}
