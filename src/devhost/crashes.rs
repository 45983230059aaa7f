//! The count of crashes that stops a host.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::events::AfterExit;

/// Crashes after which the host stops (HttpFunctionInvocationDispatcher).
pub(crate) const CRASHES_MAX: usize = 3;
/// Crashes are forgotten when the newest of them is older than this at the next one.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30 * 60);

/// The crashes of one host instance.
#[derive(Debug, Default)]
pub(crate) struct Crashes(VecDeque<Instant>);

impl Crashes {
    /// Counts a crash and says what follows.
    pub(crate) fn count(&mut self) -> AfterExit {
        let now = Instant::now();
        if self
            .0
            .back()
            .is_some_and(|newest| now - *newest > FORGOTTEN_AFTER)
        {
            self.0.clear();
        }
        self.0.push_back(now);
        if self.0.len() >= CRASHES_MAX {
            return AfterExit::StopsHost;
        }
        AfterExit::RestartsAfterCrash {
            count: u32::try_from(self.0.len()).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_third_crash_stops_the_host_unless_the_newest_is_older_than_half_an_hour() {
        let mut crashes = Crashes::default();
        assert_eq!(crashes.count(), AfterExit::RestartsAfterCrash { count: 1 });
        tokio::time::advance(Duration::from_secs(29 * 60)).await;
        assert_eq!(crashes.count(), AfterExit::RestartsAfterCrash { count: 2 });
        tokio::time::advance(Duration::from_secs(31 * 60)).await;
        assert_eq!(crashes.count(), AfterExit::RestartsAfterCrash { count: 1 });
        assert_eq!(crashes.count(), AfterExit::RestartsAfterCrash { count: 2 });
        assert_eq!(crashes.count(), AfterExit::StopsHost);
    }
}
