//! The audit, from settings: its writer, and its readers on any machine.

use std::sync::Arc;

use super::{has_sas, store, tokens};
use crate::adapters::audit::blob::BlobAudit;
use crate::adapters::audit::file::FileAudit;
use crate::adapters::event_ids::CountedIds;
use crate::adapters::identity::EntraTokens;
use crate::app::audit::trail::Trail;
use crate::config::{CredentialSettings, PassSettings, RecordsSettings, StateLocation};
use crate::ports::audit::Audit;
use crate::ports::ids::UniqueIds as _;
use crate::ports::state::StateStore;

/// The trail of the passes of this process. Nothing is written yet.
pub(super) fn trail(settings: &PassSettings, entra: &EntraTokens) -> anyhow::Result<Arc<Trail>> {
    let instance = instance()?;
    let audit = open(&settings.audit, &settings.credential, entra, &instance)?;
    let actor = format!("{}/{instance}", settings.home.current.fleet);
    let trail = Trail::new(audit, actor, instance);
    Ok(Arc::new(trail.keeping(settings.audit_kept)))
}

/// A trail for a command, which writes to the same place as the passes do.
///
/// # Errors
/// A sentence that names the setting and what to do.
pub fn trail_of_command(settings: &RecordsSettings, actor: &str) -> anyhow::Result<Arc<Trail>> {
    let instance = instance()?;
    let entra = tokens(&settings.credential, &settings.graph, &settings.authority)?;
    let audit = open(&settings.audit, &settings.credential, &entra, &instance)?;
    Ok(Arc::new(Trail::new(audit, actor, instance)))
}

/// A trail for a run of ensure; `None` where no setting names an audit.
///
/// # Errors
/// A sentence that names the setting and what to do.
#[cfg(feature = "cli")]
pub(super) fn trail_of_ensure(
    settings: &crate::config::EnsureSettings,
) -> anyhow::Result<Option<Arc<Trail>>> {
    let instance = instance()?;
    let audit: Arc<dyn Audit> = match &settings.audit {
        None => return Ok(None),
        // A folder needs no token, whatever the credential is for.
        Some(StateLocation::Folder(folder)) => Arc::new(FileAudit::new(folder, &instance)),
        Some(container) => {
            let entra = tokens(&settings.credential, &settings.graph, &settings.authority)?;
            open(container, &settings.credential, &entra, &instance)?
        }
    };
    Ok(Some(Arc::new(Trail::new(
        audit,
        "evergraph ensure",
        instance,
    ))))
}

/// What a deployment keeps, to be read from any machine.
pub struct Kept {
    /// The audit.
    pub audit: Arc<dyn Audit>,
    /// The state. `None` where it is not named, or its folder is not there: a look makes nothing.
    pub state: Option<Arc<dyn StateStore>>,
}

/// Opens what a deployment keeps, to be read.
///
/// # Errors
/// A sentence that names the setting and what to do.
pub fn to_read(settings: &RecordsSettings) -> anyhow::Result<Kept> {
    let entra = tokens(&settings.credential, &settings.graph, &settings.authority)?;
    let audit = open(&settings.audit, &settings.credential, &entra, "reader")?;
    let there = settings.state.as_ref().filter(|state| match state {
        StateLocation::Folder(folder) => folder.is_dir(),
        StateLocation::Container(_) => true,
    });
    let state = there
        .map(|state| store(state, &settings.credential, &entra))
        .transpose()?;
    Ok(Kept { audit, state })
}

/// The audit in a folder of this machine, to be read.
#[cfg(feature = "cli")]
pub fn local(folder: &std::path::Path) -> Arc<dyn Audit> {
    Arc::new(FileAudit::new(folder, "reader"))
}

fn open(
    location: &StateLocation,
    own: &CredentialSettings,
    entra: &EntraTokens,
    writer: &str,
) -> anyhow::Result<Arc<dyn Audit>> {
    Ok(match location {
        StateLocation::Folder(folder) => Arc::new(FileAudit::new(folder, writer)),
        StateLocation::Container(url) => {
            let credential = match has_sas(url) {
                true => None,
                false => {
                    let home = own.tenant.as_ref();
                    Some(entra.for_storage(home).map_err(anyhow::Error::msg)?)
                }
            };
            Arc::new(BlobAudit::open(url.expose(), credential, writer)?)
        }
    })
}

/// Tells this process from all others.
fn instance() -> anyhow::Result<String> {
    let ids =
        CountedIds::by_chance().map_err(|_| anyhow::anyhow!("there is no randomness to be had"))?;
    Ok(format!("{:016x}", ids.next() >> 64))
}
