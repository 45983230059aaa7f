//! The audit as one worker reaches it: it fails in bad weather, and what is to be deleted must
//! have been written down in it before.

use std::sync::{Arc, Mutex};

use jiff::civil::Date;

use super::ledger::lock;
use super::stint::Worker;
use crate::app::audit::line::decode;
use crate::domain::audit::BEGUN;
use crate::ports::audit::{Audit, AuditError, Book, Part, Segment};

/// The audit behind a door. Nothing is kept but what is about to be deleted.
pub struct Notebook {
    worker: Arc<Worker>,
    chance: Mutex<fastrand::Rng>,
}

impl Notebook {
    /// A door for the worker; its chance comes from the seed.
    pub fn new(worker: Arc<Worker>, seed: u64) -> Self {
        Self {
            worker,
            chance: Mutex::new(fastrand::Rng::with_seed(seed)),
        }
    }

    /// Fails as often as the store does.
    fn fails(&self) -> bool {
        let troubles = lock(&self.worker.realm.truth).store;
        if lock(&self.chance).u16(0..1000) >= troubles.fail {
            return false;
        }
        let now = self.worker.realm.now();
        let mut ledger = lock(&self.worker.realm.ledger);
        ledger.count("audit failed");
        ledger.trouble(now);
        true
    }
}

#[async_trait::async_trait]
impl Audit for Notebook {
    fn place(&self) -> String {
        "the simulation".to_owned()
    }

    async fn append(&self, _: Book, _: Date, lines: &[String]) -> Result<(), AuditError> {
        if self.fails() {
            return Err(AuditError::Unavailable {
                place: self.place(),
                why: "bad weather".to_owned(),
            });
        }
        let records = lines.iter().filter_map(|line| decode(line));
        let deletes = records.filter(|one| one.action == "delete" && one.outcome == BEGUN);
        let ids = deletes.filter_map(|one| one.about.id);
        lock(&self.worker.realm.ledger).written_down.extend(ids);
        Ok(())
    }

    async fn segments(&self, _: Book, _: Option<Date>) -> Result<Vec<Segment>, AuditError> {
        Ok(Vec::new())
    }

    async fn read(&self, _: &Segment, from: u64) -> Result<Part, AuditError> {
        Ok(Part {
            next: from,
            ..Part::default()
        })
    }

    async fn remove(&self, _: Book, _: Date) -> Result<u32, AuditError> {
        Ok(0)
    }
}
