//! What is refused, where, and with which advice.

use super::*;

const GOOD: &str = "name = \"a\"\nresource = \"users\"\nchange_types = [\"updated\"]";

#[test]
fn text_that_is_no_toml_is_refused_with_every_place() {
    let reading = reading("[tenants.t\nid = \n\n[[subscriptions]]\nname == 3\n");
    let lines: Vec<usize> = reading
        .errors()
        .map(|e| e.place.as_ref().unwrap().line)
        .collect();
    assert!(
        lines.len() >= 2 && lines.contains(&5),
        "{}",
        words(&reading)
    );
    assert!(reading.errors().all(|one| one.code == "no-toml"));
    check_error("a = 1\na = 2\n", "no-toml", 2, "duplicate key");
}

#[test]
fn unknown_keys_are_refused_with_a_guess_and_the_allowed_ones() {
    let key = check_error(
        &one(&format!("{GOOD}\nlifetme = \"3d\"")),
        "unknown-key",
        8,
        "did you mean \"lifetime\"?",
    );
    assert_eq!(key.key, "subscriptions[0].lifetme");
    assert!(
        key.help
            .unwrap()
            .contains("allowed here: name, tenant, resource")
    );
    check_error(
        &format!("{}\n[default]\n", one(GOOD)),
        "unknown-key",
        9,
        "did you mean \"defaults\"?",
    );
    check_error(
        "[tenants.t]\nid = \"84bd8158-6d4d-4958-8b9f-9d6445542f95\"\nname = \"x\"",
        "unknown-key",
        3,
        "allowed here: id",
    );
    check_error(
        "[defaults]\nresource = \"x\"",
        "unknown-key",
        2,
        "allowed here: tenant",
    );
}

#[test]
fn values_of_the_wrong_type_are_refused_with_the_right_form() {
    check_error(
        &one("name = \"a\"\nresource = 3\nchange_types = [\"updated\"]"),
        "wrong-type",
        6,
        "a Graph path in quotes",
    );
    check_error(
        &one(&format!("{GOOD}\nlifecycle = \"yes\"")),
        "wrong-type",
        8,
        "true or false",
    );
    check_error(
        &one(&format!("{GOOD}\nlifetime = 3")),
        "wrong-type",
        8,
        "\"3d\"",
    );
    check_error(
        &one(&format!("{GOOD}\nresource_data = true")),
        "wrong-type",
        8,
        "or leave it away",
    );
    check_error("subscriptions = 1", "wrong-type", 1, "[[subscriptions]]");
    check_error("tenants = []", "wrong-type", 1, "[tenants.contoso]");
    check_error("[tenants]\nt = \"x\"", "wrong-type", 2, "[tenants.contoso]");
    check_error("defaults = 1", "wrong-type", 1, "[defaults]");
    check_error("subscriptions = [1]", "wrong-type", 1, "[[subscriptions]]");
}

#[test]
fn what_must_be_there_is_missed_at_its_table() {
    check_error(
        &one("resource = \"users\"\nchange_types = [\"updated\"]"),
        "missing-key",
        4,
        "subscriptions[0].name",
    );
    check_error(
        &one("name = \"a\"\nchange_types = [\"updated\"]"),
        "missing-key",
        4,
        "subscriptions[0].resource",
    );
    check_error(
        &one("name = \"a\"\nresource = \"users\""),
        "missing-key",
        4,
        "with some of: updated,deleted",
    );
    check_error("[tenants.t]\n", "missing-key", 1, "tenants.t.id");
}

