//! The shard's memory in its store: read, kept under a lease, written whole.

use std::sync::Arc;

use super::leadership::Leadership;
use super::state_doc::StateDoc;
use crate::ports::state::{DocName, StateError, StateStore, Stored, Version};

/// What the store holds.
pub enum Found {
    /// No document: the fleet begins, or somebody removed it.
    Nothing,
    /// A document that we understand.
    Doc(Box<StateDoc>, Version),
    /// A document that we do not understand, and why.
    Unreadable(String, Version),
}

impl Found {
    /// Reads the shard's document. A failed read is an error, never "nothing".
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn read(store: &dyn StateStore, name: &DocName) -> Result<Self, StateError> {
        Ok(match store.read(name).await? {
            None => Self::Nothing,
            Some(Stored { bytes, version }) => match StateDoc::decode(&bytes) {
                Ok(doc) => Self::Doc(Box::new(doc), version),
                Err(error) => Self::Unreadable(error.to_string(), version),
            },
        })
    }
}

/// Why the memory could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Another worker has taken over: stop.
    #[error("the state was not written: {0}")]
    TakenOver(#[source] StateError),
    /// The store does not answer: stop, and look again in the next pass.
    #[error("the state was not written: {0}")]
    Store(#[source] StateError),
}

/// Writes the document, one write at a time, each on top of the last.
pub struct Writer {
    store: Arc<dyn StateStore>,
    name: DocName,
    version: Version,
    written: Vec<u8>,
    /// Writes so far.
    pub writes: u32,
}

impl Writer {
    /// A writer on top of the version that was read under the lease.
    pub fn new(
        store: Arc<dyn StateStore>,
        name: DocName,
        version: Version,
        doc: &StateDoc,
    ) -> Self {
        Self {
            store,
            name,
            version,
            written: doc.encode(),
            writes: 0,
        }
    }

    /// Writes the document if it changed since the last write.
    ///
    /// # Errors
    /// [`SaveError`]; either way the pass must stop, since what it knows is not durable.
    pub async fn save(&mut self, doc: &StateDoc, lead: &Leadership) -> Result<(), SaveError> {
        let bytes = doc.encode();
        if bytes == self.written {
            return Ok(());
        }
        let lease = Some(lead.lease());
        let outcome = self
            .store
            .write(&self.name, bytes.clone(), &self.version, lease)
            .await;
        self.version = match outcome {
            Ok(version) => version,
            Err(error @ StateError::Unavailable { .. }) => self.read_back(&bytes, error).await?,
            Err(
                error @ (StateError::Lost { .. }
                | StateError::Held { .. }
                | StateError::Changed { .. }
                | StateError::Absent { .. }),
            ) => return Err(SaveError::TakenOver(error)),
            Err(error) => return Err(SaveError::Store(error)),
        };
        self.written = bytes;
        self.writes += 1;
        Ok(())
    }

    /// A write without an answer may have taken effect: what stands there now decides.
    async fn read_back(&self, bytes: &[u8], error: StateError) -> Result<Version, SaveError> {
        match self.store.read(&self.name).await {
            Ok(Some(stored)) if stored.bytes == bytes => Ok(stored.version),
            _ => Err(SaveError::Store(error)),
        }
    }
}
