//! One tenant's rows as a pass sees them, and how well an own row fits its key.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::client_state::{ClientStateFault, KeyRing};
use super::ids::{Kid, SubscriptionId, TenantId};
use super::sight::{ById, Proofs, Sight};
use super::state::{Going, Held, HeldOrigin, Watch};
use super::subscription::{Desired, DesiredSet, KeyTag, Observed};
use super::table::Addresses;

/// What the state knows of a held id.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) tag: KeyTag,
    pub(super) declared: bool,
}

/// A row of ours.
#[derive(Clone, Copy)]
pub(super) struct Own<'a> {
    pub(super) row: &'a Observed,
    /// The key that it stands for; `None` where that cannot be read.
    pub(super) tag: Option<KeyTag>,
    /// Whether somebody declares that key.
    pub(super) declared: bool,
    /// Whether it stands in a complete listing of this pass.
    pub(super) listed: bool,
}

#[derive(Clone, Copy)]
struct Seen<'a> {
    row: &'a Observed,
    listed: bool,
    /// The key that it stands for, where it is ours and that can be read.
    tag: Option<KeyTag>,
}

/// The rows of one tenant, indexed.
pub(super) struct Rows<'a> {
    sight: &'a Sight,
    by_id: HashMap<&'a SubscriptionId, Seen<'a>>,
    /// Own rows, by key and then by id; those without a readable key come first.
    own: Vec<Own<'a>>,
}

impl<'a> Rows<'a> {
    /// Indexes what was seen. Rows read by id count more than rows of the listing: they are
    /// younger, and they show clientState. Expired rows and rows proven gone do not count.
    ///
    /// A held id stands for the key that the state holds it for: what Graph echoes may be
    /// spelled differently, and must not turn a living subscription into an undeclared one.
    pub(super) fn new(
        tenant: &TenantId,
        sight: &'a Sight,
        addresses: &Addresses<'_>,
        known: &HashMap<&SubscriptionId, Known>,
        declared: Option<&DesiredSet>,
        now: Timestamp,
    ) -> Self {
        let mut by_id = merge(sight, now);
        let mut own = Vec::with_capacity(by_id.len());
        for Seen { row, listed, tag } in by_id.values_mut() {
            if !addresses.is_ours(row) {
                continue;
            }
            let known = known.get(&row.id).copied().or_else(|| {
                let tag = row.key(tenant)?.tag();
                let declared = declared.is_some_and(|set| set.by_key.contains_key(&tag));
                Some(Known { tag, declared })
            });
            *tag = known.map(|known| known.tag);
            own.push(Own {
                row,
                tag: *tag,
                declared: known.is_some_and(|known| known.declared),
                listed: *listed,
            });
        }
        own.sort_unstable_by(|a, b| a.tag.cmp(&b.tag).then_with(|| a.row.id.cmp(&b.row.id)));
        Self { sight, by_id, own }
    }

    /// Everything seen of the tenant.
    pub(super) fn sight(&self) -> &'a Sight {
        self.sight
    }

    /// A living row by its id, from a GET or from the listing.
    pub(super) fn row(&self, id: &SubscriptionId) -> Option<&'a Observed> {
        Some(self.by_id.get(id)?.row)
    }

    /// The answer of a GET by id in this pass.
    pub(super) fn answer(&self, id: &SubscriptionId) -> Option<&'a ById> {
        self.sight.by_id.get(id)
    }

    /// Own rows of one key, ids ascending.
    pub(super) fn own(&self, tag: &KeyTag) -> &[Own<'a>] {
        let wanted = Some(*tag);
        let from = self.own.partition_point(|own| own.tag < wanted);
        let rest = &self.own[from..];
        let count = rest.iter().take_while(|own| own.tag == wanted).count();
        &rest[..count]
    }

    /// The key that an own row stands for.
    pub(super) fn tag_of(&self, id: &SubscriptionId) -> Option<KeyTag> {
        self.by_id.get(id)?.tag
    }

    /// Every own row, by key and then by id.
    pub(super) fn all_own(&self) -> &[Own<'a>] {
        &self.own
    }

    /// Every row, own or foreign, ids ascending. Sorts: not for the steady way.
    pub(super) fn all(&self) -> Vec<&'a Observed> {
        let mut all: Vec<_> = self.by_id.values().map(|seen| seen.row).collect();
        all.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        all
    }
}

fn merge(sight: &Sight, now: Timestamp) -> HashMap<&SubscriptionId, Seen<'_>> {
    let listed = sight.listing.complete_since().is_some();
    let rows = sight.listing.rows();
    let mut by_id: HashMap<&SubscriptionId, Seen<'_>> = HashMap::with_capacity(rows.len());
    for row in rows {
        // Pages may overlap when something changes between them: the younger copy counts.
        let tag = None;
        let seen = by_id.entry(&row.id).or_insert(Seen { row, listed, tag });
        if row.expires > seen.row.expires {
            seen.row = row;
        }
    }
    for (id, answer) in &sight.by_id {
        match answer {
            ById::Found(row) => {
                let listed = by_id.get(id).is_some_and(|seen| seen.listed);
                let tag = None;
                by_id.insert(id, Seen { row, listed, tag });
            }
            ById::Gone => drop(by_id.remove(id)),
            ById::NoAnswer => {}
        }
    }
    by_id.retain(|_, seen| seen.row.expires > now);
    by_id
}

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
    /// How well the row fits. `held` is what the state remembers of this very row, if anything.
    pub(super) fn fit(
        &self,
        rows: &Rows<'_>,
        row: &Observed,
        tag: &KeyTag,
        desired: &Desired,
        held: Option<&Held>,
    ) -> Fit {
        let unread = match rows.answer(&row.id) {
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
