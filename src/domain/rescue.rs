//! What can still be done when the stored state cannot be read: keep alive what is ours.

use jiff::Timestamp;

use super::plan::{Look, Reason, Renewal, Step};
use super::reconcile::Scene;
use super::rows::Own;
use super::schedule::{due_unremembered, expiry_to_ask, expiry_to_ask_for_key};
use super::sight::{ById, Listing};
use super::table::Tenant;

/// Renews own rows of a complete listing that are due. Nothing is remembered, created or deleted.
pub(super) fn renew_own_rows(scene: &mut Scene<'_>) {
    let table = scene.table;
    for (place, tenant) in table.tenants.iter().enumerate() {
        // Without memory there is no application to compare with: any token will do.
        let sight = tenant.sight;
        if sight.app.is_none() && sight.no_token.is_none() {
            scene.look(Look::App(tenant.name.clone()));
        }
        let quiet = tenant.remembered.and_then(|known| known.quiet_until);
        if sight.app.is_none() || quiet > Some(scene.inputs.now) {
            continue;
        }
        if *tenant.listing() == Listing::NotTaken {
            scene.look(Look::List {
                tenant: tenant.name.clone(),
                why: Reason::StateUnreadable,
            });
        }
        if tenant.listing().complete_since().is_none() {
            continue;
        }
        let renewals: Vec<Step> = table
            .own_rows(place)
            .filter(|own| is_untouched(scene, tenant, own))
            .filter_map(|own| renewal(scene, tenant, &own))
            .collect();
        scene.steps.extend(renewals);
    }
}

/// Whether this pass has not renewed it yet, with success or without.
fn is_untouched(scene: &Scene<'_>, tenant: &Tenant<'_>, own: &Own<'_>) -> bool {
    let id = &own.row.id;
    let answered = matches!(tenant.answer(id), Some(ById::Found(_) | ById::NoAnswer));
    !answered && !scene.inputs.progress.failed.contains(id)
}

fn renewal(scene: &Scene<'_>, tenant: &Tenant<'_>, own: &Own<'_>) -> Option<Step> {
    let (row, now) = (own.row, scene.inputs.now);
    let key = row.key(tenant.name)?;
    if due_unremembered(&key, row.expires, scene.inputs.policy) > now {
        return None;
    }
    Some(Step::Renew(Renewal {
        tenant: tenant.name.clone(),
        id: row.id.clone(),
        tag: None,
        expires: wanted_end(scene, own, now)
            .unwrap_or_else(|| expiry_to_ask_for_key(&key, now))
            .max(row.expires),
        ends: row.expires,
        moves: false,
        certificate: false,
        why: Reason::StateUnreadable,
    }))
}

/// What the declaration asks for, where it can be read and declares the row.
fn wanted_end(scene: &Scene<'_>, own: &Own<'_>, now: Timestamp) -> Option<Timestamp> {
    let desired = scene.table.declared?.by_key.get(&own.tag?)?;
    Some(expiry_to_ask(desired, now))
}
