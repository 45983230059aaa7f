//! What follows from what was seen: compare, take over, create, wait, or leave it.

use std::time::Duration;

use crate::domain::conflict::Cause;

use super::decide::{Ahead, Claim, Claims, Gate, Holder, Serves, after_refusal, gate};
use super::run::by;
use super::{
    Drift, Evidence, HolderId, Move, Observation, Ours, Run, Seen, Standing, State, Stop, Told,
};

/// Rounds of read, recompute, write: as many as the decision table allows.
const PATCHES_MAX: u32 = 5;

/// The waits before new looks for what should show: 1, 2, 4, 8 and so on, at most 60 s.
fn pause(looks: u32) -> Duration {
    Duration::from_secs(1_u64.checked_shl(looks).unwrap_or(60).clamp(1, 60))
}

impl Run {
    /// Everything was looked at.
    pub(super) fn observed(&mut self, told: Told<Observation>) {
        let Told { value, request_id } = told;
        if let Some(missing) = value.missing {
            return self.saw_too_little(&missing, by(request_id));
        }
        let mut view = value.holders;
        // Whose it is may show only where it is read by id: that is not asked twice.
        for seen in view.iter_mut().filter(|seen| seen.ours == Ours::Unknown) {
            let read = self.view.iter().find(|old| old.id == seen.id);
            if let Some(read) = read.filter(|_| self.read.contains(&seen.id)) {
                seen.ours = read.ours;
            }
        }
        self.view = view;
        self.judge(by(request_id));
    }

    /// An incomplete look creates and deletes nothing; it is taken again a few times.
    fn saw_too_little(&mut self, missing: &str, evidence: Evidence) {
        if self.failures(Cause::NotVisibleYet) > 3 {
            let words = format!("not everything could be seen: {missing}");
            return self.give_up(Stop::Incomplete, words, evidence);
        }
        let why = format!("not everything was seen ({missing}): look again");
        let then = Move::Observe;
        self.wait(
            Duration::from_secs(1),
            then,
            Stop::Incomplete,
            why,
            evidence,
        );
    }

    /// Decides by what is in view.
    pub(super) fn judge(&mut self, evidence: Evidence) {
        self.remember_what_was_made();
        let under_way = |seen: &&Seen| seen.standing == Standing::BeingMade && self.is_ours(seen);
        if let Some(seen) = self.view.iter().find(under_way) {
            let evidence = Evidence {
                request_id: evidence.request_id,
                ..Evidence::of_seen(seen)
            };
            return self.delay(Cause::OperationInProgress, None, Move::Poll, evidence);
        }
        match self.claims().who_serves() {
            Serves::ReadFirst(id) => {
                let why = format!("the list alone does not tell enough of {id}");
                let next = Move::ReRead { holder: id };
                self.go(State::Observe, next, why, evidence);
            }
            Serves::Take(id, Claim::Good) => self.serves(&id, evidence),
            Serves::Take(id, Claim::Unfit) => self.differs_for_good(&id, evidence),
            Serves::Take(id, _) | Serves::Undecided(id) => {
                let words = format!("nothing tells whose {id} is, and it has the key");
                self.give_up(Stop::Unproven, words, evidence);
            }
            Serves::Nobody => self.nobody_serves(evidence),
        }
    }

    /// What the answer to a create showed stands, whether lists show it yet or not. Alone it must
    /// show first.
    fn remember_what_was_made(&mut self) {
        let Some((made, _)) = &self.made else { return };
        let shown = self.view.iter().any(|seen| seen.id == made.id);
        let others = self.view.iter().any(|seen| self.is_good(seen));
        if !shown && others && !self.gone.contains(&made.id) {
            self.view.push(made.clone());
        }
    }

    pub(super) fn is_good(&self, seen: &Seen) -> bool {
        let fixed = matches!(seen.drift, Drift::Fixed(_));
        seen.standing == Standing::Live && self.is_ours(seen) && !fixed
    }

    /// An answer showed it: whatever was thought of it before.
    pub(super) fn is_there(&mut self, id: &HolderId) {
        self.gone.remove(id);
    }

    /// The living things that are ours and can serve; ids ascending.
    pub(super) fn good(&self) -> Vec<Seen> {
        let good = self.view.iter().filter(|seen| self.is_good(seen));
        let mut good: Vec<Seen> = good.cloned().collect();
        good.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        good.dedup_by(|a, b| a.id == b.id);
        good
    }

    fn claims(&self) -> Claims<HolderId> {
        let mut claims = Claims::default();
        let live = |seen: &&Seen| seen.standing == Standing::Live;
        for seen in self.view.iter().filter(live) {
            let place = if self.gone.contains(&seen.id) {
                &mut claims.unseen
            } else if self.is_good(seen) {
                &mut claims.good
            } else if self.is_ours(seen) {
                &mut claims.unfit
            } else if seen.ours == Ours::Foreign {
                continue;
            } else if self.read.contains(&seen.id) {
                &mut claims.dark
            } else {
                &mut claims.unseen
            };
            if place.as_ref().is_none_or(|smaller| seen.id < *smaller) {
                *place = Some(seen.id.clone());
            }
        }
        claims
    }

