//! Lengths of time as people write them: `3d`, `90m`, `1d 12h`, `45s`.

use jiff::SignedDuration;

/// Why a text is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a length of time; write a whole number and d, h, m or s, such as 3d, 90m or 1d 12h"
)]
pub struct DurationError(pub String);

const UNITS: [(&str, i64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// Reads a length of time: whole numbers, each with its unit `d`, `h`, `m` or `s`, the larger
/// unit first, blanks between them allowed. A day is 24 hours. Never negative; zero is read.
pub fn parse(text: &str) -> Result<SignedDuration, DurationError> {
    let refuse = || DurationError(text.chars().take(40).collect());
    let mut rest = text.trim();
    let mut total: i64 = 0;
    let mut units = UNITS.iter();
    if rest.is_empty() {
        return Err(refuse());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = rest[..digits].parse().map_err(|_| refuse())?;
        rest = &rest[digits..];
        let (unit, seconds) = units
            .find(|(unit, _)| rest.starts_with(unit))
            .ok_or_else(refuse)?;
        rest = rest[unit.len()..].trim_start();
        total = number
            .checked_mul(*seconds)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(refuse)?;
    }
    Ok(SignedDuration::from_secs(total))
}

/// Writes a length of time so that [`parse`] reads it back; parts of a second are cut off.
pub fn write(length: SignedDuration) -> String {
    let mut seconds = length.as_secs().max(0);
    let mut parts = Vec::new();
    for (unit, size) in UNITS {
        if seconds >= size {
            parts.push(format!("{}{unit}", seconds / size));
            seconds %= size;
        }
    }
    match parts.is_empty() {
        true => "0s".to_owned(),
        false => parts.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, seconds: Option<i64>) {
        assert_eq!(parse(text).ok().map(|d| d.as_secs()), seconds, "{text:?}");
    }

    #[test]
    fn people_write_days_hours_minutes_and_seconds() {
        check("3d", Some(259_200));
        check("90m", Some(5_400));
        check("1d 12h", Some(129_600));
        check("1h30m", Some(5_400));
        check(" 45s ", Some(45));
        check("0s", Some(0));
    }

    #[test]
    fn everything_else_is_refused() {
        for bad in [
            "",
            " ",
            "3",
            "d",
            "3x",
            "-1h",
            "1.5h",
            "1m 1h",
            "1h 1h",
            "h3",
            "9999999999999999999d",
            "1d1",
        ] {
            check(bad, None);
        }
        check("9223372036854775807d", None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in 0_i64..1_000_000_000) {
            let length = SignedDuration::from_secs(seconds);
            prop_assert_eq!(parse(&write(length)), Ok(length));
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
