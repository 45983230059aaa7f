//! The whole product as real processes: the local Functions host, handlers as its children, the
//! simulated Graph over HTTP, and the state in files or in Azurite.
//!
//! Two clocks: leases, latency and time-outs are real; the time of day is the simulator's, so
//! that hours and days are jumped between passes.
#![cfg(all(feature = "cli", unix))]
#![allow(clippy::unwrap_used, reason = "test file")]

mod aims;
mod bed;
mod console;
mod deployed;
mod door;
mod passes;
mod place;
mod steady;
mod storm;
mod takeover;
mod truth;
