//! From JSON to the memory.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::wire::{
    Extra, Head, Root, WireBlocked, WireBlockedBy, WireEntry, WireGap, WireGoing, WireHeld,
    WireIntent, WireObstacle, WireOrigin, WireRetry,
};
use super::{FORMAT, StateDoc, Unknown, Unreadable, VERSION};
use crate::domain::conflict::Cause;
use crate::domain::ids::{
    AppId, FleetId, IdError, Kid, SubscriptionId, SubscriptionName, TenantId,
};
use crate::domain::state::{
    Blocked, BlockedBy, Entry, Gap, Going, Held, HeldOrigin, Intent, Obstacle, Residence, Retry,
    ShardState, TenantState, Watch,
};
use crate::domain::subscription::{ChangeTypes, KeyTag, SubscriptionKey};

pub(super) fn decode(bytes: &[u8]) -> Result<StateDoc, Unreadable> {
    let head: Head = serde_json::from_slice(bytes)
        .map_err(|error| Unreadable(format!("it is no JSON document of ours: {error}")))?;
    if head.format.as_deref() != Some(FORMAT) {
        return Err(Unreadable(format!(
            "its format is {:?}, not {FORMAT:?}",
            head.format
        )));
    }
    match head.version {
        Some(version) if version <= u64::from(VERSION) && version > 0 => {}
        Some(version) => {
            let words = format!("its version is {version}, this program reads up to {VERSION}");
            return Err(Unreadable(words));
        }
        None => return Err(Unreadable("it has no version".to_owned())),
    }
    let root: Root = serde_json::from_slice(bytes)
        .map_err(|error| Unreadable(format!("version {VERSION} does not fit it: {error}")))?;
    from_root(root)
}

fn from_root(root: Root) -> Result<StateDoc, Unreadable> {
    let mut doc = StateDoc {
        state: ShardState {
            residence: residence(root.fleet.as_deref(), root.origin)?,
            config_hash: root.config_hash,
            clock_offset: SignedDuration::from_millis(root.clock_offset_ms),
            ..ShardState::default()
        },
        instruments: root.instruments,
        unknown: Unknown {
            root: root.extra,
            ..Unknown::default()
        },
    };
    for (name, tenant) in root.tenants {
        let id = TenantId::parse(&name).map_err(|error| at("tenants", &name, error))?;
        let state = TenantState {
            app: optional(tenant.app.as_deref(), AppId::parse)
                .map_err(|error| at("tenants", &name, error))?,
            audited_at: tenant.audited_at,
            verify_at: tenant.verify_at,
            quiet_until: tenant.quiet_until,
            throttles: tenant.throttles,
            look_again: tenant.look_again.map(retry),
        };
        keep(&mut doc.unknown.tenants, &id, tenant.extra);
        doc.state.tenants.insert(id, state);
    }
    for (name, entry) in root.entries {
        read_entry(&mut doc, &name, entry)?;
    }
    for (name, watch) in root.watches {
        let id = SubscriptionId::parse(&name).map_err(|error| at("watches", &name, error))?;
        let state = Watch {
            tenant: TenantId::parse(&watch.tenant).map_err(|error| at("watches", &name, error))?,
            why: match watch.why {
                WireGoing::Undeclared => Going::Undeclared,
                WireGoing::Mismatched => Going::Mismatched,
            },
            since: watch.since,
            config_hash: watch.config_hash,
            retry: watch.retry.map(retry),
        };
        keep(&mut doc.unknown.watches, &id, watch.extra);
        doc.state.watches.insert(id, state);
    }
    Ok(doc)
}

fn residence(fleet: Option<&str>, origin: Option<String>) -> Result<Option<Residence>, Unreadable> {
    match (fleet, origin) {
        (None, None) => Ok(None),
        (Some(fleet), Some(origin)) => {
            let fleet = FleetId::parse(fleet).map_err(|error| at("fleet", fleet, error))?;
            Ok(Some(Residence { fleet, origin }))
        }
        _ => Err(Unreadable(
            "it names a fleet without an origin, or the reverse".to_owned(),
        )),
    }
}

