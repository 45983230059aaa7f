//! `evergraph host`: the local Functions host over an app folder.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use comfy_table::{Table, presets};
use tokio::sync::broadcast::error::RecvError;

use crate::compose;
use crate::config::ClockChoice;
use crate::devhost::{
    AfterExit, AuthLevel, Cause, FunctionKind, FunctionSummary, HostEvent, HostOptions, Invocation,
    Keys, Level, Outcome, RunningHost,
};
use crate::ports::clock::Clock;

/// Port of Azure Functions Core Tools, so that scripts find this host where they found that.
const PORT: u16 = 7071;

/// Options of `evergraph host`.
#[derive(Debug, Args)]
pub struct HostArgs {
    /// Port on 127.0.0.1 for clients; 0 takes any free one.
    #[arg(long, default_value_t = PORT)]
    port: u16,
    /// App folder in deployed layout: host.json, and a folder with function.json for each function.
    #[arg(long, default_value = ".")]
    app: PathBuf,
    /// Folder with the function folders, if it is not the app folder itself (a host in Azure
    /// looks nowhere else).
    #[arg(long)]
    functions_dir: Option<PathBuf>,
    /// Start the host again after its third counted crash, as the platform would.
    #[arg(long)]
    supervise: bool,
    /// HTTP functions and each timer in handlers of their own, as on Flex Consumption.
    #[arg(long)]
    two_process: bool,
    /// App setting NAME=VALUE; may be repeated. The environment stands behind it.
    #[arg(long = "setting", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// Use this program's own `handler` command instead of host.json's executable.
    #[arg(long)]
    own_handler: bool,
    /// Check keys as in Azure; without it every caller may do everything.
    #[arg(long)]
    enforce_keys: bool,
    /// The master key, with --enforce-keys.
    #[arg(long, env = "EVERGRAPH_HOST_MASTER_KEY", hide_env_values = true)]
    master_key: Option<String>,
    /// A host key, with --enforce-keys; may be repeated.
    #[arg(long = "host-key")]
    host_keys: Vec<String>,
    /// Folder in which timers keep their status between runs of the host.
    #[arg(long, default_value = ".evergraph/host")]
    status_dir: PathBuf,
    /// Leave timers to `POST /admin/functions/NAME`.
    #[arg(long)]
    no_schedules: bool,
    /// The clock of the timers: `system`, or the root URL of a simulator.
    #[arg(long, env = "EVERGRAPH_CLOCK", default_value = "system")]
    clock: String,
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// Runs the host until Ctrl-C, SIGTERM, or its own end.
pub async fn run(args: HostArgs) -> ExitCode {
    match serve(args).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: HostArgs) -> anyhow::Result<ExitCode> {
    let enforces = args.enforce_keys;
    let host = RunningHost::start(options(args)?).await?;
    let mut events = host.events();
    println!("The local Functions host listens on {}", host.url());
    println!("{}", table(&host.functions(), enforces));
    let told = tokio::spawn(async move {
        loop {
            match events.recv().await {
                Ok(event) => tell(&event),
                Err(RecvError::Lagged(lost)) => eprintln!("({lost} events were not shown)"),
                Err(RecvError::Closed) => return,
            }
        }
    });
    let code = tokio::select! {
        why = host.stopped() => {
            eprintln!("error: the host stopped: {why}");
            ExitCode::FAILURE
        }
        signal = told_to_stop() => {
            signal.context("could not wait for a signal")?;
            println!("stopping, after the requests in flight");
            ExitCode::SUCCESS
        }
    };
    host.stop_gracefully().await;
    told.abort();
    Ok(code)
}

async fn told_to_stop() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let kind = tokio::signal::unix::SignalKind::terminate();
        let mut terminate = tokio::signal::unix::signal(kind)?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

fn clock(text: &str) -> anyhow::Result<Arc<dyn Clock>> {
    let choice = match text {
        "system" => ClockChoice::System,
        url => ClockChoice::Simulated(url.parse().context("--clock takes `system` or a URL")?),
    };
    compose::clock(&choice)
}

fn options(args: HostArgs) -> anyhow::Result<HostOptions> {
    let clock = clock(&args.clock)?;
    let mut env = args.settings;
    if args.own_handler {
        let program = std::env::current_exe().context("could not find this program's own file")?;
        let key = |name: &str| format!("AzureFunctionsJobHost__customHandler__description__{name}");
        env.push((key("defaultExecutablePath"), program.display().to_string()));
        env.push((
            key("arguments"),
            r#"["handler", "--until-stdin-ends"]"#.to_owned(),
        ));
    }
    Ok(HostOptions {
        functions_dir: args.functions_dir,
        port: args.port,
        env,
        supervise: args.supervise,
        two_process: args.two_process,
        enforce_keys: args.enforce_keys,
        keys: Keys {
            master: args.master_key.map(Into::into),
            host: args.host_keys.into_iter().map(Into::into).collect(),
            functions: Default::default(),
        },
        status_dir: Some(args.status_dir),
        run_schedules: !args.no_schedules,
        ..HostOptions::new(args.app, clock)
    })
}

fn table(functions: &[FunctionSummary], enforces: bool) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["function", "called by", "who may", "handler"]);
    for function in functions {
        let (by, who) = match &function.kind {
            FunctionKind::Http {
                methods,
                route,
                level,
            } => {
                let methods = if methods.is_empty() {
                    "any method".to_owned()
                } else {
                    methods.join(" ")
                };
                (format!("{methods} {route}"), who(*level, enforces))
            }
            FunctionKind::Timer { schedule } => (format!("timer {schedule}"), "the clock"),
        };
        let by = if function.disabled {
            format!("(disabled) {by}")
        } else {
            by
        };
        table.add_row([&function.name, &by, who, &function.group.to_string()]);
    }
    table
}

