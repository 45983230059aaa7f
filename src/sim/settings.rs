//! Every switch of the simulator. Each doubt about the real Graph is one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use super::settings_delivery::{
    DeliverySettings, EndpointScope, EndpointSettings, ExpiryFormat, LifecycleVariant, PathStyle,
    RuleSet, StateRules, TokenForm,
};
pub use super::settings_parts::{Chances, Latency, Quotas, Throttling};

/// All switches. The defaults are what the sources say of the real service; see each field.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Who may call.
    pub tokens: Tokens,
    /// Accept only `https` addresses, as the real service does. Off: `http` towards 127.0.0.1,
    /// `[::1]` and `localhost` is accepted too.
    pub https_only: bool,
    /// The endpoint handshake.
    pub validation: Validation,
    /// Lifetimes.
    pub expiry: Expiry,
    /// Second subscriptions of the same thing.
    pub duplicates: Duplicates,
    /// How many subscriptions may exist.
    pub quotas: Quotas,
    /// Who may subscribe to what.
    pub permissions: Permissions,
    /// What the list shows.
    pub listing: Listing,
    /// What answers show.
    pub answers: Answers,
    /// What a PATCH may do.
    pub renewals: Renewals,
    /// Rate limits.
    pub throttling: Throttling,
    /// How long calls take.
    pub latency: Latency,
    /// Faults by chance, drawn from the seed.
    pub chances: Chances,
    /// How notifications are sent.
    pub delivery: DeliverySettings,
}

/// Who may call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tokens {
    /// Only well-formed JWTs whose `aud` is one of `audiences`. Signatures are never verified.
    pub strict: bool,
    /// Accept calls without a token, as the default application.
    pub anonymous: bool,
    /// Audiences that strict mode accepts: Graph's address and its application id.
    pub audiences: Vec<String>,
    /// Tenant of a token that names none (no JWT, or no `tid`).
    pub default_tenant: String,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            strict: false,
            anonymous: false,
            audiences: vec![
                "https://graph.microsoft.com".into(),
                "https://graph.microsoft.com/".into(),
                "00000003-0000-0000-c000-000000000000".into(),
            ],
            default_tenant: DEFAULT_TENANT.into(),
        }
    }
}

/// The tenant of tokens that name none.
pub const DEFAULT_TENANT: &str = "5eed0000-0000-4000-8000-000000000001";

/// The endpoint handshake ("delivery by webhooks", 2026-04-22).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Validation {
    /// Validate at all.
    pub enabled: bool,
    /// Time for each endpoint to answer: 10 s, not configurable there (docs#5554).
    pub timeout_ms: u64,
    /// Validate on PATCH too: a renewal was answered with a validation time-out
    /// (msgraph-sdk-dotnet#2805), while the documentation speaks of create alone.
    pub on_patch: bool,
    /// Validate the lifecycle address on PATCH too. No source says so.
    pub lifecycle_on_patch: bool,
    /// Validate on reauthorize too: the title of msgraph-sdk-dotnet#2805 says so, nothing else does.
    pub on_reauthorize: bool,
    /// Skip addresses that were validated before (msgraph-sdk-javascript#1641, one report).
    pub cache: bool,
    /// The reply must say `text/plain`: documented; whether it is enforced is not known.
    pub needs_text_plain: bool,
    /// The `User-Agent` of the handshake. `null`: the header is not sent (access logs of real
    /// handshakes show `-`).
    pub user_agent: Option<String>,
    /// The words of a failed handshake.
    pub wording: ValidationWording,
}

impl Default for Validation {
    fn default() -> Self {
        Self {
            enabled: true,
            timeout_ms: 10_000,
            on_patch: true,
            lifecycle_on_patch: false,
            on_reauthorize: false,
            cache: false,
            needs_text_plain: true,
            user_agent: None,
            wording: ValidationWording::Y2024,
        }
    }
}

