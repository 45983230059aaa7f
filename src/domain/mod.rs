//! The pure core: values in, values out. No clock, no I/O, no logging, no chance.

pub mod client_state;
pub mod conflict;
pub mod desired_set;
pub mod duration;
pub mod ids;
pub mod limits;
pub mod ownership;
pub mod policy;
pub mod resource;
pub mod spelling;
pub mod subscription;
