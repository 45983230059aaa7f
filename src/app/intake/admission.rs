//! How much is worked on at once: requests, and bytes of their bodies.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// A platform's mark that is older than this is no mark: Graph itself gives up after ten seconds.
const OLDEST_MARK: SignedDuration = SignedDuration::from_secs(60);

/// What is free.
#[derive(Debug)]
pub(super) struct Capacity {
    requests: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

impl Capacity {
    pub(super) fn new(requests: usize, bytes: usize) -> Self {
        let bytes = bytes.min(u32::MAX as usize);
        Self {
            requests: Arc::new(Semaphore::new(requests)),
            bytes: Arc::new(Semaphore::new(bytes)),
        }
    }

    pub(super) fn admit(&self) -> Option<Admission> {
        let request = Arc::clone(&self.requests).try_acquire_owned().ok()?;
        Some(Admission {
            begun: Instant::now(),
            came_in: None,
            _request: request,
            held: 0,
            permits: Vec::new(),
            bytes: Arc::clone(&self.bytes),
        })
    }
}

/// The right to be worked on, taken before the body is read. It grows with the body.
#[derive(Debug)]
pub struct Admission {
    begun: Instant,
    came_in: Option<Timestamp>,
    _request: OwnedSemaphorePermit,
    held: usize,
    permits: Vec<OwnedSemaphorePermit>,
    bytes: Arc<Semaphore>,
}

impl Admission {
    /// When the request was admitted.
    pub(super) fn begun(&self) -> Instant {
        self.begun
    }

    /// When the platform says that the request came in; nobody else knows it.
    pub fn came_in(&mut self, at: Option<Timestamp>) {
        self.came_in = at;
    }

    /// How long the platform had the request before it was admitted, as of now. Two clocks are
    /// compared: what comes out as less than nothing is nothing.
    pub(super) fn before(&self, now: Timestamp) -> Option<SignedDuration> {
        let with_us = SignedDuration::try_from(self.begun.elapsed()).ok()?;
        let before = now.duration_since(self.came_in?).checked_sub(with_us)?;
        (before <= OLDEST_MARK).then(|| before.max(SignedDuration::ZERO))
    }

    /// Whether a body of so many bytes would fit beside those of others. Nothing is taken: a
    /// request that announces much and sends nothing must not keep others out.
    pub fn has_room(&self, bytes: usize) -> bool {
        bytes <= self.held.saturating_add(self.bytes.available_permits())
    }

    /// Takes room for the bytes that have arrived so far. `false` where there is none: answer
    /// 503.
    pub fn hold(&mut self, so_far: usize) -> bool {
        let more = so_far.saturating_sub(self.held);
        if more == 0 {
            return true;
        }
        let Ok(more) = u32::try_from(more) else {
            return false;
        };
        let Ok(permit) = Arc::clone(&self.bytes).try_acquire_many_owned(more) else {
            return false;
        };
        self.held = so_far;
        match self.permits.first_mut() {
            Some(first) => first.merge(permit),
            None => self.permits.push(permit),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_taken_as_they_arrive_and_given_back() {
        let capacity = Capacity::new(3, 100);
        let mut first = capacity.admit().unwrap();
        assert!(first.hold(10) && first.hold(60) && first.hold(60));
        let mut second = capacity.admit().unwrap();
        assert!(second.has_room(40) && !second.has_room(41));
        assert!(!second.hold(41), "nothing of it is taken");
        assert!(second.hold(40) && !first.hold(61));
        drop(first);
        assert!(second.has_room(100) && second.hold(100));
    }

    #[test]
    fn requests_are_counted_too() {
        let capacity = Capacity::new(1, 100);
        let first = capacity.admit();
        assert!(capacity.admit().is_none());
        drop(first);
        assert!(capacity.admit().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_before_us_is_what_the_platform_says_without_ours() {
        let capacity = Capacity::new(1, 1);
        let mut one = capacity.admit().unwrap();
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(one.before(now), None);
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        let seconds = |s: i64| SignedDuration::from_secs(s);
        for (ago, before) in [(3, Some(2)), (1, Some(0)), (-5, Some(0)), (100, None)] {
            one.came_in(Some(now - seconds(ago)));
            assert_eq!(one.before(now), before.map(seconds), "{ago}");
        }
    }
}
