//! Whether all is well: open to everybody, and so it says nothing more and costs next to nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use jiff::SignedDuration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::Handler;
use super::stage::HandlerParts;
use crate::app::heartbeat::{Health, Heartbeat};

/// An answer is reused this long, so that a flood of questions is one read each two seconds.
const FRESH: Duration = Duration::from_secs(2);

/// The longest that clock and store are waited for; slower ones count as stale.
const LOOK_LIMIT: Duration = Duration::from_secs(2);

/// A process that has just started is given this long to become ready: monitors call rarely, and
/// each call may find a cold instance.
const PATIENCE: Duration = Duration::from_secs(3);

/// The last judgement, and the one look at a time that renews it.
pub(super) struct Watch {
    tick: SignedDuration,
    known: Arc<Mutex<Option<(Instant, Health)>>>,
}

impl Watch {
    pub(super) fn new(tick: SignedDuration) -> Self {
        Self {
            tick,
            known: Arc::default(),
        }
    }

    /// The judgement, at most two seconds old.
    async fn judge(&self, parts: Arc<HandlerParts>) -> Health {
        let mut known = Arc::clone(&self.known).lock_owned().await;
        if let Some((at, health)) = *known
            && at.elapsed() < FRESH
        {
            return health;
        }
        let tick = self.tick;
        // In a task of its own, lock included: callers who hang up cannot begin a read each.
        let look = tokio::spawn(async move {
            let health = timeout(LOOK_LIMIT, look(&parts, tick))
                .await
                .unwrap_or(Health::Stale);
            *known = Some((Instant::now(), health));
            health
        });
        look.await.unwrap_or(Health::Stale)
    }
}

async fn look(parts: &HandlerParts, tick: SignedDuration) -> Health {
    let Some(heartbeat) = Heartbeat::read(parts.services.store.as_ref()).await else {
        return Health::Stale;
    };
    match parts.services.clock.now().await {
        Ok(now) => heartbeat.health(now, tick),
        Err(_) => Health::Stale,
    }
}

/// 200 `ok` or 503 `stale`.
pub(super) async fn health(State(handler): State<Handler>) -> Response {
    let judging = async {
        let parts = handler.shared.stage.parts(PATIENCE).await.ok()?;
        Some(handler.shared.health.judge(parts).await)
    };
    // Many callers wait for one look; nobody waits for more than two of them.
    let judged = timeout(PATIENCE + LOOK_LIMIT, judging).await;
    let (status, word) = match judged.ok().flatten() {
        Some(Health::Ok) => (StatusCode::OK, "ok"),
        Some(Health::Stale) | None => (StatusCode::SERVICE_UNAVAILABLE, "stale"),
    };
    (status, [(CACHE_CONTROL, "no-store")], word).into_response()
}
