//! The log of `evergraph dev`: one line for each decision, call of Graph and delivery.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;

use super::super::demo::decisions::Ending;
use super::super::demo::page::{Page, line_of};
use super::super::demo::wishes::short_resource;
use super::graph_file;
use crate::devhost::{Cause, HostEvent, Invocation, Level, Outcome, RunningHost};
use crate::sim::calls::CallRecord;
use crate::sim::control::Control;
use crate::sim::deliveries::{Cargo, Delivery, Standing};

/// How often Graph's own log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Columns of a resource.
const RESOURCE: usize = 30;

/// Tells everything, for ever.
pub(super) async fn follow<T>(host: &RunningHost, control: &Control, graph_file: &Path) -> T {
    let mut events = host.events();
    let mut log = Log::new(control.clone());
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            _ = look.tick() => {
                log.graph();
                log.deliveries();
            }
            event = events.recv() => match event {
                Ok(event) => {
                    log.graph();
                    log.event(&event);
                    if matches!(event, HostEvent::Invocation(_)) {
                        log.saved(graph_file::save(control, graph_file));
                    }
                }
                Err(RecvError::Lagged(lost)) => log.line("host", &format!("{lost} events were missed")),
                Err(RecvError::Closed) => return std::future::pending().await,
            }
        }
    }
}

struct Log {
    page: Page,
    control: Control,
    /// The last call that was looked at, and those before it that had no answer yet.
    last_call: u64,
    open_calls: BTreeSet<u64>,
    /// Attempts that were told, by the number of the delivery.
    attempts: BTreeMap<u64, usize>,
}

impl Log {
    fn new(control: Control) -> Self {
        Self {
            page: Page::of_text(),
            control,
            last_call: 0,
            open_calls: BTreeSet::new(),
            attempts: BTreeMap::new(),
        }
    }

    fn line(&self, what: &str, words: &str) {
        let time = self.control.now().strftime("%H:%M:%S");
        self.page.text(&format!("{time}  {what:<8}  {words}"));
    }

    /// Calls that were answered since the last look.
    fn graph(&mut self) {
        let (last, open) = (self.last_call, &self.open_calls);
        let calls: Vec<CallRecord> = self.control.sim().with(|service, _| {
            let log = service.calls.log();
            let fresh = log.filter(|call| call.number > last || open.contains(&call.number));
            fresh.cloned().collect()
        });
        for call in calls {
            self.last_call = self.last_call.max(call.number);
            if call.status.is_none() && !call.lost {
                self.open_calls.insert(call.number);
                continue;
            }
            self.open_calls.remove(&call.number);
            let resource = call.resource.as_deref();
            let subject = resource.map_or_else(String::new, |one| short_resource(one, RESOURCE));
            self.line("graph", &line_of(&call, &format!("{subject:<RESOURCE$}")));
        }
    }

    fn deliveries(&mut self) {
        for delivery in self.control.deliveries() {
            let told = self.attempts.entry(delivery.number).or_default();
            let fresh = delivery.attempts.len() > *told;
            *told = delivery.attempts.len();
            if fresh {
                self.line("delivery", &delivery_words(&delivery));
            }
        }
    }

    fn event(&self, event: &HostEvent) {
        match event {
            HostEvent::HandlerReady { group, pid, waited } => {
                let ms = waited.as_millis();
                self.line(
                    "handler",
                    &format!("{pid} ({group}) is ready after {ms} ms"),
                );
            }
            HostEvent::HandlerExited {
                group, pid, exit, ..
            } => {
                self.line("handler", &format!("{pid} ({group}) {exit}"));
            }
            HostEvent::HandlerNotStarted { why, .. }
            | HostEvent::HandlerHung { why, .. }
            | HostEvent::HostStopped { why, .. }
            | HostEvent::NotIndexed { why } => self.line("host", why),
            HostEvent::Console { line, .. } if line.level > Level::Information => {
                self.line("handler", &line.text);
            }
            HostEvent::Invocation(one) => self.invocation(one),
            _ => {}
        }
    }

    /// A run of the timer with its decisions; idle ones say nothing. Requests of Graph are told
    /// with its calls and deliveries, so only those of others are told here.
    fn invocation(&self, one: &Invocation) {
        if let Outcome::Failed { why } = &one.outcome {
            return self.line("host", &format!("{} failed: {why}", one.function));
        }
        if let Cause::Http { method, path } = &one.cause {
            if one.function == "health" {
                self.line(
                    "host",
                    &format!("{method} {path}: {}", status(&one.outcome)),
                );
            }
            return;
        }
        if Ending::of(&one.logs) == Ending::Idle && one.logs.len() == 1 {
            return;
        }
        for line in one.logs.iter().skip(1) {
            self.line("decided", line);
        }
        if let Some(summary) = one.logs.first() {
            self.line("run", summary);
        }
    }

    fn saved(&self, saved: anyhow::Result<()>) {
        if let Err(error) = saved {
            self.line("graph", &format!("{error:#}"));
        }
    }
}

fn status(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded {
            status: Some(status),
        } => status.to_string(),
        _ => "no status".to_owned(),
    }
}

fn delivery_words(delivery: &Delivery) -> String {
    let cargo = match delivery.cargo {
        Cargo::Change => "changes",
        Cargo::Lifecycle => "lifecycle events",
        Cargo::Forged => "forgeries",
    };
    let items = delivery.body["value"].as_array().map_or(0, Vec::len);
    let answer = delivery
        .attempts
        .last()
        .map_or_else(String::new, |attempt| {
            match (&attempt.status, &attempt.error) {
                (Some(status), _) => status.to_string(),
                (None, Some(error)) => error.clone(),
                (None, None) => "no answer".to_owned(),
            }
        });
    let then = match delivery.standing {
        Standing::Delivered => "delivered",
        Standing::Dropped => "given up",
        Standing::Waiting | Standing::Sending => "Graph keeps it and tries again",
    };
    let path =
        url::Url::parse(&delivery.url).map_or_else(|_| String::new(), |url| url.path().to_owned());
    format!("{items} {cargo} to {path}: {answer}, {then}")
}
