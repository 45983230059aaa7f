//! The parts of the story: the simulated Graph, the local host with its handlers, and their folder.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;

use super::app_folder;
use super::decisions::{Decided, Ending};
use super::seal::Seal;
use super::settings::{of_passes, of_sink};
use super::tally::Got;
use super::wishes::{Wish, declaration};
use super::witness::Witness;
use crate::app::audit::reader::Reader;
use crate::app::state_doc::StateDoc;
use crate::compose;
use crate::devhost::{
    Cause, Group, HostEvent, HostOptions, Invocation, Level, Outcome, RunningHost,
};
use crate::domain::audit::Record;
use crate::domain::state::ShardState;
use crate::ports::audit::Book;
use crate::ports::clock::{Clock, ClockError};
use crate::ports::state::StateStore;
use crate::sim::calls::CallRecord;
use crate::sim::control::Control;
use crate::sim::deliveries::{Delivery, Standing};
use crate::sim::server::{RunningSim, SimOptions, SimServer};

/// The story always begins on the same morning, so that it reads the same every time.
const BEGIN: Timestamp = Timestamp::constant(1_772_438_520, 0);

/// The timer's schedule, as in a deployment.
const TICK: SignedDuration = SignedDuration::from_mins(5);

/// How often the host's timer looks at the clock.
const TIMER_POLL: Duration = Duration::from_millis(10);

/// A pass takes a fraction of a second; this is for machines with much else to do.
const RUN_LIMIT: Duration = Duration::from_secs(20);

/// How often a run is repeated while a dead handler's lease lapses: its term is one second.
const BUSY_WAIT: Duration = Duration::from_millis(300);
const BUSY_RUNS: usize = 30;

/// The virtual clock as the host's timer reads it. It counts, so that the story can wait until
/// the timer has looked again, and so knows when it will fire next.
struct WatchedClock {
    control: Control,
    reads: AtomicU64,
}

#[async_trait::async_trait]
impl Clock for WatchedClock {
    async fn now(&self) -> Result<Timestamp, ClockError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        Ok(self.control.now())
    }
}

/// One run of the timer function.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) ending: Ending,
    pub(super) invocation: Invocation,
    pub(super) decisions: Vec<Decided>,
}

/// Everything that runs. Dropping it kills the handlers.
pub(super) struct Stage {
    pub(super) sim: RunningSim,
    pub(super) host: RunningHost,
    pub(super) witness: Witness,
    app: PathBuf,
    events: PathBuf,
    seal: Seal,
    settings: Vec<(String, String)>,
    clock: Arc<WatchedClock>,
    store: Arc<dyn StateStore>,
}

impl Stage {
    /// Starts everything in `folder`, and waits until the handlers are ready.
    pub(super) async fn build(folder: &Path, declared: &[Wish]) -> anyhow::Result<Self> {
        let app = folder.join("app");
        let (state, events) = (folder.join("state"), folder.join("events"));
        app_folder::write(&app)?;
        let seal = Seal::make(folder).await?;
        declare(&app, declared, &seal)?;
        let sim = SimServer::start(SimOptions::new(BEGIN)).await?;
        let clock = Arc::new(WatchedClock {
            control: sim.control().clone(),
            reads: AtomicU64::new(0),
        });
        let store = compose::local_store(&state)?;
        let port = free_port().await?;
        let mut settings = of_passes(&sim, port, &state)?;
        settings.extend(of_sink(&events, &seal));
        let options = HostOptions {
            port,
            two_process: true,
            supervise: true,
            run_schedules: true,
            ..options(&app, settings.clone(), Arc::clone(&clock) as _)
        };
        let host = RunningHost::start(options).await?;
        let witness = Witness::of(host.events());
        host.ready().await?;
        Ok(Self {
            sim,
            host,
            witness,
            app,
            events,
            seal,
            settings,
            clock,
            store,
        })
    }

    /// A second host over the same app folder, settings and state, as a platform adds an
    /// instance. Its timer runs by hand only.
    pub(super) async fn second_host(&self) -> anyhow::Result<RunningHost> {
        let options = HostOptions {
            run_schedules: false,
            ..options(
                &self.app,
                self.settings.clone(),
                Arc::clone(&self.clock) as _,
            )
        };
        let host = RunningHost::start(options).await?;
        host.ready().await?;
        Ok(host)
    }

    /// Replaces the declaration that the handlers read.
    pub(super) fn declare(&self, wishes: &[Wish]) -> anyhow::Result<()> {
        declare(&self.app, wishes, &self.seal)
    }

