//! Conflicts: what stands in the way, and what to do about it.
//!
//! A conflict is classified by service, operation, status, code and text, never by its status
//! alone: the same 409 means a duplicate here and a lock there, and a duplicate may well be a 403.
//!
//! [`classify`] unwraps the answer (`unwrap`: what codes, texts and waits does it hold, however
//! deeply wrapped), then asks the rules of the service (`rules`: data, one file for each service)
//! from the deepest code outwards, then by text, and at last the few defaults for a status.
//! [`advice`] says how long to wait for each cause, and when to stop.

pub mod advice;
mod answer;
mod cause;
mod classify;
mod consequence;

mod doors;
mod named;
mod remedy;
mod retry_after;
mod rule;
mod rules;
#[cfg(test)]
mod tests;
mod unwrap;
mod verdict;

pub use answer::{Answer, Operation, Service};
pub use cause::Cause;
pub use classify::{PLAYBOOK_VERSION, classify};
pub use consequence::{Call, Consequence, consequence};

pub use doors::{DIFFERENCES, Difference};
pub use remedy::Remedy;
pub use retry_after::{RetryAfter, parse_retry_after};
pub use rule::{Codes, Example, Holder, Meaning, Rule};
pub use rules::{defaults, find_rule, playbook, rules_of};
pub use verdict::{Automatic, Confidence, Effect, Verdict};
