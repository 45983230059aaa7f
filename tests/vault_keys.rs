//! Private keys from a simulated Key Vault, over HTTP and over time.

#![allow(clippy::unwrap_used, reason = "test file")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::http::{AsyncRawResponse, HttpClient, Transport};
use azure_core::time::OffsetDateTime;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evergraph::adapters::crypto::{
    DecryptionKeyEntry, DecryptionKeys, Fetched, KeyProblem, KeyVaultSecrets, Secrets, VaultFault,
    VaultKeys, VaultSecret,
};
use evergraph::domain::notification::Sealed;
use evergraph::domain::notification::refusal::Refusal;
use evergraph::ports::keys::{ContentKeys, OpenError};
use evergraph::sim::envelope::seal;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

const VAULT: &str = "https://contoso.vault.azure.net";
const OLD: &str = "11111111111111111111111111111111";
const NEW: &str = "22222222222222222222222222222222";

/// A certificate with its key.
struct Pair {
    pem: String,
    der: String,
}

fn pair() -> Pair {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let params = CertificateParams::new(Vec::new()).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Pair {
        // As Key Vault gives it: the key, then the certificate.
        pem: format!("{}{}", key.serialize_pem(), certificate.pem()),
        der: STANDARD.encode(certificate.der()),
    }
}

static FIRST: LazyLock<Pair> = LazyLock::new(pair);
static SECOND: LazyLock<Pair> = LazyLock::new(pair);

fn sealed(pair: &Pair, id: &str) -> Sealed<'static> {
    let envelope = seal(&pair.der, Some(id), b"{}", &[7; 32]).unwrap();
    let text = |name: &str| Some(envelope[name].as_str().unwrap().to_owned().into());
    Sealed {
        data: text("data"),
        signature: text("dataSignature"),
        key: text("dataKey"),
        certificate_id: text("encryptionCertificateId"),
    }
}

/// A vault behind a door that may be shut.
#[derive(Default)]
struct Vault {
    /// Text and content type by version, the newest last.
    versions: Mutex<Vec<(&'static str, String, &'static str)>>,
    trouble: Mutex<Option<VaultFault>>,
    asked: AtomicUsize,
}

impl Vault {
    fn holding(version: &'static str, pair: &Pair) -> Arc<Self> {
        let vault = Arc::new(Self::default());
        vault.add(version, &pair.pem);
        vault
    }

    fn add(&self, version: &'static str, text: &str) {
        let pem = "application/x-pem-file";
        let mut versions = self.versions.lock().unwrap();
        versions.push((version, text.to_owned(), pem));
    }

    fn shut(&self) {
        let fault = VaultFault::Unavailable("the vault".into(), "as told".into());
        *self.trouble.lock().unwrap() = Some(fault);
    }

    fn open_up(&self) {
        *self.trouble.lock().unwrap() = None;
    }

    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl Secrets for Vault {
    async fn fetch(&self, secret: &VaultSecret) -> Result<Fetched, VaultFault> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if let Some(fault) = self.trouble.lock().unwrap().clone() {
            return Err(fault);
        }
        let versions = self.versions.lock().unwrap();
        let wanted = secret.version.as_deref();
        let found = versions
            .iter()
            .rev()
            .find(|(version, ..)| wanted.is_none_or(|w| w == *version));
        match found {
            Some((version, text, _)) => Ok(Fetched {
                text: text.clone().into(),
                version: (*version).to_owned(),
            }),
            None => Err(VaultFault::Denied(
                secret.to_string(),
                "is not there".into(),
            )),
        }
    }
}

fn keys_of(setting: &str, secrets: Arc<dyn Secrets>) -> Arc<VaultKeys> {
    let entries = DecryptionKeyEntry::parse_list(setting).unwrap();
    let (keys, faults) = DecryptionKeys::load(&entries, |_| unreachable!());
    assert!(faults.is_empty());
    let keys = VaultKeys::new(keys, &entries, secrets);
    tokio::spawn(Arc::clone(&keys).keep());
    keys
}

