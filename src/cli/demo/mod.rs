//! `evergraph demo`: the whole in about ten seconds, told with what was seen on the wire.
//!
//! The simulated Graph and the local host run in this process, the handlers are real child
//! processes of this same program; a frozen morning of the virtual clock, real leases of one
//! second. Every claim of the story is checked, and the exit code says whether all were true.

mod acts;
pub(in crate::cli) mod app_folder;
pub(in crate::cli) mod decisions;
pub(in crate::cli) mod page;
mod play;
mod seal;
mod settings;
pub(in crate::cli) mod stage;
mod story;
mod tables;
mod tally;
pub(in crate::cli) mod wishes;
mod witness;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use self::page::Page;
use self::play::Play;
use self::stage::Stage;
use self::story::Story;
use self::wishes::FIRST;

/// The story takes about ten seconds; six times that is a fault.
const DEADLINE: Duration = Duration::from_secs(60);

/// Exit code of what Ctrl-C ended, as shells count it.
const INTERRUPTED: u8 = 130;

/// Options of `evergraph demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Leave everything running at the end, until Ctrl-C
    #[arg(long)]
    keep: bool,
    /// How to tell the story
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// How the story is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// One JSON document at the end.
    Json,
}

/// How the telling ended.
enum Ended {
    /// With these tables.
    Told(Value),
    /// Before its end.
    BrokeOff(String),
    /// By Ctrl-C.
    Interrupted,
}

/// Tells the story. Ends with 0 only if every claim was seen to be true, with 130 at Ctrl-C
/// before that.
pub async fn run(args: DemoArgs) -> ExitCode {
    match demo(args).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("evergraph demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let folder = TempDir::with_prefix("evergraph-demo-").context("no temporary folder")?;
    let mut stop = std::pin::pin!(super::dev::told_to_stop());
    let page = match args.output {
        Output::Text => Page::of_text(),
        Output::Json => Page::silent(),
    };
    let stage = tokio::select! {
        stage = tokio::time::timeout(DEADLINE, Stage::build(folder.path(), &FIRST)) => {
            stage.context("the parts did not start in time")??
        }
        told = &mut stop => return told.map(|()| ExitCode::from(INTERRUPTED)),
    };
    let urls = urls(&stage, &folder);
    opening(page, &urls);
    let mut play = Play::new(stage, Story::begin(page));
    let ended = tokio::select! {
        ended = tell(&mut play, began + DEADLINE) => ended,
        _ = &mut stop => Ended::Interrupted,
    };
    let tables = match ended {
        Ended::Told(tables) => tables,
        Ended::BrokeOff(why) => {
            play.story.break_off(why);
            for line in play.stage.last_errors() {
                page.prose(&format!("A handler or the host said: {line}"));
            }
            Value::Null
        }
        Ended::Interrupted => {
            play.stage.stop().await;
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    let took = began.elapsed();
    closing(&play.story, page, took);
    if args.output == Output::Json {
        let document = document(&play.story, &tables, &urls, took);
        super::check::print(&format!("{document:#}"));
    }
    let code = exit_code(&play.story);
    if args.keep {
        let kept_in = folder.keep();
        page.text(&kept(&urls));
        stop.await?;
        page.text(&format!("\nThe files stay in {}.", kept_in.display()));
    }
    play.stage.stop().await;
    Ok(ExitCode::from(code))
}

async fn tell(play: &mut Play, deadline: Instant) -> Ended {
    match tokio::time::timeout_at(deadline, acts::all(play)).await {
        Ok(Ok(tables)) => Ended::Told(tables),
        Ok(Err(error)) => Ended::BrokeOff(format!("The story broke off: {error:#}.")),
        Err(_) => Ended::BrokeOff(format!(
            "The story was expected to end within {} s, and did not.",
            DEADLINE.as_secs()
        )),
    }
}

/// 0 only for a story whose every claim was seen to be true.
fn exit_code(story: &Story) -> u8 {
    u8::from(!story.is_true())
}

fn urls(stage: &Stage, folder: &TempDir) -> Value {
    json!({
        "graph": stage.sim.graph_url(),
        "control": format!("{}/_sim/", stage.sim.url()),
        "host": stage.host.url(),
        "folder": folder.path().display().to_string(),
    })
}

fn word<'v>(urls: &'v Value, name: &str) -> &'v str {
    urls[name].as_str().unwrap_or_default()
}

fn opening(page: Page, urls: &Value) {
    page.text(
        "evergraph keeps Microsoft Graph subscriptions alive. Here is the whole of it on this machine:\n\
         a simulated Graph, a local Functions host, and the handler as real processes. No account, no\n\
         setting, nothing leaves 127.0.0.1. The clock is virtual and jumps; the leases are real.\n",
    );
    for (what, name) in [("Graph", "graph"), ("host", "host"), ("files", "folder")] {
        page.text(&format!("   {what:<6} {}", word(urls, name)));
    }
}

fn closing(story: &Story, page: Page, took: Duration) {
    let (all, good) = story.score();
    let verdict = match story.is_true() {
        true => format!("All {all} claims were checked and true"),
        false => format!("{good} of {all} claims were true; the story is not"),
    };
    page.text(&format!(
        "\n{verdict}. It took {:.1} s.",
        took.as_secs_f64()
    ));
}

fn kept(urls: &Value) -> String {
    let (control, graph, host) = (
        word(urls, "control"),
        word(urls, "graph"),
        word(urls, "host"),
    );
    format!(
        "\nEverything keeps running until Ctrl-C. Try:\n\n  \
         curl -H 'Authorization: Bearer none' {graph}/subscriptions\n  \
         curl {control}calls\n  \
         curl {control}clock -d '{{\"advance\":\"6h\"}}'\n  \
         curl -i {host}/api/health"
    )
}

fn document(story: &Story, tables: &Value, urls: &Value, took: Duration) -> Value {
    let (all, good) = story.score();
    json!({
        "ok": story.is_true(),
        "took_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "claims": { "all": all, "true": good },
        "broke_off": story.broke_off,
        "urls": urls,
        "steps": story.steps,
        "tables": tables,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_untrue_claim_is_exit_code_1_and_stands_in_the_document() {
        let mut story = Story::begin(Page::silent());
        story.step("one");
        story.same("it is not doubled", &1, &1);
        assert_eq!(exit_code(&story), 0);
        story.same("it is not doubled", &1, &2);
        assert_eq!(exit_code(&story), 1);
        let document = document(&story, &Value::Null, &Value::Null, Duration::from_secs(1));
        assert_eq!(document["ok"], false);
        assert_eq!(document["claims"], json!({ "all": 2, "true": 1 }));
        let claim = &document["steps"][0]["claims"][1];
        assert_eq!(
            (&claim["expected"], &claim["seen"]),
            (&json!("1"), &json!("2"))
        );
    }
}
