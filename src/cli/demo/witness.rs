//! What the local host was seen to do.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use crate::devhost::HostEvent;

/// Keeps every event of a host. Dropping it ends that.
pub(super) struct Witness {
    seen: Arc<Mutex<Vec<HostEvent>>>,
    count: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Witness {
    pub(super) fn of(mut events: broadcast::Receiver<HostEvent>) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (told, count) = watch::channel(0);
        let kept = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            loop {
                match events.recv().await {
                    Ok(event) => {
                        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                        kept.push(event);
                        told.send_replace(kept.len());
                    }
                    // What was lost is missing from the claims, which then fail.
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return,
                }
            }
        });
        Self { seen, count, task }
    }

    /// A place in the sequence: the number of events so far.
    pub(super) fn mark(&self) -> usize {
        self.with(<[HostEvent]>::len)
    }

    /// What came after the place, picked by `pick`.
    pub(super) fn since<T>(
        &self,
        mark: usize,
        pick: impl FnMut(&HostEvent) -> Option<T>,
    ) -> Vec<T> {
        self.with(|seen| seen.iter().skip(mark).filter_map(pick).collect())
    }

    /// Waits for the first event after the place that `pick` wants.
    ///
    /// # Errors
    /// A sentence with `what`, where it did not come within `limit`.
    pub(super) async fn wait<T>(
        &self,
        mark: usize,
        limit: Duration,
        what: &str,
        mut pick: impl FnMut(&HostEvent) -> Option<T>,
    ) -> anyhow::Result<T> {
        let mut count = self.count.clone();
        let found = async {
            loop {
                count.borrow_and_update();
                if let Some(found) = self.with(|seen| seen.iter().skip(mark).find_map(&mut pick)) {
                    return Ok(found);
                }
                if count.changed().await.is_err() {
                    anyhow::bail!("the host ended while {what} was waited for");
                }
            }
        };
        match tokio::time::timeout(limit, found).await {
            Ok(found) => found,
            Err(_) => anyhow::bail!("{what} was not seen within {} s", limit.as_secs()),
        }
    }

    fn with<T>(&self, look: impl FnOnce(&[HostEvent]) -> T) -> T {
        look(&self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(why: &str) -> HostEvent {
        HostEvent::NotIndexed {
            why: why.to_owned(),
        }
    }

    fn word(event: &HostEvent) -> Option<String> {
        match event {
            HostEvent::NotIndexed { why } => Some(why.clone()),
            _ => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_is_waited_for_and_one_that_never_comes_is_named() {
        let (tell, events) = broadcast::channel(8);
        let witness = Witness::of(events);
        let limit = Duration::from_secs(3);
        tell.send(event("a")).unwrap();
        let first = witness.wait(0, limit, "a word", word).await.unwrap();
        assert_eq!(first, "a");
        let mark = witness.mark();
        let late = witness.wait(mark, limit, "a word", word).await.unwrap_err();
        assert_eq!(late.to_string(), "a word was not seen within 3 s");
        tell.send(event("b")).unwrap();
        assert_eq!(
            witness.wait(mark, limit, "a word", word).await.unwrap(),
            "b"
        );
        assert_eq!(witness.since(0, word), ["a", "b"]);
        drop(tell);
        let ended = witness.wait(2, limit, "a word", word).await.unwrap_err();
        assert!(ended.to_string().starts_with("the host ended"), "{ended}");
    }
}
