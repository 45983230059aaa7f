//! A store that takes no new document while it is told to be full.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use evergraph::ports::state::{DocName, LeaseId, StateError, StateStore, Stored, Version};

/// Everything but creation is handed on.
pub struct Fillable {
    pub inner: Arc<dyn StateStore>,
    pub is_full: AtomicBool,
}

#[async_trait::async_trait]
impl StateStore for Fillable {
    fn place(&self) -> String {
        self.inner.place()
    }
    fn lease_terms(&self) -> (Duration, Duration) {
        self.inner.lease_terms()
    }
    async fn read(&self, name: &DocName) -> Result<Option<Stored>, StateError> {
        self.inner.read(name).await
    }
    async fn create(&self, name: &DocName, bytes: Vec<u8>) -> Result<Version, StateError> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(StateError::Unavailable {
                name: name.to_string(),
                why: "as told".to_owned(),
            });
        }
        self.inner.create(name, bytes).await
    }
    async fn write(
        &self,
        name: &DocName,
        bytes: Vec<u8>,
        version: &Version,
        lease: Option<&LeaseId>,
    ) -> Result<Version, StateError> {
        self.inner.write(name, bytes, version, lease).await
    }
    async fn put(&self, name: &DocName, bytes: Vec<u8>) -> Result<(), StateError> {
        self.inner.put(name, bytes).await
    }
    async fn delete(&self, name: &DocName) -> Result<(), StateError> {
        self.inner.delete(name).await
    }
    async fn list(&self, prefix: &str, limit: usize) -> Result<Vec<DocName>, StateError> {
        self.inner.list(prefix, limit).await
    }
    async fn acquire(&self, name: &DocName, term: Duration) -> Result<LeaseId, StateError> {
        self.inner.acquire(name, term).await
    }
    async fn renew(&self, name: &DocName, lease: &LeaseId) -> Result<(), StateError> {
        self.inner.renew(name, lease).await
    }
    async fn release(&self, name: &DocName, lease: &LeaseId) -> Result<(), StateError> {
        self.inner.release(name, lease).await
    }
}