    /// Ours are there, and this one is to stay.
    fn serves(&mut self, id: &HolderId, evidence: Evidence) {
        let good = self.good();
        match good.as_slice() {
            [only] => self.compare(&only.clone(), evidence),
            _ if good.iter().any(|seen| seen.id == *id) => self.collapse(&good, evidence),
            _ => self.give_up(Stop::Unproven, "nothing of ours is in view", evidence),
        }
    }

    /// One thing of ours: is it as wanted?
    pub(super) fn compare(&mut self, seen: &Seen, evidence: Evidence) {
        let request_id = evidence.request_id;
        let evidence = Evidence {
            request_id,
            ..Evidence::of_seen(seen)
        };
        self.take_over(seen, &evidence);
        match &seen.drift {
            Drift::None => {
                self.note(State::Compare, "it is as wanted", evidence.clone());
                self.done(seen, evidence);
            }
            Drift::Fixed(_) => self.differs_for_good(&seen.id, evidence),
            Drift::Patchable(_) if self.changed_from.as_ref() == Some(&seen.version) => {
                // The change was taken; what is seen is from before it.
                self.delay(Cause::NotVisibleYet, None, Move::Observe, evidence);
            }
            Drift::Patchable(fields) => {
                let why = format!("it differs in {}", fields.join(", "));
                self.note(State::Compare, why, evidence.clone());
                self.patch(seen, fields, evidence);
            }
        }
    }

    /// After a create that was refused or lost, what is found is taken over; its token tells
    /// whether our own create made it.
    fn take_over(&mut self, seen: &Seen, evidence: &Evidence) {
        if self.made.is_some() || self.deeds.patched || self.deeds.earlier || self.deeds.adopted {
            return;
        }
        if self.bears_our_token(seen) {
            self.deeds.earlier = true;
            let why = "it carries the mark of our own lost create";
            self.note(State::Adopt, why, evidence.clone());
        } else if self.creates > 0 {
            self.deeds.adopted = true;
            let why = "it is ours by rule, and holds what the create was refused for";
            self.note(State::Adopt, why, evidence.clone());
        }
    }

    /// Changes it, unless that was tried often enough.
    pub(super) fn patch(&mut self, seen: &Seen, fields: &[String], evidence: Evidence) {
        let again = self.stale.is_some() && self.stale == seen.version;
        if again || self.patches >= PATCHES_MAX {
            let words = if again {
                format!(
                    "version {:?} of {} was refused twice",
                    seen.version, seen.id
                )
            } else {
                format!("{} was changed by others {PATCHES_MAX} times", seen.id)
            };
            return self.give_up(Stop::Contention, words, evidence);
        }
        if let Some(obstacle) = self.obstacle.take_if(|one| one.stop == Stop::Unclassified)
            && self.patches > 0
        {
            let words = format!("the change was refused: {}", obstacle.words);
            return self.give_up(Stop::Unclassified, words, evidence);
        }
        self.patches += 1;
        let why = format!("change {}", fields.join(", "));
        let next = Move::Patch { seen: seen.clone() };
        self.go(State::Patch, next, why, evidence);
    }

    pub(super) fn differs_for_good(&mut self, id: &HolderId, evidence: Evidence) {
        let seen = self.view.iter().find(|seen| seen.id == *id);
        let fields = match seen.map(|seen| &seen.drift) {
            Some(Drift::Fixed(fields)) => fields.join(", "),
            _ => "what nothing may change".to_owned(),
        };
        let words = format!("{id} is ours but differs in {fields}");
        self.give_up(Stop::Mismatch, words, evidence);
    }

    /// Nothing of ours lives. Perhaps something else holds the key; perhaps nothing does.
    fn nobody_serves(&mut self, evidence: Evidence) {
        if let Some((made, _)) = &self.made {
            let shown = self.view.iter().find(|seen| seen.id == made.id).cloned();
            return match shown {
                None => self.not_shown_yet(evidence),
                // Under the very id of ours stands another's: the last writer won.
                Some(seen) if seen.standing == Standing::Live => {
                    self.is_foreign(&seen.id, evidence);
                }
                Some(seen) => self.meet_what_does_not_live(&seen, evidence),
            };
        }
        if self.is_held_by_what_does_not_live(&evidence) {
            return;
        }
        if let Some(obstacle) = &self.obstacle {
            let foreign = self.foreign();
            let holder = Holder::Nameless { own: None, foreign };
            // Whether it exists or may not be seen yet: something has the key.
            let cause = match obstacle.cause {
                Cause::NotVisibleYet | Cause::VersionMismatch => Cause::AlreadyExists,
                cause => cause,
            };
            let (stop, words) = (obstacle.stop, obstacle.words.clone());
            match after_refusal(cause, holder) {
                Ahead::Foreign(id) => return self.is_foreign(&id, evidence),
                Ahead::Quota => return self.wait_for_release(words, evidence),
                Ahead::Undecided(_) => return self.give_up(stop, words, evidence),
                _ => {}
            }
        } else if let Some(id) = self.foreign().filter(|_| self.facts.exclusive) {
            return self.is_foreign(&id, evidence);
        }
        self.create_if_open(evidence);
    }

