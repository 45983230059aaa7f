//! What a pass remembers from now on, as records: changes that stand in no decision.

use crate::app::pass::Pass;
use crate::domain::audit::{About, Kind, Record, Rule};
use crate::domain::ids::SubscriptionId;
use crate::domain::plan::Change;
use crate::domain::subscription::KeyTag;

impl Pass<'_> {
    /// Keeps what is remembered from now on and stands in no decision.
    pub(in crate::app) fn keep_change(&self, change: &Change) {
        let Some((action, tag, id, words)) = self.told(change) else {
            return;
        };
        let tenant = match change {
            Change::RecordApp { tenant, .. } | Change::Watch { tenant, .. } => Some(tenant),
            _ => None,
        };
        let about = self.about(tag);
        let record = Record {
            about: About {
                tenant: tenant.map(ToString::to_string).or(about.tenant.clone()),
                id: id.map(ToString::to_string),
                ..about
            },
            because: self.because(tag),
            rule: Some(Rule::of_today(format!("remember/{action}"))),
            words,
            ..Record::new(Kind::Decision, self.now(), action)
        };
        self.keep(record);
    }

    fn told<'c>(
        &self,
        change: &'c Change,
    ) -> Option<(
        &'static str,
        Option<&'c KeyTag>,
        Option<&'c SubscriptionId>,
        String,
    )> {
        let text = String::from;
        Some(match change {
            Change::RecordApp { app, .. } => (
                "record-application",
                None,
                None,
                format!("the tenant's subscriptions belong to application {app}"),
            ),
            Change::RecordResidence => {
                let home = self.config.home.current.notifications();
                (
                    "record-address",
                    None,
                    None,
                    format!("the fleet is at {home}"),
                )
            }
            Change::Declare { tag, .. } => {
                let known = self.doc.state.entries.get(tag);
                let words = match known.and_then(|entry| entry.name.as_ref()) {
                    Some(before) => format!("it was called {} before", before.as_str()),
                    None => String::new(),
                };
                ("declare", Some(tag), None, words)
            }
            Change::SeenExpiry { tag, expires } => (
                "see-end",
                Some(tag),
                None,
                format!("Graph shows that it ends at {expires}"),
            ),
            Change::Proven { tag } => (
                "prove",
                Some(tag),
                None,
                text("a notification has proven its clientState"),
            ),
            Change::Hasten { tag, due } => (
                "hasten",
                Some(tag),
                None,
                format!("an event asked for a renewal; it is due at {due}"),
            ),
            Change::Doubt { tag } => (
                "doubt",
                Some(tag),
                None,
                text("it may be gone; it is looked at again"),
            ),
            Change::Undoubt { tag } => ("undoubt", Some(tag), None, text("it is there after all")),
            Change::Unintend { tag } => (
                "withdraw",
                Some(tag),
                None,
                text("a complete listing after the settle time shows nothing of the create"),
            ),
            Change::Forget { tag } => (
                "forget",
                Some(tag),
                None,
                text("nothing is left to remember of it"),
            ),
            Change::Watch { id, why, .. } => (
                "watch",
                None,
                Some(id),
                format!(
                    "it should go ({}); it is removed if that is still so later",
                    why.as_str()
                ),
            ),
            Change::Postpone { id, until } => (
                "postpone",
                None,
                Some(id),
                format!("its removal waits until {until}"),
            ),
            Change::Unwatch { id } => ("unwatch", None, Some(id), text("it is gone, or may stay")),
            Change::Audited { .. }
            | Change::Adopt { .. }
            | Change::LetGo { .. }
            | Change::Block { .. } => return None,
        })
    }
}