#[test]
fn a_subscription_belongs_to_a_known_tenant() {
    check_error(
        &one(&format!("{GOOD}\ntenant = \"u\"")),
        "unknown-tenant",
        8,
        "allowed: t",
    );
    check_error(
        &format!("[[subscriptions]]\n{GOOD}"),
        "missing-key",
        1,
        "declare one as a table [tenants.NAME]",
    );
    let two = format!("[tenants.b]\nid = \"{OTHER}\"\n{}", one(GOOD));
    check_error(
        &two,
        "missing-key",
        6,
        "name one of b, t, here or under defaults",
    );
    // A tenant whose own table is wrong is known all the same: one error, not two.
    let text =
        format!("[tenants.t]\nid = \"contoso.com\"\n[[subscriptions]]\n{GOOD}\ntenant = \"t\"");
    check_error(&text, "bad-value", 2, "is not a tenant id");
    let twice = format!(
        "[tenants.b]\nid = \"{TENANT}\"\n{}\ntenant = \"t\"",
        one(GOOD)
    );
    check_error(&twice, "tenant-twice", 3, "have the same id");
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    let text = format!("[tenants.t]\nid = \"{TENANT}\"\nsecret_setting = \"hunter2\"");
    let error = check_error(&text, "bad-value", 3, "EVERGRAPH_CLIENT_SECRET_…");
    assert!(!format!("{error:?}").contains("hunter2"));
    let text = format!(
        "[tenants.t]\nid = \"{TENANT}\"\ncredential = \"azure-cli\"\nsecret_setting = \"EVERGRAPH_CLIENT_SECRET_T\""
    );
    check_error(
        &text,
        "bad-value",
        4,
        "goes with credential = \"client-secret\" only",
    );
    let text = format!("[tenants.t]\nid = \"{TENANT}\"\ncredential = \"none\"");
    check_error(&text, "bad-value", 3, "allowed: managed-identity");
    let text = format!("[tenants.t]\nid = \"{TENANT}\"\nclient_id = \"my app\"");
    check_error(&text, "bad-value", 3, "no client id");
}

#[test]
fn resources_are_paths_of_graph() {
    let with = |resource: &str| {
        one(&format!(
            "name = \"a\"\nresource = \"{resource}\"\nchange_types = [\"updated\"]"
        ))
    };
    check_error(
        &with("https://graph.microsoft.com/v1.0/users"),
        "bad-resource",
        6,
        "not an absolute URL",
    );
    check_error(
        &with("users/{id}/messages"),
        "bad-resource",
        6,
        "placeholder",
    );
    check_error(&with(""), "bad-resource", 6, "must not be empty");
}

#[test]
fn change_types_are_those_that_graph_reports_for_the_kind() {
    let with = |resource: &str, changes: &str| {
        one(&format!(
            "name = \"a\"\nresource = \"{resource}\"\nchange_types = {changes}"
        ))
    };
    check_error(
        &with("users", "[\"created\"]"),
        "change-type",
        7,
        "does not report created for user; allowed: updated,deleted",
    );
    check_error(
        &with("drives/d/root", "[\"updated\", \"deleted\"]"),
        "change-type",
        7,
        "allowed: updated",
    );
    check_error(
        &with("sites/s/lists/l", "[\"created\", \"deleted\"]"),
        "change-type",
        7,
        "created and deleted for list",
    );
    check_error(
        &with("communications/presences/p", "[\"deleted\"]"),
        "change-type",
        7,
        "allowed: updated",
    );
    check_error(
        &with("users", "[\"updatd\"]"),
        "bad-value",
        7,
        "did you mean \"updated\"?",
    );
    check_error(&with("users", "[]"), "bad-value", 7, "no change type");
    let inherited = format!(
        "[defaults]\nchange_types = [\"created\"]\n{}",
        one("name = \"a\"\nresource = \"users\"")
    );
    check_error(&inherited, "change-type", 6, "allowed: updated,deleted");
}

#[test]
fn lifetimes_are_lengths_within_what_graph_allows() {
    let with = |resource: &str, lifetime: &str| {
        one(&format!(
            "name = \"a\"\nresource = \"{resource}\"\nchange_types = [\"updated\"]\nlifetime = \"{lifetime}\""
        ))
    };
    check_error(
        &with("users/u/events", "8d"),
        "lifetime-too-long",
        8,
        "at most 7d (10,080 minutes); \"max\" asks for 10,060 minutes",
    );
    check_error(
        &with("users", "30d"),
        "lifetime-too-long",
        8,
        "at most 29d (41,760 minutes)",
    );
    check_error(
        &with("chats/c/messages", "4d"),
        "lifetime-too-long",
        8,
        "at most 3d (4,320 minutes)",
    );
    check_error(
        &with("teams/t/schedule/shifts", "7h"),
        "lifetime-too-long",
        8,
        "at most 6h (360 minutes)",
    );
    check_error(
        &with("users", "3 days"),
        "bad-value",
        8,
        "such as 3d, 90m or 1d 12h",
    );
    check_error(
        &with("users", "0s"),
        "bad-value",
        8,
        "a lifetime of nothing",
    );
    check_error(&with("users", "Max"), "bad-value", 8, "write \"max\"");
    check_error(
        "[defaults]\nlifetime = \"long\"",
        "bad-value",
        2,
        "defaults.lifetime",
    );
}

