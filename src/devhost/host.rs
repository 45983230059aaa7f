//! A running host: what it is started with, and what can be done with it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::core::{Core, group_of};
use super::error::HostError;
use super::events::{Group, HostEvent, Invocation};
use super::front;
use super::function::{AuthLevel, Functions, Trigger};
use super::host_json::HostJson;
use super::keys::Keys;
use super::process::{ChildProcesses, Launcher};
use super::schedule_status::Monitor;
use super::settings::AppSettings;
use super::worker::{Order, Worker, WorkerPlan};
use crate::ports::clock::Clock;

/// Events that a slow listener may leave unread before it loses the oldest.
const EVENTS_KEPT: usize = 8 * 1024;
/// WebJobs waits this long after a function's time-out before the handler is killed.
const TIMEOUT_GRACE: Duration = Duration::from_secs(2);

/// How a local host is started.
#[derive(Clone)]
pub struct HostOptions {
    /// Folder with host.json: the script root.
    pub app_dir: PathBuf,
    /// Folder whose children hold function.json; None: the app folder itself, the only place
    /// where a host in Azure looks.
    pub functions_dir: Option<PathBuf>,
    /// Port on 127.0.0.1 for clients; 0: any.
    pub port: u16,
    /// App settings: the handler's environment, `%NAME%` references and overrides of host.json.
    pub env: Vec<(String, String)>,
    /// True if the environment of this process stands behind `env`, as on the platform.
    pub inherit_env: bool,
    /// HTTP functions and each timer in handlers of their own, the shape on Flex Consumption.
    pub two_process: bool,
    /// Starts a host again that stopped after its third counted crash, as the platform does.
    pub supervise: bool,
    /// Time between such a stop and the new start.
    pub restart_after: Duration,
    /// False: every caller may do everything, as with Core Tools.
    pub enforce_keys: bool,
    /// The keys that are accepted if they are enforced.
    pub keys: Keys,
    /// The time of day of timers.
    pub clock: Arc<dyn Clock>,
    /// How often that clock is looked at.
    pub timer_poll: Duration,
    /// False: timers run only by hand.
    pub run_schedules: bool,
    /// Where timers keep their status; None: in memory.
    pub status_dir: Option<PathBuf>,
    /// Time between functionTimeout and the kill.
    pub timeout_grace: Duration,
    /// What starts handlers.
    pub launcher: Arc<dyn Launcher>,
}

impl HostOptions {
    /// A host over `app_dir` on any port, one handler for all functions, keys not enforced,
    /// real child processes, status of timers in memory.
    pub fn new(app_dir: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self {
            app_dir: app_dir.into(),
            functions_dir: None,
            port: 0,
            env: Vec::new(),
            inherit_env: true,
            two_process: false,
            supervise: false,
            restart_after: Duration::from_millis(250),
            enforce_keys: false,
            keys: Keys::default(),
            clock,
            timer_poll: Duration::from_millis(250),
            run_schedules: true,
            status_dir: None,
            timeout_grace: TIMEOUT_GRACE,
            launcher: Arc::new(ChildProcesses),
        }
    }
}

/// What a function is, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionSummary {
    /// Its name.
    pub name: String,
    /// The handler that serves it.
    pub group: Group,
    /// True if it is switched off.
    pub disabled: bool,
    /// How it is called.
    pub kind: FunctionKind,
}

/// How a function is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FunctionKind {
    /// By clients.
    Http {
        /// Upper case; empty: all.
        methods: Vec<String>,
        /// Template with the prefix, like `/api/notifications/{fleet}`.
        route: String,
        /// Who may call it.
        level: AuthLevel,
    },
    /// By the clock.
    Timer {
        /// NCRONTAB or a time span, references to settings replaced.
        schedule: String,
    },
}

/// A local Functions host that runs. Dropping it kills its handlers.
pub struct RunningHost {
    core: Arc<Core>,
    port: u16,
    task: JoinHandle<()>,
    stop: watch::Sender<bool>,
    stopped: watch::Receiver<Option<String>>,
    first_events: Mutex<Option<broadcast::Receiver<HostEvent>>>,
}

