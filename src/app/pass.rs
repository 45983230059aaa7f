//! One pass: plan, look, do, ask anew, until nothing is left to do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::audit::trail::Trail;
pub use super::halt::Halt;
use super::instruments::Instruments;
use super::leadership::Leadership;
use super::memory::Writer;
use super::report::Report;
use super::state_doc::StateDoc;
use crate::domain::client_state::KeyRing;
use crate::domain::ids::{AppId, SubscriptionId, TenantId};
use crate::domain::ownership::Home;
use crate::domain::plan::{Brake, Change, Plan};
use crate::domain::policy::{PerMille, Policy};
use crate::domain::reconcile::{Inputs, Progress, config_hash, reconcile};
use crate::domain::record::{Miss, Recorder};
use crate::domain::sight::{Proofs, Sights, WakeMark};
use crate::domain::subscription::{Declaration, KeyTag};
use crate::ports::clock::Clock;
use crate::ports::desired::DesiredSource;
use crate::ports::dice::Dice;
use crate::ports::endpoint::OwnEndpoint;
use crate::ports::graph::Graph;
use crate::ports::pulse::Pulse;
use crate::ports::state::{DocName, StateStore};

/// What a pass works with.
#[derive(Clone)]
pub struct Services {
    /// Microsoft Graph.
    pub graph: Arc<dyn Graph>,
    /// Durable documents.
    pub store: Arc<dyn StateStore>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Chance, for jitter.
    pub dice: Arc<dyn Dice>,
    /// The declaration.
    pub desired: Arc<dyn DesiredSource>,
    /// A watcher outside, where one is configured.
    pub pulse: Option<Arc<dyn Pulse>>,
    /// Where decisions are kept.
    pub trail: Arc<Trail>,
    /// Our own public addresses, looked at before the first create of a pass.
    pub endpoint: Option<Arc<dyn OwnEndpoint>>,
}

/// How a pass works.
#[derive(Clone)]
pub struct PassConfig {
    /// Our addresses.
    pub home: Home,
    /// The clientState keys.
    pub ring: Arc<KeyRing>,
    /// Applications that owned our subscriptions before.
    pub former_apps: BTreeSet<AppId>,
    /// The numbers that govern decisions.
    pub policy: Policy,
    /// The document that holds the shard's memory.
    pub state_name: DocName,
    /// Term of the lease.
    pub lease_term: Duration,
    /// No new effect begins after this much of a pass: the function's timeout, less 30 s, less
    /// the longest call.
    pub budget: Duration,
    /// At most this many calls of Graph in one pass.
    pub calls_max: u32,
    /// At most this many calls of Graph at once.
    pub concurrency: usize,
}

/// Rounds of planning in one pass. Each round settles what the one before has shown; a key that
/// is adopted, found wrong and looked into takes five.
const ROUNDS_MAX: usize = 12;

/// A pass under way.
pub struct Pass<'a> {
    pub(super) services: &'a Services,
    pub(super) config: &'a PassConfig,
    pub(super) declaration: &'a Declaration,
    pub(super) doc: StateDoc,
    pub(super) unreadable: Option<String>,
    pub(super) lead: Option<Leadership>,
    pub(super) writer: Option<Writer>,
    pub(super) marks: Vec<WakeMark>,
    pub(super) sights: Sights,
    pub(super) progress: Progress,
    pub(super) report: &'a mut Report,
    /// The name of this pass in the audit.
    pub(super) run: String,
    /// Deletes that were written down and not sent yet: the id of the record, and the row's key.
    pub(super) announced: BTreeMap<SubscriptionId, (String, Option<KeyTag>)>,
    config_hash: Option<String>,
    proofs: Proofs,
    sampled: Timestamp,
    began: Instant,
    calls: u32,
}

