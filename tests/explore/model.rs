//! One state of the explored world, and what can happen next in it.

use std::collections::BTreeSet;

use evergraph::domain::ids::SubscriptionId;
use evergraph::domain::plan::{Change, Deletion, Plan, Reason, Renewal, Step};
use evergraph::domain::sight::ById;
use evergraph::domain::state::ShardState;
use evergraph::domain::subscription::Observed;
use jiff::SignedDuration;

use crate::support::build::id;
use crate::support::graph::Toy;
use crate::support::worker::{Fate, Op, Worker};
use crate::support::world::{Setup, World};

/// Longer than the settle time and than any lease.
const JUMP: SignedDuration = SignedDuration::from_mins(3);

/// How many faults of each kind may still happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Faults {
    /// A lease lapses while its holder is at work.
    pub lapses: u8,
    /// A reply is lost, before or after the effect.
    pub losses: u8,
    /// A worker dies.
    pub crashes: u8,
    /// A row of ours is removed from outside.
    pub removals: u8,
    /// Time passes: leases lapse, listings settle.
    pub jumps: u8,
}

/// Which rule is broken, on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broken {
    Nothing,
    SurvivorByRecord,
    NoRenewalFirst,
    BlindRetry,
    NoIntent,
    NoFence,
    NoCollapse,
}

/// A worker in its pass.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Busy {
    pub worker: Worker,
    /// The version of the state that it read or wrote last.
    pub version: u32,
    /// What it has renewed: that does not vanish while its pass goes on.
    pub renewed: BTreeSet<SubscriptionId>,
}

/// One state of the explored world.
#[derive(Clone)]
pub struct Node {
    pub setup: Setup,
    pub broken: Broken,
    pub first: Vec<Observed>,
    pub graph: Toy,
    pub stored: ShardState,
    pub version: u32,
    pub lease: Option<usize>,
    pub workers: [Option<Busy>; 2],
    pub faults: Faults,
    pub now: jiff::Timestamp,
    /// Living rows of ours, at most.
    pub most: usize,
    /// Whether the lease guards the state alone, and not effects on Graph.
    pub loose: bool,
}

/// What happens next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    Start(usize),
    Go(usize, Fate),
    Crash(usize),
    Lapse,
    Remove(SubscriptionId),
    Jump,
}

impl Node {
    pub fn begin(world: World, faults: Faults, broken: Broken) -> Self {
        let own = world.graph.rows.len() - world.sacred.len();
        let mends = usize::from(!world.state.watches.is_empty() && own == 1);
        Self {
            setup: world.setup,
            broken,
            first: world.sacred,
            graph: world.graph,
            stored: world.state,
            version: 0,
            lease: None,
            workers: [None, None],
            faults,
            now: world.now,
            most: own.max(1) + mends,
            loose: false,
        }
    }

    pub fn world(&self) -> World {
        World {
            setup: self.setup.clone(),
            state: self.stored.clone(),
            graph: self.graph.clone(),
            now: self.now,
            sacred: self.first.clone(),
        }
    }

    fn is_anything_due(&self) -> bool {
        self.setup.agenda(&self.stored, self.now).is_some()
    }

    /// Everything that can happen next.
    pub fn nexts(&self) -> Vec<Next> {
        let mut nexts = Vec::new();
        for (number, worker) in self.workers.iter().enumerate() {
            match worker {
                // The second of two idle workers does nothing that the first could not do.
                None if number == 1 && self.workers[0].is_none() => {}
                None if self.lease.is_none() && self.is_anything_due() => {
                    nexts.push(Next::Start(number));
                }
                None => {}
                Some(busy) => self.nexts_of(number, busy, &mut nexts),
            }
        }
        if let Some(holder) = self.lease
            && (self.faults.lapses > 0 || self.workers[holder].is_none())
        {
            nexts.push(Next::Lapse);
        }
        if self.faults.removals > 0 {
            nexts.extend(self.removable().map(Next::Remove));
        }
        if self.faults.jumps > 0 {
            nexts.push(Next::Jump);
        }
        nexts
    }

    fn nexts_of(&self, number: usize, busy: &Busy, nexts: &mut Vec<Next>) {
        nexts.push(Next::Go(number, Fate::Well));
        let front = busy.worker.queue.front();
        if self.faults.losses > 0 {
            match front {
                Some(Op::List(_) | Op::Get(..)) => nexts.push(Next::Go(number, Fate::LostBefore)),
                Some(Op::App(_) | Op::Save) | None => {}
                // A write whose answer is lost: the pass ends there.
                Some(Op::Intend(..)) => nexts.push(Next::Go(number, Fate::LostAfter)),
                Some(_) => {
                    nexts.push(Next::Go(number, Fate::LostBefore));
                    nexts.push(Next::Go(number, Fate::LostAfter));
                }
            }
        }
        if self.faults.crashes > 0 {
            nexts.push(Next::Crash(number));
        }
    }

