//! The life of a worker: tick after tick of the real use case, and death now and then.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use tokio::time::Instant;

use super::door::Door;
use super::flaw::{Flaw, Flawed};
use super::ledger::lock;
use super::notebook::Notebook;
use super::stint::{SeededDice, SkewedClock, Wishes, Worker};
use super::vault::Vault;
use crate::app::audit::trail::Trail;
use crate::app::pass::{PassConfig, Services};
use crate::app::report::{Action, Outcome, Report};
use crate::app::tick;
use crate::domain::ids::AppId;
use crate::domain::plan::Reason;
use crate::domain::policy::Mode;
use crate::sim::port::SimGraph;

/// How the workers of a fleet work.
#[derive(Clone, Debug)]
pub struct Terms {
    /// When the run ends.
    pub end: Instant,
    /// Distance between two timer runs.
    pub tick: Duration,
    /// Term of the lease.
    pub lease: Duration,
    /// Calls of Graph in one pass.
    pub calls_max: u32,
    /// Calls of Graph at once.
    pub concurrency: usize,
    /// A rule broken on purpose.
    pub flaw: Flaw,
}

/// One worker with its ports.
pub struct Life {
    worker: Arc<Worker>,
    graph: Arc<SimGraph>,
    services: Services,
    terms: Terms,
    chance: fastrand::Rng,
}

/// The audit of one worker.
fn trail(worker: &Arc<Worker>, seed: u64) -> Arc<Trail> {
    let notebook = Notebook::new(Arc::clone(worker), seed ^ 0xaad17);
    let name = worker.name.replace(' ', "-");
    Arc::new(Trail::new(Arc::new(notebook), name.clone(), name))
}

impl Life {
    /// A worker that begins to live; all its chance comes from the seed.
    pub fn new(worker: Arc<Worker>, terms: Terms, seed: u64) -> Self {
        let realm = &worker.realm;
        let sim = Arc::clone(realm.control.sim());
        let graph = Arc::new(SimGraph::new(sim, realm.app.clone()));
        let door = Door::new(Arc::clone(&worker), Arc::clone(&graph) as _);
        let services = Services {
            graph: Flawed::over(Arc::new(door), Arc::clone(realm), terms.flaw),
            store: Arc::new(Vault::new(Arc::clone(&worker), seed ^ 0x5707e)),
            clock: Arc::new(SkewedClock(Arc::clone(&worker))),
            dice: Arc::new(SeededDice::new(seed ^ 0xd1ce)),
            desired: Arc::new(Wishes(Arc::clone(&worker))),
            pulse: None,
            trail: trail(&worker, seed),
            endpoint: None,
        };
        Self {
            worker,
            graph,
            services,
            terms,
            chance: fastrand::Rng::with_seed(seed),
        }
    }

    /// Ticks until the end, or until a rule is broken.
    pub async fn live(mut self) {
        let realm = Arc::clone(&self.worker.realm);
        let tick = self.terms.tick;
        // Half of the workers tick within the same minute, and meet each other.
        let phase = if self.chance.bool() {
            Duration::from_millis(self.chance.u64(0..60_000))
        } else {
            tick.mul_f64(self.chance.f64())
        };
        let mut next = Instant::now() + phase;
        while next < self.terms.end && lock(&realm.ledger).broken.is_empty() {
            tokio::time::sleep_until(next).await;
            let down = self.tick().await;
            next += tick;
            // A host that is late skips what it missed.
            let ready = Instant::now() + down;
            while next < ready {
                next += tick;
            }
        }
    }

    /// One tick; answers how long the worker is down afterwards.
    async fn tick(&mut self) -> Duration {
        let deaths = lock(&self.worker.realm.truth).deaths;
        let (mut dies_at, mut falls_after) = (None, None);
        if self.chance.u16(0..1000) < deaths {
            if self.chance.bool() {
                dies_at = Some(self.chance.u64(1..80));
            } else {
                falls_after = Some(Duration::from_millis(self.chance.u64(0..6_000)));
            }
        }
        self.worker.begin(dies_at);
        let config = self.config();
        let services = self.services.clone();
        let mut run = tokio::spawn(async move { tick::run(&services, &config).await });
        let falls = async {
            match falls_after {
                Some(after) => tokio::time::sleep(after).await,
                None => std::future::pending().await,
            }
        };
        let worker = Arc::clone(&self.worker);
        let (dies, falls) = (std::pin::pin!(worker.dies()), std::pin::pin!(falls));
        let ended = match select(&mut run, select(dies, falls)).await {
            Either::Left((ended, _)) => ended,
            Either::Right(_) => {
                run.abort();
                run.await
            }
        };
        match ended {
            Ok(report) => {
                self.note(&report);
                Duration::ZERO
            }
            Err(error) if error.is_cancelled() => self.buried(dies_at.is_some()),
            Err(error) => {
                self.worker.broke(format!("the worker panicked: {error}"));
                Duration::ZERO
            }
        }
    }

