//! Where accepted notifications go: memory, a folder of JSON lines, an Azure Storage queue.
//!
//! | | durable by | many events | an event that is too large |
//! |---|---|---|---|
//! | [`memory`] | nothing: tests and measurements | one lock | none is |
//! | [`file`](mod@file) | one `fdatasync` for all that wait | lines | none is |
//! | [`queue`] | the service | several in a message | a blob, named by the message |
//!
//! [`routed`] stands before several of them.
//!
//! [`contract`] says what all three must do, and is run against each of them.

#[cfg(any(test, feature = "cli"))]
#[doc(hidden)]
pub mod contract;
pub mod file;
pub mod memory;
pub mod queue;
pub mod routed;
