//! What a pass did, and why: one report, one decision for each thing done or left alone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::instruments::{Conflict, Instruments};
use crate::domain::plan::{Brake, Reason};
use crate::domain::policy::Mode;
use crate::ports::endpoint::Unreachable;

/// How a pass ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing was due: no lease, no call of Graph, no write of state.
    Idle,
    /// Everything that could be done was done.
    Complete,
    /// Another worker holds the lease and does the work.
    Busy,
    /// It stopped before everything was done; the next tick goes on.
    Stopped {
        /// Why.
        why: String,
    },
    /// It could not begin.
    Failed {
        /// Why, and what to do.
        why: String,
    },
}

/// What was done, or left alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Extended by PATCH.
    Renew,
    /// Created.
    Create,
    /// Taken over.
    Adopt,
    /// Deleted.
    Delete,
    /// Let go of.
    LetGo,
    /// Not to be tried for a while.
    Block,
    /// Left alone.
    Hold,
    /// Looked at.
    Look,
}

impl Action {
    /// The word in logs and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Renew => "renew",
            Self::Create => "create",
            Self::Adopt => "adopt",
            Self::Delete => "delete",
            Self::LetGo => "let-go",
            Self::Block => "block",
            Self::Hold => "hold",
            Self::Look => "look",
        }
    }
}

/// One decision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Decision {
    /// When, on Graph's clock.
    pub at: Timestamp,
    /// What.
    pub action: Action,
    /// Why.
    #[serde(serialize_with = "reason_word")]
    pub reason: Reason,
    /// How it ended: `done`, or the kind of failure.
    pub outcome: String,
    /// The tenant.
    pub tenant: String,
    /// The declared name, where there is one.
    pub name: Option<String>,
    /// Graph's id, where there is one.
    pub id: Option<String>,
    /// More, in words. Never a secret.
    pub words: String,
    /// Graph's request id, for Microsoft's support.
    pub request_id: Option<String>,
    /// When it may change by itself.
    pub until: Option<Timestamp>,
    /// The conflict that it met, as classified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<Conflict>,
}

fn reason_word<S: serde::Serializer>(reason: &Reason, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(reason.as_str())
}

/// What lowered the mode, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct BrakeReport {
    /// A short word.
    pub brake: &'static str,
    /// What is wrong and what to do.
    pub advice: String,
}

/// What one of our own public addresses answered to a validation handshake.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct EndpointReport {
    /// The address.
    pub address: String,
    /// The likely obstacle; `None` where the token came back as it was sent.
    pub obstacle: Option<&'static str>,
    /// How long the answer took, in milliseconds.
    pub took_ms: u64,
    /// What was seen and what to do; empty where all is well. Never a secret.
    pub words: String,
}

impl EndpointReport {
    /// The answer of an address.
    pub fn of(address: String, answer: &Result<(), Unreachable>, took_ms: u64) -> Self {
        let fault = answer.as_ref().err();
        Self {
            address,
            obstacle: fault.map(|fault| fault.obstacle.as_str()),
            took_ms,
            words: fault.map(ToString::to_string).unwrap_or_default(),
        }
    }

    /// The answer as one line for people.
    pub fn sentence(&self) -> String {
        let Self {
            address,
            took_ms,
            words,
            ..
        } = self;
        match self.obstacle {
            None => format!("{address} answers handshakes ({took_ms} ms)"),
            Some(word) => format!(
                "{address} does not answer handshakes as Graph needs it, {word}: {words}; creates were tried all the same"
            ),
        }
    }
}

/// What one pass did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// When it began, on our clock.
    pub started_at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// What it began for.
    #[serde(serialize_with = "maybe_reason_word")]
    pub began_for: Option<Reason>,
    /// The effective mode.
    pub mode: &'static str,
    /// What lowered it.
    pub brakes: Vec<BrakeReport>,
    /// Calls of Graph, by kind.
    pub calls: BTreeMap<&'static str, u32>,
    /// Writes of state.
    pub state_writes: u32,
    /// Time without coverage that a replacement caused, in milliseconds until something served the
    /// key again, by id of the deleted row. A gap is told when it ends, by whichever pass ends it.
    pub gaps_ms: BTreeMap<String, u64>,
    /// Gaps that were open when the pass ended, by id of the deleted row, and since when.
    pub gaps_open: BTreeMap<String, Timestamp>,
    /// What was counted.
    pub instruments: Instruments,
    /// What our own public addresses answered; looked at once before the first create.
    pub endpoint: Vec<EndpointReport>,
    /// Decisions, in order.
    pub decisions: Vec<Decision>,
}

#[expect(
    clippy::ref_option,
    reason = "serde hands over a reference to the field"
)]
fn maybe_reason_word<S: serde::Serializer>(
    reason: &Option<Reason>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match reason {
        Some(reason) => to.serialize_some(reason.as_str()),
        None => to.serialize_none(),
    }
}

