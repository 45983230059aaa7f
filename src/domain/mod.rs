//! The pure core: values in, values out. No clock, no I/O, no logging, no chance.

mod checks;
pub mod client_state;
pub mod conflict;
mod grade;
pub mod ids;
mod key;
pub mod limits;
pub mod ownership;
pub mod plan;
pub mod policy;
pub mod reconcile;
mod removal;
mod rescue;
pub mod resource;
mod rows;
pub mod schedule;
pub mod sight;
pub mod state;
pub mod subscription;
