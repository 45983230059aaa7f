//! Pretended event subscriptions of Event Grid system topics: a create that ends with 404, and
//! works some time later.
//!
//! Two doors to one core: Resource Manager below
//! `/subscriptions/{id}/resourceGroups/{group}/providers/Microsoft.EventGrid/systemTopics/{topic}`,
//! and the portal, in process as `portal_…` or below `/_portal/topics/` over HTTP. Left out: events
//! and their delivery, topics by the API, deletes and lists of event subscriptions, the operation
//! behind a create (its status address is not served), and validation of the destination.

mod api;
mod portal;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::Value;

use super::door::{Ask, Reply, Service};
use super::mishaps::{Mishap, Mishaps, pass_through};
use crate::sim::clock::SimClock;

/// One system topic.
#[derive(Clone, Debug)]
struct Topic {
    /// Its resource id.
    id: String,
    /// Until then creates are taken and come to nothing. The report (pulumi-azure-native#1681)
    /// does not say what was not ready, or for how long.
    ready_at: Timestamp,
    /// Properties of its event subscriptions, by name.
    subscriptions: BTreeMap<String, Value>,
}

/// The service.
pub struct EventGrid {
    clock: Arc<SimClock>,
    topics: Mutex<Vec<Topic>>,
    mishaps: Mutex<Mishaps>,
}

impl EventGrid {
    /// A service without topics.
    pub fn new(clock: Arc<SimClock>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            topics: Mutex::default(),
            mishaps: Mutex::default(),
        })
    }

    /// The clock by which topics become ready.
    pub fn clock(&self) -> &Arc<SimClock> {
        &self.clock
    }

    /// The next call of the API goes wrong. Operations: `create`, `read`.
    pub fn plan(&self, operation: &str, mishap: Mishap) {
        self.mishaps(|plan| plan.plan(operation, mishap));
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<Topic>, Timestamp) -> T) -> T {
        let now = self.clock.read();
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut topics, now)
    }

    fn mishaps<T>(&self, act: impl FnOnce(&mut Mishaps) -> T) -> T {
        act(&mut self.mishaps.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Service for EventGrid {
    fn answer(&self, ask: &Ask) -> Option<Reply> {
        if ask.path.first().is_some_and(|first| first == "_portal") {
            return Some(portal::answer(self, ask));
        }
        pass_through(api::operation(ask), ask, &|look| self.mishaps(look), || {
            self.with(|topics, now| api::answer(topics, now, ask))
        })
    }
}
