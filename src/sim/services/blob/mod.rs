//! A simulated Blob Storage account, and its portal.
//!
//! Containers stand at the root: `/{container}/{blob}`, as below
//! `https://{account}.blob.core.windows.net`. Block blobs alone; no lists.

mod answers;
mod api;
mod browser;
mod conditions;
mod leases;
pub mod portal;
mod store;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::door::{Ask, Reply, Service};
use super::mishaps::{Called, Mishap, Mishaps, pass_through};
use crate::sim::answer::http_date;
use crate::sim::clock::SimClock;
use store::State;

/// The service.
pub struct BlobService {
    clock: Arc<SimClock>,
    mishaps: Mutex<Mishaps>,
    state: Mutex<State>,
}

/// What a blob is at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// Its bytes.
    pub content: Vec<u8>,
    /// Its own metadata, names in lower case.
    pub metadata: Vec<(String, String)>,
    /// Its version.
    pub etag: String,
    /// `available`, `leased`, `expired`, `breaking` or `broken`.
    pub lease_state: &'static str,
}

/// The words for calls that are meant to change something.
const WRITES: [&str; 7] = [
    "put blob",
    "put metadata",
    "delete blob",
    "lease",
    "snapshot",
    "create container",
    "delete container",
];

/// The word for a call; mishaps are planned by it.
fn operation(ask: &Ask) -> &'static str {
    let segments = ask.path.len();
    match (ask.method.as_str(), segments, ask.parameter("comp")) {
        ("PUT", _, Some("lease")) => "lease",
        ("PUT", 2.., Some("metadata")) => "put metadata",
        ("PUT", 2.., Some("snapshot")) => "snapshot",
        ("PUT", 2.., _) => "put blob",
        ("PUT", _, _) => "create container",
        ("DELETE", 2.., _) => "delete blob",
        ("DELETE", _, _) => "delete container",
        ("HEAD", _, _) => "head blob",
        _ => "get blob",
    }
}

impl BlobService {
    /// An account without containers.
    pub fn new(clock: Arc<SimClock>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            mishaps: Mutex::default(),
            state: Mutex::default(),
        })
    }

    /// The clock by which leases and deletions end.
    pub fn clock(&self) -> &Arc<SimClock> {
        &self.clock
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

    /// What stands there.
    pub fn blob(&self, container: &str, name: &str) -> Option<Shown> {
        self.with(|state, now| {
            let blob = state.containers.get(container)?.blobs.get(name)?;
            Some(Shown {
                content: blob.content.clone(),
                metadata: blob.metadata.clone(),
                etag: blob.etag.clone(),
                lease_state: blob.lease.shown(now),
            })
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let now = self.clock.read();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle(now);
        act(&mut state, now)
    }
}

impl Service for BlobService {
    fn answer(&self, ask: &Ask) -> Option<Reply> {
        if ask.path.first().is_some_and(|first| first == "_portal") {
            return Some(browser::answer(self, ask));
        }
        let reply = pass_through(operation(ask), ask, &|look| self.mishaps(look), || {
            self.with(|state, now| {
                let answered = api::answer(state, now, ask);
                answered.unwrap_or_else(|refusal| refusal.reply(&state.request_id(), now))
            })
        });
        // To HEAD the HTTP door sends the length alone.
        reply.map(|reply| {
            reply
                .header("date", http_date(self.clock.read()))
                .header("x-ms-version", "2021-12-02")
        })
    }
}