    fn removable(&self) -> impl Iterator<Item = SubscriptionId> {
        let spared: BTreeSet<_> = self
            .workers
            .iter()
            .flatten()
            .flat_map(|busy| busy.renewed.iter().cloned())
            .collect();
        let rows = self.graph.rows.values().map(|kept| &kept.row);
        let own: Vec<_> = rows
            .filter(|row| self.setup.home.owner_of(row).is_ours() && !spared.contains(&row.id))
            .map(|row| row.id.clone())
            .collect();
        own.into_iter()
    }

    /// The state after it, or the rule that it breaks.
    pub fn after(&self, next: &Next) -> Result<Self, String> {
        let mut node = self.clone();
        match next {
            Next::Start(number) => node.start(*number),
            Next::Go(number, fate) => node.go(*number, *fate)?,
            Next::Crash(number) => {
                node.faults.crashes -= 1;
                node.workers[*number] = None;
            }
            Next::Lapse => {
                let holder = node.lease.take();
                if holder.is_some_and(|holder| node.workers[holder].is_some()) {
                    node.faults.lapses -= 1;
                }
            }
            Next::Remove(id) => {
                node.faults.removals -= 1;
                node.graph.rows.remove(id);
            }
            Next::Jump => {
                node.faults.jumps -= 1;
                node.lease = None;
                node.now += JUMP;
                node.graph.settle();
            }
        }
        node.check(self)?;
        Ok(node)
    }

    fn start(&mut self, number: usize) {
        self.lease = Some(number);
        self.workers[number] = Some(Busy {
            worker: Worker::begin(self.stored.clone(), self.now),
            version: self.version,
            renewed: BTreeSet::new(),
        });
        self.think(number);
    }

    /// Plans and does what nobody else can notice, and ends a pass that is done.
    fn think(&mut self, number: usize) {
        let Some(busy) = &mut self.workers[number] else {
            return;
        };
        loop {
            let silent = match busy.worker.queue.front() {
                Some(Op::App(_)) => true,
                Some(Op::Save) => busy.worker.state == self.stored,
                _ => false,
            };
            if silent {
                busy.worker.act(&self.setup, &mut self.graph, self.now);
            } else if busy.worker.needs_plan() {
                plan(&mut busy.worker, &self.setup, self.now, self.broken, number);
            } else {
                break;
            }
        }
        if busy.worker.is_done() {
            self.end(number);
        }
    }

    fn end(&mut self, number: usize) {
        self.workers[number] = None;
        if self.lease == Some(number) {
            self.lease = None;
        }
    }

    fn go(&mut self, number: usize, fate: Fate) -> Result<(), String> {
        let busy = self.workers[number].as_mut().unwrap();
        let op = busy.worker.queue.front().cloned().unwrap();
        let looks = matches!(op, Op::App(_) | Op::List(_) | Op::Get(..));
        let leads = self.lease == Some(number);
        let guarded = !self.loose || matches!(op, Op::Save | Op::Intend(..));
        if !looks && !leads && guarded && self.broken != Broken::NoFence {
            // Whoever has lost the lease stops before the next effect.
            self.workers[number] = None;
            return Ok(());
        }
        if fate != Fate::Well {
            self.faults.losses -= 1;
        }
        if let Op::Create(create) = &op {
            let entry = self.stored.entries.get(&create.tag);
            if !self.loose && entry.is_none_or(|entry| entry.intent.is_none()) {
                return Err("a create is sent whose intent is not written down".to_owned());
            }
        }
        busy.worker
            .act_with(&self.setup, &mut self.graph, self.now, fate);
        if self.broken == Broken::BlindRetry
            && let Op::Create(create) = &op
        {
            let entry = busy.worker.state.entries.get_mut(&create.tag).unwrap();
            entry.intent = None;
        }
        match &op {
            Op::Save | Op::Intend(..) => self.write(number, fate, &op)?,
            Op::Renew(renewal) | Op::RenewFirst(renewal, _) if fate == Fate::Well => {
                busy.renewed.insert(renewal.id.clone());
            }
            _ => {}
        }
        self.think(number);
        Ok(())
    }

