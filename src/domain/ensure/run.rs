//! One run: where it stands, what it has spent, and how it moves from one state to the next.
//!
//! What follows from what was seen stands in `look`, duplicates in `collapse`, refusals in
//! `refused`. Every move goes through [`Run::go`], every wait through [`Run::wait`], every end
//! through [`Run::done`] or [`Run::give_up`]: that is where the limits hold.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::domain::conflict::advice::{self, Next};
use crate::domain::conflict::{Cause, RetryAfter};

use super::memory::{Deeds, Obstacle, Tries};
use super::{
    Ending, Evidence, Facts, Failure, GiveUp, Heard, HolderId, Limits, Move, Seen, State, Step,
    Stop, Token,
};

/// Time, chance: what a run cannot know by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// Since the start of the run, on a clock that never goes back.
    pub now: Duration,
    /// A draw from 0 to 999, for jitter.
    pub per_mille: u16,
}

/// One run of the engine. Ask [`Run::next`], do it, tell [`Run::heard`], until [`Move::End`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Run {
    pub(super) facts: Facts,
    pub(super) token: Token,
    limits: Limits,
    state: State,
    next: Move,
    /// What comes after a wait.
    then: Option<Box<Move>>,
    pub(super) now: Duration,
    pub(super) per_mille: u16,
    calls: u32,
    tries: Vec<Tries>,
    steps: Vec<Step>,

    /// When the last call was asked for.
    pub(super) asked_at: Duration,
    /// When the look under way, or the last one, began.
    pub(super) look_begun: Option<Duration>,
    /// What the last complete look showed, as far as it was not disproved since.
    pub(super) view: Vec<Seen>,
    /// Ids that a 404 or our own delete proved to be gone. Lists may show them for days; where
    /// one does, the id is read anew, since names come back and numbers do not.
    pub(super) gone: BTreeSet<HolderId>,
    /// Ids that were read by id: what is still unclear about them stays so.
    pub(super) read: BTreeSet<HolderId>,

    pub(super) creates: u32,
    /// From when on a create without a known outcome must be visible.
    pub(super) settles: Option<Duration>,
    pub(super) looks_for_it: u32,
    /// With what the run gives up where no create brought it about.
    pub(super) last_refusal: Stop,
    pub(super) obstacle: Option<Obstacle>,
    /// What this run created, as the answer showed it, and when.
    pub(super) made: Option<(Seen, Duration)>,
    /// The version that was refused last.
    pub(super) stale: Option<String>,
    /// The version that the last change was made to.
    pub(super) changed_from: Option<Option<String>>,
    pub(super) patches: u32,
    /// The survivor that was last proven to live, and when.
    pub(super) kept: Option<(HolderId, Duration)>,
    pub(super) keeps: u32,
    pub(super) restores: u32,
    pub(super) fresh_token: bool,
    pub(super) deeds: Deeds,
}

impl Run {
    /// A run that begins. `token`: unique for this run.
    pub fn start(facts: Facts, limits: Limits, token: Token) -> Self {
        let settles = facts
            .open
            .as_ref()
            .map(|open| facts.hidden_for.saturating_sub(open.age));
        let mut run = Self {
            facts,
            token,
            limits,
            state: State::Guard,
            next: Move::Observe,
            then: None,
            now: Duration::ZERO,
            per_mille: 0,
            calls: 0,
            tries: Vec::new(),
            steps: Vec::new(),
            asked_at: Duration::ZERO,
            look_begun: None,
            view: Vec::new(),
            gone: BTreeSet::new(),
            read: BTreeSet::new(),
            creates: 0,
            settles,
            looks_for_it: 0,
            last_refusal: Stop::Unknown,
            obstacle: None,
            made: None,
            stale: None,
            changed_from: None,
            patches: 0,
            kept: None,
            keeps: 0,
            restores: 0,
            fresh_token: false,
            deeds: Deeds::default(),
        };
        match run.facts.known.clone() {
            Some(holder) => {
                let why = format!("the ledger knows it as {holder}: that one is read first");
                run.go(
                    State::Observe,
                    Move::ReRead { holder },
                    why,
                    Evidence::default(),
                );
            }
            None => run.observe(State::Observe, "check before create", Evidence::default()),
        }
        run
    }