#[test]
fn teams_beyond_an_hour_need_lifecycle_events() {
    let chat = "name = \"a\"\nresource = \"chats/getAllMessages\"\nchange_types = [\"created\"]\nlifecycle = false";
    check_error(
        &one(chat),
        "lifecycle-needed",
        8,
        "lives longer than an hour",
    );
    check_error(
        &one(&format!("{chat}\nlifetime = \"61m\"")),
        "lifecycle-needed",
        8,
        "\"1h\" or less",
    );
}

#[test]
fn resource_data_has_rules_of_its_own() {
    let rich = |resource: &str| {
        one(&format!(
            "name = \"a\"\nresource = \"{resource}\"\nchange_types = [\"updated\"]\nresource_data = {{ certificate = \"MIIB\", certificate_id = \"1\" }}"
        ))
    };
    let codes = |resource: &str| -> Vec<&str> {
        reading(&rich(resource))
            .errors()
            .map(|one| one.code)
            .collect()
    };
    assert_eq!(codes("users/u/messages?$select=subject"), [""; 0]);
    assert_eq!(codes("users/u/messages"), ["select"]);
    assert_eq!(
        codes("users/u/messages?$select=subject&$top=3"),
        ["refused-option"]
    );
    assert_eq!(codes("users"), ["no-resource-data"]);
    assert_eq!(codes("chats/c/messages?$select=id"), ["select"]);
    let path = rich("users/u/messages?$select=subject").replace("MIIB", "c.pem");
    check_error(&path, "bad-value", 8, "PEM");
    let incomplete = one(&format!("{GOOD}\nresource_data = {{ }}"));
    let errors = reading(&incomplete);
    assert_eq!(
        errors
            .errors()
            .filter(|one| one.code == "missing-key")
            .count(),
        2,
        "{}",
        words(&errors)
    );
}

#[test]
fn two_names_for_one_key_are_refused_whatever_the_spelling() {
    let a = "name = \"a\"\nresource = \"users/u/mailFolders('inbox')/messages\"\nchange_types = [\"created\", \"updated\"]";
    let b = "name = \"b\"\nresource = \"/Users/u/mailFolders/Inbox/messages\"\nchange_types = [\"updated\", \"created\"]";
    let error = check_error(
        &several(&[a, b]),
        "key-twice",
        11,
        "\"a\" and \"b\" are one subscription",
    );
    assert_eq!(error.key, "subscriptions[1]");
    let other = b.replace("Users/u/", "Users/U/");
    check_good(&several(&[a, &other]), &[]);
}

#[test]
fn one_name_for_two_subscriptions_is_refused() {
    let b = "name = \"a\"\nresource = \"groups\"\nchange_types = [\"updated\"]";
    check_error(
        &several(&[GOOD, b]),
        "name-twice",
        10,
        "subscriptions[0] has the name \"a\" too",
    );
    check_error(
        &one("name = \"a b\"\nresource = \"users\"\nchange_types = [\"updated\"]"),
        "bad-value",
        5,
        "letters, digits",
    );
}

#[test]
fn a_decision_is_one_line_that_says_something() {
    for text in ["\"\"", "\"  \"", "\"two\\nlines\""] {
        let key = check_error(
            &one(&format!("{GOOD}\nbecause = {text}")),
            "bad-value",
            8,
            "empty, too long, or more than one line",
        );
        assert_eq!(key.key, "subscriptions[0].because");
    }
    let long = format!("[defaults]\nbecause = \"{}\"", "x".repeat(301));
    check_error(&long, "bad-value", 2, "too long");
}
