//! Reading records back: all segments of all writers, as one sequence, and on from there.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};

use super::line::decode;
use super::trail::day_of;
use crate::domain::audit::Record;
use crate::ports::audit::{Audit, AuditError, Book, Part, Segment};

/// Segments that are read at once.
const AT_ONCE: usize = 16;

/// A writer's day may end before that of its records: a batch goes under the day of its first.
const SLACK: SignedDuration = SignedDuration::from_hours(24);

/// A record as it was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// As far as this version knows it.
    pub record: Record,
    /// The line itself.
    pub line: String,
}

/// What one reading brought.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reading {
    /// New records, in the order of their time.
    pub records: Vec<Kept>,
    /// Segments whose last line is torn, by place.
    pub torn: Vec<String>,
    /// Lines that are no record.
    pub unreadable: u64,
}

/// Reads an audit, and on from where it stopped.
pub struct Reader {
    audit: Arc<dyn Audit>,
    books: Vec<Book>,
    since: Option<Timestamp>,
    /// Days before that of this time are not listed.
    list_from: Option<Timestamp>,
    positions: BTreeMap<(Book, jiff::civil::Date, String), u64>,
    known: HashSet<String>,
}

impl Reader {
    /// A reader that has read nothing. Records from before `since` are passed over.
    pub fn new(audit: Arc<dyn Audit>, books: &[Book], since: Option<Timestamp>) -> Self {
        Self {
            audit,
            books: books.to_vec(),
            since,
            list_from: since,
            positions: BTreeMap::new(),
            known: HashSet::new(),
        }
    }

    /// Everything that is new since the last reading. A record that was written twice comes once.
    ///
    /// # Errors
    /// [`AuditError`]; what was read before is not forgotten, and the next reading goes on.
    pub async fn next(&mut self) -> Result<Reading, AuditError> {
        let since = self
            .list_from
            .map(|at| day_of(at.checked_sub(SLACK).unwrap_or(at)));
        let mut grown = Vec::new();
        for book in &self.books {
            for segment in self.audit.segments(*book, since).await? {
                let from = self.position(&segment);
                if segment.bytes > from {
                    grown.push((segment, from));
                }
            }
        }
        let audit = Arc::clone(&self.audit);
        let reading = grown.into_iter().map(|(segment, from)| {
            let audit = Arc::clone(&audit);
            async move {
                let part = audit.read(&segment, from).await?;
                Ok::<_, AuditError>((segment, part))
            }
        });
        let parts: Vec<(Segment, Part)> = futures::stream::iter(reading)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut read = Reading::default();
        for (segment, part) in parts {
            self.take(&segment, part, &mut read);
        }
        read.records.sort_by_key(|kept| kept.record.at);
        if let Some(last) = read.records.last() {
            // The next reading need not list the days long before.
            self.list_from = self.list_from.max(last.record.at.checked_sub(SLACK).ok());
        }
        Ok(read)
    }

    fn position(&self, segment: &Segment) -> u64 {
        let key = (segment.book, segment.day, segment.name.clone());
        self.positions.get(&key).copied().unwrap_or(0)
    }

    fn take(&mut self, segment: &Segment, part: Part, read: &mut Reading) {
        let key = (segment.book, segment.day, segment.name.clone());
        self.positions.insert(key, part.next);
        if part.torn > 0 {
            let book = segment.book.as_str();
            read.torn
                .push(format!("{book}/{}/{}", segment.day, segment.name));
        }
        for line in part.lines {
            let Some(record) = decode(&line) else {
                read.unreadable += 1;
                continue;
            };
            let old = self.since.is_some_and(|since| record.at < since);
            if !old && (record.id.is_empty() || self.known.insert(record.id.clone())) {
                read.records.push(Kept { record, line });
            }
        }
    }
}

/// Which records are wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wanted {
    /// About this: a name, a subscription id, or the beginning of a key.
    pub about: Option<String>,
    /// With this cause, or, where there is none, this reason or outcome.
    pub cause: Option<String>,
}

/// The shortest beginning of a key that is taken for one.
const KEY_PREFIX: usize = 4;

impl Wanted {
    /// Whether a record is wanted.
    pub fn takes(&self, record: &Record) -> bool {
        let about = self.about.as_deref();
        let cause = self.cause.as_deref();
        about.is_none_or(|what| is_about(record, what))
            && cause.is_none_or(|word| is_because_of(record, word))
    }
}

/// Whether a record is about what a person calls so.
pub fn is_about(record: &Record, what: &str) -> bool {
    let about = &record.about;
    let is = |text: &Option<String>| text.as_deref() == Some(what);
    let begins = |key: &String| what.len() >= KEY_PREFIX && key.starts_with(what);
    is(&about.name) || is(&about.id) || about.key.as_ref().is_some_and(begins)
}

fn is_because_of(record: &Record, word: &str) -> bool {
    match &record.cause {
        Some(cause) => cause.eq_ignore_ascii_case(word),
        None => {
            let words = [&record.reason, &record.outcome];
            words.iter().any(|known| known.eq_ignore_ascii_case(word))
        }
    }
}
