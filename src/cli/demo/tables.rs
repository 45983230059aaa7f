//! The tables at the end of the story.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use jiff::Timestamp;
use serde::Serialize;

use super::decisions::Decided;
use super::play::entry_of;
use super::wishes::{Wish, short_id, short_resource};
use crate::domain::state::{HeldOrigin, ShardState};
use crate::sim::calls::CallRecord;

/// Columns of a page.
const WIDTH: u16 = 98;

/// Columns of a resource.
const RESOURCE: usize = 31;

/// Columns of the words of a decision.
const WORDS: usize = 34;

/// Beginnings that say less than what comes after them.
const BEGINNINGS: [&str; 2] = [
    "conflict (a conflict stands in the way to create a subscription: ",
    "left alone (subscription ",
];

#[derive(Clone, Debug, Serialize)]
pub(super) struct Tables {
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) calls: Vec<Calls>,
    pub(super) decisions: Vec<Decided>,
}

/// One wish and what serves it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Subscription {
    pub(super) name: String,
    pub(super) resource: String,
    pub(super) state: String,
    pub(super) expires: Option<String>,
    pub(super) renewals: u64,
    pub(super) id: Option<String>,
}

/// The calls of one kind.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub(super) struct Calls {
    pub(super) kind: &'static str,
    pub(super) all: usize,
    pub(super) ok: usize,
    pub(super) refused: usize,
    /// Their answer never reached anybody.
    pub(super) unanswered: usize,
    /// Addresses that were validated on the way.
    pub(super) validated: usize,
}

/// One row for each wish, by name.
pub(super) fn subscriptions(wishes: &[Wish], memory: &ShardState) -> Vec<Subscription> {
    let mut rows: Vec<Subscription> = wishes.iter().map(|wish| row(wish, memory)).collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

fn row(wish: &Wish, memory: &ShardState) -> Subscription {
    let entry = entry_of(memory, wish);
    let held = entry.and_then(|entry| entry.held.as_ref());
    let blocked = entry.and_then(|entry| entry.blocked.as_ref());
    let state = match (held.map(|held| held.origin), blocked) {
        (Some(HeldOrigin::Created), _) => "created",
        (Some(HeldOrigin::Adopted), _) => "adopted",
        (Some(HeldOrigin::Unproven), _) => "unproven",
        (Some(HeldOrigin::Mismatched), _) => "mismatched",
        (None, Some(_)) => "blocked",
        (None, None) => "missing",
    };
    Subscription {
        name: wish.name.to_owned(),
        resource: wish.resource.to_owned(),
        state: state.to_owned(),
        expires: held.map(|held| held.expires.to_string()),
        renewals: entry.map_or(0, |entry| entry.renewals),
        id: held.map(|held| held.id.as_str().to_owned()),
    }
}

/// Calls by kind.
pub(super) fn calls(calls: &[CallRecord]) -> Vec<Calls> {
    let mut kinds: BTreeMap<&'static str, Calls> = BTreeMap::new();
    for call in calls {
        let kind = call.operation.as_str();
        let row = kinds.entry(kind).or_default();
        row.kind = kind;
        row.all += 1;
        row.validated += call.handshakes.len();
        match call.status {
            Some(200..=299) => row.ok += 1,
            Some(_) => row.refused += 1,
            None => row.unanswered += 1,
        }
    }
    kinds.into_values().collect()
}

impl Tables {
    /// All three, at most [`WIDTH`] columns wide.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for table in [
            subscriptions_text(&self.subscriptions),
            calls_text(&self.calls),
            decisions_text(&self.decisions),
        ] {
            out.push('\n');
            for line in table.lines() {
                out.push_str("  ");
                out.push_str(line.trim_end());
                out.push('\n');
            }
        }
        out
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH - 2)
        .set_header(header);
    table
}

