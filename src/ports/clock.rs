//! The time of day.

use jiff::Timestamp;

/// The clock could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the clock at {place} could not be read: {why}")]
pub struct ClockError {
    /// Which clock.
    pub place: String,
    /// What happened.
    pub why: String,
}

/// Tells the time of day: expiry, due times and ages are measured on it.
///
/// Time-outs, leases and waits never are: they run on the monotonic clock of the runtime.
#[async_trait::async_trait]
pub trait Clock: Send + Sync {
    /// The present moment.
    async fn now(&self) -> Result<Timestamp, ClockError>;
}
