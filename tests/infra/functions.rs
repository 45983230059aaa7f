//! `host.json` and `function-definitions/`, as the Functions host reads them.

use std::collections::BTreeMap;

use evergraph::domain::ids::FleetId;
use evergraph::domain::ownership::{FleetUrl, Origin};
use serde_json::{Value, json as value};

use super::bicep::default_of;
use super::{files, json};

/// Name of a function and its definition.
fn definitions() -> BTreeMap<String, Value> {
    files("function-definitions", "function.json")
        .iter()
        .map(|path| (path.split('/').nth(1).unwrap().to_owned(), json(path)))
        .collect()
}

fn triggers(definition: &Value) -> Vec<&Value> {
    let is_trigger = |binding: &&Value| binding["type"].as_str().unwrap().ends_with("Trigger");
    definition["bindings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(is_trigger)
        .collect()
}

/// As the host checks them: a letter, then letters, digits and what else is allowed, 128 in all.
fn is_name(name: &str, also: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || also.contains(letter))
}

#[test]
fn only_functions_that_work_are_shipped() {
    let names: Vec<_> = definitions().into_keys().collect();
    assert_eq!(names, ["health", "lifecycle", "notifications", "renew"]);
}

#[test]
fn names_and_bindings_are_what_the_host_takes() {
    for (name, definition) in definitions() {
        assert!(
            is_name(&name, "_-") && name != "host",
            "{name} is no name of a function"
        );
        assert_eq!(
            triggers(&definition).len(),
            1,
            "{name} needs exactly one trigger"
        );
        for binding in definition["bindings"].as_array().unwrap() {
            assert!(
                is_name(binding["name"].as_str().unwrap(), ""),
                "{name}: {binding}"
            );
            let direction = binding["direction"].as_str().unwrap();
            let incoming = triggers(&definition).contains(&binding);
            assert_eq!(
                direction,
                if incoming { "in" } else { "out" },
                "{name}: {binding}"
            );
        }
    }
}

/// One httpTrigger in and one http out, or the host speaks its JSON protocol instead of proxying.
#[test]
fn http_functions_are_anonymous_and_proxied() {
    let http = |name: &str, methods: Value, route: &str| {
        let bindings = value!({ "bindings": [
            { "type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous",
              "methods": methods, "route": route },
            { "type": "http", "direction": "out", "name": "res" },
        ]});
        assert_eq!(definitions()[name], bindings, "{name}");
    };
    http(
        "notifications",
        value!(["get", "post"]),
        "notifications/{fleet}",
    );
    http("lifecycle", value!(["get", "post"]), "lifecycle/{fleet}");
    http("health", value!(["get", "head"]), "health");
}

#[test]
fn routes_lead_to_the_urls_that_are_given_to_graph() {
    let prefix = json("host.json")["extensions"]["http"]["routePrefix"].clone();
    let route = |name: &str| {
        let route = triggers(&definitions()[name])[0]["route"].clone();
        let path = format!("/{}/{}", prefix.as_str().unwrap(), route.as_str().unwrap());
        format!("https://app.example.com{}", path.replace("{fleet}", "prod"))
    };
    let origin = Origin::parse("https://app.example.com").unwrap();
    let fleet = FleetId::parse("prod").unwrap();
    let url = FleetUrl { origin, fleet };
    assert_eq!(route("notifications"), url.notifications());
    assert_eq!(route("lifecycle"), url.lifecycle());
}

/// The internal path of a timer is an ordinary path of the handler: no route may lead there.
#[test]
fn no_route_reaches_an_internal_path_or_shadows_another() {
    let definitions = definitions();
    assert_eq!(
        json("host.json")["extensions"]["http"]["routePrefix"],
        "api"
    );
    assert!(
        !definitions.contains_key("api"),
        "/api would be an internal path"
    );
    for definition in definitions.values() {
        let route = triggers(definition)[0]["route"]
            .as_str()
            .unwrap_or_default();
        assert!(
            !route.contains('*'),
            "{route} takes the paths of other functions"
        );
        assert!(
            !definitions.contains_key("api"),
            "/api would be an internal path"
        );
    }
}

#[test]
fn renew_runs_by_the_setting_and_catches_up_what_it_missed() {
    let timer = value!({ "bindings": [{
        "type": "timerTrigger", "direction": "in", "name": "timer",
        "schedule": "%EVERGRAPH_SCHEDULE%", "runOnStartup": false, "useMonitor": true,
    }]});
    assert_eq!(definitions()["renew"], timer);
}

#[test]
fn the_host_starts_the_handler_and_proxies_to_it() {
    let host = json("host.json");
    assert_eq!(host["version"], "2.0");
    assert_eq!(host["functionTimeout"], "00:10:00");
    assert_eq!(evergraph::compose::FUNCTION_TIMEOUT.as_secs(), 10 * 60);
    let handler = &host["customHandler"];
    assert_eq!(handler["description"]["defaultExecutablePath"], "handler");
    assert_eq!(handler["enableProxyingHttpRequest"], true);
    // The older forwarding loses content headers and cannot tell its own calls from others.
    assert!(handler.get("enableForwardingHttpRequest").is_none());
    let levels = value!({
        "default": "Information", "Host": "Warning", "Function": "Warning",
        "Host.Function.Console": "Information",
    });
    assert_eq!(host["logging"]["logLevel"], levels);
}

/// HTTP and timer triggers are built into the host; every other needs the bundle.
#[test]
fn the_extension_bundle_is_there_exactly_when_a_trigger_needs_it() {
    let definitions = definitions();
    let needs = definitions.values().flat_map(triggers).any(|trigger| {
        !matches!(
            trigger["type"].as_str(),
            Some("httpTrigger" | "timerTrigger")
        )
    });
    assert_eq!(json("host.json").get("extensionBundle").is_some(), needs);
}

#[test]
fn the_schedule_has_the_period_of_the_tick() {
    // `0 */N * * * *`, with N a divisor of an hour: the only form with one period throughout.
    let schedule = default_of("schedule");
    let minutes = schedule
        .strip_prefix("0 */")
        .and_then(|rest| rest.strip_suffix(" * * * *"));
    let minutes: u64 = minutes.unwrap().parse().unwrap();
    assert_eq!(60 % minutes, 0, "{schedule} has an odd step at each hour");
    let tick = evergraph::domain::policy::Policy::default().tick;
    assert_eq!(u64::try_from(tick.as_secs()).unwrap(), minutes * 60);
    assert_eq!(default_of("tick"), "", "the program's own default holds");
}
