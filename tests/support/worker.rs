//! A worker in the middle of a pass, one effect at a time: between any two of them it can be
//! stopped, overtaken or crashed.

use std::collections::VecDeque;

use evergraph::domain::ids::{SubscriptionId, TenantId};
use evergraph::domain::plan::{Creation, Deletion, Look, Plan, Reason, Renewal, Step};
use evergraph::domain::policy::Policy;
use evergraph::domain::reconcile::{Progress, reconcile};
use evergraph::domain::record::Miss;
use evergraph::domain::sight::{ById, Listing, Sight, Sights};
use evergraph::domain::state::ShardState;
use evergraph::domain::subscription::Declaration;
use jiff::Timestamp;

use super::graph::Toy;
use super::world::Setup;

/// Rounds of planning in one pass, as the application bounds them.
pub const ROUNDS_MAX: usize = 12;

/// One effect: the next thing that touches the world.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Op {
    App(TenantId),
    List(TenantId),
    Get(TenantId, SubscriptionId),
    Renew(Renewal),
    /// The survivor's renewal; the deletes follow only if it succeeds.
    RenewFirst(Renewal, Vec<Deletion>),
    /// The intent goes into the state, and the state out.
    Intend(Creation, Option<Deletion>),
    Create(Creation),
    Delete(Deletion),
    /// What is in the way; the create follows only if it succeeds.
    DeleteFirst(Deletion, Creation),
    Save,
}

/// What happened, for stories and counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    App,
    List(TenantId),
    Get(SubscriptionId),
    Renew(SubscriptionId, Reason),
    Create(String),
    Delete(SubscriptionId, Reason),
    Save,
}

/// What becomes of one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It takes effect and is answered.
    Well,
    /// It takes no effect and is not answered.
    LostBefore,
    /// It takes effect, and the answer is lost.
    LostAfter,
}

/// A worker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Worker {
    pub state: ShardState,
    /// The state that the last plan was made from.
    pub before: ShardState,
    pub sights: Sights,
    pub progress: Progress,
    pub queue: VecDeque<Op>,
    pub rounds: usize,
    pub rested: bool,
}

impl Worker {
    pub fn begin(state: ShardState, now: Timestamp) -> Self {
        Self {
            before: state.clone(),
            state,
            sights: Sights::new(),
            progress: Progress::new(now),
            queue: VecDeque::new(),
            rounds: 0,
            rested: false,
        }
    }

    pub fn is_done(&self) -> bool {
        self.queue.is_empty() && (self.rested || self.rounds >= ROUNDS_MAX)
    }

    pub fn needs_plan(&self) -> bool {
        self.queue.is_empty() && !self.is_done()
    }

    /// Plans, applies the changes, and lines up the effects.
    pub fn plan(&mut self, setup: &Setup, now: Timestamp) -> Plan {
        let plan = reconcile(&setup.inputs(&self.state, &self.sights, &self.progress, now));
        self.before = self.state.clone();
        self.line_up(setup, &plan, now);
        plan
    }

    /// Takes a plan up, wherever it comes from.
    pub fn line_up(&mut self, setup: &Setup, plan: &Plan, now: Timestamp) {
        self.rounds += 1;
        let hash = setup.config_hash();
        let recorder = setup.recorder(hash.as_deref(), now);
        for change in &plan.changes {
            recorder.apply(&mut self.state, change);
        }
        if plan.is_at_rest() {
            self.rested = true;
            if plan.grade.brakes.is_empty() {
                self.state.config_hash = hash;
            }
            self.queue.push_back(Op::Save);
            return;
        }
        for step in &plan.steps {
            self.line_up_step(step);
        }
        if !plan.steps.is_empty() {
            self.queue.push_back(Op::Save);
        }
        self.queue.extend(plan.looks.iter().map(|look| match look {
            Look::App(tenant) => Op::App(tenant.clone()),
            Look::List { tenant, .. } => Op::List(tenant.clone()),
            Look::Get { tenant, id, .. } => Op::Get(tenant.clone(), id.clone()),
        }));
        if self.rounds >= ROUNDS_MAX {
            self.queue.push_back(Op::Save);
        }
    }

