//! The bounds of the design, and whether they are met.

use serde::Serialize;

use super::plan::{Cell, Subject};
use super::report::Report;

/// A bound and what was seen.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Bound {
    pub(super) what: &'static str,
    /// In words.
    pub(super) bound: &'static str,
    pub(super) seen: String,
    pub(super) met: bool,
}

/// Shares of a peer's items a second that must be reached at least.
const SHARES: [(Cell, Subject, &str, &str, f64); 6] = [
    (
        Cell::BasicSingle,
        Subject::Memory,
        "basic single, memory sink, of a bare server",
        ">= 70 %",
        0.70,
    ),
    (
        Cell::BasicSingle,
        Subject::Durable,
        "basic single, durable sink, of a bare server",
        ">= 35 %",
        0.35,
    ),
    (
        Cell::BasicBatch,
        Subject::Memory,
        "basic batch of 100, of a server that only reads",
        ">= 25 %",
        0.25,
    ),
    (
        Cell::RichSingle,
        Subject::Memory,
        "rich single, of bare RSA on all cores",
        ">= 85 %",
        0.85,
    ),
    (
        Cell::RichBatch,
        Subject::Memory,
        "rich batch of 100, of bare RSA on all cores",
        ">= 85 %",
        0.85,
    ),
    (
        Cell::Host,
        Subject::HostMemory,
        "behind the local host, of a server that only reads behind it",
        ">= 90 %",
        0.90,
    ),
];

/// "Far below Graph's 3 s" is read as a third of them.
const SLOW_P99_MS: f64 = 1_000.0;

const START_MS: f64 = 10.0;
const IDLE_BYTES: u64 = 25_000_000;
const PEAK_BYTES: u64 = 64_000_000;

/// Judges what was measured; what was not has no bound.
pub(super) fn judge(report: &Report) -> Vec<Bound> {
    let mut bounds = Vec::new();
    for (cell, subject, what, bound, least) in SHARES {
        let measured = report.find(cell, subject);
        if let Some(share) = measured.and_then(|measured| measured.of_peer) {
            bounds.push(Bound {
                what,
                bound,
                seen: format!("{:.0} %", (share * 100.0).floor()),
                met: share >= least,
            });
        }
    }
    if let Some(slow) = report.find(Cell::SlowSink, Subject::Slow) {
        let p99 = slow.p99_ms.unwrap_or(f64::INFINITY);
        bounds.push(Bound {
            what: "99 of 100 answers while a write takes 100 ms",
            bound: "< 1000 ms",
            seen: format!("{p99:.0} ms"),
            met: p99 < SLOW_P99_MS,
        });
    }
    if let Some(start) = &report.start {
        bounds.push(Bound {
            what: "start to an answered validation request, median",
            bound: "< 10 ms",
            seen: format!("{:.1} ms", start.median_ms),
            met: start.median_ms < START_MS,
        });
    }
    bounds.extend(memory(report));
    bounds.extend(answers(report));
    bounds
}

fn memory(report: &Report) -> Vec<Bound> {
    let Some(memory) = &report.memory else {
        return Vec::new();
    };
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    vec![
        Bound {
            what: "memory when idle",
            bound: "< 25 MB",
            seen: megabytes(memory.idle_bytes),
            met: memory.idle_bytes < IDLE_BYTES,
        },
        Bound {
            what: "memory under full load, peak of both sinks",
            bound: "< 64 MB",
            seen: megabytes(memory.peak_bytes),
            met: memory.peak_bytes < PEAK_BYTES,
        },
    ]
}

/// Figures of a server that refuses are worth nothing.
fn answers(report: &Report) -> Option<Bound> {
    if report.measured.is_empty() {
        return None;
    }
    let refused: u64 = report.measured.iter().map(|one| one.refused).sum();
    Some(Bound {
        what: "answers that were not 202",
        bound: "0",
        seen: refused.to_string(),
        met: refused == 0,
    })
}
