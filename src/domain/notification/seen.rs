//! Which subscriptions were last proven, and last refused, by the clientState of their items.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::ids::SubscriptionId;
use crate::domain::sight::Proofs;

/// How many ids each list holds. A fleet adopts few subscriptions at a time, and only those
/// that are not proven yet are looked up.
pub const IDS: usize = 1000;

/// Two capped lists of subscription ids, each with the time of its last item.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SeenIds {
    verified: Capped,
    refused: Capped,
}

impl SeenIds {
    /// An item of this subscription was proven.
    pub fn verified(&mut self, id: &str, now: Timestamp) {
        self.verified.note(id, now);
    }

    /// An item of this subscription was refused by its clientState.
    pub fn refused(&mut self, id: &str, now: Timestamp) {
        self.refused.note(id, now);
    }

    /// The ids with their times: last verified, and last refused.
    pub fn lists(
        &self,
    ) -> (
        &BTreeMap<SubscriptionId, Timestamp>,
        &BTreeMap<SubscriptionId, Timestamp>,
    ) {
        (&self.verified.0, &self.refused.0)
    }

    /// What a pass learns from it. Where both spoke of one id, the later word counts.
    pub fn proofs(&self) -> Proofs {
        let newer = |one: &Capped, other: &Capped| {
            let last = |(id, at): &(&SubscriptionId, &Timestamp)| {
                other.0.get(*id).is_none_or(|then| then < *at)
            };
            one.0
                .iter()
                .filter(last)
                .map(|(id, _)| id.clone())
                .collect()
        };
        Proofs {
            verified: newer(&self.verified, &self.refused),
            refused: newer(&self.refused, &self.verified),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Capped(BTreeMap<SubscriptionId, Timestamp>);

impl Capped {
    fn note(&mut self, id: &str, now: Timestamp) {
        if let Some(at) = self.0.get_mut(id) {
            *at = now;
            return;
        }
        let Ok(id) = SubscriptionId::parse(id) else {
            return;
        };
        self.0.insert(id, now);
        if self.0.len() > IDS
            && let Some((oldest, _)) = self.0.iter().min_by_key(|(_, at)| **at)
        {
            let oldest = oldest.clone();
            self.0.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }

    #[test]
    fn the_later_word_about_an_id_counts() {
        let mut seen = SeenIds::default();
        seen.verified("a", at(1));
        seen.refused("a", at(2));
        seen.refused("b", at(1));
        seen.verified("b", at(2));
        let proofs = seen.proofs();
        let text = |ids: &std::collections::BTreeSet<SubscriptionId>| {
            ids.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(text(&proofs.refused), ["a"]);
        assert_eq!(text(&proofs.verified), ["b"]);
    }

    #[test]
    fn a_flood_forgets_the_oldest_and_text_that_is_no_id_is_left_out() {
        let mut seen = SeenIds::default();
        for number in 0..=IDS {
            seen.refused(&format!("id-{number}"), at(number as i64));
        }
        seen.refused("a/../b", at(5));
        let (_, refused) = seen.lists();
        assert_eq!(refused.len(), IDS);
        assert!(!refused.contains_key(&SubscriptionId::parse("id-0").unwrap()));
    }
}
