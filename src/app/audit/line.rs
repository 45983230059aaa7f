//! A record as one line of JSON: the only reader and writer of that form.
//!
//! Fields that this version does not know are passed over in reading; those that are missing are
//! empty. Long texts are cut, so that no refusal of a service can make a line too long to keep.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::audit::{About, DONE, Kind, Record, Rule, Traits};

/// The longest text of one field, in characters.
const TEXT_MAX: usize = 1500;

/// The longest text in a list or map, in characters.
const ENTRY_MAX: usize = 200;

/// The most entries of one list or map.
const ENTRIES_MAX: usize = 30;

#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(default)]
    id: String,
    at: Timestamp,
    #[serde(default)]
    run: String,
    kind: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    actor: String,
    action: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subscription: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    seen: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    #[serde(default = "done")]
    outcome: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wait_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    request_ids: Vec<String>,
    #[serde(default, skip_serializing_if = "Traits::is_empty")]
    before: Traits,
    #[serde(default, skip_serializing_if = "Traits::is_empty")]
    after: Traits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    because: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    words: String,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    count: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settles: Option<String>,
}

fn done() -> String {
    DONE.to_owned()
}

fn one() -> u64 {
    1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference to the field"
)]
fn is_one(count: &u64) -> bool {
    *count == 1
}

/// Writes a record as one line, without its line break.
pub fn encode(record: &Record) -> String {
    let about = &record.about;
    let line = Line {
        id: cut(&record.id),
        at: record.at,
        run: cut(&record.run),
        kind: cut(record.kind.as_str()),
        actor: cut(&record.actor),
        action: cut(&record.action),
        reason: cut(&record.reason),
        tenant: maybe_cut(about.tenant.as_deref()),
        key: maybe_cut(about.key.as_deref()),
        name: maybe_cut(about.name.as_deref()),
        subscription: maybe_cut(about.id.as_deref()),
        resource: maybe_cut(about.resource.as_deref()),
        seen: cut(&record.seen),
        rule: record.rule.as_ref().map(|rule| cut(&rule.id)),
        rule_version: record.rule.as_ref().map(|rule| cut(&rule.version)),
        cause: maybe_cut(record.cause.as_deref()),
        remedy: maybe_cut(record.remedy.as_deref()),
        outcome: cut(&record.outcome),
        wait_ms: record
            .wait
            .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
        until: record.until,
        request_ids: record
            .request_ids
            .iter()
            .take(ENTRIES_MAX)
            .map(|id| cut_at(id, ENTRY_MAX))
            .collect(),
        before: cut_all(&record.before),
        after: cut_all(&record.after),
        because: maybe_cut(record.because.as_deref()),
        words: cut(&record.words),
        count: record.count,
        settles: maybe_cut(record.settles.as_deref()),
    };
    // Strings, numbers and maps with text keys: nothing here can fail to be JSON.
    serde_json::to_string(&line).unwrap_or_default()
}

/// Reads a line. `None` where it is no record at all.
pub fn decode(text: &str) -> Option<Record> {
    let line: Line = serde_json::from_str(text).ok()?;
    Some(Record {
        id: line.id,
        settles: line.settles,
        at: line.at,
        run: line.run,
        kind: Kind::of(&line.kind),
        actor: line.actor,
        action: line.action,
        reason: line.reason,
        about: About {
            tenant: line.tenant,
            key: line.key,
            name: line.name,
            id: line.subscription,
            resource: line.resource,
        },
        seen: line.seen,
        rule: line.rule.map(|id| Rule {
            id,
            version: line.rule_version.unwrap_or_default(),
        }),
        cause: line.cause,
        remedy: line.remedy,
        outcome: line.outcome,
        wait: line.wait_ms.map(Duration::from_millis),
        until: line.until,
        request_ids: line.request_ids,
        before: line.before,
        after: line.after,
        because: line.because,
        words: line.words,
        count: line.count,
    })
}

/// Cut, and without control characters: a service's words must not move a terminal's cursor.
fn cut(text: &str) -> String {
    cut_at(text, TEXT_MAX)
}

fn cut_at(text: &str, most: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut rest = text.chars();
    let mut short: String = rest.by_ref().take(most).map(plain).collect();
    if rest.next().is_some() {
        short.push('…');
    }
    short
}

fn maybe_cut(text: Option<&str>) -> Option<String> {
    text.map(cut)
}

fn cut_all(traits: &Traits) -> Traits {
    let short = |text: &String| cut_at(text, ENTRY_MAX);
    let first = traits.iter().take(ENTRIES_MAX);
    first.map(|(name, is)| (short(name), short(is))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::audit::LINE_MAX;

    fn full(text: &str) -> Record {
        let traits = || Traits::from([("expires".to_owned(), text.to_owned())]);
        let some = || Some(text.to_owned());
        Record {
            id: "9f-1".to_owned(),
            settles: some(),
            run: text.to_owned(),
            actor: text.to_owned(),
            reason: text.to_owned(),
            about: About {
                tenant: some(),
                key: some(),
                name: some(),
                id: some(),
                resource: some(),
            },
            seen: text.to_owned(),
            rule: Some(Rule::of_today(text)),
            cause: some(),
            remedy: some(),
            outcome: text.to_owned(),
            wait: Some(Duration::from_millis(1500)),
            until: Some(Timestamp::UNIX_EPOCH),
            request_ids: vec![text.to_owned(); 2],
            before: traits(),
            after: traits(),
            because: some(),
            words: text.to_owned(),
            count: 7,
            ..Record::new(Kind::Decision, Timestamp::UNIX_EPOCH, text)
        }
    }

    #[test]
    fn a_record_survives_its_line() {
        let record = full("a \"quoted\" wörd");
        let line = encode(&record);
        assert!(!line.contains('\n'), "{line}");
        assert_eq!(decode(&line), Some(record));
        let bare = Record::new(Kind::Pass, Timestamp::UNIX_EPOCH, "pass");
        assert_eq!(decode(&encode(&bare)), Some(bare));
    }

    #[test]
    fn what_a_newer_version_wrote_is_read_as_far_as_it_is_known() {
        let text =
            r#"{"at":"2026-09-01T00:00:00Z","kind":"seance","action":"ask","spirit":{"x":1}}"#;
        let read = decode(text).unwrap();
        assert_eq!(read.kind, Kind::Other("seance".to_owned()));
        assert_eq!((read.outcome.as_str(), read.count), (DONE, 1));
        assert_eq!(decode("{\"at\":1"), None);
    }

    #[test]
    fn no_text_makes_a_line_too_long() {
        for text in ["\u{1f980}", "\"", "\u{1}"] {
            let long = text.repeat(100_000);
            let mut record = full(&long);
            record.request_ids = vec![long.clone(); 100];
            let many = (10..100).map(|at| (format!("{at}{long}"), long.clone()));
            record.before = many.collect();
            record.after = record.before.clone();
            let line = encode(&record);
            assert!(line.len() < LINE_MAX, "{text:?}: {}", line.len());
            assert!(!line.contains('\u{1}') && !line.contains("\\u0001"));
        }
    }
}