impl RunningHost {
    /// Reads the app, listens for clients and starts the handlers. It does not wait until they
    /// are ready: see [`RunningHost::ready`].
    ///
    /// # Errors
    /// A file of the app is missing or wrong, or the port is taken.
    pub async fn start(options: HostOptions) -> Result<Self, HostError> {
        let settings = AppSettings::new(options.env.clone(), options.inherit_env);
        let app_dir =
            std::path::absolute(&options.app_dir).map_err(|source| HostError::Unreadable {
                file: options.app_dir.clone(),
                source,
            })?;
        let host = HostJson::load(&app_dir, &settings)?;
        let functions_dir = match &options.functions_dir {
            Some(dir) => app_dir.join(dir),
            None => app_dir.clone(),
        };
        let functions = Functions::load(&functions_dir, &host, &settings)?;
        let listener = bind(options.port).await?;
        let port = listener
            .local_addr()
            .map_or(options.port, |address| address.port());
        let (events, first) = broadcast::channel(EVENTS_KEPT);
        for why in &functions.index_errors {
            // Kept for the first listener.
            let _ = events.send(HostEvent::NotIndexed { why: why.clone() });
        }
        let plan = plan(&options, &app_dir, host, settings, &events);
        let (core, orders) = assemble(options.clone(), plan, functions, events);
        let (told, stopped) = watch::channel(None);
        let (stop, to_stop) = watch::channel(false);
        let task = tokio::spawn(run(
            core.clone(),
            listener,
            orders,
            options,
            (to_stop, told),
        ));
        let first_events = Mutex::new(Some(first));
        Ok(Self {
            core,
            port,
            task,
            stop,
            stopped,
            first_events,
        })
    }

    /// `http://127.0.0.1:{port}`, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The functions, in the order in which their routes are tried.
    pub fn functions(&self) -> Vec<FunctionSummary> {
        let summary = |function: &Arc<super::function::Function>| FunctionSummary {
            name: function.name.clone(),
            group: group_of(function, self.core.two_process),
            disabled: function.disabled,
            kind: match &function.trigger {
                Trigger::Http(http) => FunctionKind::Http {
                    methods: http.methods.clone(),
                    route: http.template.clone(),
                    level: http.level,
                },
                Trigger::Timer(timer) => FunctionKind::Timer {
                    schedule: timer.text.clone(),
                },
            },
        };
        self.core.functions.all.iter().map(summary).collect()
    }

    /// The handler processes that run now.
    pub fn pids(&self) -> Vec<(Group, u32)> {
        let workers = self.core.workers.iter();
        workers
            .filter_map(|(group, worker)| Some((group.clone(), worker.pid()?)))
            .collect()
    }

    /// What happens from now on; the first call also yields what happened since the start. A
    /// listener that stays 8,192 events behind loses the oldest.
    pub fn events(&self) -> broadcast::Receiver<HostEvent> {
        let mut first = self
            .first_events
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        first.take().unwrap_or_else(|| self.core.events.subscribe())
    }

    /// Waits until every handler has answered `GET /`.
    ///
    /// # Errors
    /// A handler did not become ready in four times its initialization time-out, or the host
    /// stopped.
    pub async fn ready(&self) -> Result<(), HostError> {
        for worker in self.core.workers.values() {
            worker
                .ready_port()
                .await
                .map_err(|why| HostError::Stopped { why })?;
        }
        Ok(())
    }

    /// Fires a timer now, beside its schedule, as `POST /admin/functions/{name}` does, and
    /// waits for the end of the invocation, whose outcome it returns.
    ///
    /// # Errors
    /// There is no such timer, or its clock cannot be read.
    pub async fn invoke_timer(&self, name: &str) -> Result<Invocation, HostError> {
        let Some(timer) = self.core.timer(name) else {
            return Err(HostError::UnknownFunction {
                kind: "timer",
                name: name.to_owned(),
                known: self.timer_names(),
            });
        };
        Ok(timer.by_hand(None).await?)
    }

    fn timer_names(&self) -> String {
        let functions = self.core.functions.all.iter();
        let timers = functions.filter(|f| matches!(f.trigger, Trigger::Timer(_)));
        timers
            .map(|f| f.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Kills the handler of a group (SIGKILL), as if it had crashed, and waits for its end. The
    /// host counts it and starts another one.
    ///
    /// # Errors
    /// No handler of that group runs at the moment.
    pub async fn kill_handler(&self, group: &Group) -> Result<(), HostError> {
        let killed = match self.core.workers.get(group) {
            Some(worker) => worker.kill(true).await,
            None => false,
        };
        if killed {
            Ok(())
        } else {
            Err(HostError::NoHandler {
                group: group.to_string(),
            })
        }
    }

    /// Waits until the host has stopped by itself and says why. A supervised host never does.
    pub async fn stopped(&self) -> String {
        let mut stopped = self.stopped.clone();
        let told = stopped.wait_for(Option::is_some).await;
        told.ok()
            .and_then(|why| why.clone())
            .unwrap_or_else(|| "its task ended".to_owned())
    }

    /// Stops listening, and kills every handler (SIGKILL of the direct child, nothing before)
    /// and waits for that. Requests in flight are cut.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "the host broke while it stopped");
        }
    }
}

