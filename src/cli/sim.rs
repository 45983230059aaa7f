//! `evergraph sim`: simulated services for a laptop.

mod services;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;

use crate::sim::server::{RunningSim, SimOptions, SimServer};
use crate::sim::settings::Settings;

/// Arguments of `evergraph sim`.
#[derive(Debug, Args)]
pub struct SimArgs {
    #[command(subcommand)]
    what: Simulated,
}

#[derive(Debug, Subcommand)]
enum Simulated {
    /// A Microsoft Graph with subscriptions, on 127.0.0.1
    ///
    /// Any client or SDK whose base address can be changed can use it. Any bearer token is
    /// accepted; the application id in a JWT decides whose subscriptions are listed, and a token
    /// that is no JWT counts as one default application. Endpoints are really validated.
    Graph(Box<GraphArgs>),
    /// Bookings, Cosmos DB in two regions, App Service and Blob Storage, on 127.0.0.1
    ///
    /// What `evergraph ensure` can be tried against. Any bearer token is accepted. Beside the API
    /// each has the portal's door below /_portal (Cosmos DB has none). Each listens on a port of
    /// its own, from --port on.
    Services(services::ServicesArgs),
}

/// Form of what is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Output {
    /// For people.
    Text,
    /// One line of JSON.
    Json,
}

#[derive(Debug, Args)]
struct GraphArgs {
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 7080)]
    port: u16,
    /// Form of the start information
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    /// Seed of ids and of faults by chance
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the virtual clock begins; now, if left out
    #[arg(long, value_name = "MOMENT")]
    start: Option<Timestamp>,
    /// The virtual clock stands still until it is moved
    #[arg(long)]
    frozen: bool,
    /// A JSON file of switches, as GET /_sim/settings shows them; any part of it will do
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Any switch by its path, such as listing.page_size=2; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    switches: Switches,
}

/// The switches that are flipped most. Each is short for a `--set`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Switches (each is short for a --set)")]
struct Switches {
    /// Only well-formed JWTs for Graph's audience
    #[arg(long)]
    strict_tokens: bool,
    /// Calls without a token are the default application's
    #[arg(long)]
    anonymous: bool,
    /// Only https addresses, as the real service demands
    #[arg(long)]
    https_only: bool,
    /// Do not validate endpoints
    #[arg(long)]
    no_validation: bool,
    /// Do not validate endpoints on PATCH
    #[arg(long)]
    no_validation_on_patch: bool,
    /// Validate each address once only
    #[arg(long)]
    validation_cache: bool,
    /// Time for an endpoint to answer its handshake
    #[arg(long, value_name = "MS")]
    validation_timeout_ms: Option<u64>,
    /// Raise shorter lifetimes to this many minutes; 0 never raises
    #[arg(long, value_name = "MIN")]
    clamp_min: Option<u32>,
    /// Raise short lifetimes of drives too
    #[arg(long)]
    clamp_drives: bool,
    /// Longest basic Outlook subscription: 10070 was seen, 10080 is documented
    #[arg(long, value_name = "MIN")]
    outlook_ceiling_min: Option<u32>,
    /// Silently cut every lifetime to this
    #[arg(long, value_name = "MIN")]
    shorten_to_min: Option<u32>,
    /// Accept every duplicate in silence
    #[arg(long)]
    silent_duplicates: bool,
    /// Refuse duplicates of SharePoint lists too
    #[arg(long)]
    list_duplicates_conflict: bool,
    /// A 409 does not name the holder
    #[arg(long)]
    nameless_conflicts: bool,
    /// Accept paths that no page names
    #[arg(long)]
    accept_unknown_resources: bool,
    /// Refuse kinds that need a signed-in user to tokens without one
    #[arg(long)]
    refuse_app_only: bool,
    /// 401 for the first create of each application and tenant
    #[arg(long)]
    unauthorized_first: bool,
    /// Rows on a page of a list
    #[arg(long, value_name = "ROWS")]
    page_size: Option<u32>,
    /// A new row appears in lists only after this long
    #[arg(long, value_name = "MS")]
    list_lag_ms: Option<u64>,
    /// A deleted row stays in lists this long
    #[arg(long, value_name = "MS")]
    ghost_ms: Option<u64>,
    /// GET by id does not show clientState
    #[arg(long)]
    hide_client_state: bool,
    /// Answer every renewal with 308 first
    #[arg(long)]
    redirect_renewals: bool,
    /// A PATCH cannot change the certificate
    #[arg(long)]
    keep_certificate: bool,
    /// Enforce Graph's rate limits
    #[arg(long)]
    throttle: bool,
    /// 429 without Retry-After
    #[arg(long)]
    no_retry_after: bool,
    /// Most milliseconds that a call takes
    #[arg(long, value_name = "MS")]
    latency_ms: Option<u64>,
    /// Calls in a thousand whose reply is lost after their effect
    #[arg(long, value_name = "PER_MILLE")]
    lose_replies: Option<u16>,
    /// Calls in a thousand that get 429
    #[arg(long, value_name = "PER_MILLE")]
    throttle_some: Option<u16>,
    /// Send every notification twice
    #[arg(long)]
    duplicate_notifications: bool,
}

