//! What the hosts of a test tell, kept for its judgement and shown where it fails.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evergraph::devhost::{Exit, Group, HostEvent, Level, RunningHost};
use tokio::sync::broadcast::error::RecvError;

/// Lines that are shown where a test fails.
const SHOWN: usize = 80;

/// Characters of a line that are shown.
const LINE_SHOWN: usize = 300;

#[derive(Default)]
struct Told {
    last: VecDeque<String>,
    errors: Vec<String>,
    exits: BTreeMap<Group, Vec<Exit>>,
    ready_after: Vec<Duration>,
    restarts: u32,
    adopted: u32,
}

/// Listens to hosts until it is dropped; then, in a test that fails, it shows the last lines.
pub struct Console {
    told: Arc<Mutex<Told>>,
    /// Shown with the lines: the seed of the run, say.
    pub title: String,
}

impl Console {
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            told: Arc::default(),
            title: title.into(),
        }
    }

    /// Listens from now on, or from the start of a host that has just started.
    pub fn listen(&self, label: &'static str, host: &RunningHost) {
        let mut events = host.events();
        let told = Arc::clone(&self.told);
        tokio::spawn(async move {
            loop {
                match events.recv().await {
                    Ok(event) => told.lock().unwrap().hear(label, event),
                    Err(RecvError::Lagged(lost)) => {
                        let line = format!("{label}: {lost} events were lost");
                        told.lock().unwrap().errors.push(line);
                    }
                    Err(RecvError::Closed) => return,
                }
            }
        });
    }

    /// Lines of level Error so far, and events that no run should see.
    pub fn errors(&self) -> Vec<String> {
        self.told.lock().unwrap().errors.clone()
    }

    /// Ends of handlers by SIGKILL, for each group.
    pub fn killed(&self) -> BTreeMap<String, usize> {
        let told = self.told.lock().unwrap();
        let killed =
            |exits: &Vec<Exit>| exits.iter().filter(|end| **end == Exit::Signal(9)).count();
        let groups = told.exits.iter();
        groups
            .map(|(group, exits)| (group.to_string(), killed(exits)))
            .collect()
    }

    /// All ends of handlers.
    pub fn exits(&self) -> usize {
        self.told.lock().unwrap().exits.values().map(Vec::len).sum()
    }

    /// Times from start to readiness, sorted.
    pub fn ready_after(&self) -> Vec<Duration> {
        let mut all = self.told.lock().unwrap().ready_after.clone();
        all.sort();
        all
    }

    /// Subscriptions that passes took over, those of passes that were killed included.
    pub fn adopted(&self) -> u32 {
        self.told.lock().unwrap().adopted
    }

    /// Hosts of a group that started again after the third crash.
    pub fn restarts(&self) -> u32 {
        self.told.lock().unwrap().restarts
    }
}

impl Told {
    fn hear(&mut self, label: &str, event: HostEvent) {
        match &event {
            HostEvent::HandlerReady { waited, .. } => self.ready_after.push(*waited),
            HostEvent::HandlerExited { group, exit, .. } => {
                self.exits.entry(group.clone()).or_default().push(*exit);
            }
            HostEvent::HostRestarted { .. } => self.restarts += 1,
            HostEvent::Console { line, .. } if line.text.contains("report: adopt ") => {
                self.adopted += 1;
            }
            _ => {}
        }
        let (line, is_error) = match event {
            HostEvent::Console { group, line } => {
                let is_error = line.level == Level::Error || line.text.contains(" ERROR ");
                (format!("{label} [{group}] | {}", line.text), is_error)
            }
            // Handshakes come in hundreds.
            HostEvent::Invocation(one) if one.succeeded() && one.function != "renew" => return,
            HostEvent::Invocation(one) => {
                let first = one.logs.first().cloned().unwrap_or_default();
                let ms = one.duration.as_millis();
                let line = format!(
                    "{label} {}: {:?} in {ms} ms, {first}",
                    one.function, one.outcome
                );
                (line, false)
            }
            event @ (HostEvent::HandlerNotStarted { .. }
            | HostEvent::HandlerNotReady { .. }
            | HostEvent::HandlerHung { .. }
            | HostEvent::NotIndexed { .. }) => (format!("{label} {event:?}"), true),
            event => (format!("{label} {event:?}"), false),
        };
        if is_error {
            self.errors.push(line.clone());
        }
        self.last.push_back(line);
        if self.last.len() > SHOWN {
            self.last.pop_front();
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let told = self
                .told
                .lock()
                .unwrap_or_else(|broken| broken.into_inner());
            eprintln!("{}: the last lines of the hosts", self.title);
            for line in &told.last {
                let start: String = line.chars().take(LINE_SHOWN).collect();
                eprintln!("  {start}");
            }
        }
    }
}
