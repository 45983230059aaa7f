//! Capped exponential backoff with full jitter.

use std::time::Duration;

/// How waits grow from one attempt to the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backoff {
    /// The longest possible first wait.
    pub base: Duration,
    /// By what the longest possible wait grows with each attempt.
    pub factor: u32,
    /// No wait is longer.
    pub cap: Duration,
}

impl Backoff {
    /// The longest possible wait after failed attempt `attempt`, the first being 0.
    pub fn ceiling(&self, attempt: u32) -> Duration {
        let grown = self
            .factor
            .checked_pow(attempt)
            .and_then(|factor| self.base.checked_mul(factor));
        grown.unwrap_or(self.cap).min(self.cap)
    }

    /// The wait after failed attempt `attempt`, the first being 0: full jitter, so anything from
    /// nothing to [`Backoff::ceiling`], by a number from 0 to 999 that the caller drew. Larger
    /// numbers count as 1000.
    pub fn delay(&self, attempt: u32, per_mille: u16) -> Duration {
        self.ceiling(attempt) * u32::from(per_mille.min(1_000)) / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF_TO_THIRTY: Backoff = Backoff {
        base: Duration::from_millis(500),
        factor: 2,
        cap: Duration::from_secs(30),
    };

    #[track_caller]
    fn check_delay(attempt: u32, per_mille: u16, want_ms: u64) {
        let got = HALF_TO_THIRTY.delay(attempt, per_mille);
        assert_eq!(got, Duration::from_millis(want_ms));
    }

    #[test]
    fn doubles_up_to_the_cap_and_never_overflows() {
        check_delay(0, 1_000, 500);
        check_delay(1, 1_000, 1_000);
        check_delay(5, 1_000, 16_000);
        check_delay(6, 1_000, 30_000);
        check_delay(u32::MAX, 1_000, 30_000);
    }

    #[test]
    fn jitter_spreads_over_the_whole_range() {
        check_delay(3, 0, 0);
        check_delay(3, 500, 2_000);
        check_delay(3, 999, 3_996);
        check_delay(3, u16::MAX, 4_000);
    }
}
