//! What rich items need beyond clientState: tokens, and opening.

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

    /// Opens them all; the answers stand in the order of the envelopes.
    pub(super) async fn open_all(
        &self,
        sealed: Vec<Sealed<'static>>,
    ) -> Vec<Result<Opened, Against>> {
        let opening: Vec<_> = sealed.into_iter().map(|one| self.open(one)).collect();
        let opening = futures::stream::iter(opening).buffered(self.at_once);
        opening.collect().await
    }

    async fn open(&self, sealed: Sealed<'static>) -> Result<Opened, Against> {
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
            return Err(Against::TryLater(Delay::Capacity)); // never closed
        };
        let keys = Arc::clone(&self.keys);
        let work = tokio::task::spawn_blocking(move || {
            let opened = keys.open(&sealed);
            drop(permit);
            opened
        });
        match work.await {
            Ok(Ok(opened)) if is_json(&opened) => Ok(opened),
            Ok(Ok(_)) => Err(Against::Refused(Refusal::Content)),
            Ok(Err(OpenError::Wrong(refusal))) => Err(Against::Refused(refusal)),
            Ok(Err(error @ OpenError::NotLoaded { .. })) => {
                tracing::warn!("{error}; its items are answered 503 until it is");
                Err(Against::TryLater(Delay::CertificateNotLoaded))
            }
            Err(error) => {
                tracing::error!("opening an envelope broke off: {error}");
                Err(Against::Refused(Refusal::Envelope))
            }
        }
    }
}

/// Whether the content may stand inside of an event.
fn is_json(opened: &Opened) -> bool {
    serde_json::from_slice::<&serde_json::value::RawValue>(opened.expose()).is_ok()
}
