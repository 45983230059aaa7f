//! The playbook: one file of rules for each service, and the defaults.
//!
//! Within a service the order counts: a rule that wants a text besides a code stands before the
//! rule that is content with the code.

mod appservice;
mod arm;
mod bookings;
mod cosmos;
mod generic;
mod graph;
mod graph_directory;
mod graph_drive;
mod graph_mail_planner;
mod graph_subscriptions;
mod graph_teams;
mod keyvault;
mod messaging;
mod storage;

use super::rule::Rule;
use super::{Operation, Service};

/// Every rule of every service, in the order in which they are asked, defaults excluded.
pub fn playbook() -> impl Iterator<Item = &'static Rule> {
    TABLES.iter().flat_map(|table| table.iter())
}

const TABLES: &[&[Rule]] = &[
    graph_subscriptions::RULES,
    graph_directory::RULES,
    graph_drive::RULES,
    graph_mail_planner::RULES,
    graph_teams::RULES,
    bookings::RULES,
    graph::RULES,
    cosmos::RULES,
    storage::RULES,
    appservice::RULES,
    keyvault::RULES,
    messaging::RULES,
    arm::RULES,
];

/// The rules that may decide for a service, its own before those that it shares.
pub fn rules_of(service: Service) -> impl Iterator<Item = &'static Rule> {
    let own = move |rule: &&Rule| rule.services.first() == Some(&service);
    let shared = move |rule: &&Rule| rule.services.iter().skip(1).any(|one| *one == service);
    playbook().filter(own).chain(playbook().filter(shared))
}

/// The rules that need no service: what a status means where nothing else is known.
pub fn defaults() -> &'static [Rule] {
    generic::RULES
}

/// The default for a status.
pub(super) fn default_for(status: u16, operation: Operation) -> &'static Rule {
    let fits = |rule: &&Rule| {
        rule.statuses.contains(&status)
            && (rule.operations.is_empty() || rule.operations.contains(&operation))
    };
    let any_5xx_on_a_read = (500..600).contains(&status) && operation == Operation::Read;
    generic::RULES
        .iter()
        .find(fits)
        .unwrap_or(if any_5xx_on_a_read {
            &generic::READ_FAILED
        } else {
            &generic::UNCLASSIFIED
        })
}

/// A rule by its id, defaults included.
pub fn find_rule(id: &str) -> Option<&'static Rule> {
    playbook().chain(generic::RULES).find(|rule| rule.id == id)
}
