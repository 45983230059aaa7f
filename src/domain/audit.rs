//! One decision as it is kept: what a person needs to understand it long after.
//!
//! Words, not types, stand in most fields: a record must stay readable when the version that wrote
//! it is gone, and a reader must accept what a newer version wrote. No field ever holds a secret.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::conflict::{RetryAfter, Verdict};

/// The version of the rules that decided: they are part of the program, so it is the program's.
pub const RULES_VERSION: &str = env!("CARGO_PKG_VERSION");

/// What sort of record it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// One thing that a pass did, remembered or left alone.
    Decision,
    /// How a pass began and ended.
    Pass,
    /// A lifecycle event that a pass took up.
    Lifecycle,
    /// One step of an ensure run.
    Step,
    /// Items that the intake refused, in figures.
    Refusals,
    /// Records that could not be kept.
    Gap,
    /// What a newer version wrote.
    Other(String),
}

impl Kind {
    /// The word in the file.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Decision => "decision",
            Self::Pass => "pass",
            Self::Lifecycle => "lifecycle",
            Self::Step => "step",
            Self::Refusals => "refusals",
            Self::Gap => "gap",
            Self::Other(word) => word,
        }
    }

    /// Reads the word; never fails.
    pub fn of(word: &str) -> Self {
        match word {
            "decision" => Self::Decision,
            "pass" => Self::Pass,
            "lifecycle" => Self::Lifecycle,
            "step" => Self::Step,
            "refusals" => Self::Refusals,
            "gap" => Self::Gap,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// What a record is about. Any part may be missing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct About {
    /// The tenant.
    pub tenant: Option<String>,
    /// The key: the tag of a subscription, or the natural key of another kind of thing.
    pub key: Option<String>,
    /// The declared name.
    pub name: Option<String>,
    /// The service's id: for a subscription, Graph's.
    pub id: Option<String>,
    /// The resource, as declared.
    pub resource: Option<String>,
}

/// The rule that decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// Its name, such as `plan/due` or `graph-subscriptions/object-identifier-in-use`.
    pub id: String,
    /// The version of the rules.
    pub version: String,
}

impl Rule {
    /// A rule of this version of the program.
    pub fn of_today(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            version: RULES_VERSION.to_owned(),
        }
    }
}

/// Properties before or after, by name, such as `expires`.
pub type Traits = BTreeMap<String, String>;

/// The outcome of an effect that is written down before it is tried.
pub const BEGUN: &str = "begun";

/// The outcome of what succeeded.
pub const DONE: &str = "done";

/// One decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Names the record among all others; a record that was written twice has one id.
    pub id: String,
    /// The record of the same decision that was written before the effect.
    pub settles: Option<String>,
    /// When, on Graph's clock where Graph is concerned.
    pub at: Timestamp,
    /// The pass or the run that it belongs to.
    pub run: String,
    /// What sort.
    pub kind: Kind,
    /// Who decided: the fleet and the instance, or the command and its user.
    pub actor: String,
    /// What: `renew`, `create`, `delete`, `hold`, or the word of a step.
    pub action: String,
    /// The reason given, in one word.
    pub reason: String,
    /// About what.
    pub about: About,
    /// What was seen that led to it, in words.
    pub seen: String,
    /// The rule that decided.
    pub rule: Option<Rule>,
    /// The cause of a refusal, in the playbook's word.
    pub cause: Option<String>,
    /// Its remedy.
    pub remedy: Option<String>,
    /// How it ended: [`BEGUN`], [`DONE`], or another word.
    pub outcome: String,
    /// How long the service asked to wait.
    pub wait: Option<Duration>,
    /// Until when it stays as it is, where known.
    pub until: Option<Timestamp>,
    /// The service's request ids, for its support.
    pub request_ids: Vec<String>,
    /// What was, before.
    pub before: Traits,
    /// What is, after.
    pub after: Traits,
    /// The human decision behind it: the address of a ticket, or words.
    pub because: Option<String>,
    /// More, in words.
    pub words: String,
    /// How many equal things it stands for.
    pub count: u64,
}

impl Record {
    /// A record with everything else empty.
    pub fn new(kind: Kind, at: Timestamp, action: impl Into<String>) -> Self {
        Self {
            id: String::new(),
            settles: None,
            at,
            run: String::new(),
            kind,
            actor: String::new(),
            action: action.into(),
            reason: String::new(),
            about: About::default(),
            seen: String::new(),
            rule: None,
            cause: None,
            remedy: None,
            outcome: DONE.to_owned(),
            wait: None,
            until: None,
            request_ids: Vec::new(),
            before: Traits::new(),
            after: Traits::new(),
            because: None,
            words: String::new(),
            count: 1,
        }
    }

    /// Takes up what a refusal means.
    #[must_use]
    pub fn with_verdict(mut self, verdict: &Verdict) -> Self {
        self.rule = Some(Rule::of_today(verdict.rule));
        self.cause = Some(verdict.cause.as_str().to_owned());
        self.remedy = Some(verdict.remedy.as_str().to_owned());
        if let Some(RetryAfter::For(wait)) = &verdict.wait {
            self.wait = Some(*wait);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_kind_is_read_back() {
        for word in [
            "decision",
            "pass",
            "lifecycle",
            "step",
            "refusals",
            "gap",
            "newer",
        ] {
            assert_eq!(Kind::of(word).as_str(), word);
        }
        assert_eq!(Kind::of("newer"), Kind::Other("newer".to_owned()));
    }
}
