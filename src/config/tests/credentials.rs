//! Settings of credentials.

use secrecy::ExposeSecret as _;

use super::*;
use crate::ports::declaration::{CredentialKind, TenantCredential};

#[test]
fn the_cloud_decides_who_issues_tokens() {
    let authority = |graph: &str| {
        let settings = Settings::read(&with(azure(), &[("EVERGRAPH_GRAPH_URL", graph)])).unwrap();
        settings.passes.unwrap().authority.to_string()
    };
    assert_eq!(
        authority("https://graph.microsoft.us/v1.0"),
        "https://login.microsoftonline.us/"
    );
    assert_eq!(
        authority("https://dod-graph.microsoft.us/beta"),
        "https://login.microsoftonline.us/"
    );
    assert_eq!(
        authority("https://microsoftgraph.chinacloudapi.cn/v1.0"),
        "https://login.chinacloudapi.cn/"
    );
    check_problem(
        azure(),
        "EVERGRAPH_GRAPH_URL",
        "https://graph.microsoft.com",
        Effect::NoPasses,
        "/v1.0 or /beta",
    );
    check_problem(
        azure(),
        "EVERGRAPH_AUTHORITY",
        "https://x/tenant",
        Effect::NoPasses,
        "origin alone",
    );
    check_problem(
        azure(),
        "EVERGRAPH_AUTHORITY",
        "http://login.example",
        Effect::NoPasses,
        "only towards loopback",
    );
    let simulated = ("EVERGRAPH_AUTHORITY", "http://127.0.0.1:7080");
    let settings = Settings::read(&with(laptop(), &[simulated])).unwrap();
    let authority = settings.passes.unwrap().authority;
    assert_eq!(authority.as_str(), "http://127.0.0.1:7080/");
}

#[test]
fn a_simulator_may_be_the_authority_where_no_secret_is_sent() {
    let name = "EVERGRAPH_AUTHORITY";
    let simulator = "http://127.0.0.1:8087";
    let source = with(laptop(), &[(name, simulator)]);
    assert!(problems(&source).0.is_empty(), "{}", problems(&source));
    let cli = with(laptop(), &[("EVERGRAPH_CREDENTIAL", "azure-cli")]);
    let refused = |base, value| {
        check_problem(base, name, value, Effect::NoPasses, "");
    };
    refused(cli, simulator);
    refused(laptop(), "http://login.example");
}

#[test]
fn every_credential_says_what_it_lacks() {
    let no = Effect::NoPasses;
    let name = "EVERGRAPH_CREDENTIAL";
    check_problem(
        azure(),
        name,
        "manged-identity",
        no,
        "did you mean \"managed-identity\"?",
    );
    check_problem(
        azure(),
        name,
        "managed-identity-federated",
        no,
        "EVERGRAPH_CLIENT_ID",
    );
    let app = || with(azure(), &[("EVERGRAPH_CLIENT_ID", APP)]);
    check_problem(app(), name, "client-secret", no, "EVERGRAPH_CLIENT_SECRET");
    check_problem(
        app(),
        name,
        "client-certificate",
        no,
        "EVERGRAPH_CLIENT_CERTIFICATE",
    );
    check_problem(
        app(),
        name,
        "workload-identity",
        no,
        "EVERGRAPH_FEDERATED_TOKEN_FILE",
    );
    check_problem(
        azure(),
        "EVERGRAPH_CLIENT_ID",
        "contoso",
        no,
        "a client id is a GUID",
    );
    check_problem(
        azure(),
        "EVERGRAPH_CLIENT_CERTIFICATE",
        "MIIKabc",
        no,
        "PKCS#12",
    );
}

#[test]
fn a_tenant_may_differ_from_the_settings() {
    let source = with(
        azure(),
        &[
            ("EVERGRAPH_CLIENT_SECRET_FABRIKAM", "s3cret"),
            ("EVERGRAPH_CLIENT_ID", APP),
        ],
    );
    let credentials = Settings::read(&source).unwrap().passes.unwrap().credential;
    let own = TenantCredential {
        kind: Some(CredentialKind::ClientSecret),
        client_id: None,
        secret_setting: Some("EVERGRAPH_CLIENT_SECRET_FABRIKAM".into()),
        certificate_setting: None,
    };
    match credentials.credential(Some(&own)) {
        Ok(Credential::ClientSecret { client_id, secret }) => {
            assert_eq!(client_id.as_str(), APP);
            assert_eq!(secret.expose_secret(), "s3cret");
        }
        other => panic!("{other:?}"),
    }
    let missing = TenantCredential {
        secret_setting: Some("EVERGRAPH_CLIENT_SECRET_NONE".into()),
        ..own
    };
    let why = credentials.credential(Some(&missing)).unwrap_err();
    assert!(why.contains("EVERGRAPH_CLIENT_SECRET_NONE"), "{why}");
}
