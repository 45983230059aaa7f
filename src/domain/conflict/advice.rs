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
        if let Some(total) = self.total.filter(|total| elapsed >= *total) {
            return Next::GiveUp(Reason::Budget(total));
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

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: u16 = 1_000;

    #[track_caller]
    fn check_next(cause: Cause, attempt: u32, elapsed: Duration, jitter: u16, want: Next) {
        assert_eq!(next_wait(cause, attempt, elapsed, None, jitter), want);
    }

    #[track_caller]
    fn check_asked(cause: Cause, elapsed: Duration, asked: &RetryAfter, want: Next) {
        assert_eq!(next_wait(cause, 0, elapsed, Some(asked), 0), want);
    }

    #[test]
    fn waits_follow_the_budget_of_their_cause() {
        for (cause, attempt, jitter, wait) in [
            (Cause::Throttled, 0, FULL, ms(500)),
            (Cause::Throttled, 3, 500, ms(2_000)),
            (Cause::WriteContention, 0, FULL, ms(10)),
            (Cause::WriteContention, 20, FULL, s(1)),
            (Cause::OperationInProgress, 0, 0, s(5)),
            (Cause::OperationInProgress, 9, FULL, s(60)),
            (Cause::DeletionInProgress, 9, FULL, s(30)),
            (Cause::VersionMismatch, 0, 0, ms(50)),
            (Cause::VersionMismatch, 4, FULL, ms(500)),
            (Cause::QuotaExhausted, 0, 0, s(3_600)),
        ] {
            check_next(cause, attempt, Duration::ZERO, jitter, Next::After(wait));
        }
    }

    #[test]
    fn attempts_end_by_count_or_by_time() {
        let give_up = |reason| Next::GiveUp(reason);
        check_next(
            Cause::Throttled,
            6,
            Duration::ZERO,
            0,
            give_up(Reason::Attempts(6)),
        );
        check_next(
            Cause::VersionMismatch,
            5,
            Duration::ZERO,
            0,
            give_up(Reason::Attempts(5)),
        );
        let budget = give_up(Reason::Budget(s(900)));
        check_next(Cause::OperationInProgress, 0, s(896), 0, budget);
        let late = give_up(Reason::Budget(s(30)));
        check_next(Cause::WriteContention, 9, s(31), FULL, late);
    }

    #[test]
    fn nobody_calls_earlier_than_asked() {
        let asked = RetryAfter::For(s(315));
        check_asked(
            Cause::Throttled,
            Duration::ZERO,
            &asked,
            Next::After(s(315)),
        );
        let left = s(900 - 700);
        let too_long = Next::GiveUp(Reason::AskedTooLong {
            asked: s(315),
            left,
        });
        check_asked(Cause::OperationInProgress, s(700), &asked, too_long);
    }

    #[test]
    fn a_senseless_demand_ends_it() {
        let asked = RetryAfter::Absurd("12/31/9999".to_owned());
        let want = Next::GiveUp(Reason::Absurd("12/31/9999".to_owned()));
        check_asked(Cause::Throttled, Duration::ZERO, &asked, want);
    }

    #[test]
    fn waiting_is_no_cure_for_what_waits_for_a_decision() {
        for cause in [
            Cause::AlreadyExists,
            Cause::NameHeldByOther,
            Cause::Unclassified,
        ] {
            let want = Next::GiveUp(Reason::NotByWaiting(cause));
            check_next(cause, 0, Duration::ZERO, 0, want);
        }
    }

    #[test]
    fn a_lease_is_waited_for_as_long_as_its_term_and_ten_seconds() {
        let budget = budget_of_lease(s(60));
        assert_eq!(budget.next(9, s(50), None, FULL), Next::After(s(15)));
        assert_eq!(
            budget.next(9, s(71), None, FULL),
            Next::GiveUp(Reason::Budget(s(70)))
        );
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            failure_persistence: None,
            ..proptest::prelude::ProptestConfig::default()
        })]

        #[test]
        fn no_wait_is_shorter_than_asked_and_none_leaves_the_budget(
            which in 0..Cause::ALL.len(),
            attempt in 0..40_u32,
            elapsed_s in 0..20_000_u64,
            asked_ms in proptest::option::of(0..90_000_000_u64),
            jitter in 0..1_000_u16,
        ) {
            let cause = Cause::ALL[which];
            let asked = asked_ms.map(|asked| RetryAfter::For(ms(asked)));
            let elapsed = s(elapsed_s);
            if let Next::After(wait) = next_wait(cause, attempt, elapsed, asked.as_ref(), jitter) {
                proptest::prop_assert!(wait >= ms(asked_ms.unwrap_or(0)));
                let budget = budget_of(cause).expect("a wait comes from a budget");
                proptest::prop_assert!(budget.total.is_none_or(|total| elapsed + wait <= total));
                proptest::prop_assert!(budget.attempts.is_none_or(|attempts| attempt < attempts));
            }
        }
    }
}
