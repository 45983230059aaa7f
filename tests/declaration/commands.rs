//! The commands `check`, `schema` and `settings`, as processes.

use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

fn evergraph(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_evergraph"))
        .args(args)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Runs `check` on a text in a file named `s.toml`.
fn check(text: &str, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.toml");
    std::fs::write(&path, text).unwrap();
    evergraph(&[&["check", path.to_str().unwrap()], more].concat())
}

#[test]
fn the_example_passes_without_a_warning_and_tells_its_permissions() {
    let output = evergraph(&["check", "subscriptions.example.toml", "--deny-warnings"]);
    let text = stdout(&output);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("good: 5 subscriptions in 2 tenants (0 errors, 0 warnings)"),
        "{text}"
    );
    assert!(
        text.contains("Mail.Read  810c84a8-4a9e-49e6-bf7d-12d183f40d01"),
        "{text}"
    );
    assert!(text.contains("6d 23h 40m"), "{text}");
}

#[test]
fn a_broken_file_ends_with_one_and_names_every_place() {
    let text =
        one("name = \"a\"\nresource = \"users\"\nchange_types = [\"created\"]\nlifetme = \"1d\"");
    let output = check(&text, &[]);
    let shown = stdout(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        shown.contains("s.toml:7:16: error[change-type]: subscriptions[0].change_types: "),
        "{shown}"
    );
    assert!(
        shown.contains("s.toml:8:1: error[unknown-key]: subscriptions[0].lifetme: "),
        "{shown}"
    );
    assert!(
        shown.contains("  help: did you mean \"lifetime\"?"),
        "{shown}"
    );
    assert!(
        shown.contains("cannot be used (2 errors, 0 warnings)"),
        "{shown}"
    );
}

#[test]
fn warnings_fail_only_on_request() {
    let text = one("name = \"a\"\nresource = \"me/messages\"\nchange_types = [\"created\"]");
    assert_eq!(check(&text, &[]).status.code(), Some(0));
    assert_eq!(check(&text, &["--deny-warnings"]).status.code(), Some(1));
}

#[test]
fn programs_get_json() {
    let good = one("name = \"a\"\nresource = \"Users/u/events\"\nchange_types = [\"created\"]");
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&check(&good, &["--output", "json"]))).unwrap();
    assert_eq!(json["usable"], true);
    assert_eq!(json["subscriptions"][0]["resource"], "users/u/events");
    assert_eq!(json["subscriptions"][0]["lifetimeMinutes"], 10_060);
    assert_eq!(json["permissions"][0]["name"], "Calendars.Read");
    let output = check("x = 1", &["--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(json["usable"], false);
    assert_eq!(json["diagnostics"][0]["code"], "unknown-key");
    assert_eq!(json["diagnostics"][0]["line"], 1);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let output = evergraph(&["check", "no-such-file.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("no-such-file.toml could not be read")
    );
}

#[test]
fn the_reference_of_settings_in_the_documentation_is_the_generated_one() {
    let generated = evergraph::config::reference();
    let written = std::fs::read_to_string("docs/settings.md").unwrap();
    assert!(
        generated == written,
        "docs/settings.md is stale: run `cargo run -- settings > docs/settings.md`"
    );
    assert_eq!(stdout(&evergraph(&["settings"])), generated);
}

#[test]
fn the_schema_is_printed_as_it_is_generated() {
    let printed: serde_json::Value =
        serde_json::from_str(&stdout(&evergraph(&["schema"]))).unwrap();
    assert_eq!(printed, evergraph::adapters::declaration::schema());
}

/// A declaration with resource data for the certificate `2026-09`, in a folder with its key.
fn sealed(folder: &std::path::Path) -> std::path::PathBuf {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    std::fs::write(folder.join("k.pem"), key.serialize_pem()).unwrap();
    let der = STANDARD.encode(certificate.der());
    let text = one(&format!(
        "name = \"a\"\nresource = \"users/u/messages?$select=subject\"\nchange_types = [\"created\"]\n\
         resource_data = {{ certificate = \"{der}\", certificate_id = \"2026-09\" }}",
    ));
    let path = folder.join("s.toml");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn declared_certificates_are_compared_with_the_private_keys_of_the_setting() {
    let folder = tempfile::tempdir().unwrap();
    let path = sealed(folder.path());
    let key = folder.path().join("k.pem");
    let run = |setting: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_evergraph"))
            .args(["check", path.to_str().unwrap(), "--deny-warnings"])
            .env("EVERGRAPH_DECRYPTION_KEYS", setting)
            .output()
            .unwrap();
        (output.status.code(), stdout(&output))
    };
    let vault = "https://contoso.vault.azure.net/secrets/graph";
    for good in [
        String::new(),
        format!("2026-09={}", key.display()),
        format!("2026-09={vault}"),
    ] {
        let (code, shown) = run(&good);
        assert_eq!(code, Some(0), "{good}: {shown}");
    }
    for (bad, word) in [
        (format!("2026-03={}", key.display()), "key-missing"),
        (format!("*={vault}"), "key-missing"),
        ("2026-09=/nowhere.pem".to_owned(), "key-unusable"),
        ("hunter2".to_owned(), "[keys]"),
    ] {
        let (code, shown) = run(&bad);
        assert_eq!(code, Some(1), "{bad}: {shown}");
        assert!(shown.contains(word), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
