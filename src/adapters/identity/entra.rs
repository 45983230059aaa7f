//! Tokens from Microsoft Entra, one credential for each tenant.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::error::ErrorKind;
use azure_core::http::headers::HeaderName;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::time::Instant;
use url::Url;

use super::cloud;
use super::config::{CredentialConfig, IdentityError, IdentityOptions};
use super::credential::Workshop;
use super::{AccessToken, TokenError, Tokens};
use crate::adapters::loopback::is_loopback;
use crate::adapters::outgoing::Outgoing;
use crate::adapters::words;
use crate::domain::conflict::{RetryAfter, parse_retry_after};
use crate::domain::ids::TenantId;

/// What the credential `none` sends. It is no JWT on purpose: the simulator counts it as the
/// application `default`.
const NO_TOKEN: &str = "evergraph-local";

/// One exchange with the authority, or with the identity endpoint of the function app.
const EXCHANGE_LIMIT: Duration = Duration::from_secs(10);

/// After a 401 a credential is made anew, and so its token asked for anew, at most this often:
/// the authority must not be asked once for each refused call.
const FORGET_AFTER: Duration = Duration::from_secs(300);

/// Longest text of the authority that is repeated in an error.
const WORDS: usize = 400;

struct Held {
    /// `None` for the credential that sends no token.
    credential: Option<Arc<dyn TokenCredential>>,
    made: Instant,
}

/// Tokens from Microsoft Entra through azure_identity.
///
/// Tokens are kept by azure_identity until five minutes before their end, in one credential for
/// each tenant, which also lets simultaneous callers share one request. Nothing is kept twice.
pub struct EntraTokens {
    workshop: Workshop,
    graph: Url,
    default: CredentialConfig,
    declared: DashMap<TenantId, CredentialConfig>,
    held: DashMap<TenantId, Held>,
}

impl EntraTokens {
    /// Tokens by `default` for every tenant that has no credential of its own.
    ///
    /// # Errors
    /// Where no token could ever be had, or would go where it must not.
    pub fn new(options: IdentityOptions, default: CredentialConfig) -> Result<Self, IdentityError> {
        if let Some(authority) = &options.authority {
            check_authority(authority)?;
        }
        let graph = options.graph_url;
        let mut cloud = cloud::of_graph(&graph, options.authority.as_ref()).ok_or_else(|| {
            IdentityError::UnknownCloud {
                graph: graph.origin().ascii_serialization(),
            }
        })?;
        if let Some(scope) = options.scope {
            cloud.scope = scope;
        }
        let transport = options.transport.unwrap_or_else(|| {
            let outgoing = Outgoing::anywhere().answered_within(EXCHANGE_LIMIT);
            outgoing.transport()
        });
        let tokens = Self {
            workshop: Workshop { cloud, transport },
            graph,
            default,
            declared: DashMap::new(),
            held: DashMap::new(),
        };
        tokens.check_none(&tokens.default)?;
        Ok(tokens)
    }

    /// Gives a tenant a credential of its own, in place of an earlier one.
    ///
    /// # Errors
    /// Where the credential would send a token where it must not go.
    pub fn declare(&self, tenant: TenantId, config: CredentialConfig) -> Result<(), IdentityError> {
        self.check_none(&config)?;
        self.declared.insert(tenant.clone(), config);
        self.held.remove(&tenant);
        Ok(())
    }

    /// The credential for storage that stands beside the app: the app's own identity where the
    /// default credential rests on one, and the default credential in `home`, the storage
    /// account's tenant, otherwise.
    ///
    /// # Errors
    /// A sentence, where no token for storage could ever be had.
    pub fn for_storage(&self, home: Option<&TenantId>) -> Result<Arc<dyn TokenCredential>, String> {
        self.beside(home, "storage", "; use a folder, or a SAS")
    }

    /// The same for a vault that stands beside the app.
    ///
    /// # Errors
    /// A sentence, where no token for a vault could ever be had.
    pub fn for_vault(&self, home: Option<&TenantId>) -> Result<Arc<dyn TokenCredential>, String> {
        self.beside(home, "vault", "; use PEM files")
    }

    fn beside(
        &self,
        home: Option<&TenantId>,
        what: &str,
        instead: &str,
    ) -> Result<Arc<dyn TokenCredential>, String> {
        let identity = match &self.default {
            CredentialConfig::ManagedIdentityFederated {
                identity_client_id, ..
            } => Some(CredentialConfig::ManagedIdentity {
                client_id: identity_client_id.clone(),
            }),
            config @ CredentialConfig::ManagedIdentity { .. } => Some(config.clone()),
            CredentialConfig::None => {
                return Err(format!("the credential `none` opens no {what}{instead}"));
            }
            _ => None,
        };
        let config = identity.as_ref().unwrap_or(&self.default);
        let tenant = match (home, identity.is_some()) {
            (Some(home), _) => home.clone(),
            // An identity of the app knows its tenant by itself; the text is not used.
            (None, true) => TenantId::parse("00000000-0000-0000-0000-000000000000")
                .map_err(|error| error.to_string())?,
            (None, false) => {
                return Err(format!(
                    "a token for {what} needs EVERGRAPH_TENANT_ID, the tenant that it belongs to, \
                     with the credential {}",
                    config.kind()
                ));
            }
        };
        let credential = self.workshop.credential(&tenant, config);
        credential
            .map_err(|error| error.to_string())?
            .ok_or_else(|| format!("this credential opens no {what}"))
    }

