//! How tokens are obtained.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::SecretString;

use crate::domain::ids::{AppId, TenantId};
use crate::ports::declaration::{CredentialKind, TenantCredential};

/// A complete credential, ready to be built. Secrets in it cannot print themselves.
#[derive(Clone, Debug)]
pub enum Credential {
    /// The managed identity of the app.
    ManagedIdentity {
        /// The user-assigned identity; `None` for the system-assigned one.
        client_id: Option<AppId>,
    },
    /// The managed identity as the federated credential of an application.
    ManagedIdentityFederated {
        /// The application.
        client_id: AppId,
        /// The user-assigned identity that it trusts; `None` for the system-assigned one.
        identity_client_id: Option<AppId>,
    },
    /// A token file of the platform.
    WorkloadIdentity {
        /// The application.
        client_id: AppId,
        /// The file, read anew for every token.
        token_file: PathBuf,
    },
    /// A client secret.
    ClientSecret {
        /// The application.
        client_id: AppId,
        /// Its secret.
        secret: SecretString,
    },
    /// A certificate with its key.
    ClientCertificate {
        /// The application.
        client_id: AppId,
        /// Where certificate and key are.
        certificate: ClientCertificate,
    },
    /// The user who is signed in to the Azure CLI.
    AzureCli,
    /// No token.
    None,
}

/// Certificate and private key, PEM.
#[derive(Clone, Debug)]
pub enum ClientCertificate {
    /// The PEM text itself.
    Pem(SecretString),
    /// A PEM file.
    File(PathBuf),
}

impl ClientCertificate {
    /// PEM text, or the path of a PEM file. The error repeats nothing of the text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        const PKCS12: &str = "this looks like a PKCS#12 file in base64; store certificate and key as PEM \
            (in Key Vault: content type application/x-pem-file)";
        if text.contains("-----BEGIN") {
            let whole = text.contains("CERTIFICATE-----") && text.contains("PRIVATE KEY-----");
            return match whole {
                true => Ok(Self::Pem(text.to_owned().into())),
                false => Err("the PEM text must hold a certificate and its private key".to_owned()),
            };
        }
        if text.contains("://") {
            return Err("this is a URL; write the path of a PEM file, or the PEM text".to_owned());
        }
        match text.len() > 1_000 || text.starts_with("MII") {
            true => Err(PKCS12.to_owned()),
            false => Ok(Self::File(text.into())),
        }
    }
}

/// What the settings say about credentials: the one for every tenant that has none of its own,
/// and the secrets that declarations may name.
#[derive(Clone, Debug)]
pub struct CredentialSettings {
    /// The kind for every tenant that has none of its own.
    pub kind: CredentialKind,
    /// The application, or the user-assigned identity.
    pub client_id: Option<AppId>,
    /// The user-assigned identity that an application trusts.
    pub identity_client_id: Option<AppId>,
    /// The tenant that issues tokens; `None` for the one that is watched.
    pub tenant: Option<TenantId>,
    /// The client secret.
    pub secret: Option<SecretString>,
    /// The client certificate.
    pub certificate: Option<ClientCertificate>,
    /// The file with the platform's token.
    pub token_file: Option<PathBuf>,
    /// Secrets of single tenants, by the names of their settings.
    pub named_secrets: BTreeMap<String, SecretString>,
    /// Certificates of single tenants, by the names of their settings.
    pub named_certificates: BTreeMap<String, ClientCertificate>,
}

impl CredentialSettings {
    /// The credential of a tenant: what the settings say, with what differs for the tenant.
    ///
    /// # Errors
    /// A sentence that names the setting that is missing and what to do.
    pub fn credential(&self, own: Option<&TenantCredential>) -> Result<Credential, String> {
        let kind = own.and_then(|own| own.kind).unwrap_or(self.kind);
        let client_id = || {
            own.and_then(|own| own.client_id.clone())
                .or_else(|| self.client_id.clone())
        };
        let application = || {
            client_id().ok_or_else(|| {
                format!("{kind} needs EVERGRAPH_CLIENT_ID, the application's client id")
            })
        };
        Ok(match kind {
            CredentialKind::ManagedIdentity => Credential::ManagedIdentity { client_id: client_id() },
            CredentialKind::ManagedIdentityFederated => Credential::ManagedIdentityFederated {
                client_id: application()?,
                identity_client_id: self.identity_client_id.clone(),
            },
            CredentialKind::WorkloadIdentity => Credential::WorkloadIdentity {
                client_id: application()?,
                token_file: self.token_file.clone().ok_or(
                    "workload-identity needs EVERGRAPH_FEDERATED_TOKEN_FILE, the file with the platform's token",
                )?,
            },
            CredentialKind::ClientSecret => Credential::ClientSecret {
                client_id: application()?,
                secret: self.secret(own.and_then(|own| own.secret_setting.as_deref()))?,
            },
            CredentialKind::ClientCertificate => Credential::ClientCertificate {
                client_id: application()?,
                certificate: self.certificate(own.and_then(|own| own.certificate_setting.as_deref()))?,
            },
            CredentialKind::AzureCli => Credential::AzureCli,
            CredentialKind::None => Credential::None,
        })
    }

    fn secret(&self, setting: Option<&str>) -> Result<SecretString, String> {
        let found = match setting {
            Some(name) => self.named_secrets.get(name),
            None => self.secret.as_ref(),
        };
        let name = setting.unwrap_or("EVERGRAPH_CLIENT_SECRET");
        found
            .cloned()
            .ok_or_else(|| format!("client-secret needs {name}, and it is not set (or wrong)"))
    }

    fn certificate(&self, setting: Option<&str>) -> Result<ClientCertificate, String> {
        let found = match setting {
            Some(name) => self.named_certificates.get(name),
            None => self.certificate.as_ref(),
        };
        let name = setting.unwrap_or("EVERGRAPH_CLIENT_CERTIFICATE");
        found
            .cloned()
            .ok_or_else(|| format!("client-certificate needs {name}, and it is not set (or wrong)"))
    }
}
