//! One tenant's rows as a pass sees them, and how well an own row fits its key.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::client_state::{ClientStateFault, KeyRing};
use super::ids::{Kid, SubscriptionId, TenantId};
use super::ownership::{Home, Owner};
use super::sight::{ById, Proofs, Sight};
use super::state::{Held, HeldOrigin};
use super::subscription::{Desired, KeyTag, Observed};

/// The rows of one tenant, indexed.
pub struct Rows<'a> {
    sight: &'a Sight,
    by_id: BTreeMap<&'a SubscriptionId, &'a Observed>,
    own_by_tag: BTreeMap<KeyTag, Vec<&'a Observed>>,
    own_unkeyed: Vec<&'a Observed>,
    listed: BTreeSet<&'a SubscriptionId>,
}

impl<'a> Rows<'a> {
    /// Indexes what was seen. Rows read by id count more than rows of the listing: they are
    /// younger, and they show clientState. Expired rows and rows proven gone do not count.
    pub fn new(tenant: &TenantId, sight: &'a Sight, home: &Home, now: Timestamp) -> Self {
        let mut by_id: BTreeMap<&SubscriptionId, &Observed> = BTreeMap::new();
        for row in sight.listing.rows() {
            by_id.insert(&row.id, row);
        }
        for (id, seen) in &sight.by_id {
            match seen {
                ById::Found(row) => drop(by_id.insert(id, row)),
                ById::Gone => drop(by_id.remove(id)),
                ById::NoAnswer => {}
            }
        }
        by_id.retain(|_, row| row.expires > now);
        let mut own_by_tag: BTreeMap<KeyTag, Vec<&Observed>> = BTreeMap::new();
        let mut own_unkeyed = Vec::new();
        for row in by_id.values().filter(|row| home.owner_of(row).is_ours()) {
            match row.key(tenant) {
                Some(key) => own_by_tag.entry(key.tag()).or_default().push(row),
                None => own_unkeyed.push(*row),
            }
        }
        let listed = match sight.listing.complete_since() {
            Some(_) => sight.listing.rows().iter().map(|row| &row.id).collect(),
            None => BTreeSet::new(),
        };
        Self {
            sight,
            by_id,
            own_by_tag,
            own_unkeyed,
            listed,
        }
    }

    /// Everything seen of the tenant.
    pub fn sight(&self) -> &'a Sight {
        self.sight
    }

    /// A row by its id, from a GET or from the listing.
    pub fn row(&self, id: &SubscriptionId) -> Option<&'a Observed> {
        self.by_id.get(id).copied()
    }

    /// The answer of a GET by id in this pass.
    pub fn answer(&self, id: &SubscriptionId) -> Option<&'a ById> {
        self.sight.by_id.get(id)
    }

    /// Own rows of one key, ids ascending.
    pub fn own(&self, tag: &KeyTag) -> &[&'a Observed] {
        self.own_by_tag.get(tag).map_or(&[], Vec::as_slice)
    }

    /// Own rows by tag; `None` stands for rows whose key cannot be read.
    pub fn all_own(&self) -> impl Iterator<Item = (Option<KeyTag>, &'a Observed)> + '_ {
        let keyed = self
            .own_by_tag
            .iter()
            .flat_map(|(tag, rows)| rows.iter().map(|row| (Some(*tag), *row)));
        keyed.chain(self.own_unkeyed.iter().map(|row| (None, *row)))
    }

    /// Every row, own or foreign.
    pub fn all(&self) -> impl Iterator<Item = &'a Observed> + '_ {
        self.by_id.values().copied()
    }

    /// Whether the row stands in a complete listing of this pass, and no GET said otherwise.
    pub fn is_listed(&self, id: &SubscriptionId) -> bool {
        self.listed.contains(id) && self.by_id.contains_key(id)
    }
}

/// How well an own row fits the key that it stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fit {
    /// As declared; signed by this key of the ring, where that was seen.
    Good(Option<Kid>),
    /// As declared, but Graph shows its clientState not even by id.
    Unproven,
    /// Not as declared, and no PATCH can change that.
    Mismatched(&'static str),
    /// Listings hide its clientState: it must be read by id first.
    Unseen,
    /// It was read by id without an answer.
    NoAnswer,
    /// Signed by a key that is not in the ring.
    UnknownKey(Kid),
}

/// What is needed to judge rows.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// Our addresses.
    pub home: &'a Home,
    /// Our keys.
    pub ring: &'a KeyRing,
    /// What notifications have proven.
    pub proofs: &'a Proofs,
}

impl Judge<'_> {
    /// How well the row fits. `held` is what the state remembers of this very row, if anything.
    pub fn fit(
        &self,
        rows: &Rows<'_>,
        row: &Observed,
        tag: &KeyTag,
        desired: &Desired,
        held: Option<&Held>,
    ) -> Fit {
        if let Some(why) = self.shape_mismatch(row, desired, held) {
            return Fit::Mismatched(why);
        }
        if self.proofs.refused.contains(&row.id) {
            return Fit::Mismatched("its notifications carry a wrong clientState");
        }
        let proven = self.proofs.verified.contains(&row.id);
        if let Some(text) = &row.client_state {
            return match self.ring.verify(self.home.fleets(), text.expose()) {
                Ok((signed, kid)) if signed == *tag => Fit::Good(Some(kid)),
                Ok(_) => Fit::Mismatched("its clientState belongs to another key"),
                Err(ClientStateFault::UnknownKid(kid)) => Fit::UnknownKey(kid),
                Err(_) => Fit::Mismatched("its clientState is not ours"),
            };
        }
        match held.map(|held| held.origin) {
            Some(HeldOrigin::Created | HeldOrigin::Adopted) => {
                return Fit::Good(held.and_then(|held| held.kid.clone()));
            }
            Some(HeldOrigin::Unproven) if !proven => return Fit::Unproven,
            _ => {}
        }
        match rows.answer(&row.id) {
            _ if proven => Fit::Good(None),
            Some(ById::Found(_)) => Fit::Unproven,
            Some(_) => Fit::NoAnswer,
            None => Fit::Unseen,
        }
    }

    /// What a PATCH cannot mend: the lifecycle address, and a certificate that stayed old after one.
    fn shape_mismatch(
        &self,
        row: &Observed,
        desired: &Desired,
        held: Option<&Held>,
    ) -> Option<&'static str> {
        let lifecycle_fits = match &row.lifecycle_url {
            Some(url) => desired.lifecycle && self.home.current.is_lifecycle(url),
            None => !desired.lifecycle,
        };
        if !lifecycle_fits {
            return Some(
                "its lifecycle address is not the declared one, and Graph cannot change that",
            );
        }
        let wanted = desired
            .certificate
            .as_ref()
            .map(|certificate| &certificate.id)?;
        let asked = held.and_then(|held| held.certificate_asked.as_ref());
        if asked == Some(wanted) && row.certificate_id.as_ref() != Some(wanted) {
            return Some("it still encrypts to an old certificate after a PATCH");
        }
        None
    }

    /// Whether the row stands at a former address.
    pub fn at_former_address(&self, row: &Observed) -> bool {
        matches!(self.home.owner_of(row), Owner::Former(_))
    }
}
