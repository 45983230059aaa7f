//! What rich items need beyond clientState: tokens, and opening.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures::StreamExt as _;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use crate::domain::notification::judge::Against;
use crate::domain::notification::judge::TokenCheck;
use crate::domain::notification::refusal::{Delay, Refusal, TokenFault};
use crate::domain::notification::{Sealed, Text};
use crate::ports::keys::{ContentKeys, OpenError, Opened, PublisherTokens, TokenError};

/// Checks every token of a request.
pub(super) async fn check_tokens(
    publisher: &dyn PublisherTokens,
    tokens: &[Option<Text<'_>>],
    now: Timestamp,
) -> Vec<TokenCheck> {
    let mut checks = Vec::with_capacity(tokens.len());
    for token in tokens {
        let Some(token) = token else {
            checks.push(TokenCheck::Wrong(TokenFault::Form));
            continue;
        };
        checks.push(match publisher.check(token, now).await {
            Ok(proven) => TokenCheck::Proven(proven),
            Err(TokenError::Wrong(fault)) => TokenCheck::Wrong(fault),
            Err(TokenError::Unchecked { why }) => {
                tracing::warn!("a validation token could not be checked: {why}");
                TokenCheck::Unchecked
            }
        });
    }
    checks
}

/// Envelopes of one request that are opened one after another on the same thread: handing over
/// costs some of what opening costs.
const OPENED_TOGETHER: usize = 4;

/// Opens envelopes beside the runtime's own threads, few at a time: each costs about a
/// millisecond of a core.
pub(super) struct Opener {
    keys: Arc<dyn ContentKeys>,
    at_once: usize,
    permits: Arc<Semaphore>,
}

impl Opener {
    pub(super) fn new(keys: Arc<dyn ContentKeys>, at_once: usize) -> Self {
        let at_once = at_once.max(1);
        Self {
            keys,
            at_once,
            permits: Arc::new(Semaphore::new(at_once)),
        }
    }

    /// Opens them all; the answers stand in the order of the envelopes. No more of them than are
    /// being opened are copied.
    pub(super) async fn open_all(&self, sealed: &[Sealed<'_>]) -> Vec<Result<Opened, Against>> {
        let chunks: Vec<_> = sealed
            .chunks(OPENED_TOGETHER)
            .map(|chunk| self.open(chunk))
            .collect();
        let opening = futures::stream::iter(chunks).buffered(self.at_once);
        let opened: Vec<_> = opening.collect().await;
        opened.into_iter().flatten().collect()
    }

    async fn open(&self, sealed: &[Sealed<'_>]) -> Vec<Result<Opened, Against>> {
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
            // Never closed.
            return sealed
                .iter()
                .map(|_| Err(Against::TryLater(Delay::Capacity)))
                .collect();
        };
        let keys = Arc::clone(&self.keys);
        let count = sealed.len();
        let sealed: Vec<_> = sealed.iter().cloned().map(Sealed::into_owned).collect();
        let work = tokio::task::spawn_blocking(move || {
            let opened = sealed.iter().map(|one| {
                // A fault met in one must not reach its neighbours.
                let opening = AssertUnwindSafe(|| open_one(keys.as_ref(), one));
                catch_unwind(opening).unwrap_or(Err(Against::Refused(Refusal::Envelope)))
            });
            let opened: Vec<_> = opened.collect();
            drop(permit);
            opened
        });
        work.await.unwrap_or_else(|error| {
            tracing::error!("opening an envelope broke off: {error}");
            let broken = || Err(Against::Refused(Refusal::Envelope));
            std::iter::repeat_with(broken).take(count).collect()
        })
    }
}

fn open_one(keys: &dyn ContentKeys, sealed: &Sealed<'_>) -> Result<Opened, Against> {
    match keys.open(sealed) {
        Ok(opened) if is_json(&opened) => Ok(opened),
        Ok(_) => Err(Against::Refused(Refusal::Content)),
        Err(OpenError::Wrong(refusal)) => Err(Against::Refused(refusal)),
        Err(error @ OpenError::NotLoaded { .. }) => {
            tracing::warn!("{error}; its items are answered 503 until it is");
            Err(Against::TryLater(Delay::CertificateNotLoaded))
        }
    }
}

/// Whether the content may stand inside of an event.
fn is_json(opened: &Opened) -> bool {
    serde_json::from_slice::<&serde_json::value::RawValue>(opened.expose()).is_ok()
}
