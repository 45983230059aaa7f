//! What the parts of one running host share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::events::{Group, HostEvent, tell};
use super::function::{Function, Functions, Trigger};
use super::host_json::HostJson;
use super::invocation::Running;
use super::keys::Keys;
use super::schedule_status::Monitor;
use super::timer::Timer;
use super::worker::Worker;
use crate::ports::clock::Clock;

pub(crate) struct Core {
    pub(crate) host: HostJson,
    pub(crate) functions: Functions,
    pub(crate) workers: BTreeMap<Group, Arc<Worker>>,
    pub(crate) two_process: bool,
    pub(crate) keys: Keys,
    pub(crate) enforce_keys: bool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timer_poll: Duration,
    pub(crate) timeout_grace: Duration,
    pub(crate) monitor: Monitor,
    /// `AzureWebJobsDisableHomepage`.
    pub(crate) disable_home: bool,
    /// Runs that were asked for by hand and that nobody waits for.
    pub(crate) jobs: Mutex<JoinSet<()>>,
    pub(crate) events: broadcast::Sender<HostEvent>,
    /// True once no new client is accepted.
    pub(crate) is_closing: watch::Sender<bool>,
    pub(crate) started: Instant,
    /// A GUID for `/admin/host/status`.
    pub(crate) instance: String,
}

impl Core {
    pub(crate) fn emit(&self, event: HostEvent) {
        tell(&self.events, event);
    }

    pub(crate) fn emit_hung(&self, worker: &Worker, running: &Running, why: String) {
        self.emit(HostEvent::HandlerHung {
            group: worker.group.clone(),
            function: running.function.clone(),
            invocation: running.id.clone(),
            why,
        });
    }

    /// Runs a job beside everything else; it ends with the host at the latest.
    pub(crate) fn spawn_job(&self, job: impl Future<Output = ()> + Send + 'static) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(ended) = jobs.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "a run by hand broke off");
            }
        }
        jobs.spawn(job);
    }

    /// The handler that serves a function.
    pub(crate) fn worker_of(&self, function: &Function) -> Option<&Arc<Worker>> {
        self.workers.get(&group_of(function, self.two_process))
    }

    /// A timer function by its name, in any case.
    pub(crate) fn timer(self: &Arc<Self>, name: &str) -> Option<Timer> {
        let function = self.function(name)?;
        let Trigger::Timer(trigger) = &function.trigger else {
            return None;
        };
        Some(Timer {
            core: self.clone(),
            function: function.clone(),
            trigger: trigger.clone(),
            worker: self.worker_of(function)?.clone(),
        })
    }

    pub(crate) fn function(&self, name: &str) -> Option<&Arc<Function>> {
        self.functions
            .all
            .iter()
            .find(|function| function.name.eq_ignore_ascii_case(name))
    }
}

/// The group that serves a function. In two-process mode HTTP functions share a handler and
/// every other function has its own, as on Flex Consumption.
pub(crate) fn group_of(function: &Function, two_process: bool) -> Group {
    match (&function.trigger, two_process) {
        (_, false) => Group::Whole,
        (Trigger::Http(_), true) => Group::Http,
        (Trigger::Timer(_), true) => Group::Function(function.name.clone()),
    }
}
