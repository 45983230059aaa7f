//! The token flows against a pretended authority. azure_identity accepts https authorities
//! only, so requests take a detour: whatever they are for, they go to a server on this machine.

use std::sync::{Arc, Mutex};

use azure_core::http::{AsyncRawResponse, HttpClient, Request, Transport};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use httpmock::prelude::*;
use serde_json::{Value, json};
use url::Url;

use super::assertion::tests::certificate;
use super::*;
use crate::domain::conflict::{RetryAfter, parse_retry_after};
use crate::domain::ids::AppId;

const APP: &str = "24d3b144-21ae-4080-943f-7067b395b913";
const TENANT: &str = "84bd8158-6d4d-4958-8b9f-9d6445542f95";
const GRAPH: &str = "https://graph.microsoft.com/v1.0";

fn tenant() -> TenantId {
    TenantId::parse(TENANT).unwrap()
}

fn token_place() -> String {
    format!("/{TENANT}/oauth2/v2.0/token")
}

/// Carries every request to `port` of this machine and remembers which host it was for.
#[derive(Debug)]
struct Detour {
    port: u16,
    hosts: Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl HttpClient for Detour {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut request = request.clone();
        let host = request.url().origin().ascii_serialization();
        self.hosts.lock().unwrap().push(host);
        let url = request.url_mut();
        url.set_scheme("http").unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.port)).unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.execute_request(&request).await
    }
}

struct World {
    server: MockServer,
    detour: Arc<Detour>,
}

impl World {
    async fn new() -> Self {
        let server = MockServer::start_async().await;
        let detour = Arc::new(Detour {
            port: server.port(),
            hosts: Mutex::default(),
        });
        Self { server, detour }
    }

    fn tokens_for(&self, graph: &str, config: CredentialConfig) -> EntraTokens {
        let mut options = IdentityOptions::new(Url::parse(graph).unwrap());
        options.transport = Some(Transport::new(self.detour.clone()));
        EntraTokens::new(options, config).unwrap()
    }

    fn tokens(&self, config: CredentialConfig) -> EntraTokens {
        self.tokens_for(GRAPH, config)
    }
}

fn jwt(tenant: &str) -> String {
    let payload = json!({ "appid": APP, "tid": tenant, "roles": ["Mail.Read"] });
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload.to_string()))
}

fn answer() -> Value {
    json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": jwt(TENANT) })
}

fn secret() -> CredentialConfig {
    CredentialConfig::ClientSecret {
        client_id: APP.into(),
        secret: "hunter2".into(),
    }
}

async fn check_token(tokens: &EntraTokens) {
    let token = tokens.token(&tenant()).await.unwrap();
    assert_eq!(token.expose(), jwt(TENANT));
    assert_eq!(token.claims().application, AppId::parse(APP).unwrap());
    assert_eq!(token.claims().roles, ["Mail.Read"]);
}

#[tokio::test]
async fn a_client_secret_buys_one_token_for_all_who_wait() {
    let world = World::new().await;
    let mock = world.server.mock(|when, then| {
        when.method(POST)
            .path(token_place())
            .form_urlencoded_tuple("grant_type", "client_credentials")
            .form_urlencoded_tuple("client_id", APP)
            .form_urlencoded_tuple("client_secret", "hunter2")
            .form_urlencoded_tuple("scope", "https://graph.microsoft.com/.default");
        then.status(200).json_body(answer());
    });
    let tokens = world.tokens(secret());
    futures::future::join_all((0..5).map(|_| check_token(&tokens))).await;
    check_token(&tokens).await;
    assert_eq!(mock.calls_async().await, 1);
    let hosts = world.detour.hosts.lock().unwrap().clone();
    assert_eq!(hosts, ["https://login.microsoftonline.com"]);
}

#[tokio::test]
async fn each_cloud_asks_its_own_authority() {
    let world = World::new().await;
    world.server.mock(|when, then| {
        when.form_urlencoded_tuple("scope", "https://graph.microsoft.us/.default");
        then.status(200).json_body(answer());
    });
    check_token(&world.tokens_for("https://graph.microsoft.us/v1.0", secret())).await;
    let hosts = world.detour.hosts.lock().unwrap().clone();
    assert_eq!(hosts, ["https://login.microsoftonline.us"]);
}