    /// What to do next. The same until something is heard.
    pub fn next(&self) -> &Move {
        &self.next
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Calls that were asked for so far.
    pub fn calls(&self) -> u32 {
        self.calls
    }

    /// The steps since they were last taken: each leads to the next move.
    pub fn take_steps(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }

    /// Tells what came of [`Run::next`]. What does not answer it counts as no usable answer.
    /// After the end, nothing changes any more.
    pub fn heard(&mut self, heard: Heard, moment: Moment) {
        if matches!(self.next, Move::End(_)) {
            return;
        }
        self.now = self.now.max(moment.now);
        self.per_mille = moment.per_mille;
        let asked = self.next.clone();
        match (asked, heard) {
            (asked, Heard::Failed(failure)) => self.failed(asked, failure),
            (_, Heard::NotRecorded { words }) => {
                let evidence = format!("a delete could not be written down before: {words}");
                self.give_up(Stop::NotRecorded, evidence, Evidence::default());
            }
            (Move::Wait { .. }, Heard::Waited) => self.waited(),
            (Move::Observe, Heard::Observed(told)) => self.observed(told),
            (Move::ReRead { holder }, Heard::Read(told)) => self.reread(&holder, told),
            (Move::Create { .. }, Heard::Wrote(told)) => self.created(told),
            (Move::Patch { seen }, Heard::Wrote(told)) => self.patched(&seen, told),
            (Move::Keep { seen }, Heard::Wrote(told)) => self.was_kept(&seen, told),
            (Move::Delete { seen, .. }, Heard::Did(told)) => self.deleted(seen, told.request_id),
            (Move::Restore { seen }, Heard::Did(told)) => self.restored(&seen, told.request_id),
            (Move::Provide | Move::Reacquire, Heard::Did(told)) => {
                self.observe(
                    State::Observe,
                    "it was provided: look again",
                    by(told.request_id),
                );
            }
            (Move::Poll, Heard::Polled(told)) => self.polled(told),
            (asked, _) => {
                let words = "the answer was to another question".to_owned();
                self.failed(asked, Failure::NoReply { words });
            }
        }
    }

    fn waited(&mut self) {
        let then = self.then.take().map_or(Move::Observe, |then| *then);
        let to = match then {
            Move::ReRead { .. } => State::ReRead,
            Move::Poll => State::Delay,
            Move::Provide | Move::Reacquire => State::Mend,
            _ if self.made.is_some() || self.deeds.patched => State::Verify,
            _ if self.obstacle.is_some() || self.creates > 0 => State::ReRead,
            _ => State::Observe,
        };
        self.go(to, then, "the time has passed", Evidence::default());
    }

    /// Records a transition without a move.
    pub(super) fn note(&mut self, to: State, why: impl Into<String>, evidence: Evidence) {
        self.steps.push(Step {
            at: self.now,
            from: self.state,
            to,
            why: why.into(),
            evidence,
        });
        self.state = to;
    }

    /// Moves on, if the calls and the time of this run allow it.
    pub(super) fn go(&mut self, to: State, next: Move, why: impl Into<String>, evidence: Evidence) {
        if self.calls >= self.limits.calls || self.now >= self.limits.total {
            let (calls, seconds) = (self.calls, self.now.as_secs());
            let words = format!(
                "{calls} calls and {seconds} s are spent; next it would {}",
                next.verb()
            );
            return self.give_up(Stop::Spent, words, evidence);
        }
        self.calls += 1;
        self.asked_at = self.now;
        if next == Move::Observe {
            self.look_begun = Some(self.now);
        }
        self.note(to, why, evidence);
        self.next = next;
    }

    /// Looks at everything that has the key.
    pub(super) fn observe(&mut self, to: State, why: impl Into<String>, evidence: Evidence) {
        self.go(to, Move::Observe, why, evidence);
    }

    /// Waits, if that ends within the time of this run.
    pub(super) fn wait(
        &mut self,
        time: Duration,
        then: Move,
        stop: Stop,
        why: impl Into<String>,
        evidence: Evidence,
    ) {
        let why = why.into();
        if self.now.saturating_add(time) >= self.limits.total {
            let words = format!(
                "{why}; a wait of {} s does not fit into what is left of this run: schedule it",
                time.as_secs()
            );
            return self.give_up(stop, words, evidence);
        }
        let evidence = Evidence {
            wait: Some(time),
            ..evidence
        };
        self.note(State::Delay, why, evidence);
        self.then = Some(Box::new(then));
        self.next = Move::Wait { time };
    }

    /// Waits as long as a cause deserves and the service asks, or gives up.
    pub(super) fn delay(
        &mut self,
        cause: Cause,
        asked: Option<&RetryAfter>,
        then: Move,
        evidence: Evidence,
    ) {
        let tries = self.failed_again(cause);
        let (failures, elapsed) = (tries.failures - 1, self.now.saturating_sub(tries.since));
        let leased = self.facts.lease_term.filter(|_| cause == Cause::LockHeld);
        let next = match leased {
            Some(term) => {
                advice::budget_of_lease(term).next(failures, elapsed, asked, self.per_mille)
            }
            None => advice::next_wait(cause, failures, elapsed, asked, self.per_mille),
        };
        let stop = Stop::of(cause);
        match next {
            Next::After(time) => {
                let why = format!("{}: wait, then {}", cause.meaning(), then.verb());
                self.wait(time, then, stop, why, evidence);
            }
            Next::GiveUp(reason) => {
                let words = format!("{}; {reason}", told(cause, &evidence));
                self.give_up(stop, words, evidence);
            }
        }
    }

    /// Counts one more failure by this cause. Never reset: one budget for one run.
    fn failed_again(&mut self, cause: Cause) -> Tries {
        if let Some(tries) = self.tries.iter_mut().find(|tries| tries.cause == cause) {
            tries.failures = tries.failures.saturating_add(1);
            return *tries;
        }
        let first = Tries {
            cause,
            failures: 1,
            since: self.now,
        };
        self.tries.push(first);
        first
    }

    /// Counts one more failure by this cause, and says how many there were.
    pub(super) fn failures(&mut self, cause: Cause) -> u32 {
        self.failed_again(cause).failures
    }

    pub(super) fn may_create_again(&self) -> bool {
        self.creates < self.limits.creates
    }

    /// Whether it is ours: by a token of this run or of an open create, or by the kind's rule.
    pub(super) fn is_ours(&self, seen: &Seen) -> bool {
        self.bears_our_token(seen) || seen.ours == super::Ours::ByRule
    }

    pub(super) fn bears_our_token(&self, seen: &Seen) -> bool {
        let open = self.facts.open.as_ref().map(|open| &open.token);
        let token = seen.token.as_ref();
        token.is_some() && (token == Some(&self.token) || token == open)
    }

    /// It stands.
    pub(super) fn done(&mut self, seen: &Seen, evidence: Evidence) {
        let outcome = self.deeds.outcome();
        self.note(State::Done, outcome.to_string(), evidence);
        self.next = Move::End(Ending::Done {
            outcome,
            id: seen.id.clone(),
        });
    }

    pub(super) fn give_up(&mut self, reason: Stop, seen: impl Into<String>, evidence: Evidence) {
        self.tell_to(reason, seen.into(), reason.next_step(), evidence);
    }

    /// Gives up and says what a person should do.
    pub(super) fn tell_to(
        &mut self,
        reason: Stop,
        seen: String,
        next_step: &str,
        evidence: Evidence,
    ) {
        self.note(State::GiveUp, seen.clone(), evidence);
        self.next = Move::End(Ending::GaveUp(GiveUp {
            reason,
            evidence: seen,
            next_step: next_step.to_owned(),
        }));
    }
}

/// Evidence that is only a request id.
pub(super) fn by(request_id: Option<String>) -> Evidence {
    Evidence {
        request_id,
        ..Evidence::default()
    }
}

/// What a cause means, with the service's own words.
pub(super) fn told(cause: Cause, evidence: &Evidence) -> String {
    match &evidence.words {
        Some(words) if !words.is_empty() => format!("{} ({words})", cause.meaning()),
        _ => cause.meaning().to_owned(),
    }
}
