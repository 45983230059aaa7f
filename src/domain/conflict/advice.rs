//! How long to wait before the next attempt, and when to stop.
//!
//! One budget for one logical operation, not for each layer of retries. A wait is never shorter
//! than the service asked; a demand that does not fit the budget ends the attempts, so that the
//! caller schedules the rest instead of calling early.

use std::time::Duration;

use super::{Cause, RetryAfter};
use crate::domain::backoff::Backoff;

/// What comes next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// Wait this long, then do what the remedy says.
    After(Duration),
    /// Stop.
    GiveUp(Reason),
}

/// Why there is no next attempt.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Reason {
    /// Time changes nothing here: the remedy is something else.
    #[error("waiting does not help against {0}")]
    NotByWaiting(Cause),
    /// As many attempts as the cause deserves were made.
    #[error("{0} attempts were made")]
    Attempts(u32),
    /// The time that the cause deserves is spent.
    #[error("the budget of {} s is spent", .0.as_secs())]
    Budget(Duration),
    /// The service asks for more than is left; calling earlier is not allowed. Schedule it.
    #[error("the service asks for {} s, more than the {} s that are left", asked.as_secs(), left.as_secs())]
    AskedTooLong {
        /// What it asks for.
        asked: Duration,
        /// What is left of the budget.
        left: Duration,
    },
    /// The service asks for something senseless.
    #[error("the service asks to wait for {0:?}, which makes no sense")]
    Absurd(String),
}

/// What one logical operation may spend on a cause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Budget {
    /// How waits grow.
    pub backoff: Backoff,
    /// No wait is shorter.
    pub floor: Duration,
    /// Attempts after the first, if they are counted.
    pub attempts: Option<u32>,
    /// Time from the first failure, if it is limited.
    pub total: Option<Duration>,
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const fn s(s: u64) -> Duration {
    Duration::from_secs(s)
}

const fn budget(base: Duration, cap: Duration) -> Budget {
    Budget {
        backoff: Backoff {
            base,
            factor: 2,
            cap,
        },
        floor: Duration::ZERO,
        attempts: None,
        total: None,
    }
}

/// Where no cause says otherwise: half a second, doubled, at most 30 s.
const PLAIN: Budget = budget(ms(500), s(30));

/// The budget of a cause; none where waiting does not help.
pub const fn budget_of(cause: Cause) -> Option<Budget> {
    Some(match cause {
        // Rate limits and outages: six tries, the header decides how long each waits.
        Cause::Throttled | Cause::Unavailable => Budget {
            attempts: Some(6),
            ..PLAIN
        },
        // The pace of the Cosmos DB SDKs for status 449.
        Cause::WriteContention => Budget {
            total: Some(s(30)),
            ..budget(ms(10), s(1))
        },
        Cause::OperationInProgress => Budget {
            floor: s(5),
            total: Some(s(15 * 60)),
            ..budget(s(5), s(60))
        },
        Cause::DeletionInProgress => Budget {
            floor: s(5),
            total: Some(s(10 * 60)),
            ..budget(s(5), s(30))
        },
        // Five minutes for files; a lease of known term has `budget_of_lease`.
        Cause::LockHeld => Budget {
            total: Some(s(5 * 60)),
            ..budget(s(1), s(15))
        },
        // Rounds of read, recompute, write: a fresh version, not a long wait, is what helps.
        Cause::VersionMismatch | Cause::ReplicationConflict => Budget {
            floor: ms(50),
            attempts: Some(5),
            ..budget(ms(500), ms(500))
        },
        // Reads until the thing shows or the window closes: directories lag about a minute.
        Cause::NotVisibleYet | Cause::AmbiguousOutcome => Budget {
            total: Some(s(60)),
            ..budget(s(1), s(60))
        },
        // A cold endpoint, a provider being registered: two or three tries.
        Cause::DependencyMissing => Budget {
            attempts: Some(3),
            ..PLAIN
        },
        // The ghost of a Teams subscription: one to three hours, hourly tries.
        Cause::QuotaExhausted => Budget {
            floor: s(3_600),
            total: Some(s(3 * 3_600)),
            ..budget(s(3_600), s(3_600))
        },
        // Taking the lock anew, after the protected work has stopped.
        Cause::LockLost => Budget {
            attempts: Some(3),
            ..PLAIN
        },
        Cause::AlreadyExists
        | Cause::NameHeldByOther
        | Cause::SoftDeletedHolder
        | Cause::PreconditionRequired
        | Cause::AdministrativeLock
        | Cause::DependentsExist
        | Cause::InvalidState
        | Cause::InvalidRequest
        | Cause::Unclassified => return None,
    })
}

/// The budget for a lease of known term: its term and ten seconds.
pub const fn budget_of_lease(term: Duration) -> Budget {
    Budget {
        total: Some(term.saturating_add(s(10))),
        ..budget(s(1), s(15))
    }
}

/// What comes after failed attempt `attempt` (the first being 0), `elapsed` after the first
/// failure. `asked` is what the service asks for, `per_mille` a number from 0 to 999 that the
/// caller drew from a seeded source.
pub fn next_wait(
    cause: Cause,
    attempt: u32,
    elapsed: Duration,
    asked: Option<&RetryAfter>,
    per_mille: u16,
) -> Next {
    match budget_of(cause) {
        Some(budget) => budget.next(attempt, elapsed, asked, per_mille),
        None => Next::GiveUp(Reason::NotByWaiting(cause)),
    }
}

impl Budget {
    /// As [`next_wait`], within this budget.
    pub fn next(
        &self,
        attempt: u32,
        elapsed: Duration,
        asked: Option<&RetryAfter>,
        per_mille: u16,
    ) -> Next {
        let asked = match asked {
            None => Duration::ZERO,
            Some(RetryAfter::For(asked)) => *asked,
            Some(RetryAfter::Absurd(value)) => return Next::GiveUp(Reason::Absurd(value.clone())),
        };
        if let Some(attempts) = self.attempts.filter(|attempts| attempt >= *attempts) {
            return Next::GiveUp(Reason::Attempts(attempts));
        }
        let left = self.total.map(|total| total.saturating_sub(elapsed));
        if let Some(left) = left.filter(|left| asked > *left) {
            return Next::GiveUp(Reason::AskedTooLong { asked, left });
        }
        let wait = self.jittered(attempt, per_mille).max(asked);
        match (self.total, left) {
            (Some(total), Some(left)) if wait > left => Next::GiveUp(Reason::Budget(total)),
            _ => Next::After(wait),
        }
    }

    /// Full jitter between the floor and the backoff's ceiling.
    fn jittered(&self, attempt: u32, per_mille: u16) -> Duration {
        let room = Backoff {
            base: self.backoff.ceiling(attempt).saturating_sub(self.floor),
            factor: 1,
            cap: self.backoff.cap,
        };
        self.floor + room.delay(0, per_mille)
    }
}
