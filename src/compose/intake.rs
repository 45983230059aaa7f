//! The intake, from settings.

use std::collections::BTreeSet;
use std::sync::Arc;

use secrecy::ExposeSecret as _;

use super::{entra, has_sas};
use crate::adapters::crypto::{
    DecryptionKeyEntry, DecryptionKeys, KeySource, KeyVaultSecrets, VaultKeys,
};
use crate::adapters::event_ids::CountedIds;
use crate::adapters::jwks::{AuthorityOptions, AuthorityTokens};
use crate::adapters::sink::file::FileSink;
use crate::adapters::sink::queue::{QueueSink, QueueSinkOptions};
use crate::app::intake::{Intake, IntakeConfig, IntakeServices};
use crate::app::pass::Services;
use crate::app::reception::{Reception, ReceptionServices};
use crate::app::statistics::Statistics;
use crate::config::{PassSettings, SinkLocation};
use crate::domain::ids::AppId;
use crate::ports::ids::UniqueIds;
use crate::ports::keys::ContentKeys;
use crate::ports::sink::Sink;

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
    let sink = sink(settings, location)?;
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
        IntakeConfig::new(settings.home.clone(), Arc::clone(&settings.keys)),
    );
    let statistics = Statistics::new(
        Arc::clone(&services.store),
        Arc::clone(&services.clock),
        ids,
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
/// one while its subscriptions live.
fn applications(settings: &PassSettings) -> BTreeSet<AppId> {
    let own = settings.credential.client_id.iter();
    own.chain(&settings.former_apps).cloned().collect()
}

fn sink(settings: &PassSettings, location: &SinkLocation) -> anyhow::Result<Arc<dyn Sink>> {
    let (queue, blobs, expires) = match location {
        SinkLocation::Folder(folder) => return Ok(Arc::new(FileSink::open(folder)?)),
        SinkLocation::Queue {
            queue,
            blobs,
            expires,
        } => (queue, blobs.as_ref(), *expires),
    };
    let credential = match has_sas(queue) && blobs.is_none_or(has_sas) {
        true => None,
        false => {
            let home = settings.credential.tenant.as_ref();
            let opened = entra(settings)?.for_storage(home);
            Some(opened.map_err(anyhow::Error::msg)?)
        }
    };
    let options = QueueSinkOptions {
        queue: queue.expose().clone(),
        claims: blobs.map(|url| url.expose().clone()),
        expires: expires.map(|after| after.unsigned_abs()),
    };
    Ok(Arc::new(QueueSink::open(options, credential)?))
}

/// Keys that cannot be used are missing: items that need them are answered 503 until they are
/// there, and the log says so. The keys of vaults come later, beside everything else.
fn decryption_keys(settings: &PassSettings) -> Arc<dyn ContentKeys> {
    let Some(text) = &settings.decryption_keys else {
        return Arc::new(DecryptionKeys::none());
    };
    let entries = match DecryptionKeyEntry::parse_list(text.expose_secret()) {
        Ok(entries) => entries,
        Err(fault) => {
            tracing::error!("EVERGRAPH_DECRYPTION_KEYS: {fault}");
            return Arc::new(DecryptionKeys::none());
        }
    };
    let (keys, faults) = DecryptionKeys::load(&entries, |path| std::fs::read_to_string(path));
    for fault in faults {
        tracing::error!("EVERGRAPH_DECRYPTION_KEYS: {fault}");
    }
    let in_vaults = |entry: &DecryptionKeyEntry| matches!(entry.source, KeySource::Vault(_));
    if !entries.iter().any(in_vaults) {
        return Arc::new(keys);
    }
    let home = settings.credential.tenant.as_ref();
    let credential = entra(settings).and_then(|entra| {
        let credential = entra.for_vault(home);
        credential.map_err(anyhow::Error::msg)
    });
    match credential {
        Ok(credential) => {
            let secrets = Arc::new(KeyVaultSecrets::new(credential));
            let keys = VaultKeys::new(keys, &entries, secrets);
            tokio::spawn(Arc::clone(&keys).keep());
            keys
        }
        Err(error) => {
            tracing::error!("EVERGRAPH_DECRYPTION_KEYS: no key is read from a vault: {error:#}");
            Arc::new(keys)
        }
    }
}
