//! The virtual clock: may run along real time, stand still, jump.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::ports::clock::{Clock, ClockError};

/// The two times of one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct At {
    /// Time of day on the virtual clock: expiry and ages are measured on it.
    pub now: Timestamp,
    /// Real time since the simulator began: rate limits are measured on it.
    pub real: Duration,
}

/// A clock that tests can set. Under paused tokio time it follows the paused time.
pub struct SimClock {
    began: Instant,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Clone, Copy)]
struct State {
    base: Timestamp,
    /// `None` while it stands still.
    since: Option<Instant>,
}

impl SimClock {
    /// A clock that runs along real time from `start`.
    pub fn running(start: Timestamp) -> Self {
        let began = Instant::now();
        Self::with(began, start, Some(began))
    }

    /// A clock that stands at `start` until it is moved.
    pub fn standing(start: Timestamp) -> Self {
        Self::with(Instant::now(), start, None)
    }

    fn with(began: Instant, base: Timestamp, since: Option<Instant>) -> Self {
        Self {
            began,
            state: Mutex::new(State { base, since }),
            changed: Notify::new(),
        }
    }

    /// The time of day.
    pub fn read(&self) -> Timestamp {
        now_of(*self.state())
    }

    /// Both times.
    pub fn at(&self) -> At {
        At {
            now: self.read(),
            real: self.began.elapsed(),
        }
    }

    /// Sets the time of day, backwards too. A running clock runs on from there.
    pub fn set(&self, to: Timestamp) {
        self.change(|state| {
            state.base = to;
            state.since = state.since.map(|_| Instant::now());
        });
    }

    /// Moves the time of day. Beyond the year 9999 it stays where it is.
    pub fn advance(&self, by: SignedDuration) {
        self.change(|state| {
            if let Ok(base) = state.base.checked_add(by) {
                state.base = base;
            }
        });
    }

    /// Stops the clock where it is.
    pub fn freeze(&self) {
        self.change(|state| {
            state.base = now_of(*state);
            state.since = None;
        });
    }

    /// Lets the clock run along real time.
    pub fn run(&self) {
        self.change(|state| {
            state.base = now_of(*state);
            state.since = Some(Instant::now());
        });
    }

    /// Whether the clock stands still.
    pub fn is_frozen(&self) -> bool {
        self.state().since.is_none()
    }

    /// Waits until the clock is set, moved, stopped or started.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_one();
        self.changed.notify_waiters();
    }
}

fn now_of(state: State) -> Timestamp {
    let run = state.since.map_or(Duration::ZERO, |since| since.elapsed());
    state.base.checked_add(run).unwrap_or(state.base)
}

#[async_trait::async_trait]
impl Clock for SimClock {
    async fn now(&self) -> Result<Timestamp, ClockError> {
        Ok(self.read())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_runs_stands_and_jumps() {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let clock = SimClock::running(start);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(clock.read(), start + Duration::from_secs(5));
        clock.freeze();
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(clock.read(), start + Duration::from_secs(5));
        clock.advance(SignedDuration::from_hours(2));
        clock.run();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(clock.read(), start + Duration::from_secs(7206));
        clock.set(start);
        assert_eq!(clock.read(), start);
        assert_eq!(clock.at().real, Duration::from_secs(11));
    }
}
