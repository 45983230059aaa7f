//! Rows of ours that should go: since when, whether that is confirmed, and how many at once.

use jiff::Timestamp;

use super::ids::{SubscriptionId, TenantId};
use super::judge::Fit;
use super::plan::{Change, Deletion, Hold, Reason, Step};
use super::policy::Mode;
use super::reconcile::Scene;
use super::rows::Own;
use super::schedule::after;
use super::state::{Going, Watch};
use super::table::Tenant;

/// Watches own rows that nobody declares, deletes those whose time has come, and forgets watches
/// whose row is gone or may stay.
pub(super) fn decide_all(scene: &mut Scene<'_>) {
    if scene.is_braked() {
        return;
    }
    let table = scene.table;
    for tenant in &table.tenants {
        if !tenant.is_open() {
            continue;
        }
        if tenant.listing().complete_since().is_some() {
            forget_watches(scene, tenant);
        } else if has_confirmed_watch(scene, tenant) {
            let _asked = scene.complete_listing(tenant, Reason::Removal);
        }
        let strays = tenant.strays.own().iter();
        for own in strays.filter(|own| own.listed && !table.is_declared(own.tag)) {
            undeclared(scene, tenant, own);
        }
    }
    for seat in table.seats.iter().filter(|seat| seat.desired.is_none()) {
        let tenant = &table.tenants[seat.tenant];
        let Some(seen) = seat.seen.filter(|seen| seen.listed) else {
            continue;
        };
        if tenant.is_open() && table.is_ours(seen.row) {
            let own = Own {
                row: seen.row,
                tag: Some(seat.tag),
                listed: true,
            };
            undeclared(scene, tenant, &own);
        }
    }
}

fn undeclared(scene: &mut Scene<'_>, tenant: &Tenant<'_>, own: &Own<'_>) {
    let id = &own.row.id;
    if scene.spared.contains(id) {
        // It goes already, to make room for a key that it blocks.
        return;
    }
    scene.watch(tenant.name, id, Going::Undeclared);
    let (why, until) = if !scene.is_confirmed(id) {
        (Reason::NotYetConfirmed, Some(scene.confirmed_at(id)))
    } else if !scene.is_removable(id) {
        (Reason::Backoff, scene.removable_at(id))
    } else if scene.mode() < Mode::Full {
        (Reason::ModeForbids, None)
    } else if scene.removals.undeclared >= scene.removals.cap {
        scene.spared.insert(id.clone());
        (Reason::RemovalCap, None)
    } else {
        scene.removals.undeclared += 1;
        scene.spared.insert(id.clone());
        let delete = Deletion {
            tenant: tenant.name.clone(),
            id: id.clone(),
            why: Reason::Undeclared,
        };
        scene.steps.push(Step::Delete(delete));
        return;
    };
    scene.holds.push(Hold {
        tenant: tenant.name.clone(),
        tag: own.tag,
        id: Some(id.clone()),
        why,
        until,
        words: "it is no longer declared".to_owned(),
    });
}

fn forget_watches<'a>(scene: &mut Scene<'a>, tenant: &Tenant<'a>) {
    let watches = &scene.inputs.state.watches;
    let of_tenant = watches
        .iter()
        .filter(|(_, watch)| watch.tenant == *tenant.name);
    for (id, _) in of_tenant {
        if !scene.newly_watched.contains(id) && may_stay(scene, tenant, id) {
            scene.changes.push(Change::Unwatch { id: id.clone() });
        }
    }
}

