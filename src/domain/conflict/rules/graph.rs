//! Rules that all of Microsoft Graph shares.

use crate::domain::conflict::Operation::*;
use crate::domain::conflict::Service::{self, *};
use crate::domain::conflict::rule::{Rule, means};

const ALL: &[Service] = &[
    GraphSubscriptions,
    GraphDirectory,
    GraphDrive,
    GraphMailPlanner,
    GraphTeams,
    Bookings,
];

/// The rules, in the order in which they are asked.
pub(super) const RULES: &[Rule] = &[
    Rule::new("graph/throttled", ALL, means::THROTTLED)
        .codes(&["TooManyRequests", "activityLimitReached", "throttledRequest", "ApplicationThrottled"])
        .why("Graph takes no more calls of this application, mailbox or tenant for now.")
        .advice("Wait as long as Retry-After says and lower the concurrency; in a batch the longest wait counts.")
        .never("Retry at once: refused calls count against the limit too.")
        .sources(&[
            "https://learn.microsoft.com/en-us/graph/throttling",
            "https://learn.microsoft.com/en-us/answers/questions/648796/retry-after-header-upper-limit-or-range",
        ])
        .example(Create, 429, r#"{"error":{"code":"TooManyRequests","innerError":{"code":"429","message":"Please retry after","status":"429"},"message":"Please retry again later."}}"#),
    Rule::new("graph/insufficient-storage", ALL, means::QUOTA)
        .statuses(&[507])
        .why("A storage quota is reached.")
        .sources(&["https://learn.microsoft.com/en-us/graph/errors"])
        .example(Create, 507, ""),
    Rule::new("graph/bandwidth", ALL, means::THROTTLED)
        .statuses(&[509])
        .why("The bandwidth limit is exceeded; it is lifted after a while.")
        .sources(&["https://learn.microsoft.com/en-us/graph/errors"])
        .example(Read, 509, ""),
];
