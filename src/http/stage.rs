//! What the routes work with, and how far its making has come.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::app::pass::{PassConfig, Services};
use crate::app::reception::Reception;

/// What the timer and health routes work with.
#[derive(Clone)]
pub struct HandlerParts {
    /// The world.
    pub services: Services,
    /// How a pass works.
    pub config: PassConfig,
    /// A pass that is not over by then is dropped, which is safe: the host would end the whole
    /// handler at the function's timeout. Set it 30 s below that.
    pub pass_limit: Duration,
}

#[derive(Clone)]
enum Stage {
    Starting,
    Ready(Arc<HandlerParts>),
    Failed(Arc<str>),
}

/// Why there are no parts.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum NotReady {
    #[error("the handler is still starting; the next run of the timer tries again")]
    Starting,
    #[error("the handler could not start: {0}")]
    Failed(Arc<str>),
}

/// How far the making of the parts has come.
pub(super) struct Stages(watch::Sender<Stage>);

impl Stages {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Stage::Starting))
    }

    pub(super) fn ready(&self, parts: HandlerParts) {
        self.0.send_replace(Stage::Ready(Arc::new(parts)));
    }

    pub(super) fn failed(&self, why: String) {
        self.0.send_replace(Stage::Failed(why.into()));
    }

    /// The parts, awaited for at most `patience` while the handler is starting.
    pub(super) async fn parts(&self, patience: Duration) -> Result<Arc<HandlerParts>, NotReady> {
        let mut changes = self.0.subscribe();
        let decided = changes.wait_for(|stage| !matches!(stage, Stage::Starting));
        match tokio::time::timeout(patience, decided).await {
            Ok(Ok(stage)) => match &*stage {
                Stage::Ready(parts) => Ok(Arc::clone(parts)),
                Stage::Failed(why) => Err(NotReady::Failed(Arc::clone(why))),
                Stage::Starting => Err(NotReady::Starting),
            },
            // The sender lives in `self`, so the channel is open: what remains is impatience.
            Ok(Err(_)) | Err(_) => Err(NotReady::Starting),
        }
    }
}

/// Whether notifications are taken in, as far as it is known.
pub(super) struct Desk(watch::Sender<Option<Option<Arc<Reception>>>>);

impl Desk {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    pub(super) fn decide(&self, reception: Option<Arc<Reception>>) {
        self.0.send_replace(Some(reception));
    }

    /// The reception, if it is there by now.
    pub(super) fn known(&self) -> Option<Arc<Reception>> {
        self.0.borrow().clone().flatten()
    }

    /// The reception, awaited for at most `patience` while the handler is starting.
    pub(super) async fn reception(&self, patience: Duration) -> Option<Arc<Reception>> {
        if let Some(decided) = &*self.0.borrow() {
            return decided.clone();
        }
        let mut changes = self.0.subscribe();
        let decided = changes.wait_for(Option::is_some);
        match tokio::time::timeout(patience, decided).await {
            Ok(Ok(decided)) => decided.clone().flatten(),
            Ok(Err(_)) | Err(_) => None,
        }
    }
}
