//! Pretended services beside Graph's subscriptions: one for each ready-made kind of `ensure`, and
//! small ones (`teams_channels`, `key_vault`, `event_grid`) that show where portal and API differ.
//!
//! Each is a deterministic core behind [`Service`]: asked in process, or over HTTP through
//! [`door::serve`]. Where a portal exists and differs, it is a second door to the same core.

pub mod app_service;
pub mod blob;
pub mod bookings;
pub mod cosmos;
pub mod door;
pub mod event_grid;
pub mod house;
pub mod key_vault;
pub mod mishaps;
pub mod teams_channels;

pub use door::{Ask, Refused, Reply, RunningService, Service, serve};
pub use mishaps::{Mishap, Mishaps};
