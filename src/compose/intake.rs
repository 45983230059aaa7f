//! The intake, from settings.

use std::collections::BTreeSet;
use std::sync::Arc;

use azure_core::credentials::TokenCredential;

use super::keys::decryption_keys;
use super::{entra, has_sas};
use crate::adapters::event_ids::CountedIds;
use crate::adapters::jwks::{AuthorityOptions, AuthorityTokens};
use crate::adapters::sink::file::FileSink;
use crate::adapters::sink::memory::MemorySink;
use crate::adapters::sink::queue::{QueueSink, QueueSinkOptions};
use crate::adapters::sink::routed::RoutedSink;
use crate::app::intake::{Intake, IntakeConfig, IntakeServices};
use crate::app::pass::Services;
use crate::app::reception::{Reception, ReceptionServices};
use crate::app::statistics::Statistics;
use crate::config::{PassSettings, SinkLocation};
use crate::domain::ids::AppId;
use crate::ports::declaration::{CredentialKind, DeclaredSink, SinkPlace};
use crate::ports::ids::UniqueIds;
use crate::ports::sink::Sink;

/// A sink in memory holds so many events, and forgets the oldest.
const FORGOTTEN_AFTER: usize = 1_000;

/// Builds the intake beside the parts of a pass. `None` without a sink. The first reading of
/// the declaration is begun, and that of the authority's keys where resource data is opened.
///
/// # Errors
/// A sentence that names the setting and what to do.
pub(super) fn reception(
    settings: &PassSettings,
    services: &Services,
) -> anyhow::Result<Option<Arc<Reception>>> {
    let Some(location) = &settings.sink else {
        tracing::error!(
            "EVERGRAPH_SINK names no place for notifications: they are answered 503, and Graph keeps \
             them for up to four hours"
        );
        return Ok(None);
    };
    let sink = sink(settings, services, location)?;
    tracing::info!("notifications go to {}", sink.place());
    let applications = applications(settings);
    let authority = AuthorityOptions::of_authority(&settings.authority, applications.clone());
    let publisher = Arc::new(AuthorityTokens::new(authority));
    if settings.decryption_keys.is_some() {
        // Resource data is to come: the first token should not wait for the authority.
        let publisher = Arc::clone(&publisher);
        tokio::spawn(async move { publisher.warm().await });
    }
    let ids: Arc<dyn UniqueIds> = Arc::new(
        CountedIds::by_chance().map_err(|_| anyhow::anyhow!("there is no randomness to be had"))?,
    );
    let intake = Intake::new(
        IntakeServices {
            sink,
            store: Arc::clone(&services.store),
            clock: Arc::clone(&services.clock),
            ids: Arc::clone(&ids),
            publisher: Arc::clone(&publisher) as _,
            keys: decryption_keys(settings),
        },
        IntakeConfig {
            governor: settings.governor,
            ..IntakeConfig::new(settings.home.clone(), Arc::clone(&settings.keys))
        },
    );
    let statistics = Statistics::new(
        Arc::clone(&services.store),
        Arc::clone(&services.clock),
        ids,
        Arc::clone(&services.trail),
    );
    let reception = Reception::new(
        Arc::new(intake),
        ReceptionServices {
            desired: Arc::clone(&services.desired),
            graph: Arc::clone(&services.graph),
            publisher,
            applications,
        },
        Arc::new(statistics),
    );
    reception.refresh();
    Ok(Some(reception))
}

/// Applications that are ours whatever tokens say. Validation tokens may still be for a former
/// one while its subscriptions live. Who sends no token, which only a simulator on this machine
/// accepts, is an application without a name there.
fn applications(settings: &PassSettings) -> BTreeSet<AppId> {
    let own = settings.credential.client_id.iter();
    let unnamed = settings.credential.kind == CredentialKind::None;
    let unnamed = unnamed.then(AppId::unnamed);
    own.chain(&settings.former_apps)
        .cloned()
        .chain(unnamed)
        .collect()
}

/// The sink of the settings, with those of the declaration behind it.
fn sink(
    settings: &PassSettings,
    services: &Services,
    location: &SinkLocation,
) -> anyhow::Result<Arc<dyn Sink>> {
    let opener = Opener {
        credential: opening(settings),
        laptop: !settings.production,
    };
    let default = opener.of_settings(location)?;
    let declared = Arc::clone(&services.desired);
    let open = Box::new(move |sink: &DeclaredSink| opener.of_declaration(sink));
    Ok(Arc::new(RoutedSink::new(default, declared, open)))
}

/// What opens queues and containers, or why there is nothing.
fn opening(settings: &PassSettings) -> Result<Arc<dyn TokenCredential>, String> {
    let home = settings.credential.tenant.as_ref();
    let credential = entra(settings).map_err(|error| format!("{error:#}"));
    credential.and_then(|entra| entra.for_storage(home))
}

struct Opener {
    credential: Result<Arc<dyn TokenCredential>, String>,
    /// Folders are for laptops.
    laptop: bool,
}

impl Opener {
    fn of_settings(&self, location: &SinkLocation) -> anyhow::Result<Arc<dyn Sink>> {
        let (queue, blobs, expires) = match location {
            SinkLocation::Folder(folder) => return Ok(Arc::new(FileSink::open(folder)?)),
            SinkLocation::Memory { takes } => {
                tracing::warn!("EVERGRAPH_SINK is memory: every event is forgotten");
                return Ok(Arc::new(MemorySink::forgetful(FORGOTTEN_AFTER, *takes)));
            }
            SinkLocation::Queue {
                queue,
                blobs,
                expires,
            } => (queue, blobs.as_ref(), *expires),
        };
        let options = QueueSinkOptions {
            queue: queue.expose().clone(),
            claims: blobs.map(|url| url.expose().clone()),
            expires: expires.map(|after| after.unsigned_abs()),
        };
        let credential = match has_sas(queue) && blobs.is_none_or(has_sas) {
            true => None,
            false => Some(self.credential.clone().map_err(anyhow::Error::msg)?),
        };
        Ok(Arc::new(QueueSink::open(options, credential)?))
    }

    fn of_declaration(&self, sink: &DeclaredSink) -> Result<Arc<dyn Sink>, String> {
        match &sink.place {
            SinkPlace::Folder(_) if !self.laptop => {
                Err("file: is for a laptop; in Azure, name the https URL of a queue".to_owned())
            }
            SinkPlace::Folder(folder) => {
                let opened = FileSink::open(folder).map_err(|error| error.to_string())?;
                Ok(Arc::new(opened))
            }
            SinkPlace::Queue {
                queue,
                blobs,
                expires,
            } => {
                let options = QueueSinkOptions {
                    queue: queue.clone(),
                    claims: blobs.clone(),
                    expires: expires.map(|after| after.unsigned_abs()),
                };
                let credential = self.credential.clone()?;
                let opened = QueueSink::open(options, Some(credential));
                Ok(Arc::new(opened.map_err(|error| error.to_string())?))
            }
        }
    }
}
