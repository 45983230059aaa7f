//! The probe: a good receiver passes, and each wrong one is found out.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

mod catches;
mod command;
mod ours;
mod receiver;
