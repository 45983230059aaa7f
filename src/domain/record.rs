//! What remains of what happened: pure transitions of the shard's memory.

use jiff::{SignedDuration, Timestamp};

use super::client_state::KeyRing;
use super::conflict::{RetryAfter, Verdict};
use super::ids::{SubscriptionId, TenantId};
use super::ownership::Home;
use super::plan::{Change, Creation, Deletion, Reason, Renewal};
use super::policy::{PerMille, Policy};
use super::schedule::{after, due};
use super::state::{
    Blocked, BlockedBy, Entry, Held, HeldOrigin, Intent, Obstacle, Residence, Retry, ShardState,
    Watch,
};
use super::subscription::{KeyTag, Observed};

/// An effect that was not reached, by what follows from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Miss {
    /// 404: Graph does not know the id.
    Gone,
    /// It certainly took no effect, and the same request would fail again.
    Refused,
    /// No permission.
    Denied,
    /// Something stands in the way.
    Conflict(Verdict),
    /// A limit is reached.
    Quota(Verdict),
    /// It may have taken effect.
    Unknown,
    /// It certainly took no effect, and may work later.
    Unavailable(Option<RetryAfter>),
    /// It certainly took no effect; Graph asks for silence.
    Throttled(Option<RetryAfter>),
}

/// The circumstances under which something is recorded.
#[derive(Clone, Copy)]
pub struct Recorder<'a> {
    /// The present moment, on Graph's clock.
    pub now: Timestamp,
    /// The numbers.
    pub policy: &'a Policy,
    /// Our addresses.
    pub home: &'a Home,
    /// Our keys.
    pub ring: &'a KeyRing,
    /// The name of what is wished for; removals are confirmed under one and the same.
    pub config_hash: Option<&'a str>,
    /// A draw for jitter.
    pub chance: PerMille,
}

