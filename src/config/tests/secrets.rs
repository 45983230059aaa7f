//! Secrets in settings are never repeated.

use super::*;

#[test]
fn an_unresolved_key_vault_reference_is_no_value() {
    let reference = "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/hunter2)";
    for row in SETTINGS.iter().filter(|row| !row.name.ends_with('*')) {
        let found = problems(&with(azure(), &[(row.name, reference)]));
        let read = found.0.iter().any(|one| one.setting == row.name);
        let optional = [
            "WEBSITE_INSTANCE_ID",
            "WEBSITE_HOSTNAME",
            "AZURE_FEDERATED_TOKEN_FILE",
        ];
        assert!(read || optional.contains(&row.name), "{}", row.name);
        assert!(!found.to_string().contains("hunter2"), "{found}");
    }
    check_problem(
        azure(),
        "EVERGRAPH_CLIENT_SECRET_X",
        reference,
        Effect::NoToken,
        "could not resolve",
    );
}

#[test]
fn no_problem_and_no_debug_form_shows_a_secret() {
    for row in SETTINGS.iter().filter(|row| row.secret) {
        let name = row.name.replace('*', "X");
        for value in [
            "hunter2",
            "https://hunter2@x/?sig=hunter2",
            "a:hunter2",
            "-----BEGIN hunter2",
        ] {
            let source = with(azure(), &[(&name, value)]);
            let shown = format!("{:?} {}", Settings::read(&source), problems(&source));
            let is_path = row.example.contains(".pem") || row.name == "EVERGRAPH_SUBSCRIPTIONS";
            if is_path && !value.contains("://") {
                continue; // the path of a file, which is no secret
            }
            assert!(!shown.contains("hunter2"), "{name}: {shown}");
        }
    }
    let sas = "https://account.blob.core.windows.net/state?sig=hunter2";
    let settings = Settings::read(&with(azure(), &[("EVERGRAPH_STATE", sas)])).unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
    let StateLocation::Container(url) = settings.passes.unwrap().state else {
        panic!("a container is expected");
    };
    assert_eq!(
        url.without_query(),
        "https://account.blob.core.windows.net/state"
    );
    assert!(url.expose().query().unwrap().contains("hunter2"));
}

#[test]
fn one_tenants_broken_secret_stops_no_other_tenant() {
    let reference = "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/x)";
    let source = with(azure(), &[("EVERGRAPH_CLIENT_SECRET_X", reference)]);
    let passes = Settings::read(&source).unwrap().passes.unwrap();
    assert_eq!(passes.mode, Mode::Full);
    assert!(passes.credential.named_secrets.is_empty());
}
