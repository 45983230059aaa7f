//! A sign of life for a watcher outside.

/// Tells somebody outside that a pass went well, so that silence raises the alarm there.
#[async_trait::async_trait]
pub trait Pulse: Send + Sync {
    /// Sends one sign. A failure is only logged: the watcher's own alarm is the point.
    async fn beat(&self);
}
