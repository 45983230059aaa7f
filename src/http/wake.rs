//! A lifecycle event left a mark: a pass is tried at once, beside the answer to Graph.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Handler, renew};

/// A storm of events comes within moments; its marks are taken up by one pass.
const GATHER: Duration = Duration::from_millis(200);

/// Whether a pass has been asked for that did not begin yet.
pub(super) type Wake = AtomicBool;

impl Handler {
    /// Asks for a pass after a wake mark was left. Many marks ask for one; while a pass runs,
    /// one more follows it, since it may have looked before the mark lay there. Where another
    /// process leads, this one finds the lease taken, and the next tick takes the mark up.
    pub(super) fn wake(&self) {
        if self.shared.wake.swap(true, Ordering::AcqRel) {
            return;
        }
        let handler = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(GATHER).await;
            let shared = &handler.shared;
            let turn = Arc::clone(&shared.turn).lock_owned().await;
            shared.wake.store(false, Ordering::Release);
            match shared.stage.parts(Duration::ZERO).await {
                Ok(parts) => {
                    let _told = renew::run(parts, turn).await;
                }
                Err(why) => tracing::warn!("no pass was run for a lifecycle event: {why}"),
            }
        });
    }
}
