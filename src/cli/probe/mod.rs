//! `evergraph probe`: a conformance and attack suite for any receiver of Graph notifications.
//!
//! The cases say what Graph's documentation (or a report of somebody who was bitten) says, send
//! something, and judge what came back. Nothing is ever sent that could be accepted as genuine:
//! subscriptions, tenants and secrets are invented.

mod ask;
mod case;
mod delivery;
mod forgery;
mod handshake;
mod judge;
mod report;
mod strain;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::time::Instant;
use url::Url;

pub use case::{Finding, Group, Verdict};
pub use report::Report;

use crate::domain::ownership::is_loopback;
use ask::Asker;
use case::Case;

/// Form of the report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Arguments of `evergraph probe`.
#[derive(Debug, Args)]
pub(super) struct ProbeArgs {
    /// The notificationUrl, as Graph would be given it
    url: Url,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    /// Only cases whose id begins so, such as handshake or forgery.echo; may be repeated
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// Warnings do not count as failures
    #[arg(long)]
    allow_warnings: bool,
    /// Time for the whole run; cases beyond it count as failed
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    limit_s: u64,
    /// How long an unfinished body may hold a connection
    #[arg(long, value_name = "SECONDS", default_value_t = 40)]
    stall_s: u64,
    /// You own this endpoint, which is not on this machine, and may send it malformed requests
    #[arg(long)]
    i_own_this_endpoint: bool,
}

/// What to probe, and how long.
#[derive(Clone, Debug)]
pub struct Target {
    /// The notificationUrl.
    pub url: Url,
    /// Only cases whose id begins with one of these; empty for all.
    pub only: Vec<String>,
    /// Time for the whole run. The greatest number of requests is fixed: about 130.
    pub limit: Duration,
    /// How long an unfinished body may hold a connection.
    pub stall: Duration,
    /// The caller owns an endpoint that is not on this machine.
    pub owned: bool,
}

/// Why nothing was probed.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The target is not on this machine.
    #[error(
        "{0} is not on this machine; the suite sends malformed and hostile requests, so it wants \
         --i-own-this-endpoint"
    )]
    NotOwned(Url),
    /// It is no address of a receiver.
    #[error("{0} is no http or https address")]
    NotHttp(Url),
    /// No case is left.
    #[error("no case has an id that begins with {0}; docs/probe.md lists them")]
    NoSuchCase(String),
    /// The client cannot be built.
    #[error("could not set up the client that sends the requests")]
    Client(#[source] reqwest::Error),
}

/// Every case, in the order in which they run.
fn cases() -> Vec<Case> {
    let groups = [
        handshake::cases(),
        delivery::cases(),
        forgery::cases(),
        strain::cases(),
    ];
    groups.into_iter().flatten().collect()
}

/// Ids and documentation of every case.
pub fn catalogue() -> Vec<Finding> {
    cases().iter().map(|case| case.unseen("")).collect()
}

/// Runs the cases one after another.
pub async fn probe(target: &Target) -> Result<Report, ProbeError> {
    let url = &target.url;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(ProbeError::NotHttp(url.clone()));
    }
    if !is_loopback(url) && !target.owned {
        return Err(ProbeError::NotOwned(url.clone()));
    }
    let cases = chosen(&target.only)?;
    let asker = Asker::new(url.clone(), target.stall).map_err(ProbeError::Client)?;
    let end = Instant::now() + target.limit;
    let mut findings = Vec::new();
    for case in cases {
        let finding = tokio::time::timeout_at(end, case.run(&asker)).await;
        findings.push(finding.unwrap_or_else(|_| case.unseen("the time for the run was over")));
    }
    Ok(Report::new(url.clone(), findings, asker.sent()))
}

fn chosen(only: &[String]) -> Result<Vec<Case>, ProbeError> {
    let all = cases();
    for start in only {
        if !all.iter().any(|case| case.id.starts_with(start.as_str())) {
            return Err(ProbeError::NoSuchCase(start.clone()));
        }
    }
    let wanted =
        |case: &Case| only.is_empty() || only.iter().any(|it| case.id.starts_with(it.as_str()));
    Ok(all.into_iter().filter(wanted).collect())
}

/// Runs the command.
///
/// Exit codes: 0 every case passed (or only warned, with `--allow-warnings`), 1 not so, 2 the
/// arguments are wrong, an endpoint of somebody else's included.
pub(super) async fn run(args: ProbeArgs) -> ExitCode {
    let target = Target {
        url: args.url,
        only: args.only,
        limit: Duration::from_secs(args.limit_s),
        stall: Duration::from_secs(args.stall_s),
        owned: args.i_own_this_endpoint,
    };
    let report = match probe(&target).await {
        Ok(report) => report,
        Err(error) => {
            eprintln!("evergraph probe: {error}");
            return ExitCode::from(2);
        }
    };
    match args.output {
        Output::Text => print!("{}", report.text()),
        Output::Json => println!("{}", report.json()),
    }
    if report.is_clean(args.allow_warnings) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
