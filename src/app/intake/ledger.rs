//! What the intake counts, and what it tells the audit.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::Receipt;
use crate::domain::governor::{Answers, Governor, GovernorRules, Standing};
use crate::domain::ids::Kid;
use crate::domain::notification::grace::{Grace, KidGrace};
use crate::domain::notification::refusal::{Delay, Refusal};
use crate::domain::notification::seen::SeenIds;
use crate::domain::times::Times;

/// The log hears of each reason at most this often.
const LOG_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// What this process has counted since it began.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Figures {
    /// Requests that were answered.
    pub requests: u64,
    /// Events written to the sink.
    pub written: u64,
    /// Certain repeats that were suppressed.
    pub repeats: u64,
    /// Items refused, by reason.
    pub refused: BTreeMap<Refusal, u64>,
    /// Requests answered 503, by reason; one request may have several.
    pub delayed: BTreeMap<Delay, u64>,
    /// Requests that were no notification.
    pub unreadable: u64,
    /// Items that came to the other one of our two addresses.
    pub wrong_route: u64,
    /// Wake marks left.
    pub marks: u64,
    /// When an item was last accepted.
    pub last_accepted: Option<Timestamp>,
    /// Handshakes answered, each invocation once.
    pub handshakes: u64,
    /// How long answers took, on our own clock.
    pub took: Times,
    /// What came before us, where the platform says when a request came in.
    pub before: Before,
    /// Which subscriptions were last proven and last refused.
    pub seen: SeenIds,
}

/// The time between a platform's mark and our first byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Before {
    /// Requests that carried a mark.
    pub requests: u64,
    /// Their time before us in all, in milliseconds.
    pub sum_ms: u64,
    /// The longest, in milliseconds.
    pub max_ms: u64,
}

/// The memory of the intake that is about figures.
#[derive(Debug)]
pub(super) struct Ledger(Mutex<Book>);

#[derive(Debug)]
struct Book {
    figures: Figures,
    governor: Governor,
    /// The same with the time before us, for requests that tell it.
    estimated: Governor,
    grace: KidGrace,
    told: BTreeMap<Refusal, Told>,
    /// Refusals that the audit has not heard of: one figure for each reason, so that no flood
    /// makes it grow.
    unwritten: BTreeMap<Refusal, Tally>,
    rules: GovernorRules,
}

/// How often something was refused, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tally {
    /// How many items.
    pub count: u64,
    /// The first of them.
    pub first: Timestamp,
    /// The last of them.
    pub last: Timestamp,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

#[derive(Clone, Copy, Debug)]
struct Told {
    last: Timestamp,
    since: u64,
}

