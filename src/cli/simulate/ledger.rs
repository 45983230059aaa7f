//! What was seen of a run: broken rules, counters, the trace, and who holds the lease.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::domain::subscription::KeyTag;
use crate::ports::state::LeaseId;

/// Locks whatever a panic of another worker left behind: the panic itself fails the run.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lease as the store sees it, and as its holder may believe in it.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The worker.
    pub worker: usize,
    /// Its lease.
    pub lease: LeaseId,
    /// Its term.
    pub term: Duration,
    /// When the store last began the term anew.
    pub renewed: Instant,
    /// When the holder sent the last renewal of whose success it heard.
    pub sent: Instant,
}

/// Everything that is written down about one fleet in one run.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Rules that were broken, as sentences.
    pub broken: Vec<String>,
    /// How often things happened.
    pub tally: BTreeMap<&'static str, u64>,
    /// Decisions and events, in order.
    pub trace: Vec<String>,
    /// Who may write.
    pub holder: Option<Holder>,
    /// Creates of which nobody heard the end, and when they were sent.
    pub open_creates: BTreeMap<KeyTag, Timestamp>,
    /// Rows that left by other hands than ours.
    pub taken_away: BTreeSet<String>,
    /// Rows that somebody else put there in our name.
    pub planted: BTreeSet<String>,
    /// Rows whose delete was written down in the audit and not sent since.
    pub written_down: BTreeSet<String>,
    /// When Graph last asked for a wait that makes no sense: what was refused so is tried again
    /// at the next audit, and may end before that.
    pub last_absurd: Option<Timestamp>,
    /// When the weather last gave a worker a reason to be late.
    pub last_trouble: Option<Timestamp>,
}

impl Ledger {
    /// Counts something.
    pub fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    /// Writes down what happened.
    pub fn tell(&mut self, at: Timestamp, who: &str, what: &str) {
        self.trace.push(format!("{at:.0} {who:>8}  {what}"));
    }

    /// Writes down that a rule was broken.
    pub fn broke(&mut self, at: Timestamp, who: &str, what: impl Into<String>) {
        let what = what.into();
        self.tell(at, who, &format!("BROKEN: {what}"));
        self.broken.push(format!("{at:.0} {who}: {what}"));
    }

    /// Notes that somebody has a reason to be late.
    pub fn trouble(&mut self, at: Timestamp) {
        self.last_trouble = self.last_trouble.max(Some(at));
    }
}
