//! Rows of ours that should go: since when, whether that is confirmed, and how many at once.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::ids::{SubscriptionId, TenantId};
use super::plan::{Change, Deletion, Hold, Reason, Step};
use super::reconcile::Scene;
use super::schedule::after;
use super::state::Going;
use super::subscription::KeyTag;

/// Watches own rows that nobody declares, deletes those whose time has come, and forgets watches
/// whose row is gone or may stay.
pub(super) fn decide_all(scene: &mut Scene<'_>) {
    if !scene.grade.brakes.is_empty() {
        return;
    }
    let names: Vec<&TenantId> = scene.tenants.keys().copied().collect();
    for tenant in names {
        if !scene.is_open(tenant) {
            continue;
        }
        if scene.tenants[tenant]
            .rows
            .sight()
            .listing
            .complete_since()
            .is_some()
        {
            let seen = undeclared_rows(scene, tenant);
            for id in &seen {
                undeclared(scene, tenant, id);
            }
            forget_watches(scene, tenant, &seen);
        } else if has_confirmed_watch(scene, tenant) {
            let _asked = scene.complete_listing(tenant, Reason::Removal);
        }
    }
}

fn is_declared(scene: &Scene<'_>, tag: Option<KeyTag>) -> bool {
    let declared = scene.declared.map(|set| &set.by_key);
    tag.is_some_and(|tag| declared.is_some_and(|keys| keys.contains_key(&tag)))
}

fn undeclared_rows(scene: &Scene<'_>, tenant: &TenantId) -> BTreeSet<SubscriptionId> {
    let rows = &scene.tenants[tenant].rows;
    rows.all_own()
        .filter(|(tag, row)| !is_declared(scene, *tag) && rows.is_listed(&row.id))
        .map(|(_, row)| row.id.clone())
        .collect()
}

fn undeclared(scene: &mut Scene<'_>, tenant: &TenantId, id: &SubscriptionId) {
    scene.watch(tenant, id, Going::Undeclared);
    let (why, until) = if !scene.is_confirmed(id) {
        (Reason::NotYetConfirmed, scene.confirmed_at(id))
    } else if !scene.is_removable(id) {
        (Reason::Backoff, None)
    } else if scene.removals.undeclared >= scene.removals.cap {
        (Reason::RemovalCap, None)
    } else {
        scene.removals.undeclared += 1;
        let delete = Deletion {
            tenant: tenant.clone(),
            id: id.clone(),
            why: Reason::Undeclared,
        };
        scene.steps.push(Step::Delete(delete));
        return;
    };
    let words = "it is no longer declared".to_owned();
    let (tenant, id) = (tenant.clone(), Some(id.clone()));
    scene.holds.push(Hold {
        tenant,
        tag: None,
        id,
        why,
        until,
        words,
    });
}

fn forget_watches(scene: &mut Scene<'_>, tenant: &TenantId, undeclared: &BTreeSet<SubscriptionId>) {
    let watches = &scene.inputs.state.watches;
    let rows = &scene.tenants[tenant].rows;
    let over: Vec<SubscriptionId> = watches
        .iter()
        .filter(|(id, watch)| watch.tenant == *tenant && !scene.newly_watched.contains(*id))
        .filter(|(id, watch)| match watch.why {
            Going::Undeclared => !undeclared.contains(*id),
            Going::Mismatched => !rows.is_listed(id) || !scene.still_mismatched.contains(*id),
        })
        .map(|(id, _)| id.clone())
        .collect();
    scene
        .changes
        .extend(over.into_iter().map(|id| Change::Unwatch { id }));
}

/// Something removable was confirmed since the last listing; it must be seen again to go.
fn has_confirmed_watch(scene: &Scene<'_>, tenant: &TenantId) -> bool {
    let watches = scene.inputs.state.watches.iter();
    watches
        .filter(|(_, watch)| watch.tenant == *tenant)
        .any(|(id, _)| scene.is_confirmed(id) && scene.is_removable(id))
}

impl Scene<'_> {
    /// Lets the time of a removal run, unless it runs already for the same reason under the same
    /// configuration.
    pub(super) fn watch(&mut self, tenant: &TenantId, id: &SubscriptionId, why: Going) {
        if why == Going::Mismatched {
            self.still_mismatched.insert(id.clone());
        }
        if !self.grade.brakes.is_empty() {
            return;
        }
        let known = self.inputs.state.watches.get(id);
        if known.is_some_and(|watch| {
            watch.why == why && Some(&watch.config_hash) == self.config_hash.as_ref()
        }) {
            return;
        }
        if self.newly_watched.insert(id.clone()) {
            self.changes.push(Change::Watch {
                id: id.clone(),
                tenant: tenant.clone(),
                why,
            });
        }
    }

    /// When the removal of the row is confirmed; `None` while nothing watches it under this
    /// configuration.
    pub(super) fn confirmed_at(&self, id: &SubscriptionId) -> Option<Timestamp> {
        let watch = self.inputs.state.watches.get(id)?;
        let same = Some(&watch.config_hash) == self.config_hash.as_ref();
        same.then(|| after(watch.since, self.inputs.policy.confirm_after))
    }

    /// Whether two sightings far enough apart agree that the row should go.
    pub(super) fn is_confirmed(&self, id: &SubscriptionId) -> bool {
        self.confirmed_at(id)
            .is_some_and(|at| at <= self.inputs.now)
    }

    /// Whether a removal of the row may be tried now.
    pub(super) fn is_removable(&self, id: &SubscriptionId) -> bool {
        let watch = self.inputs.state.watches.get(id);
        let waiting = watch
            .and_then(|watch| watch.retry.as_ref())
            .is_some_and(|retry| retry.not_before > self.inputs.now);
        !waiting && !self.inputs.progress.failed.contains(id)
    }

    /// Whether one more mismatched row may be acted upon in this pass.
    pub(super) fn may_act_on_mismatch(&self) -> bool {
        self.removals.mismatched < self.removals.cap
    }
}
