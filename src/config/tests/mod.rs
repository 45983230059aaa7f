//! Settings, read from maps instead of the environment.

mod credentials;
mod secrets;
mod sinks;
mod whole_table;

use std::collections::BTreeSet;

use super::*;

const KEY: &str = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const APP: &str = "0b7f9c52-2a5c-4a3d-9e6b-6c1d2e3f4a5b";

/// A deployment in Azure with only what must be set.
fn azure() -> BTreeMap<String, String> {
    map(&[
        ("FUNCTIONS_CUSTOMHANDLER_PORT", "7071"),
        ("WEBSITE_HOSTNAME", "contoso.azurewebsites.net"),
        ("WEBSITE_INSTANCE_ID", "5f2b"),
        ("EVERGRAPH_FLEET", "prod-eu"),
        ("EVERGRAPH_CLIENT_STATE_KEYS", KEY),
        (
            "EVERGRAPH_STATE",
            "https://account.blob.core.windows.net/state",
        ),
        ("PATH", "/bin"),
    ])
}

/// A laptop with the simulator.
fn laptop() -> BTreeMap<String, String> {
    map(&[
        ("FUNCTIONS_CUSTOMHANDLER_PORT", "0"),
        ("EVERGRAPH_PUBLIC_URL", "http://127.0.0.1:7071"),
        ("EVERGRAPH_FLEET", "demo"),
        ("EVERGRAPH_CLIENT_STATE_KEYS", KEY),
        ("EVERGRAPH_STATE", "file:/tmp/state"),
        ("EVERGRAPH_GRAPH_URL", "http://127.0.0.1:8087/v1.0/"),
        ("EVERGRAPH_CREDENTIAL", "none"),
        ("EVERGRAPH_CLOCK", "http://127.0.0.1:8087/clock"),
        ("EVERGRAPH_LEASE_S", "1"),
        ("EVERGRAPH_SETTLE", "2s"),
    ])
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

fn with(mut base: BTreeMap<String, String>, pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    base.extend(map(pairs));
    base
}

/// All problems, whatever their effect.
fn problems(source: &BTreeMap<String, String>) -> Problems {
    match Settings::read(source) {
        Ok(settings) => settings.problems,
        Err(problems) => problems,
    }
}

/// One setting is changed in a good deployment: exactly one problem, about it, with its effect.
#[track_caller]
fn check_problem(
    base: BTreeMap<String, String>,
    name: &str,
    value: &str,
    effect: Effect,
    words: &str,
) {
    let found = problems(&with(base, &[(name, value)]));
    assert_eq!(found.0.len(), 1, "{found}");
    assert_eq!(found.0[0].setting, name);
    assert_eq!(found.0[0].effect, effect, "{found}");
    assert!(found.to_string().contains(words), "{found}");
}

#[test]
fn a_deployment_needs_four_settings_and_the_platforms_own() {
    let settings = Settings::read(&azure()).unwrap();
    assert_eq!(settings.problems, Problems::default());
    assert_eq!(settings.log, "info");
    let passes = settings.passes.unwrap();
    assert_eq!(
        passes.home.current.notifications(),
        "https://contoso.azurewebsites.net/api/notifications/prod-eu"
    );
    assert!(passes.production);
    assert_eq!(passes.mode, Mode::Full);
    assert_eq!(passes.tick, SignedDuration::from_mins(5));
    assert_eq!(passes.lease, Duration::from_secs(60));
    assert_eq!(passes.audit_every, SignedDuration::from_hours(1));
    assert_eq!(passes.settle, SignedDuration::from_mins(2));
    assert_eq!(passes.graph.as_str(), "https://graph.microsoft.com/v1.0");
    assert_eq!(
        passes.authority.as_str(),
        "https://login.microsoftonline.com/"
    );
    assert!(matches!(
        passes.credential.credential(None),
        Ok(Credential::ManagedIdentity { client_id: None })
    ));
    assert_eq!(
        passes.subscriptions,
        Some(DeclarationLocation::File("subscriptions.toml".into()))
    );
}

#[test]
fn a_laptop_may_use_files_no_credential_and_the_simulators_clock() {
    let settings = Settings::read(&laptop()).unwrap();
    assert_eq!(settings.problems, Problems::default());
    let passes = settings.passes.unwrap();
    assert!(!passes.production);
    assert_eq!(passes.lease, Duration::from_secs(1));
    assert_eq!(passes.graph.as_str(), "http://127.0.0.1:8087/v1.0");
    assert_eq!(passes.state, StateLocation::Folder("/tmp/state".into()));
    assert!(matches!(passes.clock, ClockChoice::Simulated(_)));
}

#[test]
fn production_refuses_what_is_for_a_laptop() {
    let no = Effect::NoPasses;
    check_problem(
        azure(),
        "EVERGRAPH_STATE",
        "file:/tmp/x",
        no,
        "file: is for a laptop",
    );
    check_problem(
        azure(),
        "EVERGRAPH_CLOCK",
        "http://127.0.0.1:1/",
        no,
        "simulator's clock",
    );
    check_problem(
        azure(),
        "EVERGRAPH_SETTLE",
        "2s",
        Effect::RenewOnly,
        "from 1m to 1h",
    );
    let graph = with(
        azure(),
        &[("EVERGRAPH_GRAPH_URL", "http://127.0.0.1:1/v1.0")],
    );
    check_problem(
        graph,
        "EVERGRAPH_CREDENTIAL",
        "none",
        no,
        "none is accepted only on a laptop",
    );
}

#[test]
fn http_none_and_the_clock_go_towards_loopback_only() {
    let no = Effect::NoPasses;
    check_problem(
        laptop(),
        "EVERGRAPH_CLOCK",
        "https://clock.example",
        no,
        "only on loopback",
    );
    check_problem(
        laptop(),
        "EVERGRAPH_PUBLIC_URL",
        "http://example.com",
        no,
        "must be https",
    );
    check_problem(
        azure(),
        "EVERGRAPH_GRAPH_URL",
        "http://graph.microsoft.com/v1.0",
        no,
        "only towards loopback",
    );
    check_problem(
        azure(),
        "EVERGRAPH_STATE",
        "http://example.com/state",
        no,
        "only towards loopback",
    );
    check_problem(
        azure(),
        "EVERGRAPH_LOG",
        "evergraph=loudly",
        Effect::DefaultUsed,
        "no filter",
    );
    check_problem(
        azure(),
        "EVERGRAPH_HEARTBEAT_URL",
        "ftp://x",
        Effect::DefaultUsed,
        "https://",
    );
    let found = problems(&with(
        laptop(),
        &[("EVERGRAPH_GRAPH_URL", "https://graph.microsoft.com/v1.0")],
    ));
    assert!(
        found
            .to_string()
            .contains("EVERGRAPH_CREDENTIAL: none is accepted only"),
        "{found}"
    );
}

#[test]
fn only_what_the_intake_needs_stops_the_process() {
    let stops = Effect::DoesNotStart;
    for name in [
        "FUNCTIONS_CUSTOMHANDLER_PORT",
        "EVERGRAPH_FLEET",
        "EVERGRAPH_CLIENT_STATE_KEYS",
    ] {
        let found = Settings::read(&with(azure(), &[(name, "")])).unwrap_err();
        assert_eq!(found.0.len(), 1, "{found}");
        assert_eq!(found.0[0].effect, stops);
        assert!(found.to_string().contains("it is not set"), "{found}");
    }
    check_problem(
        azure(),
        "EVERGRAPH_FLEET",
        "Prod",
        stops,
        "\"Prod\" is not a fleet id",
    );
    check_problem(
        azure(),
        "FUNCTIONS_CUSTOMHANDLER_PORT",
        "x",
        stops,
        "from 0 to 65535",
    );
    check_problem(
        azure(),
        "EVERGRAPH_CLIENT_STATE_KEYS",
        "a:c2hvcnQ=",
        stops,
        "at least 32",
    );
    for (name, value) in [
        ("EVERGRAPH_STATE", ""),
        ("EVERGRAPH_CREDENTIAL", "client-secret"),
        ("EVERGRAPH_PUBLIC_URL", "x"),
    ] {
        let settings = Settings::read(&with(azure(), &[(name, value)])).unwrap();
        assert!(settings.passes.is_err(), "{name}");
    }
}

#[test]
fn what_could_mislead_a_pass_makes_it_renew_only() {
    let renew = Effect::RenewOnly;
    check_problem(
        azure(),
        "EVERGRAPH_MODE",
        "Full",
        renew,
        "did you mean \"full\"?",
    );
    check_problem(azure(), "EVERGRAPH_TICK", "5x", renew, "such as 3d");
    check_problem(azure(), "EVERGRAPH_TICK", "2d", renew, "from 1s to 1d");
    check_problem(azure(), "EVERGRAPH_LEASE_S", "14", renew, "from 15 to 60");
    check_problem(laptop(), "EVERGRAPH_LEASE_S", "0", renew, "from 1 to 60");
    check_problem(
        azure(),
        "EVERGRAPH_MDOE",
        "observe",
        renew,
        "did you mean \"EVERGRAPH_MODE\"?",
    );
    check_problem(
        azure(),
        "EVERGRAPH_NONSENSE_OF_MINE",
        "1",
        renew,
        "no such setting",
    );
    check_problem(
        azure(),
        "EVERGRAPH_FORMER_APPS",
        "a b",
        renew,
        "application id",
    );
    check_problem(
        azure(),
        "EVERGRAPH_FORMER_URLS",
        "https://a.example",
        renew,
        "must have the form",
    );
    check_problem(
        azure(),
        "EVERGRAPH_SUBSCRIPTIONS",
        "https://a.example/x",
        renew,
        "names no blob",
    );
    let passes = |pairs| {
        Settings::read(&with(azure(), pairs))
            .unwrap()
            .passes
            .unwrap()
    };
    let misspelt = passes(&[("EVERGRAPH_MDOE", "observe")]);
    assert_eq!(misspelt.mode, Mode::RenewOnly);
    let observed = passes(&[("EVERGRAPH_TICK", "x"), ("EVERGRAPH_MODE", "observe")]);
    assert_eq!(observed.mode, Mode::Observe);
    assert_eq!(
        passes(&[("EVERGRAPH_SUBSCRIPTIONS", "https://x")]).subscriptions,
        None
    );
    assert_eq!(
        passes(&[("EVERGRAPH_LOG", "evergraph=loudly")]).mode,
        Mode::Full
    );
}

#[test]
fn all_problems_are_found_at_once() {
    let source = map(&[
        ("EVERGRAPH_FLEET", "x"),
        ("EVERGRAPH_TICK", "1"),
        ("EVERGRAPH_FLEAT", "y"),
    ]);
    let found = Settings::read(&source).unwrap_err();
    let names: BTreeSet<&str> = found.0.iter().map(|one| one.setting.as_str()).collect();
    let expected = [
        "EVERGRAPH_CLIENT_STATE_KEYS",
        "EVERGRAPH_FLEAT",
        "EVERGRAPH_FLEET",
        "EVERGRAPH_PUBLIC_URL",
        "EVERGRAPH_STATE",
        "EVERGRAPH_TICK",
        "FUNCTIONS_CUSTOMHANDLER_PORT",
    ];
    assert_eq!(names.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn names_that_others_read_are_no_mistakes() {
    for name in [
        "EVERGRAPH_SCHEDULE",
        "EVERGRAPH_HOST_MASTER_KEY",
        "EVERGRAPH_TEST_AZURITE",
    ] {
        assert!(table::is_read_by_others(name), "{name}");
    }
    for name in ["EVERGRAPH_SCHEDULES", "EVERGRAPH_HOST", "EVERGRAPH_TICKS"] {
        assert!(!table::is_read_by_others(name), "{name}");
    }
}
