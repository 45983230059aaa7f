//! The switches for limits, chance and delivery.

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

/// How notifications are sent ("delivery by webhooks", 2026-04-22).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliverySettings {
    /// Time for the first attempt: 3 s.
    pub timeout_ms: u64,
    /// Time for each retry: 10 s.
    pub retry_timeout_ms: u64,
    /// Wait before the first retry, on the virtual clock; doubles each time. Real intervals
    /// are not published.
    pub first_backoff_s: u64,
    /// The notification is dropped after this long: 4 hours.
    pub give_up_min: u64,
    /// Put items that go to one address into one POST ("may hold several items").
    pub batch: bool,
    /// Send the optional `id` of the notification.
    pub notification_id: bool,
    /// How `subscriptionExpirationDateTime` is written: all of these were seen.
    pub expiry_format: ExpiryFormat,
    /// `tenantId` is empty, as for personal accounts (inbox-zero, 2025-10).
    pub personal_account: bool,
    /// Where lifecycle items name the tenant.
    pub lifecycle_tenant: LifecycleVariant,
    /// Send every notification twice: duplicates are not excluded (docs#8499).
    pub duplicate: bool,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            timeout_ms: 3_000,
            retry_timeout_ms: 10_000,
            first_backoff_s: 10,
            give_up_min: 240,
            batch: true,
            notification_id: false,
            expiry_format: ExpiryFormat::Z7,
            personal_account: false,
            lifecycle_tenant: LifecycleVariant::TenantId,
            duplicate: false,
        }
    }
}

/// Forms of `subscriptionExpirationDateTime` in the samples.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiryFormat {
    /// `2019-03-20T11:00:00.0000000Z`
    Z7,
    /// `2016-03-19T22:11:09.952Z`
    Z3,
    /// `2019-08-02T07:58:15+00:00`
    Offset,
    /// `2021-02-02T10:30:34.9097561-08:00`
    Pacific,
}

/// How lifecycle items name the tenant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LifecycleVariant {
    /// `tenantId`, as documented.
    TenantId,
    /// `organizationId` instead (graph-webhooks-testbed, 2026-03).
    OrganizationId,
}
