//! Holding the lease of a shard while a pass works.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::ports::state::{DocName, LeaseId, StateError, StateStore};

/// The lease, kept by a background renewal at a third of its term.
///
/// # Guarantees
/// [`Leadership::left`] counts from the moment at which the last successful renewal was *sent*, so
/// it never believes in more time than the store does.
///
/// # Cancellation
/// Dropped without [`Leadership::give_back`], the renewal stops and the lease lapses by itself.
pub struct Leadership {
    store: Arc<dyn StateStore>,
    name: DocName,
    lease: LeaseId,
    term: Duration,
    renewed: watch::Receiver<Instant>,
    renew_now: tokio::sync::mpsc::Sender<()>,
    lost: Arc<AtomicBool>,
    keeper: JoinHandle<()>,
}

/// The lease is gone: others may have acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lease was lost; another worker may have taken over")]
pub struct Lost;

impl Leadership {
    /// Takes the lease of an existing document.
    ///
    /// # Errors
    /// [`StateError::Held`] while another worker has it; whatever else the store says.
    pub async fn take(
        store: Arc<dyn StateStore>,
        name: DocName,
        term: Duration,
    ) -> Result<Self, StateError> {
        let sent = Instant::now();
        let lease = store.acquire(&name, term).await?;
        let (tell, renewed) = watch::channel(sent);
        let (renew_now, asked) = tokio::sync::mpsc::channel(1);
        let lost = Arc::new(AtomicBool::new(false));
        let keeper = Keeper {
            store: Arc::clone(&store),
            name: name.clone(),
            lease: lease.clone(),
            term,
            tell,
            lost: Arc::clone(&lost),
        };
        let keeper = tokio::spawn(keeper.keep(asked));
        Ok(Self {
            store,
            name,
            lease,
            term,
            renewed,
            renew_now,
            lost,
            keeper,
        })
    }

    /// The lease, for conditional writes.
    pub fn lease(&self) -> &LeaseId {
        &self.lease
    }

    /// How much of the term is certainly left.
    pub fn left(&self) -> Duration {
        if self.lost.load(Ordering::Acquire) {
            return Duration::ZERO;
        }
        self.term.saturating_sub(self.renewed.borrow().elapsed())
    }

    /// Whether it is still held.
    pub fn check(&self) -> Result<(), Lost> {
        if self.left().is_zero() {
            Err(Lost)
        } else {
            Ok(())
        }
    }

    /// Makes sure that at least half of the term is left, renewing if needed; answers what is left.
    pub async fn at_least_half(&mut self) -> Result<Duration, Lost> {
        let half = self.term / 2;
        if self.left() < half {
            self.check()?;
            self.renewed.mark_unchanged();
            let _already_asked = self.renew_now.try_send(());
            let limit = self.left();
            let _told = tokio::time::timeout(limit, self.renewed.changed()).await;
        }
        let left = self.left();
        if left < half { Err(Lost) } else { Ok(left) }
    }

    /// Stops the renewal and gives the lease back, so that the next worker need not wait.
    pub async fn give_back(self) {
        self.keeper.abort();
        if self.lost.load(Ordering::Acquire) {
            return;
        }
        if let Err(error) = self.store.release(&self.name, &self.lease).await {
            tracing::info!(state.document = %self.name, "the lease could not be given back: {error}");
        }
    }
}

impl Drop for Leadership {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

struct Keeper {
    store: Arc<dyn StateStore>,
    name: DocName,
    lease: LeaseId,
    term: Duration,
    tell: watch::Sender<Instant>,
    lost: Arc<AtomicBool>,
}

impl Keeper {
    async fn keep(self, mut asked: tokio::sync::mpsc::Receiver<()>) {
        let mut pause = self.term / 3;
        loop {
            // Renewed in time, or sooner where somebody needs more of the term than is left.
            let _woken = tokio::time::timeout(pause, asked.recv()).await;
            let sent = Instant::now();
            let attempt =
                tokio::time::timeout(self.term / 3, self.store.renew(&self.name, &self.lease));
            match attempt.await {
                Ok(Ok(())) => {
                    self.tell.send_replace(sent);
                    pause = self.term / 3;
                }
                Ok(Err(StateError::Lost { .. } | StateError::Absent { .. })) => {
                    tracing::warn!(state.document = %self.name, "the lease was lost");
                    self.lost.store(true, Ordering::Release);
                    return;
                }
                Ok(Err(error)) => {
                    tracing::warn!(state.document = %self.name, "the lease was not renewed: {error}");
                    pause = self.term / 12;
                }
                Err(_slow) => pause = Duration::ZERO,
            }
            if self.tell.borrow().elapsed() >= self.term {
                self.lost.store(true, Ordering::Release);
                return;
            }
        }
    }
}
