//! Builds adapters from settings; the only place that knows all rooms.

pub mod audit;
#[cfg(feature = "cli")]
pub mod ensure;
pub mod handler;
mod intake;
pub mod keys;
#[cfg(feature = "cli")]
pub mod permissions;

/// The reader of declarations, for the commands that check one.
pub mod declaration {
    #[cfg(feature = "cli")]
    pub use crate::adapters::declaration::schema;
    pub use crate::adapters::declaration::{Diagnostic, Reading, Severity, Target, read};
}

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::adapters::clock::{SimulatorClock, SystemClock};
use crate::adapters::declaration::{BlobSource, FileSource, KeptDeclaration, OnTenants, Target};
use crate::adapters::dice::FastDice;
use crate::adapters::endpoint::EndpointOverHttp;
use crate::adapters::graph::{GraphOptions, GraphOverHttp, RequestIds};
use crate::adapters::identity::{CredentialConfig, DeclaredTokens, EntraTokens, IdentityOptions};
use crate::adapters::pulse::HttpPulse;
use crate::adapters::state::blob::BlobStore;
use crate::adapters::state::file::FileStore;
use crate::app::pass::{PassConfig, Services};
use crate::config::{
    ClientCertificate, ClockChoice, Credential, CredentialSettings, DeclarationLocation,
    PassSettings, SecretUrl, StateLocation,
};
use crate::domain::policy::Policy;
use crate::domain::subscription::Declaration;
use crate::ports::clock::Clock;
use crate::ports::declaration::DeclaredTenant;
use crate::ports::desired::DesiredSource;
use crate::ports::endpoint::OwnEndpoint;
use crate::ports::pulse::Pulse;
use crate::ports::state::{DocName, StateStore};

/// What host.json sets as `functionTimeout`; a test compares them.
pub const FUNCTION_TIMEOUT: Duration = Duration::from_secs(600);

/// A pass ends this long before the function's timeout kills the whole process.
pub(crate) const REST: Duration = Duration::from_secs(30);

/// The longest single call of Graph: a create that validates two addresses.
const LONGEST_CALL: Duration = Duration::from_secs(35);

/// Graph allows 500 writes in 20 s for each application and tenant (throttling limits of the
/// Graph documentation); a pass is far from it with this many calls at once.
const CONCURRENCY: usize = 16;

/// One pass of nine minutes at full speed stays below this; it is a fence against endless loops.
const CALLS_MAX: u32 = 100_000;

/// The document that holds the memory of a deployment with one shard.
const MEMORY: &str = "shards/0.json";

/// Builds what a pass works with. Nothing is sent: what cannot be reached shows in the first pass.
///
/// # Errors
/// A sentence that names the setting and what to do.
pub fn passes(settings: &PassSettings) -> anyhow::Result<(Services, PassConfig)> {
    let entra = Arc::new(entra(settings)?);
    let tokens = Arc::new(DeclaredTokens::new(Arc::clone(&entra)));
    let options = GraphOptions::new(settings.graph.clone());
    let graph = GraphOverHttp::new(options, Arc::clone(&tokens) as _, RequestIds::by_chance())?;
    let services = Services {
        graph: Arc::new(graph),
        store: store(&settings.state, &settings.credential, &entra)?,
        clock: clock(&settings.clock)?,
        dice: Arc::new(FastDice::by_chance()),
        desired: desired(settings, &entra, tokens)?,
        pulse: pulse(settings),
        trail: audit::trail(settings, &entra)?,
        endpoint: endpoint(settings),
    };
    Ok((services, pass_config(settings)?))
}

fn pass_config(settings: &PassSettings) -> anyhow::Result<PassConfig> {
    let state_name = memory_name()?;
    Ok(PassConfig {
        home: settings.home.clone(),
        ring: Arc::clone(&settings.keys),
        former_apps: settings.former_apps.iter().cloned().collect(),
        policy: Policy {
            mode: settings.mode,
            tick: settings.tick,
            audit_every: settings.audit_every,
            settle: settings.settle,
            ..Policy::default()
        },
        state_name,
        lease_term: settings.lease,
        budget: FUNCTION_TIMEOUT - REST - LONGEST_CALL,
        calls_max: CALLS_MAX,
        concurrency: CONCURRENCY,
    })
}

/// The name of the document that holds the memory of a deployment with one shard.
///
/// # Errors
/// Never, as long as the name follows the rules of names.
pub fn memory_name() -> anyhow::Result<DocName> {
    DocName::parse(MEMORY)
        .ok_or_else(|| anyhow::anyhow!("the name of the state document is wrong: {MEMORY}"))
}

/// Documents in a folder of this machine, as a handler with `EVERGRAPH_STATE=file:FOLDER` keeps
/// them.
///
/// # Errors
/// Where the folder can be neither found nor made.
pub fn local_store(folder: &std::path::Path) -> anyhow::Result<Arc<dyn StateStore>> {
    Ok(Arc::new(FileStore::open(folder)?))
}

/// The events in a folder of this machine, as a handler with `EVERGRAPH_SINK=file:FOLDER` writes
/// them: one JSON document each.
///
/// # Errors
/// Where the folder or a file in it cannot be read.
pub fn local_events(folder: &std::path::Path) -> std::io::Result<Vec<String>> {
    crate::adapters::sink::file::events_in(folder)
}

fn entra(settings: &PassSettings) -> anyhow::Result<EntraTokens> {
    tokens(&settings.credential, &settings.graph, &settings.authority)
}

fn tokens(own: &CredentialSettings, graph: &Url, authority: &Url) -> anyhow::Result<EntraTokens> {
    let own = own.credential(None).map_err(anyhow::Error::msg)?;
    let mut options = IdentityOptions::new(graph.clone());
    options.authority = Some(authority.clone());
    Ok(EntraTokens::new(options, credential(own)?)?)
}

