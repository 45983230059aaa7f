//! Two workers and one lease.

use std::sync::Arc;
use std::time::Duration;

use evergraph::adapters::state::memory::MemoryStore;
use evergraph::app::report::{Action, Outcome};
use evergraph::app::tick;
use evergraph::ports::state::{DocName, LeaseId, StateError, StateStore, Stored, Version};
use evergraph::sim::faults::{Effect, Rule};
use evergraph::sim::request::Op;
use jiff::SignedDuration;

use crate::fleet::{Fleet, wish};
use crate::rows::sent;

/// A store that renews no lease.
struct NoRenewals(MemoryStore);

#[async_trait::async_trait]
impl StateStore for NoRenewals {
    fn place(&self) -> String {
        self.0.place()
    }
    fn lease_terms(&self) -> (Duration, Duration) {
        self.0.lease_terms()
    }
    async fn read(&self, name: &DocName) -> Result<Option<Stored>, StateError> {
        self.0.read(name).await
    }
    async fn create(&self, name: &DocName, bytes: Vec<u8>) -> Result<Version, StateError> {
        self.0.create(name, bytes).await
    }
    async fn write(
        &self,
        name: &DocName,
        bytes: Vec<u8>,
        expected: &Version,
        lease: Option<&LeaseId>,
    ) -> Result<Version, StateError> {
        self.0.write(name, bytes, expected, lease).await
    }
    async fn put(&self, name: &DocName, bytes: Vec<u8>) -> Result<(), StateError> {
        self.0.put(name, bytes).await
    }
    async fn delete(&self, name: &DocName) -> Result<(), StateError> {
        self.0.delete(name).await
    }
    async fn list(&self, prefix: &str, limit: usize) -> Result<Vec<DocName>, StateError> {
        self.0.list(prefix, limit).await
    }
    async fn acquire(&self, name: &DocName, term: Duration) -> Result<LeaseId, StateError> {
        self.0.acquire(name, term).await
    }
    async fn renew(&self, name: &DocName, _lease: &LeaseId) -> Result<(), StateError> {
        let why = "a test".to_owned();
        let name = name.to_string();
        Err(StateError::Unavailable { name, why })
    }
    async fn release(&self, name: &DocName, lease: &LeaseId) -> Result<(), StateError> {
        self.0.release(name, lease).await
    }
}

fn lists(count: usize) -> Vec<evergraph::domain::subscription::Desired> {
    let one = |at| {
        wish(
            &format!("list-{at}"),
            &format!("sites/s/lists/l{at}"),
            "updated",
        )
    };
    (0..count).map(one).collect()
}

#[tokio::test(start_paused = true)]
async fn whoever_finds_the_lease_taken_leaves_the_work_to_its_holder() {
    let fleet = Fleet::new(lists(3));
    let slow = serde_json::json!({"latency": {"min_ms": 500, "max_ms": 500}});
    fleet.control.patch_settings(slow).unwrap();
    let (one, other) = tokio::join!(fleet.tick(), async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        fleet.tick().await
    });
    assert_eq!(
        (one.outcome, other.outcome),
        (Outcome::Complete, Outcome::Busy)
    );
    assert!(other.calls.is_empty());
    assert_eq!(fleet.live().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_lost_the_lease_stops_between_two_effects() {
    let mut fleet = Fleet::new(lists(4));
    fleet.config.concurrency = 1;
    let second_reply = Rule {
        nth: 2,
        ..Rule::next(Op::Create, Effect::HoldReply { ms: 33_000 })
    };
    fleet.control.arm(second_reply).unwrap();
    let mut stale = fleet.services.clone();
    stale.store = Arc::new(NoRenewals(fleet.store.clone()));
    let (old, new) = tokio::join!(tick::run(&stale, &fleet.config), async {
        tokio::time::sleep(Duration::from_secs(31)).await;
        fleet.tick().await
    });
    let Outcome::Stopped { why } = &old.outcome else {
        panic!("{:?}", old.outcome)
    };
    assert!(why.contains("was lost"), "{why}");
    assert_eq!(
        old.done(Action::Create),
        2,
        "the second one's answer was awaited"
    );
    assert_eq!(new.outcome, Outcome::Complete, "{new:#?}");
    assert_eq!(new.done(Action::Create), 2, "what nobody had begun");
    let state = fleet.state_bytes().await;
    fleet.run_for(SignedDuration::from_hours(2)).await;
    assert_eq!((fleet.live().len(), sent(&fleet, "create")), (4, 4));
    assert_ne!(
        fleet.state_bytes().await,
        state,
        "the second one was adopted"
    );
}
