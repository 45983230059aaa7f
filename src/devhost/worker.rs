//! One handler process after the other: start, readiness, exits, restarts.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;

use super::console::classify;
use super::crashes::{CRASHES_MAX, Crashes};
use super::events::{AfterExit, Exit, Group, HostEvent, Level, tell};
use super::host_json::HostJson;
use super::launch::Launch;
use super::pool::Pool;
use super::process::{Console, HandlerProcess, Launcher};
use super::readiness::{Readiness, await_ready};
use super::reply::ReplyBody;
use super::settings::AppSettings;

/// The exit code by which a handler asks for a restart that is not counted.
const RESTART_CODE: i32 = 200;
/// Invocations wait for readiness this many times the initialization time-out
/// (WorkerFunctionInvoker); then the host stops itself.
const READINESS_WAITS: u32 = 4;
/// Lines of stderr that are quoted when a process ends.
const LAST_ERRORS: usize = 3;

/// What all workers of a host share.
pub(crate) struct WorkerPlan {
    pub(crate) host: HostJson,
    pub(crate) app_dir: PathBuf,
    pub(crate) settings: AppSettings,
    pub(crate) launcher: Arc<dyn Launcher>,
    pub(crate) events: broadcast::Sender<HostEvent>,
    /// True if a stopped host starts again, so that waiting for it makes sense.
    pub(crate) supervised: bool,
}

/// Where the handler of a group stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Not started yet, starting, or being restarted.
    Starting { pid: Option<u32> },
    /// Invocations are sent.
    Ready { pid: u32, port: u16 },
    /// Exited with code 0: invocations are sent and refused.
    Down { port: u16 },
    /// The host of this group stopped.
    Stopped { why: String },
}

pub(crate) enum Order {
    /// End the process; `counted`: as a crash would be.
    Kill {
        pid: u32,
        counted: bool,
        done: oneshot::Sender<()>,
    },
    /// Stop the host of this group.
    Stop { why: String },
}

/// The handler of one group, seen from those who call it.
pub(crate) struct Worker {
    pub(crate) group: Group,
    plan: Arc<WorkerPlan>,
    state: watch::Sender<State>,
    orders: mpsc::Sender<Order>,
    /// Idle connections to the process that runs.
    pub(crate) pool: Pool,
}

/// The end of one process.
enum End {
    Exited(Exit),
    /// The host itself killed it.
    Killed,
    NotReady,
    Stop(String),
}

impl Worker {
    pub(crate) fn new(group: Group, plan: Arc<WorkerPlan>) -> (Arc<Self>, mpsc::Receiver<Order>) {
        let (orders, received) = mpsc::channel(16);
        let (state, _) = watch::channel(State::Starting { pid: None });
        (
            Arc::new(Self {
                group,
                plan,
                state,
                orders,
                pool: Pool::default(),
            }),
            received,
        )
    }