    fn write(&mut self, number: usize, fate: Fate, op: &Op) -> Result<(), String> {
        let busy = self.workers[number].as_mut().unwrap();
        if self.broken == Broken::NoIntent && matches!(op, Op::Intend(..)) {
            return Ok(());
        }
        if busy.worker.state == self.stored {
            return Ok(());
        }
        if self.lease != Some(number) || busy.version != self.version {
            return Err("the state is written without the lease".to_owned());
        }
        self.version += 1;
        busy.version = self.version;
        self.stored = busy.worker.state.clone();
        if fate == Fate::LostAfter {
            self.end(number);
        }
        Ok(())
    }

    /// What must hold after every step.
    fn check(&self, before: &Self) -> Result<(), String> {
        for row in &self.first {
            if self.graph.rows.get(&row.id).map(|kept| &kept.row) != Some(row) {
                return Err(format!("{} is not ours, and was touched", row.id));
            }
        }
        let own = |node: &Self| node.graph.rows.len() - node.first.len();
        if own(self) > self.most {
            return Err(format!("{} subscriptions of one resource", own(self)));
        }
        let removed = self.faults.removals < before.faults.removals;
        if own(self) == 0 && own(before) > 0 && !removed {
            let mut entries = self.stored.entries.values();
            let meant = entries.any(|entry| {
                let intent = entry.intent.as_ref();
                intent.is_some_and(|intent| intent.instead_of.is_some())
            });
            if !meant {
                return Err("a delete removed the last one".to_owned());
            }
        }
        Ok(())
    }
}

/// Plans, and breaks the plan where a rule is to be broken.
fn plan(worker: &mut Worker, setup: &Setup, now: jiff::Timestamp, broken: Broken, number: usize) {
    use evergraph::domain::reconcile::reconcile;
    let inputs = setup.inputs(&worker.state, &worker.sights, &worker.progress, now);
    let mut plan = reconcile(&inputs);
    if broken == Broken::Nothing {
        crate::support::safety::check(&inputs, &plan);
    }
    match broken {
        Broken::NoRenewalFirst => delete_at_once(&mut plan),
        Broken::NoCollapse => plan
            .steps
            .retain(|step| !matches!(step, Step::Collapse { .. })),
        Broken::SurvivorByRecord => keep_the_recorded(&mut plan, worker, number),
        _ => {}
    }
    worker.line_up(setup, &plan, now);
    // Only tests that check a plan afterwards need it.
    worker.before = ShardState::default();
}

fn delete_at_once(plan: &mut Plan) {
    let steps = std::mem::take(&mut plan.steps);
    plan.steps = steps
        .into_iter()
        .flat_map(|step| match step {
            Step::Collapse { surplus, .. } => surplus.into_iter().map(Step::Delete).collect(),
            step => vec![step],
        })
        .collect();
}

/// Whoever the state names survives, or whoever comes first in a listing, whose order is
/// Graph's business: another one for every worker.
fn keep_the_recorded(plan: &mut Plan, worker: &Worker, number: usize) {
    let held = worker
        .state
        .entries
        .values()
        .find_map(|entry| entry.held.as_ref());
    let first = ["r1", "r2"].map(id)[number].clone();
    let wanted = held.map_or(first, |held| held.id.clone());
    let adopts = |change: &Change| matches!(change, Change::Adopt { .. });
    if held.is_some() {
        plan.changes.retain(|change| !adopts(change));
    }
    for change in &mut plan.changes {
        if let Change::Adopt { id, .. } = change {
            *id = wanted.clone();
        }
    }
    let Some(held) = held else { return };
    let entry = worker.state.entries.iter().next();
    let collapsed = worker
        .sights
        .values()
        .any(|sight| sight.by_id.values().any(|answer| *answer == ById::Gone));
    let listed = worker
        .sights
        .values()
        .any(|sight| sight.listing.complete_since().is_some());
    if collapsed || !listed {
        return;
    }
    let others = ["r1", "r2"].map(id).into_iter().filter(|id| *id != held.id);
    let tenant = crate::support::build::tenant(1);
    plan.looks.clear();
    plan.steps = vec![Step::Collapse {
        survivor: Renewal {
            tenant: tenant.clone(),
            id: held.id.clone(),
            tag: entry.map(|(tag, _)| *tag),
            expires: held.expires + SignedDuration::from_hours(1),
            ends: held.expires,
            moves: false,
            certificate: false,
            why: Reason::Survivor,
        },
        surplus: others
            .map(|id| Deletion {
                tenant: tenant.clone(),
                id,
                why: Reason::Surplus,
            })
            .collect(),
    }];
}
