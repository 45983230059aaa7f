//! How long a service asks to wait, in every form that was seen.
//!
//! Whole seconds (Graph, Resource Manager), decimals (inside Graph's `$batch`), an HTTP date,
//! milliseconds in headers of their own (Cosmos DB, the Azure SDK cores), and, as a last resort,
//! seconds in the message.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// Longest wait that makes sense. One report shows "retry after 12/31/9999".
pub(super) const LONGEST: Duration = Duration::from_hours(24);

/// What a service asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RetryAfter {
    /// Wait this long, counted from the arrival of the answer.
    For(Duration),
    /// No sense in it: negative, not a number, over one day, or not readable. Never slept on,
    /// never clipped. Holds the value as it was read, cut to a printable length.
    Absurd(String),
}

/// Reads the value of `Retry-After`: whole or decimal seconds, or an IMF-fixdate.
///
/// `date` is the answer's own clock, its `Date` header. Decimals are rounded up to the next
/// millisecond. A date in the past is no wait at all. A date without the answer's clock cannot
/// be measured (our own clock may be hours off, and the domain has none): that is
/// [`RetryAfter::Absurd`], so that nobody calls earlier than the service asked.
pub fn parse_retry_after(value: &str, date: Option<Timestamp>) -> RetryAfter {
    let value = value.trim();
    if let Some(wait) = decimal_ms(value, 1_000).map(Duration::from_millis) {
        return bounded(wait, value);
    }
    let until = imf_fixdate(value);
    let (Some(until), Some(date)) = (until, date) else {
        return absurd(value);
    };
    let left = until.duration_since(date);
    bounded(Duration::try_from(left).unwrap_or(Duration::ZERO), value)
}

/// Reads `Date`, or another header in the form of an IMF-fixdate.
pub(super) fn imf_fixdate(value: &str) -> Option<Timestamp> {
    // RFC 9110 5.6.7: exactly 29 characters, always GMT. The parser reads more forms than that.
    let value = value.trim();
    (value.len() == 29 && value.ends_with(" GMT"))
        .then(|| DateTimeParser::new().parse_timestamp(value).ok())
        .flatten()
}

/// Reads a header that counts milliseconds.
pub(super) fn parse_retry_after_ms(value: &str) -> RetryAfter {
    let value = value.trim();
    match decimal_ms(value, 1) {
        Some(ms) => bounded(Duration::from_millis(ms), value),
        None => absurd(value),
    }
}

/// Reads a wait out of a message in lower case: "can be retried in 14 seconds",
/// "retry after '12/31/9999 11:59:59 pm'".
pub(super) fn wait_in_text(text: &str) -> Option<RetryAfter> {
    const BEFORE: &[&str] = &[
        "retried in ",
        "retry in ",
        "retry after ",
        "retrying after ",
        "try again in ",
        "try again after ",
        "wait for ",
    ];
    BEFORE.iter().find_map(|before| {
        let from = text.find(before)? + before.len();
        let rest = text[from..].trim_start_matches(['\'', '"', ' ']);
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let number = rest[..end].trim_end_matches('.');
        let unit = rest[end..].trim_start_matches(['\'', '"', ' ']);
        if unit.starts_with('/') {
            // A date without a zone cannot be measured; the only one seen is the end of time.
            return Some(absurd(rest));
        }
        let unit_ms = unit_in_text(unit)?;
        let ms = decimal_ms(number, unit_ms)?;
        Some(bounded(Duration::from_millis(ms), rest))
    })
}

fn unit_in_text(unit: &str) -> Option<u64> {
    const UNITS: &[(&str, u64)] = &[
        ("millisecond", 1),
        ("ms", 1),
        ("second", 1_000),
        ("sec", 1_000),
        ("minute", 60_000),
        ("min", 60_000),
        ("hour", 3_600_000),
    ];
    let named = UNITS.iter().find(|(name, _)| unit.starts_with(name));
    named.map(|(_, ms)| *ms)
}

