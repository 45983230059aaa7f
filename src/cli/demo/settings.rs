//! The app settings of the story's handlers.

use std::path::Path;

use super::app_folder;
use super::seal::Seal;
use super::wishes::{CERTIFICATE_ID, FLEET};
use crate::sim::server::RunningSim;

/// Signs clientState. Known to everybody and good for nothing but a simulation.
const KEY: &str = "demo:ZXZlcmdyYXBoLWRlbW8ta2V5LW5vdC1hLXNlY3JldCE=";

/// What passes need.
///
/// # Errors
/// Where this program does not know its own file.
pub(super) fn of_passes(
    sim: &RunningSim,
    port: u16,
    state: &Path,
) -> anyhow::Result<Vec<(String, String)>> {
    let mut settings: Vec<(String, String)> = [
        ("EVERGRAPH_FLEET", FLEET.to_owned()),
        ("EVERGRAPH_CLIENT_STATE_KEYS", KEY.to_owned()),
        ("EVERGRAPH_PUBLIC_URL", format!("http://127.0.0.1:{port}")),
        ("EVERGRAPH_STATE", format!("file:{}", state.display())),
        ("EVERGRAPH_GRAPH_URL", sim.graph_url()),
        ("EVERGRAPH_CREDENTIAL", "none".to_owned()),
        ("EVERGRAPH_AUTHORITY", sim.url()),
        ("EVERGRAPH_CLOCK", sim.url()),
        ("EVERGRAPH_LEASE_S", "1".to_owned()),
        ("EVERGRAPH_TICK", "5m".to_owned()),
        ("EVERGRAPH_SCHEDULE", "0 */5 * * * *".to_owned()),
        // Rare, so that a run that only renews is seen to make no other call.
        ("EVERGRAPH_AUDIT_EVERY", "12h".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec();
    settings.extend(app_folder::own_handler()?);
    Ok(settings)
}

/// Where events go, and what opens sealed content.
pub(super) fn of_sink(events: &Path, seal: &Seal) -> [(String, String); 2] {
    let key = format!("{CERTIFICATE_ID}={}", seal.key_file.display());
    [
        ("EVERGRAPH_SINK", format!("file:{}", events.display())),
        ("EVERGRAPH_DECRYPTION_KEYS", key),
    ]
    .map(|(name, value)| (name.to_owned(), value))
}
