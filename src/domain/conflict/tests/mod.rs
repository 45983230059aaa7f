//! What holds for the playbook as a whole, and for each service.

mod azure;
mod graph_subscriptions;
mod playbook;
mod services;
mod table;

use super::{Answer, Operation, Service, Verdict, classify};

/// Classifies without headers.
fn verdict(service: Service, operation: Operation, status: u16, body: &str) -> Verdict {
    classify(&Answer {
        service,
        operation,
        status,
        headers: &[],
        body: body.as_bytes(),
    })
}