    /// What lies in the sink.
    pub(super) fn sink(&self) -> anyhow::Result<Vec<Got>> {
        let lines = compose::local_events(&self.events).context("the sink cannot be read")?;
        lines.iter().map(|line| Got::read(line)).collect()
    }

    /// Wake marks that no pass has taken up yet.
    pub(super) async fn wake_marks(&self) -> anyhow::Result<usize> {
        Ok(self.store.list("wake/", 100).await?.len())
    }

    pub(super) fn control(&self) -> &Control {
        self.sim.control()
    }

    /// The records that the handlers keep.
    pub(super) async fn records(&self) -> anyhow::Result<Vec<Record>> {
        let audit = compose::audit::local(&self.events.with_file_name("state").join("audit"));
        let read = Reader::new(audit, &[Book::Decisions], None).next().await?;
        Ok(read.records.into_iter().map(|kept| kept.record).collect())
    }

    /// What the handlers remember, as it lies on disk.
    pub(super) async fn memory(&self) -> anyhow::Result<ShardState> {
        let stored = self.store.read(&compose::memory_name()?).await?;
        let stored = stored.context("there is no state document yet")?;
        Ok(StateDoc::decode(&stored.bytes)?.state)
    }

    /// The number of the last call of Graph.
    pub(super) fn last_call(&self) -> u64 {
        let sim = self.control().sim();
        sim.with(|service, _| {
            service
                .calls
                .log()
                .next_back()
                .map_or(0, |call| call.number)
        })
    }

    /// The calls of Graph after that one, in the order in which they came.
    pub(super) fn calls_after(&self, number: u64) -> Vec<CallRecord> {
        let sim = self.control().sim();
        sim.with(|service, _| {
            let calls = service.calls.log().filter(|call| call.number > number);
            calls.cloned().collect()
        })
    }

