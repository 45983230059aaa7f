//! What is told of a pass: one decision for each thing done or left alone.

use super::instruments::Conflict;
use super::pass::Pass;
use super::records::{Detail, held_traits};
use super::report::{Action, Decision};
use crate::domain::audit::{DONE, Traits};
use crate::domain::conflict::Service;
use crate::domain::ids::{SubscriptionId, TenantId};
use crate::domain::plan::{Change, Hold, Reason};
use crate::domain::record::let_go_words;
use crate::domain::state::HeldOrigin;
use crate::domain::subscription::{Declaration, KeyTag};
use crate::ports::graph::GraphError;

impl Pass<'_> {
    pub(super) fn name_of(&self, tag: Option<&KeyTag>) -> Option<String> {
        let tag = tag?;
        if let Declaration::Read(set) = self.declaration
            && let Some(desired) = set.by_key.get(tag)
        {
            return Some(desired.name.as_str().to_owned());
        }
        let entry = self.doc.state.entries.get(tag)?;
        entry.name.as_ref().map(|name| name.as_str().to_owned())
    }

    pub(super) fn note_hold(&mut self, hold: &Hold) {
        let decision = Decision {
            at: self.now(),
            action: Action::Hold,
            reason: hold.why,
            outcome: "left alone".to_owned(),
            tenant: hold.tenant.as_str().to_owned(),
            name: self.name_of(hold.tag.as_ref()),
            id: hold.id.as_ref().map(|id| id.as_str().to_owned()),
            words: hold.words.clone(),
            request_id: None,
            until: hold.until,
            conflict: None,
        };
        self.decide(decision, Detail::of(hold.tag.as_ref()));
    }

    pub(super) fn note_change(&mut self, change: &Change) {
        let (action, reason, tag, id, words, until) = match change {
            Change::Adopt {
                tag, id, origin, ..
            } => {
                let words = adopted_words(*origin).to_owned();
                let reason = self.adoption_reason(tag);
                (Action::Adopt, reason, tag, Some(id), words, None)
            }
            Change::LetGo { tag, why } => {
                let held = self
                    .doc
                    .state
                    .entries
                    .get(tag)
                    .and_then(|entry| entry.held.as_ref());
                let id = held.map(|held| &held.id);
                (
                    Action::LetGo,
                    *why,
                    tag,
                    id,
                    let_go_words(*why).to_owned(),
                    None,
                )
            }
            Change::Block { tag, blocked } => {
                let reason = Reason::from(blocked.cause);
                let words = match &blocked.holder {
                    Some(id) => format!("subscription {id} holds the combination"),
                    None => "no holder can be seen".to_owned(),
                };
                (
                    Action::Block,
                    reason,
                    tag,
                    blocked.holder.as_ref(),
                    words,
                    Some(blocked.until),
                )
            }
            _ => {
                if self.lead.is_some() {
                    self.keep_change(change);
                }
                return;
            }
        };
        let detail = self.detail_of(change, tag);
        let tenant = self.tenant_of(tag);
        let decision = Decision {
            at: self.now(),
            action,
            reason,
            outcome: "done".to_owned(),
            tenant,
            name: self.name_of(Some(tag)),
            id: id.map(|id| id.as_str().to_owned()),
            words,
            request_id: None,
            until,
            conflict: None,
        };
        self.decide(decision, detail);
    }

    /// What served the key before, and what does from now on.
    fn detail_of(&self, change: &Change, tag: &KeyTag) -> Detail {
        let entry = self.doc.state.entries.get(tag);
        let held = entry.and_then(|entry| entry.held.as_ref());
        let after = match change {
            Change::Adopt { id, expires, .. } => Traits::from([
                ("id".to_owned(), id.to_string()),
                ("expires".to_owned(), expires.to_string()),
            ]),
            _ => Traits::new(),
        };
        Detail {
            before: held.map(held_traits).unwrap_or_default(),
            after,
            ..Detail::of(Some(tag))
        }
    }

    /// Something serves the key again: how long nothing did is told.
    pub(super) fn note_covered(&mut self, tag: &KeyTag) {
        let entry = self.doc.state.entries.get(tag);
        let Some(gap) = entry.and_then(|entry| entry.gap.as_ref()) else {
            return;
        };
        let missing = self.now().duration_since(gap.since).as_millis();
        let id = gap.deleted.as_str().to_owned();
        self.report
            .close_gap(id, u64::try_from(missing).unwrap_or_default());
    }

    /// What was deleted to make room and has no successor yet.
    pub(super) fn note_open_gaps(&mut self) {
        for entry in self.doc.state.entries.values() {
            if let Some(gap) = &entry.gap {
                let id = gap.deleted.as_str().to_owned();
                self.report.open_gap(id, gap.since);
            }
        }
    }

    /// Whether a refused create led to the row that is taken over, or a look at what is there.
    fn adoption_reason(&self, tag: &KeyTag) -> Reason {
        match self.doc.state.entries.get(tag) {
            Some(entry) if entry.obstacle.is_some() => Reason::NamedHolder,
            _ => Reason::Missing,
        }
    }

    fn tenant_of(&self, tag: &KeyTag) -> String {
        let entry = self
            .doc
            .state
            .entries
            .get(tag)
            .map(|entry| &entry.key.tenant);
        let declared = match self.declaration {
            Declaration::Read(set) => set.by_key.get(tag).map(|desired| &desired.key.tenant),
            Declaration::Unusable { .. } => None,
        };
        declared
            .or(entry)
            .map(|tenant| tenant.as_str().to_owned())
            .unwrap_or_default()
    }

    pub(super) fn name_of_row(&self, id: &SubscriptionId) -> Option<String> {
        let entries = self.doc.state.entries.values();
        let mut serving =
            entries.filter(|entry| entry.held.as_ref().is_some_and(|held| held.id == *id));
        serving
            .next()?
            .name
            .as_ref()
            .map(|name| name.as_str().to_owned())
    }

    /// What succeeded.
    pub(super) fn note_done(
        &mut self,
        action: Action,
        reason: Reason,
        subject: (&TenantId, Option<String>, Option<SubscriptionId>),
        words: String,
        request_id: Option<String>,
        detail: Detail,
    ) {
        let decision = Decision {
            request_id,
            ..self.decision(action, reason, subject, DONE, words)
        };
        self.decide(decision, detail);
    }

    pub(super) fn note_miss(
        &mut self,
        action: Action,
        reason: Reason,
        subject: (&TenantId, Option<String>, Option<SubscriptionId>),
        error: &GraphError,
        detail: Detail,
    ) {
        let verdict = error.verdict();
        let decision = Decision {
            request_id: error.trace().request_id.clone(),
            conflict: verdict.map(|one| Conflict::of(Service::GraphSubscriptions, one)),
            ..self.decision(action, reason, subject, error.kind(), error.to_string())
        };
        self.decide(decision, detail.with_error(error));
    }

    fn decision(
        &self,
        action: Action,
        reason: Reason,
        (tenant, name, id): (&TenantId, Option<String>, Option<SubscriptionId>),
        outcome: &str,
        words: String,
    ) -> Decision {
        Decision {
            at: self.now(),
            action,
            reason,
            outcome: outcome.to_owned(),
            tenant: tenant.as_str().to_owned(),
            name,
            id: id.map(|id| id.as_str().to_owned()),
            words,
            request_id: None,
            until: None,
            conflict: None,
        }
    }
}

fn adopted_words(origin: HeldOrigin) -> &'static str {
    match origin {
        HeldOrigin::Mismatched => "it serves until it is replaced",
        HeldOrigin::Unproven => "its clientState is hidden; its notifications will prove it",
        HeldOrigin::Created | HeldOrigin::Adopted => "it is ours and as declared",
    }
}
