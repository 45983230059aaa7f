//! How careful and how fast: the modes of a pass, and the numbers that govern its decisions.

use std::fmt;

use jiff::SignedDuration;

/// How far a pass may go. Modes nest: each allows what the ones before it allow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Mode {
    /// Looks and reports; changes nothing in Graph.
    Observe,
    /// Also renews what is ours.
    RenewOnly,
    /// Also creates what is missing; never deletes.
    CreateOnly,
    /// Also deletes what is surplus or no longer declared.
    #[default]
    Full,
}

impl Mode {
    /// Every mode, the most cautious first.
    pub const ALL: [Self; 4] = [Self::Observe, Self::RenewOnly, Self::CreateOnly, Self::Full];

    /// The word used in settings and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::RenewOnly => "renew-only",
            Self::CreateOnly => "create-only",
            Self::Full => "full",
        }
    }

    /// Reads the word, exactly as [`Self::as_str`] writes it.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A share of a whole, in thousandths.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct PerMille(pub u16);

impl PerMille {
    /// This share of a duration, rounded down to whole milliseconds.
    pub fn of(self, whole: SignedDuration) -> SignedDuration {
        let millis = whole.as_millis().saturating_mul(i128::from(self.0)) / 1000;
        SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}

/// The numbers of a pass.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// The most that a pass may do.
    pub mode: Mode,
    /// Distance between two timer runs.
    pub tick: SignedDuration,
    /// The share of a lifetime after which it is renewed.
    pub renew_after: PerMille,
    /// At most this share of the waiting time is taken off by jitter, so that subscriptions
    /// created together do not stay due together.
    pub jitter: PerMille,
    /// A complete listing of every tenant is taken at least this often.
    pub audit_every: SignedDuration,
    /// A create without an outcome is looked for only after this time: longer than a create's
    /// time-out, and longer than a listing is assumed to lag behind.
    pub settle: SignedDuration,
    /// Two sightings this far apart are needed before something ours is removed.
    pub confirm_after: SignedDuration,
    /// At least one lifecycle-caused PATCH and the next are this far apart: Graph's state may
    /// become inconsistent otherwise (lifecycle events page of the Graph documentation).
    pub patch_distance: SignedDuration,
    /// A wait longer than this makes no sense and is not kept.
    pub absurd_wait: SignedDuration,
    /// First wait after a failure of one key.
    pub backoff_base: SignedDuration,
    /// Longest wait after failures of one key.
    pub backoff_cap: SignedDuration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mode: Mode::Full,
            tick: SignedDuration::from_mins(5),
            renew_after: PerMille(700),
            jitter: PerMille(100),
            audit_every: SignedDuration::from_hours(1),
            settle: SignedDuration::from_mins(2),
            confirm_after: SignedDuration::from_mins(15),
            patch_distance: SignedDuration::from_mins(10),
            absurd_wait: SignedDuration::from_hours(24),
            backoff_base: SignedDuration::from_mins(1),
            backoff_cap: SignedDuration::from_hours(1),
        }
    }
}

impl Policy {
    /// How many of `total` things may be removed in one pass: five, or a tenth where that is more.
    pub fn removals_per_pass(total: usize) -> usize {
        (total / 10).max(5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_nest_and_survive_their_words() {
        assert!(Mode::ALL.is_sorted());
        for mode in Mode::ALL {
            assert_eq!(Mode::parse(mode.as_str()), Some(mode));
        }
        assert_eq!(Mode::parse("Full"), None);
    }
}
