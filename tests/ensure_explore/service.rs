//! A service with things that have one natural key: what it lets be seen, and when.

use std::time::Duration;

use evergraph::domain::conflict::{
    Automatic, Cause, Confidence, Effect, Remedy, RetryAfter, Verdict,
};
use evergraph::domain::ensure::{
    Drift, Failure, HolderId, Observation, Ours, Refusal, Seen, Standing, Token,
};

/// What is new shows in lists after this long at the latest, and what is gone is gone from them.
pub const LAG: Duration = Duration::from_secs(2);

/// How long the engine is told that something new may hide: longer than that.
pub const HIDDEN: Duration = Duration::from_secs(3);

/// What the service does about a second thing with the same key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Duplicates {
    /// It is created too, and nobody is told.
    Silent,
    /// It is refused, and the holder is named.
    RefusedByName,
    /// It is refused.
    Refused,
}

/// How the service behaves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rules {
    pub duplicates: Duplicates,
    /// Whether reads by id lag as lists do.
    pub reads_lag: bool,
    /// Whether new ids are larger than older ones.
    pub rising: bool,
    /// Whether it tells tokens back.
    pub tokens: bool,
}

/// One thing.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Thing {
    pub id: HolderId,
    pub own: bool,
    pub token: Option<Token>,
    pub version: u32,
    pub drift: bool,
    pub standing: Standing,
    /// Since when it is, or is gone.
    pub since: Duration,
    /// Whether lists show that.
    pub shown: bool,
    pub gone: bool,
}

impl Thing {
    pub fn own(id: &str) -> Self {
        Self {
            id: HolderId::new(id),
            own: true,
            token: None,
            version: 1,
            drift: false,
            standing: Standing::Live,
            since: Duration::ZERO,
            shown: true,
            gone: false,
        }
    }

    pub fn foreign(id: &str) -> Self {
        Self {
            own: false,
            ..Self::own(id)
        }
    }

    fn seen(&self, rules: Rules) -> Seen {
        let ours = if self.own {
            Ours::ByRule
        } else {
            Ours::Foreign
        };
        let drift = match self.drift {
            true => Drift::Patchable(vec!["size".to_owned()]),
            false => Drift::None,
        };
        Seen {
            ours,
            token: self.token.clone().filter(|_| rules.tokens),
            version: Some(self.version.to_string()),
            drift,
            standing: self.standing,
            ..Seen::ours(self.id.as_str())
        }
    }
}

/// The service.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Service {
    pub rules: Rules,
    pub things: Vec<Thing>,
    pub made: u32,
}

pub fn refusal(cause: Cause, remedy: Remedy, holder: Option<&HolderId>) -> Failure {
    let verdict = Verdict {
        cause,
        remedy,
        automatic: Automatic::AfterCompare,
        may_have_taken_effect: Effect::No,
        wait: None,
        holder: holder.map(ToString::to_string),
        rule: "model/rule",
        confidence: Confidence::Code,
        sources: &[],
        words: "as modelled".to_owned(),
    };
    Failure::Refused(Box::new(Refusal {
        verdict,
        holder: holder.cloned(),
        request_id: None,
    }))
}

pub fn throttled(wait: Duration) -> Failure {
    let failure = refusal(Cause::Throttled, Remedy::RetryAfterDelay, None);
    let Failure::Refused(mut refusal) = failure else {
        return failure;
    };
    refusal.verdict.wait = Some(RetryAfter::For(wait));
    Failure::Refused(refusal)
}

impl Service {
    pub fn new(rules: Rules, things: Vec<Thing>) -> Self {
        Self {
            rules,
            things,
            made: 0,
        }
    }

    /// What lags shows after its time.
    pub fn settle(&mut self, now: Duration) {
        for thing in &mut self.things {
            thing.shown |= now >= thing.since + LAG;
        }
        self.things.retain(|thing| !(thing.gone && thing.shown));
    }

    pub fn show(&mut self, id: &HolderId) {
        let thing = self.things.iter_mut().find(|thing| thing.id == *id);
        if let Some(thing) = thing {
            thing.shown = true;
        }
        self.things.retain(|thing| !(thing.gone && thing.shown));
    }

    /// What stands, whether it shows or not.
    pub fn standing(&self) -> impl Iterator<Item = &Thing> {
        let live = |thing: &&Thing| !thing.gone && thing.standing == Standing::Live;
        self.things.iter().filter(live)
    }

    pub fn own(&self) -> impl Iterator<Item = &Thing> {
        self.standing().filter(|thing| thing.own)
    }

    /// A list: lags, and shows what is gone until it does not.
    pub fn list(&self) -> Observation {
        let listed = |thing: &&Thing| thing.shown != thing.gone;
        let shown = self.things.iter().filter(listed);
        Observation::complete(shown.map(|thing| thing.seen(self.rules)).collect())
    }

    pub fn read(&self, id: &HolderId) -> Option<Seen> {
        let thing = self.things.iter().find(|thing| thing.id == *id)?;
        let hidden = self.rules.reads_lag && !thing.shown;
        (!thing.gone && !hidden).then(|| thing.seen(self.rules))
    }

    pub fn create(&mut self, token: &Token, now: Duration) -> Result<Seen, Failure> {
        let holder = self.things.iter().find(|thing| !thing.gone);
        if let Some(holder) = holder.filter(|_| self.rules.duplicates != Duplicates::Silent) {
            let named = self.rules.duplicates == Duplicates::RefusedByName;
            let id = Some(&holder.id).filter(|_| named);
            return Err(refusal(Cause::AlreadyExists, Remedy::AdoptExisting, id));
        }
        self.made += 1;
        let number = if self.rules.rising {
            50 + self.made
        } else {
            50 - self.made
        };
        let thing = Thing {
            token: Some(token.clone()),
            since: now,
            shown: false,
            ..Thing::own(&format!("t{number}"))
        };
        let seen = Seen {
            token: Some(token.clone()).filter(|_| self.rules.tokens),
            ..thing.seen(self.rules)
        };
        self.things.push(thing);
        Ok(seen)
    }

    fn living(&mut self, seen: &Seen) -> Result<&mut Thing, Failure> {
        let alive = |thing: &&mut Thing| !thing.gone && thing.id == seen.id;
        let found = self.things.iter_mut().find(alive);
        let thing = found.ok_or(Failure::Gone { request_id: None })?;
        if seen.version.as_deref() != Some(thing.version.to_string().as_str()) {
            let (cause, remedy) = (Cause::VersionMismatch, Remedy::RereadAndReapply);
            return Err(refusal(cause, remedy, None));
        }
        Ok(thing)
    }

    pub fn patch(&mut self, seen: &Seen) -> Result<Seen, Failure> {
        let rules = self.rules;
        let thing = self.living(seen)?;
        thing.version += 1;
        thing.drift = false;
        Ok(thing.seen(rules))
    }

    pub fn delete(&mut self, seen: &Seen, now: Duration) -> Result<(), Failure> {
        let thing = self.living(seen)?;
        thing.gone = true;
        // A thing that never showed is gone from lists at once.
        thing.shown = !thing.shown;
        thing.since = now;
        self.things.retain(|thing| !(thing.gone && thing.shown));
        Ok(())
    }

    pub fn restore(&mut self, seen: &Seen) -> Result<(), Failure> {
        let thing = self.living(seen)?;
        thing.version += 1;
        thing.standing = Standing::Live;
        Ok(())
    }
}
