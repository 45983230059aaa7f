//! The audit in the memory of this process, for tests and simulations.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::civil::Date;

use super::{are_lines, part_of};
use crate::ports::audit::{Audit, AuditError, Book, Part, Segment};

/// Lines that live as long as this process. Clones share them, as workers share a container.
#[derive(Clone, Debug, Default)]
pub struct MemoryAudit {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    days: BTreeMap<(Book, Date), String>,
    failure: Option<AuditError>,
    appends: u64,
}

impl MemoryAudit {
    /// Every line of a book, in the order of days and of writing.
    pub fn lines(&self, book: Book) -> Vec<String> {
        let shared = self.shared();
        let days = shared.days.iter().filter(|((of, _), _)| *of == book);
        days.flat_map(|(_, text)| text.lines().map(str::to_owned))
            .collect()
    }

    /// How often lines were added, successfully or not.
    pub fn appends(&self) -> u64 {
        self.shared().appends
    }

    /// From now on nothing can be added; `None` makes it well again.
    pub fn fail(&self, failure: Option<AuditError>) {
        self.shared().failure = failure;
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const NAME: &str = "memory-000001";

#[async_trait::async_trait]
impl Audit for MemoryAudit {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    async fn append(&self, book: Book, day: Date, lines: &[String]) -> Result<(), AuditError> {
        if lines.is_empty() {
            return Ok(());
        }
        are_lines(lines).map_err(|why| AuditError::Denied {
            place: self.place(),
            why,
        })?;
        let mut shared = self.shared();
        shared.appends += 1;
        if let Some(failure) = &shared.failure {
            return Err(failure.clone());
        }
        let text = shared.days.entry((book, day)).or_default();
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        Ok(())
    }

    async fn segments(&self, book: Book, since: Option<Date>) -> Result<Vec<Segment>, AuditError> {
        let shared = self.shared();
        let days = shared.days.iter();
        let wanted = days.filter(|((of, day), _)| *of == book && since.is_none_or(|at| *day >= at));
        let segment = |((book, day), text): (&(Book, Date), &String)| Segment {
            book: *book,
            day: *day,
            name: NAME.to_owned(),
            bytes: text.len() as u64,
        };
        Ok(wanted.map(segment).collect())
    }

    async fn read(&self, segment: &Segment, from: u64) -> Result<Part, AuditError> {
        let shared = self.shared();
        let text = shared.days.get(&(segment.book, segment.day));
        let at = usize::try_from(from).unwrap_or(usize::MAX);
        let rest = text.and_then(|text| text.as_bytes().get(at..));
        Ok(part_of(rest.unwrap_or_default(), from))
    }

    async fn remove(&self, book: Book, before: Date) -> Result<u32, AuditError> {
        let mut shared = self.shared();
        let all = shared.days.len();
        shared
            .days
            .retain(|(of, day), _| *of != book || *day >= before);
        Ok(u32::try_from(all - shared.days.len()).unwrap_or(u32::MAX))
    }
}
