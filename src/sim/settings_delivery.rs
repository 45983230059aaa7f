//! The switches for the sending of notifications.

use serde::{Deserialize, Serialize};

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
    /// Items in one POST at most. Documented nowhere.
    pub batch_max: usize,
    /// A POST waits this long, on the virtual clock, for more items to its address.
    pub batch_window_ms: u64,
    /// Send the optional `id` of the notification.
    pub notification_id: bool,
    /// How `subscriptionExpirationDateTime` is written: all of these were seen.
    pub expiry_format: ExpiryFormat,
    /// How paths are written in `resource`.
    pub path_style: PathStyle,
    /// Add members that no page names, to the POST and to its items.
    pub unknown_members: bool,
    /// `tenantId` is empty, as for personal accounts (inbox-zero, 2025-10).
    pub personal_account: bool,
    /// Where lifecycle items name the tenant.
    pub lifecycle_tenant: LifecycleVariant,
    /// Send every notification twice: duplicates are not excluded (docs#8499).
    pub duplicate: bool,
    /// Send POSTs that are due, and the items in them, in an order drawn from the seed.
    pub reorder: bool,
    /// Changes of a thousand that are lost without a POST.
    pub loss_per_mille: u16,
    /// Announce by `missed` what was lost, dropped or given up (Outlook kinds only, by the
    /// lifecycle events page).
    pub announce_missed: bool,
    /// Send `reauthorizationRequired` by itself when so many minutes are left; `null` never.
    pub reauthorize_before_min: Option<u32>,
    /// Write `dataSignature` into rich items; a Teams sample omits it.
    pub signature: bool,
    /// The tokens of POSTs with rich items.
    pub validation_tokens: TokenForm,
    /// Seconds that a token lives: 86,700 in the documented sample.
    pub token_life_s: u64,
    /// `iss` of version 1 tokens.
    pub issuer_v1: String,
    /// `iss` of version 2 tokens.
    pub issuer_v2: String,
    /// Status of the answers with keys and with the discovery document; `null` is 200.
    pub keys_status: Option<u16>,
    /// Slow and drop states.
    pub endpoints: EndpointSettings,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            timeout_ms: 3_000,
            retry_timeout_ms: 10_000,
            first_backoff_s: 10,
            give_up_min: 240,
            batch: true,
            batch_max: 100,
            batch_window_ms: 0,
            notification_id: false,
            expiry_format: ExpiryFormat::Z7,
            path_style: PathStyle::Usual,
            unknown_members: false,
            personal_account: false,
            lifecycle_tenant: LifecycleVariant::TenantId,
            duplicate: false,
            reorder: false,
            loss_per_mille: 0,
            announce_missed: true,
            reauthorize_before_min: None,
            signature: true,
            validation_tokens: TokenForm::V2,
            token_life_s: 86_700,
            issuer_v1: "https://sts.windows.net/{tenant}/".into(),
            issuer_v2: "https://login.microsoftonline.com/{tenant}/v2.0".into(),
            keys_status: None,
            endpoints: EndpointSettings::default(),
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
    /// `2025-10-09T15:32:19.8+00:00`
    Short,
    /// `2019-08-02T07:58:15+00:00`
    Offset,
    /// `2021-02-02T10:30:34.9097561-08:00`
    Pacific,
}

/// Styles of paths in the samples.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathStyle {
    /// As each kind's samples show it.
    Usual,
    /// `Users('1')/Messages('2')`
    Parentheses,
    /// `Users/1/Messages/2`
    Slashes,
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

/// Forms of `validationTokens`. Which version arrives is not certain: receivers were seen that
/// accept only one or only the other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenForm {
    /// `ver` 1.0: `appid`, issued by `sts.windows.net`.
    V1,
    /// `ver` 2.0: `azp`, issued by `login.microsoftonline.com`.
    V2,
    /// `null`: Graph could make none (`appRoleAssignmentRequired`).
    #[serde(rename = "none")]
    Null,
}

/// How an endpoint's answers are judged.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EndpointSettings {
    /// The figures of which year, `custom` for those below, `off` for no states at all.
    pub set: RuleSet,
    /// What an endpoint is: a `host` (with its port) or a `url`.
    pub per: EndpointScope,
    /// Figures of one's own.
    pub custom: StateRules,
}

/// Versions of "delivery by webhooks".
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum RuleSet {
    /// About 2024-01: 10 % and 15 % beyond 3 s; a delay of 10 s.
    #[serde(rename = "2024")]
    Y2024,
    /// 2025-01: both beyond 10 s; a delay of 10 s.
    #[serde(rename = "2025")]
    Y2025,
    /// 2026-04: 10 % beyond 3 s, 15 % beyond 10 s; a delay of 10 minutes.
    #[default]
    #[serde(rename = "2026")]
    Y2026,
    /// The figures of the settings.
    #[serde(rename = "custom")]
    Custom,
    /// No states.
    #[serde(rename = "off")]
    Off,
}

/// What an endpoint is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointScope {
    /// Host and port.
    #[default]
    Host,
    /// The whole address.
    Url,
}

/// The figures of the two states.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StateRules {
    /// Length of the window, and of a state, on the virtual clock.
    pub window_s: u64,
    /// Fewer answers in the window decide nothing: 100 in the version of 2023-03; later ones
    /// name no figure.
    pub min_answers: usize,
    /// An answer is late beyond this.
    pub slow_over_ms: u64,
    /// Per cent of late answers that make an endpoint slow.
    pub slow_over_percent: u32,
    /// New notifications to a slow endpoint are sent this much later.
    pub slow_delay_s: u64,
    /// An answer is far too late beyond this.
    pub drop_over_ms: u64,
    /// Per cent of those that make Graph drop notifications.
    pub drop_over_percent: u32,
    /// Notifications that are sent after each window of the drop state, to see whether the
    /// endpoint has recovered ("a small number").
    pub samples: u32,
}

impl Default for StateRules {
    fn default() -> Self {
        Self {
            window_s: 600,
            min_answers: 100,
            slow_over_ms: 3_000,
            slow_over_percent: 10,
            slow_delay_s: 600,
            drop_over_ms: 10_000,
            drop_over_percent: 15,
            samples: 5,
        }
    }
}

impl EndpointSettings {
    /// The figures in force; `None` where there are no states.
    pub fn rules(&self) -> Option<StateRules> {
        let rules = StateRules::default();
        match self.set {
            RuleSet::Off => None,
            RuleSet::Custom => Some(self.custom),
            RuleSet::Y2026 => Some(rules),
            RuleSet::Y2025 => Some(StateRules {
                slow_over_ms: 10_000,
                slow_delay_s: 10,
                ..rules
            }),
            RuleSet::Y2024 => Some(StateRules {
                slow_delay_s: 10,
                drop_over_ms: 3_000,
                ..rules
            }),
        }
    }
}
