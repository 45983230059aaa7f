//! How long a subscription may live, and what Graph makes of the wish.

use jiff::{SignedDuration, Timestamp};

use super::kinds::{Family, Kind};
use super::refusal::Refusal;
use super::row::{cut_to_ticks, ticks};
use super::settings::{PastExpiry, Settings};

/// The outer layer of the two that Teams subscriptions meet, in minutes.
const TEAMS_OUTER_MIN: u32 = 10_080;

/// The expiry that Graph grants, or its refusal.
pub fn granted(
    operation: &str,
    asked: Timestamp,
    now: Timestamp,
    kind: Kind,
    rich: bool,
    settings: &Settings,
) -> Result<Timestamp, Refusal> {
    let rules = &settings.expiry;
    if asked <= now && (rules.past == PastExpiry::Refuse || rules.clamp_min == 0) {
        // Confirmed behaviour is missing from the sources; the words are our own.
        return Err(Refusal::new(
            400,
            "ExtensionError",
            "Subscription expiration must be in the future.",
        ));
    }
    if rules.enforce_max {
        check_maximum(operation, asked, now, kind, rich, rules.outlook_ceiling_min)?;
    }
    let raised = if is_clamped(kind, settings) || asked <= now {
        asked.max(after(now, rules.clamp_min))
    } else {
        asked
    };
    let cut = rules
        .shorten_to_min
        .get(kind.facts().name)
        .or_else(|| rules.shorten_to_min.get("*"));
    let cut = cut.map_or(raised, |minutes| raised.min(after(now, *minutes)));
    Ok(cut_to_ticks(cut))
}

fn is_clamped(kind: Kind, settings: &Settings) -> bool {
    settings.expiry.clamp_drives || kind.facts().family != Family::Drive
}

fn after(now: Timestamp, minutes: u32) -> Timestamp {
    now.checked_add(SignedDuration::from_mins(i64::from(minutes)))
        .unwrap_or(Timestamp::MAX)
}

fn check_maximum(
    operation: &str,
    asked: Timestamp,
    now: Timestamp,
    kind: Kind,
    rich: bool,
    outlook_ceiling_min: u32,
) -> Result<(), Refusal> {
    let facts = kind.facts();
    let max_min = match (facts.family, rich) {
        (_, true) => facts.rich_max_min,
        (Family::Outlook, false) => outlook_ceiling_min,
        (_, false) => facts.max_min,
    };
    let beyond = |minutes: u32| asked > after(now, minutes);
    let simple = |minutes: u32| {
        // docs#2988, with today's figures
        Refusal::new(
            400,
            "ExtensionError",
            format!("Subscription expiration can only be {minutes} minutes in the future."),
        )
    };
    if facts.family == Family::Teams {
        // Two layers with two texts (seen 2024-05).
        if beyond(TEAMS_OUTER_MIN) {
            return Err(simple(TEAMS_OUTER_MIN));
        }
        if beyond(max_min) {
            let reason = format!(
                "Expiration time '{}' ('{}' from now) is beyond allowed max '{}'.",
                ticks(asked).replace('Z', "+00:00"),
                time_span(now.duration_since(asked)),
                time_span(SignedDuration::from_mins(i64::from(max_min))),
            );
            return Err(Refusal::extension(operation, 400, &reason));
        }
        return Ok(());
    }
    if beyond(max_min) {
        return Err(simple(max_min));
    }
    Ok(())
}

/// .NET's form of a time span: `-5.23:59:55.5782571`, `3.00:00:00`.
fn time_span(span: SignedDuration) -> String {
    let sign = if span.is_negative() { "-" } else { "" };
    let seconds = span.as_secs().unsigned_abs();
    let ticks = span.subsec_nanos().unsigned_abs() / 100;
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    let days = if days > 0 {
        format!("{days}.")
    } else {
        String::new()
    };
    let ticks = if ticks > 0 {
        format!(".{ticks:07}")
    } else {
        String::new()
    };
    format!("{sign}{days}{hours:02}:{minutes:02}:{seconds:02}{ticks}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    #[track_caller]
    fn check_granted(kind: Kind, rich: bool, asked_min: i64, wanted: Result<i64, &str>) {
        let asked = now() + SignedDuration::from_mins(asked_min);
        let got = granted("Create", asked, now(), kind, rich, &Settings::default());
        match (got, wanted) {
            (Ok(at), Ok(minutes)) => assert_eq!(at.duration_since(now()).as_mins(), minutes),
            (Err(refusal), Err(words)) => {
                assert!(refusal.message.contains(words), "{}", refusal.message);
            }
            (got, wanted) => panic!("{asked_min} min of {kind:?}: {got:?}, wanted {wanted:?}"),
        }
    }

    #[test]
    fn each_kind_has_its_maximum_and_its_words() {
        check_granted(Kind::Message, false, 10_070, Ok(10_070));
        check_granted(
            Kind::Message,
            false,
            10_071,
            Err("can only be 10070 minutes"),
        );
        check_granted(Kind::Message, true, 1_441, Err("can only be 1440 minutes"));
        check_granted(Kind::User, false, 41_760, Ok(41_760));
        check_granted(Kind::User, false, 41_761, Err("can only be 41760 minutes"));
        check_granted(
            Kind::ChatMessage,
            false,
            10_081,
            Err("can only be 10080 minutes"),
        );
        check_granted(
            Kind::ChatMessage,
            false,
            8_639,
            Err(
                "Expiration time '2026-03-07T11:59:00.0000000+00:00' ('-5.23:59:00' from now) is \
                 beyond allowed max '3.00:00:00'.",
            ),
        );
        check_granted(
            Kind::Presence,
            true,
            61,
            Err("beyond allowed max '01:00:00'"),
        );
    }

    #[test]
    fn short_wishes_are_raised_except_for_drives() {
        check_granted(Kind::Message, false, 10, Ok(45));
        check_granted(Kind::Message, false, -60, Ok(45));
        check_granted(Kind::DriveItem, false, 10, Ok(10));
    }

    #[test]
    fn the_past_and_silent_cuts_go_by_switch() {
        let mut settings = Settings::default();
        settings.expiry.past = PastExpiry::Refuse;
        let past = now() - SignedDuration::from_mins(1);
        assert!(granted("Create", past, now(), Kind::List, false, &settings).is_err());
        settings.expiry.shorten_to_min.insert("*".into(), 60);
        let day = now() + SignedDuration::from_hours(24);
        let got = granted("Create", day, now(), Kind::List, false, &settings).unwrap();
        assert_eq!(got.duration_since(now()).as_mins(), 60);
    }

    #[test]
    fn spans_are_written_as_dotnet_writes_them() {
        let span = SignedDuration::new(5 * 86_400 + 23 * 3_600 + 59 * 60 + 55, 578_257_100);
        assert_eq!(time_span(-span), "-5.23:59:55.5782571");
    }
}
