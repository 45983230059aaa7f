//! The store as one worker reaches it: it fails, loses answers and hangs, the worker dies in
//! front of it and behind it, and what passes through is checked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::ledger::{Holder, lock};
use super::stint::Worker;
use super::truth::StoreTroubles;
use crate::app::state_doc::StateDoc;
use crate::ports::state::{DocName, LeaseId, StateError, StateStore, Stored, Version};

/// Longer than any lease of the simulation.
const HANGS: Duration = Duration::from_secs(75);

/// The store behind a door.
pub struct Vault {
    worker: Arc<Worker>,
    inner: Arc<dyn StateStore>,
    chance: Mutex<fastrand::Rng>,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    Fails,
    Loses,
    Hangs,
}

impl Vault {
    /// A door for the worker; its chance comes from the seed.
    pub fn new(worker: Arc<Worker>, seed: u64) -> Self {
        Self {
            inner: Arc::clone(&worker.realm.store),
            worker,
            chance: Mutex::new(fastrand::Rng::with_seed(seed)),
        }
    }

    async fn enter(&self, renewal: bool) -> Trouble {
        self.worker.step().await;
        let troubles = lock(&self.worker.realm.truth).store;
        if troubles == StoreTroubles::default() {
            return Trouble::None;
        }
        let draw = lock(&self.chance).u16(0..1000);
        let trouble = match () {
            () if draw < troubles.fail => Trouble::Fails,
            () if draw < troubles.fail + troubles.lose => Trouble::Loses,
            () if renewal && draw < troubles.fail + troubles.lose + troubles.hang => Trouble::Hangs,
            () => Trouble::None,
        };
        let what = match trouble {
            Trouble::None => return trouble,
            Trouble::Fails => "store call failed",
            Trouble::Loses => "store answer lost",
            Trouble::Hangs => "lease renewal hung",
        };
        let now = self.worker.realm.now();
        let mut ledger = lock(&self.worker.realm.ledger);
        ledger.count(what);
        ledger.trouble(now);
        trouble
    }

    /// One call: fails before its effect, or has it, with or without an answer.
    async fn pass<T>(
        &self,
        name: &str,
        call: impl Future<Output = Result<T, StateError>>,
    ) -> Result<T, StateError> {
        let unavailable = || StateError::Unavailable {
            name: name.to_owned(),
            why: "bad weather".to_owned(),
        };
        let trouble = self.enter(false).await;
        if trouble == Trouble::Fails {
            return Err(unavailable());
        }
        let answer = call.await;
        self.worker.step().await;
        if trouble == Trouble::Loses {
            return Err(unavailable());
        }
        answer
    }

    fn is_state(&self, name: &DocName) -> bool {
        *name == self.worker.realm.state_name
    }

    /// Rules 2 and 16, looked at before the write.
    async fn check_write(&self, name: &DocName, lease: Option<&LeaseId>) {
        if !self.is_state(name) {
            return;
        }
        if lease.is_none() {
            self.worker
                .broke("rule 2: the state was written without a lease");
        }
        if let Ok(Some(stored)) = self.inner.read(name).await
            && StateDoc::decode(&stored.bytes).is_err()
        {
            self.worker
                .broke("rule 16: an unreadable state was overwritten");
        }
    }

    fn note_write(&self, name: &DocName, lease: Option<&LeaseId>) {
        if !self.is_state(name) {
            return;
        }
        let holds = {
            let ledger = lock(&self.worker.realm.ledger);
            ledger.holder.as_ref().is_some_and(|holder| {
                Some(&holder.lease) == lease && holder.worker == self.worker.number
            })
        };
        if !holds {
            self.worker
                .broke("rule 2: a worker wrote the state under a lease of another one");
        }
    }
}

#[async_trait::async_trait]
impl StateStore for Vault {
    fn place(&self) -> String {
        self.inner.place()
    }

    fn lease_terms(&self) -> (Duration, Duration) {
        self.inner.lease_terms()
    }

    async fn read(&self, name: &DocName) -> Result<Option<Stored>, StateError> {
        self.pass(name.as_str(), self.inner.read(name)).await
    }

    async fn create(&self, name: &DocName, bytes: Vec<u8>) -> Result<Version, StateError> {
        self.pass(name.as_str(), self.inner.create(name, bytes))
            .await
    }

    async fn write(
        &self,
        name: &DocName,
        bytes: Vec<u8>,
        expected: &Version,
        lease: Option<&LeaseId>,
    ) -> Result<Version, StateError> {
        self.check_write(name, lease).await;
        let call = async {
            let written = self.inner.write(name, bytes, expected, lease).await;
            match &written {
                Ok(_) => self.note_write(name, lease),
                Err(_) => self.worker.realm.count("write refused"),
            }
            written
        };
        self.pass(name.as_str(), call).await
    }

    async fn put(&self, name: &DocName, bytes: Vec<u8>) -> Result<(), StateError> {
        if self.is_state(name) {
            self.worker
                .broke("rule 2: the state was put without a lease");
        }
        self.pass(name.as_str(), self.inner.put(name, bytes)).await
    }

    async fn delete(&self, name: &DocName) -> Result<(), StateError> {
        self.pass(name.as_str(), self.inner.delete(name)).await
    }

    async fn list(&self, prefix: &str, limit: usize) -> Result<Vec<DocName>, StateError> {
        self.pass(prefix, self.inner.list(prefix, limit)).await
    }

    async fn acquire(&self, name: &DocName, term: Duration) -> Result<LeaseId, StateError> {
        let call = async {
            let sent = Instant::now();
            let lease = self.inner.acquire(name, term).await?;
            lock(&self.worker.realm.ledger).holder = Some(Holder {
                worker: self.worker.number,
                lease: lease.clone(),
                term,
                renewed: Instant::now(),
                sent,
            });
            Ok(lease)
        };
        self.pass(name.as_str(), call).await
    }

    async fn renew(&self, name: &DocName, lease: &LeaseId) -> Result<(), StateError> {
        let sent = Instant::now();
        let trouble = self.enter(true).await;
        let unavailable = || StateError::Unavailable {
            name: name.as_str().to_owned(),
            why: "bad weather".to_owned(),
        };
        match trouble {
            Trouble::Fails => return Err(unavailable()),
            Trouble::Hangs => tokio::time::sleep(HANGS).await,
            Trouble::None | Trouble::Loses => {}
        }
        let answer = self.inner.renew(name, lease).await;
        if answer.is_ok()
            && let Some(holder) = &mut lock(&self.worker.realm.ledger).holder
            && holder.lease == *lease
        {
            holder.renewed = Instant::now();
            if trouble == Trouble::None {
                holder.sent = sent;
            }
        }
        self.worker.step().await;
        if trouble == Trouble::Loses {
            return Err(unavailable());
        }
        answer
    }

    async fn release(&self, name: &DocName, lease: &LeaseId) -> Result<(), StateError> {
        self.pass(name.as_str(), self.inner.release(name, lease))
            .await
    }
}
