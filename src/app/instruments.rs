//! Counters: what conflicts were met and how they ended, and a few things that should be rare.
//!
//! A pure fold over what a pass decided, or over the steps of an ensure run. The counts of one pass
//! stand in its report and in the log; their sum since the state was first written stands in the
//! state. Those of an ensure run stand in the log.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::ensure::{Account, Ended};
use super::report::{Action, Decision};
use crate::domain::conflict::{Cause, Remedy, Service, Verdict, find_rule};
use crate::domain::ensure::{self, Outcome, Stop};
use crate::domain::plan::Reason;
use crate::telemetry::field;

/// A conflict as the classifier understood it, in the words of the playbook.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Conflict {
    /// The service that refused.
    #[serde(serialize_with = "service_word")]
    pub service: Service,
    /// What stood in the way.
    #[serde(serialize_with = "cause_word")]
    pub cause: Cause,
    /// What the playbook says about it.
    #[serde(serialize_with = "remedy_word")]
    pub remedy: Remedy,
    /// The rule that decided.
    pub rule: &'static str,
}

fn service_word<S: serde::Serializer>(one: &Service, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(one.as_str())
}

fn cause_word<S: serde::Serializer>(one: &Cause, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(one.as_str())
}

fn remedy_word<S: serde::Serializer>(one: &Remedy, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(one.as_str())
}

impl Conflict {
    /// What a service's refusal was taken for.
    pub fn of(service: Service, verdict: &Verdict) -> Self {
        Self {
            service,
            cause: verdict.cause,
            remedy: verdict.remedy,
            rule: verdict.rule,
        }
    }
}

/// What became of a conflict, as far as the run that met it went.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Ending {
    /// What was there was taken over.
    Adopted,
    /// It was created after all.
    Created,
    /// It was created after what stood in the way was deleted.
    Replaced,
    /// What was there was changed to what is wanted.
    Updated,
    /// It is left alone for a time that is known.
    Waiting,
    /// A human is asked.
    Escalated,
    /// The run ended before more was done about it.
    Open,
}

impl Ending {
    /// The word in logs, reports and the state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Adopted => "adopted",
            Self::Created => "created",
            Self::Replaced => "replaced",
            Self::Updated => "updated",
            Self::Waiting => "waiting",
            Self::Escalated => "escalated",
            Self::Open => "open",
        }
    }
}

/// How often a conflict of one kind was met. Words, so that those of a later release are kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Met {
    /// The service.
    pub service: String,
    /// What stood in the way.
    pub cause: String,
    /// What the playbook says about it.
    pub remedy: String,
    /// What became of it; see [`Ending`].
    pub outcome: String,
    /// How often.
    pub count: u64,
}

/// The counters.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Instruments {
    /// Conflicts met.
    #[serde(default)]
    pub conflicts: Vec<Met>,
    /// Subscriptions taken over after a refused create led to them.
    #[serde(default)]
    pub adopted_after_conflict: u64,
    /// Second subscriptions of one key that Graph had accepted without a word, counted when they
    /// were removed.
    #[serde(default)]
    pub silent_duplicates: u64,
    /// Conflicts that no rule knows.
    #[serde(default)]
    pub unclassified: u64,
    /// Runs that ended because their time, their calls or their rounds were used up.
    #[serde(default)]
    pub budget_exhausted: u64,
}

impl Instruments {
    /// Counts what a pass decided, in the order in which it did. `exhausted`: its time, its
    /// calls or its rounds were used up.
    pub fn of(decisions: &[Decision], exhausted: bool) -> Self {
        let mut counted = Self {
            budget_exhausted: u64::from(exhausted),
            ..Self::default()
        };
        // What came next for a key is known when looking from the end.
        let mut next: HashMap<(&str, Option<&str>), Ending> = HashMap::new();
        for decision in decisions.iter().rev() {
            let subject = (decision.tenant.as_str(), decision.name.as_deref());
            if let Some(conflict) = &decision.conflict {
                let ending = next.get(&subject).copied().unwrap_or(Ending::Open);
                counted.met(conflict, ending);
            } else if let Some(ending) = ending(decision) {
                next.insert(subject, ending);
            }
            if decision.outcome != "done" {
                continue;
            }
            match (decision.action, decision.reason) {
                (Action::Adopt, Reason::NamedHolder) => counted.adopted_after_conflict += 1,
                (Action::Delete, Reason::Surplus) => counted.silent_duplicates += 1,
                _ => {}
            }
        }
        counted
    }

