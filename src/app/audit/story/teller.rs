//! How records become sentences. What repeats (renewals, waits) is told once, with its number.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::Sentence;
use super::phrases::{length, moment, moment_of, refusal, renewed_for, since};
use crate::domain::audit::{BEGUN, DONE, Kind, Record};

/// A gap below this is the time between two calls, not a lapse.
const NO_LAPSE: SignedDuration = SignedDuration::from_secs(1);

/// Something that goes on: the same thing again and again.
struct Run {
    what: String,
    first: Timestamp,
    last: Timestamp,
    count: u64,
    text: String,
    until: Option<String>,
    records: Vec<String>,
}

/// Records that a sentence names at most.
const RECORDS_MAX: usize = 20;

#[derive(Default)]
struct Teller {
    told: Vec<Sentence>,
    runs: Vec<Run>,
    begun: BTreeMap<String, Sentence>,
    /// The refusal of the last create, for the adoption that follows it.
    refused: Option<(String, String)>,
    /// The end of what serves, as last known.
    covered: Option<Timestamp>,
    /// When it was seen that nothing serves.
    lost: Option<Timestamp>,
    served_before: bool,
    /// The human decision that was told last.
    because: Option<String>,
}

pub(super) fn past(records: &[&Record]) -> Vec<Sentence> {
    let mut teller = Teller::default();
    for record in records {
        teller.hear(record);
    }
    teller.end_runs();
    let mut told = teller.told;
    told.extend(teller.begun.into_values().map(|mut sentence| {
        sentence.text.push_str(" How it ended is not recorded.");
        sentence
    }));
    told.sort_by_key(|sentence| sentence.at);
    told
}

impl Teller {
    fn hear(&mut self, record: &Record) {
        let done = record.outcome == DONE;
        match (&record.kind, record.action.as_str()) {
            (Kind::Lifecycle, event) => {
                self.tell(
                    record,
                    format!("Lifecycle event {event}: {}.", record.words),
                );
            }
            (Kind::Step, step) => {
                let text = format!("{step}: {} ({}).", record.words, record.outcome);
                self.tell(record, text);
            }
            (_, "renew") if done => self.renewed(record),
            (_, "create") if done => self.created(record),
            (_, "adopt") => self.adopted(record),
            (_, "delete") => self.delete(record),
            (_, "let-go") => self.let_go(record),
            (_, "hold") => self.again(record, "hold", waits(record)),
            (_, "renew" | "create") => self.failed(record),
            (_, "block") => {
                let words = words(record);
                let text = format!(
                    "It cannot be served for now: {}{words}",
                    since(&record.reason)
                );
                self.again(record, "block", text);
            }
            (_, "look") => self.looked(record),
            (_, "unwatch" | "see-end" | "undoubt" | "hasten" | "postpone") => {}
            (_, action) => self.remembered(record, action),
        }
    }

    fn tell(&mut self, record: &Record, text: String) {
        self.end_runs();
        let text = text + &self.behind(record);
        self.told.push(Sentence {
            at: record.at,
            text,
            records: vec![record.id.clone()],
        });
    }

    /// The human decision behind a record, where it is another one than that told last.
    fn behind(&mut self, record: &Record) -> String {
        if record.because.is_none() || record.because == self.because {
            return String::new();
        }
        self.because.clone_from(&record.because);
        let because = record.because.as_deref().unwrap_or_default();
        format!(" Because: {because}.")
    }

    fn end_runs(&mut self) {
        let ended = self.runs.drain(..).map(Run::sentence);
        self.told.extend(ended);
    }

    /// The same thing again, perhaps.
    fn again(&mut self, record: &Record, kind: &str, text: String) {
        self.again_until(record, kind, text, record.until.map(moment));
    }

    fn again_until(&mut self, record: &Record, kind: &str, text: String, until: Option<String>) {
        let what = format!("{kind} {}", record.reason);
        let known = self.runs.iter_mut().find(|run| run.what == what);
        let run = match known {
            Some(run) => run,
            None => {
                self.runs.push(Run {
                    what,
                    first: record.at,
                    last: record.at,
                    count: 0,
                    text,
                    until: None,
                    records: Vec::new(),
                });
                let Some(run) = self.runs.last_mut() else {
                    return;
                };
                run
            }
        };
        run.count += 1;
        run.last = record.at;
        run.until = until.or(run.until.take());
        if run.records.len() < RECORDS_MAX {
            run.records.push(record.id.clone());
        }
    }

    fn renewed(&mut self, record: &Record) {
        let end = record.after.get("expires");
        if let Some(why) = renewed_for(&record.reason) {
            let end = end.map(|end| format!(" It runs until {}.", moment_of(end)));
            let text = format!("Renewed {why}.{}", end.unwrap_or_default());
            self.tell(record, text);
        } else {
            let until = end.map(|end| moment_of(end));
            self.again_until(record, "renewed", "Renewed".to_owned(), until);
        }
        self.covers(record);
    }

    fn created(&mut self, record: &Record) {
        let without = self.lapse(record);
        let id = record.about.id.as_deref().unwrap_or("?");
        let anew = if self.served_before { " anew" } else { "" };
        let why = match record.reason.as_str() {
            "missing" if self.served_before => "nothing served it any more".to_owned(),
            reason => since(reason),
        };
        let mut text = format!("Created{anew} as {id}, since {why}");
        if !record.seen.is_empty() {
            text.push_str(&format!(" ({})", record.seen));
        }
        if let Some(end) = record.after.get("expires") {
            text.push_str(&format!("; Graph granted it until {}", moment_of(end)));
        }
        text.push('.');
        text.push_str(&without);
        self.tell(record, text);
        self.refused = None;
        self.covers(record);
    }

