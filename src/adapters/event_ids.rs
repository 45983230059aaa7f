//! Numbers that are never drawn twice: who we are, and how many we drew.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

use crate::ports::ids::UniqueIds;

/// Eight random bytes for this process, and a counter.
///
/// Two of a million processes share the eight bytes with a chance of one in 30 million.
#[derive(Debug)]
pub struct CountedIds {
    process: u64,
    count: AtomicU64,
}

impl CountedIds {
    /// Ids of this process.
    ///
    /// # Errors
    /// Where the machine has no randomness to give.
    pub fn by_chance() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut bytes = [0; 8];
        SystemRandom::new().fill(&mut bytes)?;
        Ok(Self::of_process(u64::from_be_bytes(bytes)))
    }

    /// Ids of a process with this number, the same in every run.
    pub fn of_process(process: u64) -> Self {
        Self {
            process,
            count: AtomicU64::new(0),
        }
    }
}

impl UniqueIds for CountedIds {
    fn next(&self) -> u128 {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        u128::from(self.process) << 64 | u128::from(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_comes_twice() {
        let (one, other) = (CountedIds::by_chance().unwrap(), CountedIds::of_process(7));
        let drawn: std::collections::BTreeSet<_> =
            (0..1000).flat_map(|_| [one.next(), other.next()]).collect();
        assert_eq!(drawn.len(), 2000);
    }
}