/// A plain decimal number in units of `unit_ms` milliseconds, rounded up to the millisecond.
/// Saturates, so that an endless row of digits is long and not an error.
fn decimal_ms(value: &str, unit_ms: u64) -> Option<u64> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || value.ends_with('.') {
        return None;
    }
    let whole = whole.parse::<u64>().unwrap_or(u64::MAX);
    // Nine digits keep the product within u64; any digit beyond them rounds up.
    let kept = &fraction[..fraction.len().min(9)];
    let scale = 10_u64.pow(u32::try_from(kept.len()).ok()?);
    let part = kept.parse::<u64>().unwrap_or(0).saturating_mul(unit_ms);
    let beyond = fraction[kept.len()..].bytes().any(|b| b != b'0');
    let part_ms = part.div_ceil(scale) + u64::from(beyond && part.is_multiple_of(scale));
    Some(whole.saturating_mul(unit_ms).saturating_add(part_ms))
}

fn bounded(wait: Duration, value: &str) -> RetryAfter {
    if wait > LONGEST {
        absurd(value)
    } else {
        RetryAfter::For(wait)
    }
}

fn absurd(value: &str) -> RetryAfter {
    RetryAfter::Absurd(value.chars().filter(|c| !c.is_control()).take(80).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    #[track_caller]
    fn check_wait(value: &str, ms: u64) {
        let got = parse_retry_after(value, imf_fixdate(DATE));
        assert_eq!(got, RetryAfter::For(Duration::from_millis(ms)), "{value:?}");
    }

    #[track_caller]
    fn check_absurd(value: &str) {
        let got = parse_retry_after(value, imf_fixdate(DATE));
        assert!(matches!(got, RetryAfter::Absurd(_)), "{value:?}: {got:?}");
    }

    #[test]
    fn reads_whole_and_decimal_seconds_rounded_up_to_the_millisecond() {
        check_wait("0", 0);
        check_wait("315", 315_000);
        check_wait(" 41 ", 41_000);
        check_wait("0.249", 249);
        check_wait("0.1241", 125);
        check_wait("1.0000000001", 1_001);
        check_wait("86400", 86_400_000);
    }

    #[test]
    fn measures_a_date_by_the_clock_of_the_answer() {
        check_wait("Sun, 06 Nov 1994 08:50:07 GMT", 30_000);
        check_wait("Sun, 06 Nov 1994 08:49:37 GMT", 0);
        check_wait("Sun, 06 Nov 1994 08:00:00 GMT", 0);
        let unmeasured = parse_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", None);
        assert!(matches!(unmeasured, RetryAfter::Absurd(_)));
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        for value in [
            "",
            "-1",
            "-0.5",
            "+3",
            "NaN",
            "inf",
            "infinity",
            "1e3",
            "86401",
            "86400.0001",
            "99999999999999999999999999",
            "soon",
            "1,5",
            "1.",
            ".5",
            "1.5.2",
            "0x10",
            "١",
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "Sun, 06 Nov 1994 08:49:37 +0000",
        ] {
            check_absurd(value);
        }
    }

    #[track_caller]
    fn check_text(text: &str, want: Option<u64>) {
        let got = wait_in_text(text);
        let want = want.map(|ms| RetryAfter::For(Duration::from_millis(ms)));
        assert_eq!(got, want, "{text:?}");
    }

    #[test]
    fn finds_a_wait_in_a_message() {
        check_text("the call can be retried in 14 seconds.", Some(14_000));
        check_text("please retry after 2 minutes.", Some(120_000));
        check_text("try again in 1.5 seconds", Some(1_500));
        check_text("please retry after sometime.", None);
        check_text("please retry again later.", None);
        let date = wait_in_text("please retry after '12/31/9999 11:59:59 pm'");
        assert!(matches!(date, Some(RetryAfter::Absurd(_))));
    }

    #[test]
    fn reads_milliseconds() {
        let ms = |value| parse_retry_after_ms(value);
        assert_eq!(ms("9"), RetryAfter::For(Duration::from_millis(9)));
        assert_eq!(ms("0.2"), RetryAfter::For(Duration::from_millis(1)));
        assert!(matches!(ms("86400001"), RetryAfter::Absurd(_)));
        assert!(matches!(ms("-1"), RetryAfter::Absurd(_)));
    }
}
