//! One transition of a run, for the audit and for telling it in sentences.

use std::fmt;
use std::time::Duration;

use crate::domain::conflict::{Cause, Confidence, Remedy};

use super::{HolderId, Refusal, Seen};

/// Where a run stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum State {
    /// Nothing was asked yet.
    Guard,
    /// Looking at everything with the key.
    Observe,
    /// One thing of ours was found: is it as wanted?
    Compare,
    /// Creating it.
    Create,
    /// Looking for what a refusal or a lost answer points at.
    ReRead,
    /// What the refusal pointed at is ours.
    Adopt,
    /// Changing it.
    Patch,
    /// Looking again after a write.
    Verify,
    /// Removing surplus among duplicates.
    Collapse,
    /// Bringing back a deleted one.
    Restore,
    /// Letting time pass, or polling.
    Delay,
    /// Providing what is missing, or taking a lock anew.
    Mend,
    /// It stands.
    Done,
    /// It was given up.
    GiveUp,
}

impl State {
    /// The word in JSON, logs and the audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Guard => "guard",
            Self::Observe => "observe",
            Self::Compare => "compare",
            Self::Create => "create",
            Self::ReRead => "re-read",
            Self::Adopt => "adopt",
            Self::Patch => "patch",
            Self::Verify => "verify",
            Self::Collapse => "collapse",
            Self::Restore => "restore",
            Self::Delay => "delay",
            Self::Mend => "mend",
            Self::Done => "done",
            Self::GiveUp => "give-up",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a step rests on.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Evidence {
    /// What stood in the way.
    pub cause: Option<Cause>,
    /// The playbook's remedy for it.
    pub remedy: Option<Remedy>,
    /// The playbook's rule that says so.
    pub rule: Option<&'static str>,
    /// What that rule rests on.
    pub confidence: Option<Confidence>,
    /// The service's words, cut to a printable length.
    pub words: Option<String>,
    /// How long is waited because of it.
    pub wait: Option<Duration>,
    /// The thing that it is about.
    pub holder: Option<HolderId>,
    /// Its version before a write.
    pub before: Option<String>,
    /// Its version after a write.
    pub after: Option<String>,
    /// The service's request id.
    pub request_id: Option<String>,
}

impl Evidence {
    /// What a refusal shows.
    pub fn of_refusal(refusal: &Refusal) -> Self {
        let verdict = &refusal.verdict;
        Self {
            cause: Some(verdict.cause),
            remedy: Some(verdict.remedy),
            rule: Some(verdict.rule),
            confidence: Some(verdict.confidence),
            words: Some(verdict.words.clone()),
            holder: refusal.holder.clone(),
            request_id: refusal.request_id.clone(),
            ..Self::default()
        }
    }

    /// What was seen of a thing.
    pub fn of_seen(seen: &Seen) -> Self {
        Self {
            holder: Some(seen.id.clone()),
            before: seen.version.clone(),
            ..Self::default()
        }
    }
}

/// One transition of a run.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Step {
    /// When, from the start of the run.
    pub at: Duration,
    /// Where the run stood.
    pub from: State,
    /// Where it stands now.
    pub to: State,
    /// Why, in a sentence.
    pub why: String,
    /// What that rests on.
    pub evidence: Evidence,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}: {}", self.from, self.to, self.why)
    }
}
