//! Tokens, and how each service wants them.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::adapters::identity::{TokenError, Tokens};
use crate::domain::ensure::Failure;
use crate::domain::ids::TenantId;

/// Gives the token for one service.
#[async_trait]
pub trait Bearer: Send + Sync {
    /// A token, valid for some minutes at least.
    ///
    /// # Errors
    /// By what the caller must do next.
    async fn token(&self) -> Result<SecretString, TokenError>;

    /// The service answered 401: a kept token should not be used for ever.
    fn refused(&self) {}
}

/// Always the same token: for simulators, and where a person pasted one.
pub struct FixedBearer(pub SecretString);

#[async_trait]
impl Bearer for FixedBearer {
    async fn token(&self) -> Result<SecretString, TokenError> {
        Ok(self.0.clone())
    }
}

/// The token of one tenant from a source of tokens.
pub struct TenantBearer {
    /// The source; its tokens are for the service that is called.
    pub tokens: Arc<dyn Tokens>,
    /// The tenant.
    pub tenant: TenantId,
}

#[async_trait]
impl Bearer for TenantBearer {
    async fn token(&self) -> Result<SecretString, TokenError> {
        let token = self.tokens.token(&self.tenant).await?;
        Ok(SecretString::from(token.expose().to_owned()))
    }

    fn refused(&self) {
        self.tokens.refused(&self.tenant);
    }
}

/// How a token is written into `Authorization`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// `Bearer …`
    Bearer,
    /// `type=aad&ver=1.0&sig=…`, percent-encoded as a whole: Cosmos DB's data plane
    /// (<https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources>).
    CosmosAad,
    /// Not into a header at all: it is a shared access signature, the query of every address
    /// (<https://learn.microsoft.com/rest/api/storageservices/create-service-sas>).
    Query,
}

impl Scheme {
    /// The value of `Authorization`, if there is to be one.
    pub(super) fn header(self, token: &SecretString) -> Result<Option<HeaderValue>, Failure> {
        let token = token.expose_secret();
        let text = match self {
            Self::Query => return Ok(None),
            Self::Bearer => format!("Bearer {token}"),
            Self::CosmosAad => {
                let plain = format!("type=aad&ver=1.0&sig={token}");
                url::form_urlencoded::byte_serialize(plain.as_bytes()).collect()
            }
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| Failure::NotSent {
            words: "the token holds characters that no header may carry".into(),
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// The address with what it must carry.
    pub(super) fn address(self, mut url: Url, token: &SecretString) -> Url {
        if self == Self::Query {
            let signature = token.expose_secret().trim_start_matches('?');
            let query = match url.query() {
                Some(own) if !own.is_empty() => format!("{own}&{signature}"),
                _ => signature.to_owned(),
            };
            url.set_query(Some(&query));
        }
        url
    }
}