/// Graph's words for a failed handshake changed over the years.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ValidationWording {
    /// `InvalidRequest`, "Must respond with 200 OK to this request." (webjobs-webhooks-sample#3)
    #[serde(rename = "2018")]
    Y2018,
    /// `ValidationError`, "Notification endpoint must respond …" (azure-functions-splunk#26)
    #[serde(rename = "2024")]
    Y2024,
    /// The same with the endpoint's status named (Microsoft365-Analytics-Insights#273)
    #[serde(rename = "2026")]
    Y2026,
}

/// Lifetimes (`subscription` resource page, 2026-09-17).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expiry {
    /// Refuse what is beyond the maximum ("loosely enforced for some resources", docs#5303).
    pub enforce_max: bool,
    /// Shorter lifetimes are raised to this many minutes; 0 never raises.
    pub clamp_min: u32,
    /// Raise short drive subscriptions too. Off: a real run got the 10 minutes it asked for
    /// (abraunegg/onedrive, 2024-08-28).
    pub clamp_drives: bool,
    /// Longest basic Outlook subscription: 10,080 documented, 10,070 seen in live answers.
    pub outlook_ceiling_min: u32,
    /// An expiry in the past.
    pub past: PastExpiry,
    /// Lifetimes that are silently cut, by kind (`message`, …) or `*`, in minutes
    /// (msgraph-sdk-dotnet#2930: asked 10,065, got a day).
    pub shorten_to_min: BTreeMap<String, u32>,
}

impl Default for Expiry {
    fn default() -> Self {
        Self {
            enforce_max: true,
            clamp_min: 45,
            clamp_drives: false,
            outlook_ceiling_min: 10_070,
            past: PastExpiry::Raise,
            shorten_to_min: BTreeMap::new(),
        }
    }
}

/// What becomes of an expiry in the past: sources disagree.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PastExpiry {
    /// Raised like any short one (the resource page's wording; msgraph-sdk-java#1859).
    Raise,
    /// 400. The words are the simulator's own.
    Refuse,
}

/// Second subscriptions of the same thing. The scope of uniqueness is stated nowhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Duplicates {
    /// Accept every duplicate in silence (mailbox, Q&A 5600330; Event Hubs, Q&A 5768670).
    pub silent: bool,
    /// Accept duplicates of SharePoint lists (docs-contrib#9039).
    pub lists_silent: bool,
    /// Name the holder's id in the 409; off leaves the gap empty, as the pages print it.
    pub name_holder: bool,
    /// Equal change types are part of "the same" (documented).
    pub by_change_type: bool,
    /// Letter case of the resource does not matter.
    pub fold_case: bool,
    /// A slash at the start, and both styles of keys, do not matter.
    pub fold_spelling: bool,
    /// Another application in the tenant holds the combination too.
    pub across_apps: bool,
    /// Teams and Approvals: at most one for each application and path.
    pub limit_of_one: bool,
}

impl Default for Duplicates {
    fn default() -> Self {
        Self {
            silent: false,
            lists_silent: true,
            name_holder: true,
            by_change_type: true,
            fold_case: true,
            fold_spelling: true,
            across_apps: false,
            limit_of_one: true,
        }
    }
}

/// Who may subscribe to what.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Permissions {
    /// Granted application permissions; `null` grants all.
    pub granted: Option<Vec<String>>,
    /// Refuse kinds that need a signed-in user (presence, conversations) to tokens without one.
    pub refuse_app_only: bool,
    /// 401 for the first create of each application and tenant (docs#19088: first call after consent).
    pub unauthorized_first: bool,
    /// Accept paths that no page names; they never notify (docs#8454: `/users/{id}/memberOf`).
    pub accept_unknown_resources: bool,
}

/// What the list shows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listing {
    /// Rows on a page. Documented nowhere.
    pub page_size: u32,
    /// A new row appears only after this long, on the virtual clock (docs#4644, no figure known).
    pub lag_ms: u64,
    /// A deleted row stays listed this long (docs#5603: days).
    pub ghost_ms: u64,
    /// An expired row stays listed this long (msgraph-sdk-javascript#906).
    pub expired_ms: u64,
}

impl Default for Listing {
    fn default() -> Self {
        Self {
            page_size: 100,
            lag_ms: 0,
            ghost_ms: 0,
            expired_ms: 0,
        }
    }
}