    pub(crate) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        match self.state() {
            State::Starting { pid } => pid,
            State::Ready { pid, .. } => Some(pid),
            State::Down { .. } | State::Stopped { .. } => None,
        }
    }

    /// The port to which invocations go now, ready or not: what a replayed request is sent to.
    pub(crate) fn port_now(&self) -> Option<u16> {
        match self.state() {
            State::Ready { port, .. } | State::Down { port } => Some(port),
            State::Starting { .. } | State::Stopped { .. } => None,
        }
    }

    /// Waits until invocations may be sent, and returns the port. The error says why never.
    pub(crate) async fn ready_port(&self) -> Result<u16, String> {
        let limit = self.plan.host.initialization_timeout * READINESS_WAITS;
        let mut state = self.state.subscribe();
        let supervised = self.plan.supervised;
        let settled = |state: &State| match state {
            State::Ready { .. } | State::Down { .. } => true,
            State::Stopped { .. } => !supervised,
            State::Starting { .. } => false,
        };
        let waited = tokio::time::timeout(limit, state.wait_for(settled)).await;
        // Cloned at once: what `wait_for` returns holds a lock.
        match waited.map(|settled| settled.map(|state| state.clone())) {
            Ok(Ok(State::Ready { port, .. } | State::Down { port })) => return Ok(port),
            Ok(Ok(State::Stopped { why })) => return Err(why),
            Ok(Ok(State::Starting { .. }) | Err(_)) => {
                return Err("the host has stopped".to_owned());
            }
            Err(_) => {}
        }
        let why = format!("the handler was not ready within {limit:?}");
        // A host that has stopped already needs no order.
        let _ = self.orders.send(Order::Stop { why: why.clone() }).await;
        Err(why)
    }

    /// Keeps the connection of an answer that was read to its end, if it can be used again.
    pub(crate) async fn keep(&self, body: ReplyBody) {
        if let Some(stream) = body.into_idle().await {
            self.pool.put(stream);
        }
    }

    /// Kills the current process (SIGKILL) and waits for its end. False if there is none.
    pub(crate) async fn kill(&self, counted: bool) -> bool {
        let Some(pid) = self.pid() else { return false };
        let (done, ended) = oneshot::channel();
        if self
            .orders
            .send(Order::Kill { pid, counted, done })
            .await
            .is_err()
        {
            return false;
        }
        ended.await.is_ok()
    }

    pub(crate) fn set_stopped(&self, why: &str) {
        self.state.send_replace(State::Stopped {
            why: why.to_owned(),
        });
    }

    /// Runs one host instance: a port, and processes until the third counted crash. Returns why
    /// it stopped.
    ///
    /// # Cancellation
    /// Dropping it kills the running process, as stopping a host does.
    pub(crate) async fn run_instance(&self, orders: &mut mpsc::Receiver<Order>) -> String {
        let port = match self.port().await {
            Ok(port) => port,
            Err(error) => return format!("no port for the handler: {error}"),
        };
        let mut crashes = Crashes::default();
        loop {
            self.state.send_replace(State::Starting { pid: None });
            let last_errors = Arc::new(Mutex::new(VecDeque::new()));
            let mut process = match self.start(port, &last_errors) {
                Ok(process) => process,
                Err(why) => return self.not_started(why).await,
            };
            let pid = process.pid();
            let mut acknowledge = Vec::new();
            let end = self
                .live(&mut *process, port, orders, &mut acknowledge)
                .await;
            let (exit, then) = match end {
                End::Stop(why) => return why,
                End::Killed => (Exit::Signal(9), AfterExit::Restarts),
                End::Exited(exit @ Exit::Code(RESTART_CODE)) => (exit, AfterExit::Restarts),
                End::Exited(exit) => (exit, crashes.count()),
                End::NotReady => {
                    self.emit(HostEvent::HandlerNotReady {
                        group: self.group.clone(),
                        pid,
                    });
                    (Exit::Signal(9), crashes.count())
                }
            };
            self.pool.clear();
            self.state.send_replace(State::Starting { pid: None });
            self.emit_exit(pid, exit, then, &last_errors);
            for done in acknowledge {
                // Whoever asked may have gone.
                let _ = done.send(());
            }
            if then == AfterExit::StopsHost {
                return format!(
                    "exceeded the handler's restart limit of {CRASHES_MAX} crashes; the last one {exit}"
                );
            }
        }
    }

    async fn port(&self) -> std::io::Result<u16> {
        // Bound and released: a restart in this instance uses the same port again.
        let wanted = self.plan.host.handler_port.unwrap_or(0);
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).await?;
        Ok(listener.local_addr()?.port())
    }

    fn start(
        &self,
        port: u16,
        last_errors: &Arc<Mutex<VecDeque<String>>>,
    ) -> Result<Box<dyn HandlerProcess>, String> {
        let plan = &self.plan;
        let worker_id = super::ids::guid();
        let launch = Launch::new(
            &plan.host.description,
            &plan.app_dir,
            &plan.settings,
            port,
            &worker_id,
        );
        let console = self.console(launch.stderr_is_errors_only, last_errors.clone());
        let process = plan.launcher.launch(&launch, console).map_err(|error| {
            format!(
                "failed to start the handler, file name `{}`: {error}",
                launch.program
            )
        })?;
        let pid = process.pid();
        self.state.send_replace(State::Starting { pid: Some(pid) });
        self.emit(HostEvent::HandlerStarted {
            group: self.group.clone(),
            pid,
            port,
        });
        Ok(process)
    }

    fn console(&self, errors_only: bool, last: Arc<Mutex<VecDeque<String>>>) -> Console {
        let (events, group) = (self.plan.events.clone(), self.group.clone());
        Console::new(move |stream, text| {
            let line = classify(stream, text, errors_only);
            if line.level == Level::Error {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                last.push_back(line.text.clone());
                if last.len() > LAST_ERRORS {
                    last.pop_front();
                }
            }
            tell(
                &events,
                HostEvent::Console {
                    group: group.clone(),
                    line,
                },
            );
        })
    }

    /// A process that cannot be started leaves the host waiting, and then it stops itself.
    async fn not_started(&self, why: String) -> String {
        self.emit(HostEvent::HandlerNotStarted {
            group: self.group.clone(),
            why: why.clone(),
        });
        tokio::time::sleep(self.plan.host.initialization_timeout * READINESS_WAITS).await;
        why
    }

    /// Watches one process until it ends or must be followed by another.
    async fn live(
        &self,
        process: &mut dyn HandlerProcess,
        port: u16,
        orders: &mut mpsc::Receiver<Order>,
        acknowledge: &mut Vec<oneshot::Sender<()>>,
    ) -> End {
        let (pid, started) = (process.pid(), Instant::now());
        let probe = await_ready(port, &self.plan.host);
        tokio::pin!(probe);
        let (mut is_ready, mut is_gone) = (false, false);
        loop {
            tokio::select! {
                exit = process.exited(), if !is_gone => {
                    if exit != Exit::Code(0) {
                        return End::Exited(exit);
                    }
                    is_gone = true;
                    self.emit_exit(pid, exit, AfterExit::StaysDown, &Mutex::default());
                    if is_ready {
                        self.state.send_replace(State::Down { port });
                    }
                }
                readiness = &mut probe, if !is_ready => match readiness {
                    Readiness::Ready if is_gone => {
                        is_ready = true;
                        self.state.send_replace(State::Down { port });
                    }
                    Readiness::Ready => {
                        is_ready = true;
                        self.state.send_replace(State::Ready { pid, port });
                        let (group, waited) = (self.group.clone(), started.elapsed());
                        self.emit(HostEvent::HandlerReady { group, pid, waited });
                    }
                    Readiness::TimedOut => {
                        end(process, is_gone).await;
                        return End::NotReady;
                    }
                },
                Some(order) = orders.recv() => match order {
                    Order::Stop { why } => return End::Stop(why),
                    Order::Kill { pid: meant, .. } if meant != pid || is_gone => {}
                    Order::Kill { counted, done, .. } => {
                        acknowledge.push(done);
                        process.kill();
                        if !counted {
                            process.exited().await;
                            return End::Killed;
                        }
                    }
                },
            }
        }
    }

    fn emit(&self, event: HostEvent) {
        tell(&self.plan.events, event);
    }

    fn emit_exit(&self, pid: u32, exit: Exit, then: AfterExit, last: &Mutex<VecDeque<String>>) {
        let last_errors: Vec<String> = last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect();
        let group = self.group.clone();
        self.emit(HostEvent::HandlerExited {
            group,
            pid,
            exit,
            then,
            last_errors,
        });
    }
}

async fn end(process: &mut dyn HandlerProcess, is_gone: bool) {
    if !is_gone {
        process.kill();
        process.exited().await;
    }
}