fn right(table: &mut Table, columns: std::ops::Range<usize>) {
    for at in columns {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn subscriptions_text(rows: &[Subscription]) -> Table {
    let mut table = table(&[
        "subscription",
        "resource",
        "state",
        "expiry",
        "renewals",
        "id",
    ]);
    for row in rows {
        let expires = row.expires.as_deref().and_then(|text| text.get(..16));
        table.add_row([
            row.name.clone(),
            short_resource(&row.resource, RESOURCE),
            row.state.clone(),
            expires.map_or_else(|| "-".to_owned(), |text| text.replace('T', " ")),
            row.renewals.to_string(),
            row.id.as_deref().map_or_else(|| "-".to_owned(), short_id),
        ]);
    }
    right(&mut table, 4..5);
    table
}

fn calls_text(rows: &[Calls]) -> Table {
    let mut table = table(&[
        "calls of Graph",
        "all",
        "ok",
        "refused",
        "unanswered",
        "validated",
    ]);
    for row in rows {
        table.add_row([
            row.kind.to_owned(),
            row.all.to_string(),
            row.ok.to_string(),
            row.refused.to_string(),
            row.unanswered.to_string(),
            row.validated.to_string(),
        ]);
    }
    right(&mut table, 1..6);
    table
}

fn decisions_text(rows: &[Decided]) -> Table {
    let mut table = table(&["decided", "what", "about", "reason", "in words"]);
    let mut rows = rows.to_vec();
    rows.dedup();
    for row in rows {
        table.add_row([
            row.at,
            row.action,
            short_words(&row.subject),
            row.reason,
            short_words(&row.words),
        ]);
    }
    table
}

/// Words in one short line: ids and moments are cut, and what is still too long ends in `…`.
fn short_words(words: &str) -> String {
    let short = |word: &str| match word.parse::<Timestamp>() {
        Ok(moment) => moment.strftime("%m-%d %H:%M").to_string(),
        Err(_) if word.len() == 36 && word.matches('-').count() == 4 => short_id(word),
        Err(_) => word.to_owned(),
    };
    let short: Vec<String> = words.split(' ').map(short).collect();
    let whole = short.join(" ");
    let told = BEGINNINGS.iter().find_map(|one| whole.strip_prefix(one));
    let line = told.map_or(whole.as_str(), |told| told.trim_end_matches(')'));
    match line.chars().count() > WORDS {
        true => {
            let cut: String = line.chars().take(WORDS - 1).collect();
            format!("{}…", cut.trim_end_matches([' ', ':']))
        }
        false => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::wishes::FIRST;
    use super::*;

    #[test]
    fn every_line_fits_a_page() {
        let long = "words ".repeat(60);
        let decided = Decided::read(
            &format!(
                "hold 5eed0000-0000-4000-8000-000000000001: foreign-holder, left alone ({long})"
            ),
            "03-02 08:05",
        );
        let tables = Tables {
            subscriptions: subscriptions(&FIRST, &ShardState::default()),
            calls: calls(&[]),
            decisions: vec![decided.unwrap()],
        };
        let text = tables.text();
        for line in text.lines() {
            assert!(line.chars().count() <= usize::from(WIDTH), "{line}");
        }
        assert!(text.contains("contracts-drive"), "{text}");
        assert!(text.contains("missing"), "{text}");
    }

    #[test]
    fn words_are_cut_to_what_people_follow() {
        let words = "conflict (a conflict stands in the way to create a subscription: HTTP 409: \
                     ObjectIdentifierInUse: Subscription Id";
        assert_eq!(short_words(words), "HTTP 409: ObjectIdentifierInUse…");
        assert_eq!(
            short_words("until 2026-03-02T16:05:00.031Z"),
            "until 03-02 16:05"
        );
        let holder = "subscription 64f6ef96-a69c-4fb0-a5fe-2611e19bda99 holds it";
        assert_eq!(short_words(holder), "subscription 64f6ef96 holds it");
    }
}