#[tokio::test]
async fn a_certificate_signs_for_its_application() {
    let world = World::new().await;
    let mock = world.server.mock(|when, then| {
        when.method(POST)
            .path(token_place())
            .form_urlencoded_tuple("client_id", APP)
            .form_urlencoded_tuple(
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            )
            .form_urlencoded_tuple_exists("client_assertion");
        then.status(200).json_body(answer());
    });
    let (_, pem) = certificate();
    let tokens = world.tokens(CredentialConfig::ClientCertificate {
        client_id: APP.into(),
        pem: pem.into(),
    });
    check_token(&tokens).await;
    assert_eq!(mock.calls_async().await, 1);
}

#[tokio::test]
async fn a_token_file_vouches_for_its_application() {
    let world = World::new().await;
    let mock = world.server.mock(|when, then| {
        when.path(token_place())
            .form_urlencoded_tuple("client_assertion", "from-the-file");
        then.status(200).json_body(answer());
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let config = CredentialConfig::WorkloadIdentity {
        client_id: APP.into(),
        token_file: file.clone(),
    };
    let tokens = world.tokens(config);
    let missing = tokens.token(&tenant()).await.unwrap_err();
    assert!(matches!(missing, TokenError::Denied { .. }), "{missing}");
    std::fs::write(&file, "from-the-file").unwrap();
    check_token(&tokens).await;
    assert_eq!(mock.calls_async().await, 1);
}

fn identity_answer(token: &str) -> Value {
    json!({
        "access_token": token, "expires_on": "4102444800",
        "resource": "x", "token_type": "Bearer",
    })
}

#[tokio::test]
async fn a_managed_identity_asks_its_machine() {
    let world = World::new().await;
    let mock = world.server.mock(|when, then| {
        when.method(GET)
            .query_param("resource", "https://graph.microsoft.com")
            .query_param("client_id", "identity-1")
            .header("metadata", "true");
        then.status(200).json_body(identity_answer(&jwt(TENANT)));
    });
    let tokens = world.tokens(CredentialConfig::ManagedIdentity {
        client_id: Some("identity-1".into()),
    });
    check_token(&tokens).await;
    check_token(&tokens).await;
    assert_eq!(mock.calls_async().await, 1);
}

#[tokio::test]
async fn a_managed_identity_vouches_for_an_application_elsewhere() {
    let world = World::new().await;
    let identity = world.server.mock(|when, then| {
        when.method(GET)
            .query_param("resource", "api://AzureADTokenExchange");
        then.status(200).json_body(identity_answer("voucher"));
    });
    let exchange = world.server.mock(|when, then| {
        when.method(POST)
            .path(token_place())
            .form_urlencoded_tuple("client_id", APP)
            .form_urlencoded_tuple("client_assertion", "voucher");
        then.status(200).json_body(answer());
    });
    let tokens = world.tokens(CredentialConfig::ManagedIdentityFederated {
        client_id: APP.into(),
        identity_client_id: None,
    });
    check_token(&tokens).await;
    assert_eq!(identity.calls_async().await, 1);
    assert_eq!(exchange.calls_async().await, 1);
}

/// One answer of the authority, asked once, and what it comes to.
async fn fault_of(status: u16, retry_after: &str, body: Value) -> TokenError {
    let world = World::new().await;
    let mock = world.server.mock(|_, then| {
        then.status(status)
            .header("retry-after", retry_after)
            .json_body(body);
    });
    let fault = world.tokens(secret()).token(&tenant()).await.unwrap_err();
    assert_eq!(mock.calls_async().await, 1, "{status}: nothing is retried");
    fault
}

#[tokio::test]
async fn a_wrong_secret_is_denied_with_the_authoritys_words() {
    let body = json!({
        "error": "invalid_client", "error_codes": [7000215],
        "error_description": "AADSTS7000215: Invalid client secret provided.",
    });
    let fault = fault_of(401, "1", body).await;
    let TokenError::Denied { why } = fault else {
        panic!("{fault:?}")
    };
    assert!(why.contains("AADSTS7000215") && why.contains("client-secret"));
    assert!(!why.contains("hunter2"));
}

#[tokio::test]
async fn an_overloaded_authority_is_asked_later() {
    for status in [408, 429, 500, 503] {
        let body = json!({ "error": "temporarily_unavailable" });
        let fault = fault_of(status, "7", body).await;
        let TokenError::Unavailable { wait, .. } = fault else {
            panic!("{fault:?}")
        };
        let expected = match parse_retry_after("7", None) {
            RetryAfter::For(wait) => Some(wait),
            RetryAfter::Absurd(_) => None,
        };
        assert_eq!(wait, expected, "{status}");
    }
}

#[tokio::test]
async fn a_gateways_page_is_no_verdict_about_the_credential() {
    for status in [200, 502, 503] {
        let world = World::new().await;
        world.server.mock(|_, then| {
            then.status(status).body("<html>Bad Gateway</html>");
        });
        let fault = world.tokens(secret()).token(&tenant()).await.unwrap_err();
        assert!(matches!(fault, TokenError::Unavailable { .. }), "{fault:?}");
    }
}

#[tokio::test]
async fn an_authority_out_of_reach_is_asked_later() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let hosts = Mutex::default();
    let mut options = IdentityOptions::new(Url::parse(GRAPH).unwrap());
    options.transport = Some(Transport::new(Arc::new(Detour { port, hosts })));
    let tokens = EntraTokens::new(options, secret()).unwrap();
    let fault = tokens.token(&tenant()).await.unwrap_err();
    assert!(matches!(fault, TokenError::Unavailable { .. }), "{fault:?}");
}

#[tokio::test]
async fn a_token_of_another_tenant_is_not_used() {
    let world = World::new().await;
    let other = "00000000-0000-0000-0000-000000000001";
    world.server.mock(|_, then| {
        then.status(200).json_body(identity_answer(&jwt(other)));
    });
    let tokens = world.tokens(CredentialConfig::ManagedIdentity { client_id: None });
    let fault = tokens.token(&tenant()).await.unwrap_err();
    let text = fault.to_string();
    assert!(text.contains(other) && text.contains(TENANT), "{text}");
}

#[tokio::test]
async fn a_tenant_may_have_a_credential_of_its_own() {
    let world = World::new().await;
    let mock = world.server.mock(|when, then| {
        when.form_urlencoded_tuple("client_secret", "own");
        then.status(200).json_body(answer());
    });
    let tokens = world.tokens(secret());
    let own = CredentialConfig::ClientSecret {
        client_id: APP.into(),
        secret: "own".into(),
    };
    tokens.declare(tenant(), own).unwrap();
    check_token(&tokens).await;
    assert_eq!(mock.calls_async().await, 1);
    assert!(matches!(
        tokens.declare(tenant(), CredentialConfig::None),
        Err(IdentityError::NoneElsewhere { .. })
    ));
}

#[tokio::test]
async fn a_refused_token_is_asked_for_anew_but_not_at_once() {
    let world = World::new().await;
    let mock = world.server.mock(|_, then| {
        then.status(200).json_body(answer());
    });
    let tokens = world.tokens(secret());
    check_token(&tokens).await;
    tokens.refused(&tenant());
    check_token(&tokens).await;
    assert_eq!(mock.calls_async().await, 1, "too soon to doubt it");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(300)).await;
    tokio::time::resume();
    tokens.refused(&tenant());
    check_token(&tokens).await;
    assert_eq!(mock.calls_async().await, 2);
}

