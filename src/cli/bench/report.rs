//! The tables, and the same for programs.

use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::bounds::Bound;
use super::load::Round;
use super::plan::{Cell, Subject};
use super::rounds::Order;

/// Everything that was measured.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Report {
    pub(super) version: &'static str,
    /// Whether this program was built without optimisation: its figures are worth nothing.
    pub(super) debug_build: bool,
    pub(super) handler: String,
    pub(super) machine: Machine,
    /// The machine's load average over a minute at the end.
    pub(super) load_after: Option<f64>,
    pub(super) seconds: f64,
    pub(super) connections: usize,
    pub(super) measured: Vec<Measured>,
    pub(super) start: Option<Started>,
    pub(super) memory: Option<MemorySeen>,
    pub(super) bounds: Vec<Bound>,
}

/// Where it was measured.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Machine {
    pub(super) cores: usize,
    pub(super) model: Option<String>,
    /// Load average over a minute.
    pub(super) load: Option<f64>,
}

impl Machine {
    pub(super) fn read() -> Self {
        let text = |path| std::fs::read_to_string(path).unwrap_or_default();
        let model = text("/proc/cpuinfo")
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
            .map(|(_, model)| model.trim().to_owned());
        let load = text("/proc/loadavg");
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            model,
            load: load
                .split_whitespace()
                .next()
                .and_then(|load| load.parse().ok()),
        }
    }
}

/// One subject in one cell.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Measured {
    pub(super) cell: Cell,
    pub(super) subject: Subject,
    pub(super) rounds: usize,
    /// Median of the rounds.
    pub(super) items_per_second: f64,
    /// Median of the rounds' shares of the peer's items a second.
    pub(super) of_peer: Option<f64>,
    /// The same told by time on processors, the answering and the posting one's together: what
    /// the share would be on a machine without anything else to do and with no wait for a disk.
    pub(super) of_peer_by_cpu: Option<f64>,
    /// Time of the answering process on processors.
    pub(super) cpu_us_per_item: Option<f64>,
    pub(super) p50_ms: Option<f64>,
    pub(super) p99_ms: Option<f64>,
    /// Share of one core that the one who posts took.
    pub(super) load_cpu: Option<f64>,
    /// Answers that were not 202.
    pub(super) refused: u64,
}

impl Measured {
    pub(super) fn of(
        cell: Cell,
        subject: Subject,
        rounds: &[Round],
        peer: Option<&[Round]>,
    ) -> Self {
        let shares = peer.map(|peer| {
            let pairs = rounds.iter().zip(peer);
            median(
                pairs
                    .map(|(one, peer)| rate(one) / rate(peer).max(1e-9))
                    .collect(),
            )
        });
        let items: u64 = rounds.iter().map(|round| round.items).sum();
        let cpu: Option<Duration> = rounds.iter().map(|round| round.server_cpu).sum();
        let share = |round: &Round| {
            let own = round.own_cpu?;
            Some(own.as_secs_f64() / round.took.as_secs_f64())
        };
        let load: Option<Vec<f64>> = rounds.iter().map(share).collect();
        let mut answers: Vec<u32> = rounds
            .iter()
            .flat_map(|one| &one.answers)
            .copied()
            .collect();
        answers.sort_unstable();
        Self {
            cell,
            subject,
            rounds: rounds.len(),
            items_per_second: median(rounds.iter().map(rate).collect()),
            of_peer: shares,
            of_peer_by_cpu: peer
                .filter(|_| cell != Cell::Host) // the host's own time is not known
                .and_then(|peer| Some(cost(peer)? / cost(rounds)?)),
            cpu_us_per_item: cpu
                .filter(|_| items > 0)
                .map(|cpu| cpu.as_secs_f64() * 1e6 / items as f64),
            p50_ms: quantile(&answers, 0.5),
            p99_ms: quantile(&answers, 0.99),
            load_cpu: load.map(median),
            refused: rounds.iter().map(|round| round.refused).sum(),
        }
    }
}

/// Time on processors for each item, of all who took part.
fn cost(rounds: &[Round]) -> Option<f64> {
    let server: Option<Duration> = rounds.iter().map(|round| round.server_cpu).sum();
    let own: Duration = rounds.iter().filter_map(|round| round.own_cpu).sum();
    let items: u64 = rounds.iter().map(|round| round.items).sum();
    let cost = (server? + own).as_secs_f64() / items as f64;
    (items > 0 && cost > 0.0).then_some(cost)
}

fn rate(round: &Round) -> f64 {
    round.items as f64 / round.took.as_secs_f64().max(1e-9)
}

fn quantile(sorted: &[u32], part: f64) -> Option<f64> {
    let at = (sorted.len() as f64 * part) as usize;
    let found = sorted.get(at.min(sorted.len().checked_sub(1)?))?;
    Some(f64::from(*found) / 1e3)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (None, _) => 0.0,
        (Some(value), 1) => *value,
        (Some(value), _) => (value + values[middle - 1]) / 2.0,
    }
}

/// Starts of processes.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Started {
    pub(super) starts: usize,
    pub(super) median_ms: f64,
    pub(super) fastest_ms: f64,
}

