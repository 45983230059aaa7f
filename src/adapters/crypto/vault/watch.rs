//! When a secret is fetched.

use std::time::Duration;

use tokio::time::Instant;

use super::VaultSecret;
use crate::domain::backoff::Backoff;

/// Waits between fetches that fail. A vault takes thousands of reads in ten seconds
/// (learn.microsoft.com/azure/key-vault/general/service-limits); the last waits are for humans.
const WAITS: Backoff = Backoff {
    base: Duration::from_secs(2),
    factor: 2,
    cap: Duration::from_secs(300),
};

/// An item that asks for a key shortens a wait, but never to less than this since the last try.
const ASKED_AGAIN: Duration = Duration::from_secs(10);

/// A key that does not fit leads to a look for a newer version at most this often: whoever
/// spoils items must not make us ask the vault for each.
const DOUBTED_AGAIN: Duration = Duration::from_secs(600);

/// One secret, and how far its fetching has come.
pub(super) struct Watch {
    pub(super) id: String,
    /// Whether the setting names it, as opposed to an item.
    pub(super) named: bool,
    /// The version that was loaded.
    pub(super) version: Option<String>,
    secret: VaultSecret,
    failures: u32,
    tried: Option<Instant>,
    next: Option<Instant>,
    under_way: bool,
}

impl Watch {
    /// Due at once.
    pub(super) fn named(id: String, secret: VaultSecret) -> Self {
        Self {
            id,
            named: true,
            version: None,
            secret,
            failures: 0,
            tried: None,
            next: Some(Instant::now()),
            under_way: false,
        }
    }

    /// The same for an id that only an item names.
    pub(super) fn unnamed(id: String, secret: VaultSecret) -> Self {
        Self {
            named: false,
            ..Self::named(id, secret)
        }
    }

    /// When it is due, unless it is being fetched or nobody wants it.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next.filter(|_| !self.under_way)
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.next().is_some_and(|next| next <= now)
    }

    pub(super) fn begin(&mut self, now: Instant) -> (String, VaultSecret) {
        self.under_way = true;
        self.tried = Some(now);
        (self.id.clone(), self.secret.clone())
    }

    /// The outcome: the version that is loaded now, or none.
    pub(super) fn end(&mut self, now: Instant, loaded: Option<String>, chance: u16) {
        self.under_way = false;
        match loaded {
            Some(version) => {
                self.version = Some(version);
                self.failures = 0;
                self.next = None;
            }
            None => {
                // Half of the wait is certain, so that a vault that refuses is not hammered.
                let wait =
                    WAITS.ceiling(self.failures) / 2 + WAITS.delay(self.failures, chance) / 2;
                self.failures = self.failures.saturating_add(1);
                self.next = Some(now + wait);
            }
        }
    }

    /// An item needs it.
    pub(super) fn ask(&mut self, now: Instant) {
        let earliest = self.tried.map_or(now, |tried| tried + ASKED_AGAIN);
        let asked = earliest.max(now);
        self.next = Some(self.next.map_or(asked, |next| next.min(asked)));
    }

    /// Its key did not fit an item. Says whether that may be for want of a newer version.
    pub(super) fn doubt(&mut self, now: Instant) -> bool {
        if self.secret.version.is_some() {
            return false;
        }
        if self.under_way || self.next.is_some() {
            return true;
        }
        let long_ago = |tried: Instant| now.duration_since(tried) >= DOUBTED_AGAIN;
        let doubtful = self.tried.is_none_or(long_ago);
        if doubtful {
            self.next = Some(now);
        }
        doubtful
    }
}
