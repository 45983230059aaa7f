//! Who is measured when: in turn, round after round, so that whatever else the machine does hits
//! the measured and their peers alike.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::bed::Bed;
use super::behind::Behind;
use super::bounds;
use super::limit::Limit;
use super::load::{self, Round};
use super::plan::{Cell, Subject};
use super::posts::Post;
use super::report::{Machine, Measured, MemorySeen, Report, Started};
use super::server;

/// What is to be measured.
pub(super) struct Order {
    /// For each subject of each cell.
    pub(super) measured: Duration,
    pub(super) connections: usize,
    pub(super) cells: Vec<Cell>,
    pub(super) handler: Option<PathBuf>,
    pub(super) folder: Option<PathBuf>,
}

/// A round lasts at most so long.
const ROUND: Duration = Duration::from_secs(1);

/// A process is started so often; the median counts.
const STARTS: u32 = 15;

/// A handler that was just started has come to rest after this.
const REST: Duration = Duration::from_millis(500);

impl Order {
    fn rounds(&self) -> u32 {
        self.measured.div_duration_f64(ROUND).ceil().max(1.0) as u32
    }

    fn round(&self) -> Duration {
        self.measured / self.rounds()
    }

    /// Steps for the progress bar.
    fn steps(&self) -> u64 {
        let steps = self.cells.iter().map(|cell| match cell {
            Cell::Start => u64::from(STARTS),
            Cell::Memory => 4,
            cell => cell.subjects().len() as u64 * u64::from(self.rounds()),
        });
        steps.sum()
    }
}

/// Who answers in a round.
enum Target {
    Server { port: u16, pid: Option<u32> },
    Limit(Arc<Limit>),
}

struct Run {
    order: Order,
    bed: Bed,
    bar: ProgressBar,
    report: Report,
}

/// Measures everything.
///
/// # Errors
/// A process did not start, or a connection broke.
pub(super) async fn run(order: Order) -> anyhow::Result<Report> {
    let bed = Bed::make(order.handler.as_deref(), order.folder.as_deref()).await?;
    let mut run = Run {
        bar: bar(order.steps())?,
        report: Report::new(Machine::read(), bed.measured(), &order),
        order,
        bed,
    };
    for cell in run.order.cells.clone() {
        match cell {
            Cell::Start => run.starts().await?,
            Cell::Memory => run.memory().await?,
            Cell::Host => run.host().await?,
            cell => run.cell(cell).await?,
        }
    }
    run.bar.finish_and_clear();
    run.bed.stop().await;
    let mut report = run.report;
    report.load_after = Machine::read().load;
    report.bounds = bounds::judge(&report);
    Ok(report)
}

/// On a terminal only.
fn bar(steps: u64) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} {msg}")?;
    Ok(ProgressBar::new(steps).with_style(style))
}

impl Run {
    async fn cell(&mut self, cell: Cell) -> anyhow::Result<()> {
        let mut targets = Vec::new();
        for subject in cell.subjects() {
            let target = match subject {
                Subject::Rsa => {
                    let key = self.bed.keys.pair.serialize_der();
                    Target::Limit(Arc::new(Limit::new(&key, self.bed.keys.wrapped()?)?))
                }
                subject => {
                    let server = self.bed.server(*subject).await?;
                    Target::Server {
                        port: server.port(),
                        pid: server.pid(),
                    }
                }
            };
            targets.push((*subject, target));
        }
        self.in_turn(cell, &targets).await
    }

    async fn host(&mut self) -> anyhow::Result<()> {
        let mut hosts = Vec::new();
        let mut targets = Vec::new();
        for subject in Cell::Host.subjects() {
            let host = Behind::start(&self.bed, *subject).await?;
            let (port, pid) = (host.port, host.pid());
            targets.push((*subject, Target::Server { port, pid }));
            hosts.push(host);
        }
        self.in_turn(Cell::Host, &targets).await?;
        for host in hosts {
            host.stop().await;
        }
        Ok(())
    }

    async fn in_turn(&mut self, cell: Cell, targets: &[(Subject, Target)]) -> anyhow::Result<()> {
        let post = self.bed.post(cell)?;
        let mut rounds: Vec<Vec<Round>> = targets.iter().map(|_| Vec::new()).collect();
        for _ in 0..self.order.rounds() {
            for ((subject, target), rounds) in targets.iter().zip(&mut rounds) {
                let words = format!("{}: {}", cell.as_str(), subject.words());
                self.bar.set_message(words);
                rounds.push(self.round(cell, target, &post).await?);
                self.bar.inc(1);
            }
            self.bed.empty_sink();
        }
        let peer = rounds.first().cloned().unwrap_or_default();
        for ((subject, _), rounds) in targets.iter().zip(&rounds) {
            let peer = (targets[0].0 != *subject).then_some(peer.as_slice());
            let measured = Measured::of(cell, *subject, rounds, peer);
            self.report.measured.push(measured);
        }
        Ok(())
    }

    async fn round(&self, cell: Cell, target: &Target, post: &Arc<Post>) -> anyhow::Result<Round> {
        let measured = self.order.round();
        let connections = cell.connections(self.order.connections);
        match target {
            Target::Limit(limit) => Arc::clone(limit).measure(measured).await,
            Target::Server { port, pid } => {
                load::post(*port, *pid, Arc::clone(post), connections, measured).await
            }
        }
    }

    async fn starts(&mut self) -> anyhow::Result<()> {
        let mut took = Vec::new();
        for _ in 0..STARTS {
            self.bar.set_message(Cell::Start.as_str());
            let server = self.bed.another().await?;
            took.push(server.started_in.as_secs_f64() * 1e3);
            server.stop().await;
            self.bar.inc(1);
        }
        self.report.start = Some(Started::of(took));
        Ok(())
    }

    async fn memory(&mut self) -> anyhow::Result<()> {
        self.bar.set_message(Cell::Memory.as_str());
        let server = self.bed.another().await?;
        tokio::time::sleep(REST).await;
        let idle = server.pid().and_then(server::memory);
        server.stop().await;
        let mut peaks = Vec::new();
        for subject in [Subject::Memory, Subject::Durable] {
            let server = self.bed.server(subject).await?;
            let (port, pid) = (server.port(), server.pid());
            for cell in [Cell::BasicBatch, Cell::RichBatch] {
                let post = self.bed.post(cell)?;
                self.round(cell, &Target::Server { port, pid }, &post)
                    .await?;
                self.bar.inc(1);
            }
            peaks.extend(pid.and_then(server::memory).map(|memory| memory.peak));
        }
        self.report.memory = idle
            .zip(peaks.into_iter().max())
            .map(|(idle, peak)| MemorySeen {
                idle_bytes: idle.now,
                peak_bytes: peak,
            });
        Ok(())
    }
}
