//! The sign of life: written by each complete pass, read by the health route and by nobody else.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::state::ShardState;
use crate::ports::state::{DocName, StateStore};

/// The last complete pass.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Heartbeat {
    /// When it ended, on our clock.
    pub completed_at: Timestamp,
    /// When the first of the living subscriptions ends, on our clock.
    pub earliest_expiry: Option<Timestamp>,
    /// Whether the audit could not be written, so that deletes wait.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub audit_failing: bool,
}

/// Whether all is well, and nothing more: the route is open to everybody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Health {
    /// Passes complete, nothing is about to end.
    Ok,
    /// No pass completed for three ticks, something ends within two, or the audit is failing.
    Stale,
}

fn name() -> Option<DocName> {
    DocName::parse("heartbeat.json")
}

impl Heartbeat {
    /// The sign of life of a pass that just completed.
    pub fn of(state: &ShardState, now: Timestamp) -> Self {
        let ends = state
            .entries
            .values()
            .filter_map(|entry| Some(entry.held.as_ref()?.expires));
        let earliest = ends
            .min()
            .map(|end| end.checked_sub(state.clock_offset).unwrap_or(end));
        Self {
            completed_at: now,
            earliest_expiry: earliest,
            audit_failing: false,
        }
    }

    /// Judges it.
    pub fn health(&self, now: Timestamp, tick: SignedDuration) -> Health {
        let late = now.duration_since(self.completed_at) > tick * 3;
        let ending = self
            .earliest_expiry
            .is_some_and(|end| end.duration_since(now) < tick * 2);
        if late || ending || self.audit_failing {
            Health::Stale
        } else {
            Health::Ok
        }
    }

    /// Writes it. A failure is only logged: the next tick tries again, and a heartbeat that stays
    /// away is itself the alarm.
    pub async fn write(&self, store: &dyn StateStore) {
        let (Some(name), Ok(bytes)) = (name(), serde_json::to_vec(self)) else {
            return;
        };
        if let Err(error) = store.put(&name, bytes).await {
            tracing::warn!("the heartbeat was not written: {error}");
        }
    }

    /// Reads it. Anything but a heartbeat counts as stale.
    pub async fn read(store: &dyn StateStore) -> Option<Self> {
        let stored = store.read(&name()?).await.ok()??;
        serde_json::from_slice(&stored.bytes).ok()
    }
}
