//! Chance, so that tests can seed it.

/// Draws numbers for jitter. Never for secrets.
pub trait Dice: Send + Sync {
    /// A number from 0 to 999, each as likely as the other.
    fn per_mille(&self) -> u16;
}
