//! A deployment in a toy world: what is configured, what is stored, what Graph holds, and time.

use std::collections::BTreeSet;
use std::rc::Rc;

use evergraph::domain::agenda::Agenda;
use evergraph::domain::client_state::KeyRing;
use evergraph::domain::ids::{AppId, SubscriptionId};
use evergraph::domain::ownership::Home;
use evergraph::domain::plan::{Plan, Reason};
use evergraph::domain::policy::{PerMille, Policy};
use evergraph::domain::reconcile::{Inputs, Progress, config_hash};
use evergraph::domain::record::Recorder;
use evergraph::domain::sight::{Proofs, Sights, WakeMark};
use evergraph::domain::state::{Entry, Held, ShardState};
use evergraph::domain::subscription::{Declaration, Desired, KeyTag, Observed};
use jiff::{SignedDuration, Timestamp};

use super::build::{START, declared, home, ring};
use super::graph::Toy;
use super::safety;
use super::worker::{Event, Worker};

/// What is configured. Cheap to clone, and left out of what an explorer compares.
#[derive(Clone)]
pub struct Setup {
    pub declaration: Rc<Declaration>,
    pub home: Rc<Home>,
    pub ring: Rc<KeyRing>,
    pub former_apps: Rc<BTreeSet<AppId>>,
    pub policy: Rc<Policy>,
    pub proofs: Rc<Proofs>,
    pub marks: Rc<Vec<WakeMark>>,
    pub unreadable: Option<&'static str>,
}

impl Setup {
    pub fn new(wishes: &[Desired]) -> Self {
        Self {
            declaration: Rc::new(declared(wishes)),
            home: Rc::new(home()),
            ring: Rc::new(ring(&["a"])),
            former_apps: Rc::new(BTreeSet::new()),
            policy: Rc::new(Policy::default()),
            proofs: Rc::new(Proofs::default()),
            marks: Rc::new(Vec::new()),
            unreadable: None,
        }
    }

    pub fn config_hash(&self) -> Option<String> {
        config_hash(&self.declaration, &self.home)
    }

    pub fn inputs<'a>(
        &'a self,
        state: &'a ShardState,
        sights: &'a Sights,
        progress: &'a Progress,
        now: Timestamp,
    ) -> Inputs<'a> {
        Inputs {
            declaration: &self.declaration,
            state,
            unreadable: self.unreadable,
            sights,
            marks: &self.marks,
            proofs: &self.proofs,
            home: &self.home,
            ring: &self.ring,
            former_apps: &self.former_apps,
            policy: &self.policy,
            now,
            progress,
        }
    }

    pub fn recorder<'a>(&'a self, hash: Option<&'a str>, now: Timestamp) -> Recorder<'a> {
        Recorder {
            now,
            policy: &self.policy,
            home: &self.home,
            ring: &self.ring,
            config_hash: hash,
            chance: PerMille(0),
        }
    }

    /// What a tick would begin a pass for.
    pub fn agenda(&self, state: &ShardState, now: Timestamp) -> Option<Reason> {
        let hash = self.config_hash();
        Agenda {
            declaration: &self.declaration,
            config_hash: hash.as_deref(),
            state,
            policy: &self.policy,
            mode: self.policy.mode,
            now,
        }
        .first_item()
    }

    pub fn wishes(&self) -> impl Iterator<Item = (&KeyTag, &Desired)> {
        match self.declaration.as_ref() {
            Declaration::Read(set) => Some(set),
            Declaration::Unusable { .. } => None,
        }
        .into_iter()
        .flat_map(|set| &set.by_key)
    }
}

/// One deployment and its Graph.
#[derive(Clone)]
pub struct World {
    pub setup: Setup,
    pub state: ShardState,
    pub graph: Toy,
    pub now: Timestamp,
    /// Rows that were there first and are not ours: nobody may ever touch them.
    pub sacred: Vec<Observed>,
}

/// What one pass did.
#[derive(Clone, Debug)]
pub struct Story {
    pub events: Vec<Event>,
    pub plans: Vec<Plan>,
    /// Whether the plan came to rest within the bound of rounds.
    pub rested: bool,
}

impl Story {
    pub fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(event)).count()
    }

    pub fn renewed(&self) -> usize {
        self.count(|event| matches!(event, Event::Renew(..)))
    }

    pub fn created(&self) -> usize {
        self.count(|event| matches!(event, Event::Create(_)))
    }

    pub fn deleted(&self) -> usize {
        self.count(|event| matches!(event, Event::Delete(..)))
    }

    pub fn listed(&self) -> usize {
        self.count(|event| matches!(event, Event::List(_)))
    }

    pub fn got(&self) -> usize {
        self.count(|event| matches!(event, Event::Get(..)))
    }

    /// Calls of Graph.
    pub fn touched(&self) -> usize {
        self.count(|event| !matches!(event, Event::App | Event::Save))
    }

    pub fn has_hold(&self, why: Reason) -> bool {
        let mut holds = self.plans.iter().flat_map(|plan| &plan.holds);
        holds.any(|hold| hold.why == why)
    }
}

