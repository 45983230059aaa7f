//! The time of day: of this machine, or of the simulator.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use super::loopback::is_loopback;
use super::outgoing::Outgoing;
use crate::ports::clock::{Clock, ClockError};

/// The clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The present moment, for adapters that need it without waiting.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    pub fn read(self) -> Timestamp {
        Timestamp::now()
    }
}

#[async_trait::async_trait]
impl Clock for SystemClock {
    async fn now(&self) -> Result<Timestamp, ClockError> {
        Ok(self.read())
    }
}

/// The simulator's virtual clock, read over HTTP: `GET {url}/_sim/clock` answers
/// `{"now":"<RFC 3339>"}`.
#[derive(Debug)]
pub struct SimulatorClock {
    outgoing: Outgoing,
    address: Url,
}

/// Longest answer that is read. The real one has about 50 bytes.
const ANSWER_BYTES: usize = 4096;

/// The simulator stands on the same machine and answers from memory; two seconds are an outage.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
struct Reading {
    now: Timestamp,
}

impl SimulatorClock {
    /// A clock at the simulator's root address.
    ///
    /// # Errors
    /// Where the address is not `http` towards this machine: a clock that a stranger can set
    /// would let subscriptions lapse.
    pub fn new(root: &Url) -> Result<Self, ClockError> {
        let fault = |why: &str| ClockError {
            place: root.origin().ascii_serialization(),
            why: why.to_owned(),
        };
        if root.scheme() != "http" || !is_loopback(root) {
            return Err(fault(
                "a simulator's clock is accepted only at http://127.0.0.1, http://localhost or http://[::1]",
            ));
        }
        let mut address = root.clone();
        address.set_query(None);
        address.set_fragment(None);
        address
            .path_segments_mut()
            .map_err(|()| fault("the address cannot carry a path"))?
            .pop_if_empty()
            .extend(["_sim", "clock"]);
        let outgoing = Outgoing::to(&address).answered_within(ANSWER_LIMIT);
        Ok(Self { outgoing, address })
    }

    fn fault(&self, why: impl ToString) -> ClockError {
        ClockError {
            place: self.address.to_string(),
            why: why.to_string(),
        }
    }
}

#[async_trait::async_trait]
impl Clock for SimulatorClock {
    async fn now(&self) -> Result<Timestamp, ClockError> {
        let client = self.outgoing.client().map_err(|why| self.fault(why))?;
        let answer = client.get(self.address.clone()).send().await;
        let mut answer = answer.map_err(|error| self.fault(error))?;
        if !answer.status().is_success() {
            return Err(self.fault(format!("it answered {}", answer.status())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.fault(error))? {
            if body.len() + chunk.len() > ANSWER_BYTES {
                return Err(self.fault("its answer is longer than a clock's"));
            }
            body.extend_from_slice(&chunk);
        }
        let reading: Reading = serde_json::from_slice(&body)
            .map_err(|_| self.fault(r#"its answer is not {"now":"<RFC 3339>"}"#))?;
        Ok(reading.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpmock::MockServer;

    async fn reading_of(status: u16, body: &str) -> Result<Timestamp, ClockError> {
        let server = MockServer::start_async().await;
        let mock = server.mock(|when, then| {
            when.method("GET").path("/base/_sim/clock");
            then.status(status).body(body);
        });
        let root = Url::parse(&server.url("/base/")).unwrap();
        let reading = SimulatorClock::new(&root).unwrap().now().await;
        assert_eq!(mock.calls_async().await, 1);
        reading
    }

    #[tokio::test]
    async fn the_simulator_says_what_time_it_is() {
        let now = reading_of(200, r#"{"now":"2030-01-02T03:04:05.5Z","speed":1}"#).await;
        assert_eq!(now.unwrap(), "2030-01-02T03:04:05.5Z".parse().unwrap());
    }

    #[tokio::test]
    async fn anything_else_is_no_time() {
        assert!(reading_of(200, r#"{"now":"soon"}"#).await.is_err());
        assert!(reading_of(200, &"x".repeat(5000)).await.is_err());
        let error = reading_of(404, "").await.unwrap_err();
        assert!(error.to_string().contains("404"), "{error}");
    }

    #[test]
    fn a_simulator_elsewhere_is_refused() {
        for bad in ["http://example.com", "https://127.0.0.1", "http://10.0.0.1"] {
            let error = SimulatorClock::new(&Url::parse(bad).unwrap()).unwrap_err();
            assert!(error.why.contains("only at"), "{bad}: {error}");
        }
    }

    #[tokio::test]
    async fn the_system_clock_goes_on() {
        let before = SystemClock.read();
        assert!(SystemClock.now().await.unwrap() >= before);
    }
}