#[tokio::test]
async fn none_is_for_this_machine_only() {
    let made = |graph: &str| {
        let options = IdentityOptions::new(Url::parse(graph).unwrap());
        EntraTokens::new(options, CredentialConfig::None)
    };
    let token = made("http://127.0.0.1:1/v1.0").unwrap();
    let token = token.token(&tenant()).await.unwrap();
    assert_eq!(token.claims().application, AppId::unnamed());
    assert!(!token.expose().contains('.'), "it is no JWT");
    let refused = made(GRAPH).err().unwrap();
    assert!(matches!(refused, IdentityError::NoneElsewhere { .. }));
    assert!(refused.to_string().contains("https://graph.microsoft.com"));
}

#[test]
fn an_authority_must_be_a_bare_https_origin() {
    for bad in [
        "http://login.example",
        "https://login.example/tenant",
        "https://a@login.example",
        "https://login.example/?x",
    ] {
        let mut options = IdentityOptions::new(Url::parse(GRAPH).unwrap());
        options.authority = Some(Url::parse(bad).unwrap());
        let made = EntraTokens::new(options, secret());
        assert!(
            matches!(made, Err(IdentityError::Authority { .. })),
            "{bad}"
        );
    }
    let mut options = IdentityOptions::new(Url::parse("http://127.0.0.1:8087/v1.0").unwrap());
    options.authority = Some(Url::parse("http://127.0.0.1:8087").unwrap());
    assert!(EntraTokens::new(options, CredentialConfig::None).is_ok());
}