impl World {
    pub fn new(wishes: &[Desired]) -> Self {
        Self {
            setup: Setup::new(wishes),
            state: ShardState::default(),
            graph: Toy::new(),
            now: START,
            sacred: Vec::new(),
        }
    }

    /// A world in which one subscription is declared.
    pub fn of(wish: &Desired) -> Self {
        Self::new(std::slice::from_ref(wish))
    }

    /// Graph keeps the row; of one that is not ours it is remembered that nobody may touch it.
    pub fn with_row(mut self, row: Observed) -> Self {
        if !self.setup.home.owner_of(&row).is_ours() {
            self.sacred.push(row.clone());
        }
        self.graph.keep(super::build::tenant(1), row);
        self
    }

    /// The state holds the subscription for the wish.
    pub fn with_held(mut self, wish: &Desired, held: Held) -> Self {
        let mut entry = Entry::new(wish.key.clone());
        entry.name = Some(wish.name.clone());
        entry.held = Some(held);
        self.state.entries.insert(wish.key.tag(), entry);
        self
    }

    /// The state of a deployment that has run for long: application, residence, hash and audit.
    pub fn settled(mut self) -> Self {
        let hash = self.setup.config_hash();
        self.state.config_hash.clone_from(&hash);
        self.state.residence = Some(evergraph::domain::state::Residence {
            fleet: self.setup.home.current.fleet.clone(),
            origin: self.setup.home.current.origin.as_str().to_owned(),
        });
        let known = self
            .state
            .tenants
            .entry(super::build::tenant(1))
            .or_default();
        known.app = Some(self.graph.app.clone());
        known.audited_at = Some(self.now);
        self
    }

    /// One pass without faults, checked plan by plan. Time stands still in it.
    #[track_caller]
    pub fn pass(&mut self) -> Story {
        let mut worker = Worker::begin(self.state.clone(), self.now);
        let mut story = Story {
            events: Vec::new(),
            plans: Vec::new(),
            rested: false,
        };
        while !worker.is_done() {
            if worker.needs_plan() {
                let plan = worker.plan(&self.setup, self.now);
                let inputs =
                    self.setup
                        .inputs(&worker.before, &worker.sights, &worker.progress, self.now);
                safety::check(&inputs, &plan);
                story.plans.push(plan);
                continue;
            }
            let event = worker.act(&self.setup, &mut self.graph, self.now);
            if event == Event::Save && self.setup.unreadable.is_none() {
                self.state = worker.state.clone();
            }
            story.events.push(event);
        }
        story.rested = worker.rested;
        self.check_sacred();
        story
    }

    #[track_caller]
    fn check_sacred(&self) {
        for row in &self.sacred {
            if row.expires > self.now {
                let kept = self.graph.rows.get(&row.id).map(|kept| &kept.row);
                assert_eq!(kept, Some(row), "a row that is not ours was touched");
            }
        }
    }

    /// Time passes: rows end, listings settle.
    pub fn wait(&mut self, time: SignedDuration) {
        self.now += time;
        self.graph.settle();
        self.graph.expire(self.now);
    }

    /// What a tick would begin a pass for.
    pub fn agenda(&self) -> Option<Reason> {
        self.setup.agenda(&self.state, self.now)
    }

    /// Ticks as the product does: a pass where the agenda says so.
    ///
    /// Every pass must come to rest and must have been worth its lease; a tick that the agenda
    /// calls idle must not sleep over anything.
    #[track_caller]
    pub fn ticks(&mut self, count: usize) -> Vec<Story> {
        let mut stories = Vec::new();
        for _ in 0..count {
            if let Some(reason) = self.agenda() {
                let before = self.state.clone();
                let story = self.pass();
                assert!(story.rested, "{:#?}", story.plans.last());
                let worth = story.touched() > 0 || self.state != before;
                assert!(worth, "a pass for {reason:?} that did nothing: {before:#?}");
                stories.push(story);
            } else {
                let idle = self.clone().pass();
                assert_eq!(
                    idle.touched(),
                    0,
                    "slept over {:?}: {:#?}",
                    idle.events,
                    self.state
                );
            }
            self.wait(self.setup.policy.tick);
        }
        stories
    }

    /// Living own rows of the wish.
    pub fn live(&self, wish: &Desired) -> Vec<SubscriptionId> {
        let tag = wish.key.tag();
        let rows = self.graph.rows.values().filter(|kept| {
            kept.row.expires > self.now
                && kept.app == self.graph.app
                && self.setup.home.owner_of(&kept.row).is_ours()
                && kept.row.key(&kept.tenant).map(|key| key.tag()) == Some(tag)
        });
        rows.map(|kept| kept.row.id.clone()).collect()
    }

    pub fn entry(&self, wish: &Desired) -> &Entry {
        &self.state.entries[&wish.key.tag()]
    }

    pub fn held(&self, wish: &Desired) -> Option<&Held> {
        self.state.entries.get(&wish.key.tag())?.held.as_ref()
    }
}
