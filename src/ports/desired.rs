//! What is declared.

use std::sync::Arc;

use super::declaration::Routing;
use crate::domain::subscription::Declaration;

/// Where the declaration comes from.
#[async_trait::async_trait]
pub trait DesiredSource: Send + Sync {
    /// For people: where it stands, secrets removed.
    fn place(&self) -> String;

    /// The declaration as it is now. What cannot be read or is invalid is a
    /// [`Declaration::Unusable`] that says why; it is never an empty one.
    async fn read(&self) -> Declaration;

    /// Where notifications go, by the last declaration that could be used; the same `Arc` while
    /// that stays the same. `None` where nothing is said, or nothing was read yet.
    fn routing(&self) -> Option<Arc<Routing>> {
        None
    }
}
