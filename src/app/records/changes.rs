//! What a pass remembers from now on, as records: changes that stand in no decision.

use crate::app::pass::Pass;
use crate::domain::audit::{About, Kind, Record, Rule};
use crate::domain::ids::{SubscriptionId, TenantId};
use crate::domain::plan::Change;
use crate::domain::subscription::KeyTag;

impl Pass<'_> {
    /// Keeps what is remembered from now on and stands in no decision.
    pub(in crate::app) fn keep_change(&self, change: &Change) {
        let Some(action) = action_of(change) else {
            return;
        };
        let (tag, tenant, id) = about_of(change);
        let about = self.about(tag);
        let record = Record {
            about: About {
                tenant: tenant.map(ToString::to_string).or(about.tenant.clone()),
                id: id.map(ToString::to_string),
                ..about
            },
            because: self.because(tag),
            rule: Some(Rule::of_today(format!("remember/{action}"))),
            words: self.words_of(change),
            ..Record::new(Kind::Decision, self.now(), action)
        };
        self.keep(record);
    }

    fn words_of(&self, change: &Change) -> String {
        match change {
            Change::RecordApp { app, .. } => {
                format!("the tenant's subscriptions belong to application {app}")
            }
            Change::RecordResidence => {
                let home = self.config.home.current.notifications();
                format!("the fleet is at {home}")
            }
            Change::Declare { tag, .. } => {
                let known = self.doc.state.entries.get(tag);
                match known.and_then(|entry| entry.name.as_ref()) {
                    Some(before) => format!("it was called {} before", before.as_str()),
                    None => String::new(),
                }
            }
            Change::SeenExpiry { expires, .. } => format!("Graph shows that it ends at {expires}"),
            Change::Hasten { due, .. } => {
                format!("an event asked for a renewal; it is due at {due}")
            }
            Change::Watch { why, .. } => format!(
                "it should go ({}); it is removed if that is still so later",
                why.as_str()
            ),
            Change::Postpone { until, .. } => format!("its removal waits until {until}"),
            change => fixed_words(change).to_owned(),
        }
    }
}

/// The word for a change; `None` for what stands in a decision, or follows from a look.
fn action_of(change: &Change) -> Option<&'static str> {
    Some(match change {
        Change::RecordApp { .. } => "record-application",
        Change::RecordResidence => "record-address",
        Change::Declare { .. } => "declare",
        Change::SeenExpiry { .. } => "see-end",
        Change::Proven { .. } => "prove",
        Change::Hasten { .. } => "hasten",
        Change::Doubt { .. } => "doubt",
        Change::Undoubt { .. } => "undoubt",
        Change::Unintend { .. } => "withdraw",
        Change::Forget { .. } => "forget",
        Change::Watch { .. } => "watch",
        Change::Postpone { .. } => "postpone",
        Change::Unwatch { .. } => "unwatch",
        Change::Audited { .. }
        | Change::Adopt { .. }
        | Change::LetGo { .. }
        | Change::Block { .. } => return None,
    })
}

fn about_of(change: &Change) -> (Option<&KeyTag>, Option<&TenantId>, Option<&SubscriptionId>) {
    match change {
        Change::RecordApp { tenant, .. } => (None, Some(tenant), None),
        Change::Watch { id, tenant, .. } => (None, Some(tenant), Some(id)),
        Change::Postpone { id, .. } | Change::Unwatch { id } => (None, None, Some(id)),
        Change::Declare { tag, .. }
        | Change::SeenExpiry { tag, .. }
        | Change::Proven { tag }
        | Change::Hasten { tag, .. }
        | Change::Doubt { tag }
        | Change::Undoubt { tag }
        | Change::Unintend { tag }
        | Change::Forget { tag } => (Some(tag), None, None),
        _ => (None, None, None),
    }
}

fn fixed_words(change: &Change) -> &'static str {
    match change {
        Change::Proven { .. } => "a notification has proven its clientState",
        Change::Doubt { .. } => "it may be gone; it is looked at again",
        Change::Undoubt { .. } => "it is there after all",
        Change::Unintend { .. } => {
            "a complete listing after the settle time shows nothing of the create"
        }
        Change::Forget { .. } => "nothing is left to remember of it",
        Change::Unwatch { .. } => "it is gone, or may stay",
        _ => "",
    }
}
