//! From the memory to JSON.

use super::wire::{
    Extra, Root, WireBlocked, WireBlockedBy, WireEntry, WireGap, WireGoing, WireHeld, WireIntent,
    WireObstacle, WireOrigin, WireRetry, WireTenant, WireWatch,
};
use super::{FORMAT, StateDoc, Unknown, VERSION};
use crate::domain::ids::SubscriptionId;
use crate::domain::state::{
    Blocked, BlockedBy, Entry, Going, Held, HeldOrigin, Retry, TenantState, Watch,
};
use crate::domain::subscription::KeyTag;

pub(super) fn encode(doc: &StateDoc) -> Vec<u8> {
    let root = to_root(doc);
    // Maps with text keys and plain values: there is nothing that could fail.
    serde_json::to_vec(&root).unwrap_or_default()
}

fn to_root(doc: &StateDoc) -> Root {
    let (state, unknown) = (&doc.state, &doc.unknown);
    let residence = state.residence.as_ref();
    Root {
        format: FORMAT.to_owned(),
        version: VERSION,
        fleet: residence.map(|residence| residence.fleet.as_str().to_owned()),
        origin: residence.map(|residence| residence.origin.clone()),
        config_hash: state.config_hash.clone(),
        clock_offset_ms: i64::try_from(state.clock_offset.as_millis()).unwrap_or_default(),
        tenants: state
            .tenants
            .iter()
            .map(|(id, tenant)| {
                (
                    id.as_str().to_owned(),
                    to_tenant(tenant, unknown.tenants.get(id)),
                )
            })
            .collect(),
        entries: state
            .entries
            .iter()
            .map(|(tag, entry)| (tag.to_string(), to_entry(entry, unknown, tag)))
            .collect(),
        watches: state
            .watches
            .iter()
            .map(|(id, watch)| {
                (
                    id.as_str().to_owned(),
                    to_watch(watch, unknown.watches.get(id)),
                )
            })
            .collect(),
        instruments: doc.instruments.clone(),
        extra: unknown.root.clone(),
    }
}

fn to_tenant(tenant: &TenantState, extra: Option<&Extra>) -> WireTenant {
    WireTenant {
        app: tenant.app.as_ref().map(|app| app.as_str().to_owned()),
        audited_at: tenant.audited_at,
        verify_at: tenant.verify_at,
        quiet_until: tenant.quiet_until,
        throttles: tenant.throttles,
        look_again: tenant.look_again.as_ref().map(to_retry),
        extra: extra.cloned().unwrap_or_default(),
    }
}

fn to_retry(retry: &Retry) -> WireRetry {
    WireRetry {
        failures: retry.failures,
        not_before: retry.not_before,
    }
}

fn to_entry(entry: &Entry, unknown: &Unknown, tag: &KeyTag) -> WireEntry {
    let text = |id: &SubscriptionId| id.as_str().to_owned();
    WireEntry {
        tenant: entry.key.tenant.as_str().to_owned(),
        resource: entry.key.resource.clone(),
        change_types: entry.key.change_types.to_string(),
        resource_data: entry.key.resource_data,
        query_options: entry.key.query_options.clone(),
        name: entry.name.as_ref().map(|name| name.as_str().to_owned()),
        held: entry
            .held
            .as_ref()
            .map(|held| to_held(held, unknown.held.get(&held.id))),
        intent: entry.intent.as_ref().map(|intent| WireIntent {
            at: intent.at,
            instead_of: intent.instead_of.as_ref().map(text),
        }),
        obstacle: entry.obstacle.as_ref().map(|obstacle| WireObstacle {
            cause: obstacle.cause.as_str().to_owned(),
            holder: obstacle.holder.as_ref().map(text),
            at: obstacle.at,
        }),
        blocked: entry.blocked.as_ref().map(to_blocked),
        retry: entry.retry.as_ref().map(to_retry),
        gap: entry.gap.as_ref().map(|gap| WireGap {
            deleted: text(&gap.deleted),
            since: gap.since,
        }),
        renewals: entry.renewals,
        creations: entry.creations,
        extra: unknown.entries.get(tag).cloned().unwrap_or_default(),
    }
}

fn to_held(held: &Held, extra: Option<&Extra>) -> WireHeld {
    WireHeld {
        id: held.id.as_str().to_owned(),
        expires: held.expires,
        due: held.due,
        obtained_at: held.obtained_at,
        origin: match held.origin {
            HeldOrigin::Created => WireOrigin::Created,
            HeldOrigin::Adopted => WireOrigin::Adopted,
            HeldOrigin::Unproven => WireOrigin::Unproven,
            HeldOrigin::Mismatched => WireOrigin::Mismatched,
        },
        kid: held.kid.as_ref().map(|kid| kid.as_str().to_owned()),
        certificate_id: held.certificate_id.clone(),
        certificate_asked: held.certificate_asked.clone(),
        patched_at: held.patched_at,
        doubted: held.doubted,
        extra: extra.cloned().unwrap_or_default(),
    }
}

fn to_blocked(blocked: &Blocked) -> WireBlocked {
    WireBlocked {
        by: match blocked.cause {
            BlockedBy::Foreign => WireBlockedBy::Foreign,
            BlockedBy::Invisible => WireBlockedBy::Invisible,
            BlockedBy::OwnRow => WireBlockedBy::OwnRow,
            BlockedBy::Quota => WireBlockedBy::Quota,
            BlockedBy::Unclassified => WireBlockedBy::Unclassified,
            BlockedBy::AbsurdWait => WireBlockedBy::AbsurdWait,
        },
        holder: blocked
            .holder
            .as_ref()
            .map(|holder| holder.as_str().to_owned()),
        until: blocked.until,
        since: blocked.since,
    }
}

fn to_watch(watch: &Watch, extra: Option<&Extra>) -> WireWatch {
    WireWatch {
        tenant: watch.tenant.as_str().to_owned(),
        why: match watch.why {
            Going::Undeclared => WireGoing::Undeclared,
            Going::Mismatched => WireGoing::Mismatched,
        },
        since: watch.since,
        config_hash: watch.config_hash.clone(),
        retry: watch.retry.as_ref().map(to_retry),
        extra: extra.cloned().unwrap_or_default(),
    }
}
