//! Field by field, between the memory and its JSON.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FORMAT, StateDoc, Unknown, Unreadable, VERSION};
use crate::domain::conflict::Cause;
use crate::domain::ids::{
    AppId, FleetId, IdError, Kid, SubscriptionId, SubscriptionName, TenantId,
};
use crate::domain::state::{
    Blocked, BlockedBy, Entry, Going, Held, HeldOrigin, Intent, Obstacle, Residence, Retry,
    ShardState, TenantState, Watch,
};
use crate::domain::subscription::{ChangeTypes, KeyTag, SubscriptionKey};

type Extra = Map<String, Value>;

#[derive(Deserialize)]
struct Head {
    format: Option<String>,
    version: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Root {
    format: String,
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fleet: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    config_hash: Option<String>,
    #[serde(default)]
    clock_offset_ms: i64,
    #[serde(default)]
    tenants: BTreeMap<String, WireTenant>,
    #[serde(default)]
    entries: BTreeMap<String, WireEntry>,
    #[serde(default)]
    watches: BTreeMap<String, WireWatch>,
    #[serde(flatten)]
    extra: Extra,
}

#[derive(Serialize, Deserialize)]
struct WireTenant {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    app: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audited_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quiet_until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_zero")]
    throttles: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    look_again: Option<WireRetry>,
    #[serde(flatten)]
    extra: Extra,
}

#[derive(Serialize, Deserialize)]
struct WireRetry {
    failures: u32,
    not_before: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct WireEntry {
    tenant: String,
    resource: String,
    change_types: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    resource_data: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    query_options: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held: Option<WireHeld>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    intent: Option<WireIntent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    obstacle: Option<WireObstacle>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blocked: Option<WireBlocked>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry: Option<WireRetry>,
    #[serde(default)]
    renewals: u64,
    #[serde(default)]
    creations: u64,
    #[serde(flatten)]
    extra: Extra,
}

#[derive(Serialize, Deserialize)]
struct WireHeld {
    id: String,
    expires: Timestamp,
    due: Timestamp,
    obtained_at: Timestamp,
    origin: WireOrigin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate_asked: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    patched_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    doubted: bool,
    #[serde(flatten)]
    extra: Extra,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum WireOrigin {
    Created,
    Adopted,
    Unproven,
    Mismatched,
}

#[derive(Serialize, Deserialize)]
struct WireIntent {
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instead_of: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct WireObstacle {
    cause: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct WireBlocked {
    by: WireBlockedBy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    until: Timestamp,
    since: Timestamp,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum WireBlockedBy {
    Foreign,
    Invisible,
    OwnRow,
    Quota,
    Unclassified,
    AbsurdWait,
}

#[derive(Serialize, Deserialize)]
struct WireWatch {
    tenant: String,
    why: WireGoing,
    since: Timestamp,
    config_hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry: Option<WireRetry>,
    #[serde(flatten)]
    extra: Extra,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum WireGoing {
    Undeclared,
    Mismatched,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

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
        extra: unknown.root.clone(),
    }
}

fn to_tenant(tenant: &TenantState, extra: Option<&Extra>) -> WireTenant {
    WireTenant {
        app: tenant.app.as_ref().map(|app| app.as_str().to_owned()),
        audited_at: tenant.audited_at,
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
