//! Certain repeats: suppressed once the first was written, and kept waiting until it is.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::domain::dedupe::RepeatWindow;
use crate::domain::notification::identity::{Certainty, EventId, EventIdMap};

/// What became of a write that somebody waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    Pending,
    Written,
}

type Waiting = watch::Receiver<Outcome>;

/// The repeat window of this process, and what is being written.
#[derive(Debug, Default)]
pub(super) struct Repeats(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    window: RepeatWindow,
    /// Ids that are being written, each with the number of the claim.
    writing: EventIdMap<u64>,
    /// Claims whose outcome somebody awaits: most are awaited by nobody.
    awaited: HashMap<u64, watch::Sender<Outcome>>,
    claims: u64,
}

impl State {
    /// The outcome of a claim, for one who awaits it.
    fn outcome_of(&mut self, claim: u64) -> AwaitFirst {
        let sender = self.awaited.entry(claim);
        AwaitFirst(
            sender
                .or_insert_with(|| watch::Sender::new(Outcome::Pending))
                .subscribe(),
        )
    }
}

/// What to do with an item.
#[derive(Debug)]
pub(super) enum Place {
    /// Write it: it is the first, or its identity is not certain.
    Write,
    /// It was written, or stands earlier in the same request.
    Suppress,
    /// Another request writes it at this moment.
    Await(AwaitFirst),
}

/// The write of another request.
#[derive(Debug)]
pub(super) struct AwaitFirst(Waiting);

impl AwaitFirst {
    /// Whether the write succeeded. One that failed or was given up did not.
    pub(super) async fn succeeds(mut self) -> bool {
        let outcome = self.0.wait_for(|outcome| *outcome == Outcome::Written);
        outcome.await.is_ok()
    }
}

/// The items of one request that are being written. Dropped without an outcome, the write
/// counts as failed: nobody is ever kept from writing an item that may not be there.
#[derive(Debug)]
pub(super) struct Claim<'r> {
    repeats: &'r Repeats,
    ids: Vec<EventId>,
    number: u64,
}

impl Repeats {
    fn state(&self) -> MutexGuard<'_, State> {
        // Whole maps are changed at once; a panic leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an item was written within the window.
    pub(super) fn is_written(&self, id: &EventId, now: Timestamp) -> bool {
        id.certainty() == Certainty::Certain && self.state().window.holds(id, now)
    }

    /// Keeps of some items those that were not written within the window.
    pub(super) fn drop_written<T>(
        &self,
        items: &mut Vec<T>,
        id: impl Fn(&T) -> EventId,
        now: Timestamp,
    ) {
        let mut state = self.state();
        items.retain(|item| {
            let id = id(item);
            id.certainty() == Certainty::Uncertain || !state.window.holds(&id, now)
        });
    }

    /// Takes the ids for one request, and says of each what to do.
    pub(super) fn claim(&self, ids: &[EventId], now: Timestamp) -> (Claim<'_>, Vec<Place>) {
        let mut mine = Vec::with_capacity(ids.len());
        let mut state = self.state();
        state.claims += 1;
        let number = state.claims;
        let places = ids.iter().map(|id| {
            if id.certainty() == Certainty::Uncertain {
                return Place::Write;
            }
            if state.window.holds(id, now) {
                return Place::Suppress;
            }
            match state.writing.get(id).copied() {
                Some(claim) if claim == number => Place::Suppress,
                Some(claim) => Place::Await(state.outcome_of(claim)),
                None => {
                    state.writing.insert(*id, number);
                    mine.push(*id);
                    Place::Write
                }
            }
        });
        let places = places.collect();
        drop(state);
        let claim = Claim {
            repeats: self,
            ids: mine,
            number,
        };
        (claim, places)
    }
}

