//! A wanted thing, from its specification and the settings: the kind, the engine, the journal.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::SecretString;
use url::Url;

use super::{audit, clock, credential};
use crate::adapters::dice::FastDice;
use crate::adapters::event_ids::CountedIds;
use crate::adapters::identity::{CredentialConfig, EntraTokens, IdentityOptions};
use crate::adapters::kinds::app_service::{AppServiceKind, UPLOAD};
use crate::adapters::kinds::blob::BlobKind;
use crate::adapters::kinds::bookings::{BookingsCustomer, BookingsStaff};
use crate::adapters::kinds::call::{Bearer, FixedBearer, LIMIT, Line, Scheme, TenantBearer};
use crate::adapters::kinds::cosmos::{CREATES, Container, CosmosItem};
use crate::adapters::kinds::spec::{AppServiceSpec, BlobSpec, CosmosSpec, Spec};
use crate::adapters::loopback::is_loopback;
use crate::app::audit::journal::AuditJournal;
use crate::app::ensure::{Ensure, Terms};
use crate::config::{ClockChoice, EnsureSettings};
use crate::domain::conflict::Service;
use crate::domain::ensure::{Limits, Token};
use crate::domain::ids::TenantId;
use crate::ports::ensure::{Journal, Kind};
use crate::ports::ids::UniqueIds as _;

pub use crate::adapters::declaration::Diagnostic;
pub use crate::adapters::kinds::spec::{KindName, Reading, read};

/// A kind, ready to be run.
pub struct Prepared {
    /// The kind.
    pub kind: Arc<dyn Kind>,
    /// What one run may do and spend.
    pub terms: Terms,
    site: Option<Arc<AppServiceKind>>,
}

impl Prepared {
    fn of(kind: impl Kind + 'static) -> Self {
        Self {
            kind: Arc::new(kind),
            // A call of a kind may be several of the service.
            terms: Terms {
                call: LIMIT * 3,
                ..Terms::default()
            },
            site: None,
        }
    }

    /// What a person should know beside the outcome. Reads only.
    pub async fn findings(&self) -> Vec<String> {
        match &self.site {
            Some(site) => site.findings().await,
            None => Vec::new(),
        }
    }
}

/// The addresses of the services that a specification is about; `base` stands in for them.
pub fn targets(spec: &Spec, base: &[Url]) -> Vec<Url> {
    if !base.is_empty() {
        return base.to_vec();
    }
    match spec {
        Spec::Blob(spec) => vec![spec.place.account.clone()],
        Spec::CosmosItem(spec) => spec.regions.clone(),
        Spec::AppService(spec) => spec.scm_url.iter().cloned().collect(),
        Spec::BookingsStaff(_) | Spec::BookingsCustomer(_) => Vec::new(),
    }
}

/// Builds the kind. Nothing is sent. `tenant`: whose token is used, where the specification names
/// one.
///
/// # Errors
/// A sentence that names the setting or the key and what to do.
pub fn prepare(
    spec: Spec,
    tenant: Option<TenantId>,
    base: &[Url],
    settings: &EnsureSettings,
) -> anyhow::Result<Prepared> {
    let run = Token::new(format!("{:032x}", ids()?.next()));
    let maker = Maker {
        settings,
        tenant: tenant.or_else(|| settings.credential.tenant.clone()),
    };
    Ok(match spec {
        Spec::Blob(spec) => blob(&maker, spec, one(base)?, run)?,
        Spec::AppService(spec) => app_service(&maker, spec, one(base)?, run)?,
        Spec::BookingsStaff(spec) => Prepared::of(BookingsStaff::new(maker.graph(base)?, spec)),
        Spec::BookingsCustomer(spec) => {
            Prepared::of(BookingsCustomer::new(maker.graph(base)?, spec))
        }
        Spec::CosmosItem(spec) => cosmos(&maker, spec, base)?,
    })
}

/// The engine of this process.
///
/// # Errors
/// Where the machine has no randomness to give.
pub fn engine(journal: Arc<dyn Journal>) -> anyhow::Result<Ensure> {
    let dice = Arc::new(FastDice::by_chance());
    Ok(Ensure::new(journal, dice, Arc::new(ids()?)))
}

/// The journal in the audit, and where that is; `None` where no setting names an audit.
///
/// # Errors
/// A sentence that names the setting and what to do.
pub fn journal(
    settings: &EnsureSettings,
    because: Option<String>,
) -> anyhow::Result<Option<(Arc<dyn Journal>, String)>> {
    let Some(trail) = audit::trail_of_ensure(settings)? else {
        return Ok(None);
    };
    let place = trail.place();
    let clock = clock(&ClockChoice::System)?;
    Ok(Some((
        Arc::new(AuditJournal::new(trail, clock, because)),
        place,
    )))
}

fn ids() -> anyhow::Result<CountedIds> {
    CountedIds::by_chance().map_err(|_| anyhow::anyhow!("there is no randomness to be had"))
}

fn one(base: &[Url]) -> anyhow::Result<Option<Url>> {
    match base {
        [] => Ok(None),
        [only] => Ok(Some(only.clone())),
        _ => anyhow::bail!("this kind calls one service: give --base-url once"),
    }
}

