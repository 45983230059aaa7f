//! Events in memory, for tests and measurements. Nothing outlives the process.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use crate::domain::notification::event::Event;
use crate::ports::sink::{Sink, SinkError};

/// Keeps events in memory.
#[derive(Debug, Default)]
pub struct MemorySink(Mutex<Vec<Bytes>>);

impl MemorySink {
    /// The events that were written, in the order of their writing.
    pub fn events(&self) -> Vec<Bytes> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Forgets them.
    pub fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

#[async_trait::async_trait]
impl Sink for MemorySink {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    async fn write(&self, events: &[Event]) -> Result<(), SinkError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(events.iter().map(|event| event.json.clone()));
        Ok(())
    }
}
