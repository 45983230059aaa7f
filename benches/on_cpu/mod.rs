//! Time on the processor instead of time on the wall: what other programs do does not count.

use criterion::Throughput;
use criterion::measurement::{Measurement, ValueFormatter};

/// Nanoseconds that this thread has run, as Linux counts them.
pub struct OnCpu;

fn on_cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")
        .expect("the kernel counts run time; on other systems use wall time");
    let first = text
        .split_whitespace()
        .next()
        .expect("its first number is the run time");
    first.parse().expect("it is in nanoseconds")
}

impl Measurement for OnCpu {
    type Intermediate = u64;
    type Value = u64;

    fn start(&self) -> u64 {
        on_cpu_ns()
    }

    fn end(&self, began: u64) -> u64 {
        on_cpu_ns() - began
    }

    fn add(&self, one: &u64, other: &u64) -> u64 {
        one + other
    }

    fn zero(&self) -> u64 {
        0
    }

    fn to_f64(&self, value: &u64) -> f64 {
        *value as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        &Formatter
    }
}

struct Formatter;

impl ValueFormatter for Formatter {
    fn scale_values(&self, typical: f64, values: &mut [f64]) -> &'static str {
        let (nanoseconds, unit) = match typical < 1_000_000.0 {
            true => (1_000.0, "us on the processor"),
            false => (1_000_000.0, "ms on the processor"),
        };
        for value in values {
            *value /= nanoseconds;
        }
        unit
    }

    fn scale_throughputs(&self, _: f64, of: &Throughput, values: &mut [f64]) -> &'static str {
        let count = match of {
            Throughput::Elements(count) => *count as f64,
            _ => 1.0,
        };
        for value in values {
            *value = count / (*value / 1_000_000_000.0);
        }
        "a second"
    }

    fn scale_for_machines(&self, _: &mut [f64]) -> &'static str {
        "ns"
    }
}
