//! What a declaration means.

use evergraph::domain::ids::TenantId;
use evergraph::domain::notification::roster::Opening;
use evergraph::domain::subscription::{Desired, DesiredSet, Lifetime};
use jiff::SignedDuration;

use super::*;

fn set(text: &str) -> DesiredSet {
    check_good(text, &[]).declared.unwrap().0
}

fn only(text: &str) -> Desired {
    let set = set(text);
    assert_eq!(set.by_key.len(), 1);
    set.by_key.into_values().next().unwrap()
}

#[test]
fn the_least_that_is_needed() {
    let desired = only(&one(
        "name = \"inbox\"\nresource = \"/Users/u1/mailFolders('Inbox')/messages\"\nchange_types = [\"updated\", \"created\"]",
    ));
    assert_eq!(desired.name.as_str(), "inbox");
    assert_eq!(desired.key.tenant, TenantId::parse(TENANT).unwrap());
    assert_eq!(desired.key.resource, "users/u1/mailFolders/inbox/messages");
    assert_eq!(
        desired.resource.as_str(),
        "/Users/u1/mailFolders('Inbox')/messages"
    );
    assert_eq!(desired.key.change_types.to_string(), "created,updated");
    assert_eq!(desired.lifetime, Lifetime::Max);
    assert!(desired.lifecycle);
    assert!(!desired.key.resource_data);
    assert_eq!(desired.key.query_options, None);
}

#[test]
fn resource_data_names_its_certificate_and_what_becomes_of_the_content() {
    let rich = |more: &str| {
        only(&one(&format!(
            "name = \"rich\"\nresource = \"users/u1/messages?$select=subject\"\nchange_types = [\"created\"]\n\
             resource_data = {{ certificate = \"MIIB\", certificate_id = \"2026-09\"{more} }}"
        )))
    };
    let opened = rich("");
    assert!(opened.key.resource_data);
    let certificate = opened.certificate.unwrap();
    assert_eq!(
        (certificate.id.as_str(), certificate.der_base64.as_str()),
        ("2026-09", "MIIB")
    );
    assert_eq!(certificate.opening, Opening::Decrypt);
    let sealed = rich(", decrypt = false");
    assert_eq!(
        sealed.key, opened.key,
        "a change of it changes nothing in Graph"
    );
    assert_eq!(sealed.certificate.unwrap().opening, Opening::PassOn);
}

#[test]
fn defaults_hold_unless_a_subscription_says_otherwise() {
    let text = format!(
        "[defaults]\ntenant = \"a\"\nchange_types = [\"updated\"]\nlifetime = \"1d 12h\"\n\
         [tenants.a]\nid = \"{TENANT}\"\n[tenants.b]\nid = \"{OTHER}\"\n\
         [[subscriptions]]\nname = \"one\"\nresource = \"users\"\n\
         [[subscriptions]]\nname = \"two\"\nresource = \"groups\"\ntenant = \"b\"\nlifetime = \"max\"\nchange_types = [\"deleted\"]\n"
    );
    let set = set(&text);
    let by_name = |name: &str| {
        set.by_key
            .values()
            .find(|one| one.name.as_str() == name)
            .unwrap()
    };
    let (one, two) = (by_name("one"), by_name("two"));
    assert_eq!(one.key.tenant.as_str(), TENANT);
    assert_eq!(
        one.lifetime,
        Lifetime::Exactly(SignedDuration::from_hours(36))
    );
    assert_eq!(one.key.change_types.to_string(), "updated");
    assert_eq!(two.key.tenant.as_str(), OTHER);
    assert_eq!(two.lifetime, Lifetime::Max);
    assert_eq!(two.key.change_types.to_string(), "deleted");
}

#[test]
fn layout_order_and_comments_do_not_change_the_hash_but_wishes_do() {
    let a = "name = \"a\"\nresource = \"users\"\nchange_types = [\"updated\"]";
    let b = "name = \"b\"\nresource = \"groups\"\nchange_types = [\"updated\", \"deleted\"]";
    let b_again =
        "# same\nchange_types = [ \"deleted\",\n  \"updated\" ]\nresource = 'groups'\nname = 'b'";
    let hash = set(&several(&[a, b])).hash;
    assert_eq!(hash, set(&several(&[b_again, a])).hash);
    assert_ne!(hash, set(&several(&[a])).hash);
    assert_ne!(
        hash,
        set(&several(&[a, &format!("{b}\nlifetime = \"1d\"")])).hash
    );
}

#[test]
fn a_tenants_own_credential_names_settings_and_no_secrets() {
    let text = format!(
        "[tenants.t]\nid = \"{TENANT}\"\ncredential = \"client-secret\"\nclient_id = \"{OTHER}\"\n\
         secret_setting = \"EVERGRAPH_CLIENT_SECRET_T\"\n\
         [[subscriptions]]\nname = \"a\"\nresource = \"users\"\nchange_types = [\"updated\"]\n"
    );
    let tenants = check_good(&text, &[]).declared.unwrap().1;
    let own = tenants[0].credential.as_ref().unwrap();
    assert_eq!(own.kind.map(|kind| kind.as_str()), Some("client-secret"));
    assert_eq!(own.client_id.as_ref().map(|id| id.as_str()), Some(OTHER));
    assert_eq!(
        own.secret_setting.as_deref(),
        Some("EVERGRAPH_CLIENT_SECRET_T")
    );
}

#[test]
fn query_options_are_part_of_the_key() {
    let health = "name = \"h\"\nresource = \"reports/healthmonitoring/alert\"\nchange_types = [\"updated\"]\n\
                  query_options = \"$filter=alertType eq 'x'\"";
    let desired = only(&one(health));
    assert_eq!(
        desired.key.query_options.as_deref(),
        Some("$filter=alertType eq 'x'")
    );
}

