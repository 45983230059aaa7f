//! `evergraph why NAME`: the story of one subscription, in sentences.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::audit::{say_what_is_odd, settings};
use super::explain::{Output, write_out};
use crate::app::audit::reader::Reader;
use crate::app::audit::story::{Story, names, tell};
use crate::app::memory::Found;
use crate::compose::{self, audit::Kept};
use crate::domain::audit::Record;
use crate::domain::spelling::did_you_mean;
use crate::domain::state::ShardState;
use crate::ports::audit::Book;
use crate::ports::state::StateStore;

/// Whose story.
#[derive(Debug, Args)]
pub(super) struct WhyArgs {
    /// Its declared name; a subscription id or the beginning of a key will do as well
    name: String,
    /// How to write the story
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    /// Where the audit is, if not where EVERGRAPH_AUDIT or EVERGRAPH_STATE say: `file:DIR`, or a
    /// container's URL
    #[arg(long, value_name = "PLACE")]
    at: Option<String>,
}

/// Tells the story. Exit codes: 0 told, 1 nothing is known of it, or nothing could be read.
pub(super) async fn run(args: &WhyArgs) -> ExitCode {
    match story(args).await {
        Ok(text) => write_out(text.trim_end()),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn story(args: &WhyArgs) -> anyhow::Result<String> {
    let settings = settings(args.at.as_deref())?;
    let Kept {
        audit,
        state: store,
    } = compose::audit::to_read(&settings)?;
    let place = audit.place();
    let mut reader = Reader::new(audit, &[Book::Decisions], None);
    let read = reader.next().await.context("nothing could be read")?;
    say_what_is_odd(&read);
    let records: Vec<Record> = read.records.into_iter().map(|kept| kept.record).collect();
    let state = match &store {
        Some(store) => state(store.as_ref()).await,
        None => None,
    };
    let clock = compose::clock(&settings.clock)?.now().await.ok();
    let latest = records.last().map(|record| record.at);
    // A simulated fleet lives in another time.
    let Some(now) = clock.max(latest) else {
        anyhow::bail!("the clock does not answer, and {place} holds no records");
    };
    let Some(story) = tell(&args.name, &records, state.as_ref(), now) else {
        let known = names(&records, state.as_ref());
        let guess = did_you_mean(&args.name, known);
        anyhow::bail!("nothing is known of {:?} in {place}. {guess}", args.name);
    };
    Ok(match args.output {
        Output::Json => format!("{:#}", json(&story)),
        Output::Text => text(&story),
    })
}

/// What is remembered. Whatever keeps it from being read is said, and the story goes without.
async fn state(store: &dyn StateStore) -> Option<ShardState> {
    let name = compose::memory_name().ok()?;
    match Found::read(store, &name).await {
        Ok(Found::Doc(doc, _)) => Some(doc.state),
        Ok(Found::Nothing) => None,
        Ok(Found::Unreadable(why, _)) => {
            eprintln!("warning: the state cannot be read: {why}");
            None
        }
        Err(error) => {
            eprintln!("warning: {error}");
            None
        }
    }
}

fn text(story: &Story) -> String {
    let mut out = String::new();
    let name = story.names.last().or(story.keys.first());
    let _ = writeln!(out, "{}", name.map_or("?", String::as_str));
    for what in &story.what {
        let _ = writeln!(out, "  {what}");
    }
    let former: Vec<&str> = story
        .names
        .iter()
        .rev()
        .skip(1)
        .map(String::as_str)
        .collect();
    if !former.is_empty() {
        let _ = writeln!(out, "  called before: {}", former.join(", "));
    }
    out.push('\n');
    for sentence in &story.past {
        let at = sentence.at.strftime("%Y-%m-%d %H:%M:%S");
        let _ = writeln!(out, "  {at}  {}", sentence.text);
    }
    if story.past.is_empty() {
        out.push_str("  No record of it was kept.\n");
    }
    out.push_str("\nNow\n");
    for sentence in &story.present {
        let _ = writeln!(out, "  {sentence}");
    }
    out
}

fn json(story: &Story) -> serde_json::Value {
    let past: Vec<_> = story
        .past
        .iter()
        .map(|one| serde_json::json!({ "at": one.at, "text": one.text, "records": one.records }))
        .collect();
    serde_json::json!({
        "names": story.names,
        "keys": story.keys,
        "what": story.what,
        "past": past,
        "now": story.present,
    })
}