    fn line_up_step(&mut self, step: &Step) {
        match step {
            Step::Renew(renewal) => self.queue.push_back(Op::Renew(renewal.clone())),
            Step::Create(create) => {
                self.queue.push_back(Op::Intend(create.clone(), None));
                self.queue.push_back(Op::Create(create.clone()));
            }
            Step::Collapse { survivor, surplus } => {
                let op = Op::RenewFirst(survivor.clone(), surplus.clone());
                self.queue.push_back(op);
            }
            Step::Replace { delete, create } => {
                let intend = Op::Intend(create.clone(), Some(delete.clone()));
                self.queue.push_back(intend);
                let op = Op::DeleteFirst(delete.clone(), create.clone());
                self.queue.push_back(op);
            }
            Step::Delete(delete) => self.queue.push_back(Op::Delete(delete.clone())),
        }
    }

    /// The next effect, well.
    pub fn act(&mut self, setup: &Setup, graph: &mut Toy, now: Timestamp) -> Event {
        self.act_with(setup, graph, now, Fate::Well)
    }

    /// The next effect, with the fate given.
    pub fn act_with(
        &mut self,
        setup: &Setup,
        graph: &mut Toy,
        now: Timestamp,
        fate: Fate,
    ) -> Event {
        let hash = setup.config_hash();
        let recorder = setup.recorder(hash.as_deref(), now);
        match self.queue.pop_front().unwrap() {
            Op::App(tenant) => {
                self.sight(&tenant).app = Some(graph.app.clone());
                Event::App
            }
            Op::List(tenant) => self.list(setup, graph, now, tenant, fate),
            Op::Get(tenant, id) => {
                let answer = match fate {
                    Fate::Well => graph.get(&id),
                    _ => ById::NoAnswer,
                };
                self.sight(&tenant).by_id.insert(id.clone(), answer);
                Event::Get(id)
            }
            Op::Renew(renewal) => self.renew(setup, graph, now, &renewal, fate).0,
            Op::RenewFirst(renewal, surplus) => {
                let (event, well) = self.renew(setup, graph, now, &renewal, fate);
                if well {
                    for delete in surplus.into_iter().rev() {
                        self.queue.push_front(Op::Delete(delete));
                    }
                } else {
                    let ids = surplus.into_iter().map(|delete| delete.id);
                    self.progress.failed.extend(ids);
                }
                event
            }
            Op::Intend(create, instead_of) => {
                recorder.intend(&mut self.state, &create, instead_of.as_ref());
                Event::Save
            }
            Op::Create(create) => self.create(setup, graph, now, &create, fate),
            Op::Delete(delete) => self.delete(setup, graph, now, &delete, fate).0,
            Op::DeleteFirst(delete, create) => {
                let (event, well) = self.delete(setup, graph, now, &delete, fate);
                self.queue.push_front(Op::Save);
                if well {
                    self.queue.push_front(Op::Create(create));
                } else {
                    recorder.not_removed(&mut self.state, &create.tag);
                    self.progress.mismatched_acted += 1;
                }
                event
            }
            Op::Save => Event::Save,
        }
    }

    pub fn sight(&mut self, tenant: &TenantId) -> &mut Sight {
        self.sights.entry(tenant.clone()).or_default()
    }

    fn list(
        &mut self,
        setup: &Setup,
        graph: &Toy,
        now: Timestamp,
        tenant: TenantId,
        fate: Fate,
    ) -> Event {
        let hash = setup.config_hash();
        let recorder = setup.recorder(hash.as_deref(), now);
        let why = "a page is missing".to_owned();
        self.sight(&tenant).listing = if fate != Fate::Well {
            let miss = Miss::Unavailable(None);
            recorder.not_listed(&mut self.state, &tenant, Some(&miss));
            let rows = Vec::new();
            Listing::Incomplete { rows, why }
        } else if graph.incomplete {
            recorder.not_listed(&mut self.state, &tenant, None);
            let rows = graph.list(&tenant);
            Listing::Incomplete { rows, why }
        } else {
            Listing::Complete {
                rows: graph.list(&tenant),
                begun_at: now,
            }
        };
        Event::List(tenant)
    }

