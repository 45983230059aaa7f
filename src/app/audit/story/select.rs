//! Which records belong to a story: those of its keys, and of every subscription that ever served
//! one of them.

use std::collections::BTreeSet;

use crate::app::audit::reader::is_about;
use crate::domain::audit::{Kind, Record};
use crate::domain::state::ShardState;
use crate::domain::subscription::SubscriptionKey;

/// Who is in a story.
#[derive(Default)]
pub(super) struct Cast {
    pub(super) names: Vec<String>,
    pub(super) keys: BTreeSet<String>,
    pub(super) ids: BTreeSet<String>,
    pub(super) what: Vec<String>,
}

impl Cast {
    pub(super) fn is_in(&self, record: &Record) -> bool {
        if matches!(record.kind, Kind::Pass | Kind::Refusals | Kind::Gap) {
            return false;
        }
        let about = &record.about;
        match &about.key {
            Some(key) => self.keys.contains(key),
            None => about.id.as_ref().is_some_and(|id| self.ids.contains(id)),
        }
    }

    fn call(&mut self, name: &str) {
        self.names.retain(|known| known != name);
        self.names.push(name.to_owned());
    }

    fn describe(&mut self, what: String) {
        if !self.what.contains(&what) {
            self.what.push(what);
        }
    }
}

pub(super) fn cast(what: &str, records: &[Record], state: Option<&ShardState>) -> Option<Cast> {
    let mut cast = Cast::default();
    for record in records.iter().filter(|one| is_about(one, what)) {
        match (&record.about.key, &record.about.id) {
            (Some(key), _) => drop(cast.keys.insert(key.clone())),
            (None, Some(id)) => drop(cast.ids.insert(id.clone())),
            (None, None) => {}
        }
    }
    for (tag, entry) in state.into_iter().flat_map(|state| &state.entries) {
        let tag = tag.to_string();
        let named = entry
            .name
            .as_ref()
            .is_some_and(|name| name.as_str() == what);
        let held = entry.held.as_ref().map(|held| held.id.as_str());
        if named || held == Some(what) || what.len() >= 4 && tag.starts_with(what) {
            cast.keys.insert(tag);
        }
    }
    if cast.keys.is_empty() && cast.ids.is_empty() {
        return None;
    }
    for record in records {
        let about = &record.about;
        let Some(key) = about.key.as_ref().filter(|key| cast.keys.contains(*key)) else {
            continue;
        };
        let ids = [
            about.id.as_ref(),
            record.before.get("id"),
            record.after.get("id"),
        ];
        cast.ids.extend(ids.into_iter().flatten().cloned());
        if let Some(name) = &about.name {
            cast.call(name);
        }
        if let (Some(resource), Some(tenant)) = (&about.resource, &about.tenant) {
            cast.describe(format!("{resource} in tenant {tenant} (key {key})"));
        }
    }
    for (tag, entry) in state.into_iter().flat_map(|state| &state.entries) {
        let tag = tag.to_string();
        if !cast.keys.contains(&tag) {
            continue;
        }
        if let Some(name) = &entry.name {
            cast.call(name.as_str());
        }
        let SubscriptionKey {
            resource, tenant, ..
        } = &entry.key;
        cast.describe(format!("{resource} in tenant {tenant} (key {tag})"));
        cast.ids
            .extend(entry.held.iter().map(|held| held.id.to_string()));
    }
    Some(cast)
}
