//! What can still be done when the stored state cannot be read: keep alive what is ours.

use super::plan::{Look, Reason, Renewal, Step};
use super::reconcile::Scene;
use super::schedule::{due_unremembered, expiry_to_ask_for_key};
use super::sight::ById;

/// Renews own rows of a complete listing that are due. Nothing is remembered, created or deleted.
pub(super) fn renew_own_rows(scene: &mut Scene<'_>) {
    // Nothing can be compared with what is remembered, so no application is recorded either.
    scene.changes.clear();
    let (now, policy) = (scene.inputs.now, scene.inputs.policy);
    let names: Vec<_> = scene.tenants.keys().copied().collect();
    for tenant in names {
        let sight = scene.tenants[tenant].rows.sight();
        if sight.app.is_none() {
            continue;
        }
        if sight.listing == super::sight::Listing::NotTaken {
            scene.look(Look::List {
                tenant: tenant.clone(),
                why: Reason::StateUnreadable,
            });
            continue;
        }
        let renewals: Vec<Step> = scene.tenants[tenant]
            .rows
            .all_own()
            .filter(|(_, row)| sight.listing.complete_since().is_some() && row.expires > now)
            .filter(|(_, row)| {
                !matches!(
                    sight.by_id.get(&row.id),
                    Some(ById::Found(_) | ById::NoAnswer)
                )
            })
            .filter_map(|(_, row)| Some((row, row.key(tenant)?)))
            .filter(|(row, key)| due_unremembered(key, row.expires, policy) <= now)
            .map(|(row, key)| {
                Step::Renew(Renewal {
                    tenant: tenant.clone(),
                    id: row.id.clone(),
                    tag: None,
                    expires: expiry_to_ask_for_key(&key, now).max(row.expires),
                    ends: row.expires,
                    moves: false,
                    certificate: false,
                    why: Reason::StateUnreadable,
                })
            })
            .collect();
        scene.steps.extend(renewals);
    }
}