fn read_entry(doc: &mut StateDoc, name: &str, entry: WireEntry) -> Result<(), Unreadable> {
    let wrong = |error: IdError| at("entries", name, error);
    let key = SubscriptionKey {
        tenant: TenantId::parse(&entry.tenant).map_err(wrong)?,
        resource: entry.resource,
        change_types: ChangeTypes::parse(&entry.change_types)
            .map_err(|word| Unreadable(format!("entries.{name}: {word:?} is no change type")))?,
        resource_data: entry.resource_data,
        query_options: entry.query_options,
    };
    let tag = key.tag();
    if KeyTag::parse(name) != Some(tag) {
        return Err(Unreadable(format!(
            "entries.{name}: its key has the tag {tag}"
        )));
    }
    let held = entry
        .held
        .map(|held| read_held(doc, held))
        .transpose()
        .map_err(wrong)?;
    let state = Entry {
        key,
        name: optional(entry.name.as_deref(), SubscriptionName::parse).map_err(wrong)?,
        held,
        intent: entry.intent.map(read_intent).transpose().map_err(wrong)?,
        obstacle: entry
            .obstacle
            .map(read_obstacle)
            .transpose()
            .map_err(wrong)?,
        blocked: entry.blocked.map(read_blocked).transpose().map_err(wrong)?,
        retry: entry.retry.map(retry),
        gap: entry.gap.map(read_gap).transpose().map_err(wrong)?,
        renewals: entry.renewals,
        creations: entry.creations,
    };
    keep(&mut doc.unknown.entries, &tag, entry.extra);
    doc.state.entries.insert(tag, state);
    Ok(())
}

fn read_held(doc: &mut StateDoc, held: WireHeld) -> Result<Held, IdError> {
    let id = SubscriptionId::parse(&held.id)?;
    keep(&mut doc.unknown.held, &id, held.extra);
    Ok(Held {
        id,
        expires: held.expires,
        due: held.due,
        obtained_at: held.obtained_at,
        origin: match held.origin {
            WireOrigin::Created => HeldOrigin::Created,
            WireOrigin::Adopted => HeldOrigin::Adopted,
            WireOrigin::Unproven => HeldOrigin::Unproven,
            WireOrigin::Mismatched => HeldOrigin::Mismatched,
        },
        kid: optional(held.kid.as_deref(), Kid::parse)?,
        certificate_id: held.certificate_id,
        certificate_asked: held.certificate_asked,
        patched_at: held.patched_at,
        doubted: held.doubted,
    })
}

fn read_intent(intent: WireIntent) -> Result<Intent, IdError> {
    let instead_of = optional(intent.instead_of.as_deref(), SubscriptionId::parse)?;
    Ok(Intent {
        at: intent.at,
        instead_of,
    })
}

fn read_gap(gap: WireGap) -> Result<Gap, IdError> {
    Ok(Gap {
        deleted: SubscriptionId::parse(&gap.deleted)?,
        since: gap.since,
    })
}

fn read_obstacle(obstacle: WireObstacle) -> Result<Obstacle, IdError> {
    // A cause that a later program wrote is only a hint; the next look decides anew.
    let cause = Cause::parse(&obstacle.cause).unwrap_or(Cause::Unclassified);
    let holder = optional(obstacle.holder.as_deref(), SubscriptionId::parse)?;
    Ok(Obstacle {
        cause,
        holder,
        at: obstacle.at,
    })
}

fn read_blocked(blocked: WireBlocked) -> Result<Blocked, IdError> {
    Ok(Blocked {
        cause: match blocked.by {
            WireBlockedBy::Foreign => BlockedBy::Foreign,
            WireBlockedBy::Invisible => BlockedBy::Invisible,
            WireBlockedBy::OwnRow => BlockedBy::OwnRow,
            WireBlockedBy::Quota => BlockedBy::Quota,
            WireBlockedBy::Unclassified => BlockedBy::Unclassified,
            WireBlockedBy::AbsurdWait => BlockedBy::AbsurdWait,
        },
        holder: optional(blocked.holder.as_deref(), SubscriptionId::parse)?,
        until: blocked.until,
        since: blocked.since,
    })
}

fn retry(retry: WireRetry) -> Retry {
    Retry {
        failures: retry.failures,
        not_before: retry.not_before,
    }
}

fn optional<T>(
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, IdError>,
) -> Result<Option<T>, IdError> {
    text.map(parse).transpose()
}

fn at(table: &str, name: &str, error: IdError) -> Unreadable {
    Unreadable(format!("{table}.{name}: {error}"))
}

fn keep<K: Ord + Clone>(kept: &mut BTreeMap<K, Extra>, key: &K, extra: Extra) {
    if !extra.is_empty() {
        kept.insert(key.clone(), extra);
    }
}
