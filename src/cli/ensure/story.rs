//! A run in sentences, as it happens, and as one JSON document.

use std::io::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::app::ensure::{Account, Ended};
use crate::domain::conflict::PLAYBOOK_VERSION;
use crate::domain::ensure::{Ending, Evidence, Outcome, Step};
use crate::ports::ensure::{Entry, Journal, JournalError};

/// Where the sentences go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Story {
    stdout: bool,
}

impl Story {
    pub(super) fn to_stdout() -> Self {
        Self { stdout: true }
    }

    pub(super) fn to_stderr() -> Self {
        Self { stdout: false }
    }

    /// Says something. A reader that went away does not stop the run.
    pub(super) fn say(self, text: &str) {
        let told = if self.stdout {
            writeln!(std::io::stdout().lock(), "{text}")
        } else {
            writeln!(std::io::stderr().lock(), "{text}")
        };
        drop(told);
    }

    /// How it ended, and what else a person should know.
    pub(super) fn end(self, account: &Account, findings: &[String]) {
        self.say("");
        self.say(&ended_words(account));
        if let Some(why) = &account.journal {
            self.say(&format!("Not every step could be audited: {why}"));
        }
        for finding in findings {
            self.say(&format!("Note: {finding}"));
        }
    }
}

/// A journal that tells what it is given, and hands it on.
pub(super) struct Telling {
    inner: Arc<dyn Journal>,
    story: Story,
}

impl Telling {
    pub(super) fn new(inner: Arc<dyn Journal>, story: Story) -> Self {
        Self { inner, story }
    }
}

#[async_trait]
impl Journal for Telling {
    async fn record(&self, entry: Entry<'_>) -> Result<(), JournalError> {
        self.story.say(&step_words(entry.step));
        // Written down before the effect where there is one.
        self.inner.record(entry).await
    }
}

fn step_words(step: &Step) -> String {
    let at = step.at.as_secs_f64();
    let mut out = format!("{at:>7.1} s  {:<9}  {}.", step.to.as_str(), step.why);
    for line in evidence_words(&step.evidence, &step.why) {
        out.push_str(&format!("\n{:22}{line}", ""));
    }
    out
}

fn evidence_words(evidence: &Evidence, told: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let new = |words: &&String| !words.is_empty() && !told.contains(words.as_str());
    if let Some(words) = evidence.words.as_ref().filter(new) {
        lines.push(format!("The service: {words}"));
    }
    if let (Some(cause), Some(remedy), Some(rule)) =
        (evidence.cause, evidence.remedy, evidence.rule)
    {
        lines.push(format!(
            "Understood as {cause}, so {remedy} (rule {rule}, playbook {PLAYBOOK_VERSION})."
        ));
    }
    if let Some(wait) = evidence.wait {
        lines.push(format!("It waits {:.1} s.", wait.as_secs_f64()));
    }
    if let (Some(before), Some(after)) = (&evidence.before, &evidence.after)
        && before != after
    {
        lines.push(format!("Version {before} became {after}."));
    }
    lines
}

fn ended_words(account: &Account) -> String {
    match &account.ended {
        Ended::Would(next) => format!("Rehearsal: it would now {}.", next.verb()),
        Ended::Over(Ending::Done { outcome, id }) => format!("Done: {id}: {outcome}."),
        Ended::Over(Ending::GaveUp(up)) => format!(
            "Gave up ({}): {}.\nNext: {}",
            up.reason,
            up.evidence.trim_end_matches('.'),
            up.next_step
        ),
    }
}

const fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Unchanged => "unchanged",
        Outcome::Created => "created",
        Outcome::CreatedEarlier => "created-earlier",
        Outcome::Adopted => "adopted",
        Outcome::Patched => "patched",
        Outcome::Collapsed(_) => "collapsed",
    }
}

/// The whole run.
pub(super) fn json(account: &Account, findings: &[String], audit: Option<&str>) -> Value {
    let (done, would, gave_up) = match &account.ended {
        Ended::Over(Ending::Done { outcome, id }) => {
            let done = json!({"outcome": outcome_word(*outcome), "id": id.as_str()});
            (done, Value::Null, Value::Null)
        }
        Ended::Would(next) => (Value::Null, next.verb().into(), Value::Null),
        Ended::Over(Ending::GaveUp(up)) => {
            let gave_up = json!({
                "reason": up.reason.as_str(),
                "evidence": up.evidence,
                "next_step": up.next_step,
            });
            (Value::Null, Value::Null, gave_up)
        }
    };
    json!({
        "kind": account.kind,
        "key": account.key,
        "run": account.token.as_str(),
        "done": done,
        "would": would,
        "gave_up": gave_up,
        "calls": account.calls,
        "steps": account.steps.iter().map(step_json).collect::<Vec<_>>(),
        "findings": findings,
        "audit": audit,
        "audit_failed": account.journal,
    })
}

fn step_json(step: &Step) -> Value {
    let evidence = &step.evidence;
    json!({
        "at_ms": u64::try_from(step.at.as_millis()).unwrap_or(u64::MAX),
        "from": step.from.as_str(),
        "to": step.to.as_str(),
        "why": step.why,
        "cause": evidence.cause.map(|cause| cause.as_str()),
        "remedy": evidence.remedy.map(|remedy| remedy.as_str()),
        "rule": evidence.rule,
        "words": evidence.words,
        "wait_ms": evidence.wait.and_then(|wait| u64::try_from(wait.as_millis()).ok()),
        "holder": evidence.holder.as_ref().map(|id| id.as_str()),
        "before": evidence.before,
        "after": evidence.after,
        "request_id": evidence.request_id,
    })
}
