//! Tokens for Graph, one credential for each tenant.

mod assertion;
mod claims;
mod cloud;
mod config;
mod credential;
mod declared;
mod entra;
#[cfg(test)]
mod flow_tests;

use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use crate::domain::ids::TenantId;

pub use claims::TokenClaims;
pub use config::{CredentialConfig, IdentityError, IdentityOptions};
pub use declared::DeclaredTokens;
pub use entra::EntraTokens;

/// A bearer token with what it says about itself. It cannot print itself.
#[derive(Clone)]
pub struct AccessToken {
    text: SecretString,
    claims: TokenClaims,
}

impl AccessToken {
    /// Wraps a token as the authority gave it and reads its claims, without verifying them.
    pub fn new(text: SecretString) -> Self {
        let claims = TokenClaims::read(text.expose_secret());
        Self { text, claims }
    }

    /// The token itself, for the `Authorization` header. Never log it.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// Whether it says anything about itself.
    pub fn is_jwt(&self) -> bool {
        TokenClaims::of_jwt(self.text.expose_secret()).is_some()
    }

    /// What the token says about itself.
    pub fn claims(&self) -> &TokenClaims {
        &self.claims
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("claims", &self.claims)
            .finish_non_exhaustive()
    }
}

/// Why there is no token, by what the caller must do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The credential is wrong, or not allowed there: tell a human.
    #[error("{why}")]
    Denied {
        /// What to mend, secrets removed.
        why: String,
    },
    /// The authority did not answer, or is overloaded: later.
    #[error("{why}")]
    Unavailable {
        /// What happened, secrets removed.
        why: String,
        /// How long the authority asks us to wait, where it says so.
        wait: Option<Duration>,
    },
}

/// Gives tokens.
///
/// # Cancellation
/// A dropped future leaves nothing behind; the next call asks anew.
#[async_trait::async_trait]
pub trait Tokens: Send + Sync {
    /// A token for Graph in the tenant, valid for some minutes at least. Callers that wait for
    /// the same token share one request.
    async fn token(&self, tenant: &TenantId) -> Result<AccessToken, TokenError>;

    /// Graph answered 401 to the tenant's token: a kept one should not be used for ever.
    fn refused(&self, _tenant: &TenantId) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_prints_itself() {
        let token = AccessToken::new("hunter2".into());
        assert_eq!(token.expose(), "hunter2");
        assert!(!format!("{token:?}").contains("hunter2"));
    }
}
