//! Use cases. Each reads top to bottom: a tick, a pass, its execution, leadership, health.

pub mod execute;
pub mod heartbeat;
pub mod intake;
pub mod leadership;
pub mod marks;
pub mod memory;
mod notes;
pub mod pass;
pub mod report;
pub mod sights;
pub mod state_doc;
pub mod tick;
