//! Pretended services beside Graph's subscriptions, one for each ready-made kind of `ensure`.
//!
//! Each is a deterministic core behind [`Service`]: asked in process, or over HTTP through
//! [`door::serve`]. Where a portal exists and differs, it is a second door to the same core.

pub mod app_service;
pub mod blob;
pub mod bookings;
pub mod cosmos;
pub mod door;
pub mod house;
pub mod mishaps;

pub use door::{Ask, Reply, RunningService, Service, serve};
pub use mishaps::{Mishap, Mishaps};
