//! One actor with a run of the engine, and what must be true of everything it does.

use std::time::Duration;

use evergraph::domain::ensure::{
    Failure, Heard, HolderId, Limits, Moment, Move, Observation, Ours, Run, Seen, Token, Told,
};

use crate::service::{Service, throttled};
use crate::world::Broken;

/// What the service asks for when it throttles.
pub const ASKED: Duration = Duration::from_secs(5);

/// How a call goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fate {
    Well,
    /// It never arrives.
    LostBefore,
    /// Its answer is lost.
    LostAfter,
    /// The service asks to wait.
    Throttled,
    /// One page of a list cannot be had.
    Page,
}

/// An actor with its run.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Actor {
    pub run: Run,
    token: Token,
    began: Duration,
    /// When the wait under way ends.
    pub wakes: Option<Duration>,
    creates: u32,
    /// Whether everything was seen since the last create.
    looked: bool,
    /// What of ours every list showed when it last looked at everything.
    listed: Vec<HolderId>,
    /// No call before.
    silent_until: Duration,
    /// The survivor that was proven to live, and whether everything was listed since.
    kept: Option<(HolderId, bool)>,
    /// What it saw last, for broken variants.
    saw: Vec<Seen>,
    pub writes: u32,
}

impl Actor {
    pub fn start(run: Run, token: Token, now: Duration) -> Self {
        let mut actor = Self {
            run,
            token,
            began: now,
            wakes: None,
            creates: 0,
            looked: true,
            listed: Vec::new(),
            silent_until: Duration::ZERO,
            kept: None,
            saw: Vec::new(),
            writes: 0,
        };
        actor.settle(now);
        actor
    }

    pub fn is_done(&self) -> bool {
        matches!(self.run.next(), Move::End(_))
    }

    fn settle(&mut self, now: Duration) {
        self.run.take_steps();
        if let Move::Wait { time } = self.run.next() {
            self.wakes = Some(now + *time);
        }
    }

    fn tell(&mut self, heard: Heard, now: Duration) {
        let moment = Moment {
            now: now - self.began,
            per_mille: 999,
        };
        self.run.heard(heard, moment);
        self.settle(now);
    }

    /// Does the next thing; says which rule it broke, if any.
    pub fn act(
        &mut self,
        service: &mut Service,
        fate: Fate,
        now: Duration,
        broken: Broken,
    ) -> Result<(), String> {
        let next = self.run.next().clone();
        if let Move::Wait { .. } = next {
            self.wakes = None;
            self.tell(Heard::Waited, now);
            return Ok(());
        }
        if now < self.silent_until {
            return Err(format!("{next:?} before the service allowed it"));
        }
        self.check(&next, service, broken)?;
        if next == Move::Observe {
            let shown = service.own().filter(|thing| thing.shown);
            self.listed = shown.map(|thing| thing.id.clone()).collect();
        }
        let before = service.clone();
        let heard = match fate {
            Fate::LostBefore => lost(),
            Fate::Throttled => {
                self.silent_until = now + ASKED;
                Heard::Failed(throttled(ASKED))
            }
            Fate::Page => Heard::Observed(Told::new(self.page_lost(broken))),
            Fate::Well | Fate::LostAfter => {
                let heard = self.call(&next, service, now, broken);
                if fate == Fate::Well { heard } else { lost() }
            }
        };
        self.writes += u32::from(*service != before);
        self.remember(&next, &heard, broken);
        let unsent = matches!(heard, Heard::Failed(Failure::NoReply { .. }));
        if broken == Broken::BlindRetry && unsent && matches!(next, Move::Create { .. }) {
            return Ok(());
        }
        self.tell(heard, now);
        if self.run.calls() > Limits::default().calls {
            return Err("more calls than allowed".to_owned());
        }
        if broken == Broken::Impatient && self.wakes.is_some() {
            self.wakes = Some(now);
        }
        Ok(())
    }

    fn page_lost(&self, broken: Broken) -> Observation {
        let missing = (broken != Broken::TrustsPages).then(|| "the second page".to_owned());
        Observation {
            holders: Vec::new(),
            missing,
        }
    }

