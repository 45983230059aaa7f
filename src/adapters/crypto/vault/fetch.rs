//! Secrets over the official client.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::error::ErrorKind;
use azure_core::http::{ClientOptions, RetryOptions, Transport};
use azure_security_keyvault_secrets::models::{ContentType, Secret, SecretClientGetSecretOptions};
use azure_security_keyvault_secrets::{SecretClient, SecretClientOptions};
use url::Url;

use super::super::keys::KeyProblem;
use super::{Fetched, Secrets, VaultFault, VaultSecret};
use crate::adapters::outgoing::Outgoing;
use crate::adapters::words::printable;

/// One exchange with a vault.
const EXCHANGE_LIMIT: Duration = Duration::from_secs(10);

/// Longest text of others that is repeated.
const WORDS: usize = 300;

/// Secrets of Key Vault, with one credential for all vaults. The client asks each vault which
/// scope it wants, and sends a token only where that belongs to the vault's own domain.
pub struct KeyVaultSecrets {
    credential: Arc<dyn TokenCredential>,
    transport: Transport,
    clients: Mutex<BTreeMap<String, Arc<SecretClient>>>,
}

impl KeyVaultSecrets {
    /// Nothing is sent yet.
    pub fn new(credential: Arc<dyn TokenCredential>) -> Self {
        let outgoing = Outgoing::anywhere().answered_within(EXCHANGE_LIMIT);
        Self::over(credential, outgoing.transport())
    }

    /// The same over another transport.
    pub fn over(credential: Arc<dyn TokenCredential>, transport: Transport) -> Self {
        Self {
            credential,
            transport,
            clients: Mutex::default(),
        }
    }

    fn client(&self, vault: &Url) -> azure_core::Result<Arc<SecretClient>> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = clients.get(vault.as_str()) {
            return Ok(Arc::clone(known));
        }
        let options = SecretClientOptions {
            client_options: ClientOptions {
                // The waits between tries are ours.
                retry: RetryOptions::none(),
                transport: Some(self.transport.clone()),
                ..ClientOptions::default()
            },
            ..SecretClientOptions::default()
        };
        let made = SecretClient::new(vault.as_str(), self.credential.clone(), Some(options))?;
        let made = Arc::new(made);
        clients.insert(vault.as_str().to_owned(), Arc::clone(&made));
        Ok(made)
    }

    async fn get(
        &self,
        secret: &VaultSecret,
        form: Option<ContentType>,
    ) -> azure_core::Result<Secret> {
        let options = SecretClientGetSecretOptions {
            secret_version: secret.version.clone(),
            out_content_type: form,
            ..SecretClientGetSecretOptions::default()
        };
        let client = self.client(&secret.vault)?;
        let answer = client.get_secret(&secret.name, Some(options)).await?;
        answer.into_model()
    }
}

#[async_trait::async_trait]
impl Secrets for KeyVaultSecrets {
    async fn fetch(&self, secret: &VaultSecret) -> Result<Fetched, VaultFault> {
        let fault = |error: &azure_core::Error| fault(secret, error);
        let mut got = self
            .get(secret, None)
            .await
            .map_err(|error| fault(&error))?;
        if is_pkcs12(&got) {
            // The vault can convert it, from API version 2025-07-01 on
            // (learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret).
            let converted = self.get(secret, Some(ContentType::Pem)).await;
            got = match converted {
                Ok(converted) if !is_pkcs12(&converted) => converted,
                _ => return Err(VaultFault::Unusable(secret.to_string(), KeyProblem::Pkcs12)),
            };
        }
        let version = got.id.as_deref().and_then(|id| id.rsplit('/').next());
        Ok(Fetched {
            version: version.unwrap_or_default().to_owned(),
            text: got.value.unwrap_or_default().into(),
        })
    }
}

/// Whether the secret is a PKCS#12 file: by its type, or as text that is base64 of DER.
fn is_pkcs12(secret: &Secret) -> bool {
    let by_type = secret.content_type.as_deref() == Some("application/x-pkcs12");
    let text = secret.value.as_deref().unwrap_or_default();
    !text.contains("-----BEGIN") && (by_type || text.starts_with("MII"))
}

fn fault(secret: &VaultSecret, error: &azure_core::Error) -> VaultFault {
    let place = secret.to_string();
    match error.kind() {
        ErrorKind::HttpResponse {
            status, error_code, ..
        } => {
            let code = error_code.as_deref().unwrap_or_default();
            let status = u16::from(*status);
            let said = printable(&format!("answered {status} {code}"), WORDS);
            let denied =
                |advice: &str| VaultFault::Denied(place.clone(), format!("{said}; {advice}"));
            match status {
                401 | 403 => denied(
                    "the identity needs the role Key Vault Secrets User there, the secret must be \
                     enabled, and the vault's firewall must let us in",
                ),
                404 => denied("there is no such secret or version"),
                408 | 429 | 500.. => VaultFault::Unavailable(place, said),
                _ => denied("check the address"),
            }
        }
        ErrorKind::Credential => {
            let said = printable(&error.to_string(), WORDS);
            VaultFault::Unavailable(place, format!("no token for it: {said}"))
        }
        _ => VaultFault::Unavailable(place, words(error)),
    }
}

/// The error with its causes; the address and what it carries are known to hold no secret.
fn words(error: &azure_core::Error) -> String {
    let mut said = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        next = cause.source();
    }
    printable(&said, WORDS)
}
