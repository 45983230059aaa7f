//! Before the first create of a pass: is our own public address awake, and reachable at all?
//!
//! Graph validates both addresses within ten seconds of a create. A handler that is cold, or an
//! address with something in front of it, would make that create fail with words that blame
//! nobody. The answer never stops a create: from inside, an address may look worse than it is.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::pass::Pass;
use super::report::EndpointReport;
use crate::domain::plan::Step;
use crate::ports::endpoint::{Obstacle, OwnEndpoint, Unreachable};

/// What does not come back by then is late, whatever the adapter's own limit.
const LIMIT: Duration = Duration::from_secs(12);

impl Pass<'_> {
    /// Calls both addresses at once, if these steps create something, and only once in a pass.
    pub(super) async fn warm_endpoint(&mut self, steps: &[Step]) {
        let Some(endpoint) = self.services.endpoint.clone() else {
            return;
        };
        let first = self.report.endpoint.is_empty();
        if !first || self.lead.is_none() || !steps.iter().any(|step| self.creates_now(step)) {
            return;
        }
        let home = &self.config.home.current;
        let (notifications, lifecycle) = tokio::join!(
            shake(endpoint.as_ref(), home.notifications()),
            shake(endpoint.as_ref(), home.lifecycle())
        );
        for one in [notifications, lifecycle] {
            self.report.reached(one);
        }
    }

    /// Whether a step creates, in a tenant that Graph did not ask to leave in silence.
    fn creates_now(&self, step: &Step) -> bool {
        let create = match step {
            Step::Create(create) | Step::Replace { create, .. } => create,
            Step::Renew(_) | Step::Collapse { .. } | Step::Delete(_) => return false,
        };
        self.quiet(&create.desired.key.tenant).is_none()
    }
}

async fn shake(endpoint: &dyn OwnEndpoint, address: String) -> EndpointReport {
    let begun = Instant::now();
    let answer = timeout(LIMIT, endpoint.shake(&address)).await;
    let answer = answer.unwrap_or_else(|_| {
        Err(Unreachable {
            obstacle: Obstacle::Timeout,
            seen: format!("nothing within {} s", LIMIT.as_secs()),
        })
    });
    let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    EndpointReport::of(address, &answer, took_ms)
}