    fn remember(&mut self, next: &Move, heard: &Heard, broken: Broken) {
        match (next, heard) {
            (Move::Observe, Heard::Observed(told)) if told.value.missing.is_none() => {
                self.looked = true;
                if broken == Broken::NoProof {
                    self.saw.clone_from(&told.value.holders);
                }
                if let Some((_, listed)) = &mut self.kept {
                    *listed = true;
                }
            }
            (Move::Keep { seen } | Move::Patch { seen }, Heard::Wrote(_)) => {
                self.kept = Some((seen.id.clone(), false));
            }
            (Move::Create { .. }, _) => self.looked = false,
            _ => {}
        }
    }

    /// What must be true before each call.
    fn check(&mut self, next: &Move, service: &Service, broken: Broken) -> Result<(), String> {
        match next {
            Move::Create { .. } => self.check_create(service),
            Move::Patch { seen } | Move::Keep { seen } | Move::Restore { seen } => {
                sacred(service, seen)
            }
            Move::Delete { seen, survivor } => {
                sacred(service, seen)?;
                let kept = self.kept.as_ref();
                if kept != Some(&(survivor.clone(), true)) && broken != Broken::NoProof {
                    return Err("a delete without a proof and a list after it".to_owned());
                }
                let left = service.own().filter(|thing| thing.id != seen.id).count();
                let there = service.own().any(|thing| thing.id == seen.id);
                if there && left == 0 {
                    return Err(format!("{} is the last one, and is deleted", seen.id));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check_create(&mut self, service: &Service) -> Result<(), String> {
        self.creates += 1;
        if self.creates > 2 {
            return Err("more than two creates".to_owned());
        }
        if !self.looked {
            return Err("a create after a create, and nothing was looked at between".to_owned());
        }
        let token = Some(&self.token);
        if service.own().any(|thing| thing.token.as_ref() == token) {
            return Err("a create while its own earlier one stands".to_owned());
        }
        if service.own().any(|thing| self.listed.contains(&thing.id)) {
            return Err("a create beside one of ours that every list shows".to_owned());
        }
        Ok(())
    }

    fn call(&mut self, next: &Move, service: &mut Service, now: Duration, broken: Broken) -> Heard {
        let answer = match next {
            Move::Observe => Ok(Heard::Observed(Told::new(service.list()))),
            Move::ReRead { holder } => Ok(Heard::Read(Told::new(service.read(holder)))),
            Move::Create { token } => service.create(token, now).map(wrote),
            Move::Patch { seen } => service.patch(seen).map(wrote),
            Move::Keep { seen } => {
                let read = service.read(&seen.id);
                let read = read.ok_or(Failure::Gone { request_id: None });
                read.map(wrote)
            }
            Move::Delete { seen, .. } => {
                let deleted = service.delete(seen, now);
                deleted.map(|()| Heard::Did(Told::new(())))
            }
            Move::Restore { seen } => {
                let restored = service.restore(seen);
                restored.map(|()| Heard::Did(Told::new(())))
            }
            other => unreachable!("{other:?} is never wanted here"),
        };
        let heard = answer.unwrap_or_else(Heard::Failed);
        self.distorted(next, heard, broken)
    }

    /// What a broken kind would make of it.
    fn distorted(&self, next: &Move, heard: Heard, broken: Broken) -> Heard {
        match (broken, next, heard) {
            (Broken::TakesForeign, _, Heard::Observed(mut told)) => {
                for seen in &mut told.value.holders {
                    seen.ours = Ours::ByRule;
                }
                Heard::Observed(told)
            }
            (Broken::NoProof, Move::Keep { seen }, _) => wrote(seen.clone()),
            (Broken::NoProof, Move::ReRead { holder }, heard) => {
                let saw = self.saw.iter().find(|seen| seen.id == *holder).cloned();
                match saw {
                    Some(saw) => Heard::Read(Told::new(Some(saw))),
                    None => heard,
                }
            }
            (_, _, heard) => heard,
        }
    }
}

fn wrote(seen: Seen) -> Heard {
    Heard::Wrote(Told::new(seen))
}

fn lost() -> Heard {
    Heard::Failed(Failure::NoReply {
        words: "lost".to_owned(),
    })
}

/// What is not ours is never changed or deleted.
fn sacred(service: &Service, seen: &Seen) -> Result<(), String> {
    let foreign = |thing: &&crate::service::Thing| !thing.own && thing.id == seen.id;
    match service.things.iter().find(foreign) {
        Some(thing) => Err(format!("{} is foreign, and is written", thing.id)),
        None => Ok(()),
    }
}
