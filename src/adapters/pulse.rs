//! The sign of life over HTTP: a GET of an address that expects one, such as a dead man's switch.

use std::fmt;
use std::time::Duration;

use url::Url;

use super::outgoing::Outgoing;
use crate::ports::pulse::Pulse;

/// A watcher's address answers within this, or the sign is lost; the next pass sends another.
const LIMIT: Duration = Duration::from_secs(5);

/// Pings an address after each good pass.
pub struct HttpPulse {
    outgoing: Outgoing,
    address: Url,
}

impl HttpPulse {
    /// A pulse towards the address, which is a secret: whoever knows it can fake our life.
    pub fn new(address: Url) -> Self {
        Self {
            outgoing: Outgoing::to(&address).answered_within(LIMIT),
            address,
        }
    }
}

impl fmt::Debug for HttpPulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "HttpPulse({})",
            self.address.origin().ascii_serialization()
        )
    }
}

#[async_trait::async_trait]
impl Pulse for HttpPulse {
    async fn beat(&self) {
        let place = self.address.origin().ascii_serialization();
        let client = match self.outgoing.client() {
            Ok(client) => client,
            Err(why) => return tracing::warn!("no sign of life can be sent to {place}: {why}"),
        };
        match client.get(self.address.clone()).send().await {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => tracing::warn!("the watcher at {place} answered {}", answer.status()),
            Err(error) => {
                let error = error.without_url();
                tracing::warn!("the sign of life did not reach {place}: {error}");
            }
        }
    }
}
