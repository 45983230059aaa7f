//! What the tokens of this deployment carry, for the report about permissions.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::{on_tenants, tokens};
use crate::adapters::identity::{DeclaredTokens, TokenClaims, Tokens as _};
use crate::config::AccessSettings;
use crate::domain::ids::{AppId, TenantId};
use crate::ports::declaration::DeclaredTenant;

/// What a token says about itself. The token is not in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Carried {
    /// The application.
    pub application: AppId,
    /// The tenant that issued it.
    pub tenant: Option<TenantId>,
    /// The object id of the application's service principal in that tenant.
    pub principal: Option<String>,
    /// Application permissions.
    pub roles: Vec<String>,
    /// Delegated permissions: those of a signed-in user.
    pub scopes: Vec<String>,
    /// For whom it is.
    pub audience: Option<String>,
}

impl Carried {
    /// Decodes a token, here and without verifying it. `None` for what is no JWT.
    pub fn read(token: &SecretString) -> Option<Self> {
        TokenClaims::of_jwt(token.expose_secret()).map(Self::of)
    }

    fn of(claims: TokenClaims) -> Self {
        Self {
            application: claims.application,
            tenant: claims.tenant,
            principal: claims.object,
            roles: claims.roles,
            scopes: claims.scopes,
            audience: claims.audience,
        }
    }
}

/// Asks for a token in each tenant, with the credential that a pass would use there, and decodes
/// it.
///
/// # Errors
/// Where no token could be asked for at all. A tenant whose token was not had says why.
pub async fn carried(
    settings: &AccessSettings,
    tenants: &[DeclaredTenant],
) -> anyhow::Result<Vec<Result<Carried, String>>> {
    let entra = tokens(&settings.credential, &settings.graph, &settings.authority)?;
    let tokens = Arc::new(DeclaredTokens::new(Arc::new(entra)));
    on_tenants(settings.credential.clone(), Arc::clone(&tokens))(tenants);
    let mut all = Vec::with_capacity(tenants.len());
    for tenant in tenants {
        let token = tokens.token(&tenant.id).await;
        all.push(match token {
            Ok(token) if token.is_jwt() => Ok(Carried::of(token.claims().clone())),
            Ok(_) => Err("its credential gives no token that says what it carries".to_owned()),
            Err(error) => Err(error.to_string()),
        });
    }
    Ok(all)
}
