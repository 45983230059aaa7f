//! Where accepted notifications go.

use crate::domain::notification::event::Event;

/// A write that failed. Graph sends the notifications again in either case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// The sink did not answer, or not in time. Some events may have been written: writing
    /// them again is right, since their ids are the same where identity is certain.
    #[error("the sink {place} did not take the events: {why}")]
    Unavailable {
        /// Where it is, secrets removed.
        place: String,
        /// What happened, secrets removed.
        why: String,
    },
    /// The sink does not let us, or is set up wrongly: tell a human.
    #[error("the sink {place} refuses the events: {why}")]
    Denied {
        /// Where it is, secrets removed.
        place: String,
        /// What to mend.
        why: String,
    },
}

/// Takes events durably.
///
/// # Guarantees
/// After `Ok`, every event of the call outlives this process. After an error, any of them may
/// or may not have been written. Events of any size are taken. Order is not kept between calls.
///
/// # Cancellation
/// A dropped future may or may not have written any of its events.
#[async_trait::async_trait]
pub trait Sink: Send + Sync {
    /// For people: where the events go, secrets removed.
    fn place(&self) -> String;

    /// Writes the events of one request. The slice is never empty.
    async fn write(&self, events: &[Event]) -> Result<(), SinkError>;

    /// Writes the events of one request, and says of each what became of it, in their order.
    /// Only where several places stand behind a sink can the answers differ.
    async fn write_each(&self, events: &[Event]) -> Vec<Result<(), SinkError>> {
        let outcome = self.write(events).await;
        vec![outcome; events.len()]
    }
}
