//! The custom handler's HTTP: the host's timer call, notifications, lifecycle events, health.
//!
//! | route | who calls | answer |
//! |---|---|---|
//! | `GET /` | the host, to see whether we listen | 200 at once, whatever else is missing |
//! | `POST /renew` | the host, for the timer `renew` | always 200 and JSON; 404 for anybody else |
//! | `/api/notifications/{fleet}`, `/api/lifecycle/{fleet}` | Graph | the handshake's token; 202 for what is settled, 503 for what is not |
//! | `GET /api/health` | anybody | 200 `ok` or 503 `stale`, nothing more |
//!
//! Everything else is 404. Behind the host's proxy and without it the answers are the same.
//!
//! The listener opens before the parts behind it are built, because the host takes the first
//! answer of `GET /` for readiness, and Graph's handshake needs nothing but our addresses: see
//! [`Handler`]. The handler is crash-only: the host ends it with SIGKILL and nothing else, so
//! nothing here waits for a farewell.

mod body;
mod caller;
mod envelope;
mod graph_routes;
mod handshake;
mod health;
mod renew;
mod serve;
mod stage;
mod wake;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{any, get};
use jiff::SignedDuration;

use crate::app::reception::Reception;
use crate::domain::ids::FleetId;

pub use serve::serve;
pub use stage::HandlerParts;

/// The custom handler: routes that answer from the first moment, and parts that come later.
///
/// Clones share everything. Until [`Handler::ready`], `GET /` and handshakes work already; a
/// timer call waits a moment for the parts, then says what it waits for; health is stale.
#[derive(Clone)]
pub struct Handler {
    shared: Arc<Shared>,
}

struct Shared {
    /// Fleets whose paths exist: ours, then former ones.
    fleets: Vec<FleetId>,
    stage: stage::Stages,
    desk: stage::Desk,
    wake: wake::Wake,
    health: health::Watch,
    turn: renew::Turn,
    handshakes: handshake::Seen,
}

impl Handler {
    /// A handler that answers for these fleets, ours and the former ones. `tick` is the distance
    /// between two timer runs; health is measured in it.
    pub fn new(fleets: Vec<FleetId>, tick: SignedDuration) -> Self {
        Self {
            shared: Arc::new(Shared {
                fleets,
                stage: stage::Stages::new(),
                desk: stage::Desk::new(),
                wake: wake::Wake::default(),
                health: health::Watch::new(tick),
                turn: renew::Turn::default(),
                handshakes: handshake::Seen::default(),
            }),
        }
    }

    /// Gives the handler what a pass works with. Later calls replace it.
    pub fn ready(&self, parts: HandlerParts) {
        self.shared.stage.ready(parts);
    }

    /// Says that the parts could not be built, and why, without secrets. The handler goes on to
    /// answer; each timer call repeats the reason. A later [`Handler::ready`] ends this.
    pub fn failed(&self, why: impl Into<String>) {
        self.shared.stage.failed(why.into());
    }

    /// Takes notifications in from now on.
    pub fn take_in(&self, reception: Arc<Reception>) {
        self.shared.desk.decide(Some(reception));
    }

    /// Takes no notifications in: they are answered 503, so that Graph keeps them. Until this
    /// or [`Handler::take_in`] is called, they wait a moment for it.
    pub fn take_nothing_in(&self) {
        self.shared.desk.decide(None);
    }

    /// The routes.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/", get(|| async { "evergraph\n" }))
            .route("/renew", any(renew::renew))
            .route("/api/notifications/{fleet}", any(graph_routes::changes))
            .route("/api/lifecycle/{fleet}", any(graph_routes::lifecycle))
            .route("/api/health", get(health::health))
            .fallback(|| async { StatusCode::NOT_FOUND })
            .with_state(self.clone())
    }
}
