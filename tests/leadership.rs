//! Holding a lease: it is kept in the background, and its loss is noticed in time.

#![allow(clippy::unwrap_used, reason = "test file")]

use std::sync::Arc;
use std::time::Duration;

use evergraph::adapters::state::memory::MemoryStore;
use evergraph::app::leadership::{Leadership, Lost};
use evergraph::ports::state::{DocName, StateError, StateStore};

const TERM: Duration = Duration::from_secs(15);

async fn store() -> (Arc<dyn StateStore>, DocName) {
    let store = MemoryStore::new();
    let name = DocName::parse("shards/0.json").unwrap();
    store.create(&name, b"x".to_vec()).await.unwrap();
    (Arc::new(store), name)
}

#[tokio::test(start_paused = true)]
async fn it_is_renewed_in_the_background_for_as_long_as_it_is_held() {
    let (store, name) = store().await;
    let lead = Leadership::take(Arc::clone(&store), name.clone(), TERM)
        .await
        .unwrap();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(lead.left() > TERM / 2, "{:?}", lead.left());
        let other = store.acquire(&name, TERM).await;
        assert!(matches!(other, Err(StateError::Held { .. })));
    }
    lead.give_back().await;
    store.acquire(&name, TERM).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_dropped_lets_its_lease_lapse() {
    let (store, name) = store().await;
    drop(
        Leadership::take(Arc::clone(&store), name.clone(), TERM)
            .await
            .unwrap(),
    );
    assert!(store.acquire(&name, TERM).await.is_err());
    tokio::time::sleep(TERM + Duration::from_secs(1)).await;
    store.acquire(&name, TERM).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn more_than_half_of_the_term_can_be_had_on_demand() {
    let (store, name) = store().await;
    let mut lead = Leadership::take(Arc::clone(&store), name.clone(), TERM)
        .await
        .unwrap();
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(1_300)).await;
        assert!(lead.at_least_half().await.unwrap() >= TERM / 2);
    }
}

/// A store whose renewals hang from some moment on.
struct Hanging {
    inner: MemoryStore,
    hang: std::sync::atomic::AtomicBool,
}

#[async_trait::async_trait]
impl StateStore for Hanging {
    fn place(&self) -> String {
        self.inner.place()
    }
    fn lease_terms(&self) -> (Duration, Duration) {
        self.inner.lease_terms()
    }
    async fn read(
        &self,
        name: &DocName,
    ) -> Result<Option<evergraph::ports::state::Stored>, StateError> {
        self.inner.read(name).await
    }
    async fn create(
        &self,
        name: &DocName,
        bytes: Vec<u8>,
    ) -> Result<evergraph::ports::state::Version, StateError> {
        self.inner.create(name, bytes).await
    }
    async fn write(
        &self,
        name: &DocName,
        bytes: Vec<u8>,
        expected: &evergraph::ports::state::Version,
        lease: Option<&evergraph::ports::state::LeaseId>,
    ) -> Result<evergraph::ports::state::Version, StateError> {
        self.inner.write(name, bytes, expected, lease).await
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
    async fn acquire(
        &self,
        name: &DocName,
        term: Duration,
    ) -> Result<evergraph::ports::state::LeaseId, StateError> {
        self.inner.acquire(name, term).await
    }
    async fn renew(
        &self,
        name: &DocName,
        lease: &evergraph::ports::state::LeaseId,
    ) -> Result<(), StateError> {
        if self.hang.load(std::sync::atomic::Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.inner.renew(name, lease).await
    }
    async fn release(
        &self,
        name: &DocName,
        lease: &evergraph::ports::state::LeaseId,
    ) -> Result<(), StateError> {
        self.inner.release(name, lease).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_never_believed_to_have_renewed() {
    let inner = MemoryStore::new();
    let name = DocName::parse("shards/0.json").unwrap();
    inner.create(&name, Vec::new()).await.unwrap();
    let hanging = Arc::new(Hanging {
        inner,
        hang: true.into(),
    });
    let store: Arc<dyn StateStore> = Arc::clone(&hanging) as _;
    let mut lead = Leadership::take(Arc::clone(&store), name.clone(), TERM)
        .await
        .unwrap();
    tokio::time::sleep(TERM - Duration::from_secs(1)).await;
    assert!(lead.check().is_ok());
    assert_eq!(lead.at_least_half().await, Err(Lost));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(lead.check(), Err(Lost));
    // The store agrees: another worker may take it.
    store.acquire(&name, TERM).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_somebody_else_took_is_lost_at_the_next_renewal() {
    let (store, name) = store().await;
    let lead = Leadership::take(Arc::clone(&store), name.clone(), TERM)
        .await
        .unwrap();
    store.release(&name, lead.lease()).await.unwrap();
    store.acquire(&name, TERM).await.unwrap();
    tokio::time::sleep(TERM / 2).await;
    assert_eq!(lead.check(), Err(Lost));
}
