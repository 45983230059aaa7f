//! .NET's TimeSpan text, the only unit of time in host.json and function.json.

use std::time::Duration;

/// Reads `[d.]hh:mm[:ss[.fffffff]]` or a whole number of days; negative spans are refused.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(days) = text.parse::<u32>() {
        return Some(Duration::from_secs(u64::from(days) * 86_400));
    }
    let (clock, fraction) = split_fraction(text);
    let (days, clock) = match clock.split_once('.') {
        Some((days, clock)) => (days.parse::<u32>().ok()?, clock),
        None => (0, clock),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let (hours, minutes, seconds) = match parts.as_slice() {
        [hours, minutes] => (number(hours, 23)?, number(minutes, 59)?, 0),
        [hours, minutes, seconds] => (
            number(hours, 23)?,
            number(minutes, 59)?,
            number(seconds, 59)?,
        ),
        _ => return None,
    };
    let whole = u64::from(days) * 86_400 + hours * 3_600 + minutes * 60 + seconds;
    Some(Duration::from_secs(whole) + fraction_of_second(fraction)?)
}

/// The fraction stands after the last colon only; a dot before it separates days.
fn split_fraction(text: &str) -> (&str, &str) {
    match (text.rfind(':'), text.rfind('.')) {
        (Some(colon), Some(dot)) if dot > colon => (&text[..dot], &text[dot + 1..]),
        _ => (text, ""),
    }
}

fn number(text: &str, max: u64) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|value| *value <= max)
}

fn fraction_of_second(digits: &str) -> Option<Duration> {
    if digits.is_empty() {
        return Some(Duration::ZERO);
    }
    if digits.len() > 7 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // A tick, .NET's smallest unit, is 100 ns.
    let ticks: u64 = format!("{digits:0<7}").parse().ok()?;
    Some(Duration::from_nanos(ticks * 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_span(text: &str, expected_ms: Option<u64>) {
        assert_eq!(
            parse(text),
            expected_ms.map(Duration::from_millis),
            "{text}"
        );
    }

    #[test]
    fn a_time_span_has_days_hours_minutes_seconds_and_a_fraction() {
        check_span("00:00:30", Some(30_000));
        check_span("00:05", Some(300_000));
        check_span("1.02:03:04", Some(((86_400 + 7_384) * 1000) as u64));
        check_span("00:00:00.25", Some(250));
        check_span("2", Some(172_800_000));
        for wrong in [
            "",
            "-00:00:01",
            "24:00:00",
            "00:60:00",
            "1:2:3:4",
            "a",
            "00:00:",
            "-1",
        ] {
            check_span(wrong, None);
        }
    }
}