impl<'a> Pass<'a> {
    /// A pass over a memory that was read. Without a lead it may look, but not act.
    #[expect(
        clippy::too_many_arguments,
        reason = "a pass is made in one place, from parts with names"
    )]
    pub fn new(
        services: &'a Services,
        config: &'a PassConfig,
        declaration: &'a Declaration,
        doc: StateDoc,
        unreadable: Option<String>,
        lead: Option<Leadership>,
        writer: Option<Writer>,
        marks: Vec<WakeMark>,
        sampled: Timestamp,
        report: &'a mut Report,
    ) -> Self {
        let started_at = sampled
            .checked_add(doc.state.clock_offset)
            .unwrap_or(sampled);
        Self {
            services,
            config,
            declaration,
            doc,
            unreadable,
            lead,
            writer,
            marks,
            sights: Sights::new(),
            progress: Progress::new(started_at),
            report,
            run: services.trail.run(),
            announced: BTreeMap::new(),
            config_hash: config_hash(declaration, &config.home),
            proofs: Proofs::default(),
            sampled,
            began: Instant::now(),
            calls: 0,
        }
    }

    /// Takes up what the intake has learnt about subscription ids.
    pub fn learn(&mut self, proofs: Proofs) {
        self.proofs = proofs;
    }

    /// Plans and acts until the plan is at rest.
    ///
    /// # Cancellation
    /// Safe at every await: what was sent and not recorded stands as an intent, or is looked for
    /// by the next pass.
    ///
    /// # Errors
    /// [`Halt`], where something must stop it before: the lease, the store, the budget.
    pub async fn run(&mut self) -> Result<(), Halt> {
        let ended = self.rounds().await;
        let exhausted = ended.as_ref().is_err_and(|halt| halt.exhausted);
        self.tally(exhausted);
        if ended.is_ok() || exhausted {
            self.save().await?;
        }
        ended
    }

    /// Counts what was done. Once: the counts are added to those of earlier passes.
    fn tally(&mut self, exhausted: bool) {
        let counted = Instruments::of(&self.report.decisions, exhausted);
        counted.log();
        self.doc.instruments.merge(&counted);
        self.report.instruments = counted;
    }

    async fn rounds(&mut self) -> Result<(), Halt> {
        for _ in 0..ROUNDS_MAX {
            let plan = self.plan();
            self.report.brake(plan.grade.mode, &plan.grade.brakes);
            for hold in &plan.holds {
                self.note_hold(hold);
            }
            for change in &plan.changes {
                self.note_change(change);
                if let Change::Adopt { tag, .. } = change {
                    self.note_covered(tag);
                }
                self.apply(change);
            }
            if plan.is_at_rest() {
                self.settle(&plan);
                return Ok(());
            }
            self.take_steps(&plan.steps).await?;
            self.take_looks(&plan.looks).await?;
        }
        Err(Halt::exhausted(format!(
            "the plan did not come to rest in {ROUNDS_MAX} rounds"
        )))
    }

    fn plan(&self) -> Plan {
        reconcile(&Inputs {
            declaration: self.declaration,
            state: &self.doc.state,
            unreadable: self.unreadable.as_deref(),
            sights: &self.sights,
            marks: &self.marks,
            proofs: &self.proofs,
            home: &self.config.home,
            ring: &self.config.ring,
            former_apps: &self.config.former_apps,
            policy: &self.config.policy,
            now: self.now(),
            progress: &self.progress,
        })
    }

    /// The present moment on Graph's clock: sampled once, then carried by the monotonic clock.
    pub(super) fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.began.elapsed()).unwrap_or_default();
        self.sampled
            .checked_add(elapsed + self.doc.state.clock_offset)
            .unwrap_or(self.sampled)
    }

    /// Graph's own clock corrects ours. Its `Date` has whole seconds, so less than two are noise.
    pub(super) fn correct_clock(&mut self, date: Option<Timestamp>) {
        let Some(date) = date else { return };
        let off = date.duration_since(self.now());
        if off.abs() >= SignedDuration::from_secs(2) {
            let before = self.doc.state.clock_offset;
            let offset = SignedDuration::from_secs((before + off).as_secs());
            self.doc.state.clock_offset = offset;
            // The beginning of the pass is a moment of the same clock: what this pass touches
            // must not seem older than the pass.
            let started_at = self.progress.started_at;
            self.progress.started_at = started_at
                .checked_add(offset - before)
                .unwrap_or(started_at);
        }
    }

    /// Runs a pure transition with the circumstances of this moment.
    pub(super) fn record<T>(
        &mut self,
        change: impl FnOnce(&Recorder<'_>, &mut StateDoc) -> T,
    ) -> T {
        let recorder = Recorder {
            now: self.now(),
            policy: &self.config.policy,
            home: &self.config.home,
            ring: &self.config.ring,
            config_hash: self.config_hash.as_deref(),
            chance: PerMille(self.services.dice.per_mille().min(999)),
        };
        change(&recorder, &mut self.doc)
    }

    fn apply(&mut self, change: &Change) {
        self.record(|recorder, doc| recorder.apply(&mut doc.state, change));
    }

    /// The plan is at rest: what was wished for is what was acted on.
    fn settle(&mut self, plan: &Plan) {
        // Deletes that the audit holds up are remembered by their watches.
        let mut brakes = plan.grade.brakes.iter();
        let free = brakes.all(|brake| matches!(brake, Brake::AuditFailing(_)));
        if free && self.lead.is_some() {
            self.doc.state.config_hash.clone_from(&self.config_hash);
        }
    }

    /// Writes the memory if it changed. Without a lead, or over an unreadable document, nothing
    /// is ever written.
    pub(super) async fn save(&mut self) -> Result<(), Halt> {
        let (Some(lead), Some(writer)) = (&self.lead, &mut self.writer) else {
            return Ok(());
        };
        let saved = writer.save(&self.doc, lead).await;
        self.report.state_writes = writer.writes;
        self.flush_full_batch().await;
        saved.map_err(|error| Halt::new(error.to_string()))
    }

    /// Whether another effect may begin.
    pub(super) fn may_act(&self, tenant: &TenantId) -> Result<(), Halt> {
        let Some(lead) = &self.lead else {
            return Err(Halt::new(
                "nothing may be changed without the lease".to_owned(),
            ));
        };
        lead.check().map_err(|lost| Halt::new(lost.to_string()))?;
        self.may_call()?;
        match self.quiet(tenant) {
            Some(until) => Err(Halt::new(format!(
                "Graph asked for silence in {tenant} until {until}"
            ))),
            None => Ok(()),
        }
    }

    /// Whether another look may begin. Whoever lost the lease does not even look: what it would
    /// see is no longer for it to act on. A pass without a lead may only look.
    pub(super) fn may_look(&self) -> Result<(), Halt> {
        if let Some(lead) = &self.lead {
            lead.check().map_err(|lost| Halt::new(lost.to_string()))?;
        }
        self.may_call()
    }

    /// Whether another call may begin.
    fn may_call(&self) -> Result<(), Halt> {
        if self.began.elapsed() >= self.config.budget {
            return Err(Halt::exhausted(
                "the time of this pass is used up; the next tick goes on",
            ));
        }
        if self.calls >= self.config.calls_max {
            return Err(Halt::exhausted(
                "the calls of this pass are used up; the next tick goes on",
            ));
        }
        Ok(())
    }

    /// Until when Graph asked for silence in the tenant, if it did.
    pub(super) fn quiet(&self, tenant: &TenantId) -> Option<Timestamp> {
        let known = self.doc.state.tenants.get(tenant)?;
        known.quiet_until.filter(|until| *until > self.now())
    }

    /// Counts calls of Graph.
    pub(super) fn count(&mut self, kind: &'static str, calls: u32) {
        self.calls = self.calls.saturating_add(calls);
        self.report.count(kind, calls);
    }

    /// Silence that Graph asked for in answer to something else than a step.
    pub(super) fn note_quiet(&mut self, tenant: &TenantId, miss: &Miss) {
        self.record(|recorder, doc| recorder.quiet(&mut doc.state, tenant, miss));
    }

    /// The lease goes back, and the memory out.
    pub async fn end(mut self) -> StateDoc {
        self.note_open_gaps();
        if let Some(lead) = self.lead {
            lead.give_back().await;
        }
        self.doc
    }
}
