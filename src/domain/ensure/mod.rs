//! Ensure: one thing that is wanted, whatever answers come back on the way to it.
//!
//! A pure state machine over any kind of resource. [`Run::next`] says what to do, its caller does
//! it and tells [`Run::heard`] what came of it, until [`Move::End`]. No clock, no chance, no I/O:
//! time since the start and draws for jitter are arguments.
//!
//! ```text
//! Observe ─ one, ours ─► Compare ─ equal ─► Unchanged          Create ─ made ─► Verify
//!         ─ more, ours ─► Keep ─► list again ─► Delete surplus        ─ refused ─► ReRead, by cause
//!         ─ foreign ─► give up                                 Patch ─ done ─► Verify
//!         ─ none, all pages ─► Create                                ─ changed meanwhile ─► Observe
//! ```
//!
//! What a refusal means is [`crate::domain::conflict`]'s business; how long its cause is worth
//! waiting for too ([`crate::domain::conflict::advice`]). Here stands what follows from it.
//!
//! Guarantees, for every sequence of answers: what is not proven ours is never changed or deleted;
//! at most two creates; none after a refusal without a read of everything in between; no call
//! before the service's wait has passed; an end within the limits.

mod answers;
mod collapse;
pub mod decide;
mod ending;
mod facts;
mod failure;
pub mod kinds;
mod look;
mod memory;
mod moves;
mod refused;
mod run;
mod seen;
mod step;

pub use ending::{Ending, GiveUp, Outcome, Stop};
pub use facts::{Facts, Limits, OpenCreate, Token};
pub use failure::{Failure, Refusal};
pub use moves::{Heard, Move, Progress, Told};
pub use run::{Moment, Run};
pub use seen::{Drift, HolderId, Observation, Ours, Seen, Standing};
pub use step::{Evidence, State, Step};
