//! Sets and maps of event ids.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use super::identity::EventId;

/// A set of ids.
pub type EventIds = HashSet<EventId, BuildHasherDefault<HashedAlready>>;

/// Ids in a map.
pub type EventIdMap<V> = HashMap<EventId, V, BuildHasherDefault<HashedAlready>>;

/// Hashes ids for [`EventIds`] and [`EventIdMap`]: by their own first bytes. Those of certain
/// ids come out of SHA-256 and the others from chance, so a second hash would spread them no
/// better.
#[derive(Clone, Copy, Debug, Default)]
pub struct HashedAlready(u64);

impl Hasher for HashedAlready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some((first, _)) = bytes.split_first_chunk() {
            self.0 = u64::from_ne_bytes(*first);
        }
    }

    /// The length of the bytes, which is the same for all.
    fn write_usize(&mut self, _: usize) {}
}