impl Switches {
    /// Paths and values of what was named.
    fn named(&self) -> Vec<(&'static str, String)> {
        let flags = [
            (self.strict_tokens, "tokens.strict", true),
            (self.anonymous, "tokens.anonymous", true),
            (self.https_only, "https_only", true),
            (self.no_validation, "validation.enabled", false),
            (self.no_validation_on_patch, "validation.on_patch", false),
            (self.validation_cache, "validation.cache", true),
            (self.clamp_drives, "expiry.clamp_drives", true),
            (self.silent_duplicates, "duplicates.silent", true),
            (
                self.list_duplicates_conflict,
                "duplicates.lists_silent",
                false,
            ),
            (self.nameless_conflicts, "duplicates.name_holder", false),
            (
                self.accept_unknown_resources,
                "permissions.accept_unknown_resources",
                true,
            ),
            (self.refuse_app_only, "permissions.refuse_app_only", true),
            (
                self.unauthorized_first,
                "permissions.unauthorized_first",
                true,
            ),
            (self.hide_client_state, "answers.client_state_on_get", false),
            (self.redirect_renewals, "renewals.redirect", true),
            (self.keep_certificate, "renewals.change_certificate", false),
            (self.throttle, "throttling.enforce", true),
            (self.no_retry_after, "throttling.retry_after", false),
            (self.duplicate_notifications, "delivery.duplicate", true),
        ];
        let numbers = [
            (self.validation_timeout_ms, "validation.timeout_ms"),
            (self.clamp_min.map(u64::from), "expiry.clamp_min"),
            (
                self.outlook_ceiling_min.map(u64::from),
                "expiry.outlook_ceiling_min",
            ),
            (
                self.shorten_to_min.map(u64::from),
                "expiry.shorten_to_min.*",
            ),
            (self.page_size.map(u64::from), "listing.page_size"),
            (self.list_lag_ms, "listing.lag_ms"),
            (self.ghost_ms, "listing.ghost_ms"),
            (self.latency_ms, "latency.max_ms"),
            (self.lose_replies.map(u64::from), "chances.lose_after"),
            (self.throttle_some.map(u64::from), "chances.throttle"),
        ];
        let flags = flags
            .into_iter()
            .filter(|(named, ..)| *named)
            .map(|(_, path, value)| (path, value.to_string()));
        let numbers = numbers
            .into_iter()
            .filter_map(|(value, path)| Some((path, value?.to_string())));
        flags.chain(numbers).collect()
    }
}

