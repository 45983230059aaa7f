//! Duplicates of our own: one stays, the others go.
//!
//! The one with the bytewise smallest id stays, so that every run, seeing any list, agrees. Each
//! surplus one is read by id before (lists show deleted things for days, and whose it is must
//! stand in an answer of this run); then the survivor is proven to live, everything is listed
//! again, and only then, within ten seconds of that proof, the others are deleted.

use std::time::Duration;

use super::{Drift, Evidence, HolderId, Move, Run, Seen, Standing, State, Stop, Told};

/// How old the proof that the survivor lives may be when another one is deleted.
const PROOF_HOLDS: Duration = Duration::from_secs(10);

/// Proofs that were too old by the time that everything was listed again, at most.
const KEEPS_MAX: u32 = 3;

impl Run {
    /// Several are ours and good; ids ascending.
    pub(super) fn collapse(&mut self, good: &[Seen], evidence: Evidence) {
        let [survivor, surplus @ .., last] = good else {
            return;
        };
        if !self.facts.collapse {
            return self.duplicates_stay(good, evidence);
        }
        let mut others = surplus.iter().chain([last]);
        if let Some(unread) = others.find(|seen| !self.read.contains(&seen.id)) {
            let why = format!(
                "{} looks like a duplicate of {}: read it",
                unread.id, survivor.id
            );
            let holder = unread.id.clone();
            return self.go(State::Collapse, Move::ReRead { holder }, why, evidence);
        }
        if let Drift::Patchable(fields) = &survivor.drift {
            let evidence = Evidence {
                request_id: evidence.request_id,
                ..Evidence::of_seen(survivor)
            };
            return self.patch(survivor, fields, evidence);
        }
        if self.is_proven_to_live(&survivor.id) {
            return self.delete(last, &survivor.id, evidence);
        }
        self.keep(survivor, good.len(), evidence);
    }

    fn duplicates_stay(&mut self, good: &[Seen], evidence: Evidence) {
        let ids: Vec<&str> = good.iter().map(|seen| seen.id.as_str()).collect();
        let words = format!(
            "it stands {} times ({}), and the policy does not let duplicates be deleted",
            good.len(),
            ids.join(", ")
        );
        self.give_up(Stop::NeedsOperator, words, evidence);
    }

    /// Whether it was proven to live lately, and everything was listed since.
    fn is_proven_to_live(&self, survivor: &HolderId) -> bool {
        self.kept.as_ref().is_some_and(|(id, at)| {
            id == survivor
                && self.look_begun.is_some_and(|begun| begun >= *at)
                && self.now.saturating_sub(*at) <= PROOF_HOLDS
        })
    }

    fn delete(&mut self, surplus: &Seen, survivor: &HolderId, evidence: Evidence) {
        let evidence = Evidence {
            request_id: evidence.request_id,
            ..Evidence::of_seen(surplus)
        };
        let why = format!(
            "{survivor} lives and stays; {} is its duplicate",
            surplus.id
        );
        let next = Move::Delete {
            seen: surplus.clone(),
            survivor: survivor.clone(),
        };
        self.go(State::Collapse, next, why, evidence);
    }

    fn keep(&mut self, survivor: &Seen, count: usize, evidence: Evidence) {
        if self.keeps >= KEEPS_MAX {
            let words = format!(
                "it stands {count} times; a list takes longer than {} s, so that nothing may be deleted after it",
                PROOF_HOLDS.as_secs()
            );
            return self.give_up(Stop::Busy, words, evidence);
        }
        self.keeps += 1;
        let why = format!("it stands {count} times; {} stays", survivor.id);
        let evidence = Evidence {
            request_id: evidence.request_id,
            ..Evidence::of_seen(survivor)
        };
        let seen = survivor.clone();
        self.go(State::Collapse, Move::Keep { seen }, why, evidence);
    }

    /// The survivor answered.
    pub(super) fn was_kept(&mut self, asked: &Seen, told: Told<Seen>) {
        let Told { value, request_id } = told;
        let evidence = Evidence {
            before: asked.version.clone(),
            after: value.version.clone(),
            request_id,
            ..Evidence::of_seen(&value)
        };
        let lives = value.id == asked.id && value.standing == Standing::Live;
        let why = if lives && self.is_ours(&value) {
            self.is_there(&value.id);
            self.kept = Some((value.id, self.asked_at));
            "it lives: list everything again"
        } else {
            self.kept = None;
            "it is not what it was: look again"
        };
        self.observe(State::Collapse, why, evidence);
    }

    /// A duplicate was deleted.
    pub(super) fn deleted(&mut self, seen: Seen, request_id: Option<String>) {
        self.deeds.deleted += 1;
        self.keeps = 0;
        self.view.retain(|other| other.id != seen.id);
        let evidence = Evidence {
            request_id,
            ..Evidence::of_seen(&seen)
        };
        if self
            .made
            .as_ref()
            .is_some_and(|(made, _)| made.id == seen.id)
        {
            self.made = None;
        }
        self.gone.insert(seen.id);
        if self.good().len() > 1 {
            return self.judge(evidence);
        }
        self.observe(
            State::Verify,
            "the duplicates are deleted: look again",
            evidence,
        );
    }
}
