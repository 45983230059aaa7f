//! The pure core: values in, values out. No clock, no I/O, no logging, no chance.

pub mod agenda;
pub mod backoff;
mod checks;
pub mod client_state;
pub mod conflict;
pub mod desired_set;
pub mod duration;
mod grade;
pub mod ids;
mod key;
pub mod lease;
pub mod limits;
pub mod ownership;
pub mod plan;
pub mod policy;
pub mod reconcile;
pub mod record;
mod removal;
mod rescue;
pub mod resource;
mod rows;
pub mod schedule;
pub mod sight;
pub mod spelling;
pub mod state;
pub mod subscription;
