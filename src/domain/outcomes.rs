//! What remains of an effect on Graph: its intent before, its outcome after.

use super::ids::SubscriptionId;
use super::plan::{Creation, Deletion, Renewal};
use super::record::{Miss, Recorder, held_of};
use super::schedule::{after, due};
use super::state::{Entry, Gap, Held, HeldOrigin, Intent, Obstacle, ShardState};
use super::subscription::{KeyTag, Observed};

impl Recorder<'_> {
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
        // Written down with the intent: whoever comes after a crash measures on.
        if let Some(delete) = instead_of {
            entry.gap = Some(Gap {
                deleted: delete.id.clone(),
                since: self.now,
            });
        }
    }

    /// A create that was written down was not sent after all.
    pub fn withdraw(&self, state: &mut ShardState, tag: &KeyTag) {
        if let Some(entry) = state.entries.get_mut(tag) {
            entry.intent = None;
        }
    }

    /// What should have made room was not deleted after all: coverage never ended.
    pub fn not_removed(&self, state: &mut ShardState, tag: &KeyTag) {
        if let Some(entry) = state.entries.get_mut(tag) {
            let doubted = entry.held.as_ref().is_some_and(|held| held.doubted);
            entry.intent = None;
            entry.gap = entry.gap.take().filter(|_| doubted);
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
                entry.gap = None;
                entry.unblock();
                let tenant = &create.desired.key.tenant;
                self.calm(state, tenant);
                let known = state.tenants.entry(tenant.clone()).or_default();
                known.verify_at = Some(after(self.now, self.policy.settle)).max(known.verify_at);
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
            // The open intent asks for the listing that verifies it.
            Err(Miss::Unknown) => {}
            Err(miss) if entry.held.is_some() => {
                self.replacement_failed(state, &create.desired.key.tenant, &create.tag, miss);
            }
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
}