impl Started {
    pub(super) fn of(took: Vec<f64>) -> Self {
        Self {
            starts: took.len(),
            fastest_ms: took.iter().copied().fold(f64::INFINITY, f64::min),
            median_ms: median(took),
        }
    }
}

/// Resident memory.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct MemorySeen {
    pub(super) idle_bytes: u64,
    pub(super) peak_bytes: u64,
}

impl Report {
    pub(super) fn new(machine: Machine, handler: String, order: &Order) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            debug_build: cfg!(debug_assertions),
            handler,
            machine,
            load_after: None,
            seconds: order.measured.as_secs_f64(),
            connections: order.connections,
            measured: Vec::new(),
            start: None,
            memory: None,
            bounds: Vec::new(),
        }
    }

    pub(super) fn find(&self, cell: Cell, subject: Subject) -> Option<&Measured> {
        let mut measured = self.measured.iter();
        measured.find(|one| (one.cell, one.subject) == (cell, subject))
    }

    /// For programs: one line of JSON.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}\n", self.opening());
        if !self.measured.is_empty() {
            let _ = writeln!(text, "{}\n", self.measured_text());
        }
        if let Some(start) = &self.start {
            let _ = writeln!(
                text,
                "Start to an answered validation request: median {:.1} ms, fastest {:.1} ms of {}\n",
                start.median_ms, start.fastest_ms, start.starts
            );
        }
        let _ = writeln!(text, "{}", self.bounds_text());
        if self.find(Cell::Host, Subject::HostReads).is_some() {
            text.push_str(
                "\nThe local host of this program stands in for the real Functions host, which costs\n\
                 far more for each post; its own time is in neither column of CPU.\n",
            );
        }
        if self.debug_build {
            text.push_str("\nThis is a debug build: its figures say nothing.\n");
        }
        text
    }

    fn opening(&self) -> String {
        let model = self.machine.model.as_deref().unwrap_or("unknown processor");
        let load = |load: Option<f64>| load.map_or_else(|| "?".to_owned(), |at| format!("{at:.1}"));
        format!(
            "evergraph {}, {}; {} cores, {model}; load average {} before, {} after;\n\
             {} s for each, {} connections; servers and the one who posts share the cores",
            self.version,
            self.handler,
            self.machine.cores,
            load(self.machine.load),
            load(self.load_after),
            self.seconds,
            self.connections
        )
    }

    fn measured_text(&self) -> Table {
        let mut table = table(&[
            "cell",
            "who",
            "items/s",
            "of peer",
            "by CPU",
            "CPU us/item",
            "p50 ms",
            "p99 ms",
            "load's core",
        ]);
        for one in &self.measured {
            let number = |value: Option<f64>, digits: usize| {
                value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
            };
            let percent = |value: Option<f64>| {
                value.map_or_else(|| "-".to_owned(), |value| format!("{:.0} %", value * 100.0))
            };
            table.add_row([
                one.cell.as_str().to_owned(),
                one.subject.words().to_owned(),
                format!("{:.0}", one.items_per_second),
                percent(one.of_peer),
                percent(one.of_peer_by_cpu),
                number(one.cpu_us_per_item, 2),
                number(one.p50_ms, 2),
                number(one.p99_ms, 2),
                percent(one.load_cpu),
            ]);
        }
        right(&mut table, 2..9);
        table
    }

    fn bounds_text(&self) -> Table {
        let mut table = table(&["bound", "asked", "seen", ""]);
        for bound in &self.bounds {
            let met = if bound.met { "met" } else { "NOT MET" };
            table.add_row([bound.what, bound.bound, &bound.seen, met]);
        }
        right(&mut table, 1..3);
        table
    }
}

fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head);
    table
}

fn right(table: &mut Table, columns: std::ops::Range<usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(items: u64, answers: &[u32]) -> Round {
        Round {
            items,
            posts: items,
            took: Duration::from_secs(1),
            answers: answers.to_vec(),
            own_cpu: Some(Duration::from_millis(250)),
            server_cpu: Some(Duration::from_millis(500)),
            ..Round::default()
        }
    }

    #[test]
    fn a_share_is_the_median_of_rounds_that_were_measured_side_by_side() {
        let peer = [round(100, &[]), round(1_000, &[]), round(100, &[])];
        let own = [
            round(70, &[1_000]),
            round(700, &[2_000]),
            round(90, &[3_000]),
        ];
        let one = Measured::of(Cell::BasicSingle, Subject::Memory, &own, Some(&peer));
        assert_eq!(one.of_peer, Some(0.7));
        assert_eq!(one.items_per_second, 90.0);
        assert_eq!((one.p50_ms, one.p99_ms), (Some(2.0), Some(3.0)));
        assert_eq!(one.load_cpu, Some(0.25));
        let cpu = one.cpu_us_per_item.unwrap();
        assert!((cpu - 1.5e6 / 860.0).abs() < 1e-6, "{cpu}");
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(Vec::new()), 0.0);
        assert_eq!(quantile(&[], 0.5), None);
    }
}