    fn adopted(&mut self, record: &Record) {
        let without = self.lapse(record);
        let id = record.about.id.as_deref().unwrap_or("?");
        let after = match self.refused.take() {
            Some((run, cause)) if run == record.run => {
                format!(" after Graph refused to create another ({cause})")
            }
            _ => String::new(),
        };
        let text = format!("Adopted {id}{after}: {}.{without}", record.words);
        self.tell(record, text);
        self.covers(record);
    }

    /// From now on it is served until the end that Graph returned.
    fn covers(&mut self, record: &Record) {
        let end = record.after.get("expires");
        self.covered = end.and_then(|end| end.parse().ok()).or(self.covered);
        self.lost = None;
        self.served_before = true;
    }

    /// The time without cover that ends here, as a sentence; nothing where there was none.
    fn lapse(&mut self, record: &Record) -> String {
        let ended = self.covered.filter(|end| *end < record.at);
        let from = match (ended, self.lost) {
            (Some(end), Some(lost)) => Some(end.min(lost)),
            (ended, lost) => ended.or(lost),
        };
        let Some(from) = from.filter(|from| record.at.duration_since(*from) >= NO_LAPSE) else {
            return String::new();
        };
        let lasted = length(record.at.duration_since(from));
        let known = if ended == Some(from) {
            ""
        } else {
            " at the latest"
        };
        let (from, to) = (moment(from), moment(record.at));
        format!(" It was without cover from {from}{known} to {to} ({lasted}).")
    }

    fn let_go(&mut self, record: &Record) {
        let id = record.before.get("id").or(record.about.id.as_ref());
        let id = id.map_or("?", String::as_str);
        if matches!(record.reason.as_str(), "confirmed-gone" | "turned-foreign") {
            self.lost = Some(record.at);
        }
        self.tell(record, format!("Let go of {id}: {}.", record.words));
    }

    fn delete(&mut self, record: &Record) {
        let id = record.about.id.as_deref().unwrap_or("?");
        match (&record.settles, record.outcome.as_str()) {
            (None, BEGUN) => {
                let text = format!(
                    "A delete of {id} was begun, since {}.",
                    since(&record.reason)
                );
                let sentence = Sentence {
                    at: record.at,
                    text,
                    records: vec![record.id.clone()],
                };
                self.begun.insert(record.id.clone(), sentence);
            }
            (settles, outcome) => {
                let begun = settles.as_ref().and_then(|of| self.begun.remove(of));
                if outcome == "left alone" {
                    return self.again(record, "delete", format!("The delete of {id} waited"));
                }
                let text = match outcome {
                    DONE => format!("Deleted {id}, since {}.", since(&record.reason)),
                    _ => format!(
                        "The delete of {id} failed: {}{}.",
                        refusal(record),
                        words(record)
                    ),
                };
                self.tell(record, text);
                let also = begun.into_iter().flat_map(|begun| begun.records);
                if let Some(told) = self.told.last_mut() {
                    told.records.extend(also);
                }
            }
        }
    }

    fn failed(&mut self, record: &Record) {
        let verb = if record.action == "renew" {
            "renew"
        } else {
            "create"
        };
        let remedy = record.remedy.as_ref();
        let remedy = remedy.map(|remedy| format!("; the remedy is {remedy}"));
        let text = match record.outcome.as_str() {
            "unknown" => format!(
                "No answer to an attempt to {verb} it: it may have worked, so Graph is looked at \
                 before anything is repeated"
            ),
            "throttled" => format!("Graph asked to wait before it lets us {verb} it"),
            "unavailable" => format!("Graph was not available to {verb} it"),
            _ => format!("Graph refused to {verb} it ({})", refusal(record)),
        };
        if record.action == "create" && record.cause.is_some() {
            self.refused = Some((record.run.clone(), refusal(record)));
        }
        let text = text + remedy.as_deref().unwrap_or_default();
        self.again(record, &format!("failed {verb} {}", record.outcome), text);
    }

    fn looked(&mut self, record: &Record) {
        if record.words.contains("does not know") {
            let id = record.about.id.as_deref().unwrap_or("?");
            self.tell(record, format!("A look at {id}: {}.", record.words));
            self.lost = self.lost.or(Some(record.at));
        }
    }

    fn remembered(&mut self, record: &Record, action: &str) {
        let name = record.about.name.as_deref().unwrap_or("?");
        let text = match action {
            "declare" if record.words.is_empty() => format!("Declared as {name}."),
            "declare" => format!("Declared as {name}; {}.", record.words),
            "watch" => format!("Marked for removal: {}.", record.words),
            "forget" => "Forgotten: nothing is left to remember of it.".to_owned(),
            "prove" => format!("Proven: {}.", record.words),
            "withdraw" => format!("A create came to nothing: {}.", record.words),
            "doubt" => format!("Doubted: {}.", record.words),
            other => format!("{other}: {} ({}).", record.words, record.outcome),
        };
        self.tell(record, text);
    }
}

impl Run {
    fn sentence(self) -> Sentence {
        let until = match (&self.until, self.what.starts_with("renewed")) {
            (Some(until), true) => format!("; it runs until {until}"),
            (Some(until), false) => format!("; not before {until}"),
            (None, _) => String::new(),
        };
        let text = match self.count {
            1 => format!("{}{until}.", self.text),
            count => format!(
                "{}, {count} times, the last at {}{until}.",
                self.text,
                moment(self.last)
            ),
        };
        Sentence {
            at: self.first,
            text,
            records: self.records,
        }
    }
}

fn waits(record: &Record) -> String {
    format!(
        "It was left as it is, since {}{}",
        since(&record.reason),
        words(record)
    )
}

fn words(record: &Record) -> String {
    match record.words.as_str() {
        "" => String::new(),
        words => format!(" ({words})"),
    }
}
