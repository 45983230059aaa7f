//! What the audit keeps of a pass: a record for each decision, for what it remembers, for the
//! lifecycle events that it took up, and for its end.
//!
//! Records wait in the [`Trail`](super::audit::trail::Trail) and go out in batches. Only a delete
//! demands more: its record must be durable before it is sent, and where that fails, the pass goes
//! on without deletes.

mod changes;
mod ends;

use std::time::Duration;

use jiff::Timestamp;

use super::pass::Pass;
use super::report::{Action, Decision};
use crate::domain::audit::{About, BEGUN, Kind, Record, Rule, Traits};
use crate::domain::conflict::Verdict;
use crate::domain::ids::{SubscriptionId, TenantId};
use crate::domain::plan::Deletion;
use crate::domain::sight::{ById, Listing};
use crate::domain::state::Held;
use crate::domain::subscription::{Declaration, KeyTag, Observed};
use crate::ports::graph::{GraphError, Wait};

/// Records that wait before they are written without anybody asking: about a quarter of a block.
const BATCH: usize = 500;

/// The outcome of what was written down and then not done.
const LEFT_ALONE: &str = "left alone";

/// What the audit keeps of a decision beside what the report says.
#[derive(Default)]
pub(super) struct Detail {
    pub(super) tag: Option<KeyTag>,
    pub(super) seen: String,
    pub(super) verdict: Option<Verdict>,
    pub(super) wait: Option<Duration>,
    pub(super) before: Traits,
    pub(super) after: Traits,
    pub(super) settles: Option<String>,
}

impl Detail {
    /// A detail of a key.
    pub(super) fn of(tag: Option<&KeyTag>) -> Self {
        Self {
            tag: tag.copied(),
            ..Self::default()
        }
    }

    /// What a failed call says.
    pub(super) fn with_error(mut self, error: &GraphError) -> Self {
        self.verdict = match error {
            GraphError::Refused { verdict, .. }
            | GraphError::Conflict { verdict, .. }
            | GraphError::Quota { verdict, .. } => Some(verdict.clone()),
            _ => None,
        };
        if let Some(Wait::For(wait)) = error.wait() {
            self.wait = Some(*wait);
        }
        self
    }
}

/// The properties of a row, as far as they matter later.
pub(super) fn row_traits(row: &Observed) -> Traits {
    Traits::from([
        ("id".to_owned(), row.id.to_string()),
        ("resource".to_owned(), row.resource.clone()),
        ("expires".to_owned(), row.expires.to_string()),
    ])
}

/// The properties of what is remembered to serve a key.
pub(super) fn held_traits(held: &Held) -> Traits {
    Traits::from([
        ("id".to_owned(), held.id.to_string()),
        ("expires".to_owned(), held.expires.to_string()),
    ])
}

/// One property.
pub(super) fn ends(expires: Timestamp) -> Traits {
    Traits::from([("expires".to_owned(), expires.to_string())])
}

