//! `evergraph figures`: what the intake has counted, over all its instances.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use jiff::SignedDuration;

use super::explain::{Output, write_out};
use crate::app::figures::{BeforeUs, FRESH, StandingReport, Sums};
use crate::app::statistics;
use crate::compose::{self, audit::to_read};
use crate::config::RecordsSettings;
use crate::domain::duration;

/// The figures of the intake.
#[derive(Debug, Args)]
pub(super) struct FiguresArgs {
    /// How to write them
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// Sums up the statistics beside the state that `EVERGRAPH_STATE` names.
///
/// Exit codes: 0 all is well, or nothing was counted; 1 they could not be read, or Graph would
/// slow the endpoint down or drop its notifications by now; 2 the arguments are wrong.
pub(super) async fn run(args: FiguresArgs) -> ExitCode {
    let sums = match sums().await {
        Ok(sums) => sums,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let written = write_out(&match args.output {
        Output::Json => match serde_json::to_string_pretty(&sums) {
            Ok(json) => json + "\n",
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::FAILURE;
            }
        },
        Output::Text => text(&sums),
    });
    match sums.standing.treatment {
        "prompt" => written,
        _ => ExitCode::FAILURE,
    }
}

async fn sums() -> anyhow::Result<Sums> {
    let settings = RecordsSettings::from_environment(None).map_err(anyhow::Error::new)?;
    let store = to_read(&settings)?.state;
    let store = store.context(
        "EVERGRAPH_STATE names no state that is there; the figures lie beside the state",
    )?;
    let now = compose::clock(&settings.clock)?.now().await;
    let now = now.context("ages are told by the clock, and it does not answer")?;
    let all = statistics::all(store.as_ref()).await;
    Ok(Sums::of(all, now, &settings.governor))
}

fn text(sums: &Sums) -> String {
    if sums.instances.is_empty() {
        return "nothing was counted yet: an instance writes its figures a minute after its first \
                notification\n"
            .to_owned();
    }
    let mut out = ages(sums);
    let mut rows: Vec<(String, u64)> = [
        ("requests", sums.requests),
        ("events written", sums.written),
        ("repeats suppressed", sums.repeats),
        ("requests that were no notification", sums.unreadable),
        ("items at the wrong address", sums.wrong_route),
        ("wake marks", sums.marks),
        ("handshakes", sums.handshakes),
    ]
    .map(|(name, count)| (name.to_owned(), count))
    .into();
    reasons("items refused", &sums.refused, &mut rows);
    reasons("requests answered 503", &sums.delayed, &mut rows);
    out.push_str(&table(&rows));
    if let Some(at) = sums.last_accepted {
        let ago = sums.at.duration_since(at).max(SignedDuration::ZERO);
        let _ = writeln!(out, "\nlast accepted {at}, {} ago", words(ago));
    }
    out.push('\n');
    out.push_str(&took(sums));
    out.push_str(&distance(&sums.standing));
    let _ = writeln!(out, "  {}", sums.caveat);
    if let Some(before) = &sums.before_us {
        out.push_str(&estimate(before));
    }
    out
}

/// How many instances there are, and how old what they wrote is.
fn ages(sums: &Sums) -> String {
    let age = |at: usize| {
        let one = sums.instances.get(at);
        one.map_or(SignedDuration::ZERO, |one| {
            SignedDuration::from_secs(one.age_s)
        })
    };
    let fresh = sums.instances.iter();
    let fresh = fresh.filter(|one| one.age_s <= FRESH.as_secs()).count();
    let all = sums.instances.len();
    format!(
        "{all} {}, {fresh} of them at work; written between {} and {} ago\n\n",
        if all == 1 { "instance" } else { "instances" },
        words(age(0)),
        words(age(all - 1)),
    )
}

fn words(age: SignedDuration) -> String {
    match age.as_secs() {
        0 => "0s".to_owned(),
        seconds => duration::write(SignedDuration::from_secs(seconds)),
    }
}

fn reasons(what: &str, by_reason: &BTreeMap<String, u64>, rows: &mut Vec<(String, u64)>) {
    let each = by_reason.iter();
    rows.extend(each.map(|(reason, count)| (format!("{what}: {reason}"), *count)));
}

fn table(rows: &[(String, u64)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let digits = rows.iter().map(|(_, count)| count.to_string().len());
    let digits = digits.max().unwrap_or(0);
    rows.iter().fold(String::new(), |mut out, (name, count)| {
        let _ = writeln!(out, "{name:width$}  {count:>digits$}");
        out
    })
}

fn took(sums: &Sums) -> String {
    let within = |bound: Option<u64>| match bound {
        Some(ms) => format!("within {ms} ms"),
        None if sums.requests == 0 => "not known".to_owned(),
        None => "above 10 s".to_owned(),
    };
    format!(
        "answer times: half {}, 99 of 100 {}\n",
        within(sums.took.half_within_ms),
        within(sums.took.p99_within_ms)
    )
}

fn distance(one: &StandingReport) -> String {
    let line = |name: &str, percent: f64, at: f64, left: u64| {
        let left = match left {
            0 => "reached".to_owned(),
            1 => "1 more late answer reaches it".to_owned(),
            more => format!("{more} more late answers in a row reach it"),
        };
        format!("  {name}  {percent:.1} % of {at:.0} %: {left}\n")
    };
    format!(
        "endpoint: {} ({} answers within Graph's window)\n{}{}",
        one.treatment,
        one.answers,
        line(
            "slow",
            one.slow_percent,
            one.slow_at_percent,
            one.left_until_slow
        ),
        line(
            "drop",
            one.drop_percent,
            one.drop_at_percent,
            one.left_until_drop
        ),
    )
}

fn estimate(before: &BeforeUs) -> String {
    format!(
        "\nbefore us, by the platform's mark on {} requests: {} ms on average, {} ms at most\n\
         with that time added, an {}",
        before.requests,
        before.mean_ms,
        before.max_ms,
        distance(&before.standing)
    )
}
