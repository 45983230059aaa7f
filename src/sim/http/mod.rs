//! The HTTP door.

mod calling;
mod control;
mod graph;
mod keys;
mod sending;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;

pub(super) use calling::{Caller, deliver};

use super::exchange::Sim;

/// Marks an answer that must never be sent.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the simulator hangs up, as it was told to")]
pub(super) struct HungUp;

/// What every handler needs.
#[derive(Clone)]
pub(super) struct Door {
    pub sim: Arc<Sim>,
    pub caller: Caller,
    pub address: SocketAddr,
}

/// All routes: Graph's API under `/v1.0` and `/beta`, the login service's keys under `/common/`,
/// the control API under `/_sim/`.
pub(super) fn router(sim: &Arc<Sim>, caller: Caller, address: SocketAddr) -> Router {
    let door = Door {
        sim: Arc::clone(sim),
        caller,
        address,
    };
    Router::new()
        .route("/_sim/", axum::routing::get(control::contents))
        .nest("/_sim", control::routes().merge(sending::routes()))
        .merge(keys::routes())
        .fallback(graph::call)
        .with_state(door)
}
