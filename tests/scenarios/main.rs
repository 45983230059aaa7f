//! Stories of one fleet: what happens to it, and what becomes of it.

#![allow(clippy::unwrap_used, reason = "test file")]

#[path = "../fleet/mod.rs"]
mod fleet;

mod audit;
mod brakes;
mod clocks;
mod counters;
mod documents;
mod endpoint;
mod holders;
mod leases;
mod listings;
mod lost;
mod mismatches;
mod modes;
mod moves;
mod removals;
mod rows;
mod wakes;