impl Claim<'_> {
    /// The write succeeded: from now on repeats are suppressed.
    pub(super) fn written(mut self, now: Timestamp) {
        let mut state = self.repeats.state();
        for id in self.ids.drain(..) {
            state.writing.remove(&id);
            state.window.enter(id, now);
        }
        let awaited = state.awaited.remove(&self.number);
        drop(state);
        if let Some(awaited) = awaited {
            awaited.send_replace(Outcome::Written);
        }
    }

    /// Some of it was written, and repeats of those are suppressed from now on. The rest counts
    /// as failed when the claim is dropped, and so it does for whoever awaits any of it: they
    /// may ask the window then.
    pub(super) fn written_in_part(&mut self, written: &[EventId], now: Timestamp) {
        let written: EventIdMap<()> = written.iter().map(|id| (*id, ())).collect();
        let mut state = self.repeats.state();
        self.ids.retain(|id| {
            if !written.contains_key(id) {
                return true;
            }
            state.writing.remove(id);
            state.window.enter(*id, now);
            false
        });
        if self.ids.is_empty() {
            // Nothing is left for the drop to give up; who awaits it may ask the window now.
            state.awaited.remove(&self.number);
        }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if self.ids.is_empty() {
            return;
        }
        let mut state = self.repeats.state();
        for id in &self.ids {
            state.writing.remove(id);
        }
        // Who awaits it hears that there is nobody any more who could write it.
        state.awaited.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::FleetId;
    use crate::domain::notification::fixtures;
    use crate::domain::resource::ResourceKind;
    use crate::domain::subscription::KeyTag;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn certain(number: u8) -> EventId {
        let tag = KeyTag::from_bytes([number; 16]);
        let fleet = FleetId::parse("prod").unwrap();
        EventId::certain(&fixtures::message(), ResourceKind::Message, &fleet, &tag).unwrap()
    }

    fn is_written(repeats: &Repeats, id: EventId) -> bool {
        let mut ids = vec![id];
        repeats.drop_written(&mut ids, |id| *id, NOW);
        ids.is_empty()
    }

    fn words(places: &[Place]) -> Vec<&'static str> {
        places
            .iter()
            .map(|place| match place {
                Place::Write => "write",
                Place::Suppress => "suppress",
                Place::Await(_) => "await",
            })
            .collect()
    }

    #[test]
    fn a_repeat_is_suppressed_only_after_the_write() {
        let repeats = Repeats::default();
        let ids = [
            certain(1),
            certain(1),
            EventId::unique(1),
            EventId::unique(1),
        ];
        let (claim, places) = repeats.claim(&ids, NOW);
        assert_eq!(words(&places), ["write", "suppress", "write", "write"]);
        assert!(!is_written(&repeats, ids[0]));
        drop(claim); // the write failed
        let (claim, places) = repeats.claim(&ids[..1], NOW);
        assert_eq!(words(&places), ["write"]);
        claim.written(NOW);
        assert!(is_written(&repeats, ids[0]));
        let (_, places) = repeats.claim(&ids, NOW);
        assert_eq!(words(&places), ["suppress", "suppress", "write", "write"]);
        assert!(repeats.state().writing.is_empty() && repeats.state().awaited.is_empty());
    }

    #[tokio::test]
    async fn a_repeat_that_arrives_meanwhile_awaits_the_outcome() {
        for succeeds in [true, false] {
            let repeats = Repeats::default();
            let (claim, _) = repeats.claim(&[certain(1)], NOW);
            let (_other, mut places) = repeats.claim(&[certain(1), certain(2)], NOW);
            assert_eq!(words(&places), ["await", "write"]);
            let Place::Await(first) = places.remove(0) else {
                panic!("it is being written");
            };
            let (written, ()) = tokio::join!(first.succeeds(), async {
                match succeeds {
                    true => claim.written(NOW),
                    false => drop(claim),
                }
            });
            assert_eq!(written, succeeds);
        }
    }

    #[tokio::test]
    async fn who_awaits_a_write_in_part_hears_its_end_and_may_ask_the_window() {
        for (ids, written) in [
            // What failed has no certain identity, or is another item.
            (vec![certain(1), EventId::unique(1)], true),
            (vec![certain(2), certain(1)], false),
        ] {
            let repeats = Repeats::default();
            let (mut claim, _) = repeats.claim(&ids, NOW);
            let (_other, mut places) = repeats.claim(&[certain(1)], NOW);
            let Place::Await(first) = places.remove(0) else {
                panic!("it is being written");
            };
            claim.written_in_part(&ids[..1], NOW);
            drop(claim);
            assert!(!first.succeeds().await);
            assert_eq!(repeats.is_written(&certain(1), NOW), written);
            assert!(repeats.state().awaited.is_empty());
            assert!(repeats.state().writing.is_empty());
        }
    }

    #[tokio::test]
    async fn who_asks_after_the_outcome_still_hears_it() {
        let repeats = Repeats::default();
        let (claim, _) = repeats.claim(&[certain(1)], NOW);
        let (_other, mut places) = repeats.claim(&[certain(1)], NOW);
        claim.written(NOW);
        let Place::Await(first) = places.remove(0) else {
            panic!("it was being written");
        };
        assert!(first.succeeds().await);
    }
}