    fn buried(&mut self, at_a_step: bool) -> Duration {
        let realm = &self.worker.realm;
        let now = realm.now();
        let mut ledger = lock(&realm.ledger);
        ledger.count(if at_a_step {
            "died at a step"
        } else {
            "died at an await"
        });
        ledger.trouble(now);
        ledger.tell(now, &self.worker.name, "died");
        self.terms.tick.mul_f64(self.chance.f64() * 3.0)
    }

    fn config(&self) -> PassConfig {
        let realm = &self.worker.realm;
        let former_apps = lock(&realm.truth).former_apps.clone();
        let (home, ring, stranger) = self
            .worker
            .with(|stint| (stint.home.clone(), Arc::clone(&stint.ring), stint.stranger));
        self.graph.change_app(if stranger {
            AppId::unnamed()
        } else {
            realm.app.clone()
        });
        let mut policy = realm.policy.clone();
        if self.terms.flaw == Flaw::NeverDeletes {
            policy.mode = Mode::CreateOnly;
        }
        if self.terms.flaw == Flaw::LateRenewal {
            policy.renew_after = crate::domain::policy::PerMille(1000);
            policy.jitter = crate::domain::policy::PerMille(0);
            policy.tick = jiff::SignedDuration::from_millis(1);
        }
        PassConfig {
            home,
            ring,
            former_apps,
            policy,
            state_name: realm.state_name.clone(),
            lease_term: self.terms.lease,
            budget: Duration::from_secs(240),
            calls_max: self.terms.calls_max,
            concurrency: self.terms.concurrency,
        }
    }

    fn note(&self, report: &Report) {
        let realm = &self.worker.realm;
        let now = realm.now();
        let mut ledger = lock(&realm.ledger);
        ledger.count(match &report.outcome {
            Outcome::Idle => "tick idle",
            Outcome::Complete => "pass complete",
            Outcome::Busy => "lease held elsewhere",
            Outcome::Stopped { .. } => "pass stopped",
            Outcome::Failed { .. } => "pass failed",
        });
        for brake in &report.brakes {
            ledger.count(brake.brake);
        }
        if !report.gaps_ms.is_empty() {
            ledger.count("gap measured");
        }
        if report.outcome == Outcome::Idle {
            return;
        }
        for decision in &report.decisions {
            ledger.tell(decision.at, &self.worker.name, &decision.sentence());
            if let Some(word) = noteworthy(decision.action, decision.reason, &decision.outcome) {
                ledger.count(word);
            }
        }
        ledger.tell(now, &self.worker.name, &report.summary());
    }
}

/// Decisions that some run must have taken.
fn noteworthy(action: Action, reason: Reason, outcome: &str) -> Option<&'static str> {
    match (action, reason) {
        (Action::Adopt, _) => Some("adopted"),
        (Action::Create, _) if outcome == "done" => Some("created"),
        (Action::Renew, Reason::MovedAddress) if outcome == "done" => Some("moved"),
        (Action::Renew, Reason::Reauthorize) if outcome == "done" => Some("reauthorized by PATCH"),
        (Action::Renew, Reason::ConfirmReplacement) => Some("replacement confirmed"),
        (Action::Renew, _) if outcome == "done" => Some("renewed"),
        (Action::Block, Reason::ForeignHolder) => Some("blocked by a foreign holder"),
        (Action::Block, Reason::AbsurdWait) => Some("blocked by an absurd wait"),
        (Action::Block, Reason::OwnRowInTheWay) => Some("blocked by an own row"),
        (Action::LetGo, Reason::ConfirmedGone) => Some("let go after a 404"),
        (Action::Hold, Reason::OtherApplication) => Some("held for another application"),
        (Action::Hold, Reason::Settling) => Some("held for an open intent"),
        (Action::Hold, Reason::QuietPeriod) => Some("held in silence"),
        (Action::Hold, Reason::RemovalCap) => Some("held by the removal cap"),
        (Action::Hold, Reason::IncompleteListing) => Some("held for an incomplete listing"),
        _ => None,
    }
}
