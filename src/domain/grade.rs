//! How much a pass may do.

use super::client_state::KeyRing;
use super::ownership::{FleetUrl, Home};
use super::plan::{Brake, Grade};
use super::policy::Mode;
use super::state::{Residence, ShardState};
use super::subscription::Declaration;

/// The effective mode: the configured one, or less where something is not as it should be.
pub fn grade(
    configured: Mode,
    declaration: &Declaration,
    state: &ShardState,
    unreadable: Option<&str>,
    home: &Home,
    ring: &KeyRing,
    audit_failing: Option<&str>,
) -> Grade {
    let mut brakes = Vec::new();
    match declaration {
        Declaration::Unusable { why } => brakes.push(Brake::DeclarationUnusable(why.clone())),
        Declaration::Read(set) if set.by_key.is_empty() => brakes.push(Brake::DeclarationEmpty),
        Declaration::Read(_) => {}
    }
    if let Some(why) = unreadable {
        brakes.push(Brake::StateUnreadable(why.to_owned()));
    }
    if let Some(recorded) = &state.residence
        && !is_home(recorded, home)
    {
        brakes.push(Brake::OtherResidence {
            recorded: format!("{}/api/notifications/{}", recorded.origin, recorded.fleet),
            configured: home.current.notifications(),
        });
    }
    brakes.extend(missing_keys(state, ring));
    brakes.extend(audit_failing.map(|why| Brake::AuditFailing(why.to_owned())));
    let left = brakes.iter().map(Brake::leaves);
    let mode = left.fold(configured, Mode::min);
    Grade { mode, brakes }
}

/// Whether the state was written at today's address or at a declared former one.
fn is_home(recorded: &Residence, home: &Home) -> bool {
    let matches =
        |url: &FleetUrl| url.fleet == recorded.fleet && url.origin.as_str() == recorded.origin;
    matches(&home.current) || home.former.iter().any(matches)
}

fn missing_keys(state: &ShardState, ring: &KeyRing) -> Vec<Brake> {
    let mut missing: Vec<_> = state
        .entries
        .values()
        .filter_map(|entry| entry.held.as_ref()?.kid.as_ref())
        .filter(|kid| !ring.knows(kid))
        .collect();
    missing.sort();
    missing.dedup();
    missing
        .into_iter()
        .cloned()
        .map(Brake::KeyMissing)
        .collect()
}
