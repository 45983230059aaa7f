//! Mail, calendar and Planner through Graph.

use crate::domain::conflict::Operation::*;
use crate::domain::conflict::Service::{self, GraphMailPlanner};
use crate::domain::conflict::rule::{Rule, means};

const HERE: &[Service] = &[GraphMailPlanner];

/// The rules, in the order in which they are asked.
pub(super) const RULES: &[Rule] = &[
    Rule::new("graph-mail-planner/irresolvable-conflict", HERE, means::STALE)
        .codes(&["ErrorIrresolvableConflict"])
        .why("The item changed between read and write. Exchange's own background work does so too, even where no If-Match was sent.")
        .advice("Read, wait a second or two, write again, at most three times; let only one writer touch an item of a mailbox.")
        .never("Repeat in a tight loop.")
        .sources(&[
            "https://github.com/mguessan/davmail/issues/491",
            "https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/1195",
        ])
        .example(Update, 412, r#"{"error":{"code":"ErrorIrresolvableConflict","message":"The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item."}}"#),
    Rule::new("graph-mail-planner/concurrent-save", HERE, means::CONTENTION)
        .codes(&["ConcurrentItemSave"])
        .why("Two writes of one calendar item met.")
        .advice("Repeat the same request; give event creates a transactionId, so that a repeat makes no second event.")
        .sources(&["https://github.com/microsoftgraph/msgraph-sdk-ruby/issues/38"])
        .example(Create, 503, r#"{"error":{"code":"ConcurrentItemSave","message":""}}"#),
    Rule::new("graph-mail-planner/if-match-missing", HERE, means::NEEDS_CONDITION)
        .text(&["if-match header must be specified"])
        .why("Planner wants an If-Match header on every change and delete.")
        .advice("Read the resource that is written, and send its ETag.")
        .never("Send If-Match: *, which undoes other people's changes.")
        .sources(&[
            "https://github.com/pnp/pnpjs/issues/841",
            "https://github.com/pnp/pnpjs/issues/1033",
        ])
        .example(Update, 412, r#"{"error":{"code":"","message":"The If-Match header must be specified for this kind of request."}}"#),
    Rule::new("graph-mail-planner/if-match-invalid", HERE, means::STALE)
        .text(&["if-match header contains an invalid value"])
        .why("The ETag is old, or it belongs to another resource: a task and its details have one each.")
        .advice("Read the very resource that is written, once, and write with that ETag. The same answer again is a programming error.")
        .never("Loop.")
        .sources(&["https://github.com/microsoftgraph/microsoft-graph-docs/issues/4617"])
        .example(Update, 412, r#"{"error":{"code":"","message":"The If-Match header contains an invalid value."}}"#),
    Rule::new("graph-mail-planner/precondition-failed", HERE, means::STALE)
        .codes(&["ErrorPreconditionFailed"])
        .why("The condition of the request does not hold any more.")
        .advice("Read the very resource that is written, and write with its ETag.")
        .sources(&["https://github.com/microsoftgraph/microsoft-graph-docs/issues/4617"])
        .example(Update, 412, r#"{"error":{"code":"ErrorPreconditionFailed","message":"Precondition failed."}}"#),
    Rule::new("graph-mail-planner/mailbox-concurrency", HERE, means::THROTTLED)
        .text(&["mailboxconcurrency limit"])
        .why("More than four requests at once to one mailbox.")
        .advice("Let at most four requests for one mailbox run at the same time.")
        .sources(&["https://github.com/alcionai/corso/issues/3695"])
        .example(Read, 429, r#"{"error":{"code":"TooMany","message":"Application is over its MailboxConcurrency limit."}}"#),
];
