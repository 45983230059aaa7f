//! Timer schedules: six-field NCRONTAB or a TimeSpan, always in UTC.

use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::time_span;

/// Occurrences looked at to tell whether a schedule is sub-minute (TimerSchedule.cs).
const OCCURRENCES_LOOKED_AT: usize = 10;

/// When a timer is due.
#[derive(Clone, Debug)]
pub(crate) enum Schedule {
    Cron(Box<Cron>),
    Every(Duration),
}

impl Schedule {
    /// Reads `{second} {minute} {hour} {day} {month} {day-of-week}`, five fields (second 0), or
    /// a TimeSpan like `00:05:00`. The error says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(span) = time_span::parse(text).filter(|_| text.contains(':')) {
            return if span.is_zero() {
                Err("a time span must be longer than zero".to_owned())
            } else {
                Ok(Self::Every(span))
            };
        }
        let fields = text.split_whitespace().count();
        if fields != 5 && fields != 6 {
            return Err(format!(
                "`{text}` has {fields} fields; allowed are six (second minute hour day month weekday), five (second 0), or a time span like 00:05:00"
            ));
        }
        if let Some(sign) = text
            .chars()
            .find(|c| "LlWw#?@+".contains(*c))
            .filter(|_| !is_named(text))
        {
            return Err(format!("`{sign}` in `{text}` is no part of NCRONTAB"));
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Disallowed)
            .dom_and_dow(true)
            .build();
        parser
            .parse(text)
            .map(|cron| Self::Cron(Box::new(cron)))
            .map_err(|error| format!("`{text}` is no NCRONTAB expression: {error}"))
    }

    /// The first occurrence strictly after a moment. A schedule that never comes again (30
    /// February) is due at the end of time.
    pub(crate) fn next_after(&self, moment: Timestamp) -> Timestamp {
        match self {
            Self::Every(span) => {
                let span = SignedDuration::try_from(*span).unwrap_or(SignedDuration::MAX);
                moment.checked_add(span).unwrap_or(Timestamp::MAX)
            }
            Self::Cron(cron) => {
                let civil = moment.to_zoned(TimeZone::UTC).datetime();
                cron.find_next_occurrence(&civil, false)
                    .ok()
                    .and_then(|next| next.to_zoned(TimeZone::UTC).ok())
                    .map_or(Timestamp::MAX, |next| next.timestamp())
            }
        }
    }

    /// True if occurrences follow each other in less than a minute. The host keeps no status
    /// of such a timer.
    pub(crate) fn is_sub_minute(&self, from: Timestamp) -> bool {
        let minute = SignedDuration::from_mins(1);
        let mut last = self.next_after(from);
        for _ in 0..OCCURRENCES_LOOKED_AT {
            let next = self.next_after(last);
            if next.duration_since(last) < minute && next > last {
                return true;
            }
            last = next;
        }
        false
    }

    /// What `Schedule.AdjustForDST` says to the handler (CronSchedule, ConstantSchedule).
    pub(crate) fn adjusts_for_dst(&self) -> bool {
        matches!(self, Self::Cron(_))
    }
}

/// Month and weekday names hold the letters that croner's extensions use.
fn is_named(text: &str) -> bool {
    const NAMES: [&str; 19] = [
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", "SUN",
        "MON", "TUE", "WED", "THU", "FRI", "SAT",
    ];
    let mut rest = text.to_ascii_uppercase();
    for name in NAMES {
        rest = rest.replace(name, "");
    }
    !rest.contains(|c: char| "LW#?@+".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_next(schedule: &str, after: &str, expected: &str) {
        let schedule = Schedule::parse(schedule).unwrap();
        let next = schedule.next_after(after.parse().unwrap());
        assert_eq!(next, expected.parse::<Timestamp>().unwrap());
    }

    #[test]
    fn the_next_occurrence_lies_strictly_after_the_moment() {
        check_next(
            "0 */5 * * * *",
            "2026-11-22T08:35:00Z",
            "2026-11-22T08:40:00Z",
        );
        check_next(
            "0 */5 * * * *",
            "2026-11-22T08:34:59.9Z",
            "2026-11-22T08:35:00Z",
        );
        check_next(
            "*/5 * * * *",
            "2026-11-22T08:31:00Z",
            "2026-11-22T08:35:00Z",
        );
        check_next(
            "30 0 4 * * MON",
            "2026-11-22T08:31:00Z",
            "2026-11-23T04:00:30Z",
        );
        check_next(
            "0 0 0 1 JUL *",
            "2026-11-22T08:31:00Z",
            "2027-07-01T00:00:00Z",
        );
        check_next(
            "00:05:00",
            "2026-11-22T08:31:00.5Z",
            "2026-11-22T08:36:00.5Z",
        );
    }

    #[test]
    fn day_and_weekday_must_both_match() {
        // NCRONTAB, unlike Unix cron, takes the conjunction: the next Friday the 13th.
        check_next(
            "0 0 0 13 * 5",
            "2026-11-22T00:00:00Z",
            "2027-08-13T00:00:00Z",
        );
    }

    #[test]
    fn a_day_that_never_comes_is_due_at_the_end_of_time() {
        let never = Schedule::parse("0 0 0 30 2 *").unwrap();
        assert_eq!(
            never.next_after("2026-11-22T00:00:00Z".parse().unwrap()),
            Timestamp::MAX
        );
    }

    #[track_caller]
    fn check_refused(schedule: &str) {
        assert!(Schedule::parse(schedule).is_err(), "{schedule}");
    }

    #[test]
    fn what_ncrontab_does_not_know_is_refused() {
        for schedule in [
            "",
            "5",
            "* * * *",
            "0 0 0 L * *",
            "0 0 0 * * 5#2",
            "@daily",
            "0 0 0 ? * *",
            "0 0 0 15W * *",
            "61 * * * * *",
            "00:00:00",
            "0 0 0 1 1 * 2027",
            "a b c d e f",
        ] {
            check_refused(schedule);
        }
    }

    #[test]
    fn occurrences_less_than_a_minute_apart_make_a_schedule_sub_minute() {
        let from = "2026-11-22T08:35:00Z".parse().unwrap();
        for (text, expected) in [
            ("*/10 * * * * *", true),
            ("0,30 0 0 * * *", true),
            ("0 * * * * *", false),
            ("00:00:59", true),
            ("00:01:00", false),
        ] {
            assert_eq!(
                Schedule::parse(text).unwrap().is_sub_minute(from),
                expected,
                "{text}"
            );
        }
    }
}