    /// Waits for a call of Graph after that one.
    pub(super) async fn wait_for_call(
        &self,
        after: u64,
        what: &str,
        fits: impl Fn(&CallRecord) -> bool,
    ) -> anyhow::Result<CallRecord> {
        let found = async {
            loop {
                if let Some(call) = self.calls_after(after).into_iter().find(&fits) {
                    return call;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(RUN_LIMIT, found)
            .await
            .with_context(|| format!("{what} was not seen within {} s", RUN_LIMIT.as_secs()))
    }

    /// The number of the last event of Graph.
    pub(super) fn last_event(&self) -> u64 {
        let events = self.control().events(0);
        events.last().map_or(0, |event| event.number)
    }

    /// The POSTs with the events after that one, once Graph has no more to do with any.
    pub(super) async fn deliveries_after(&self, event: u64) -> anyhow::Result<Vec<Delivery>> {
        let under_way =
            |one: &Delivery| matches!(one.standing, Standing::Waiting | Standing::Sending);
        let settled = async {
            loop {
                let mut all = self.control().deliveries();
                all.retain(|one| one.events.iter().any(|number| *number > event));
                if !all.iter().any(under_way) {
                    return all;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(RUN_LIMIT, settled)
            .await
            .with_context(|| {
                let limit = RUN_LIMIT.as_secs();
                format!("Graph was not done with its notifications within {limit} s")
            })
    }

    /// Moves the virtual clock to the timer's next occurrence after `by` has passed. Returns the
    /// place after which the host's events belong to that occurrence.
    pub(super) async fn jump(&self, by: SignedDuration) -> anyhow::Result<usize> {
        // The timer computes its next occurrence after each run; a clock that moved before that
        // would make it miss this one.
        let seen = self.clock.reads.load(Ordering::Relaxed);
        let looked = async {
            while self.clock.reads.load(Ordering::Relaxed) < seen + 4 {
                tokio::time::sleep(TIMER_POLL / 2).await;
            }
        };
        tokio::time::timeout(RUN_LIMIT, looked)
            .await
            .context("the host's timer does not look at its clock")?;
        let mark = self.witness.mark();
        let clock = &self.control().sim().clock;
        clock.set(next_occurrence(clock.read() + by));
        Ok(mark)
    }

    /// Lets the host's own timer fire once, after `by`, and waits for the end of the run.
    pub(super) async fn tick(&self, by: SignedDuration) -> anyhow::Result<Run> {
        let mark = self.jump(by).await?;
        self.run_after(mark).await
    }

    /// Waits for the end of the first scheduled run after the place.
    pub(super) async fn run_after(&self, mark: usize) -> anyhow::Result<Run> {
        let pick = |event: &HostEvent| match event {
            HostEvent::Invocation(one) if matches!(one.cause, Cause::Timer { .. }) => {
                Some(one.clone())
            }
            _ => None,
        };
        let what = "the end of the timer's run";
        let invocation = self.witness.wait(mark, RUN_LIMIT, what, pick).await?;
        Ok(self.read_run(invocation))
    }

    /// Ticks until a pass is complete: the first one after `by`, the others one tick apart. A
    /// handler that died holds its lease for a second; a machine with much else to do may lose
    /// one.
    pub(super) async fn tick_until_done(&self, by: SignedDuration) -> anyhow::Result<Vec<Run>> {
        let mut runs = vec![self.tick(by).await?];
        for _ in 0..BUSY_RUNS {
            let ending = runs.last().map(|run| run.ending);
            if matches!(ending, Some(Ending::Complete | Ending::Idle)) {
                return Ok(runs);
            }
            tokio::time::sleep(BUSY_WAIT).await;
            runs.push(self.tick(SignedDuration::ZERO).await?);
        }
        let last = runs.last().map(|run| run.invocation.logs.join("; "));
        anyhow::bail!("no pass came to its end: {}", last.unwrap_or_default())
    }

    /// What a run said, with the present moment.
    pub(super) fn read_run(&self, invocation: Invocation) -> Run {
        let at = self.control().now().strftime("%m-%d %H:%M").to_string();
        let lines = &invocation.logs;
        Run {
            ending: Ending::of(lines),
            decisions: lines
                .iter()
                .filter_map(|line| Decided::read(line, &at))
                .collect(),
            invocation,
        }
    }

    /// The process of a group, where one runs.
    pub(super) fn pid(&self, group: &Group) -> Option<u32> {
        let pids = self.host.pids();
        pids.into_iter()
            .find(|(one, _)| one == group)
            .map(|(_, pid)| pid)
    }

    /// The last errors that handlers wrote, for whoever has to find out why the story broke off.
    pub(super) fn last_errors(&self) -> Vec<String> {
        let errors = self.witness.since(0, |event| match event {
            HostEvent::Console { line, .. } if line.level == Level::Error => {
                Some(line.text.clone())
            }
            HostEvent::HandlerNotStarted { why, .. } | HostEvent::HostStopped { why, .. } => {
                Some(why.clone())
            }
            HostEvent::Invocation(Invocation {
                function,
                outcome: Outcome::Failed { why },
                ..
            }) => Some(format!("{function}: {why}")),
            _ => None,
        });
        errors.iter().rev().take(5).rev().cloned().collect()
    }

    /// Stops everything, and waits for it.
    pub(super) async fn stop(self) {
        self.host.stop().await;
        self.sim.stop().await;
    }
}

/// A host with nothing but these settings: no variable of this process reaches the handlers.
fn options(app: &Path, settings: Vec<(String, String)>, clock: Arc<dyn Clock>) -> HostOptions {
    HostOptions {
        env: settings,
        inherit_env: false,
        timer_poll: TIMER_POLL,
        ..HostOptions::new(app, clock)
    }
}

fn declare(app: &Path, wishes: &[Wish], seal: &Seal) -> anyhow::Result<()> {
    let text = declaration(wishes, &seal.certificate);
    app_folder::replace(&app.join("subscriptions.toml"), &text)
}

/// A port that was free a moment ago: the handlers must know it before the host listens.
pub(in crate::cli) async fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("no port on 127.0.0.1 is free")?;
    Ok(listener.local_addr()?.port())
}

/// The timer's first occurrence after a moment.
fn next_occurrence(after: Timestamp) -> Timestamp {
    let tick = TICK.as_secs();
    let next = (after.as_second().div_euclid(tick) + 1) * tick;
    Timestamp::from_second(next).unwrap_or(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_occurrence_is_after_the_moment() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        for (after, next) in [
            ("2026-03-02T08:02:00Z", "2026-03-02T08:05:00Z"),
            ("2026-03-02T08:05:00Z", "2026-03-02T08:10:00Z"),
            ("2026-03-02T08:09:59.9Z", "2026-03-02T08:10:00Z"),
        ] {
            assert_eq!(next_occurrence(at(after)), at(next), "{after}");
        }
        assert_eq!(BEGIN, at("2026-03-02T08:02:00Z"));
    }
}
