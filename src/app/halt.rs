//! Why a pass ends before its plan is at rest.

/// Why a pass ended before its plan was at rest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Halt {
    /// In words.
    pub why: String,
    /// Whether its time, its calls or its rounds were used up.
    pub exhausted: bool,
}

impl Halt {
    /// Something must stop it.
    pub(in crate::app) fn new(why: impl Into<String>) -> Self {
        let (why, exhausted) = (why.into(), false);
        Self { why, exhausted }
    }

    /// Its time, its calls or its rounds are used up.
    pub(in crate::app) fn exhausted(why: impl Into<String>) -> Self {
        let (why, exhausted) = (why.into(), true);
        Self { why, exhausted }
    }
}
