//! Events in memory, for tests and measurements. Nothing outlives the process.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::domain::notification::event::Event;
use crate::ports::sink::{Sink, SinkError};

/// Keeps events in memory.
#[derive(Debug)]
pub struct MemorySink {
    kept: Mutex<VecDeque<Bytes>>,
    most: usize,
    takes: Duration,
}

impl Default for MemorySink {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            most: usize::MAX,
            takes: Duration::ZERO,
        }
    }
}

impl MemorySink {
    /// Keeps the last `most` events; a write takes so long. For measurements, where memory is
    /// one of the things that are measured.
    pub fn forgetful(most: usize, takes: Duration) -> Self {
        Self {
            most,
            takes,
            ..Self::default()
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, VecDeque<Bytes>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The events that were written, in the order of their writing.
    pub fn events(&self) -> Vec<Bytes> {
        self.kept().iter().cloned().collect()
    }

    /// Forgets them.
    pub fn clear(&self) {
        self.kept().clear();
    }
}

#[async_trait::async_trait]
impl Sink for MemorySink {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    async fn write(&self, events: &[Event]) -> Result<(), SinkError> {
        if !self.takes.is_zero() {
            tokio::time::sleep(self.takes).await;
        }
        let mut kept = self.kept();
        for event in events {
            if kept.len() >= self.most {
                kept.pop_front();
            }
            kept.push_back(event.json.clone());
        }
        Ok(())
    }
}
