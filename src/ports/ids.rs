//! Numbers that are never drawn twice.

/// Draws numbers for the ids of events whose identity is not certain.
pub trait UniqueIds: Send + Sync {
    /// A number that no other call, in no other process, draws. Not a secret.
    fn next(&self) -> u128;
}
