//! A case: what the documentation says, what is sent, and how the answers are judged.

use serde::Serialize;

use super::ask::{Ask, Asker};
use super::judge::{Judge, Judged};
use super::strain;

/// Groups of cases.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Endpoint validation.
    Handshake,
    /// Well-formed, odd and broken deliveries.
    Delivery,
    /// What others send in Graph's name.
    Forgery,
    /// Slow, large and many requests.
    Strain,
}

/// How a case ended. The greater is the worse.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As expected.
    Pass,
    /// It works with Graph; there is a better way.
    Warn,
    /// Graph would not create the subscription, would send again, or would lose something; or
    /// an attacker learns something.
    Fail,
}

impl Verdict {
    /// `pass`, `warn` or `fail`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// A case and how it ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// The case.
    pub id: &'static str,
    /// Its group.
    pub group: Group,
    /// What the documentation, or experience, says.
    pub says: &'static str,
    /// Who says so.
    pub source: &'static str,
    /// What a good receiver does.
    pub expected: &'static str,
    /// What this one did.
    pub seen: String,
    /// The judgement.
    pub verdict: Verdict,
}

/// What a case does.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// Sends these one after another; each answer is judged, and the worst counts.
    Each(Vec<Ask>, Judge),
    /// Sends these; the answers must be alike.
    Alike(Vec<Ask>),
    /// Sends one; the answers must hold none of these texts.
    Silent(Vec<Ask>, Vec<&'static str>),
    /// Sends these at the same time; each answer is judged.
    AtOnce(Vec<Ask>, Judge),
    /// Sends the first and, before it is done, the second, whose answer is judged.
    Beside(Ask, Ask, Judge),
    /// Sends one that never ends; it must be cut off.
    CutOff(Ask),
}

/// One case.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) id: &'static str,
    pub(super) group: Group,
    pub(super) says: &'static str,
    pub(super) source: &'static str,
    pub(super) expected: &'static str,
    pub(super) act: Act,
}

impl Case {
    /// Runs it.
    pub(super) async fn run(&self, asker: &Asker) -> Finding {
        let judged = match &self.act {
            Act::Each(asks, judge) => each(asker, asks, judge).await,
            Act::Alike(asks) => strain::alike(asker, asks).await,
            Act::Silent(asks, words) => strain::silent(asker, asks, words).await,
            Act::AtOnce(asks, judge) => strain::at_once(asker, asks, judge).await,
            Act::Beside(first, second, judge) => strain::beside(asker, first, second, judge).await,
            Act::CutOff(ask) => strain::cut_off(asker, ask).await,
        };
        Finding {
            seen: judged.seen,
            verdict: judged.verdict,
            ..self.unseen("")
        }
    }

    /// The finding of a case that did not run.
    pub(super) fn unseen(&self, why: &str) -> Finding {
        Finding {
            id: self.id,
            group: self.group,
            says: self.says,
            source: self.source,
            expected: self.expected,
            seen: why.to_owned(),
            verdict: Verdict::Fail,
        }
    }
}

async fn each(asker: &Asker, asks: &[Ask], judge: &Judge) -> Judged {
    let mut all = Vec::new();
    for ask in asks {
        all.push(judge.look(&asker.ask(ask).await));
    }
    Judged::worst(all)
}
