//! What follows from a call that did not do what was asked: the remedies of the decision table.
//!
//! A refused create never leads to another create by itself: whatever follows goes through a look
//! at everything.

use crate::domain::conflict::{Automatic, Cause, Effect, Remedy, RetryAfter};

use super::memory::Obstacle;
use super::run::told;
use super::{Evidence, Failure, Move, Refusal, Run, State, Stop};

/// A read is repeated as it is; after a write everything is looked at first. What is provided is
/// another thing, which no look shows: that is tried as it is, too.
fn again(asked: &Move) -> Move {
    if is_read(asked) || *asked == Move::Provide {
        asked.clone()
    } else {
        Move::Observe
    }
}

fn is_read(asked: &Move) -> bool {
    matches!(asked, Move::Observe | Move::ReRead { .. } | Move::Poll)
}

fn in_words(words: &str) -> Evidence {
    Evidence {
        words: Some(words.to_owned()),
        ..Evidence::default()
    }
}

impl Run {
    /// It did not do what was asked.
    pub(super) fn failed(&mut self, asked: Move, failure: Failure) {
        match failure {
            Failure::Refused(refusal) => self.refused(&asked, &refusal),
            Failure::Gone { request_id } => self.not_there(&asked, request_id),
            Failure::Unauthorised { words, request_id } => {
                let evidence = Evidence {
                    request_id,
                    ..in_words(&words)
                };
                self.unauthorised(&asked, &words, evidence);
            }
            Failure::NoReply { words } => self.no_reply(&asked, &words),
            Failure::NotSent { words } => {
                self.delay(Cause::Unavailable, None, again(&asked), in_words(&words));
            }
            Failure::NotSupported(instruction) => {
                let stop = match asked {
                    Move::Provide => Stop::MissingDependency,
                    Move::Reacquire => Stop::LockLost,
                    _ => Stop::NeedsOperator,
                };
                let words = format!("no program can {}", asked.verb());
                self.tell_to(stop, words, instruction, Evidence::default());
            }
        }
    }

    /// 401 or 403 says nothing about whose it is: once more with a fresh token, then a person.
    fn unauthorised(&mut self, asked: &Move, words: &str, evidence: Evidence) {
        if self.fresh_token {
            let words = format!("not allowed to {}: {words}", asked.verb());
            return self.give_up(Stop::Unauthorised, words, evidence);
        }
        self.fresh_token = true;
        let why = "not allowed: once more, since the token may be old";
        let to = self.state();
        self.go(to, again(asked), why, evidence);
    }

    fn no_reply(&mut self, asked: &Move, words: &str) {
        let evidence = in_words(words);
        if is_read(asked) {
            return self.delay(Cause::Unavailable, None, asked.clone(), evidence);
        }
        if matches!(asked, Move::Create { .. }) {
            self.last_refusal = Stop::Unknown;
            self.may_surface();
            let why = "the answer to the create was lost: look before anything is repeated";
            return self.observe(State::ReRead, why, evidence);
        }
        // If it is then as wanted, it was not so before this run.
        self.deeds.patched |= matches!(asked, Move::Patch { .. });
        let cause = Cause::AmbiguousOutcome;
        self.delay(cause, None, Move::Observe, evidence);
    }

    /// 404 on something that was named by its id.
    fn not_there(&mut self, asked: &Move, request_id: Option<String>) {
        let evidence = super::run::by(request_id);
        match asked {
            Move::ReRead { holder } => self.is_gone(&holder.clone(), evidence),
            Move::Patch { seen }
            | Move::Keep { seen }
            | Move::Delete { seen, .. }
            | Move::Restore { seen } => {
                self.kept = None;
                self.is_gone(&seen.id.clone(), evidence);
            }
            _ => self.delay(Cause::DependencyMissing, None, Move::Provide, evidence),
        }
    }

    /// Whatever was sent may surface for as long as the kind hides what is new.
    pub(super) fn may_surface(&mut self) {
        let until = self.now.saturating_add(self.facts.hidden_for);
        self.settles = Some(self.settles.map_or(until, |earlier| earlier.max(until)));
        self.looks_for_it = 0;
    }

    fn refused(&mut self, asked: &Move, refusal: &Refusal) {
        let verdict = &refusal.verdict;
        let (cause, wait) = (verdict.cause, verdict.wait.as_ref());
        let evidence = Evidence::of_refusal(refusal);
        let creates = matches!(asked, Move::Create { .. });
        if creates {
            // A create on condition that nothing is there: something is.
            self.last_refusal = match cause {
                Cause::VersionMismatch => Stop::Invisible,
                cause => Stop::of(cause),
            };
            if verdict.may_have_taken_effect != Effect::No {
                self.may_surface();
            }
        }
        let waits = matches!(
            verdict.remedy,
            Remedy::RetryAfterDelay | Remedy::WaitForUnlock | Remedy::PollThenRetry
        );
        if matches!(asked, Move::Patch { .. })
            && waits
            && verdict.may_have_taken_effect == Effect::No
        {
            // Nobody changed it and nothing was done: the budget of the cause counts, not this.
            self.patches = self.patches.saturating_sub(1);
        }
        // What no program may do is left to a person, whatever the remedy is.
        let forbidden = verdict.automatic == Automatic::No;
        match verdict.remedy {
            Remedy::FixRequest => {
                let words = format!("the request is wrong: {}", told(cause, &evidence));
                self.give_up(Stop::Bug, words, evidence);
            }
            _ if forbidden => self.look_into(asked, refusal, evidence),
            Remedy::RetryAfterDelay | Remedy::WaitForUnlock => {
                self.delay(cause, wait, again(asked), evidence);
            }
            Remedy::PollThenRetry => {
                let then = if is_read(asked) {
                    asked.clone()
                } else {
                    Move::Poll
                };
                self.delay(cause, wait, then, evidence);
            }
            Remedy::RereadAndReapply if !creates => {
                if let Move::Patch { seen } = asked {
                    self.stale.clone_from(&seen.version);
                }
                self.kept = None;
                self.delay(cause, wait, again(asked), evidence);
            }
            Remedy::AbandonAndReacquire => self.delay(cause, wait, Move::Reacquire, evidence),
            Remedy::EnsureDependency => self.delay(cause, wait, Move::Provide, evidence),
            Remedy::AdoptExisting
            | Remedy::TreatAsSuccess
            | Remedy::ReadBeforeRetry
            | Remedy::RestoreSoftDeleted
            | Remedy::RereadAndReapply
            | Remedy::WaitForRelease
            | Remedy::Escalate => self.look_into(asked, refusal, evidence),
        }
    }

