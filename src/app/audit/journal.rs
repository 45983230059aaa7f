//! The journal of ensure runs, kept in the audit.

use std::sync::Arc;

use async_trait::async_trait;

use super::trail::Trail;
use crate::domain::audit::{About, BEGUN, DONE, Kind, Record, Rule};
use crate::domain::ensure::{Evidence, State};
use crate::ports::clock::Clock;
use crate::ports::ensure::{Entry, Journal, JournalError};

/// Writes every step of a run into the audit, before the effect where there is one.
pub struct AuditJournal {
    trail: Arc<Trail>,
    clock: Arc<dyn Clock>,
    because: Option<String>,
}

impl AuditJournal {
    /// A journal over the trail of this process. `because` is the human decision behind the run:
    /// the address of a ticket, or words.
    pub fn new(trail: Arc<Trail>, clock: Arc<dyn Clock>, because: Option<String>) -> Self {
        Self {
            trail,
            clock,
            because,
        }
    }
}

#[async_trait]
impl Journal for AuditJournal {
    async fn record(&self, entry: Entry<'_>) -> Result<(), JournalError> {
        let now = self.clock.now().await;
        let now = now.map_err(|error| JournalError(error.to_string()))?;
        let mut record = record(&entry, Record::new(Kind::Step, now, entry.step.to.as_str()));
        record.because.clone_from(&self.because);
        self.trail.keep(record);
        let written = self.trail.flush().await;
        written.map_err(|error| JournalError(error.to_string()))
    }
}

fn record(entry: &Entry<'_>, record: Record) -> Record {
    let step = entry.step;
    let Evidence {
        cause,
        remedy,
        rule,
        words,
        wait,
        holder,
        before,
        after,
        request_id,
        ..
    } = &step.evidence;
    let version = |version: &Option<String>| {
        let pair = |version: &String| ("version".to_owned(), version.clone());
        version.iter().map(pair).collect()
    };
    Record {
        run: entry.token.as_str().to_owned(),
        reason: step.from.as_str().to_owned(),
        about: About {
            key: Some(entry.key.to_owned()),
            name: Some(entry.kind.to_owned()),
            id: holder.as_ref().map(|id| id.as_str().to_owned()),
            ..About::default()
        },
        seen: step.why.clone(),
        rule: rule.map(Rule::of_today),
        cause: cause.map(|cause| cause.as_str().to_owned()),
        remedy: remedy.map(|remedy| remedy.as_str().to_owned()),
        outcome: match (entry.before, step.to) {
            (Some(_), _) => BEGUN.to_owned(),
            (None, State::GiveUp) => "gave-up".to_owned(),
            (None, _) => DONE.to_owned(),
        },
        wait: *wait,
        request_ids: request_id.iter().cloned().collect(),
        before: version(before),
        after: version(after),
        words: match (entry.before, words) {
            (Some(next), Some(words)) => format!("about to {}; {words}", next.verb()),
            (Some(next), None) => format!("about to {}", next.verb()),
            (None, words) => words.clone().unwrap_or_default(),
        },
        ..record
    }
}