fn blob(
    maker: &Maker<'_>,
    spec: BlobSpec,
    base: Option<Url>,
    run: Token,
) -> anyhow::Result<Prepared> {
    let BlobSpec {
        mut wanted,
        content,
        place,
    } = spec;
    let (mut account, mut signature) = (place.account, place.signature);
    if let Some(mut base) = base {
        let query = base.query().filter(|query| !query.is_empty());
        signature = query.map(|query| SecretString::from(query.to_owned()));
        base.set_query(None);
        wanted.account = format!("{}{}", base.authority(), base.path().trim_end_matches('/'));
        account = base;
    }
    let line = match signature {
        Some(signature) => Line::new(account, Service::Storage, Arc::new(FixedBearer(signature)))?
            .with_scheme(Scheme::Query),
        None => maker.line(account, Service::Storage, STORAGE)?,
    };
    let mut prepared = Prepared::of(BlobKind::new(line, wanted, content, run));
    prepared.terms.limits = Limits {
        // Storage itself lets one conditional create through, however often it is tried.
        creates: 60,
        ..Limits::default()
    };
    Ok(prepared)
}

fn app_service(
    maker: &Maker<'_>,
    spec: AppServiceSpec,
    base: Option<Url>,
    run: Token,
) -> anyhow::Result<Prepared> {
    let (root, scope) = maker.resource_manager();
    let name = spec.wanted.site.name();
    let (arm, kudu) = match base {
        Some(base) => {
            let mut kudu = base.clone();
            if let Ok(mut path) = kudu.path_segments_mut() {
                path.pop_if_empty().extend(["scm", name]);
            }
            (base, kudu)
        }
        None => {
            let usual = format!("https://{name}.scm.azurewebsites.net");
            let kudu = spec.scm_url.map_or_else(|| Url::parse(&usual), Ok)?;
            (Url::parse(root)?, kudu)
        }
    };
    // The deployment service takes tokens for Resource Manager.
    let kudu = maker.line(kudu, Service::AppService, scope)?;
    let arm = maker.line(arm, Service::Arm, scope)?;
    let (wanted, package, cors) = (spec.wanted, spec.package, spec.cors_setting);
    let site = Arc::new(AppServiceKind::new(kudu, arm, wanted, package, cors, run));
    Ok(Prepared {
        kind: Arc::clone(&site) as _,
        terms: Terms {
            call: UPLOAD + Duration::from_secs(60),
            ..Terms::default()
        },
        site: Some(site),
    })
}

fn cosmos(maker: &Maker<'_>, spec: CosmosSpec, base: &[Url]) -> anyhow::Result<Prepared> {
    let regions = match base {
        [] => spec.regions,
        base => base.to_vec(),
    };
    let lines = regions
        .into_iter()
        .map(|region| maker.line(region, Service::Cosmos, COSMOS));
    let lines = lines.collect::<anyhow::Result<Vec<Line>>>()?;
    let item = spec.item;
    let partition = serde_json::from_str(&item.partition).context("the partition is no JSON")?;
    let clock = clock(&ClockChoice::System)?;
    let (database, container) = (item.database.clone(), item.container.clone());
    let container = Container::new(lines, &database, &container, &partition, clock);
    let mut prepared = Prepared::of(CosmosItem::new(container, item));
    prepared.terms.limits.creates = CREATES;
    Ok(prepared)
}

/// <https://learn.microsoft.com/azure/storage/blobs/authorize-access-azure-active-directory>:
/// one resource for all accounts.
const STORAGE: &str = "https://storage.azure.com/.default";
/// <https://learn.microsoft.com/azure/cosmos-db/how-to-setup-rbac>: one resource for all accounts.
const COSMOS: &str = "https://cosmos.azure.com/.default";

/// Makes lines with the configured credential.
struct Maker<'s> {
    settings: &'s EnsureSettings,
    tenant: Option<TenantId>,
}

impl Maker<'_> {
    fn line(&self, base: Url, service: Service, scope: &str) -> anyhow::Result<Line> {
        let bearer = self.bearer(&base, scope)?;
        Ok(Line::new(base, service, bearer)?)
    }

    fn graph(&self, base: &[Url]) -> anyhow::Result<Line> {
        let root = one(base)?.unwrap_or_else(|| self.settings.graph.clone());
        let graph = &self.settings.graph;
        let scope = match is_loopback(graph) {
            true => "https://graph.microsoft.com/.default".to_owned(),
            false => format!("{}/.default", graph.origin().ascii_serialization()),
        };
        self.line(root, Service::Bookings, &scope)
    }

    /// Resource Manager of the cloud, and the scope of its tokens.
    fn resource_manager(&self) -> (&'static str, &'static str) {
        match self.settings.graph.host_str() {
            Some("graph.microsoft.us" | "dod-graph.microsoft.us") => (
                "https://management.usgovcloudapi.net",
                "https://management.usgovcloudapi.net/.default",
            ),
            Some("microsoftgraph.chinacloudapi.cn") => (
                "https://management.chinacloudapi.cn",
                "https://management.chinacloudapi.cn/.default",
            ),
            _ => (
                "https://management.azure.com",
                "https://management.azure.com/.default",
            ),
        }
    }

    fn bearer(&self, target: &Url, scope: &str) -> anyhow::Result<Arc<dyn Bearer>> {
        let own = self.settings.credential.credential(None);
        let own = credential(own.map_err(anyhow::Error::msg)?)?;
        let tenant = match (&self.tenant, &own) {
            (Some(tenant), _) => tenant.clone(),
            (None, CredentialConfig::None) => {
                TenantId::parse("00000000-0000-0000-0000-000000000000")?
            }
            (None, _) => anyhow::bail!(
                "whose token is to be used? Set EVERGRAPH_TENANT_ID, or write tenant = \"…\" into the specification"
            ),
        };
        let mut options = IdentityOptions::new(target.clone());
        options.authority = Some(self.settings.authority.clone());
        options.scope = Some(scope.to_owned());
        let tokens = Arc::new(EntraTokens::new(options, own)?);
        Ok(Arc::new(TenantBearer { tokens, tenant }))
    }
}
