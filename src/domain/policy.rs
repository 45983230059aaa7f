//! What a pass is allowed to do.

use std::fmt;

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
