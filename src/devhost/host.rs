//! A running host, and what can be done with it.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use super::core::{Core, group_of};
use super::error::HostError;
use super::events::{Group, HostEvent, Invocation, tell};
use super::function::{Function, Functions, Trigger};
use super::groups::{assemble, run};
use super::host_json::HostJson;
use super::options::{FunctionKind, FunctionSummary, HostOptions};
use super::settings::AppSettings;
use super::worker::WorkerPlan;

/// Events that a slow listener may leave unread before it loses the oldest.
const EVENTS_KEPT: usize = 8 * 1024;

/// Longest wait for requests in flight when the host is told to stop (seen).
const DRAIN_MAX: Duration = Duration::from_secs(30);

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
            tell(&events, HostEvent::NotIndexed { why: why.clone() });
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
        let summary = |function: &Arc<Function>| FunctionSummary {
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

    /// Stops as a host does that gets SIGTERM: accepts no new client, waits for the answers to
    /// requests in flight, at most 30 s, and then does what [`RunningHost::stop`] does.
    pub async fn stop_gracefully(mut self) {
        self.core.is_closing.send_replace(true);
        match tokio::time::timeout(DRAIN_MAX, &mut self.task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the host broke while it stopped"),
            Err(_) => self.stop().await,
        }
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
