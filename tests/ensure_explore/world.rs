//! One state of the explored world, what can happen next in it, and how it heals.

use std::time::Duration;

use evergraph::domain::ensure::{Ending, Facts, HolderId, Limits, Move, Outcome, Run, Stop, Token};

use crate::actor::{Actor, Fate};
use crate::service::{HIDDEN, LAG, Rules, Service, Thing};

/// How many faults of each kind may still happen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Faults {
    /// The reply to a write is lost, before or after the effect.
    pub losses: u8,
    /// The reply to a read is lost.
    pub reads: u8,
    /// Time passes although somebody could act: that one is slow.
    pub stalls: u8,
    /// The service asks to wait.
    pub throttles: u8,
    /// A page of a list cannot be had.
    pub pages: u8,
    /// Somebody changes a thing of ours.
    pub meddles: u8,
    /// Somebody removes a thing of ours that nobody just proved to live.
    pub removals: u8,
    /// Somebody creates a foreign one.
    pub squats: u8,
}

/// Which rule is broken, on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Broken {
    Nothing,
    BlindRetry,
    Impatient,
    TrustsPages,
    TakesForeign,
    NoProof,
    NoWindow,
    NoCollapse,
}

/// One state of the explored world.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct World {
    pub now: Duration,
    pub service: Service,
    pub actors: [Option<Actor>; 2],
    pub faults: Faults,
    pub broken: Broken,
    pub exclusive: bool,
    pub restore: bool,
}

/// What happens next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    Start(usize),
    Act(usize, Fate),
    Pass,
    Show(HolderId),
    Meddle(HolderId),
    Remove(HolderId),
    Squat,
}

impl World {
    pub fn new(rules: Rules, things: Vec<Thing>, faults: Faults) -> Self {
        Self {
            now: Duration::ZERO,
            service: Service::new(rules, things),
            actors: [None, None],
            faults,
            broken: Broken::Nothing,
            exclusive: true,
            restore: false,
        }
    }

    fn facts(&self) -> Facts {
        Facts {
            exclusive: self.exclusive,
            restore: self.restore,
            hidden_for: match self.broken {
                Broken::NoWindow => Duration::ZERO,
                _ => HIDDEN,
            },
            collapse: self.broken != Broken::NoCollapse,
            ..Facts::default()
        }
    }

    fn begin(&self, name: &str) -> Actor {
        let token = Token::new(name);
        let run = Run::start(self.facts(), Limits::default(), token.clone());
        Actor::start(run, token, self.now)
    }

    /// Everything that can happen next.
    pub fn nexts(&self) -> Vec<Next> {
        let mut nexts = Vec::new();
        for (number, actor) in self.actors.iter().enumerate() {
            match actor {
                // The second of two idle actors does nothing that the first could not do.
                None if number == 1 && self.actors[0].is_none() => {}
                None => nexts.push(Next::Start(number)),
                Some(actor) if actor.is_done() => {}
                Some(actor) => self.nexts_of(number, actor, &mut nexts),
            }
        }
        let running = self.actors.iter().flatten();
        let ready = running.filter(|one| !one.is_done() && one.wakes.is_none());
        let ready = ready.count();
        if self.wakes_next().is_some() && (ready == 0 || self.faults.stalls > 0) {
            nexts.push(Next::Pass);
        }
        // What happens outside matters only to somebody who is about to act.
        if ready > 0 {
            self.outside(&mut nexts);
        }
        nexts
    }

    fn nexts_of(&self, number: usize, actor: &Actor, nexts: &mut Vec<Next>) {
        if actor.wakes.is_some() {
            return;
        }
        let next = actor.run.next();
        nexts.push(Next::Act(number, Fate::Well));
        if self.faults.losses > 0 && next.writes() {
            nexts.push(Next::Act(number, Fate::LostBefore));
            nexts.push(Next::Act(number, Fate::LostAfter));
        }
        if self.faults.reads > 0 && !next.writes() {
            nexts.push(Next::Act(number, Fate::LostBefore));
        }
        if self.faults.throttles > 0 {
            nexts.push(Next::Act(number, Fate::Throttled));
        }
        if self.faults.pages > 0 && *next == Move::Observe {
            nexts.push(Next::Act(number, Fate::Page));
        }
    }

    fn outside(&self, nexts: &mut Vec<Next>) {
        for thing in &self.service.things {
            if !thing.shown {
                nexts.push(Next::Show(thing.id.clone()));
            }
            if thing.own && !thing.gone && self.faults.meddles > 0 {
                nexts.push(Next::Meddle(thing.id.clone()));
            }
            if thing.own && !thing.gone && self.faults.removals > 0 {
                nexts.push(Next::Remove(thing.id.clone()));
            }
        }
        if self.faults.squats > 0 {
            nexts.push(Next::Squat);
        }
    }