    /// Forgets the own credentials of all tenants but these.
    pub fn undeclare_others<'t>(&self, keep: impl Iterator<Item = &'t TenantId>) {
        let keep: std::collections::BTreeSet<&TenantId> = keep.collect();
        self.declared.retain(|tenant, _| {
            let kept = keep.contains(tenant);
            if !kept {
                self.held.remove(tenant);
            }
            kept
        });
    }

    fn check_none(&self, config: &CredentialConfig) -> Result<(), IdentityError> {
        if matches!(config, CredentialConfig::None) && !is_loopback(&self.graph) {
            return Err(IdentityError::NoneElsewhere {
                graph: self.graph.origin().ascii_serialization(),
            });
        }
        Ok(())
    }

    fn config(&self, tenant: &TenantId) -> CredentialConfig {
        match self.declared.get(tenant) {
            Some(own) => own.clone(),
            None => self.default.clone(),
        }
    }

    fn credential(
        &self,
        tenant: &TenantId,
        config: &CredentialConfig,
    ) -> azure_core::Result<Option<Arc<dyn TokenCredential>>> {
        match self.held.entry(tenant.clone()) {
            Entry::Occupied(held) => Ok(held.get().credential.clone()),
            Entry::Vacant(free) => {
                let credential = self.workshop.credential(tenant, config)?;
                free.insert(Held {
                    credential: credential.clone(),
                    made: Instant::now(),
                });
                Ok(credential)
            }
        }
    }
}

#[async_trait::async_trait]
impl Tokens for EntraTokens {
    async fn token(&self, tenant: &TenantId) -> Result<AccessToken, TokenError> {
        let config = self.config(tenant);
        let credential = self.credential(tenant, &config);
        let Some(credential) = credential.map_err(|error| fault(&config, tenant, &error))? else {
            return Ok(AccessToken::new(NO_TOKEN.into()));
        };
        let token = credential
            .get_token(&[&self.workshop.cloud.scope], None)
            .await
            .map_err(|error| fault(&config, tenant, &error))?;
        let token = AccessToken::new(token.token.secret().into());
        match &token.claims().tenant {
            Some(other) if other != tenant => Err(TokenError::Denied {
                why: format!(
                    "the credential `{}` gives tokens of the tenant {other}, not of {tenant}; \
                     a customer tenant needs a credential that works there, such as \
                     `managed-identity-federated`",
                    config.kind()
                ),
            }),
            _ => Ok(token),
        }
    }

    fn refused(&self, tenant: &TenantId) {
        self.held
            .remove_if(tenant, |_, held| held.made.elapsed() >= FORGET_AFTER);
    }
}

fn check_authority(authority: &Url) -> Result<(), IdentityError> {
    // One on this machine is a simulator's.
    let bare = (authority.scheme() == "https" || is_loopback(authority))
        && authority.path() == "/"
        && authority.query().is_none()
        && authority.username().is_empty()
        && authority.password().is_none();
    if bare {
        return Ok(());
    }
    Err(IdentityError::Authority {
        authority: authority.origin().ascii_serialization(),
    })
}

fn fault(config: &CredentialConfig, tenant: &TenantId, error: &azure_core::Error) -> TokenError {
    let words: String = words::printable(&error.to_string(), WORDS);
    let why = format!(
        "the credential `{}` gave no token for the tenant {tenant}: {words}",
        config.kind()
    );
    match root(error).kind() {
        ErrorKind::HttpResponse {
            status,
            raw_response,
            ..
        } if matches!(u16::from(*status), 408 | 429 | 500..) => {
            let header = raw_response.as_ref().and_then(|raw| {
                let name = HeaderName::from_static("retry-after");
                raw.headers().get_optional_string(&name)
            });
            let wait = match header.map(|text| parse_retry_after(&text, None)) {
                Some(RetryAfter::For(wait)) => Some(wait),
                _ => None,
            };
            TokenError::Unavailable { why, wait }
        }
        // A gateway's page instead of the authority's JSON; azure_identity drops its status.
        ErrorKind::DataConversion | ErrorKind::Io | ErrorKind::Connection => {
            TokenError::Unavailable { why, wait: None }
        }
        _ => TokenError::Denied { why },
    }
}

/// The first cause that azure_core knows: each credential wraps it once.
fn root(error: &azure_core::Error) -> &azure_core::Error {
    let mut deepest = error;
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(known) = cause.downcast_ref::<azure_core::Error>() {
            deepest = known;
        }
        next = cause.source();
    }
    deepest
}
