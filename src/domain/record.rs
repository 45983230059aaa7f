//! What remains of what happened: pure transitions of the shard's memory.

use jiff::Timestamp;

use super::client_state::KeyRing;
use super::conflict::{RetryAfter, Verdict};
use super::ids::{SubscriptionId, TenantId};
use super::ownership::Home;
use super::plan::{Change, Reason};
use super::policy::{PerMille, Policy};
use super::schedule::due;
use super::state::{Entry, Held, HeldOrigin, Residence, Retry, ShardState, Watch};
use super::subscription::KeyTag;

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
                tenant.verify_at = tenant.verify_at.filter(|verify_at| at < verify_at);
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
                entry.gap = None;
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
            Change::Unintend { tag } => self.not_removed(state, tag),
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
        if let Change::Undoubt { tag } = change {
            still_serves(state, tag);
        }
    }

    pub(super) fn held(&self, id: &SubscriptionId, expires: Timestamp, origin: HeldOrigin) -> Held {
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
}

pub(super) fn held_of<'s>(state: &'s mut ShardState, tag: &KeyTag) -> Option<&'s mut Held> {
    state.entries.get_mut(tag)?.held.as_mut()
}

/// What was thought to be deleted is there: no gap was opened.
fn still_serves(state: &mut ShardState, tag: &KeyTag) {
    if let Some(entry) = state.entries.get_mut(tag) {
        let held = entry.held.as_ref().map(|held| &held.id);
        entry.gap = entry.gap.take().filter(|gap| Some(&gap.deleted) != held);
    }
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
        known.verify_at = None;
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
