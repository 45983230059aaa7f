//! A faithful Microsoft Graph, as far as subscriptions go: a pretended world to test against.
//!
//! One deterministic core ([`service`]), two doors: HTTP ([`server`]) for any client or SDK with
//! a changeable base address, and [`port`] for simulations under paused time. The whole way of
//! a call, faults and answer bytes included, is in [`exchange`].

pub mod answer;
mod arrival;
pub mod calls;
mod checks;
pub mod clock;
pub mod control;
pub mod deliveries;
mod emit;
pub mod exchange;
mod expiry;
pub mod faults;
pub mod handshake;
mod http;
mod items;
pub mod kinds;
mod limiter;
mod path;
pub mod port;
pub mod refusal;
pub mod request;
pub mod row;
mod rules;
pub mod server;
pub mod service;
pub mod settings;
mod settings_parts;
pub mod store;
pub mod token;
