//! The trail of this process: records are numbered, wait in memory, and are written in order.
//!
//! A record that must be durable before an effect is written by [`Trail::flush`]; others go out
//! with the next one. What cannot be written waits, up to a bound, for the next attempt, so that
//! an audit that is away for a while leaves no hole; what the bound cost is said by a record.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::line::encode;
use crate::domain::audit::{Kind, Record};
use crate::ports::audit::{Audit, AuditError, Book};

/// Lines that wait at most: some megabytes, and more than a pass over a large fleet decides.
const WAITING_MAX: usize = 20_000;

/// Lines that are written at once at most: about half a block.
const BATCH_MAX: usize = 1000;

/// How long records are kept where nobody says otherwise: a year and a month, so that a yearly
/// review still sees the whole year before it.
pub const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);

/// Writes the records of one process.
pub struct Trail {
    audit: Arc<dyn Audit>,
    actor: String,
    instance: String,
    kept_for: SignedDuration,
    numbers: AtomicU64,
    waiting: Mutex<Waiting>,
    /// One writer at a time, so that records keep their order.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<(Date, String)>,
    /// Records that the bound cost, and the time of the first and the last of them.
    lost: Option<(u64, Timestamp, Timestamp)>,
    failing: Option<String>,
    cleaned: Option<Date>,
}

impl Trail {
    /// A trail that nothing was written to. `instance` tells this process from all others.
    pub fn new(
        audit: Arc<dyn Audit>,
        actor: impl Into<String>,
        instance: impl Into<String>,
    ) -> Self {
        Self {
            audit,
            actor: actor.into(),
            instance: instance.into(),
            kept_for: KEPT,
            numbers: AtomicU64::new(0),
            waiting: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// The same, with another time after which records are removed.
    #[must_use]
    pub fn keeping(mut self, kept_for: SignedDuration) -> Self {
        self.kept_for = kept_for;
        self
    }

    /// For people: where the records go.
    pub fn place(&self) -> String {
        self.audit.place()
    }

    /// A name for one pass or run of this process.
    pub fn run(&self) -> String {
        self.draw()
    }

    fn draw(&self) -> String {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", self.instance)
    }

    /// Takes a record up, to be written by the next [`flush`](Self::flush). Its id and its actor,
    /// where it has none, are filled in; the id is returned.
    pub fn keep(&self, mut record: Record) -> String {
        if record.id.is_empty() {
            record.id = self.draw();
        }
        if record.actor.is_empty() {
            record.actor.clone_from(&self.actor);
        }
        let line = (day_of(record.at), encode(&record));
        let mut waiting = self.waiting();
        if waiting.lines.len() < WAITING_MAX {
            waiting.lines.push_back(line);
        } else {
            let lost = waiting.lost.get_or_insert((0, record.at, record.at));
            lost.0 += 1;
            lost.2 = record.at;
        }
        record.id
    }

    /// How many records wait.
    pub fn waiting_len(&self) -> usize {
        self.waiting().lines.len()
    }

    /// Why the last write failed, if it did.
    pub fn failing(&self) -> Option<String> {
        self.waiting().failing.clone()
    }

    /// Writes everything that waits. After `Ok` it is durable.
    ///
    /// # Cancellation
    /// Records under way stay waiting; they may be written twice, under the same id.
    ///
    /// # Errors
    /// [`AuditError`]; what was not written goes on waiting.
    pub async fn flush(&self) -> Result<(), AuditError> {
        let _turn = self.turn.lock().await;
        self.tell_of_losses();
        while let Some((day, lines)) = self.next_of_one_day() {
            let written = self.audit.append(Book::Decisions, day, &lines).await;
            let mut waiting = self.waiting();
            match written {
                Ok(()) => {
                    waiting.lines.drain(..lines.len());
                    waiting.failing = None;
                }
                Err(error) => {
                    waiting.failing = Some(error.to_string());
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Records at the front that are for the same day. They stay where they are until they
    /// are written; only [`flush`](Self::flush) removes any.
    fn next_of_one_day(&self) -> Option<(Date, Vec<String>)> {
        let waiting = self.waiting();
        let day = waiting.lines.front()?.0;
        let same = waiting.lines.iter().take_while(|(other, _)| *other == day);
        let same = same.take(BATCH_MAX);
        Some((day, same.map(|(_, line)| line.clone()).collect()))
    }

    fn tell_of_losses(&self) {
        let Some((count, first, last)) = self.waiting().lost.take() else {
            return;
        };
        let record = Record {
            count,
            words: format!(
                "{count} records between {first} and {last} could not be kept: the audit was away, \
                 and no more could wait"
            ),
            ..Record::new(Kind::Gap, last, "lose")
        };
        let line = (
            day_of(last),
            encode(&Record {
                id: self.draw(),
                actor: self.actor.clone(),
                ..record
            }),
        );
        self.waiting().lines.push_back(line);
    }

    /// Writes records of what the intake refused, apart from those of decisions: neither a flood
    /// nor a failure here can hold up what passes decide.
    ///
    /// # Errors
    /// [`AuditError`]; the caller keeps the figures for the next time.
    pub async fn write_refusals(&self, records: Vec<Record>) -> Result<(), AuditError> {
        let Some(day) = records.first().map(|record| day_of(record.at)) else {
            return Ok(());
        };
        let line = |record: Record| {
            encode(&Record {
                id: self.draw(),
                actor: self.actor.clone(),
                ..record
            })
        };
        let lines: Vec<String> = records.into_iter().map(line).collect();
        self.audit.append(Book::Refusals, day, &lines).await
    }

    /// Removes what was kept long enough, once a day at most. A failure is only logged: the next
    /// day tries again.
    pub async fn clean(&self, now: Timestamp) {
        let today = day_of(now);
        let oldest = now.checked_sub(self.kept_for).map(day_of);
        let Ok(oldest) = oldest else { return };
        if self.waiting().cleaned.replace(today) == Some(today) {
            return;
        }
        for book in Book::ALL {
            match self.audit.remove(book, oldest).await {
                Ok(0) => {}
                Ok(count) => tracing::info!(
                    "{count} segments of the audit from before {oldest} were removed ({})",
                    book.as_str()
                ),
                Err(error) => tracing::warn!("old records stay: {error}"),
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The day (UTC) that a record is kept under.
pub fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}
