//! The JSON of a shard's memory, field by field.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::app::instruments::Instruments;

pub(super) type Extra = Map<String, Value>;

#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) format: Option<String>,
    pub(super) version: Option<u64>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Root {
    pub(super) format: String,
    pub(super) version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fleet: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) config_hash: Option<String>,
    #[serde(default)]
    pub(super) clock_offset_ms: i64,
    #[serde(default)]
    pub(super) tenants: BTreeMap<String, WireTenant>,
    #[serde(default)]
    pub(super) entries: BTreeMap<String, WireEntry>,
    #[serde(default)]
    pub(super) watches: BTreeMap<String, WireWatch>,
    #[serde(default, skip_serializing_if = "Instruments::is_empty")]
    pub(super) instruments: Instruments,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireTenant {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) app: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) audited_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) verify_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) quiet_until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) throttles: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) look_again: Option<WireRetry>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireRetry {
    pub(super) failures: u32,
    pub(super) not_before: Timestamp,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireEntry {
    pub(super) tenant: String,
    pub(super) resource: String,
    pub(super) change_types: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) resource_data: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) query_options: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) held: Option<WireHeld>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) intent: Option<WireIntent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) obstacle: Option<WireObstacle>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) blocked: Option<WireBlocked>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retry: Option<WireRetry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) gap: Option<WireGap>,
    #[serde(default)]
    pub(super) renewals: u64,
    #[serde(default)]
    pub(super) creations: u64,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireHeld {
    pub(super) id: String,
    pub(super) expires: Timestamp,
    pub(super) due: Timestamp,
    pub(super) obtained_at: Timestamp,
    pub(super) origin: WireOrigin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) certificate_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) certificate_asked: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) patched_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) doubted: bool,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum WireOrigin {
    Created,
    Adopted,
    Unproven,
    Mismatched,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireIntent {
    pub(super) at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) instead_of: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireGap {
    pub(super) deleted: String,
    pub(super) since: Timestamp,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireObstacle {
    pub(super) cause: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) holder: Option<String>,
    pub(super) at: Timestamp,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireBlocked {
    pub(super) by: WireBlockedBy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) holder: Option<String>,
    pub(super) until: Timestamp,
    pub(super) since: Timestamp,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum WireBlockedBy {
    Foreign,
    Invisible,
    OwnRow,
    Quota,
    Unclassified,
    AbsurdWait,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireWatch {
    pub(super) tenant: String,
    pub(super) why: WireGoing,
    pub(super) since: Timestamp,
    pub(super) config_hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retry: Option<WireRetry>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum WireGoing {
    Undeclared,
    Mismatched,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}
