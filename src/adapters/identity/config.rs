//! How tokens are had: plain settings, filled by the configuration.

use std::path::PathBuf;

use azure_core::http::Transport;
use secrecy::SecretString;
use url::Url;

/// How one tenant's token is had. The tenant itself comes with every request.
#[derive(Clone, Debug)]
pub enum CredentialConfig {
    /// The identity of the function app. Works only in the app's own tenant.
    ManagedIdentity {
        /// Client id of a user-assigned identity; `None` for the system-assigned one.
        client_id: Option<String>,
    },
    /// The function app's identity vouches for an application that customer tenants know.
    ManagedIdentityFederated {
        /// Client id of that application.
        client_id: String,
        /// Client id of a user-assigned identity; `None` for the system-assigned one.
        identity_client_id: Option<String>,
    },
    /// A token file, as Kubernetes mounts it, vouches for the application.
    WorkloadIdentity {
        /// Client id of the application.
        client_id: String,
        /// The token file.
        token_file: PathBuf,
    },
    /// A client secret.
    ClientSecret {
        /// Client id of the application.
        client_id: String,
        /// The secret.
        secret: SecretString,
    },
    /// A certificate whose key signs a client assertion.
    ClientCertificate {
        /// Client id of the application.
        client_id: String,
        /// PEM: the RSA private key (PKCS#8 or PKCS#1) and the certificate, in any order. Of
        /// several certificates the first counts.
        pem: SecretString,
    },
    /// Whoever is signed in to the Azure CLI on this machine.
    AzureCli,
    /// No token: a fixed word that is no JWT, sent only to a Graph on this machine.
    None,
}

impl CredentialConfig {
    /// The word that names it in the settings.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ManagedIdentity { .. } => "managed-identity",
            Self::ManagedIdentityFederated { .. } => "managed-identity-federated",
            Self::WorkloadIdentity { .. } => "workload-identity",
            Self::ClientSecret { .. } => "client-secret",
            Self::ClientCertificate { .. } => "client-certificate",
            Self::AzureCli => "azure-cli",
            Self::None => "none",
        }
    }
}

/// Where tokens are for and where they come from.
#[derive(Clone, Debug)]
pub struct IdentityOptions {
    /// The Graph that the tokens are for; it decides the cloud.
    pub graph_url: Url,
    /// Another login authority than the cloud's own; `https` and without a path.
    pub authority: Option<Url>,
    /// What the tokens are for, if not for Graph: the scope, such as
    /// `https://storage.azure.com/.default`.
    pub scope: Option<String>,
    /// What carries requests to the authority; `None` for a client of our own with its
    /// time-outs and without retries.
    pub transport: Option<Transport>,
}

impl IdentityOptions {
    /// The cloud's own authority and our own transport.
    pub fn new(graph_url: Url) -> Self {
        Self {
            graph_url,
            authority: None,
            scope: None,
            transport: None,
        }
    }
}

/// Why credentials cannot be set up at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The Graph address is of no cloud that we know.
    #[error("{graph} is of no known cloud; set the login authority that its tokens come from")]
    UnknownCloud {
        /// Origin of the address.
        graph: String,
    },
    /// A credential that would send a token somewhere it must not go.
    #[error(
        "the credential `none` is accepted only towards a Graph on this machine, not {graph}; choose a real credential"
    )]
    NoneElsewhere {
        /// Origin of the address.
        graph: String,
    },
    /// The authority's address is unfit.
    #[error(
        "the login authority {authority} must be an https origin without a path (http towards this machine only)"
    )]
    Authority {
        /// Origin of the address.
        authority: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_never_prints_its_secret() {
        let secret = CredentialConfig::ClientSecret {
            client_id: "app".into(),
            secret: "hunter2".into(),
        };
        let certificate = CredentialConfig::ClientCertificate {
            client_id: "app".into(),
            pem: "hunter2".into(),
        };
        for config in [secret, certificate] {
            assert!(!format!("{config:?}").contains("hunter2"));
        }
    }
}
