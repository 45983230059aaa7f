//! What happens in a local host, as typed events.

use std::fmt;
use std::time::Duration;

use tokio::sync::broadcast;
use tracing::{debug, error, info, trace, warn};

/// One handler process serves one group of functions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Every function of the app: one process for all.
    Whole,
    /// All HTTP functions, in two-process mode.
    Http,
    /// One timer function, in two-process mode.
    Function(String),
}

impl fmt::Display for Group {
    /// The names that Flex Consumption uses for its groups.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("app"),
            Self::Http => f.write_str("http"),
            Self::Function(name) => write!(f, "function:{name}"),
        }
    }
}

/// How a handler process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Its end could not be observed.
    Unknown,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code} (0x{code:X})"),
            Self::Signal(signal) => {
                write!(f, "was ended by signal {signal}, code {}", 128 + signal)
            }
            Self::Unknown => f.write_str("ended"),
        }
    }
}

/// What the host does after an exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterExit {
    /// Code 0: nothing. Every later invocation fails.
    StaysDown,
    /// A restart that does not count: exit code 200, or a kill by the host itself.
    Restarts,
    /// A restart after a counted crash.
    RestartsAfterCrash {
        /// Crashes counted so far: 1 or 2.
        count: u32,
    },
    /// The third counted crash: the host stops.
    StopsHost,
}

/// Level of a console line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Lines of stdout, and lines of stderr that are not errors.
    Information,
    /// Lines of stderr that hold `warn`.
    Warning,
    /// Other lines of stderr.
    Error,
}

/// Where the host logs a console line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// `Host.Function.Console`, the user's log.
    Console,
    /// `Worker.HttpWorkerProcess`, the system log (prefix `LanguageWorkerConsoleLog`).
    System,
    /// `Host.Function.ToolingConsoleLog` (prefix `azfuncjsonlog:`).
    Tooling,
}

/// One line that a handler wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleLine {
    /// Level by the host's mapping.
    pub level: Level,
    /// Log category.
    pub category: Category,
    /// The text, a known prefix removed.
    pub text: String,
}

/// What called a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A client's request.
    Http {
        /// Upper case.
        method: String,
        /// Without the query, which may hold secrets.
        path: String,
    },
    /// The schedule.
    Timer {
        /// True for the one run that makes up for missed ones.
        past_due: bool,
    },
    /// `POST /admin/functions/{name}`, or the library call.
    ByHand,
}

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As the host counts: a proxied 500 of the handler is a success too.
    Succeeded {
        /// Status that an HTTP client got.
        status: Option<u16>,
    },
    /// The invocation failed.
    Failed {
        /// What the handler did wrong, in a sentence.
        why: String,
    },
}

/// One finished invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The invocation id that the handler saw.
    pub id: String,
    /// Name of the function.
    pub function: String,
    /// What called it.
    pub cause: Cause,
    /// How it ended.
    pub outcome: Outcome,
    /// The `Logs` of a successful JSON answer.
    pub logs: Vec<String>,
    /// From the call to the end, waiting for readiness included.
    pub duration: Duration,
}

impl Invocation {
    /// True if the invocation succeeded.
    pub fn succeeded(&self) -> bool {
        matches!(self.outcome, Outcome::Succeeded { .. })
    }
}

/// Something that happened in the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostEvent {
    /// A handler process was started.
    HandlerStarted {
        /// Its group.
        group: Group,
        /// Its process id.
        pid: u32,
        /// The port on which it must listen.
        port: u16,
    },
    /// The handler answered `GET /`.
    HandlerReady {
        /// Its group.
        group: Group,
        /// Its process id.
        pid: u32,
        /// Time since it was started.
        waited: Duration,
    },
    /// A handler process could not be started at all. The host waits and then stops.
    HandlerNotStarted {
        /// Its group.
        group: Group,
        /// What the system said.
        why: String,
    },
    /// A handler did not become ready in time; counted like a crash.
    HandlerNotReady {
        /// Its group.
        group: Group,
        /// Its process id.
        pid: u32,
    },
    /// A handler process ended.
    HandlerExited {
        /// Its group.
        group: Group,
        /// Its process id.
        pid: u32,
        /// How.
        exit: Exit,
        /// What the host does now.
        then: AfterExit,
        /// The last lines of its stderr that were errors, at most three.
        last_errors: Vec<String>,
    },
    /// An invocation cannot end before its time-out, or has reached it.
    HandlerHung {
        /// Group of the handler.
        group: Group,
        /// Name of the function.
        function: String,
        /// The invocation id.
        invocation: String,
        /// Why.
        why: String,
    },
    /// An invocation ended.
    Invocation(Invocation),
    /// A handler wrote a line.
    Console {
        /// Its group.
        group: Group,
        /// The line.
        line: ConsoleLine,
    },
    /// A function was left out at start.
    NotIndexed {
        /// Why, with its name.
        why: String,
    },
    /// The host of a group stopped: third crash, or a handler that cannot be started.
    HostStopped {
        /// The group.
        group: Group,
        /// Why.
        why: String,
    },
    /// A supervised host of a group starts again.
    HostRestarted {
        /// The group.
        group: Group,
    },
}

/// Tells an event to listeners and to the log. Nobody listening is fine.
pub(crate) fn tell(events: &broadcast::Sender<HostEvent>, event: HostEvent) {
    log(&event);
    let _ = events.send(event);
}

/// One log event for each event, readable alone.
fn log(event: &HostEvent) {
    match event {
        HostEvent::HandlerStarted { group, pid, port } => {
            info!(handler.group = %group, handler.pid = pid, "started handler {pid} on port {port}");
        }
        HostEvent::HandlerReady { group, pid, waited } => {
            let waited_ms = waited.as_millis();
            info!(handler.group = %group, handler.pid = pid, waited_ms, "handler {pid} is ready");
        }
        HostEvent::HandlerNotStarted { group, why } => error!(handler.group = %group, "{why}"),
        HostEvent::HandlerNotReady { group, pid } => {
            warn!(handler.group = %group, handler.pid = pid, "handler {pid} did not listen in time");
        }
        HostEvent::HandlerExited {
            group,
            pid,
            exit,
            then,
            ..
        } => {
            warn!(handler.group = %group, handler.pid = pid, ?then, "handler {pid} {exit}");
        }
        HostEvent::HandlerHung {
            group,
            function,
            invocation,
            why,
        } => {
            error!(handler.group = %group, function, invocation.id = invocation, "{why}");
        }
        HostEvent::Invocation(invocation) => {
            let Invocation {
                id,
                function,
                outcome,
                duration,
                ..
            } = invocation;
            let duration_ms = duration.as_millis();
            debug!(
                invocation.id = id,
                function,
                duration_ms,
                ?outcome,
                "invocation ended"
            );
        }
        // The handler logs for itself; a second copy helps only when this host is examined.
        HostEvent::Console { group, line } => {
            trace!(handler.group = %group, level = ?line.level, "{}", line.text);
        }
        HostEvent::NotIndexed { why } => error!("{why}"),
        HostEvent::HostStopped { group, why } => {
            error!(handler.group = %group, "the host of group {group} stopped: {why}");
        }
        HostEvent::HostRestarted { group } => {
            info!(handler.group = %group, "the host of group {group} starts again");
        }
    }
}
