//! What a timer's monitor remembers, and what follows from it when a host starts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::Value;

use super::envelope::date_with_offset;
use super::schedule::Schedule;

/// 0001-01-01T00:00:00Z, .NET's default date: never.
const NEVER: Timestamp = Timestamp::constant(-62_135_596_800, 0);

/// When a timer ran and will run: `{Last,Next,LastUpdated}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScheduleStatus {
    pub(crate) last: Timestamp,
    pub(crate) next: Timestamp,
    pub(crate) last_updated: Timestamp,
}

impl ScheduleStatus {
    /// A timer that has never run.
    pub(crate) fn never_run(next: Timestamp) -> Self {
        Self {
            last: NEVER,
            next,
            last_updated: NEVER,
        }
    }

    /// A timer that was called at `at`.
    pub(crate) fn ran(at: Timestamp, schedule: &Schedule) -> Self {
        Self {
            last: at,
            next: schedule.next_after(at),
            last_updated: at,
        }
    }

    /// As the handler sees it and as it is stored.
    pub(crate) fn to_json(&self) -> String {
        format!(
            r#"{{"Last":"{}","Next":"{}","LastUpdated":"{}"}}"#,
            date_with_offset(self.last),
            date_with_offset(self.next),
            date_with_offset(self.last_updated)
        )
    }

    fn from_json(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let date = |name: &str| value[name].as_str()?.parse::<Timestamp>().ok();
        Some(Self {
            last: date("Last")?,
            next: date("Next")?,
            last_updated: date("LastUpdated")?,
        })
    }
}

/// What a host does with a timer when it starts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Start {
    /// What the first call is told.
    pub(crate) told: ScheduleStatus,
    /// What must be stored now.
    pub(crate) stored: Option<ScheduleStatus>,
    /// True if an occurrence was missed: one run at once, however many were.
    pub(crate) is_past_due: bool,
}

/// Decides from the stored status (TimerListener.StartAsync, ScheduleMonitor.CheckPastDueAsync).
pub(crate) fn at_start(
    stored: Option<ScheduleStatus>,
    schedule: &Schedule,
    now: Timestamp,
) -> Start {
    let Some(mut status) = stored else {
        let told = ScheduleStatus::never_run(schedule.next_after(now));
        let stored = Some(ScheduleStatus {
            last_updated: now,
            ..told.clone()
        });
        return Start {
            told,
            stored,
            is_past_due: false,
        };
    };
    let from = if status.last == NEVER {
        now
    } else {
        status.last
    };
    let mut expected = schedule.next_after(from);
    let mut write = None;
    if status.next != expected {
        // Another schedule, or a timer that never ran: what it would have missed does not count.
        let mut last_updated = from;
        if now > expected {
            expected = schedule.next_after(now);
            last_updated = now;
        }
        status = ScheduleStatus {
            last: NEVER,
            next: expected,
            last_updated,
        };
        write = Some(status.clone());
    }
    Start {
        is_past_due: now > status.next,
        told: status,
        stored: write,
    }
}

/// Keeps the status of timers, over restarts of a supervised host and, with a folder, over
/// restarts of this program.
#[derive(Debug)]
pub(crate) struct Monitor {
    folder: Option<PathBuf>,
    held: Mutex<BTreeMap<String, ScheduleStatus>>,
}

impl Monitor {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            held: Mutex::default(),
        }
    }

    /// The stored status of a function; one that cannot be read counts as absent.
    pub(crate) fn get(&self, function: &str) -> Option<ScheduleStatus> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(status) = held.get(function) {
            return Some(status.clone());
        }
        let text = std::fs::read_to_string(self.file(function)?).ok()?;
        ScheduleStatus::from_json(&text)
    }

    /// Stores a status; a file that cannot be written is reported and does not stop the timer.
    pub(crate) fn put(&self, function: &str, status: ScheduleStatus) {
        if let Some(file) = self.file(function)
            && let Err(error) = write(&file, &status.to_json())
        {
            tracing::warn!(file = %file.display(), %error, "the status of timer {function} could not be written");
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(function.to_owned(), status);
    }

    /// Named like the blob of the real host.
    fn file(&self, function: &str) -> Option<PathBuf> {
        let folder = self.folder.as_ref()?;
        Some(
            folder
                .join("timers")
                .join(format!("Host.Functions.{function}"))
                .join("status"),
        )
    }
}

/// Over a temporary file, so that a crash leaves the old status or the new one.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let beside = file.with_extension("new");
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&beside, text)?;
    std::fs::rename(beside, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-22T{text}Z").parse().unwrap()
    }

    fn every_five_minutes() -> Schedule {
        Schedule::parse("0 */5 * * * *").unwrap()
    }

    #[test]
    fn a_timer_that_was_never_seen_waits_for_its_next_occurrence() {
        let start = at_start(None, &every_five_minutes(), at("08:31:00"));
        assert_eq!(start.told, ScheduleStatus::never_run(at("08:35:00")));
        assert_eq!(start.stored.unwrap().last_updated, at("08:31:00"));
        assert!(!start.is_past_due);
    }

    #[test]
    fn a_missed_occurrence_is_past_due_and_named() {
        let stored = ScheduleStatus::ran(at("08:30:00"), &every_five_minutes());
        let start = at_start(Some(stored.clone()), &every_five_minutes(), at("11:00:00"));
        assert!(start.is_past_due);
        assert_eq!(start.told.next, at("08:35:00"));
        assert_eq!(start.stored, None);
        assert!(!at_start(Some(stored), &every_five_minutes(), at("08:34:59")).is_past_due);
    }

    #[test]
    fn a_changed_schedule_starts_anew_and_is_not_past_due() {
        let stored = ScheduleStatus::ran(at("08:30:00"), &every_five_minutes());
        let hourly = Schedule::parse("0 0 * * * *").unwrap();
        let start = at_start(Some(stored), &hourly, at("11:30:00"));
        assert!(!start.is_past_due);
        assert_eq!((start.told.last, start.told.next), (NEVER, at("12:00:00")));
        assert_eq!(start.stored, Some(start.told));
    }

    #[test]
    fn a_timer_that_never_ran_has_missed_nothing() {
        let stored = ScheduleStatus::never_run(at("08:35:00"));
        let start = at_start(Some(stored), &every_five_minutes(), at("11:01:00"));
        assert!(!start.is_past_due);
        assert_eq!(start.told.next, at("11:05:00"));
    }

    #[test]
    fn a_status_outlives_the_program_in_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let status = ScheduleStatus::ran(at("08:30:00.5"), &every_five_minutes());
        Monitor::new(Some(dir.path().to_owned())).put("renew", status.clone());
        let monitor = Monitor::new(Some(dir.path().to_owned()));
        assert_eq!(monitor.get("renew"), Some(status));
        assert_eq!(monitor.get("other"), None);
    }
}