    /// Counts what an ensure run met, by the rules that decided in it.
    pub fn of_ensure(account: &Account) -> Self {
        let mut counted = Self::default();
        let ending = match &account.ended {
            Ended::Would(_) => Ending::Open,
            Ended::Over(ensure::Ending::Done { outcome, .. }) => counted.done(*outcome),
            Ended::Over(ensure::Ending::GaveUp(up)) => counted.gave_up(up.reason),
        };
        // A refusal may decide several steps in a row: it was met once.
        let mut before = None;
        for step in &account.steps {
            let evidence = &step.evidence;
            let (Some(cause), Some(remedy), Some(rule)) =
                (evidence.cause, evidence.remedy, evidence.rule)
            else {
                continue;
            };
            let this = (rule, &evidence.request_id, &evidence.words);
            if before.replace(this) == Some(this) {
                continue;
            }
            let service = find_rule(rule).and_then(|rule| rule.services.first());
            let service = service.map_or(account.kind, |service| service.as_str());
            counted.add_conflict(service, cause, remedy, ending);
        }
        counted
    }

    fn done(&mut self, outcome: Outcome) -> Ending {
        match outcome {
            Outcome::Created | Outcome::CreatedEarlier => Ending::Created,
            Outcome::Patched => Ending::Updated,
            Outcome::Unchanged => Ending::Adopted,
            Outcome::Adopted => {
                self.adopted_after_conflict += 1;
                Ending::Adopted
            }
            Outcome::Collapsed(surplus) => {
                self.silent_duplicates += u64::from(surplus);
                Ending::Adopted
            }
        }
    }

    fn gave_up(&mut self, reason: Stop) -> Ending {
        match reason {
            Stop::Spent => {
                self.budget_exhausted += 1;
                Ending::Open
            }
            Stop::Contention
            | Stop::Timeout
            | Stop::Locked
            | Stop::Quota
            | Stop::Busy
            | Stop::Unknown
            | Stop::Incomplete
            | Stop::NotRecorded => Ending::Waiting,
            _ => Ending::Escalated,
        }
    }

    /// Counts one conflict and what became of it.
    pub fn met(&mut self, conflict: &Conflict, ending: Ending) {
        let service = conflict.service.as_str();
        self.add_conflict(service, conflict.cause, conflict.remedy, ending);
    }

    fn add_conflict(&mut self, service: &str, cause: Cause, remedy: Remedy, ending: Ending) {
        self.unclassified += u64::from(cause == Cause::Unclassified);
        self.add(Met {
            service: service.to_owned(),
            cause: cause.as_str().to_owned(),
            remedy: remedy.as_str().to_owned(),
            outcome: ending.as_str().to_owned(),
            count: 1,
        });
    }

    fn add(&mut self, more: Met) {
        let key = |met: &Met| {
            let Met {
                service,
                cause,
                remedy,
                outcome,
                ..
            } = met.clone();
            (service, cause, remedy, outcome)
        };
        match self
            .conflicts
            .binary_search_by(|met| key(met).cmp(&key(&more)))
        {
            Ok(at) => {
                self.conflicts[at].count = self.conflicts[at].count.saturating_add(more.count)
            }
            Err(at) => self.conflicts.insert(at, more),
        }
    }

    /// Adds the counts of another run.
    pub fn merge(&mut self, other: &Self) {
        for met in &other.conflicts {
            self.add(met.clone());
        }
        for (sum, more) in [
            (
                &mut self.adopted_after_conflict,
                other.adopted_after_conflict,
            ),
            (&mut self.silent_duplicates, other.silent_duplicates),
            (&mut self.unclassified, other.unclassified),
            (&mut self.budget_exhausted, other.budget_exhausted),
        ] {
            *sum = sum.saturating_add(more);
        }
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The counters that have no parts, by the word that they have in the log.
    pub fn plain(&self) -> BTreeMap<&'static str, u64> {
        [
            ("adopted-after-conflict", self.adopted_after_conflict),
            ("silent-duplicates", self.silent_duplicates),
            ("unclassified", self.unclassified),
            ("budget-exhausted", self.budget_exhausted),
        ]
        .into()
    }

    /// Writes one event for each counter that moved: metrics are made from the log.
    pub fn log(&self) {
        for met in &self.conflicts {
            tracing::info!(
                { field::CONFLICT_SERVICE } = met.service,
                { field::CONFLICT_CAUSE } = met.cause,
                { field::CONFLICT_REMEDY } = met.remedy,
                { field::CONFLICT_OUTCOME } = met.outcome,
                { field::COUNT } = met.count,
                "conflict met"
            );
        }
        for (counter, count) in self.plain() {
            if count > 0 {
                tracing::info!(
                    { field::COUNTER } = counter,
                    { field::COUNT } = count,
                    "counted"
                );
            }
        }
    }
}

/// What a decision means for a conflict of the same key that came before it.
fn ending(decision: &Decision) -> Option<Ending> {
    let done = decision.outcome == "done";
    match decision.action {
        Action::Adopt => Some(Ending::Adopted),
        Action::Create if done && decision.reason == Reason::Replacement => Some(Ending::Replaced),
        Action::Create if done => Some(Ending::Created),
        Action::Block => Some(Ending::Waiting),
        _ => None,
    }
}
