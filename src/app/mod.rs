//! Use cases. Each reads top to bottom: a tick, a pass, its execution, leadership, health; and
//! the way in of notifications, with what keeps it fresh and tells of it.

pub mod audit;
pub mod ensure;
pub mod execute;
pub mod figures;
mod halt;
pub mod heartbeat;
pub mod instruments;
pub mod intake;
pub mod leadership;
pub mod marks;
pub mod memory;
mod notes;
pub mod pass;
pub mod reception;
mod records;
pub mod report;
pub mod sights;
pub mod state_doc;
pub mod statistics;
pub mod tick;
mod warm;
