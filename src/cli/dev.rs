//! `evergraph dev`: the same parts as the demo, kept running against your own declaration.

mod copy;
mod graph_file;
mod log;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use jiff::SignedDuration;

use self::copy::Copied;
use super::check;
use super::demo::{app_folder, page::Page, stage::free_port};
use crate::app::state_doc::StateDoc;
use crate::compose;
use crate::config::ClockChoice;
use crate::devhost::{HostOptions, RunningHost};
use crate::domain::duration;
use crate::sim::server::{RunningSim, SimOptions, SimServer};

/// The fleet of a laptop.
const FLEET: &str = "dev";

/// Signs clientState. Known to everybody and good for nothing but a simulation.
const KEY: &str = "dev:ZXZlcmdyYXBoLWRldi1rZXktLW5vdC1hLXNlY3JldCE=";

/// The declaration is checked against the limits of everybody's Graph.
const LIMITS_OF: &str = "https://graph.microsoft.com/v1.0";

/// Options of `evergraph dev`.
#[derive(Debug, Args)]
pub struct DevArgs {
    /// Your declaration; what changes in it counts from the next run of the timer
    #[arg(long, default_value = "subscriptions.toml", value_name = "FILE")]
    subscriptions: PathBuf,
    /// Port of the local Functions host; 0 takes a free one
    #[arg(long, default_value_t = 7071)]
    port: u16,
    /// Port of the simulated Graph; 0 takes a free one
    #[arg(long, default_value_t = 7080)]
    sim_port: u16,
    /// Folder of the state, which survives restarts
    #[arg(long, default_value = ".evergraph", value_name = "DIR")]
    state: PathBuf,
    /// Time between two runs of the timer, 1s to 1h
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = every)]
    every: SignedDuration,
}

fn every(text: &str) -> Result<SignedDuration, String> {
    let length = duration::parse(text).map_err(|why| why.to_string())?;
    let (least, most) = (SignedDuration::from_secs(1), SignedDuration::from_hours(1));
    match (least..=most).contains(&length) && length.subsec_nanos() == 0 {
        true => Ok(length),
        false => Err("write whole seconds from 1s to 1h, such as 15s".to_owned()),
    }
}

