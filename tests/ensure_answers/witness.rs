//! What must hold of every run.

use std::time::Duration;

use evergraph::domain::conflict::RetryAfter;
use evergraph::domain::ensure::{Facts, Failure, Heard, HolderId, Move, Ours, Seen, Token};

use crate::words::s;

/// What must hold of every run, whatever is answered.
#[derive(Default)]
pub struct Witness {
    creates: usize,
    looked: bool,
    silent_until: Duration,
    absurd: bool,
    kept: Option<(HolderId, Duration, bool)>,
}

impl Witness {
    pub fn before(&mut self, next: &Move, now: Duration, facts: &Facts) {
        if matches!(next, Move::Wait { .. } | Move::End(_)) {
            assert!(!self.absurd || matches!(next, Move::End(_)), "{next:?}");
            return;
        }
        assert!(!self.absurd, "{next:?} after a demand that makes no sense");
        assert!(now >= self.silent_until, "{next:?} before it was allowed");
        match next {
            Move::Create { .. } => {
                self.creates += 1;
                assert!(self.creates <= 2, "more than two creates");
                assert!(self.looked, "a create without a look before it");
                self.looked = false;
            }
            Move::Patch { seen } | Move::Keep { seen } => check_ours(seen),
            Move::Restore { seen } => {
                check_ours(seen);
                assert!(facts.restore, "a restore against the policy");
            }
            Move::Delete { seen, survivor } => {
                check_ours(seen);
                assert!(facts.collapse, "a delete against the policy");
                assert!(*survivor < seen.id, "{survivor} stays, {} goes", seen.id);
                let (kept, at, listed) = self.kept.clone().expect("a delete without a proof");
                assert!(kept == *survivor && listed && now <= at + s(10));
            }
            _ => {}
        }
    }

    pub fn after(&mut self, next: &Move, heard: &Heard, asked_at: Duration, now: Duration) {
        if let Heard::Failed(Failure::Refused(refusal)) = heard {
            match &refusal.verdict.wait {
                Some(RetryAfter::For(wait)) => self.silent_until = now + *wait,
                Some(RetryAfter::Absurd(_)) => self.absurd = true,
                None => {}
            }
        }
        match (next, heard) {
            (Move::Observe, Heard::Observed(told)) if told.value.missing.is_none() => {
                self.looked = true;
                if let Some((_, _, listed)) = &mut self.kept {
                    *listed = true;
                }
            }
            (Move::Keep { seen } | Move::Patch { seen }, Heard::Wrote(_)) => {
                self.kept = Some((seen.id.clone(), asked_at, false));
            }
            _ => {}
        }
    }
}

#[track_caller]
fn check_ours(seen: &Seen) {
    let token = seen.token == Some(Token::new("me"));
    assert!(token || seen.ours == Ours::ByRule, "{seen:?} is not ours");
}
