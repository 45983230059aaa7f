//! `evergraph audit`: what passes and commands decided, as it was kept.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;

use super::explain::Output;
use crate::app::audit::reader::{Kept, Reader, Reading, Wanted};
use crate::compose;
use crate::config::RecordsSettings;
use crate::domain::audit::Record;
use crate::domain::duration;
use crate::ports::audit::Book;

/// How often a reader who follows looks again. One look is a listing of two days.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What is read where nobody says since when: a day.
const SINCE: &str = "1d";

/// Which records.
#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// Only what is about this: a name, a subscription id, or the beginning of a key
    #[arg(long, value_name = "K")]
    key: Option<String>,
    /// Only what happened since then: `2026-11-25T08:00:00Z`, or `2h` for two hours ago
    #[arg(long, value_name = "T", default_value = SINCE, value_parser = since)]
    since: Since,
    /// Only what has this cause, such as `AlreadyExists`, or this reason, such as `undeclared`
    #[arg(long, value_name = "C")]
    cause: Option<String>,
    /// Goes on showing what comes, until Ctrl-C
    #[arg(long)]
    follow: bool,
    /// How to write the records: a table, or one JSON document a line
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    /// Where the audit is, if not where EVERGRAPH_AUDIT or EVERGRAPH_STATE say: `file:DIR`, or a
    /// container's URL
    #[arg(long, value_name = "PLACE")]
    at: Option<String>,
}

/// A beginning in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Since {
    /// A moment.
    At(Timestamp),
    /// So long ago.
    Ago(jiff::SignedDuration),
}

fn since(text: &str) -> Result<Since, String> {
    if let Ok(at) = text.parse() {
        return Ok(Since::At(at));
    }
    let ago = duration::parse(text);
    ago.map(Since::Ago)
        .map_err(|error| format!("{error}; a moment such as 2026-11-25T08:00:00Z is read as well"))
}

/// Shows records. Exit codes: 0 shown, 1 the audit could not be read.
pub(super) async fn run(args: &AuditArgs) -> ExitCode {
    match show(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn show(args: &AuditArgs) -> anyhow::Result<()> {
    let settings = settings(args.at.as_deref())?;
    let audit = compose::audit::to_read(&settings)?.audit;
    let since = match args.since {
        Since::At(at) => at,
        Since::Ago(ago) => {
            let now = compose::clock(&settings.clock)?.now().await;
            let now = now.context("`--since` counts from now, and the clock does not answer")?;
            now.checked_sub(ago).unwrap_or(Timestamp::MIN)
        }
    };
    let wanted = Wanted {
        about: args.key.clone(),
        cause: args.cause.clone(),
    };
    let place = audit.place();
    let mut reader = Reader::new(audit, &Book::ALL, Some(since));
    let read = reader.next().await.context("nothing could be read")?;
    say_what_is_odd(&read);
    let kept = chosen(read, &wanted);
    if kept.is_empty() && !args.follow {
        eprintln!("no such record since {since} in {place}");
        return Ok(());
    }
    if !print(&kept, args.output, true) || !args.follow {
        return Ok(());
    }
    follow(&mut reader, &wanted, args.output).await
}

/// The settings that it takes, or what is wrong with them.
pub(super) fn settings(at: Option<&str>) -> anyhow::Result<RecordsSettings> {
    RecordsSettings::from_environment(at).map_err(|problems| {
        let said = problems.0.iter();
        let said: Vec<String> = said
            .map(|one| format!("{}: {}", one.setting, one.message))
            .collect();
        anyhow::anyhow!(said.join("\n"))
    })
}

/// Shows what comes, until it is stopped or nobody reads any more.
async fn follow(reader: &mut Reader, wanted: &Wanted, output: Output) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
        match reader.next().await {
            Ok(read) => {
                if !print(&chosen(read, wanted), output, false) {
                    return Ok(());
                }
            }
            Err(error) => eprintln!("warning: {error}; it is tried again"),
        }
    }
}

fn chosen(read: Reading, wanted: &Wanted) -> Vec<Kept> {
    let records = read.records.into_iter();
    records.filter(|kept| wanted.takes(&kept.record)).collect()
}

/// Says what could not be read as a record.
pub(super) fn say_what_is_odd(read: &Reading) {
    for segment in &read.torn {
        eprintln!("warning: the last line of {segment} is torn, or being written; it is left out");
    }
    if read.unreadable > 0 {
        eprintln!(
            "warning: {} lines are no records; they are left out",
            read.unreadable
        );
    }
}

/// Prints; `false` where nobody reads any more.
fn print(kept: &[Kept], output: Output, with_head: bool) -> bool {
    let text = match output {
        Output::Json => kept.iter().map(|kept| format!("{}\n", kept.line)).collect(),
        Output::Text => table(kept, with_head),
    };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_ok()
}

/// Widths of the columns before the words: names are cut, words are not.
const WIDTHS: [usize; 5] = [19, 14, 12, 26, 22];

const HEAD: [&str; 6] = ["when (UTC)", "what", "outcome", "about", "why", "words"];

fn table(kept: &[Kept], with_head: bool) -> String {
    let mut out = String::new();
    if with_head {
        out.push_str(&row(&HEAD.map(str::to_owned)));
    }
    for one in kept {
        out.push_str(&row(&cells(&one.record)));
    }
    out
}

fn row(cells: &[String; 6]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(WIDTHS) {
        let short: String = match cell.chars().count() > width {
            true => cell.chars().take(width - 1).chain(['…']).collect(),
            false => cell.clone(),
        };
        line.push_str(&format!("{short:<width$}  "));
    }
    line.push_str(&cells[5]);
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}

fn cells(record: &Record) -> [String; 6] {
    let about = &record.about;
    let what = about.name.as_ref().or(about.id.as_ref());
    let what = what.or(about.key.as_ref()).or(about.tenant.as_ref());
    let why = record.cause.as_ref().unwrap_or(&record.reason);
    let mut words = match record.count {
        0 | 1 => record.words.clone(),
        count => format!("{count} items; {}", record.words),
    };
    if words.is_empty() {
        words.clone_from(&record.seen);
    }
    if let Some(because) = &record.because {
        words.push_str(&format!(" [{because}]"));
    }
    [
        record.at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        record.action.clone(),
        record.outcome.clone(),
        what.cloned().unwrap_or_default(),
        why.clone(),
        words,
    ]
}
