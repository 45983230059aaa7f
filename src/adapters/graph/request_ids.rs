//! Ids that we give our own calls.

use std::sync::{Mutex, PoisonError};

/// Draws a `client-request-id` for each logical call: for correlation in Microsoft's and our
/// own logs, never for de-duplication (Graph does none).
#[derive(Debug)]
pub struct RequestIds(Mutex<fastrand::Rng>);

impl RequestIds {
    /// The same ids for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }

    /// Other ids in every process.
    pub fn by_chance() -> Self {
        Self(Mutex::new(fastrand::Rng::new()))
    }

    /// The next id, in the form of a random UUID (version 4).
    pub fn next(&self) -> String {
        // A generator has no state that a panic could leave half changed.
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bits = rng.u128(..) & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
        let hex = format!("{bits:032x}");
        let (a, b, c, d, e) = (
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        );
        format!("{a}-{b}-{c}-{d}-{e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::is_guid;

    #[test]
    fn ids_are_guids_fixed_by_their_seed() {
        let (first, second) = (RequestIds::seeded(3), RequestIds::seeded(3));
        for _ in 0..100 {
            let id = first.next();
            assert!(is_guid(&id), "{id}");
            assert_eq!(&id[14..15], "4", "{id}");
            assert!("89ab".contains(&id[19..20]), "{id}");
            assert_eq!(id, second.next());
        }
        assert_ne!(first.next(), first.next());
    }
}
