//! How long answers took, in classes: small enough to be kept for each instance, and to be added.

/// Upper bounds of the classes, in milliseconds; the last two are the limits by which Graph
/// judges an answer. What took longer than all of them is a class of its own.
pub const BOUNDS_MS: [u64; 9] = [3, 10, 30, 100, 300, 1_000, 2_000, 3_000, 10_000];

/// Counts of answers by the time that they took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Times([u64; BOUNDS_MS.len() + 1]);

impl Times {
    /// Counts one answer.
    pub fn note(&mut self, took_ms: u64) {
        let class = BOUNDS_MS.iter().position(|bound| took_ms <= *bound);
        self.0[class.unwrap_or(BOUNDS_MS.len())] += 1;
    }

    /// The counts, in the order of [`BOUNDS_MS`], and last those above all bounds.
    pub fn counts(&self) -> &[u64] {
        &self.0
    }

    /// Counts that were kept; classes that are missing are empty, further ones are left out.
    pub fn of(counts: &[u64]) -> Self {
        let mut times = Self::default();
        for (kept, count) in times.0.iter_mut().zip(counts) {
            *kept = *count;
        }
        times
    }

    /// All answers.
    pub fn all(&self) -> u64 {
        self.0.iter().fold(0, |sum, one| sum.saturating_add(*one))
    }

    /// The bound in milliseconds within which so many of a thousand answers came. `None` for
    /// no answers, and for a share that only answers above all bounds fill.
    pub fn within(&self, per_mille: u64) -> Option<u64> {
        let all = u128::from(self.all());
        let mut so_far = 0_u128;
        let reached = |so_far: u128| so_far * 1000 >= all * u128::from(per_mille);
        BOUNDS_MS.iter().zip(&self.0).find_map(|(bound, count)| {
            so_far += u128::from(*count);
            (all > 0 && reached(so_far)).then_some(*bound)
        })
    }
}

impl std::ops::Add for Times {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        for (one, more) in self.0.iter_mut().zip(other.0) {
            *one = one.saturating_add(more);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_counts_in_the_first_class_that_holds_it() {
        let mut times = Times::default();
        for ms in [0, 3, 4, 10_000, 10_001, u64::MAX] {
            times.note(ms);
        }
        assert_eq!(times.counts(), [2, 1, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(times.all(), 6);
        assert_eq!(Times::of(times.counts()), times);
        assert_eq!(Times::of(&[1, 2]).all(), 3, "of another release");
        assert_eq!((times + times).all(), 12);
    }

    #[test]
    fn a_share_is_told_by_the_bound_within_which_it_came() {
        let mut times = Times::default();
        assert_eq!(times.within(500), None);
        for _ in 0..99 {
            times.note(20);
        }
        times.note(5_000);
        assert_eq!(times.within(500), Some(30));
        assert_eq!(times.within(990), Some(30));
        assert_eq!(times.within(991), Some(10_000));
        times.note(60_000);
        assert_eq!(times.within(1000), None, "above every bound");
    }
}