/// Runs until Ctrl-C. Ends with 1 where the declaration cannot be used, or something does not start.
pub async fn run(args: DevArgs) -> ExitCode {
    if !args.subscriptions.exists() {
        eprintln!("{}", no_declaration(&args.subscriptions));
        return ExitCode::FAILURE;
    }
    match checked_and_served(&args).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("evergraph dev: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn no_declaration(path: &Path) -> String {
    format!(
        "evergraph dev: there is no {}. It declares what to keep subscribed; begin with the example \
         of the repository:\n\n  cp subscriptions.example.toml {}\n\nor name your file with \
         --subscriptions FILE. `evergraph schema` helps your editor, `evergraph check` finds \
         mistakes.",
        path.display(),
        path.display()
    )
}

async fn checked_and_served(args: &DevArgs) -> anyhow::Result<ExitCode> {
    let graph = LIMITS_OF.parse().context("the address of Graph")?;
    let checked = check::run(&check::Args::of_file(args.subscriptions.clone(), graph)).await;
    match checked == ExitCode::SUCCESS {
        true => serve(args).await,
        false => Ok(checked),
    }
}

async fn serve(args: &DevArgs) -> anyhow::Result<ExitCode> {
    let mut stop = std::pin::pin!(told_to_stop());
    let parts = tokio::select! {
        parts = Parts::start(args) => parts?,
        told = &mut stop => return told.map(|()| ExitCode::SUCCESS),
    };
    let page = Page::of_text();
    page.text(&parts.opening(args));
    let code = tokio::select! {
        told = &mut stop => {
            told?;
            page.text("\nstopping");
            ExitCode::SUCCESS
        }
        why = parts.host.stopped() => {
            eprintln!("evergraph dev: the host stopped: {why}");
            ExitCode::FAILURE
        }
        never = parts.work() => never,
    };
    parts.stop().await?;
    Ok(code)
}

/// Everything that runs.
struct Parts {
    sim: RunningSim,
    host: RunningHost,
    copied: Copied,
    graph_file: PathBuf,
}

impl Parts {
    async fn start(args: &DevArgs) -> anyhow::Result<Self> {
        let folder = std::path::absolute(&args.state)
            .with_context(|| format!("{} is no folder", args.state.display()))?;
        let (app, state) = (folder.join("app"), folder.join("state"));
        app_folder::write(&app)?;
        let mut copied = Copied::new(&args.subscriptions, &app.join("subscriptions.toml"));
        copied.refresh()?;
        let clock = compose::clock(&ClockChoice::System)?;
        let sim = SimServer::start(SimOptions {
            port: args.sim_port,
            ..SimOptions::new(clock.now().await?)
        })
        .await?;
        let graph_file = folder.join("graph.json");
        graph_file::restore(sim.control(), &graph_file)?;
        let port = match args.port {
            0 => free_port().await?,
            port => port,
        };
        let mut env = settings(args, &sim, port, &state);
        env.extend(former(&state, port).await?);
        env.extend(app_folder::own_handler()?);
        let host = RunningHost::start(HostOptions {
            port,
            env,
            inherit_env: false,
            two_process: true,
            supervise: true,
            ..HostOptions::new(app, clock)
        })
        .await?;
        host.ready().await?;
        Ok(Self {
            sim,
            host,
            copied,
            graph_file,
        })
    }

    fn opening(&self, args: &DevArgs) -> String {
        let (graph, sim, host) = (self.sim.graph_url(), self.sim.url(), self.host.url());
        let tenants = self.copied.notice();
        format!(
            "\nSimulated Graph  {graph}  (any bearer token)\n\
             Control API      {sim}/_sim/\n\
             Functions host   {host}  (renew runs every {every}; times are UTC)\n\
             State            {state}  (kept until you delete it)\n\
             {tenants}\n\
             Make something happen:\n\n  \
             # what Graph has, and then: a removal behind our back, found within a minute\n  \
             curl {sim}/_sim/subscriptions\n  \
             curl -X DELETE {sim}/_sim/subscriptions/ID\n\n  \
             # a change that Graph notifies of; the next create loses its reply\n  \
             curl {sim}/_sim/changes -d '{{\"subscription\":\"ID\",\"change_type\":\"updated\"}}'\n  \
             curl {sim}/_sim/faults -d '{{\"operation\":\"create\",\"effect\":\"lose_after\"}}'\n\n  \
             # a run at once; is all well?\n  \
             curl {host}/admin/functions/renew -H 'content-type: application/json' -d '{{}}'\n  \
             curl -i {host}/api/health\n\n\
             Edit {file} and watch. Ctrl-C stops.\n",
            every = duration::write(args.every),
            state = args.state.display(),
            file = args.subscriptions.display(),
        )
    }

    /// Runs the first pass at once, and tells what happens, for ever.
    async fn work(&self) -> ExitCode {
        let first = async {
            if let Err(error) = self.host.invoke_timer("renew").await {
                eprintln!("evergraph dev: the first run failed: {error}");
            }
            std::future::pending::<ExitCode>().await
        };
        let mut copied = self.copied.clone();
        tokio::select! {
            never = first => never,
            never = log::follow(&self.host, self.sim.control(), &self.graph_file) => never,
            never = copied.follow() => never,
        }
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.host.stop().await;
        let saved = graph_file::save(self.sim.control(), &self.graph_file);
        self.sim.stop().await;
        saved
    }
}

fn settings(args: &DevArgs, sim: &RunningSim, port: u16, state: &Path) -> Vec<(String, String)> {
    let every = args.every.as_secs();
    let schedule = format!(
        "{:02}:{:02}:{:02}",
        every / 3600,
        every / 60 % 60,
        every % 60
    );
    [
        ("EVERGRAPH_FLEET", FLEET.to_owned()),
        ("EVERGRAPH_CLIENT_STATE_KEYS", KEY.to_owned()),
        ("EVERGRAPH_PUBLIC_URL", format!("http://127.0.0.1:{port}")),
        ("EVERGRAPH_STATE", format!("file:{}", state.display())),
        (
            "EVERGRAPH_SINK",
            format!("file:{}", state.with_file_name("events").display()),
        ),
        ("EVERGRAPH_GRAPH_URL", sim.graph_url()),
        ("EVERGRAPH_AUTHORITY", sim.url()),
        ("EVERGRAPH_CREDENTIAL", "none".to_owned()),
        ("EVERGRAPH_LEASE_S", "5".to_owned()),
        ("EVERGRAPH_TICK", duration::write(args.every)),
        ("EVERGRAPH_SCHEDULE", schedule),
        // Often, so that what is removed behind our back is soon seen to be missing.
        ("EVERGRAPH_AUDIT_EVERY", "1m".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// The address of an earlier start on another port: what stands there is moved, not doubled.
async fn former(state: &Path, port: u16) -> anyhow::Result<Option<(String, String)>> {
    let store = compose::local_store(state)?;
    let stored = store.read(&compose::memory_name()?).await?;
    let Some(doc) = stored.and_then(|stored| StateDoc::decode(&stored.bytes).ok()) else {
        return Ok(None);
    };
    let origin = format!("http://127.0.0.1:{port}");
    let earlier = doc.state.residence.filter(|home| home.origin != origin);
    Ok(earlier.map(|home| {
        let url = format!("{}/api/notifications/{}", home.origin, home.fleet);
        ("EVERGRAPH_FORMER_URLS".to_owned(), url)
    }))
}

/// Waits for Ctrl-C, or for a signal that ends a program.
///
/// # Errors
/// Where signals cannot be watched.
pub(super) async fn told_to_stop() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let watch = |kind| signal(kind).context("could not watch for signals");
        let mut terminate = watch(SignalKind::terminate())?;
        let mut hangup = watch(SignalKind::hangup())?;
        let mut interrupt = watch(SignalKind::interrupt())?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        Ok(())
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c()
        .await
        .context("could not watch for Ctrl-C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timer_runs_every_second_to_every_hour() {
        assert_eq!(every("15s"), Ok(SignedDuration::from_secs(15)));
        assert_eq!(every("1h"), Ok(SignedDuration::from_hours(1)));
        for bad in ["0s", "2h", "soon"] {
            assert!(every(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_missing_declaration_is_told_with_the_way_to_one() {
        let words = no_declaration(Path::new("subscriptions.toml"));
        assert!(
            words.contains("cp subscriptions.example.toml subscriptions.toml"),
            "{words}"
        );
        assert!(words.contains("--subscriptions FILE"), "{words}");
    }
}