    fn wakes_next(&self) -> Option<Duration> {
        let wakes = self.actors.iter().flatten().filter_map(|actor| actor.wakes);
        wakes.filter(|wakes| *wakes > self.now).min()
    }

    /// The state after it, or the rule that it breaks.
    pub fn after(&self, next: &Next) -> Result<Self, String> {
        let mut world = self.clone();
        match next {
            Next::Start(number) => {
                world.actors[*number] = Some(self.begin(["A", "B"][*number]));
            }
            Next::Act(number, fate) => {
                match fate {
                    Fate::Well => {}
                    Fate::LostBefore if !self.writes_next(*number) => world.faults.reads -= 1,
                    Fate::LostBefore | Fate::LostAfter => world.faults.losses -= 1,
                    Fate::Throttled => world.faults.throttles -= 1,
                    Fate::Page => world.faults.pages -= 1,
                }
                let (now, broken) = (self.now, self.broken);
                if let Some(actor) = &mut world.actors[*number] {
                    actor.act(&mut world.service, *fate, now, broken)?;
                }
                world.wake()?;
            }
            Next::Pass => world.pass()?,
            Next::Show(id) => world.service.show(id),
            Next::Meddle(id) => {
                world.faults.meddles -= 1;
                for thing in world.service.things.iter_mut().filter(|one| one.id == *id) {
                    thing.version += 1;
                    thing.drift = true;
                }
            }
            Next::Remove(id) => {
                world.faults.removals -= 1;
                world.service.things.retain(|thing| thing.id != *id);
            }
            Next::Squat => {
                world.faults.squats -= 1;
                world.service.things.push(Thing {
                    since: self.now,
                    shown: false,
                    ..Thing::foreign("a-theirs")
                });
            }
        }
        Ok(world)
    }

    fn writes_next(&self, number: usize) -> bool {
        let actor = self.actors[number].as_ref();
        actor.is_some_and(|actor| actor.run.next().writes())
    }

    fn pass(&mut self) -> Result<(), String> {
        let ready = |actor: &Actor| !actor.is_done() && actor.wakes.is_none();
        if self.actors.iter().flatten().any(ready) {
            self.faults.stalls -= 1;
        }
        self.now = self.wakes_next().unwrap_or(self.now);
        self.service.settle(self.now);
        self.wake()
    }

    /// Waits end as soon as they may: nobody else can notice.
    fn wake(&mut self) -> Result<(), String> {
        let (now, broken) = (self.now, self.broken);
        for actor in self.actors.iter_mut().flatten() {
            while actor.wakes.is_some_and(|wakes| wakes <= now) {
                actor.act(&mut self.service, Fate::Well, now, broken)?;
            }
        }
        Ok(())
    }

    pub fn is_over(&self) -> bool {
        self.actors
            .iter()
            .flatten()
            .filter(|one| one.is_done())
            .count()
            == 2
    }

    /// No more faults: a few quiet runs leave exactly one of ours, or leave the key to its
    /// foreign holder, and the last of them writes nothing.
    pub fn heal(&self) -> Result<(), String> {
        let mut world = self.clone();
        world.now += LAG;
        world.service.settle(world.now);
        let mut last = None;
        for _ in 0..4 {
            last = Some(world.quiet_run()?);
        }
        let (ending, writes) = last.ok_or("no run")?;
        let theirs = world.service.things.iter().any(|thing| !thing.own);
        let own: Vec<_> = world.service.own().collect();
        let drifts = own.iter().any(|thing| thing.drift);
        if writes > 0 {
            return Err(format!("the last quiet run wrote {writes} times"));
        }
        match (&ending, own.len()) {
            (Ending::Done { outcome, id }, 1) if *id == own[0].id && !drifts => match outcome {
                Outcome::Unchanged => Ok(()),
                other => Err(format!("the last quiet run ended with {other:?}")),
            },
            (Ending::GaveUp(up), 0) if up.reason == Stop::Foreign && theirs => Ok(()),
            (Ending::GaveUp(up), 0) if up.reason == Stop::NeedsOperator && !self.restore => Ok(()),
            (ending, own) => Err(format!("{own} of ours in the end; {ending}")),
        }
    }

    fn quiet_run(&mut self) -> Result<(Ending, u32), String> {
        let mut actor = self.begin("quiet");
        loop {
            if let Move::End(ending) = actor.run.next() {
                return Ok((ending.clone(), actor.writes));
            }
            if let Some(wakes) = actor.wakes {
                self.now = self.now.max(wakes);
                self.service.settle(self.now);
            }
            actor.act(&mut self.service, Fate::Well, self.now, self.broken)?;
        }
    }
}
