//! Published keys, kept: one fetch at a time, few fetches in all, old keys rather than none.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::Instant;

use super::AuthorityOptions;
use super::fetch::Places;
use super::set::{KeySet, PublishedKey};

/// What is known of a key.
pub(super) enum Lookup {
    /// It is published.
    Found(Arc<PublishedKey>),
    /// It is not, as the authority said within the last pause. New keys are published long
    /// before they sign.
    Absent,
    /// It cannot be told.
    Unknown { why: String },
}

/// Keys as they were last fetched.
#[derive(Debug)]
pub(super) struct KeyCache {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    places: Places,
    fresh_for: Duration,
    stale_for: Duration,
    pause: Duration,
    held: RwLock<Held>,
    /// Who holds it fetches.
    flight: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct Held {
    keys: Arc<KeySet>,
    /// When every place last answered.
    fetched: Option<Instant>,
    /// When any place last answered.
    answered: Option<Instant>,
    /// When any place was last asked.
    asked: Option<Instant>,
    /// How often they were asked.
    fetches: u64,
    /// What went wrong in the last fetch.
    missing: Option<String>,
}

impl KeyCache {
    pub(super) fn new(options: &AuthorityOptions) -> Self {
        let shared = Shared {
            places: Places::new(options.keys.clone(), options.fetch_within),
            fresh_for: options.fresh_for,
            stale_for: options.stale_for,
            pause: options.pause,
            held: RwLock::default(),
            flight: tokio::sync::Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Looks for a key. An unknown one is asked for, but not more often than the pause allows;
    /// a known one is at hand, even where its set should be fetched again.
    pub(super) async fn find(&self, kid: &str) -> Lookup {
        let held = self.shared.held();
        if let Some(key) = self.shared.usable(&held, kid) {
            if !self.shared.is_fresh(&held) && self.shared.may_ask(&held) {
                self.refresh_behind(held.fetches);
            }
            return Lookup::Found(key);
        }
        if self.shared.may_ask(&held) {
            self.refresh(held.fetches).await;
        }
        let held = self.shared.held();
        match (self.shared.usable(&held, kid), held.missing) {
            (Some(key), _) => Lookup::Found(key),
            (None, None) => Lookup::Absent,
            (None, Some(why)) => Lookup::Unknown { why },
        }
    }

    /// Fetches, unless the keys are fresh or were asked for a moment ago.
    pub(super) async fn refresh_if_due(&self) {
        let held = self.shared.held();
        if !self.shared.is_fresh(&held) && self.shared.may_ask(&held) {
            self.refresh(held.fetches).await;
        }
    }

    /// Fetches in a task of its own: a request that gives up must not take the fetch along,
    /// or a slow authority would never be heard.
    async fn refresh(&self, seen: u64) {
        let task = tokio::spawn(refresh(Arc::clone(&self.shared), seen));
        if let Err(error) = task.await {
            tracing::error!("fetching the authority's keys broke off: {error}");
        }
    }

    fn refresh_behind(&self, seen: u64) {
        if self.shared.flight.try_lock().is_ok() {
            tokio::spawn(refresh(Arc::clone(&self.shared), seen));
        }
    }
}

async fn refresh(shared: Arc<Shared>, seen: u64) {
    let _only = shared.flight.lock().await;
    if shared.held().fetches != seen {
        return; // Somebody else fetched while we waited.
    }
    let fetched = shared.places.fetch().await;
    if let Some(why) = &fetched.missing {
        tracing::warn!("keys of the authority could not be read: {why}");
    }
    let mut held = shared.held.write().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    held.asked = Some(now);
    held.fetches += 1;
    if !fetched.keys.is_empty() {
        held.answered = Some(now);
    }
    match &fetched.missing {
        None => {
            held.keys = Arc::new(fetched.keys);
            held.fetched = Some(now);
        }
        // What one place said is added; what the others once said is kept.
        Some(_) => {
            let mut keys = KeySet::clone(&held.keys);
            keys.extend(fetched.keys);
            held.keys = Arc::new(keys);
        }
    }
    held.missing = fetched.missing;
}

impl Shared {
    fn held(&self) -> Held {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.clone()
    }

    fn is_fresh(&self, held: &Held) -> bool {
        held.fetched.is_some_and(|at| at.elapsed() < self.fresh_for)
    }

    fn may_ask(&self, held: &Held) -> bool {
        held.asked.is_none_or(|at| at.elapsed() >= self.pause)
    }

    /// A key that may serve: the set is not too old.
    fn usable(&self, held: &Held, kid: &str) -> Option<Arc<PublishedKey>> {
        if held.answered?.elapsed() >= self.stale_for {
            return None;
        }
        held.keys.get(kid).cloned()
    }
}
