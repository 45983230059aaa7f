//! State in the memory of this process, for tests and simulations.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{LONGEST_TERM, SHORTEST_LOCAL_TERM, check_term, refused};
use crate::domain::lease::{self, Lease};
use crate::ports::state::{DocName, LeaseId, StateError, StateStore, Stored, Version};

/// State that lives as long as this process. Clones share it, as workers share a container.
///
/// Leases run on the runtime's clock, so a test that pauses time pauses them. Each call takes
/// effect at once, at its first poll; it never waits.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    shared: Arc<Mutex<Shared>>,
    started: Instant,
}

#[derive(Default, Debug)]
struct Shared {
    documents: BTreeMap<DocName, Document>,
    /// Draws versions and lease ids; never repeats.
    drawn: u64,
}

#[derive(Debug)]
struct Document {
    bytes: Vec<u8>,
    version: Version,
    lease: Option<Lease>,
}

impl Shared {
    fn draw(&mut self) -> u64 {
        self.drawn += 1;
        self.drawn
    }

    fn document(&mut self, name: &DocName) -> Result<&mut Document, StateError> {
        self.documents
            .get_mut(name)
            .ok_or_else(|| StateError::Absent { name: name.clone() })
    }

    fn insert(&mut self, name: &DocName, bytes: Vec<u8>) -> Version {
        let version = Version(self.draw().to_string());
        let document = Document {
            bytes,
            version: version.clone(),
            lease: None,
        };
        self.documents.insert(name.clone(), document);
        version
    }

    /// Replaces the content under a lease that was checked.
    fn replace(
        &mut self,
        name: &DocName,
        bytes: Vec<u8>,
        lease: Option<&LeaseId>,
    ) -> Result<Version, StateError> {
        let version = Version(self.draw().to_string());
        let document = self.document(name)?;
        document.bytes = bytes;
        document.version = version.clone();
        if lease.is_none() {
            document.lease = None;
        }
        Ok(version)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self {
            shared: Arc::default(),
            started: Instant::now(),
        }
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // No call can panic halfway through a change, so a poisoned map is still whole.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl StateStore for MemoryStore {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    fn lease_terms(&self) -> (Duration, Duration) {
        (SHORTEST_LOCAL_TERM, LONGEST_TERM)
    }

    async fn read(&self, name: &DocName) -> Result<Option<Stored>, StateError> {
        Ok(self.shared().documents.get(name).map(|document| Stored {
            bytes: document.bytes.clone(),
            version: document.version.clone(),
        }))
    }

    async fn create(&self, name: &DocName, bytes: Vec<u8>) -> Result<Version, StateError> {
        let mut shared = self.shared();
        if shared.documents.contains_key(name) {
            return Err(StateError::Exists { name: name.clone() });
        }
        Ok(shared.insert(name, bytes))
    }

    async fn write(
        &self,
        name: &DocName,
        bytes: Vec<u8>,
        expected: &Version,
        lease: Option<&LeaseId>,
    ) -> Result<Version, StateError> {
        let now = self.now();
        let mut shared = self.shared();
        let document = shared.document(name)?;
        let holder = lease.map(|id| id.0.as_str());
        lease::permits_write(document.lease.as_ref(), holder, now)
            .map_err(|refusal| refused(refusal, name))?;
        if document.version != *expected {
            return Err(StateError::Changed { name: name.clone() });
        }
        shared.replace(name, bytes, lease)
    }

    async fn put(&self, name: &DocName, bytes: Vec<u8>) -> Result<(), StateError> {
        let now = self.now();
        let mut shared = self.shared();
        if let Some(document) = shared.documents.get(name) {
            lease::permits_write(document.lease.as_ref(), None, now)
                .map_err(|refusal| refused(refusal, name))?;
        }
        shared.insert(name, bytes);
        Ok(())
    }

    async fn delete(&self, name: &DocName) -> Result<(), StateError> {
        let now = self.now();
        let mut shared = self.shared();
        if let Some(document) = shared.documents.get(name) {
            lease::permits_write(document.lease.as_ref(), None, now)
                .map_err(|refusal| refused(refusal, name))?;
            shared.documents.remove(name);
        }
        Ok(())
    }

    async fn list(&self, prefix: &str, limit: usize) -> Result<Vec<DocName>, StateError> {
        let shared = self.shared();
        let names = shared.documents.keys();
        Ok(names
            .skip_while(|name| name.as_str() < prefix)
            .take_while(|name| name.as_str().starts_with(prefix))
            .take(limit)
            .cloned()
            .collect())
    }

    async fn acquire(&self, name: &DocName, term: Duration) -> Result<LeaseId, StateError> {
        check_term(name, term, self.lease_terms())?;
        let now = self.now();
        let mut shared = self.shared();
        let id = format!("lease-{}", shared.draw());
        let document = shared.document(name)?;
        let taken = lease::acquire(document.lease.as_ref(), &id, term, now)
            .map_err(|refusal| refused(refusal, name))?;
        document.lease = Some(taken);
        Ok(LeaseId(id))
    }

    async fn renew(&self, name: &DocName, lease: &LeaseId) -> Result<(), StateError> {
        let now = self.now();
        let mut shared = self.shared();
        let Ok(document) = shared.document(name) else {
            return Err(StateError::Lost { name: name.clone() });
        };
        let renewed = lease::renew(document.lease.as_ref(), &lease.0, now)
            .map_err(|refusal| refused(refusal, name))?;
        document.lease = Some(renewed);
        Ok(())
    }

    async fn release(&self, name: &DocName, lease: &LeaseId) -> Result<(), StateError> {
        let mut shared = self.shared();
        let Ok(document) = shared.document(name) else {
            return Err(StateError::Lost { name: name.clone() });
        };
        lease::release(document.lease.as_ref(), &lease.0)
            .map_err(|refusal| refused(refusal, name))?;
        document.lease = None;
        Ok(())
    }
}
