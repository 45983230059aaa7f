//! Which cells there are, and who is measured in each.

use clap::ValueEnum;
use serde::Serialize;

/// Posts of 100 basic items that are under way at once: 6,400 items.
const BASIC_BATCHES_AT_ONCE: usize = 64;

/// Posts of 100 sealed items that are under way at once.
const RICH_BATCHES_AT_ONCE: usize = 4;

/// What is measured together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Cell {
    /// One basic item in each post
    BasicSingle,
    /// 100 basic items in each post
    BasicBatch,
    /// One item with sealed content in each post
    RichSingle,
    /// 100 items with sealed content in each post
    RichBatch,
    /// One basic item in each post, while each write takes 100 ms
    SlowSink,
    /// One basic item in each post, through a Functions host
    Host,
    /// From the start of a process to an answered validation request
    Start,
    /// Memory when idle, and under all of the load above
    Memory,
}

impl Cell {
    /// Every cell, in the order of the run: memory last, because it looks back.
    pub(super) const ALL: [Self; 8] = [
        Self::Start,
        Self::BasicSingle,
        Self::BasicBatch,
        Self::RichSingle,
        Self::RichBatch,
        Self::SlowSink,
        Self::Host,
        Self::Memory,
    ];

    /// Those named, in the order of the run; all where none is.
    pub(super) fn chosen(only: &[Self]) -> Vec<Self> {
        let wanted = |cell: &Self| only.is_empty() || only.contains(cell);
        Self::ALL.into_iter().filter(wanted).collect()
    }

    /// Its name, as `--only` takes it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::BasicSingle => "basic-single",
            Self::BasicBatch => "basic-batch",
            Self::RichSingle => "rich-single",
            Self::RichBatch => "rich-batch",
            Self::SlowSink => "slow-sink",
            Self::Host => "host",
            Self::Start => "start",
            Self::Memory => "memory",
        }
    }

    /// Whether its items carry content.
    pub(super) const fn is_rich(self) -> bool {
        matches!(self, Self::RichSingle | Self::RichBatch)
    }

    /// Items of one of its posts.
    pub(super) const fn items(self) -> usize {
        match self {
            Self::BasicBatch | Self::RichBatch => 100,
            _ => 1,
        }
    }

    /// How many connections post at once, of those asked for. A post of 100 sealed items keeps a
    /// core busy for tens of milliseconds: a few of them are full load already.
    pub(super) fn connections(self, asked: usize) -> usize {
        match self {
            Self::BasicBatch => asked.min(BASIC_BATCHES_AT_ONCE),
            Self::RichBatch => asked.min(RICH_BATCHES_AT_ONCE),
            _ => asked,
        }
    }

    /// Who is measured in it, the one to compare with first.
    pub(super) const fn subjects(self) -> &'static [Subject] {
        use Subject::{Bare, Durable, HostMemory, HostReads, Memory, Reads, Rsa, Slow};
        match self {
            Self::BasicSingle => &[Bare, Memory, Durable],
            Self::BasicBatch => &[Reads, Memory, Durable],
            Self::RichSingle | Self::RichBatch => &[Rsa, Memory, Durable],
            Self::SlowSink => &[Slow],
            Self::Host => &[HostReads, HostMemory],
            Self::Start | Self::Memory => &[],
        }
    }
}

/// Who is measured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Subject {
    /// An axum server that answers 202 and looks at nothing.
    Bare,
    /// One that reads the body and answers 202.
    Reads,
    /// No server: bare RSA-2048 OAEP decryptions on all cores.
    Rsa,
    /// The handler with the sink in memory.
    Memory,
    /// The handler with the durable local sink.
    Durable,
    /// The handler with a sink whose writes take 100 ms.
    Slow,
    /// The server that only reads behind the local Functions host.
    HostReads,
    /// The handler with the sink in memory behind the same.
    HostMemory,
}

impl Subject {
    /// For people.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Bare => "bare axum, 202",
            Self::Reads => "reads the body, 202",
            Self::Rsa => "bare RSA, all cores",
            Self::Memory => "handler, memory sink",
            Self::Durable => "handler, durable sink",
            Self::Slow => "handler, sink of 100 ms",
            Self::HostReads => "host, axum that reads",
            Self::HostMemory => "host, handler, memory sink",
        }
    }
}
