//! Declared sinks: where they are, and what goes there.

use std::path::Path;

use evergraph::ports::declaration::SinkPlace;
use jiff::SignedDuration;

use super::*;

const WISH: &str = "resource = \"users\"\nchange_types = [\"updated\"]";

/// A declaration with two subscriptions and more tables.
fn with(sinks: &str, first: &str, defaults: &str) -> String {
    format!(
        "[defaults]\ntenant = \"t\"\n{defaults}\n[tenants.t]\nid = \"{TENANT}\"\n{sinks}\n\
         [[subscriptions]]\nname = \"a\"\n{WISH}\n{first}\n\
         [[subscriptions]]\nname = \"b\"\nresource = \"groups\"\nchange_types = [\"updated\"]\n"
    )
}

const QUEUE: &str = "https://account.queue.core.windows.net/orders";

fn table(more: &str) -> String {
    format!("[sinks.orders]\nlocation = \"{QUEUE}\"\n{more}")
}

/// The sink of each subscription, in the order of names; empty for the sink of the settings.
fn routes(reading: &Reading) -> Vec<String> {
    let (set, _) = reading.declared.as_ref().unwrap();
    let mut all: Vec<_> = set.by_key.values().collect();
    all.sort_by_key(|one| &one.name);
    let route = |one: &&evergraph::domain::subscription::Desired| {
        let route = reading.routing.routes.get(&one.key.tag());
        route.cloned().unwrap_or_default()
    };
    all.iter().map(route).collect()
}

#[test]
fn a_subscription_names_its_sink_or_takes_that_of_the_defaults() {
    let own = check_good(&with(&table(""), "sink = \"orders\"", ""), &[]);
    assert_eq!(routes(&own), ["orders", ""]);
    let all = check_good(&with(&table(""), "", "sink = \"orders\""), &[]);
    assert_eq!(routes(&all), ["orders", "orders"]);
    let but = check_good(
        &with(&table(""), "sink = \"default\"", "sink = \"orders\""),
        &[],
    );
    assert_eq!(routes(&but), ["", "orders"]);
    let none = check_good(&with("", "", ""), &[]);
    assert_eq!(routes(&none), ["", ""]);
    assert_eq!(
        own.declared, none.declared,
        "no pass is made for another sink"
    );
}

#[test]
fn a_queue_and_a_folder_are_read_with_their_options() {
    let more = "blobs = \"https://account.blob.core.windows.net/large\"\nexpires = \"14d\"";
    let reading = check_good(&with(&table(more), "sink = \"orders\"", ""), &[]);
    let SinkPlace::Queue {
        queue,
        blobs,
        expires,
    } = &reading.routing.sinks["orders"].place
    else {
        panic!("it is a queue");
    };
    assert_eq!(queue.as_str(), QUEUE);
    assert_eq!(blobs.as_ref().unwrap().path(), "/large");
    assert_eq!(*expires, Some(SignedDuration::from_hours(14 * 24)));
    let folder = "[sinks.orders]\nlocation = \"file:/var/orders\"";
    let reading = check_good(&with(folder, "sink = \"orders\"", ""), &[]);
    let wanted = SinkPlace::Folder(Path::new("/var/orders").to_owned());
    assert_eq!(reading.routing.sinks["orders"].place, wanted);
}

#[track_caller]
fn check_refused(sinks: &str, code: &str, line: usize, part: &str) {
    check_error(&with(sinks, "sink = \"orders\"", ""), code, line, part);
}

#[test]
fn what_is_no_sink_is_refused_with_its_place() {
    let at = |location: &str| format!("[sinks.orders]\nlocation = \"{location}\"");
    check_refused("[sinks.orders]", "missing-key", 6, "has no location");
    check_refused(&at("orders"), "bad-value", 7, "sinks.orders.location");
    check_refused(&at("http://a.example/q"), "bad-value", 7, "https://");
    check_refused(&at("https://a.example"), "bad-value", 7, "a name behind it");
    check_refused(&at("file:"), "bad-value", 7, "needs a folder");
    check_refused(&table("expires = \"1s\""), "bad-value", 8, "1m to 365d");
    check_refused(
        &table("blobs = \"x\""),
        "bad-value",
        8,
        "sinks.orders.blobs",
    );
    check_refused(
        &table("expire = \"1d\""),
        "unknown-key",
        8,
        "did you mean \"expires\"?",
    );
    let folder = format!("{}\nexpires = \"1d\"", at("file:x"));
    check_refused(&folder, "bad-value", 8, "belongs to a queue");
    let reserved = format!("{}\n[sinks.default]\nlocation = \"{QUEUE}\"", table(""));
    check_refused(&reserved, "bad-value", 9, "EVERGRAPH_SINK");
}

#[test]
fn a_sas_is_refused_and_not_repeated() {
    let sas = format!("[sinks.orders]\nlocation = \"{QUEUE}?sv=1&sig=hunter2\"");
    let error = check_error(
        &with(&sas, "sink = \"orders\"", ""),
        "bad-value",
        7,
        "secret",
    );
    assert!(!error.sentence("s.toml").contains("hunter2"));
}

#[test]
fn an_unknown_sink_is_refused_with_a_guess_and_an_unused_one_is_told() {
    let text = with(&table(""), "sink = \"order\"", "");
    check_error(&text, "unknown-sink", 13, "did you mean \"orders\"?");
    let text = with("", "", "sink = \"orders\"");
    check_error(&text, "unknown-sink", 3, "[sinks.orders]");
    check_good(&with(&table(""), "", ""), &["unused-sink"]);
}
