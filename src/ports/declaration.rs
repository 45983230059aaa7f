//! Where the declaration comes from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use jiff::SignedDuration;
use url::Url;

use crate::domain::ids::{AppId, TenantId};
use crate::domain::subscription::{Declaration, KeyTag};

/// How a token for Graph is obtained.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CredentialKind {
    /// The managed identity of the app, in its own tenant.
    ManagedIdentity,
    /// The managed identity as the federated credential of an application that customer
    /// tenants have consented to.
    ManagedIdentityFederated,
    /// A token file of the platform (Kubernetes, CI), exchanged for one of Entra.
    WorkloadIdentity,
    /// A client secret.
    ClientSecret,
    /// An assertion that we sign with the key of a certificate.
    ClientCertificate,
    /// The user who is signed in to the Azure CLI.
    AzureCli,
    /// No token; only towards loopback.
    None,
}

impl CredentialKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::ManagedIdentity,
        Self::ManagedIdentityFederated,
        Self::WorkloadIdentity,
        Self::ClientSecret,
        Self::ClientCertificate,
        Self::AzureCli,
        Self::None,
    ];

    /// The word used in settings and declarations.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ManagedIdentity => "managed-identity",
            Self::ManagedIdentityFederated => "managed-identity-federated",
            Self::WorkloadIdentity => "workload-identity",
            Self::ClientSecret => "client-secret",
            Self::ClientCertificate => "client-certificate",
            Self::AzureCli => "azure-cli",
            Self::None => "none",
        }
    }

    /// Reads the word, exactly as [`Self::as_str`] writes it.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A declared tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeclaredTenant {
    /// Its name in the declaration.
    pub name: String,
    /// Its id.
    pub id: TenantId,
    /// What differs from the credential of the settings, if anything does.
    pub credential: Option<TenantCredential>,
}

/// A tenant's own credential. Secrets never stand in a declaration: it names the setting
/// that holds one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TenantCredential {
    /// The kind; `None` keeps that of the settings.
    pub kind: Option<CredentialKind>,
    /// The client id; `None` keeps that of the settings.
    pub client_id: Option<AppId>,
    /// The name of the setting that holds the client secret.
    pub secret_setting: Option<String>,
    /// The name of the setting that holds the client certificate with its key.
    pub certificate_setting: Option<String>,
}

/// A declared sink, beside the one of the settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeclaredSink {
    /// Its name in the declaration.
    pub name: String,
    /// Where it is.
    pub place: SinkPlace,
}

/// Where a declared sink is. No secret stands in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SinkPlace {
    /// A folder of this machine.
    Folder(PathBuf),
    /// An Azure Storage queue, opened by the credential of the settings.
    Queue {
        /// The queue.
        queue: Url,
        /// The container for what no message holds; `None` for the usual one beside the queue.
        blobs: Option<Url>,
        /// After this a message that nobody took is gone; `None` for never.
        expires: Option<SignedDuration>,
    },
}

/// Where the notifications of declared subscriptions go. What stands in no route goes to the
/// sink of the settings.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Routing {
    /// The declared sinks, by name.
    pub sinks: BTreeMap<String, DeclaredSink>,
    /// The name of the sink, by subscription.
    pub routes: BTreeMap<KeyTag, String>,
}

/// The content of a declaration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declared {
    /// The desired set, or why there is none.
    pub declaration: Declaration,
    /// The declared tenants, by name. Empty where the declaration is unusable.
    pub tenants: Vec<DeclaredTenant>,
    /// Where notifications go. Empty where the declaration is unusable.
    pub routing: Routing,
    /// What the integrator should know, each as a sentence with its place.
    pub warnings: Vec<String>,
}

/// Stands for one version of a declaration. Opaque: only its own source understands it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeclarationMark(pub String);

/// What a source answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fetched {
    /// The version that the caller knows is still the current one.
    Unchanged,
    /// Another version, or the caller knew none.
    Read {
        /// Its content, valid or not.
        declared: Declared,
        /// What to ask with next time.
        mark: DeclarationMark,
    },
}

/// The declaration could not be read at all. It may work later; until then it is unusable,
/// and never counts as empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the declaration {place} could not be read: {why}")]
pub struct DeclarationError {
    /// Where it should be; a URL without its query.
    pub place: String,
    /// What happened, and what to do.
    pub why: String,
}

/// Reads the declaration.
///
/// # Guarantees
/// One call costs one read, a conditional one where the caller knows a version. A declaration
/// that is there but invalid is an answer (`Declaration::Unusable`), not an error.
///
/// # Cancellation
/// Reading only: dropping the future at any point changes nothing.
#[async_trait::async_trait]
pub trait DeclarationSource: Send + Sync {
    /// Reads the declaration, unless it is still the version that the caller knows.
    async fn fetch(&self, known: Option<&DeclarationMark>) -> Result<Fetched, DeclarationError>;
}