impl Drop for RunningHost {
    fn drop(&mut self) {
        // Children are killed when the task lets go of them.
        self.task.abort();
        self.core
            .jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .abort_all();
    }
}

async fn bind(port: u16) -> Result<TcpListener, HostError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|source| HostError::Port { port, source })
}

fn plan(
    options: &HostOptions,
    app_dir: &Path,
    host: HostJson,
    settings: AppSettings,
    events: &broadcast::Sender<HostEvent>,
) -> WorkerPlan {
    WorkerPlan {
        host,
        app_dir: app_dir.to_owned(),
        settings,
        launcher: options.launcher.clone(),
        events: events.clone(),
        supervised: options.supervise,
    }
}

type Orders = Vec<(Arc<Worker>, mpsc::Receiver<Order>)>;

fn assemble(
    options: HostOptions,
    plan: WorkerPlan,
    functions: Functions,
    events: broadcast::Sender<HostEvent>,
) -> (Arc<Core>, Orders) {
    let plan = Arc::new(plan);
    // Without functions no handler is started; in two-process mode, none for a disabled timer.
    let groups: BTreeSet<Group> = functions
        .all
        .iter()
        .filter(|function| !(options.two_process && function.disabled))
        .map(|function| group_of(function, options.two_process))
        .collect();
    let mut workers = BTreeMap::new();
    let mut orders = Vec::new();
    for group in groups {
        let (worker, received) = Worker::new(group.clone(), plan.clone());
        workers.insert(group, worker.clone());
        orders.push((worker, received));
    }
    let core = Core {
        host: plan.host.clone(),
        functions,
        workers,
        two_process: options.two_process,
        keys: options.keys,
        enforce_keys: options.enforce_keys,
        clock: options.clock,
        timer_poll: options.timer_poll,
        timeout_grace: options.timeout_grace,
        monitor: Monitor::new(options.status_dir),
        disable_home: plan.settings.is_true("AzureWebJobsDisableHomepage"),
        jobs: Mutex::new(JoinSet::new()),
        events,
        started: Instant::now(),
        instance: super::ids::guid(),
    };
    (Arc::new(core), orders)
}

/// The host itself: clients and groups, until one group stops for good.
async fn run(
    core: Arc<Core>,
    listener: TcpListener,
    orders: Orders,
    options: HostOptions,
    (mut to_stop, stopped): (watch::Receiver<bool>, watch::Sender<Option<String>>),
) {
    let mut groups = JoinSet::new();
    for (worker, received) in orders {
        groups.spawn(run_group(core.clone(), worker, received, options.clone()));
    }
    let why = tokio::select! {
        () = front::serve(listener, core.clone()) => "it accepts no clients".to_owned(),
        // An error means that the owner is gone; then there is nobody to wait for either.
        _ = to_stop.wait_for(|stop| *stop) => "it was told to stop".to_owned(),
        Some(ended) = groups.join_next() => {
            ended.unwrap_or_else(|error| format!("a part of it broke: {error}"))
        }
    };
    groups.shutdown().await;
    stopped.send_replace(Some(why));
}

/// One group: host instances, each with timers that start anew. Returns why it stopped.
async fn run_group(
    core: Arc<Core>,
    worker: Arc<Worker>,
    mut orders: mpsc::Receiver<Order>,
    options: HostOptions,
) -> String {
    loop {
        let mut timers = JoinSet::new();
        if options.run_schedules {
            spawn_timers(&core, &worker.group, &mut timers);
        }
        let why = tokio::select! {
            why = worker.run_instance(&mut orders) => why,
            Some(Err(error)) = timers.join_next() => format!("a timer broke: {error}"),
        };
        timers.shutdown().await;
        worker.set_stopped(&why);
        core.emit(HostEvent::HostStopped {
            group: worker.group.clone(),
            why: why.clone(),
        });
        if !options.supervise {
            return why;
        }
        tokio::time::sleep(options.restart_after).await;
        core.emit(HostEvent::HostRestarted {
            group: worker.group.clone(),
        });
    }
}

fn spawn_timers(core: &Arc<Core>, group: &Group, timers: &mut JoinSet<()>) {
    for function in core
        .functions
        .all
        .iter()
        .filter(|function| !function.disabled)
    {
        if group_of(function, core.two_process) == *group
            && let Some(timer) = core.timer(&function.name)
        {
            timers.spawn(timer.run());
        }
    }
}