#[test]
fn an_empty_declaration_is_good_and_says_so() {
    check_good("", &["empty"]);
    check_good("subscriptions = []", &["empty"]);
}

#[test]
fn what_graph_accepts_but_may_surprise_is_a_warning() {
    let warned = |lines: &str, codes: &[&str]| {
        check_good(&one(&format!("name = \"a\"\n{lines}")), codes);
    };
    let up = "change_types = [\"updated\"]";
    warned(
        &format!("resource = \"me/messages\"\n{up}"),
        &["signed-in-user-only"],
    );
    warned(
        &format!("resource = \"communications/presences/x\"\n{up}"),
        &["signed-in-user-only"],
    );
    warned(
        &format!("resource = \"users/x/memberOf\"\n{up}"),
        &["unknown-kind"],
    );
    warned(
        &format!("resource = \"solutions/virtualEvents/webinars/x\"\n{up}"),
        &["undocumented"],
    );
    warned(
        &format!("resource = \"users/x/drive/root:/a\"\n{up}"),
        &["drive-root"],
    );
    warned(
        &format!("resource = \"users/x/events\"\n{up}\nlifetime = \"10070m\""),
        &["lifetime-near-limit"],
    );
    warned(
        &format!("resource = \"users/x/events\"\n{up}\nlifetime = \"10m\""),
        &["lifetime-raised"],
    );
    warned(
        &format!("resource = \"users/x/events\"\n{up}\nlifecycle = false"),
        &["lifecycle-off"],
    );
    warned(
        &format!("resource = \"users/x/events\"\n{up}\nquery_options = \"$filter=a\""),
        &["query-options"],
    );
    warned(
        &format!(
            "resource = \"appCatalogs/teamsApps/x/installedToOnlineMeetings/getAllRecordings\"\n{up}"
        ),
        &["beta-only"],
    );
    // Within an hour, Teams resources need no lifecycle URL.
    warned(
        &format!("resource = \"chats/getAllMessages\"\n{up}\nlifecycle = false\nlifetime = \"1h\""),
        &["lifecycle-off"],
    );
}

#[test]
fn the_target_decides_about_beta_paths_and_clouds() {
    let text = one(
        "name = \"a\"\nresource = \"users/x/todo/lists/y/tasks\"\nchange_types = [\"updated\"]",
    );
    let codes =
        |target| -> Vec<&str> { read(&text, target).warnings().map(|one| one.code).collect() };
    assert!(codes(Target::global()).is_empty());
    let national = Target {
        national_cloud: true,
        ..Target::global()
    };
    assert_eq!(codes(national), ["global-cloud-only"]);
}

#[test]
fn an_unused_tenant_is_a_slip_worth_a_warning() {
    let text = format!(
        "[defaults]\ntenant = \"a\"\n[tenants.a]\nid = \"{TENANT}\"\n[tenants.b]\nid = \"{OTHER}\"\n\
         [[subscriptions]]\nname = \"one\"\nresource = \"users\"\nchange_types = [\"updated\"]\n"
    );
    check_good(&text, &["unused-tenant"]);
}

#[test]
fn quotas_are_counted_over_the_declaration() {
    // 1,000 subscriptions per mailbox, over all Outlook types.
    let outlook = |count: usize| {
        let lines: Vec<String> = (0..count)
            .map(|n| {
                let path = if n % 2 == 0 {
                    format!("mailFolders/f{n}/messages")
                } else {
                    format!("contactFolders/f{n}/contacts")
                };
                format!(
                    "name = \"s{n}\"\nresource = \"users/u/{path}\"\nchange_types = [\"updated\"]"
                )
            })
            .collect();
        several(&lines.iter().map(String::as_str).collect::<Vec<_>>())
    };
    check_good(&outlook(899), &[]);
    check_good(&outlook(900), &["quota-near"]);
    let over = check_good(&outlook(1_001), &["quota"]);
    let warning = over.warnings().next().unwrap();
    assert!(
        warning
            .message
            .contains("1,001 subscriptions are declared for the mailbox u"),
        "{warning:?}"
    );
    assert_eq!(warning.key, "subscriptions[1000]");
}

#[test]
fn a_teams_resource_takes_one_subscription() {
    let chat = |name: &str, change: &str| {
        format!("name = \"{name}\"\nresource = \"chats/c/messages\"\nchange_types = [\"{change}\"]")
    };
    check_good(
        &several(&[&chat("a", "created"), &chat("b", "updated")]),
        &["quota"],
    );
    check_good(&several(&[&chat("a", "created")]), &[]);
}

#[test]
fn the_decision_behind_it_is_its_own_or_that_of_the_defaults() {
    let text = format!(
        "[defaults]\nbecause = \"the meeting of 3 March\"\nchange_types = [\"updated\"]\n\n\
         [tenants.t]\nid = \"{TENANT}\"\n\n\
         [[subscriptions]]\nname = \"a\"\nresource = \"users\"\n\
         because = \" https://tickets.example.com/1 \"\n\n\
         [[subscriptions]]\nname = \"b\"\nresource = \"groups\"\n"
    );
    let set = set(&text);
    let mut told: Vec<_> = set
        .by_key
        .values()
        .map(|one| (one.name.as_str(), one.because.as_deref().unwrap()))
        .collect();
    told.sort_unstable();
    let ticket = "https://tickets.example.com/1";
    let meeting = "the meeting of 3 March";
    assert_eq!(told, [("a", ticket), ("b", meeting)]);
    assert_eq!(set.because.as_deref(), Some(meeting));
}