fn credential(credential: Credential) -> anyhow::Result<CredentialConfig> {
    let text = |id: crate::domain::ids::AppId| id.as_str().to_owned();
    Ok(match credential {
        Credential::ManagedIdentity { client_id } => CredentialConfig::ManagedIdentity {
            client_id: client_id.map(text),
        },
        Credential::ManagedIdentityFederated {
            client_id,
            identity_client_id,
        } => CredentialConfig::ManagedIdentityFederated {
            client_id: text(client_id),
            identity_client_id: identity_client_id.map(text),
        },
        Credential::WorkloadIdentity {
            client_id,
            token_file,
        } => CredentialConfig::WorkloadIdentity {
            client_id: text(client_id),
            token_file,
        },
        Credential::ClientSecret { client_id, secret } => CredentialConfig::ClientSecret {
            client_id: text(client_id),
            secret,
        },
        Credential::ClientCertificate {
            client_id,
            certificate,
        } => CredentialConfig::ClientCertificate {
            client_id: text(client_id),
            pem: pem(certificate)?,
        },
        Credential::AzureCli => CredentialConfig::AzureCli,
        Credential::None => CredentialConfig::None,
    })
}

fn pem(certificate: ClientCertificate) -> anyhow::Result<SecretString> {
    match certificate {
        ClientCertificate::Pem(pem) => Ok(pem),
        ClientCertificate::File(path) => match std::fs::read_to_string(&path) {
            Ok(text) => Ok(text.into()),
            Err(error) => {
                anyhow::bail!("the certificate {} cannot be read: {error}", path.display())
            }
        },
    }
}

fn store(
    location: &StateLocation,
    own: &CredentialSettings,
    entra: &EntraTokens,
) -> anyhow::Result<Arc<dyn StateStore>> {
    match location {
        StateLocation::Folder(folder) => Ok(Arc::new(FileStore::open(folder)?)),
        StateLocation::Container(url) => {
            let credential = if has_sas(url) {
                None
            } else {
                let home = own.tenant.as_ref();
                Some(entra.for_storage(home).map_err(anyhow::Error::msg)?)
            };
            Ok(Arc::new(BlobStore::open(
                url.expose().as_str(),
                credential,
            )?))
        }
    }
}

/// The clock that tells the time of day.
///
/// # Errors
/// Where the simulator's clock is not on this machine.
pub fn clock(choice: &ClockChoice) -> anyhow::Result<Arc<dyn Clock>> {
    Ok(match choice {
        ClockChoice::System => Arc::new(SystemClock),
        ClockChoice::Simulated(url) => Arc::new(SimulatorClock::new(url)?),
    })
}

fn pulse(settings: &PassSettings) -> Option<Arc<dyn Pulse>> {
    let url = settings.heartbeat.as_ref()?;
    Some(Arc::new(HttpPulse::new(url.expose().clone())))
}

fn endpoint(settings: &PassSettings) -> Option<Arc<dyn OwnEndpoint>> {
    let origin = settings.home.current.origin.as_str();
    let origin = url::Url::parse(origin).ok()?;
    Some(Arc::new(EndpointOverHttp::new(&origin)))
}

fn desired(
    settings: &PassSettings,
    entra: &EntraTokens,
    tokens: Arc<DeclaredTokens>,
) -> anyhow::Result<Arc<dyn DesiredSource>> {
    let target = Target::of(&settings.graph);
    let on_tenants = on_tenants(settings.credential.clone(), tokens);
    Ok(match &settings.subscriptions {
        None => Arc::new(NoDeclaration),
        Some(DeclarationLocation::File(path)) => {
            let place = path.display().to_string();
            let source = Box::new(FileSource::new(path.clone(), target));
            Arc::new(KeptDeclaration::new(source, place, on_tenants))
        }
        Some(DeclarationLocation::Blob(url)) => {
            let home = settings.credential.tenant.as_ref();
            let credential = match has_sas(url) {
                true => None,
                false => Some(entra.for_storage(home).map_err(anyhow::Error::msg)?),
            };
            let source = Box::new(BlobSource::new(url.expose(), credential, target)?);
            Arc::new(KeptDeclaration::new(
                source,
                url.without_query(),
                on_tenants,
            ))
        }
    })
}

/// Tenants with a credential of their own are told to the token source.
fn on_tenants(settings: CredentialSettings, tokens: Arc<DeclaredTokens>) -> OnTenants {
    Box::new(move |tenants: &[DeclaredTenant]| {
        let own = tenants
            .iter()
            .filter(|tenant| tenant.credential.is_some())
            .map(|tenant| {
                let wanted = settings
                    .credential(tenant.credential.as_ref())
                    .and_then(|wanted| credential(wanted).map_err(|error| error.to_string()));
                (tenant.id.clone(), wanted)
            });
        tokens.declare(own.collect());
    })
}

fn has_sas(url: &SecretUrl) -> bool {
    url.expose().query_pairs().any(|(name, _)| name == "sig")
}

/// Stands in where the setting that names the declaration is wrong.
struct NoDeclaration;

#[async_trait::async_trait]
impl DesiredSource for NoDeclaration {
    fn place(&self) -> String {
        "EVERGRAPH_SUBSCRIPTIONS".to_owned()
    }

    async fn read(&self) -> Declaration {
        Declaration::Unusable {
            why: "EVERGRAPH_SUBSCRIPTIONS does not say where the declaration is".to_owned(),
        }
    }
}

/// A store that lives as long as this process, for simulations.
#[cfg(feature = "cli")]
pub fn in_memory_store() -> Arc<dyn StateStore> {
    Arc::new(crate::adapters::state::memory::MemoryStore::new())
}
