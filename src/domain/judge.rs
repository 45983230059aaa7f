//! How well a row fits the key that it stands for.

use std::collections::BTreeMap;

use super::addresses::Addresses;
use super::client_state::{ClientStateFault, KeyRing};
use super::ids::{Kid, SubscriptionId};
use super::sight::{ById, Proofs};
use super::state::{Going, Held, HeldOrigin, Watch};
use super::subscription::{Desired, KeyTag, Observed};

/// How well an own row fits the key that it stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Fit {
    /// As declared, and its clientState is ours.
    Good,
    /// As declared, but Graph shows its clientState not even by id.
    Unproven,
    /// Not as declared, and no PATCH can change that.
    Mismatched(&'static str),
    /// Listings hide what decides: it must be read by id first.
    Unseen,
    /// It was read by id without an answer.
    NoAnswer,
    /// Signed by a key that is not in the ring.
    UnknownKey(Kid),
}

/// What is needed to judge rows.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) addresses: &'a Addresses<'a>,
    pub(super) ring: &'a KeyRing,
    /// What notifications have proven.
    pub(super) proofs: &'a Proofs,
    /// Rows that should go.
    pub(super) watches: &'a BTreeMap<SubscriptionId, Watch>,
}

impl Judge<'_> {
    /// How well the row fits. `answer` is that of a GET by its id in this pass, and `held` what the
    /// state remembers of this very row, if anything.
    pub(super) fn fit(
        &self,
        answer: Option<&ById>,
        row: &Observed,
        tag: &KeyTag,
        desired: &Desired,
        held: Option<&Held>,
    ) -> Fit {
        let unread = match answer {
            Some(ById::Found(_)) => None,
            Some(_) => Some(Fit::NoAnswer),
            None => Some(Fit::Unseen),
        };
        match &row.lifecycle_url {
            Some(url) if desired.lifecycle && self.addresses.is_lifecycle(url) => {}
            None if !desired.lifecycle => {}
            // An absence is believed only of a row that was read by id.
            None if unread.is_some() => return unread.unwrap_or(Fit::Unseen),
            _ => {
                return Fit::Mismatched(
                    "its lifecycle address is not the declared one, and Graph cannot change that",
                );
            }
        }
        if self.has_old_certificate(row, desired, held) {
            return Fit::Mismatched("it still encrypts to an old certificate after a PATCH");
        }
        match &row.client_state {
            Some(text) => self.signature(text.expose(), tag),
            None => self.unsigned(row, held, unread),
        }
    }

    fn signature(&self, text: &str, tag: &KeyTag) -> Fit {
        match self.ring.verify(self.addresses.home.fleets(), text) {
            Ok((signed, _)) if signed == *tag => Fit::Good,
            Ok(_) => Fit::Mismatched("its clientState belongs to another key"),
            Err(ClientStateFault::UnknownKid(kid)) => Fit::UnknownKey(kid),
            Err(_) => Fit::Mismatched("its clientState is not ours"),
        }
    }

    /// Its clientState is hidden. What we created or read once is ours; of all else only its
    /// notifications can tell. Anybody can send a forged notification that names the id of a
    /// row, so a refused one counts only where nothing better is known.
    fn unsigned(&self, row: &Observed, held: Option<&Held>, unread: Option<Fit>) -> Fit {
        let origin = held.map(|held| held.origin);
        if let Some(HeldOrigin::Created | HeldOrigin::Adopted) = origin {
            return Fit::Good;
        }
        if self.proofs.verified.contains(&row.id) {
            return Fit::Good;
        }
        // One that was hidden before may show itself now; no answer makes it no worse.
        let known = origin == Some(HeldOrigin::Unproven);
        if let Some(unread) = unread.filter(|unread| !known || *unread == Fit::Unseen) {
            return unread;
        }
        if self.proofs.refused.contains(&row.id) {
            return Fit::Mismatched("its notifications carry a wrong clientState");
        }
        Fit::Unproven
    }

    /// A certificate that Graph still names after a PATCH asked for another. Once replaced, the
    /// row is held no longer; that it should go is then known from its watch.
    fn has_old_certificate(&self, row: &Observed, desired: &Desired, held: Option<&Held>) -> bool {
        let (Some(wanted), Some(shown)) = (&desired.certificate, &row.certificate_id) else {
            return false;
        };
        if shown.is_empty() || *shown == wanted.id {
            return false;
        }
        let asked = held.is_some_and(|held| held.certificate_asked.as_ref() == Some(&wanted.id));
        let watch = self.watches.get(&row.id);
        asked || (held.is_none() && watch.is_some_and(|watch| watch.why == Going::Mismatched))
    }

    /// The key of the ring that signed the row's clientState, where that is known.
    pub(super) fn kid(&self, row: &Observed, held: Option<&Held>) -> Option<Kid> {
        match &row.client_state {
            Some(text) => {
                let verified = self
                    .ring
                    .verify(self.addresses.home.fleets(), text.expose());
                verified.ok().map(|(_, kid)| kid)
            }
            None => held?.kid.clone(),
        }
    }
}