#[track_caller]
fn check_waits(keys: &VaultKeys, sealed: &Sealed<'_>) {
    let opened = keys.open(sealed);
    assert!(
        matches!(opened, Err(OpenError::NotLoaded { .. })),
        "{opened:?}"
    );
}

#[track_caller]
fn check_opens(keys: &VaultKeys, sealed: &Sealed<'_>) {
    assert_eq!(keys.open(sealed).unwrap().expose(), b"{}");
}

async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

const MOMENT: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn a_key_is_there_a_moment_after_the_start_and_is_fetched_once() {
    let vault = Vault::holding(OLD, &FIRST);
    let keys = keys_of(&format!("a={VAULT}/secrets/graph"), vault.clone());
    let item = sealed(&FIRST, "a");
    assert!(keys.expects("a") && !keys.holds("a") && !keys.expects("b"));
    check_waits(&keys, &item);
    pass(MOMENT).await;
    assert!(keys.holds("a") && !keys.expects("a"));
    check_opens(&keys, &item);
    pass(Duration::from_secs(24 * 3600)).await;
    assert_eq!(vault.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn while_the_vault_is_unreachable_items_wait_and_it_is_asked_ever_more_rarely() {
    let vault = Vault::holding(OLD, &FIRST);
    vault.shut();
    let keys = keys_of(&format!("a={VAULT}/secrets/graph"), vault.clone());
    pass(Duration::from_secs(60)).await;
    let first_minute = vault.asked();
    assert!((4..=8).contains(&first_minute), "{first_minute}");
    pass(Duration::from_secs(3600)).await;
    let hour = vault.asked();
    assert!((12..=40).contains(&hour), "{hour}");
    check_waits(&keys, &sealed(&FIRST, "a"));
    vault.open_up();
    pass(Duration::from_secs(20)).await;
    check_opens(&keys, &sealed(&FIRST, "a"));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_items_asks_a_vault_that_fails_no_more_than_every_ten_seconds() {
    let vault = Vault::holding(OLD, &FIRST);
    vault.shut();
    let keys = keys_of(&format!("a={VAULT}/secrets/graph"), vault.clone());
    let item = sealed(&FIRST, "a");
    pass(Duration::from_secs(600)).await;
    vault.asked();
    for _ in 0..1000 {
        check_waits(&keys, &item);
        pass(Duration::from_millis(100)).await;
    }
    let asked = vault.asked();
    assert!((9..=11).contains(&asked), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn an_id_that_no_setting_names_is_a_version_where_any_may_come() {
    let vault = Vault::holding(OLD, &FIRST);
    let keys = keys_of(&format!("*={VAULT}/secrets/graph"), vault.clone());
    pass(MOMENT).await;
    assert_eq!(vault.asked(), 0, "nobody asked yet");
    assert!(keys.expects(NEW) && !keys.expects("2026-09"));
    check_waits(&keys, &sealed(&SECOND, NEW));
    check_waits(&keys, &sealed(&SECOND, "no-version"));
    pass(MOMENT).await;
    assert_eq!(vault.asked(), 1);
    check_waits(&keys, &sealed(&SECOND, NEW));
    vault.add(NEW, &SECOND.pem);
    pass(Duration::from_secs(11)).await;
    check_opens(&keys, &sealed(&SECOND, NEW));
    check_waits(&keys, &sealed(&FIRST, OLD));
    pass(MOMENT).await;
    check_opens(&keys, &sealed(&FIRST, OLD));
}

#[tokio::test(start_paused = true)]
async fn invented_versions_fill_no_memory() {
    let vault = Vault::holding(OLD, &FIRST);
    let keys = keys_of(&format!("*={VAULT}/secrets/graph"), vault.clone());
    let mut item = sealed(&FIRST, OLD);
    for number in 0..500 {
        item.certificate_id = Some(format!("{number:032x}").into());
        check_waits(&keys, &item);
    }
    pass(MOMENT).await;
    assert!(vault.asked() <= 16);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_replaced_under_its_id_is_fetched_again_and_the_old_key_stays() {
    let vault = Vault::holding(OLD, &FIRST);
    let keys = keys_of(&format!("a={VAULT}/secrets/graph"), vault.clone());
    pass(Duration::from_secs(3600)).await;
    vault.add(NEW, &SECOND.pem);
    check_waits(&keys, &sealed(&SECOND, "a"));
    pass(MOMENT).await;
    check_opens(&keys, &sealed(&SECOND, "a"));
    check_opens(&keys, &sealed(&FIRST, "a"));
    // A key that fits nothing is a forgery after that look, not a reason for another.
    vault.asked();
    let forged = sealed(&pair(), "a");
    for _ in 0..3 {
        let opened = keys.open(&forged);
        assert_eq!(opened.unwrap_err(), OpenError::Wrong(Refusal::DataKey));
        pass(Duration::from_secs(100)).await;
    }
    assert_eq!(vault.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_secret_with_a_version_never_changes() {
    let vault = Vault::holding(OLD, &FIRST);
    let keys = keys_of(&format!("a={VAULT}/secrets/graph/{OLD}"), vault.clone());
    pass(Duration::from_secs(3600)).await;
    let opened = keys.open(&sealed(&SECOND, "a"));
    assert_eq!(opened.unwrap_err(), OpenError::Wrong(Refusal::DataKey));
    assert_eq!(vault.asked(), 1);
}

/// The vault over HTTP, as the service speaks.
type Pages = Arc<Mutex<BTreeMap<String, (StatusCode, serde_json::Value)>>>;

async fn speak(State(pages): State<Pages>, request: Request) -> Response {
    let head = request.headers().get("authorization");
    if head.is_none() {
        let challenge = "Bearer authorization=\"https://login.microsoftonline.com/t\", \
                         resource=\"https://vault.azure.net\"";
        return (StatusCode::UNAUTHORIZED, [("www-authenticate", challenge)]).into_response();
    }
    assert_eq!(head.unwrap(), "Bearer https://vault.azure.net/.default");
    let query = request.uri().query().unwrap_or_default();
    assert!(query.contains("api-version="), "{query}");
    let converted = query.contains("outContentType=application%2Fx-pem-file");
    let path = request.uri().path().trim_end_matches('/').to_owned();
    let path = if converted {
        format!("{path}?pem")
    } else {
        path
    };
    let found = pages.lock().unwrap().get(&path).cloned();
    let not_found = || {
        let body = json!({"error": {"code": "SecretNotFound", "message": "it is not there"}});
        (StatusCode::NOT_FOUND, body)
    };
    let (status, body) = found.unwrap_or_else(not_found);
    (status, axum::Json(body)).into_response()
}

/// Sends everything to one place on this machine, whatever the address says.
#[derive(Debug)]
struct Diverted(String, reqwest::Client);

#[async_trait::async_trait]
impl HttpClient for Diverted {
    async fn execute_request(
        &self,
        request: &azure_core::http::Request,
    ) -> azure_core::Result<AsyncRawResponse> {
        assert_eq!(request.url().host_str(), Some("contoso.vault.azure.net"));
        let url = request.url().as_str().replace(VAULT, &self.0);
        let mut diverted = azure_core::http::Request::new(url.parse().unwrap(), request.method());
        for (name, value) in request.headers().clone() {
            diverted.insert_header(name, value);
        }
        self.1.execute_request(&diverted).await
    }
}

/// The token is the scope that it is for.
#[derive(Debug)]
struct ByScope;

#[async_trait::async_trait]
impl TokenCredential for ByScope {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let end = OffsetDateTime::now_utc() + azure_core::time::Duration::hours(1);
        Ok(AccessToken::new(scopes.join(" "), end))
    }
}

async fn service() -> (Pages, KeyVaultSecrets) {
    let pages = Pages::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(speak).with_state(Arc::clone(&pages));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let transport = Transport::new(Arc::new(Diverted(origin, client)));
    (pages, KeyVaultSecrets::over(Arc::new(ByScope), transport))
}

fn secret(path: &str) -> VaultSecret {
    VaultSecret::parse(&format!("{VAULT}/secrets/{path}")).unwrap()
}

fn page(version: &str, text: &str, kind: &str) -> (StatusCode, serde_json::Value) {
    let id = format!("{VAULT}/secrets/graph/{version}");
    (
        StatusCode::OK,
        json!({"value": text, "contentType": kind, "id": id}),
    )
}

#[tokio::test]
async fn over_http_a_secret_comes_with_its_version() {
    let (pages, secrets) = service().await;
    let kind = "application/x-pem-file";
    *pages.lock().unwrap() = BTreeMap::from([
        ("/secrets/graph".to_owned(), page(NEW, "newest", kind)),
        (format!("/secrets/graph/{OLD}"), page(OLD, "older", kind)),
    ]);
    let newest = secrets.fetch(&secret("graph")).await.unwrap();
    assert_eq!(
        (newest.text.expose_secret(), &*newest.version),
        ("newest", NEW)
    );
    let older = secrets
        .fetch(&secret(&format!("graph/{OLD}")))
        .await
        .unwrap();
    assert_eq!(
        (older.text.expose_secret(), &*older.version),
        ("older", OLD)
    );
}

async fn check_fault(status: u16, code: &str, wait: bool) {
    let (pages, secrets) = service().await;
    let body = json!({"error": {"code": code, "message": "hunter2"}});
    let status = StatusCode::from_u16(status).unwrap();
    pages
        .lock()
        .unwrap()
        .insert("/secrets/graph".into(), (status, body));
    let fault = secrets.fetch(&secret("graph")).await.err().unwrap();
    assert_eq!(
        matches!(fault, VaultFault::Unavailable(..)),
        wait,
        "{fault}"
    );
    assert!(fault.to_string().contains(status.as_str()), "{fault}");
}

#[tokio::test]
async fn what_a_vault_refuses_is_told_from_what_it_cannot_do_now() {
    check_fault(403, "Forbidden", false).await;
    check_fault(404, "SecretNotFound", false).await;
    check_fault(400, "BadParameter", false).await;
    check_fault(429, "Throttled", true).await;
    check_fault(503, "ServiceUnavailable", true).await;
    let nowhere = Diverted("http://127.0.0.1:1".into(), reqwest::Client::new());
    let secrets = KeyVaultSecrets::over(Arc::new(ByScope), Transport::new(Arc::new(nowhere)));
    let fault = secrets.fetch(&secret("graph")).await.err().unwrap();
    assert!(matches!(fault, VaultFault::Unavailable(..)), "{fault}");
}

#[tokio::test]
async fn a_pkcs12_secret_is_converted_by_the_vault_or_named_as_what_it_is() {
    let (pages, secrets) = service().await;
    let pkcs12 = page(OLD, "MIIKAgIBAzCC", "application/x-pkcs12");
    pages
        .lock()
        .unwrap()
        .insert("/secrets/graph".into(), pkcs12);
    let fault = secrets.fetch(&secret("graph")).await.err().unwrap();
    assert!(
        matches!(fault, VaultFault::Unusable(_, KeyProblem::Pkcs12)),
        "{fault}"
    );
    assert!(
        fault.to_string().contains("application/x-pem-file"),
        "{fault}"
    );
    let pem = page(OLD, &FIRST.pem, "application/x-pem-file");
    pages
        .lock()
        .unwrap()
        .insert("/secrets/graph?pem".into(), pem);
    let fetched = secrets.fetch(&secret("graph")).await.unwrap();
    assert_eq!(fetched.text.expose_secret(), FIRST.pem);
    let keys = DecryptionKeys::none();
    keys.insert("a", &SecretString::from(fetched.text.expose_secret()))
        .unwrap();
}

#[tokio::test]
async fn over_http_a_key_opens_what_was_sealed_to_its_certificate() {
    let (pages, secrets) = service().await;
    let pem = page(NEW, &FIRST.pem, "application/x-pem-file");
    pages.lock().unwrap().insert("/secrets/graph".into(), pem);
    let keys = keys_of(&format!("a={VAULT}/secrets/graph"), Arc::new(secrets));
    let item = sealed(&FIRST, "a");
    for _ in 0..500 {
        if keys.holds("a") {
            break;
        }
        pass(Duration::from_millis(10)).await;
    }
    check_opens(&keys, &item);
}
