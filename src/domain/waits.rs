//! How long to wait after a miss: what Graph asks for, and our own growing distance.

use jiff::{SignedDuration, Timestamp};

use super::conflict::RetryAfter;
use super::ids::TenantId;
use super::record::{Miss, Recorder};
use super::schedule::after;
use super::state::{Blocked, BlockedBy, Retry, ShardState, TenantState};
use super::subscription::KeyTag;

/// What Graph says about waiting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nothing,
    For(SignedDuration),
    /// No number, or over a day.
    Absurd,
}

impl Recorder<'_> {
    /// A listing could not be had, or not completely.
    pub fn not_listed(&self, state: &mut ShardState, tenant: &TenantId, miss: Option<&Miss>) {
        let known = state.tenants.entry(tenant.clone()).or_default();
        let failures = known.look_again.as_ref().map_or(0, |retry| retry.failures);
        let mut retry = self.retry(failures.saturating_add(1), Some(self.policy.tick));
        match miss.map(|miss| self.asked_wait(miss)) {
            Some(Asked::For(wait)) => {
                retry.not_before = retry.not_before.max(after(self.now, wait));
            }
            Some(Asked::Absurd) => retry.not_before = after(self.now, self.policy.audit_every),
            Some(Asked::Nothing) | None => {}
        }
        known.look_again = Some(retry);
        if let Some(miss) = miss {
            self.quiet(state, tenant, miss);
        }
    }

    /// Something else than a step was answered with a miss: only silence may follow from it.
    ///
    /// A wait that Graph names holds for the whole tenant, whatever the status that named it.
    pub fn quiet(&self, state: &mut ShardState, tenant: &TenantId, miss: &Miss) {
        let asked = self.asked_wait(miss);
        if asked == Asked::Absurd
            || (asked == Asked::Nothing && !matches!(miss, Miss::Throttled(_)))
        {
            return;
        }
        let known = state.tenants.entry(tenant.clone()).or_default();
        let wait = match asked {
            Asked::For(wait) => wait,
            _ => {
                known.throttles = known.throttles.saturating_add(1);
                self.backoff(known.throttles)
            }
        };
        known.quiet_until = Some(after(self.now, wait)).max(known.quiet_until);
    }

    /// How long Graph asks us to wait; over a day makes no sense.
    fn asked_wait(&self, miss: &Miss) -> Asked {
        let (Miss::Throttled(asked) | Miss::Unavailable(asked)) = miss else {
            return Asked::Nothing;
        };
        match asked {
            None => Asked::Nothing,
            Some(RetryAfter::Absurd(_)) => Asked::Absurd,
            Some(RetryAfter::For(wait)) => match SignedDuration::try_from(*wait) {
                Ok(wait) if wait <= self.policy.absurd_wait => Asked::For(wait),
                _ => Asked::Absurd,
            },
        }
    }

    pub(super) fn calm(&self, state: &mut ShardState, tenant: &TenantId) {
        if let Some(known) = state.tenants.get_mut(tenant) {
            known.throttles = 0;
            if known.quiet_until.is_some_and(|until| until <= self.now) {
                known.quiet_until = None;
            }
        }
    }

    pub(super) fn failed(
        &self,
        state: &mut ShardState,
        tenant: &TenantId,
        tag: &KeyTag,
        miss: &Miss,
    ) {
        let next_audit = self.next_audit(state.tenants.get(tenant));
        let Some(entry) = state.entries.get_mut(tag) else {
            return self.quiet(state, tenant, miss);
        };
        let ends = entry.held.as_ref().map(|held| held.expires);
        let ends = ends.filter(|ends| *ends > self.now);
        // The next audit may lie past the end of what still serves.
        let half_left = ends.map(|ends| after(self.now, ends.duration_since(self.now) / 2));
        let later = half_left.map_or(next_audit, |half| next_audit.min(half));
        let failures = entry.retry.as_ref().map_or(0, |retry| retry.failures);
        let mut retry = self.retry(failures.saturating_add(1), None);
        match self.asked_wait(miss) {
            Asked::For(wait) if ends.is_some_and(|ends| after(self.now, wait) > ends) => {
                // Kept to the letter, it would let the subscription end: as good as absurd.
                retry.not_before = later;
                entry.retry = Some(retry);
                let known = state.tenants.entry(tenant.clone()).or_default();
                known.quiet_until = Some(later.min(after(self.now, wait))).max(known.quiet_until);
                return;
            }
            Asked::For(wait) => retry.not_before = retry.not_before.max(after(self.now, wait)),
            Asked::Absurd => {
                retry.not_before = later;
                if entry.held.is_none() {
                    entry.blocked = Some(Blocked {
                        cause: BlockedBy::AbsurdWait,
                        holder: None,
                        until: next_audit,
                        since: self.now,
                    });
                }
            }
            // What is about to end is tried again sooner than what has time.
            Asked::Nothing => {
                if let Some(ends) = ends {
                    let left = ends.duration_since(self.now) / 4;
                    retry.not_before = retry.not_before.min(after(self.now, left));
                }
            }
        }
        entry.retry = Some(retry);
        self.quiet(state, tenant, miss);
    }

    /// The replacement of a row that still serves could not be created. An absurd wait keeps only
    /// the replacement waiting: what serves must be renewed in the meantime.
    pub(super) fn replacement_failed(
        &self,
        state: &mut ShardState,
        tenant: &TenantId,
        tag: &KeyTag,
        miss: &Miss,
    ) {
        if self.asked_wait(miss) != Asked::Absurd {
            return self.failed(state, tenant, tag, miss);
        }
        let until = self.next_audit(state.tenants.get(tenant));
        if let Some(entry) = state.entries.get_mut(tag) {
            entry.blocked = Some(Blocked {
                cause: BlockedBy::AbsurdWait,
                holder: None,
                until,
                since: self.now,
            });
        }
    }

    fn next_audit(&self, known: Option<&TenantState>) -> Timestamp {
        let audited_at = known.and_then(|known| known.audited_at);
        after(audited_at.unwrap_or(self.now), self.policy.audit_every)
            .max(after(self.now, self.policy.tick))
    }

    pub(super) fn retry(&self, failures: u32, cap: Option<SignedDuration>) -> Retry {
        let wait = self.backoff(failures);
        let wait = cap.map_or(wait, |cap| wait.min(cap));
        Retry {
            failures,
            not_before: after(self.now, wait),
        }
    }

    /// Doubles from the base to the cap; up to half of it is taken off by chance.
    pub(super) fn backoff(&self, failures: u32) -> SignedDuration {
        let doubled = 1_i32
            .checked_shl(failures.saturating_sub(1).min(20))
            .unwrap_or(i32::MAX);
        let wait = self
            .policy
            .backoff_base
            .saturating_mul(doubled)
            .min(self.policy.backoff_cap);
        wait - self.chance.of(wait / 2)
    }
}
