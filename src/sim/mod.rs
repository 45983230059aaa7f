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
mod control_sending;
pub mod deliveries;
mod emit;
pub mod endpoints;
pub mod envelope;
pub mod events;
pub mod exchange;
mod expiry;
pub mod faults;
pub mod forge;
pub mod handshake;
mod http;
mod items;
pub mod kinds;
mod limiter;
mod path;
pub mod port;
pub mod publisher;
pub mod refusal;
pub mod request;
mod rich;
pub mod row;
mod rules;
pub mod server;
pub mod service;
pub mod services;
pub mod settings;
mod settings_delivery;
mod settings_parts;
mod settle;
pub mod store;
pub mod token;
