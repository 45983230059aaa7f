//! evergraph keeps Microsoft Graph subscriptions alive: exactly one for each resource that is
//! declared, never lapsed, and no notification lost.
//!
//! Rooms, each knowing only what stands before it:
//! [`domain`] (pure decisions) ← [`ports`] (what we need of the world) ←
//! `app` (use cases), `adapters` (the world), `sim` (a pretended world) ←
//! `http` (the custom handler), `cli`, `devhost` (a local Functions host) ← `compose`.

pub mod domain;
pub mod ports;