    fn renew(
        &mut self,
        setup: &Setup,
        graph: &mut Toy,
        now: Timestamp,
        renewal: &Renewal,
        fate: Fate,
    ) -> (Event, bool) {
        let desired = renewal
            .tag
            .and_then(|tag| match setup.declaration.as_ref() {
                Declaration::Read(set) => set.by_key.get(&tag),
                Declaration::Unusable { .. } => None,
            });
        let certificate = desired.and_then(|one| Some(one.certificate.as_ref()?.id.as_str()));
        let answer = match fate {
            Fate::LostBefore => Err(Miss::Unknown),
            Fate::Well => graph.renew(renewal, certificate, &setup.home, now),
            Fate::LostAfter => {
                let _lost = graph.renew(renewal, certificate, &setup.home, now);
                Err(Miss::Unknown)
            }
        };
        let hash = setup.config_hash();
        let recorder = setup.recorder(hash.as_deref(), now);
        recorder.renewed(&mut self.state, renewal, certificate, answer.as_ref());
        let well = answer.is_ok();
        let sight = self.sight(&renewal.tenant);
        match answer {
            Ok(row) => drop(sight.by_id.insert(row.id.clone(), ById::Found(row))),
            Err(_) if renewal.tag.is_none() => {
                sight.by_id.insert(renewal.id.clone(), ById::NoAnswer);
            }
            Err(_) => {}
        }
        (Event::Renew(renewal.id.clone(), renewal.why), well)
    }

    fn create(
        &mut self,
        setup: &Setup,
        graph: &mut Toy,
        now: Timestamp,
        create: &Creation,
        fate: Fate,
    ) -> Event {
        let answer = match fate {
            Fate::LostBefore => Err(Miss::Unknown),
            Fate::Well => graph.create(create, &setup.home, &setup.ring, now),
            Fate::LostAfter => {
                let _lost = graph.create(create, &setup.home, &setup.ring, now);
                Err(Miss::Unknown)
            }
        };
        if create.why == Reason::Replacement {
            self.progress.mismatched_acted += 1;
        }
        let hash = setup.config_hash();
        let recorder = setup.recorder(hash.as_deref(), now);
        recorder.created(&mut self.state, create, answer.as_ref());
        if let Ok(row) = answer {
            let sight = self.sight(&create.desired.key.tenant);
            sight.by_id.insert(row.id.clone(), ById::Found(row));
        }
        Event::Create(create.desired.name.to_string())
    }

    fn delete(
        &mut self,
        setup: &Setup,
        graph: &mut Toy,
        now: Timestamp,
        delete: &Deletion,
        fate: Fate,
    ) -> (Event, bool) {
        let answer = match fate {
            Fate::LostBefore => Err(Miss::Unknown),
            Fate::Well => graph.delete(&delete.id),
            Fate::LostAfter => {
                let _lost = graph.delete(&delete.id);
                Err(Miss::Unknown)
            }
        };
        let hash = setup.config_hash();
        let recorder = setup.recorder(hash.as_deref(), now);
        let outcome = match &answer {
            Ok(()) => Ok(()),
            Err(miss) => Err(miss),
        };
        recorder.deleted(&mut self.state, delete, outcome);
        let removed = matches!(answer, Ok(()) | Err(Miss::Gone));
        if removed {
            let sight = self.sight(&delete.tenant);
            sight.by_id.insert(delete.id.clone(), ById::Gone);
            match delete.why {
                Reason::Undeclared => self.progress.undeclared_removed += 1,
                Reason::Replaced => self.progress.mismatched_acted += 1,
                _ => {}
            }
        } else {
            self.progress.failed.insert(delete.id.clone());
        }
        (Event::Delete(delete.id.clone(), delete.why), removed)
    }
}

/// The policy of tests that need another number.
pub fn policy(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = Policy::default();
    change(&mut policy);
    policy
}