impl Recorder<'_> {
    /// Remembers what a plan says should be remembered.
    pub fn apply(&self, state: &mut ShardState, change: &Change) {
        match change {
            Change::RecordApp { tenant, app } => {
                let known = state.tenants.entry(tenant.clone()).or_default();
                let moved = known.app.as_ref().is_some_and(|recorded| recorded != app);
                known.app = Some(app.clone());
                if moved {
                    let_go_of_tenant(state, tenant);
                }
            }
            Change::RecordResidence => {
                state.residence = Some(Residence {
                    fleet: self.home.current.fleet.clone(),
                    origin: self.home.current.origin.as_str().to_owned(),
                });
            }
            Change::Audited { tenant, at } => {
                let tenant = state.tenants.entry(tenant.clone()).or_default();
                tenant.audited_at = Some(*at);
                tenant.look_again = None;
            }
            Change::Watch { id, tenant, why } => {
                let watch = Watch {
                    tenant: tenant.clone(),
                    why: *why,
                    since: self.now,
                    config_hash: self.config_hash.unwrap_or_default().to_owned(),
                    retry: None,
                };
                state.watches.insert(id.clone(), watch);
            }
            Change::Unwatch { id } => drop(state.watches.remove(id)),
            Change::Forget { tag } => drop(state.entries.remove(tag)),
            _ => self.apply_to_key(state, change),
        }
    }

    fn apply_to_key(&self, state: &mut ShardState, change: &Change) {
        match change {
            Change::Declare { tag, key, name } => {
                let entry = state
                    .entries
                    .entry(*tag)
                    .or_insert_with(|| Entry::new(key.clone()));
                entry.name = Some(name.clone());
            }
            Change::Adopt {
                tag,
                key,
                id,
                expires,
                origin,
                kid,
                certificate_id,
            } => {
                let entry = state
                    .entries
                    .entry(*tag)
                    .or_insert_with(|| Entry::new(key.clone()));
                entry.held = Some(Held {
                    kid: kid.clone(),
                    certificate_id: certificate_id.clone(),
                    ..self.held(id, *expires, *origin)
                });
                entry.intent = None;
                entry.obstacle = None;
                entry.blocked = None;
                entry.retry = None;
            }
            Change::SeenExpiry { tag, expires } => {
                if let Some(held) = held_of(state, tag) {
                    held.expires = *expires;
                    held.due = due(self.now, *expires, self.policy, self.chance);
                }
            }
            Change::Proven { tag } => {
                if let Some(held) = held_of(state, tag) {
                    held.origin = HeldOrigin::Adopted;
                }
            }
            Change::Undoubt { tag } => {
                if let Some(held) = held_of(state, tag) {
                    held.doubted = false;
                }
            }
            Change::LetGo { tag, .. } => {
                let Some(entry) = state.entries.get_mut(tag) else {
                    return;
                };
                if let Some(held) = entry.held.take() {
                    state.watches.remove(&held.id);
                }
                entry.retry = None;
            }
            Change::Block { tag, blocked } => {
                if let Some(entry) = state.entries.get_mut(tag) {
                    entry.blocked = Some(blocked.clone());
                    entry.obstacle = None;
                }
            }
            _ => {}
        }
    }

    fn held(&self, id: &SubscriptionId, expires: Timestamp, origin: HeldOrigin) -> Held {
        Held {
            id: id.clone(),
            expires,
            due: due(self.now, expires, self.policy, self.chance),
            obtained_at: self.now,
            origin,
            kid: None,
            certificate_id: None,
            certificate_asked: None,
            patched_at: None,
            doubted: false,
        }
    }

    /// A create is about to be sent. Must be durable before it is.
    pub fn intend(&self, state: &mut ShardState, create: &Creation, instead_of: Option<&Deletion>) {
        let key = &create.desired.key;
        let entry = state
            .entries
            .entry(create.tag)
            .or_insert_with(|| Entry::new(key.clone()));
        entry.name = Some(create.desired.name.clone());
        entry.intent = Some(Intent {
            at: self.now,
            instead_of: instead_of.map(|delete| delete.id.clone()),
        });
    }

    /// A create that was written down was not sent after all.
    pub fn withdraw(&self, state: &mut ShardState, tag: &KeyTag) {
        if let Some(entry) = state.entries.get_mut(tag) {
            entry.intent = None;
        }
    }

    /// A create was answered.
    pub fn created(
        &self,
        state: &mut ShardState,
        create: &Creation,
        outcome: Result<&Observed, &Miss>,
    ) {
        let Some(entry) = state.entries.get_mut(&create.tag) else {
            return;
        };
        if outcome != Err(&Miss::Unknown) {
            entry.intent = None;
        }
        match outcome {
            Ok(row) => {
                let certificate = create
                    .desired
                    .certificate
                    .as_ref()
                    .map(|one| one.id.clone());
                entry.held = Some(Held {
                    kid: Some(self.ring.signing_kid().clone()),
                    certificate_id: row.certificate_id.clone().or(certificate),
                    ..self.held(&row.id, row.expires, HeldOrigin::Created)
                });
                entry.creations += 1;
                entry.obstacle = None;
                entry.blocked = None;
                entry.retry = None;
                self.calm(state, &create.desired.key.tenant);
            }
            Err(Miss::Conflict(verdict) | Miss::Quota(verdict)) => {
                entry.obstacle = Some(Obstacle {
                    cause: verdict.cause,
                    holder: verdict
                        .holder
                        .as_deref()
                        .and_then(|holder| SubscriptionId::parse(holder).ok()),
                    at: self.now,
                });
            }
            Err(Miss::Unknown) => {}
            Err(miss) => self.failed(state, &create.desired.key.tenant, &create.tag, miss),
        }
    }

    /// A renewal was answered.
    pub fn renewed(
        &self,
        state: &mut ShardState,
        renewal: &Renewal,
        certificate: Option<&str>,
        outcome: Result<&Observed, &Miss>,
    ) {
        let Some(tag) = &renewal.tag else { return };
        match outcome {
            Ok(row) => {
                let Some(entry) = state.entries.get_mut(tag) else {
                    return;
                };
                let Some(held) = entry.held.as_mut().filter(|held| held.id == row.id) else {
                    return;
                };
                held.expires = row.expires;
                held.due = due(self.now, row.expires, self.policy, self.chance);
                held.patched_at = Some(self.now);
                held.doubted = false;
                held.certificate_id = row.certificate_id.clone().or(held.certificate_id.take());
                if renewal.certificate {
                    held.certificate_asked = certificate.map(str::to_owned);
                }
                entry.renewals += 1;
                entry.retry = None;
                self.calm(state, &renewal.tenant);
            }
            Err(Miss::Gone) => {
                if let Some(held) = held_of(state, tag) {
                    held.doubted = true;
                }
            }
            Err(miss) => self.failed(state, &renewal.tenant, tag, miss),
        }
    }

    /// A delete was answered. What Graph does not know is as good as deleted.
    pub fn deleted(&self, state: &mut ShardState, deletion: &Deletion, outcome: Result<(), &Miss>) {
        match outcome {
            Ok(()) | Err(Miss::Gone) => {
                state.watches.remove(&deletion.id);
                let holds = |entry: &&mut Entry| {
                    entry
                        .held
                        .as_ref()
                        .is_some_and(|held| held.id == deletion.id)
                };
                if let Some(entry) = state.entries.values_mut().find(holds) {
                    entry.held = None;
                    entry.retry = None;
                }
            }
            Err(miss) => {
                if let Some(watch) = state.watches.get_mut(&deletion.id) {
                    let failures = watch.retry.as_ref().map_or(0, |retry| retry.failures);
                    watch.retry = Some(self.retry(failures + 1, None));
                }
                self.quiet(state, &deletion.tenant, miss);
            }
        }
    }

    /// A listing could not be had, or not completely.
    pub fn not_listed(&self, state: &mut ShardState, tenant: &TenantId, miss: Option<&Miss>) {
        let known = state.tenants.entry(tenant.clone()).or_default();
        let failures = known.look_again.as_ref().map_or(0, |retry| retry.failures);
        known.look_again = Some(self.retry(failures + 1, Some(self.policy.tick)));
        if let Some(miss) = miss {
            self.quiet(state, tenant, miss);
        }
    }

    /// Something else than a step was answered with a miss: only silence may follow from it.
    pub fn quiet(&self, state: &mut ShardState, tenant: &TenantId, miss: &Miss) {
        let Miss::Throttled(asked) = miss else { return };
        let known = state.tenants.entry(tenant.clone()).or_default();
        let wait = match asked {
            Some(RetryAfter::For(wait)) => SignedDuration::try_from(*wait)
                .ok()
                .filter(|wait| *wait <= self.policy.absurd_wait),
            Some(RetryAfter::Absurd(_)) => None,
            None => {
                known.throttles = known.throttles.saturating_add(1);
                Some(self.backoff(known.throttles))
            }
        };
        if let Some(wait) = wait {
            known.quiet_until = Some(after(self.now, wait)).max(known.quiet_until);
        }
    }

    fn calm(&self, state: &mut ShardState, tenant: &TenantId) {
        if let Some(known) = state.tenants.get_mut(tenant) {
            known.throttles = 0;
            if known.quiet_until.is_some_and(|until| until <= self.now) {
                known.quiet_until = None;
            }
        }
    }

    fn failed(&self, state: &mut ShardState, tenant: &TenantId, tag: &KeyTag, miss: &Miss) {
        self.quiet(state, tenant, miss);
        let audited_at = state.tenants.get(tenant).and_then(|known| known.audited_at);
        let next_audit = after(audited_at.unwrap_or(self.now), self.policy.audit_every)
            .max(after(self.now, self.policy.tick));
        let Some(entry) = state.entries.get_mut(tag) else {
            return;
        };
        let ends = entry.held.as_ref().map(|held| held.expires);
        let failures = entry.retry.as_ref().map_or(0, |retry| retry.failures);
        let mut retry = self.retry(failures.saturating_add(1), None);
        let asked = match miss {
            Miss::Throttled(asked) | Miss::Unavailable(asked) => asked.as_ref(),
            _ => None,
        };
        match asked {
            Some(RetryAfter::For(wait)) => {
                let wait = SignedDuration::try_from(*wait).unwrap_or(SignedDuration::MAX);
                let until = after(self.now, wait);
                let past_the_end = ends.is_some_and(|ends| until > ends && ends > self.now);
                if wait > self.policy.absurd_wait || past_the_end {
                    retry.not_before = next_audit;
                } else {
                    retry.not_before = retry.not_before.max(until);
                }
            }
            Some(RetryAfter::Absurd(_)) => {
                retry.not_before = next_audit;
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
            None => {
                let left = ends.map(|ends| ends.duration_since(self.now) / 4);
                if let Some(left) = left.filter(|left| left.is_positive()) {
                    retry.not_before = retry.not_before.min(after(self.now, left));
                }
            }
        }
        entry.retry = Some(retry);
    }

    fn retry(&self, failures: u32, cap: Option<SignedDuration>) -> Retry {
        let wait = self.backoff(failures);
        let wait = cap.map_or(wait, |cap| wait.min(cap));
        Retry {
            failures,
            not_before: after(self.now, wait),
        }
    }

    /// Doubles from the base to the cap; up to half of it is taken off by chance.
    fn backoff(&self, failures: u32) -> SignedDuration {
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

fn held_of<'s>(state: &'s mut ShardState, tag: &KeyTag) -> Option<&'s mut Held> {
    state.entries.get_mut(tag)?.held.as_mut()
}

fn let_go_of_tenant(state: &mut ShardState, tenant: &TenantId) {
    for entry in state
        .entries
        .values_mut()
        .filter(|entry| entry.key.tenant == *tenant)
    {
        entry.held = None;
        entry.intent = None;
        entry.obstacle = None;
        entry.blocked = None;
        entry.retry = None;
    }
    state.watches.retain(|_, watch| watch.tenant != *tenant);
    if let Some(known) = state.tenants.get_mut(tenant) {
        known.audited_at = None;
        known.look_again = None;
    }
}

/// Why a key was let go of, in words for the report.
pub fn let_go_words(why: Reason) -> &'static str {
    match why {
        Reason::ConfirmedGone => "Graph does not know it any more",
        Reason::TurnedForeign => "its notifications were turned to an address that is not ours",
        _ => "it serves the key no longer",
    }
}
