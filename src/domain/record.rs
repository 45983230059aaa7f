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
    TenantState, Watch,
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

/// What Graph says about waiting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nothing,
    For(SignedDuration),
    /// No number, or over a day.
    Absurd,
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
            Change::Postpone { id, until } => {
                if let Some(watch) = state.watches.get_mut(id) {
                    let failures = watch.retry.as_ref().map_or(0, |retry| retry.failures);
                    watch.retry = Some(Retry {
                        failures,
                        not_before: *until,
                    });
                }
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
                entry.unblock();
            }
            Change::LetGo { tag, .. } => {
                let Some(entry) = state.entries.get_mut(tag) else {
                    return;
                };
                if let Some(held) = entry.held.take() {
                    state.watches.remove(&held.id);
                }
                entry.unblock();
            }
            Change::Unintend { tag } => self.withdraw(state, tag),
            Change::Block { tag, blocked } => {
                if let Some(entry) = state.entries.get_mut(tag) {
                    entry.blocked = Some(blocked.clone());
                    entry.obstacle = None;
                }
            }
            _ => self.apply_to_held(state, change),
        }
    }

    fn apply_to_held(&self, state: &mut ShardState, change: &Change) {
        let (Change::SeenExpiry { tag, .. }
        | Change::Proven { tag }
        | Change::Hasten { tag, .. }
        | Change::Doubt { tag }
        | Change::Undoubt { tag }) = change
        else {
            return;
        };
        let Some(held) = held_of(state, tag) else {
            return;
        };
        match change {
            Change::SeenExpiry { expires, .. } => {
                held.expires = *expires;
                held.due = due(self.now, *expires, self.policy, self.chance);
            }
            Change::Proven { .. } => held.origin = HeldOrigin::Adopted,
            Change::Hasten { due, .. } => held.due = held.due.min(*due),
            Change::Doubt { .. } => held.doubted = true,
            Change::Undoubt { .. } => held.doubted = false,
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
        // What stood in the way of an earlier attempt was looked into; this one starts afresh.
        entry.obstacle = None;
        entry.blocked = None;
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
        let intent = match outcome {
            Err(Miss::Unknown) => None,
            _ => entry.intent.take(),
        };
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
                entry.unblock();
                self.calm(state, &create.desired.key.tenant);
            }
            Err(miss @ (Miss::Conflict(verdict) | Miss::Quota(verdict))) => {
                let holder = verdict.holder.as_deref();
                let holder = holder.and_then(|holder| SubscriptionId::parse(holder).ok());
                let deleted = intent.and_then(|intent| intent.instead_of);
                if deleted.is_some() && (holder.is_none() || holder == deleted) {
                    // Graph may still see, for a moment, what was deleted to make room.
                    return self.failed(state, &create.desired.key.tenant, &create.tag, miss);
                }
                entry.obstacle = Some(Obstacle {
                    cause: verdict.cause,
                    holder,
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
                if renewal.certificate {
                    held.certificate_asked = certificate.map(str::to_owned);
                }
                // Where Graph does not say which certificate it uses, it is taken at its word.
                let asked = certificate.filter(|_| renewal.certificate);
                let shown = row.certificate_id.as_deref().filter(|id| !id.is_empty());
                if let Some(id) = shown.or(asked) {
                    held.certificate_id = Some(id.to_owned());
                }
                entry.renewals += 1;
                entry.retry = None;
                self.calm(state, &renewal.tenant);
            }
            Err(Miss::Gone) => {
                // Where a GET finds it all the same, the next PATCH must not follow at once.
                self.failed(state, &renewal.tenant, tag, &Miss::Gone);
                if let Some(held) = held_of(state, tag) {
                    held.doubted = true;
                }
            }
            Err(miss) => self.failed(state, &renewal.tenant, tag, miss),
        }
    }

    /// A delete was answered. What Graph does not know is as good as deleted.
    pub fn deleted(&self, state: &mut ShardState, deletion: &Deletion, outcome: Result<(), &Miss>) {
        let id = &deletion.id;
        match outcome {
            Ok(()) | Err(Miss::Gone) => {
                state.watches.remove(id);
                for entry in state.entries.values_mut() {
                    if entry.held.as_ref().is_some_and(|held| held.id == *id) {
                        entry.held = None;
                        entry.retry = None;
                    }
                    let blocked = entry.blocked.as_ref();
                    if blocked.is_some_and(|blocked| blocked.holder.as_ref() == Some(id)) {
                        entry.blocked = None;
                    }
                }
            }
            Err(miss) => {
                if let Some(watch) = state.watches.get_mut(id) {
                    let failures = watch.retry.as_ref().map_or(0, |retry| retry.failures);
                    watch.retry = Some(self.retry(failures.saturating_add(1), None));
                }
                if *miss == Miss::Unknown {
                    self.doubt(state, id);
                }
                self.quiet(state, &deletion.tenant, miss);
            }
        }
    }

    /// It may be gone; only a GET can tell.
    fn doubt(&self, state: &mut ShardState, id: &SubscriptionId) {
        let held = state.entries.values_mut();
        let mut held = held.filter_map(|entry| entry.held.as_mut());
        if let Some(held) = held.find(|held| held.id == *id) {
            held.doubted = true;
        }
    }

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

    fn calm(&self, state: &mut ShardState, tenant: &TenantId) {
        if let Some(known) = state.tenants.get_mut(tenant) {
            known.throttles = 0;
            if known.quiet_until.is_some_and(|until| until <= self.now) {
                known.quiet_until = None;
            }
        }
    }

    fn failed(&self, state: &mut ShardState, tenant: &TenantId, tag: &KeyTag, miss: &Miss) {
        let next_audit = self.next_audit(state.tenants.get(tenant));
        let Some(entry) = state.entries.get_mut(tag) else {
            return self.quiet(state, tenant, miss);
        };
        let ends = entry.held.as_ref().map(|held| held.expires);
        let ends = ends.filter(|ends| *ends > self.now);
        let failures = entry.retry.as_ref().map_or(0, |retry| retry.failures);
        let mut retry = self.retry(failures.saturating_add(1), None);
        match self.asked_wait(miss) {
            Asked::For(wait) if ends.is_some_and(|ends| after(self.now, wait) > ends) => {
                // Kept to the letter, it would let the subscription end: as good as absurd.
                retry.not_before = next_audit;
                entry.retry = Some(retry);
                let known = state.tenants.entry(tenant.clone()).or_default();
                known.quiet_until =
                    Some(next_audit.min(after(self.now, wait))).max(known.quiet_until);
                return;
            }
            Asked::For(wait) => retry.not_before = retry.not_before.max(after(self.now, wait)),
            Asked::Absurd => {
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

    fn next_audit(&self, known: Option<&TenantState>) -> Timestamp {
        let audited_at = known.and_then(|known| known.audited_at);
        after(audited_at.unwrap_or(self.now), self.policy.audit_every)
            .max(after(self.now, self.policy.tick))
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
        entry.unblock();
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
