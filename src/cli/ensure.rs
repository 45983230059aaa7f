//! `evergraph ensure KIND --spec FILE`: makes one thing stand, and tells every step.

mod story;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use url::Url;

use crate::app::ensure::{Account, Ended};
use crate::compose::ensure::{self as house, KindName, Prepared, Reading};
use crate::config::EnsureSettings;
use crate::domain::ensure::Ending;
use crate::ports::ensure::{Journal, NoJournal};
use story::{Story, Telling};

/// Largest specification that is read.
const SPEC_MAX: u64 = 1024 * 1024;

/// Arguments of `evergraph ensure`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 it stands (or, with --dry-run, nothing forbids it); 1 gave up, with reason, evidence and next step; 2 the arguments, the settings or the specification are wrong."
)]
pub(super) struct EnsureArgs {
    /// What kind of thing
    #[arg(value_name = "KIND", value_parser = kinds())]
    kind: KindName,
    /// The specification, a TOML file
    #[arg(long, value_name = "FILE")]
    spec: PathBuf,
    /// Looks, and says what it would do; writes nothing, not even into the audit
    #[arg(long)]
    dry_run: bool,
    /// Another root of the service than its own, such as a simulator's; for cosmos-item once for
    /// each region
    #[arg(long, value_name = "URL")]
    base_url: Vec<Url>,
    /// The human decision behind it, for the audit: a ticket's address, or words
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
    /// How to tell: sentences as they happen, or one JSON document on standard output (the
    /// sentences then go to standard error)
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

fn kinds() -> impl TypedValueParser<Value = KindName> {
    let names = KindName::ALL.iter().map(|kind| kind.as_str());
    PossibleValuesParser::new(names).try_map(|name| KindName::parse(&name).ok_or("unknown kind"))
}

/// Runs the command.
pub(super) async fn run(args: &EnsureArgs) -> ExitCode {
    let story = match args.output {
        Output::Text => Story::to_stdout(),
        Output::Json => Story::to_stderr(),
    };
    let ready = match prepare(args, &story) {
        Ok(ready) => ready,
        Err(why) => {
            for line in why {
                eprintln!("error: {line}");
            }
            return ExitCode::from(2);
        }
    };
    match go(args, ready, &story).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Everything that a run needs.
struct Ready {
    prepared: Prepared,
    journal: Arc<dyn Journal>,
    /// Where the steps are written down, if anywhere.
    audit: Option<String>,
}

fn prepare(args: &EnsureArgs, story: &Story) -> Result<Ready, Vec<String>> {
    let Reading {
        spec,
        tenant,
        diagnostics,
    } = read_spec(args).map_err(|error| vec![format!("{error:#}")])?;
    let file = args.spec.display().to_string();
    let Some(spec) = spec else {
        return Err(diagnostics.iter().map(|one| one.sentence(&file)).collect());
    };
    let one = |error: anyhow::Error| vec![format!("{error:#}")];
    let targets = house::targets(&spec, &args.base_url);
    // The credential `none` must not go to any of them that is not on this machine.
    let target = targets.iter().find(|url| !is_here(url)).or(targets.first());
    let settings = EnsureSettings::from_environment(target).map_err(|problems| {
        let problems = problems.0.iter();
        problems.map(ToString::to_string).collect::<Vec<_>>()
    })?;
    let prepared = house::prepare(spec, tenant, &args.base_url, &settings).map_err(one)?;
    let mut ready = Ready {
        prepared,
        journal: Arc::new(NoJournal),
        audit: None,
    };
    if args.dry_run {
        story.say("This is a rehearsal: nothing is written, not even into the audit.");
        return Ok(ready);
    }
    match house::journal(&settings, args.because.clone()).map_err(one)? {
        None => story
            .say("No step is audited: neither EVERGRAPH_AUDIT nor EVERGRAPH_STATE says where to."),
        Some((journal, place)) => {
            story.say(&format!("Every step is audited at {place}."));
            ready.journal = journal;
            ready.audit = Some(place);
        }
    }
    Ok(ready)
}

fn read_spec(args: &EnsureArgs) -> anyhow::Result<Reading> {
    use std::io::Read as _;
    let place = args.spec.display();
    let file = std::fs::File::open(&args.spec)
        .with_context(|| format!("the specification {place} could not be read"))?;
    let mut text = String::new();
    let size = file
        .take(SPEC_MAX + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("the specification {place} could not be read as UTF-8 text"))?;
    anyhow::ensure!(
        size as u64 <= SPEC_MAX,
        "the specification {place} has more than {SPEC_MAX} bytes"
    );
    let folder = args.spec.parent().unwrap_or(Path::new("."));
    Ok(house::read(
        args.kind,
        text.trim_start_matches('\u{feff}'),
        folder,
    ))
}

fn is_here(url: &Url) -> bool {
    crate::domain::ownership::is_loopback(url)
}

async fn go(args: &EnsureArgs, ready: Ready, story: &Story) -> anyhow::Result<ExitCode> {
    let Ready {
        prepared,
        journal,
        audit,
    } = ready;
    let telling = Arc::new(Telling::new(journal, *story));
    let mut terms = prepared.terms;
    terms.rehearse = args.dry_run;
    let engine = house::engine(telling)?;
    let account = engine.run(prepared.kind.as_ref(), terms).await;
    let findings = prepared.findings().await;
    story.end(&account, &findings);
    if args.output == Output::Json {
        let document = story::json(&account, &findings, audit.as_deref());
        super::explain::write_out(&format!("{document:#}"));
    }
    Ok(exit_code(&account))
}

fn exit_code(account: &Account) -> ExitCode {
    match &account.ended {
        Ended::Over(Ending::GaveUp(_)) => ExitCode::FAILURE,
        Ended::Over(Ending::Done { .. }) | Ended::Would(_) => ExitCode::SUCCESS,
    }
}
