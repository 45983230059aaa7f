//! The rules that the core alone can keep, each as sentences that fail where it is broken.

#![allow(clippy::unwrap_used, reason = "test file")]

mod support;

#[path = "rules/applications.rs"]
mod applications;
#[path = "rules/client_states.rs"]
mod client_states;
#[path = "rules/conflicts.rs"]
mod conflicts;
#[path = "rules/creates.rs"]
mod creates;
#[path = "rules/degraded.rs"]
mod degraded;
#[path = "rules/duplicates.rs"]
mod duplicates;
#[path = "rules/mismatches.rs"]
mod mismatches;
#[path = "rules/ownership.rs"]
mod ownership;
#[path = "rules/renewals.rs"]
mod renewals;
#[path = "rules/undeclared.rs"]
mod undeclared;
#[path = "rules/waits.rs"]
mod waits;
