//! A set of published keys.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use jsonwebtoken::DecodingKey;
use serde::Deserialize;

use crate::domain::ids::TenantId;

/// Most keys that are kept from one set. Entra publishes about ten.
const KEYS: usize = 1000;

/// One published key.
pub(super) struct PublishedKey {
    pub(super) key: DecodingKey,
    /// Entra marks keys that sign for one tenant only, such as that of personal accounts.
    tenant: Option<TenantId>,
}

impl PublishedKey {
    /// Whether the key may sign for the tenant.
    pub(super) fn speaks_for(&self, tenant: &TenantId) -> bool {
        self.tenant.as_ref().is_none_or(|only| only == tenant)
    }
}

impl fmt::Debug for PublishedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublishedKey({:?})", self.tenant)
    }
}

/// Published keys by their id.
#[derive(Clone, Debug, Default)]
pub(super) struct KeySet(HashMap<String, Arc<PublishedKey>>);

#[derive(Deserialize)]
struct Wire {
    keys: Vec<WireKey>,
}

#[derive(Deserialize)]
struct WireKey {
    kty: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
    issuer: Option<String>,
}

impl KeySet {
    /// Reads a JWKS document. Keys of other kinds are left out. `None` where it is no JWKS, or
    /// holds no RSA key: an authority without keys is a fault of its, not a refusal of all.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let wire: Wire = serde_json::from_slice(bytes).ok()?;
        let keys: HashMap<_, _> = wire.keys.into_iter().take(KEYS).filter_map(key).collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    pub(super) fn get(&self, kid: &str) -> Option<&Arc<PublishedKey>> {
        self.0.get(kid)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

fn key(wire: WireKey) -> Option<(String, Arc<PublishedKey>)> {
    let is_for_signatures = wire.purpose.is_none_or(|purpose| purpose == "sig");
    if wire.kty.as_deref() != Some("RSA") || !is_for_signatures {
        return None;
    }
    let plain = |text: String| {
        text.trim_end_matches('=')
            .replace('+', "-")
            .replace('/', "_")
    };
    let key = DecodingKey::from_rsa_components(&plain(wire.n?), &plain(wire.e?)).ok()?;
    let tenant = wire.issuer.as_deref().and_then(only_tenant);
    Some((wire.kid?, Arc::new(PublishedKey { key, tenant })))
}

/// The tenant in an issuer such as `https://login.microsoftonline.com/{guid}/v2.0`; none in
/// one with a placeholder.
fn only_tenant(issuer: &str) -> Option<TenantId> {
    issuer
        .split('/')
        .find_map(|part| TenantId::parse(part).ok())
}
