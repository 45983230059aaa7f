//! What rich items need beyond clientState: tokens, and opening.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

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

/// Opens envelopes, few requests at a time.
///
/// It does so where the request runs: each costs a fraction of a millisecond of a core, and
/// handing it to another thread and back costs a third of that. Between two envelopes of one
/// request all others have their turn.
pub(super) struct Opener {
    keys: Arc<dyn ContentKeys>,
    permits: Semaphore,
}

impl Opener {
    pub(super) fn new(keys: Arc<dyn ContentKeys>, at_once: usize) -> Self {
        Self {
            keys,
            permits: Semaphore::new(at_once.max(1)),
        }
    }

    /// Opens them all; the answers stand in the order of the envelopes.
    pub(super) async fn open_all(&self, sealed: &[Sealed<'_>]) -> Vec<Result<Opened, Against>> {
        let permit = self.permits.acquire().await;
        let mut opened = Vec::with_capacity(sealed.len());
        for one in sealed {
            if !opened.is_empty() {
                tokio::task::yield_now().await;
            }
            // A fault met in one must not reach its neighbours.
            let opening = AssertUnwindSafe(|| open_one(self.keys.as_ref(), one));
            let outcome = catch_unwind(opening);
            opened.push(outcome.unwrap_or(Err(Against::Refused(Refusal::Envelope))));
        }
        drop(permit);
        opened
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