/// What answers show.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answers {
    /// GET by id shows clientState, as the documentation's sample does. Lists never do.
    pub client_state_on_get: bool,
    /// Properties without a value are written as `null` (Outlook sample); off leaves them out.
    pub nulls: bool,
    /// What stands in `encryptionCertificate`.
    pub certificate: CertificateEcho,
    /// What GET, PATCH and DELETE say of another application's subscription.
    pub foreign: ForeignAnswer,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            client_state_on_get: true,
            nulls: true,
            certificate: CertificateEcho::Whole,
            foreign: ForeignAnswer::NotFound,
        }
    }
}

/// The samples disagree on what is echoed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateEcho {
    /// As sent (Outlook create sample).
    Whole,
    /// Left out (Teams create sample).
    Omit,
    /// An empty text (list and PATCH samples).
    Empty,
}

/// Answers about somebody else's subscription.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForeignAnswer {
    /// 404, as though it did not exist.
    NotFound,
    /// `ExtensionError`, "There was an error processing a storage extension."
    /// (microsoft-graph-explorer-v4#3554; the status is not stated there, 400 here).
    StorageExtension,
}

/// What a PATCH may do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Renewals {
    /// First answer every renewal with 308 to an address that renews (abraunegg/onedrive 2.5.6).
    pub redirect: bool,
    /// A PATCH may change the certificate: the page on resource data says so, the update page
    /// does not list it. Off: the certificate is ignored in silence.
    pub change_certificate: bool,
}

impl Default for Renewals {
    fn default() -> Self {
        Self {
            redirect: false,
            change_certificate: true,
        }
    }
}

/// Why a change of settings was refused.
#[derive(Debug, thiserror::Error)]
#[error("these settings do not fit: {0}")]
pub struct SettingsError(String);

impl Settings {
    /// These settings with the members of a JSON object laid over them, at any depth.
    pub fn patched(&self, patch: serde_json::Value) -> Result<Self, SettingsError> {
        if !patch.is_object() {
            return Err(SettingsError("a JSON object is needed".into()));
        }
        let mut whole =
            serde_json::to_value(self).map_err(|error| SettingsError(error.to_string()))?;
        lay_over(&mut whole, patch);
        serde_json::from_value(whole).map_err(|error| SettingsError(error.to_string()))
    }

    /// These settings with one changed: `path` is dotted (`listing.page_size`), `value` JSON or,
    /// where it is no JSON, a text.
    pub fn with(&self, path: &str, value: &str) -> Result<Self, SettingsError> {
        let value = serde_json::from_str(value)
            .unwrap_or_else(|_| serde_json::Value::String(value.to_owned()));
        let patch = path
            .rsplit('.')
            .fold(value, |inner, word| serde_json::json!({ word: inner }));
        self.patched(patch)
    }
}

fn lay_over(whole: &mut serde_json::Value, patch: serde_json::Value) {
    match (whole, patch) {
        (serde_json::Value::Object(whole), serde_json::Value::Object(patch)) => {
            for (name, value) in patch {
                lay_over(whole.entry(name).or_insert(serde_json::Value::Null), value);
            }
        }
        (whole, patch) => *whole = patch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let settings = Settings::default()
            .patched(serde_json::json!({"listing": {"page_size": 2}, "https_only": true}))
            .unwrap();
        assert_eq!((settings.listing.page_size, settings.https_only), (2, true));
        assert_eq!(settings.expiry, Expiry::default());
        let settings = settings
            .with("expiry.shorten_to_min.message", "1440")
            .unwrap();
        assert_eq!(settings.expiry.shorten_to_min["message"], 1440);
    }

    #[test]
    fn a_switch_that_does_not_exist_is_named() {
        let error = Settings::default()
            .with("listing.pagesize", "2")
            .unwrap_err();
        assert!(error.to_string().contains("pagesize"), "{error}");
        assert!(Settings::default().with("https_only", "maybe").is_err());
        assert!(Settings::default().patched(serde_json::json!([])).is_err());
    }
}
