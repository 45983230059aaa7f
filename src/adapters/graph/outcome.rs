//! A failed answer of Graph, understood.

use crate::domain::conflict::{Call, Verdict, consequence};
use crate::ports::graph::{GraphError, Trace, Wait};
use crate::ports::graph_outcome::{self, Failure};

/// The error for a failed answer.
pub(super) fn failed(
    call: Call,
    status: u16,
    verdict: Verdict,
    wait: Wait,
    trace: Trace,
) -> GraphError {
    let detail = match verdict.words.as_str() {
        "" => format!("HTTP {status}"),
        words => format!("HTTP {status}: {words}"),
    };
    let consequence = consequence(call, status, &verdict);
    graph_outcome::failed(
        call,
        Failure {
            consequence,
            detail,
            verdict,
            wait,
            trace,
        },
    )
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