/// Whether nothing speaks for removing the row any more: it is not there, or it is as declared.
/// Where that is not known yet, its time runs on.
fn may_stay<'a>(scene: &Scene<'a>, tenant: &Tenant<'a>, id: &SubscriptionId) -> bool {
    let table = scene.table;
    let Some(seen) = table.row(tenant, id) else {
        // What is held is not given up for being absent; a GET will tell.
        return !table.is_held(tenant, id);
    };
    if !table.is_ours(seen.row) {
        return true;
    }
    let Some(tag) = table.tag_of(tenant, seen.row) else {
        return false;
    };
    let desired = table.declared.and_then(|set| set.by_key.get(&tag));
    let Some(desired) = desired else {
        return false;
    };
    let entry = scene.inputs.state.entries.get(&tag);
    let held = entry.and_then(|entry| entry.held.as_ref());
    let held = held.filter(|held| held.id == *id);
    let answer = tenant.answer(id);
    let fit = table.judge().fit(answer, seen.row, &tag, desired, held);
    matches!(fit, Fit::Good | Fit::Unproven)
}

/// Something removable was confirmed since the last listing; it must be seen again to go.
fn has_confirmed_watch(scene: &Scene<'_>, tenant: &Tenant<'_>) -> bool {
    let watches = scene.inputs.state.watches.iter();
    watches
        .filter(|(_, watch)| watch.tenant == *tenant.name && scene.mode() >= needed(watch))
        .any(|(id, _)| scene.is_confirmed(id) && scene.is_removable(id))
}

/// The mode in which something can be done about a watched row: a mismatched one can be replaced
/// without being deleted.
pub(super) fn needed(watch: &Watch) -> Mode {
    match watch.why {
        Going::Undeclared => Mode::Full,
        Going::Mismatched => Mode::CreateOnly,
    }
}

/// Puts off what is confirmed but was neither done nor refused in a pass that saw everything.
/// Without this the same listing would be taken at every tick, for nothing.
pub(super) fn postpone(scene: &mut Scene<'_>) {
    if scene.is_braked() {
        return;
    }
    for (id, watch) in &scene.inputs.state.watches {
        let Some(tenant) = scene.table.tenant(&watch.tenant) else {
            continue;
        };
        let seen = tenant.is_open() && tenant.listing().complete_since().is_some();
        let stuck = scene.mode() >= needed(watch)
            && scene.is_confirmed(id)
            && scene.is_removable(id)
            && !scene.spared.contains(id);
        if seen && stuck {
            let until = scene.next_audit(tenant);
            let id = id.clone();
            scene.changes.push(Change::Postpone { id, until });
        }
    }
}

impl Scene<'_> {
    /// Lets the time of a removal run, unless it runs already for the same reason under the same
    /// configuration.
    pub(super) fn watch(&mut self, tenant: &TenantId, id: &SubscriptionId, why: Going) {
        if self.is_braked() {
            return;
        }
        let known = self.inputs.state.watches.get(id);
        if known.is_some_and(|watch| watch.why == why && self.is_current(watch)) {
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

    fn is_current(&self, watch: &Watch) -> bool {
        Some(&watch.config_hash) == self.table.config_hash.as_ref()
    }

    /// When the removal of the row is confirmed. A row that nothing watched under this
    /// configuration is seen for the first time now.
    pub(super) fn confirmed_at(&self, id: &SubscriptionId) -> Timestamp {
        let watch = self.inputs.state.watches.get(id);
        let watch =
            watch.filter(|watch| self.is_current(watch) && !self.newly_watched.contains(id));
        let since = watch.map_or(self.inputs.now, |watch| watch.since);
        after(since, self.inputs.policy.confirm_after)
    }

    /// Whether two sightings far enough apart agree that the row should go.
    pub(super) fn is_confirmed(&self, id: &SubscriptionId) -> bool {
        self.confirmed_at(id) <= self.inputs.now
    }

    /// When a removal of the row may be tried, where that is known.
    pub(super) fn removable_at(&self, id: &SubscriptionId) -> Option<Timestamp> {
        let watch = self.inputs.state.watches.get(id);
        let retry = watch.and_then(|watch| watch.retry.as_ref());
        Some(self.confirmed_at(id)).max(retry.map(|retry| retry.not_before))
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