    /// Reads before anything else is decided, where a read can tell more.
    fn look_into(&mut self, asked: &Move, refusal: &Refusal, evidence: Evidence) {
        match asked {
            Move::Create { .. } => self.look_who_holds_it(refusal, evidence),
            Move::Observe | Move::ReRead { .. } | Move::Poll => {
                self.read_refused(asked, refusal, evidence);
            }
            _ => self.write_refused(asked, refusal, evidence),
        }
    }

    /// A create was refused, and everything that has the key may say why.
    fn look_who_holds_it(&mut self, refusal: &Refusal, evidence: Evidence) {
        let cause = refusal.verdict.cause;
        match cause {
            Cause::AlreadyExists | Cause::NotVisibleYet | Cause::VersionMismatch => {
                self.may_surface();
            }
            Cause::AmbiguousOutcome
            | Cause::NameHeldByOther
            | Cause::SoftDeletedHolder
            | Cause::QuotaExhausted
            | Cause::ReplicationConflict
            | Cause::Unclassified => {}
            _ => return self.leave_it(cause, evidence),
        }
        if !matches!(cause, Cause::AmbiguousOutcome | Cause::ReplicationConflict) {
            self.obstacle = Some(Obstacle {
                cause,
                holder: refusal.holder.clone(),
                words: told(cause, &evidence),
                stop: Stop::of(cause),
            });
        }
        let next = match &refusal.holder {
            Some(holder) => Move::ReRead {
                holder: holder.clone(),
            },
            None => Move::Observe,
        };
        let why = format!("{}: look who holds it", cause.meaning());
        self.look_after(refusal.verdict.wait.as_ref(), next, cause, why, evidence);
    }

    /// Looks at once, or when the service lets us.
    fn look_after(
        &mut self,
        asked: Option<&RetryAfter>,
        next: Move,
        cause: Cause,
        why: String,
        evidence: Evidence,
    ) {
        match asked {
            Some(RetryAfter::Absurd(value)) => {
                let words = format!(
                    "{}; the service asks to wait for {value:?}, which makes no sense",
                    told(cause, &evidence)
                );
                self.give_up(Stop::of(cause), words, evidence);
            }
            Some(RetryAfter::For(time)) if !time.is_zero() => {
                self.wait(*time, next, Stop::of(cause), why, evidence);
            }
            _ => self.go(State::ReRead, next, why, evidence),
        }
    }

    /// Reads are repeated only where time can help; once where no rule knows the refusal.
    fn read_refused(&mut self, asked: &Move, refusal: &Refusal, evidence: Evidence) {
        let cause = refusal.verdict.cause;
        let wait = refusal.verdict.wait.as_ref();
        match cause {
            Cause::AmbiguousOutcome | Cause::NotVisibleYet | Cause::QuotaExhausted => {
                self.delay(cause, wait, asked.clone(), evidence);
            }
            Cause::Unclassified if self.failures(cause) <= 1 => {
                let why = "no rule knows the refusal; a read may be repeated once".to_owned();
                self.look_after(wait, asked.clone(), cause, why, evidence);
            }
            _ => self.leave_it(cause, evidence),
        }
    }

    /// A change, a delete or a restore was refused.
    fn write_refused(&mut self, asked: &Move, refusal: &Refusal, evidence: Evidence) {
        let (cause, remedy) = (refusal.verdict.cause, refusal.verdict.remedy);
        let wait = refusal.verdict.wait.as_ref();
        match (cause, asked) {
            (Cause::AmbiguousOutcome | Cause::NotVisibleYet, _) => {
                self.delay(cause, wait, Move::Observe, evidence);
            }
            (Cause::AlreadyExists, _) if remedy == Remedy::TreatAsSuccess => {
                let why = "it is said to stand already: look".to_owned();
                self.look_after(wait, Move::Observe, cause, why, evidence);
            }
            (Cause::AlreadyExists, _) => {
                let words = format!(
                    "another thing has what it is to be changed to: {}",
                    told(cause, &evidence)
                );
                self.give_up(Stop::Foreign, words, evidence);
            }
            (Cause::Unclassified, Move::Patch { .. }) => {
                self.obstacle = Some(Obstacle {
                    cause,
                    holder: None,
                    words: told(cause, &evidence),
                    stop: Stop::Unclassified,
                });
                let why = "no rule knows the refusal; a read may tell more".to_owned();
                self.look_after(wait, Move::Observe, cause, why, evidence);
            }
            _ => self.leave_it(cause, evidence),
        }
    }

    /// A person must decide.
    fn leave_it(&mut self, cause: Cause, evidence: Evidence) {
        let words = told(cause, &evidence);
        self.give_up(Stop::of(cause), words, evidence);
    }
}
