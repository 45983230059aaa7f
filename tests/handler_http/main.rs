//! The custom handler's HTTP, as the Functions host, Graph and strangers meet it.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

mod anything;
mod ask;
#[path = "../fleet/mod.rs"]
mod fleet;
mod graph_calls;
mod health;
mod timer;
mod wire;
