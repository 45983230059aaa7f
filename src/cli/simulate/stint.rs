//! One tick of one worker: what it was given, what it has seen, and when it must die.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::ledger::lock;
use super::truth::Realm;
use crate::domain::client_state::KeyRing;
use crate::domain::ownership::Home;
use crate::domain::subscription::Declaration;
use crate::ports::clock::{Clock, ClockError};
use crate::ports::desired::DesiredSource;
use crate::ports::dice::Dice;

/// What a worker was given for one tick, and what it has seen in it.
#[derive(Debug)]
pub struct Stint {
    /// Its addresses.
    pub home: Home,
    /// Its keys.
    pub ring: Arc<KeyRing>,
    /// Whether its token is a stranger's.
    pub stranger: bool,
    /// Why it may neither create nor delete, if it may not.
    pub brake: Option<&'static str>,
    /// The declaration that it read.
    pub declaration: Option<Declaration>,
    /// Ids that stood in an answer.
    pub seen: BTreeSet<String>,
    /// When a complete listing began.
    pub listed: Option<Timestamp>,
    /// Rows that it renewed, and when.
    pub patched: BTreeMap<String, Instant>,
    /// Until when Graph asked it for silence.
    pub quiet_until: Option<Instant>,
    /// Undeclared rows that it deleted.
    pub undeclared_deleted: usize,
    /// Calls of either port begun or ended.
    steps: u64,
    /// At which of them it dies.
    dies_at: Option<u64>,
}

/// A worker as its ports know it.
pub struct Worker {
    /// Its number, from 1.
    pub number: usize,
    /// Its name in the trace.
    pub name: String,
    /// Its fleet.
    pub realm: Arc<Realm>,
    stint: Mutex<Stint>,
    died: Notify,
}

impl Worker {
    /// A worker that has not begun.
    pub fn new(number: usize, realm: Arc<Realm>) -> Self {
        let stint = Stint::begin(&realm, number, None);
        Self {
            number,
            name: format!("{} {number}", realm.name),
            realm,
            stint: Mutex::new(stint),
            died: Notify::new(),
        }
    }

    /// Begins a tick with what is true now; it dies at its `dies_at`th step.
    pub fn begin(&self, dies_at: Option<u64>) {
        *lock(&self.stint) = Stint::begin(&self.realm, self.number, dies_at);
    }

    /// Looks at or changes what is known of the tick.
    pub fn with<T>(&self, look: impl FnOnce(&mut Stint) -> T) -> T {
        look(&mut lock(&self.stint))
    }

    /// Writes down that a rule was broken.
    pub fn broke(&self, what: impl Into<String>) {
        self.realm.broke(&self.name, what);
    }

    /// A call of a port begins or ends: here the worker may die, and then never goes on.
    pub async fn step(&self) {
        let dies = self.with(|stint| {
            stint.steps += 1;
            stint.dies_at.is_some_and(|at| stint.steps >= at)
        });
        if dies {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// Returns once the worker has died at one of its steps.
    pub async fn dies(&self) {
        self.died.notified().await;
    }
}

impl Stint {
    fn begin(realm: &Realm, number: usize, dies_at: Option<u64>) -> Self {
        let truth = lock(&realm.truth);
        Self {
            home: truth.misplaced.get(&number).unwrap_or(&truth.home).clone(),
            ring: Arc::clone(&truth.ring),
            stranger: truth.strangers.contains(&number),
            brake: truth.spoilt.as_ref().map(|_| "the state cannot be read"),
            declaration: None,
            seen: BTreeSet::new(),
            listed: None,
            patched: BTreeMap::new(),
            quiet_until: None,
            undeclared_deleted: 0,
            steps: 0,
            dies_at,
        }
    }
}

/// The worker's clock: the simulator's, ahead or behind.
pub struct SkewedClock(pub Arc<Worker>);

#[async_trait::async_trait]
impl Clock for SkewedClock {
    async fn now(&self) -> Result<Timestamp, ClockError> {
        let worker = &self.0;
        let ahead = lock(&worker.realm.truth)
            .skew
            .get(worker.number - 1)
            .copied()
            .unwrap_or(SignedDuration::ZERO);
        let now = worker.realm.now();
        Ok(now.checked_add(ahead).unwrap_or(now))
    }
}

/// The declaration as it is at the moment.
pub struct Wishes(pub Arc<Worker>);

#[async_trait::async_trait]
impl DesiredSource for Wishes {
    fn place(&self) -> String {
        "the simulation".to_owned()
    }

    async fn read(&self) -> Declaration {
        let declaration = lock(&self.0.realm.truth).declaration.clone();
        self.0.with(|stint| {
            match &declaration {
                Declaration::Unusable { .. } => stint.brake = Some("the declaration is broken"),
                Declaration::Read(set) if set.by_key.is_empty() => {
                    stint.brake = Some("the declaration is empty");
                }
                Declaration::Read(_) => {}
            }
            stint.declaration = Some(declaration.clone());
        });
        declaration
    }
}

/// Chance from a seed.
pub struct SeededDice(Mutex<fastrand::Rng>);

impl SeededDice {
    /// Dice whose throws are the same for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }
}

impl Dice for SeededDice {
    fn per_mille(&self) -> u16 {
        lock(&self.0).u16(0..1000)
    }
}
