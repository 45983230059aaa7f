//! The switches for limits and chance.

use serde::{Deserialize, Serialize};

/// How many subscriptions may exist ("change notifications overview"); `null` is no limit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quotas {
    /// Outlook kinds for each mailbox, all applications together.
    pub mailbox: Option<usize>,
    /// Answer a full mailbox with 429 and a date in the year 9999 (Stack Overflow 65494288).
    pub mailbox_as_429: bool,
    /// Users and groups for each application, all tenants.
    pub directory_app: Option<usize>,
    /// Users and groups for each tenant, all applications.
    pub directory_tenant: Option<usize>,
    /// Users and groups for each application in a tenant.
    pub directory_app_tenant: Option<usize>,
    /// All Teams kinds for each tenant.
    pub teams_organization: Option<usize>,
    /// Teams kinds for each user of a tenant.
    pub teams_user: Option<usize>,
    /// Call records for each tenant.
    pub call_records: Option<usize>,
    /// Approvals for each tenant.
    pub approvals: Option<usize>,
    /// Drive items for each drive: no figure is documented, 403 was seen (docs#21403).
    pub drive: Option<usize>,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            mailbox: Some(1_000),
            mailbox_as_429: false,
            directory_app: Some(50_000),
            directory_tenant: Some(1_000),
            directory_app_tenant: Some(100),
            teams_organization: Some(10_000),
            teams_user: Some(10),
            call_records: Some(100),
            approvals: Some(1_000),
            drive: None,
        }
    }
}

/// Rate limits of the subscriptions API (throttling page, 2026-02-06).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Throttling {
    /// Enforce the limits. The windows run on real (monotonic) time, because that is what
    /// callers wait on.
    pub enforce: bool,
    /// Length of a window in seconds.
    pub window_s: u64,
    /// Creates, changes and deletes: for each application, and for each application in a tenant.
    pub writes: (usize, usize),
    /// Reauthorize.
    pub reauthorize: (usize, usize),
    /// GET by id.
    pub get: (usize, usize),
    /// GET list; each page is one.
    pub list: (usize, usize),
    /// Send `Retry-After`: whether the real API does is not certain.
    pub retry_after: bool,
}

impl Default for Throttling {
    fn default() -> Self {
        Self {
            enforce: false,
            window_s: 20,
            writes: (2_000, 500),
            reauthorize: (4_000, 1_000),
            get: (2_000, 500),
            list: (40, 25),
            retry_after: true,
        }
    }
}

/// How long a call takes: a length between the two is drawn, half of it before the effect.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Latency {
    /// Least, in milliseconds.
    pub min_ms: u64,
    /// Most, in milliseconds.
    pub max_ms: u64,
}

/// Faults by chance, each in calls of a thousand, drawn from the seed for every call.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Chances {
    /// The connection ends before the call takes effect.
    pub lose_before: u16,
    /// The connection ends after the call took effect.
    pub lose_after: u16,
    /// The call is never sent (in process; over HTTP the same as `lose_before`).
    pub unreachable: u16,
    /// 429 with `Retry-After`.
    pub throttle: u16,
    /// 429 without it.
    pub throttle_silent: u16,
    /// 500 without effect.
    pub server_error: u16,
    /// 500 although the call took effect.
    pub server_error_after: u16,
    /// 503 without effect.
    pub unavailable: u16,
    /// 404 on a PATCH of a subscription that exists.
    pub false_gone: u16,
    /// The listing leaves a row out.
    pub hide_row: u16,
}