/// Runs the command.
pub async fn run(args: SimArgs) -> ExitCode {
    log_to_stderr();
    let args = match args.what {
        Simulated::Graph(args) => args,
        Simulated::Services(args) => return services::run(&args, wall_clock()).await,
    };
    let outcome = async {
        let running = SimServer::start(options(&args)?).await?;
        print_start(&running, args.output);
        until_told().await?;
        running.stop().await;
        anyhow::Ok(())
    };
    match outcome.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("evergraph sim graph: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One line for each call and notification. Elsewhere set up already: left as it is.
fn log_to_stderr() {
    let lines = tracing_subscriber::fmt()
        .with_env_filter("evergraph::sim=info")
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    drop(lines.try_init());
}

/// Waits for Ctrl-C.
pub(super) async fn until_told() -> anyhow::Result<()> {
    tokio::signal::ctrl_c()
        .await
        .context("could not watch for Ctrl-C")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the virtual clock begins at the wall clock's time; read once, here"
)]
fn wall_clock() -> Timestamp {
    Timestamp::now()
}

fn options(args: &GraphArgs) -> anyhow::Result<SimOptions> {
    let mut settings = Settings::default();
    if let Some(file) = &args.settings {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("could not read {}", file.display()))?;
        let patch = serde_json::from_str(&text)
            .with_context(|| format!("{} is not JSON", file.display()))?;
        settings = settings
            .patched(patch)
            .with_context(|| format!("could not use {}", file.display()))?;
    }
    for (path, value) in args.switches.named() {
        settings = settings.with(path, &value)?;
    }
    for pair in &args.set {
        let (path, value) = pair
            .split_once('=')
            .with_context(|| format!("--set {pair} must have the form PATH=VALUE"))?;
        settings = settings
            .with(path, value)
            .with_context(|| format!("could not set {path}"))?;
    }
    Ok(SimOptions {
        port: args.port,
        start: args.start.unwrap_or_else(wall_clock),
        frozen: args.frozen,
        seed: args.seed,
        settings,
    })
}

fn print_start(running: &RunningSim, output: Output) {
    let (root, graph) = (running.url(), running.graph_url());
    match output {
        Output::Json => {
            let words = serde_json::json!({
                "url": root,
                "graph_url": graph,
                "control_url": format!("{root}/_sim/"),
                "now": running.control().now().to_string(),
            });
            println!("{words}");
        }
        Output::Text => println!(
            "Simulated Microsoft Graph at {graph}\n\
             Control API at {root}/_sim/  (Ctrl-C stops)\n\n\
             Try:\n  \
             curl -H 'Authorization: Bearer me' {graph}/subscriptions\n  \
             curl {root}/_sim/subscriptions\n  \
             curl {root}/_sim/clock -d '{{\"advance\":\"3h\"}}'\n  \
             curl {root}/_sim/faults -d '{{\"operation\":\"create\",\"effect\":\"lose_after\"}}'\n  \
             curl {root}/_sim/calls"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: SimArgs,
    }

    fn parsed(words: &[&str]) -> anyhow::Result<SimOptions> {
        let words = ["evergraph", "graph"].iter().chain(words);
        match Line::try_parse_from(words)?.args.what {
            Simulated::Graph(args) => options(&args),
            Simulated::Services(_) => anyhow::bail!("these are no arguments of sim graph"),
        }
    }

    #[test]
    fn every_short_switch_names_a_setting_that_exists() {
        let help = <Line as clap::CommandFactory>::command();
        let graph = help.find_subcommand("graph").unwrap();
        let heading = Some("Switches (each is short for a --set)");
        let mut count = 0;
        for arg in graph
            .get_arguments()
            .filter(|arg| arg.get_help_heading() == heading)
        {
            let flag = format!("--{}", arg.get_long().unwrap());
            let words: Vec<&str> = if arg.get_action().takes_values() {
                vec![&flag, "7"]
            } else {
                vec![&flag]
            };
            let options = parsed(&words).unwrap();
            assert_ne!(
                options.settings,
                Settings::default(),
                "{flag} changes nothing"
            );
            count += 1;
        }
        assert!(count > 25, "{count}");
    }

    #[test]
    fn a_wrong_switch_is_told_with_its_name() {
        let error = parsed(&["--set", "listing.pagesize=2"]).unwrap_err();
        assert!(format!("{error:#}").contains("pagesize"), "{error:#}");
        assert!(parsed(&["--set", "listing"]).is_err());
        let options = parsed(&["--set", "listing.page_size=2", "--frozen", "--port", "0"]).unwrap();
        assert_eq!(options.settings.listing.page_size, 2);
        assert!(options.frozen);
    }
}
