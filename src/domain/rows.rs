//! The rows that a pass has seen, each at the seat of the key that it serves.
//!
//! In the steady way every row stands for a key that the state holds it for: those rows are found
//! by one look-up of their id. All others (duplicates, strays, foreign ones) are the exception,
//! and only they are sorted and searched.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use jiff::Timestamp;

use super::ids::{SubscriptionId, TenantId};
use super::sight::{ById, Sight};
use super::state::Entry;
use super::subscription::{Desired, KeyTag, Observed};

/// One key that is declared or remembered, and the row that serves it as seen in this pass.
#[derive(Clone, Copy)]
pub(super) struct Seat<'a> {
    pub(super) tag: KeyTag,
    pub(super) desired: Option<&'a Desired>,
    pub(super) entry: Option<&'a Entry>,
    /// Its tenant's place.
    pub(super) tenant: usize,
    pub(super) seen: Option<Seen<'a>>,
}

impl<'a> Seat<'a> {
    /// The id that the state holds for the key.
    pub(super) fn held_id(&self) -> Option<&'a SubscriptionId> {
        Some(&self.entry?.held.as_ref()?.id)
    }
}

/// A living row.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) row: &'a Observed,
    /// Whether it stands in a complete listing of this pass.
    pub(super) listed: bool,
}

/// A row of ours, and what it stands for.
#[derive(Clone, Copy)]
pub(super) struct Own<'a> {
    pub(super) row: &'a Observed,
    /// The key; `None` where that cannot be read.
    pub(super) tag: Option<KeyTag>,
    pub(super) listed: bool,
}

/// Rows of one tenant that the state holds for no key.
#[derive(Default)]
pub(super) struct Strays<'a> {
    by_id: BTreeMap<&'a SubscriptionId, Seen<'a>>,
    /// Those of ours, by key and then by id.
    own: Vec<Own<'a>>,
}

impl<'a> Strays<'a> {
    /// Finds out which of them are ours, and what they stand for.
    pub(super) fn sort(&mut self, tenant: &TenantId, is_ours: impl Fn(&Observed) -> bool) {
        let own = self.by_id.values().filter(|seen| is_ours(seen.row));
        self.own = own
            .map(|Seen { row, listed }| Own {
                row,
                tag: row.key(tenant).map(|key| key.tag()),
                listed: *listed,
            })
            .collect();
        // Ids ascend already.
        self.own.sort_by_key(|own| own.tag);
    }

    /// Of ours and of one key, ids ascending.
    pub(super) fn of(&self, tag: &KeyTag) -> &[Own<'a>] {
        let wanted = Some(*tag);
        let from = self.own.partition_point(|own| own.tag < wanted);
        let rest = &self.own[from..];
        let count = rest.iter().take_while(|own| own.tag == wanted).count();
        &rest[..count]
    }

    /// Of ours, by key and then by id.
    pub(super) fn own(&self) -> &[Own<'a>] {
        &self.own
    }

    pub(super) fn get(&self, id: &SubscriptionId) -> Option<Seen<'a>> {
        self.by_id.get(id).copied()
    }

    /// All of them, ids ascending.
    pub(super) fn all(&self) -> impl Iterator<Item = &'a Observed> + '_ {
        self.by_id.values().map(|seen| seen.row)
    }
}

/// Seats by the id that the state holds for them.
pub(super) type Places<'a> = HashMap<&'a SubscriptionId, usize, BuildHasherDefault<Mix>>;

/// Puts what was seen of one tenant at its seats; the rest are strays.
///
/// Rows read by id count more than rows of the listing: they are younger, and they show
/// clientState. Expired rows and rows proven gone do not count.
///
/// A held id stands for the key that the state holds it for: what Graph echoes may be spelled
/// differently, and must not turn a living subscription into an undeclared one.
pub(super) fn seat<'a>(
    sight: &'a Sight,
    tenant: usize,
    places: &Places<'a>,
    seats: &mut [Seat<'a>],
    now: Timestamp,
) -> Strays<'a> {
    let mut strays = Strays::default();
    let listed = sight.listing.complete_since().is_some();
    let place = |id, seats: &[Seat<'_>]| {
        let place = places.get(id).copied();
        place.filter(|place| seats[*place].tenant == tenant)
    };
    for row in sight.listing.rows() {
        if row.expires <= now {
            continue;
        }
        let seen = Seen { row, listed };
        let slot = match place(&row.id, seats) {
            Some(place) => seats[place].seen.get_or_insert(seen),
            None => strays.by_id.entry(&row.id).or_insert(seen),
        };
        // Pages may overlap when something changes between them: the younger copy counts.
        if row.expires > slot.row.expires {
            *slot = seen;
        }
    }
    for (id, answer) in &sight.by_id {
        let row = match answer {
            ById::Found(row) => Some(row).filter(|row| row.expires > now),
            ById::Gone => None,
            ById::NoAnswer => continue,
        };
        let place = place(id, seats);
        let before = match place {
            Some(place) => seats[place].seen.take(),
            None => strays.by_id.remove(id),
        };
        let listed = before.is_some_and(|seen| seen.listed);
        let seen = row.map(|row| Seen { row, listed });
        match (place, seen) {
            (Some(place), seen) => seats[place].seen = seen,
            (None, Some(seen)) => drop(strays.by_id.insert(id, seen)),
            (None, None) => {}
        }
    }
    strays
}

/// A quick hash for ids. They are chosen by Graph and by Entra, not by an attacker, so nothing
/// has to be kept from colliding on purpose.
#[derive(Default)]
pub(super) struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0_u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            let mixed = self.0.rotate_left(5) ^ u64::from_le_bytes(word);
            self.0 = mixed.wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }
}