impl Pass<'_> {
    /// Reports a decision and keeps its record. Who only observes decides nothing.
    pub(super) fn decide(&mut self, decision: Decision, detail: Detail) {
        let record = self.lead.is_some().then(|| {
            let about = About {
                tenant: Some(decision.tenant.clone()).filter(|tenant| !tenant.is_empty()),
                name: decision.name.clone(),
                id: decision.id.clone(),
                ..self.about(detail.tag.as_ref())
            };
            let record = Record {
                reason: decision.reason.as_str().to_owned(),
                because: self.because(detail.tag.as_ref()),
                about,
                seen: detail.seen,
                rule: Some(Rule::of_today(format!("plan/{}", decision.reason.as_str()))),
                outcome: decision.outcome.clone(),
                until: decision.until,
                request_ids: decision.request_id.iter().cloned().collect(),
                before: detail.before,
                after: detail.after,
                settles: detail.settles,
                words: decision.words.clone(),
                ..Record::new(Kind::Decision, decision.at, decision.action.as_str())
            };
            let mut record = match &detail.verdict {
                Some(verdict) => record.with_verdict(verdict),
                None => record,
            };
            record.wait = detail.wait.or(record.wait);
            record
        });
        if self.report.decide(decision)
            && let Some(record) = record
        {
            self.keep(record);
        }
    }

    /// Keeps a record of this pass; it goes out with the next batch. Returns its id.
    fn keep(&self, mut record: Record) -> String {
        record.run.clone_from(&self.run);
        self.services.trail.keep(record)
    }

    fn about(&self, tag: Option<&KeyTag>) -> About {
        let Some(tag) = tag else {
            return About::default();
        };
        let known = self.doc.state.entries.get(tag).map(|entry| &entry.key);
        let declared = self.desired(tag).map(|desired| &desired.key);
        let key = declared.or(known);
        About {
            tenant: key.map(|key| key.tenant.to_string()),
            key: Some(tag.to_string()),
            name: self.name_of(Some(tag)),
            id: None,
            resource: key.map(|key| key.resource.clone()),
        }
    }

    /// The human decision behind a key, or behind the declaration as a whole.
    fn because(&self, tag: Option<&KeyTag>) -> Option<String> {
        let Declaration::Read(set) = self.declaration else {
            return None;
        };
        let own = tag.and_then(|tag| set.by_key.get(tag));
        match own {
            Some(desired) => desired.because.clone(),
            None => set.because.clone(),
        }
    }

    /// Writes down deletes that are about to be sent. `false` where that failed: then none of
    /// them may be sent, the pass is braked, and the next plan leaves deletes alone.
    pub(super) async fn announce(&mut self, deletes: &[&Deletion]) -> bool {
        for delete in deletes {
            if self.quiet(&delete.tenant).is_some() {
                continue;
            }
            let row = self.row(&delete.tenant, &delete.id);
            let tag = row
                .and_then(|row| row.key(&delete.tenant))
                .map(|key| key.tag());
            let seen = row.map(|row| format!("{}, until {}", row.resource, row.expires));
            let record = Record {
                reason: delete.why.as_str().to_owned(),
                about: About {
                    tenant: Some(delete.tenant.to_string()),
                    id: Some(delete.id.to_string()),
                    ..self.about(tag.as_ref())
                },
                because: self.because(tag.as_ref()),
                rule: Some(Rule::of_today(format!("plan/{}", delete.why.as_str()))),
                seen: seen.unwrap_or_default(),
                before: row.map(row_traits).unwrap_or_default(),
                outcome: BEGUN.to_owned(),
                ..Record::new(Kind::Decision, self.now(), Action::Delete.as_str())
            };
            let id = self.keep(record);
            self.announced.insert(delete.id.clone(), (id, tag));
        }
        if self.flush_records().await {
            return true;
        }
        self.settle_unsent();
        false
    }

    /// Whether the delete of a row was written down; it is so for one attempt.
    pub(super) fn take_announced(&mut self, id: &SubscriptionId) -> Option<Detail> {
        let (settles, tag) = self.announced.remove(id)?;
        Some(Detail {
            tag,
            settles: Some(settles),
            ..Detail::default()
        })
    }

    /// What was written down and not sent is settled as such.
    pub(super) fn settle_unsent(&mut self) {
        for (id, (settles, tag)) in std::mem::take(&mut self.announced) {
            let record = Record {
                about: About {
                    id: Some(id.to_string()),
                    ..self.about(tag.as_ref())
                },
                settles: Some(settles),
                outcome: LEFT_ALONE.to_owned(),
                words: "it was not sent".to_owned(),
                ..Record::new(Kind::Decision, self.now(), Action::Delete.as_str())
            };
            self.keep(record);
        }
    }

    fn row(&self, tenant: &TenantId, id: &SubscriptionId) -> Option<&Observed> {
        let sight = self.sights.get(tenant)?;
        match (sight.by_id.get(id), &sight.listing) {
            (Some(ById::Found(row)), _) => Some(row),
            (_, Listing::Complete { rows, .. } | Listing::Incomplete { rows, .. }) => {
                rows.iter().find(|row| row.id == *id)
            }
            _ => None,
        }
    }

    /// In words, what a create rests on.
    pub(super) fn seen_of(&self, tenant: &TenantId) -> String {
        match self.sights.get(tenant).map(|sight| &sight.listing) {
            Some(Listing::Complete { rows, begun_at }) => format!(
                "a complete listing of {} rows, begun at {}",
                rows.len(),
                begun_at.strftime("%H:%M:%S")
            ),
            _ => String::new(),
        }
    }

    /// Writes what waits. `false` where that failed: deletes are off for the rest of the pass.
    pub(super) async fn flush_records(&mut self) -> bool {
        match self.services.trail.flush().await {
            Ok(()) => true,
            Err(error) => {
                self.progress.audit_failing = Some(error.to_string());
                false
            }
        }
    }

    /// Writes what waits where that is worth a write.
    pub(super) async fn flush_full_batch(&mut self) {
        if self.services.trail.waiting_len() >= BATCH && self.progress.audit_failing.is_none() {
            self.flush_records().await;
        }
    }
}
