//! A Cosmos DB item against a simulated account with two regions, over HTTP.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

mod kinds;

#[path = "kinds_cosmos/bed.rs"]
mod bed;
#[path = "kinds_cosmos/one_region.rs"]
mod one_region;
#[path = "kinds_cosmos/regions.rs"]
mod regions;
#[path = "kinds_cosmos/storm.rs"]
mod storm;
#[path = "kinds_cosmos/wire.rs"]
mod wire;
