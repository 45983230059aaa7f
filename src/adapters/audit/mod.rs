//! The audit in memory, in a folder and in Azure Blob Storage: three places, one behaviour.
//!
//! | | a segment is | durable by | a new segment begins |
//! |---|---|---|---|
//! | [`memory`] | a list | nothing: tests and simulations | each day |
//! | [`file`](mod@file) | a file of JSON lines | one `fdatasync` for a batch | each day, at 64 MiB, after a failure |
//! | [`blob`] | an append blob of JSON lines | the service | each day, at 10,000 blocks or 64 MiB, after a failure |
//!
//! Names: `{book}/{day}/{writer}-{number}.jsonl`. Every process has segments of its own, so
//! nobody waits for anybody, and a failed write leaves nothing that could be continued wrongly.
//! [`contract`] says what all three must do, and is run against each of them.

pub mod blob;
#[cfg(any(test, feature = "cli"))]
#[doc(hidden)]
pub mod contract;
pub mod file;
mod layout;
pub mod memory;

use crate::ports::audit::{LINE_MAX, Part};

/// Whether every line may be written: a line break inside one would make two of it.
fn are_lines(lines: &[String]) -> Result<(), String> {
    let fits = |line: &String| line.len() <= LINE_MAX && !line.contains('\n');
    match lines.iter().all(fits) {
        true => Ok(()),
        false => Err("a record is no line, or too long".to_owned()),
    }
}

/// Whole lines of bytes that were read from a position.
fn part_of(bytes: &[u8], from: u64) -> Part {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n');
    let whole = whole.map_or(0, |at| at + 1);
    let text = String::from_utf8_lossy(&bytes[..whole]);
    Part {
        lines: text.lines().map(str::to_owned).collect(),
        next: from + whole as u64,
        torn: (bytes.len() - whole) as u64,
    }
}
