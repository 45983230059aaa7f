//! The log of calls, and counters by kind.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::request::Op;

/// Calls kept in the log; counters go on.
pub const LOG_MAX: usize = 10_000;

/// One call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CallRecord {
    /// Number, from 1.
    pub number: u64,
    /// When it came, on the virtual clock.
    pub at: String,
    /// What was wanted.
    pub operation: Op,
    /// Tenant of the token; absent where the token was refused.
    pub tenant: Option<String>,
    /// Application of the token.
    pub app: Option<String>,
    /// The subscription; of a create, the one it made.
    pub id: Option<String>,
    /// The resource, where known.
    pub resource: Option<String>,
    /// Status of the answer; absent while the call runs and where the answer was lost.
    pub status: Option<u16>,
    /// Graph's code of a refusal.
    pub code: Option<String>,
    /// Whether the answer was lost.
    pub lost: bool,
    /// The fault that struck.
    pub fault: Option<&'static str>,
    /// `request-id` of the answer.
    pub request_id: String,
    /// Endpoint handshakes of this call.
    pub handshakes: Vec<HandshakeRecord>,
}

/// One endpoint handshake.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct HandshakeRecord {
    /// The endpoint.
    pub url: String,
    /// What it did.
    pub outcome: String,
}

/// Counters of one operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Count {
    /// All calls.
    pub total: u64,
    /// Answered with success.
    pub ok: u64,
    /// Answered with a refusal other than 429.
    pub refused: u64,
    /// Answered with 429.
    pub throttled: u64,
    /// Answers lost.
    pub lost: u64,
}

/// The log.
#[derive(Debug, Default)]
pub struct Calls {
    log: VecDeque<CallRecord>,
    last_number: u64,
    counts: BTreeMap<&'static str, Count>,
    /// Handshakes by outcome.
    pub handshakes: BTreeMap<String, u64>,
    /// Renewals within ten minutes of a reauthorize of the same subscription, and the other
    /// way round: "state may become inconsistent" (lifecycle events page).
    pub ten_minute_violations: u64,
}

impl Calls {
    /// Writes down that a call came; answers its number.
    pub fn open(&mut self, mut record: CallRecord) -> u64 {
        self.last_number += 1;
        record.number = self.last_number;
        self.counts
            .entry(record.operation.as_str())
            .or_default()
            .total += 1;
        if self.log.len() == LOG_MAX {
            self.log.pop_front();
        }
        self.log.push_back(record);
        self.last_number
    }

    /// Completes the record of a call, if it is still in the log.
    pub fn amend(&mut self, number: u64, amend: impl FnOnce(&mut CallRecord)) {
        if let Ok(at) = self
            .log
            .binary_search_by_key(&number, |record| record.number)
        {
            amend(&mut self.log[at]);
        }
    }

    /// Writes down how a call ended. `status` is absent where the answer was lost.
    pub fn close(&mut self, number: u64, op: Op, status: Option<u16>, code: Option<String>) {
        let count = self.counts.entry(op.as_str()).or_default();
        match status {
            None => count.lost += 1,
            Some(429) => count.throttled += 1,
            Some(200..=399) => count.ok += 1,
            Some(_) => count.refused += 1,
        }
        self.amend(number, |record| {
            record.status = status;
            record.code = code;
            record.lost = status.is_none();
        });
    }

    /// The log, oldest first.
    pub fn log(&self) -> impl DoubleEndedIterator<Item = &CallRecord> {
        self.log.iter()
    }

    /// Counters by operation.
    pub fn counts(&self) -> &BTreeMap<&'static str, Count> {
        &self.counts
    }

    /// Counters of one operation.
    pub fn count(&self, op: Op) -> Count {
        self.counts.get(op.as_str()).copied().unwrap_or_default()
    }

    /// Empties log and counters; numbers go on.
    pub fn reset(&mut self) {
        *self = Self {
            last_number: self.last_number,
            ..Self::default()
        };
    }
}
