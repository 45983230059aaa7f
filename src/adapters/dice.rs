//! Chance, seedable.

use std::sync::{Mutex, PoisonError};

use crate::ports::dice::Dice;

/// Dice over a small fast generator. Never for secrets.
#[derive(Debug)]
pub struct FastDice(Mutex<fastrand::Rng>);

impl FastDice {
    /// Dice whose throws are the same for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }

    /// Dice that fall differently in every process.
    pub fn by_chance() -> Self {
        Self(Mutex::new(fastrand::Rng::new()))
    }
}

impl Dice for FastDice {
    fn per_mille(&self) -> u16 {
        // A generator has no state that a panic could leave half changed.
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rng.u16(0..1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throws(dice: &FastDice) -> Vec<u16> {
        (0..2000).map(|_| dice.per_mille()).collect()
    }

    #[test]
    fn a_seed_fixes_every_throw_and_all_stay_below_a_thousand() {
        let first = throws(&FastDice::seeded(7));
        assert_eq!(first, throws(&FastDice::seeded(7)));
        assert_ne!(first, throws(&FastDice::seeded(8)));
        assert!(first.iter().all(|throw| *throw < 1000));
        assert!(first.iter().any(|throw| *throw < 100));
        assert!(first.iter().any(|throw| *throw >= 900));
    }
}
