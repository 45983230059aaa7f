//! The simulated Graph over HTTP, as a client sees it, and its in-process door.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

mod bed;
mod control_api;
mod delivery;
mod doors;
mod faults;
mod forgeries;
mod handshake;
mod in_process;
mod rich;
mod sending;
mod subscriptions;