impl Ledger {
    pub(super) fn new(rules: GovernorRules) -> Self {
        Self(Mutex::new(Book {
            figures: Figures::default(),
            governor: Governor::new(rules),
            estimated: Governor::new(rules),
            grace: KidGrace::default(),
            told: BTreeMap::new(),
            unwritten: BTreeMap::new(),
            rules,
        }))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Counters have no state that a panic could leave half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether items of an unknown key still wait.
    pub(super) fn meet(&self, kid: &Kid, now: Timestamp) -> Grace {
        self.book().grace.meet(kid, now)
    }

    /// Counts refused items, each with the subscription that it names. The log hears of each
    /// reason once a minute, with how many there were since, and so does the audit; the texts of
    /// the items stay out, because whoever forged them chose them.
    pub(super) fn refused(&self, items: &[(Refusal, Option<&str>)], now: Timestamp) {
        if items.is_empty() {
            return;
        }
        let mut heard: Vec<(Refusal, u64)> = Vec::new();
        let mut book = self.book();
        for (refusal, subscription) in items {
            *book.figures.refused.entry(*refusal).or_default() += 1;
            if let Some(id) = subscription.filter(|_| refusal.is_by_client_state()) {
                book.figures.seen.refused(id, now);
            }
            let one = Tally {
                count: 1,
                first: now,
                last: now,
            };
            let known = book.unwritten.entry(*refusal);
            known.and_modify(|tally| tally.add(one)).or_insert(one);
            let told = book.told.entry(*refusal).or_insert(Told {
                last: Timestamp::MIN,
                since: 0,
            });
            told.since += 1;
            if now.duration_since(told.last) >= LOG_EVERY {
                heard.push((*refusal, told.since));
                *told = Told {
                    last: now,
                    since: 0,
                };
            }
        }
        drop(book);
        for (refusal, count) in heard {
            tracing::warn!(
                intake.refusal = refusal.as_str(),
                intake.count = count,
                "refused {count} items ({refusal}); they were acknowledged and not passed on"
            );
        }
    }

    /// What the audit has not heard of. Whoever takes it writes it, or gives it back.
    pub(super) fn take_refusals(&self) -> BTreeMap<Refusal, Tally> {
        std::mem::take(&mut self.book().unwritten)
    }

    /// Refusals that could not be written wait for the next time.
    pub(super) fn give_back(&self, refusals: BTreeMap<Refusal, Tally>) {
        let mut book = self.book();
        for (refusal, tally) in refusals {
            let known = book.unwritten.entry(refusal);
            known.and_modify(|other| other.add(tally)).or_insert(tally);
        }
    }

    /// Counts proven items by the subscription that they name.
    pub(super) fn verified<'i>(&self, ids: impl Iterator<Item = &'i str>, now: Timestamp) {
        let mut book = self.book();
        let mut last = None;
        for id in ids {
            // Items of one request mostly share a subscription.
            if last.replace(id) != Some(id) {
                book.figures.seen.verified(id, now);
            }
        }
    }

    /// Counts an answer: what was settled, how long it took from the arrival of its head, and
    /// how long the platform had it before, where that is known.
    pub(super) fn answered(
        &self,
        receipt: &Receipt,
        now: Option<Timestamp>,
        (took, before): (SignedDuration, Option<SignedDuration>),
    ) {
        let mut book = self.book();
        let figures = &mut book.figures;
        figures.requests += 1;
        figures.written += receipt.written as u64;
        figures.repeats += receipt.repeats as u64;
        figures.wrong_route += receipt.wrong_route as u64;
        figures.marks += receipt.marks as u64;
        for delay in &receipt.delays {
            *figures.delayed.entry(*delay).or_default() += 1;
        }
        figures.took.note(millis(took));
        if let Some(before) = before {
            let ms = millis(before);
            figures.before.requests += 1;
            figures.before.sum_ms = figures.before.sum_ms.saturating_add(ms);
            figures.before.max_ms = figures.before.max_ms.max(ms);
        }
        if let Some(now) = now {
            if receipt.written + receipt.repeats > 0 {
                figures.last_accepted = Some(now);
            }
            book.governor.note(now, took);
            if let Some(before) = before {
                book.estimated.note(now, took + before);
            }
        }
    }

    /// Counts a handshake.
    pub(super) fn handshake(&self) {
        self.book().figures.handshakes += 1;
    }

    /// Counts a request that was no notification.
    pub(super) fn unreadable(&self) {
        self.book().figures.unreadable += 1;
    }

    /// Counts a request that was turned away before any work.
    pub(super) fn shed(&self) {
        *self
            .book()
            .figures
            .delayed
            .entry(Delay::Capacity)
            .or_default() += 1;
    }

    pub(super) fn figures(&self) -> Figures {
        self.book().figures.clone()
    }

    /// On our own clock, and with the time before us where that is known.
    pub(super) fn answers(&self, now: Timestamp) -> (Answers, Answers) {
        let mut book = self.book();
        (book.governor.answers(now), book.estimated.answers(now))
    }

    pub(super) fn standing(&self, now: Timestamp) -> Standing {
        let mut book = self.book();
        let rules = book.rules;
        Standing::of(book.governor.answers(now), &rules)
    }
}

fn millis(time: SignedDuration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(0)
}
