//! evergraph keeps Microsoft Graph subscriptions alive: exactly one for each resource that is
//! declared, never lapsed, and no notification lost.
//!
//! Rooms, each knowing only what stands before it:
//! [`domain`] (pure decisions) ← [`ports`] (what we need of the world) ←
//! [`app`] (use cases), [`adapters`] (the world), `sim` (a pretended world) ←
//! [`http`] (the custom handler), `cli`, `devhost` (a local Functions host) ← [`compose`].

pub mod adapters;
pub mod app;
#[cfg(feature = "cli")]
pub mod cli;
pub mod compose;
pub mod config;
#[cfg(feature = "cli")]
pub mod devhost;
pub mod domain;
pub mod http;
pub mod ports;
#[cfg(feature = "cli")]
pub mod sim;
pub mod telemetry;
