//! From settings to a credential of azure_identity.

use std::sync::Arc;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{AccessToken as AzureToken, TokenCredential, TokenRequestOptions};
use azure_core::http::{ClientOptions, RetryOptions, Transport};
use azure_core::time::{Duration, OffsetDateTime};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertion, ClientAssertionCredential,
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
    WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use secrecy::ExposeSecret as _;
use tokio::sync::Mutex;

use super::assertion::{CertificateAssertion, IdentityAssertion};
use super::cloud::Cloud;
use super::config::CredentialConfig;
use crate::domain::ids::TenantId;

/// What every credential shares.
pub(super) struct Workshop {
    /// Authority, scope and audience.
    pub cloud: Cloud,
    /// What carries requests.
    pub transport: Transport,
}

impl Workshop {
    /// No built-in retries: azure_core would try eight times within a minute, out of sight of
    /// the call's own budget.
    fn client_options(&self) -> ClientOptions {
        let mut custom = CustomConfiguration::default();
        let authority = self.cloud.authority.as_str().trim_end_matches('/');
        custom.authority_host = authority.to_owned();
        ClientOptions {
            retry: RetryOptions::none(),
            transport: Some(self.transport.clone()),
            cloud: Some(Arc::new(CloudConfiguration::Custom(custom))),
            ..ClientOptions::default()
        }
    }

    fn assertion_options(&self) -> ClientAssertionCredentialOptions {
        ClientAssertionCredentialOptions {
            client_options: self.client_options(),
        }
    }

    /// Makes the credential; `None` for the one that sends no token. Nothing is asked of the
    /// authority yet. Each but the Azure CLI's keeps its token until five minutes before its end
    /// and lets simultaneous callers share one request, by itself.
    pub(super) fn credential(
        &self,
        tenant: &TenantId,
        config: &CredentialConfig,
    ) -> azure_core::Result<Option<Arc<dyn TokenCredential>>> {
        Ok(Some(match config {
            CredentialConfig::None => return Ok(None),
            CredentialConfig::ManagedIdentity { client_id } => {
                self.managed_identity(client_id.as_deref())?
            }
            CredentialConfig::ManagedIdentityFederated {
                client_id,
                identity_client_id,
            } => {
                let assertion = IdentityAssertion {
                    identity: self.managed_identity(identity_client_id.as_deref())?,
                    scope: self.cloud.exchange_scope.clone(),
                };
                self.by_assertion(tenant, client_id, assertion)?
            }
            CredentialConfig::WorkloadIdentity {
                client_id,
                token_file,
            } => WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
                credential_options: self.assertion_options(),
                client_id: Some(client_id.clone()),
                tenant_id: Some(tenant.as_str().to_owned()),
                token_file_path: Some(token_file.clone()),
            }))?,
            CredentialConfig::ClientSecret { client_id, secret } => ClientSecretCredential::new(
                tenant.as_str(),
                client_id.clone(),
                secret.expose_secret().to_owned().into(),
                Some(ClientSecretCredentialOptions {
                    client_options: self.client_options(),
                }),
            )?,
            CredentialConfig::ClientCertificate { client_id, pem } => {
                self.by_certificate(tenant, client_id, pem)?
            }
            CredentialConfig::AzureCli => Arc::new(KeptToken::new(AzureCliCredential::new(Some(
                AzureCliCredentialOptions {
                    tenant_id: Some(tenant.as_str().to_owned()),
                    ..AzureCliCredentialOptions::default()
                },
            ))?)),
        }))
    }

    fn by_certificate(
        &self,
        tenant: &TenantId,
        client_id: &str,
        pem: &secrecy::SecretString,
    ) -> azure_core::Result<Arc<dyn TokenCredential>> {
        let mut place = self.cloud.authority.clone();
        place.set_path(tenant.as_str());
        let assertion = CertificateAssertion::new(client_id, &place, pem).map_err(|fault| {
            azure_core::Error::with_message(
                azure_core::error::ErrorKind::Credential,
                fault.to_string(),
            )
        })?;
        self.by_assertion(tenant, client_id, assertion)
    }

    fn by_assertion<C: ClientAssertion + 'static>(
        &self,
        tenant: &TenantId,
        client_id: &str,
        assertion: C,
    ) -> azure_core::Result<Arc<dyn TokenCredential>> {
        Ok(ClientAssertionCredential::new(
            tenant.as_str().to_owned(),
            client_id.to_owned(),
            assertion,
            Some(self.assertion_options()),
        )?)
    }

    fn managed_identity(
        &self,
        client_id: Option<&str>,
    ) -> azure_core::Result<Arc<dyn TokenCredential>> {
        Ok(ManagedIdentityCredential::new(Some(
            ManagedIdentityCredentialOptions {
                user_assigned_id: client_id.map(|id| UserAssignedId::ClientId(id.to_owned())),
                client_options: self.client_options(),
            },
        ))?)
    }
}

/// A token is asked for anew this long before its end, as azure_identity does where it keeps
/// tokens itself.
const RENEW_BEFORE: Duration = Duration::minutes(5);

/// Keeps the token of a credential that does not (the Azure CLI's starts a process each time).
#[derive(Debug)]
struct KeptToken<C> {
    credential: C,
    kept: Mutex<Option<AzureToken>>,
}

impl<C> KeptToken<C> {
    fn new(credential: C) -> Self {
        Self {
            credential,
            kept: Mutex::new(None),
        }
    }
}

#[async_trait::async_trait]
impl<C: TokenCredential> TokenCredential for KeptToken<Arc<C>> {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AzureToken> {
        // One scope only is ever asked for. The lock is held while asking: whoever waits shares.
        let mut kept = self.kept.lock().await;
        let fresh =
            |token: &&AzureToken| token.expires_on > OffsetDateTime::now_utc() + RENEW_BEFORE;
        if let Some(token) = kept.as_ref().filter(fresh) {
            return Ok(token.clone());
        }
        let token = self.credential.get_token(scopes, options).await?;
        *kept = Some(token.clone());
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Debug)]
    struct Counted {
        asked: AtomicUsize,
        lifetime: Duration,
    }

    #[async_trait::async_trait]
    impl TokenCredential for Counted {
        async fn get_token(
            &self,
            _: &[&str],
            _: Option<TokenRequestOptions<'_>>,
        ) -> azure_core::Result<AzureToken> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            let end = OffsetDateTime::now_utc() + self.lifetime;
            Ok(AzureToken::new("token", end))
        }
    }

    async fn check_asked(lifetime: Duration, expected: usize) {
        let counted = Arc::new(Counted {
            asked: AtomicUsize::new(0),
            lifetime,
        });
        let kept = KeptToken::new(counted.clone());
        let calls = (0..5).map(|_| kept.get_token(&["scope"], None));
        for token in futures::future::join_all(calls).await {
            assert_eq!(token.unwrap().token.secret(), "token");
        }
        assert_eq!(counted.asked.load(Ordering::SeqCst), expected);
    }

    #[tokio::test]
    async fn the_command_line_is_asked_once_while_its_token_lasts() {
        check_asked(Duration::hours(1), 1).await;
        check_asked(Duration::minutes(4), 5).await;
    }
}
