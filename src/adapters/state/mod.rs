//! State in memory, in local files and in Azure Blob Storage: three stores, one behaviour.
//!
//! | | documents | versions | leases | atomic by |
//! |---|---|---|---|---|
//! | [`memory`] | a map | a counter | the runtime's clock, which tests can pause | a mutex |
//! | [`file`](mod@file) | one file each | a time stamp that only grows | the machine's monotonic clock | `flock` and rename |
//! | [`blob`] | one block blob each | ETag | blob leases | the service |
//!
//! [`contract`] says what all three must do, and is run against each of them.

pub mod blob;
#[cfg(any(test, feature = "cli"))]
#[doc(hidden)]
pub mod contract;
pub mod file;
pub mod memory;

use std::time::Duration;

use crate::domain::lease::Refusal;
use crate::ports::state::{DocName, StateError};

/// The longest lease term, everywhere. Source: "a lease can be between 15 and 60 seconds"
/// (learn.microsoft.com/rest/api/storageservices/lease-blob); the other stores follow.
const LONGEST_TERM: Duration = Duration::from_secs(60);

/// The shortest lease term where the store is ours: below it, the scheduling of a busy laptop would lapse leases.
const SHORTEST_LOCAL_TERM: Duration = Duration::from_secs(1);

fn refused(refusal: Refusal, name: &DocName) -> StateError {
    let name = name.clone();
    match refusal {
        Refusal::Held => StateError::Held { name },
        Refusal::Lost => StateError::Lost { name },
    }
}

/// Refuses a term that the store cannot keep: clamping it would let two holders overlap.
fn check_term(
    name: &DocName,
    term: Duration,
    (shortest, longest): (Duration, Duration),
) -> Result<(), StateError> {
    if (shortest..=longest).contains(&term) {
        return Ok(());
    }
    Err(StateError::Denied {
        name: name.to_string(),
        why: format!(
            "it keeps leases of {} s to {} s, not of {} s; set EVERGRAPH_LEASE_S accordingly",
            shortest.as_secs_f32(),
            longest.as_secs_f32(),
            term.as_secs_f32()
        ),
    })
}
