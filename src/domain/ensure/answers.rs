//! What follows from an answer about one thing: read, created, changed, restored, polled.

use crate::domain::conflict::Cause;

use super::decide::{Ahead, Claim, Holder, after_refusal};
use super::run::by;
use super::{
    Drift, Evidence, HolderId, Move, Ours, Progress, Run, Seen, Standing, State, Stop, Told,
};

impl Run {
    /// One thing was read by its id.
    pub(super) fn reread(&mut self, id: &HolderId, told: Told<Option<Seen>>) {
        let Told { value, request_id } = told;
        self.read.insert(id.clone());
        let Some(seen) = value.filter(|seen| seen.id == *id) else {
            return self.is_gone(id, by(request_id));
        };
        self.is_there(id);
        self.view.retain(|old| old.id != seen.id);
        self.view.push(seen.clone());
        let evidence = Evidence {
            request_id,
            ..Evidence::of_seen(&seen)
        };
        if self.made.as_ref().is_some_and(|(made, _)| made.id == *id) && self.is_good(&seen) {
            // A list that lags for so long must not keep the run: the id proves it.
            return match self.good().len() {
                1 => self.compare(&seen, evidence),
                _ => self.judge(evidence),
            };
        }
        if self.looks_at_known(id) {
            return self.known_was_read(&seen, evidence);
        }
        let named = self.obstacle.as_ref().and_then(|one| one.holder.as_ref());
        if named == Some(id) {
            return self.holder_was_read(&seen, evidence);
        }
        self.judge(evidence);
    }

    fn looks_at_known(&self, id: &HolderId) -> bool {
        self.look_begun.is_none() && self.facts.known.as_ref() == Some(id)
    }

    /// What the ledger knows: alone enough where it lives and is ours.
    fn known_was_read(&mut self, seen: &Seen, evidence: Evidence) {
        if self.is_good(seen) {
            return self.compare(seen, evidence);
        }
        let why = "what the ledger knows does not serve: look at everything";
        self.observe(State::Observe, why, evidence);
    }

    /// What a refusal pointed at.
    fn holder_was_read(&mut self, seen: &Seen, evidence: Evidence) {
        if seen.standing != Standing::Live {
            return self.meet_what_does_not_live(seen, evidence);
        }
        let id = seen.id.clone();
        let holder = if self.is_good(seen) {
            Holder::Ours(id, Claim::Good)
        } else if self.is_ours(seen) {
            Holder::Ours(id, Claim::Unfit)
        } else if seen.ours == Ours::Foreign {
            Holder::Foreign(id)
        } else {
            Holder::Ours(id, Claim::Dark)
        };
        let cause = self
            .obstacle
            .as_ref()
            .map_or(Cause::Unclassified, |one| one.cause);
        match after_refusal(cause, holder) {
            Ahead::Adopt(..) => self.compare(seen, evidence),
            Ahead::Foreign(id) => self.is_foreign(&id, evidence),
            Ahead::InTheWay(id) => self.differs_for_good(&id, evidence),
            _ => {
                let words = format!("nothing tells whose {} is, and it has the key", seen.id);
                self.give_up(Stop::Unproven, words, evidence);
            }
        }
    }

    /// A 404 on an id: that one is not there, whatever lists say. The name is not free for it.
    pub(super) fn is_gone(&mut self, id: &HolderId, evidence: Evidence) {
        let evidence = Evidence {
            holder: Some(id.clone()),
            ..evidence
        };
        self.gone.insert(id.clone());
        let shown = self.view.len();
        self.view.retain(|seen| seen.id != *id);
        let was_in_view = self.look_begun.is_some() && self.view.len() < shown;
        if let Some(obstacle) = &mut self.obstacle
            && obstacle.holder.as_ref() == Some(id)
        {
            obstacle.holder = None;
        }
        if self.made.as_ref().is_some_and(|(made, _)| made.id == *id) {
            return self.made_is_gone(id, evidence);
        }
        if was_in_view && matches!(self.next(), Move::ReRead { .. }) {
            let why = format!("{id} is not there, though a list shows it");
            self.note(self.state(), why, evidence.clone());
            return self.judge(evidence);
        }
        let why = format!("{id} is not there: look at everything");
        let to = if self.creates > 0 {
            State::ReRead
        } else {
            State::Observe
        };
        self.observe(to, why, evidence);
    }

