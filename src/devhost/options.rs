//! How a host is started, and what it says about its functions.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::events::Group;
use super::function::AuthLevel;
use super::keys::Keys;
use super::process::{ChildProcesses, Launcher};
use crate::ports::clock::Clock;

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