fn who(level: AuthLevel, enforces: bool) -> &'static str {
    match level {
        AuthLevel::Anonymous => "everybody",
        _ if !enforces => "everybody (keys are not enforced)",
        AuthLevel::Function => "function, host or master key",
        AuthLevel::Admin => "master key",
    }
}

/// One line for each event.
fn tell(event: &HostEvent) {
    match event {
        HostEvent::HandlerStarted { group, pid, port } => {
            println!("[{group}] handler started: pid {pid}, port {port}");
        }
        HostEvent::HandlerReady { group, pid, waited } => {
            println!(
                "[{group}] handler {pid} ready after {} ms",
                waited.as_millis()
            );
        }
        HostEvent::HandlerNotStarted { group, why } => eprintln!("[{group}] error: {why}"),
        HostEvent::HandlerNotReady { group, pid } => {
            eprintln!("[{group}] error: handler {pid} did not answer GET / in time");
        }
        HostEvent::HandlerExited {
            group,
            pid,
            exit,
            then,
            last_errors,
        } => {
            let quoted = last_errors.join(", ");
            let quoted = if quoted.is_empty() {
                quoted
            } else {
                format!(": {quoted}")
            };
            eprintln!("[{group}] handler {pid} {exit}; {}{quoted}", after(*then));
        }
        HostEvent::HandlerHung {
            group,
            function,
            why,
            ..
        } => {
            eprintln!("[{group}] error: {function} hangs: {why}");
        }
        HostEvent::Invocation(invocation) => tell_invocation(invocation),
        HostEvent::Console { group, line } => match line.level {
            Level::Information => println!("[{group}] | {}", line.text),
            Level::Warning => println!("[{group}] | warning: {}", line.text),
            Level::Error => eprintln!("[{group}] | error: {}", line.text),
        },
        HostEvent::NotIndexed { why } => eprintln!("error: {why}"),
        HostEvent::HostStopped { group, why } => eprintln!("[{group}] host stopped: {why}"),
        HostEvent::HostRestarted { group } => println!("[{group}] host starts again"),
    }
}

fn after(then: AfterExit) -> String {
    match then {
        AfterExit::StaysDown => {
            "a handler that exits with 0 is not started again, and every call fails".to_owned()
        }
        AfterExit::Restarts => "started again, not counted".to_owned(),
        AfterExit::RestartsAfterCrash { count } => format!("started again, crash {count} of 3"),
        AfterExit::StopsHost => "crash 3 of 3, the host stops".to_owned(),
    }
}

fn tell_invocation(invocation: &Invocation) {
    let Invocation {
        function,
        cause,
        outcome,
        logs,
        duration,
        ..
    } = invocation;
    let ms = duration.as_millis();
    let cause = match cause {
        Cause::Http { method, path } => format!("{method} {path}"),
        Cause::Timer { past_due: true } => "timer, past due".to_owned(),
        Cause::Timer { past_due: false } => "timer".to_owned(),
        Cause::ByHand => "by hand".to_owned(),
    };
    for line in logs {
        println!("{function} | {line}");
    }
    match outcome {
        Outcome::Succeeded {
            status: Some(status),
        } => {
            println!("{function} ({cause}): {status} in {ms} ms");
        }
        Outcome::Succeeded { status: None } => println!("{function} ({cause}): done in {ms} ms"),
        Outcome::Failed { why } => eprintln!("{function} ({cause}): failed in {ms} ms: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_name_and_a_value() {
        assert_eq!(setting("A=b=c"), Ok(("A".to_owned(), "b=c".to_owned())));
        assert!(setting("A").is_err());
        assert!(setting("=b").is_err());
    }

    #[test]
    fn the_table_says_who_may_call_what() {
        let function = |name: &str, kind| FunctionSummary {
            name: name.to_owned(),
            group: crate::devhost::Group::Whole,
            disabled: false,
            kind,
        };
        let http = FunctionKind::Http {
            methods: vec!["POST".to_owned()],
            route: "/api/hook".to_owned(),
            level: AuthLevel::Function,
        };
        let timer = FunctionKind::Timer {
            schedule: "0 */5 * * * *".to_owned(),
        };
        let text = table(&[function("hook", http), function("renew", timer)], true).to_string();
        assert!(text.contains("POST /api/hook"), "{text}");
        assert!(text.contains("function, host or master key"), "{text}");
        assert!(text.contains("timer 0 */5 * * * *"), "{text}");
    }
}