    /// What was created is gone: as surplus, by another run, which left what it chose.
    fn made_is_gone(&mut self, id: &HolderId, evidence: Evidence) {
        if self.good().is_empty() {
            // Perhaps it may only not be seen yet: not a reason for another create.
            let words = format!("{id} was created and cannot be seen");
            return self.give_up(Stop::Invisible, words, evidence);
        }
        self.made = None;
        self.deeds.created = false;
        self.may_surface();
        let why = format!("{id} was created and is not there any more: look at everything");
        self.observe(State::ReRead, why, evidence);
    }

    /// The create succeeded.
    pub(super) fn created(&mut self, told: Told<Seen>) {
        let Told { value, request_id } = told;
        let evidence = Evidence {
            after: value.version.clone(),
            request_id,
            ..Evidence::of_seen(&value)
        };
        let other = value.token.is_some() && !self.bears_our_token(&value);
        if other || !self.is_ours(&value) {
            let why = "the service answered with what stood already";
            self.may_surface();
            return self.observe(State::ReRead, why, evidence);
        }
        self.deeds.created = true;
        self.looks_for_it = 0;
        self.settles = None;
        self.is_there(&value.id);
        self.made = Some((value, self.now));
        let why = "created: look whether it stands alone";
        self.observe(State::Verify, why, evidence);
    }

    /// The change succeeded.
    pub(super) fn patched(&mut self, before: &Seen, told: Told<Seen>) {
        let Told { value, request_id } = told;
        let evidence = Evidence {
            holder: Some(before.id.clone()),
            before: before.version.clone(),
            after: value.version.clone(),
            request_id,
            ..Evidence::default()
        };
        self.deeds.patched = true;
        self.obstacle = None;
        self.changed_from = Some(before.version.clone());
        if self.is_ours(&value) {
            self.is_there(&value.id);
            self.kept = Some((value.id.clone(), self.asked_at));
        }
        if value.standing == Standing::BeingMade {
            return self.delay(Cause::OperationInProgress, None, Move::Poll, evidence);
        }
        if let Drift::Patchable(fields) | Drift::Fixed(fields) = &value.drift {
            let fields = fields.join(", ");
            let words = format!("the service took the change and still differs in {fields}");
            return self.give_up(Stop::Mismatch, words, evidence);
        }
        self.observe(State::Verify, "changed: look again", evidence);
    }

    /// The restore succeeded.
    pub(super) fn restored(&mut self, seen: &Seen, request_id: Option<String>) {
        self.deeds.adopted = true;
        self.obstacle = None;
        let evidence = Evidence {
            request_id,
            ..Evidence::of_seen(seen)
        };
        let why = "restored, with its old content: look again";
        self.observe(State::Verify, why, evidence);
    }

    /// An operation was asked about.
    pub(super) fn polled(&mut self, told: Told<Progress>) {
        let Told { value, request_id } = told;
        let evidence = by(request_id);
        match value {
            Progress::Running { wait } => {
                let cause = Cause::OperationInProgress;
                self.delay(cause, wait.as_ref(), Move::Poll, evidence);
            }
            Progress::Settled => {
                self.observe(
                    State::Observe,
                    "the operation is over: look again",
                    evidence,
                );
            }
            Progress::Failed(words) => {
                let words = format!("the operation failed: {words}");
                self.give_up(Stop::NeedsOperator, words, evidence);
            }
        }
    }
}