impl Report {
    /// A pass that begins.
    pub fn begin(started_at: Timestamp, mode: Mode) -> Self {
        Self {
            started_at,
            outcome: Outcome::Idle,
            began_for: None,
            mode: mode.as_str(),
            brakes: Vec::new(),
            calls: BTreeMap::new(),
            state_writes: 0,
            gaps_ms: BTreeMap::new(),
            gaps_open: BTreeMap::new(),
            instruments: Instruments::default(),
            endpoint: Vec::new(),
            decisions: Vec::new(),
        }
    }

    /// Counts calls of Graph.
    pub fn count(&mut self, kind: &'static str, calls: u32) {
        *self.calls.entry(kind).or_default() += calls;
    }

    /// Remembers what lowers the mode, once for each.
    pub fn brake(&mut self, mode: Mode, brakes: &[Brake]) {
        self.mode = mode.as_str();
        for brake in brakes {
            let one = BrakeReport {
                brake: brake.as_str(),
                advice: brake.advice(),
            };
            if !self.brakes.contains(&one) {
                tracing::error!(pass.brake = one.brake, "{}", one.advice);
                self.brakes.push(one);
            }
        }
    }

    /// Remembers and logs what one of our addresses answered.
    pub fn reached(&mut self, one: EndpointReport) {
        match one.obstacle {
            None => tracing::debug!("{}", one.sentence()),
            Some(word) => tracing::error!(endpoint.obstacle = word, "{}", one.sentence()),
        }
        self.endpoint.push(one);
    }

    /// Remembers and logs a decision. Equal holds of several rounds are one.
    ///
    /// Answers whether it is a new one.
    pub fn decide(&mut self, decision: Decision) -> bool {
        let again = decision.action == Action::Hold
            && self.decisions.iter().any(|known| {
                known.action == Action::Hold
                    && known.reason == decision.reason
                    && known.tenant == decision.tenant
                    && known.name == decision.name
                    && known.id == decision.id
            });
        if again {
            return false;
        }
        tracing::info!(
            decision.action = decision.action.as_str(),
            decision.reason = decision.reason.as_str(),
            decision.outcome = %decision.outcome,
            tenant.id = %decision.tenant,
            subscription.name = decision.name.as_deref(),
            subscription.id = decision.id.as_deref(),
            graph.request_id = decision.request_id.as_deref(),
            "{}", decision.sentence()
        );
        self.decisions.push(decision);
        true
    }

    /// A replacement's gap has ended.
    pub fn close_gap(&mut self, deleted: String, missing_ms: u64) {
        tracing::warn!(
            subscription.id = %deleted,
            gap.ms = missing_ms,
            "nothing served the key for {missing_ms} ms while {deleted} was replaced"
        );
        self.gaps_ms.insert(deleted, missing_ms);
    }

    /// A replacement's gap is still open.
    pub fn open_gap(&mut self, deleted: String, since: Timestamp) {
        tracing::error!(
            subscription.id = %deleted,
            "nothing serves the key since {since}: {deleted} had to be deleted first, and its \
             successor does not stand yet"
        );
        self.gaps_open.insert(deleted, since);
    }

    /// Decisions of one kind that succeeded.
    pub fn done(&self, action: Action) -> usize {
        let done = |one: &&Decision| one.action == action && one.outcome == "done";
        self.decisions.iter().filter(done).count()
    }

    /// One line for people.
    pub fn summary(&self) -> String {
        let ended = match &self.outcome {
            Outcome::Idle => "nothing was due".to_owned(),
            Outcome::Complete => "complete".to_owned(),
            Outcome::Busy => "another worker holds the lease".to_owned(),
            Outcome::Stopped { why } => format!("stopped: {why}"),
            Outcome::Failed { why } => format!("failed: {why}"),
        };
        let calls: u32 = self.calls.values().sum();
        format!(
            "pass {ended}; renewed {}, created {}, adopted {}, deleted {}; {calls} calls of Graph",
            self.done(Action::Renew),
            self.done(Action::Create),
            self.done(Action::Adopt),
            self.done(Action::Delete),
        )
    }
}

impl Decision {
    /// The decision as one line for people.
    pub fn sentence(&self) -> String {
        let what = self
            .name
            .as_deref()
            .or(self.id.as_deref())
            .unwrap_or(&self.tenant);
        let mut line = format!("{} {what}: {}", self.action.as_str(), self.reason.as_str());
        if self.outcome != "done" {
            line.push_str(", ");
            line.push_str(&self.outcome);
        }
        if !self.words.is_empty() {
            line.push_str(" (");
            line.push_str(&self.words);
            line.push(')');
        }
        line
    }
}
