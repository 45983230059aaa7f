//! Pretended channels of teams, as far as a channel's name goes: a deleted channel keeps it.
//!
//! Two doors to one core: the API below `/v1.0/teams/{team}/channels` (or `/beta/…`), and the
//! Teams client, in process as `portal_…` or below `/_portal/teams/{team}/channels` over HTTP.
//! Left out: membership, private and shared channels, changes of a channel, the channel "General",
//! query options, and the end of the time in which a deleted channel can be restored.

mod api;
mod portal;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::door::{Ask, Reply, Service};
use super::mishaps::{Mishap, Mishaps, pass_through};

/// One channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Channel {
    /// The id that the service gave.
    pub id: String,
    /// The name in the form in which it was given.
    pub name: String,
    /// Whether it was deleted. It keeps its name all the same (microsoft-graph-docs#6168).
    pub deleted: bool,
}

impl Channel {
    /// Letter case and blanks around a name are taken not to matter; no source tells.
    fn is_named(&self, name: &str) -> bool {
        self.name.trim().to_lowercase() == name.trim().to_lowercase()
    }
}

/// What the reports disagree about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Manners {
    /// Status of the answer about a name that exists: 400 was seen, and 409 is possible.
    pub status: u16,
    /// Its code: `NameAlreadyExists` (microsoft-graph-docs#6168) or `BadRequest` (#6649).
    pub code: &'static str,
    /// Whether the Teams client lets a deleted channel's name be used again, as it did in the
    /// report microsoft-graph-docs#6649. It refuses in #6168 and in msteams-docs#13158.
    pub client_reuses_names: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            status: 400,
            code: "NameAlreadyExists",
            client_reuses_names: false,
        }
    }
}

#[derive(Default)]
struct State {
    teams: BTreeMap<String, Vec<Channel>>,
    manners: Manners,
    last_number: u64,
}

impl State {
    fn add(&mut self, team: &str, name: &str) -> Option<Channel> {
        self.last_number += 1;
        let channel = Channel {
            id: format!("19:{:032x}@thread.tacv2", self.last_number),
            name: name.to_owned(),
            deleted: false,
        };
        self.teams.get_mut(team)?.push(channel.clone());
        Some(channel)
    }
}

/// The service.
pub struct TeamsChannels {
    state: Mutex<State>,
    mishaps: Mutex<Mishaps>,
}

impl TeamsChannels {
    /// A service with these teams, by id.
    pub fn new(teams: &[&str]) -> Arc<Self> {
        let named = teams.iter().map(|id| ((*id).to_owned(), Vec::new()));
        Arc::new(Self {
            state: Mutex::new(State {
                teams: named.collect(),
                ..State::default()
            }),
            mishaps: Mutex::default(),
        })
    }

    /// Changes how it behaves.
    pub fn set_manners(&self, manners: Manners) {
        self.with(|state| state.manners = manners);
    }

    /// The next call of the API goes wrong. Operations: `list`, `read`, `create` or `delete`, a
    /// blank, and `channel`.
    pub fn plan(&self, operation: &str, mishap: Mishap) {
        self.mishaps(|plan| plan.plan(operation, mishap));
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn mishaps<T>(&self, look: impl FnOnce(&mut Mishaps) -> T) -> T {
        look(&mut self.mishaps.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Service for TeamsChannels {
    fn answer(&self, ask: &Ask) -> Option<Reply> {
        if ask.path.first().is_some_and(|first| first == "_portal") {
            return Some(portal::answer(self, ask));
        }
        pass_through(api::operation(ask), ask, &|look| self.mishaps(look), || {
            self.with(|state| api::answer(state, ask))
        })
    }
}