    fn foreign(&self) -> Option<HolderId> {
        let foreign = |seen: &&Seen| seen.ours == Ours::Foreign && !self.is_ours(seen);
        let mut foreign: Vec<_> = self.view.iter().filter(foreign).collect();
        foreign.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        foreign.first().map(|seen| seen.id.clone())
    }

    /// Deleted things hold their key too, where the service keeps them.
    fn is_held_by_what_does_not_live(&mut self, evidence: &Evidence) -> bool {
        let refused = self.obstacle.is_some();
        let holds = |seen: &&Seen| seen.standing != Standing::Live;
        let ours = self
            .view
            .iter()
            .filter(holds)
            .find(|seen| self.is_ours(seen));
        let held = ours.or_else(|| self.view.iter().find(holds)).cloned();
        let Some(seen) = held.filter(|_| self.facts.exclusive || refused) else {
            return false;
        };
        let request_id = evidence.request_id.clone();
        let evidence = Evidence {
            request_id,
            ..Evidence::of_seen(&seen)
        };
        self.meet_what_does_not_live(&seen, evidence);
        true
    }

    pub(super) fn meet_what_does_not_live(&mut self, seen: &Seen, evidence: Evidence) {
        match seen.standing {
            Standing::BeingDeleted => {
                self.delay(Cause::DeletionInProgress, None, Move::Observe, evidence);
            }
            Standing::BeingMade if self.is_ours(seen) => {
                self.delay(Cause::OperationInProgress, None, Move::Poll, evidence);
            }
            _ if !self.is_ours(seen) => self.is_foreign(&seen.id, evidence),
            _ if self.facts.restore && self.restores == 0 => {
                self.restores += 1;
                let why = "it is ours and deleted, and the policy lets it be restored";
                let next = Move::Restore { seen: seen.clone() };
                self.go(State::Restore, next, why, evidence);
            }
            _ if self.restores > 0 => {
                self.delay(Cause::NotVisibleYet, None, Move::Observe, evidence);
            }
            _ => {
                let words = format!(
                    "{} is ours but deleted, and the policy does not let it be restored",
                    seen.id
                );
                self.give_up(Stop::NeedsOperator, words, evidence);
            }
        }
    }

    pub(super) fn is_foreign(&mut self, id: &HolderId, evidence: Evidence) {
        let evidence = Evidence {
            holder: Some(id.clone()),
            ..evidence
        };
        let words = format!("{id} has the key and is not ours");
        self.give_up(Stop::Foreign, words, evidence);
    }

    fn wait_for_release(&mut self, words: String, evidence: Evidence) {
        self.obstacle = None;
        let evidence = Evidence {
            words: Some(words),
            ..evidence
        };
        self.delay(Cause::QuotaExhausted, None, Move::Observe, evidence);
    }

    /// Creates it, once nothing that was sent before can still surface.
    fn create_if_open(&mut self, evidence: Evidence) {
        match gate(self.now, self.settles, self.look_begun) {
            Gate::Settling => self.look_later(evidence),
            Gate::LookAgain | Gate::LookFirst => {
                let why = "what was seen began too early to show what an earlier create made";
                self.observe(State::ReRead, why, evidence);
            }
            Gate::Open if self.may_create_again() => {
                let why = match self.creates {
                    0 => "nothing has the key",
                    _ => "nothing of an earlier create shows, and its time has passed",
                };
                self.creates += 1;
                self.obstacle = None;
                let token = self.token.clone();
                self.go(State::Create, Move::Create { token }, why, evidence);
            }
            Gate::Open => {
                let stop = self.last_refusal;
                let words = format!(
                    "{} creates did not bring it about, and nothing of them can be seen",
                    self.creates
                );
                self.give_up(stop, words, evidence);
            }
        }
    }

    /// A create may still surface: looks again in 1, 2, 4, 8 s and so on.
    fn look_later(&mut self, evidence: Evidence) {
        let left = self.settles.unwrap_or_default().saturating_sub(self.now);
        let time = pause(self.looks_for_it).min(left);
        self.looks_for_it += 1;
        let why = "not found is not free: an earlier create may still surface";
        self.wait(time, Move::Observe, self.last_refusal, why, evidence);
    }

    /// What was created does not show yet. Never created again because of that.
    fn not_shown_yet(&mut self, evidence: Evidence) {
        let Some((made, at)) = self.made.clone() else {
            return;
        };
        let left = (at + self.facts.hidden_for).saturating_sub(self.now);
        if left.is_zero() {
            let why = "lists do not show it: its id must tell";
            let holder = made.id;
            return self.go(State::Verify, Move::ReRead { holder }, why, evidence);
        }
        let time = pause(self.looks_for_it).min(left);
        self.looks_for_it += 1;
        let why = "it was created and does not show yet";
        self.wait(time, Move::Observe, Stop::Invisible, why, evidence);
    }
}
