//! Tokens of tenants that a declaration names: each with its own credential, or with the reason
//! why it has none.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::config::CredentialConfig;
use super::entra::EntraTokens;
use super::{AccessToken, TokenError, Tokens};
use crate::domain::ids::TenantId;

/// Over [`EntraTokens`], what a declaration says of single tenants. A credential that is wrong
/// stops its own tenant only.
pub struct DeclaredTokens {
    entra: Arc<EntraTokens>,
    broken: RwLock<BTreeMap<TenantId, String>>,
}

impl DeclaredTokens {
    /// Nothing declared yet: every tenant has the default credential.
    pub fn new(entra: Arc<EntraTokens>) -> Self {
        Self {
            entra,
            broken: RwLock::default(),
        }
    }

    /// Takes over a whole declaration. Tenants that it does not name fall back to the default.
    pub fn declare(&self, tenants: Vec<(TenantId, Result<CredentialConfig, String>)>) {
        let mut broken = BTreeMap::new();
        self.entra
            .undeclare_others(tenants.iter().map(|(tenant, _)| tenant));
        for (tenant, credential) in tenants {
            let taken = credential.and_then(|config| {
                self.entra
                    .declare(tenant.clone(), config)
                    .map_err(|error| error.to_string())
            });
            if let Err(why) = taken {
                tracing::error!(tenant.id = %tenant, "tenant {tenant} has no credential: {why}");
                broken.insert(tenant, why);
            }
        }
        *self.broken.write().unwrap_or_else(PoisonError::into_inner) = broken;
    }

    fn why_broken(&self, tenant: &TenantId) -> Option<String> {
        self.broken
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(tenant)
            .cloned()
    }
}

#[async_trait::async_trait]
impl Tokens for DeclaredTokens {
    async fn token(&self, tenant: &TenantId) -> Result<AccessToken, TokenError> {
        match self.why_broken(tenant) {
            Some(why) => Err(TokenError::Denied { why }),
            None => self.entra.token(tenant).await,
        }
    }

    fn refused(&self, tenant: &TenantId) {
        self.entra.refused(tenant);
    }
}
