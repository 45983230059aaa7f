//! A wanted blob against the simulated Blob Storage, and against Azurite where it runs.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

mod kinds;
mod paced;

#[path = "kinds_blob/azurite.rs"]
mod azurite;
#[path = "kinds_blob/bed.rs"]
mod bed;
#[path = "kinds_blob/create.rs"]
mod create;
#[path = "kinds_blob/doors.rs"]
mod doors;
#[path = "kinds_blob/leases.rs"]
mod leases;
#[path = "kinds_blob/obstacles.rs"]
mod obstacles;
