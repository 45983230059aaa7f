//! The pure core: values in, values out. No clock, no I/O, no logging, no chance.

pub mod client_state;
pub mod conflict;
pub mod ids;
pub mod lease;
pub mod limits;
pub mod ownership;
pub mod resource;
pub mod subscription;
