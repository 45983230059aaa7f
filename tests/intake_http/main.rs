//! Notifications over the real routes: from a POST to events in a folder, wake marks, passes and
//! statistics.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

mod basic;
mod capacity;
#[path = "../fleet/mod.rs"]
mod fleet;
mod full;
mod lifecycle;
mod rich;
mod routing;
mod statistics;
mod trouble;
mod world;
