//! The local Functions host from outside: bytes on the wire against a scripted handler, and
//! processes against shell scripts.
#![allow(clippy::unwrap_used, reason = "test file")]

mod answers;
mod clients;
#[cfg(unix)]
mod command;
mod fixture;
#[cfg(unix)]
mod processes;
mod proxying;
mod timers;
