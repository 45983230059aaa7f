//! Tests of the check of validation tokens, against an authority on this machine.

use super::*;
use crate::domain::ids::AppId;
use httpmock::{Mock, MockServer};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use std::sync::LazyLock;
use std::time::Duration;
use url::Url;

const TENANT: &str = "9f4ebab6-520d-49c0-85cc-7b25c78d4a93";
const OTHER: &str = "84bd8158-6d4d-4958-8b9f-9d6445542f95";
const APP: &str = "925bff9f-f6e2-4a69-b858-f71ea2b9b6d0";
const PUBLISHER: &str = crate::domain::notification::token::PUBLISHER;
const NOW: i64 = 1_900_000_000;

static KEYS: LazyLock<[EncodingKey; 2]> = LazyLock::new(|| {
    [(); 2].map(|()| {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        EncodingKey::from_rsa_pem(key.serialize_pem().as_bytes()).unwrap()
    })
});

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn jwk(at: usize, kid: &str, issuer: &str) -> Value {
    let jwk = Jwk::from_encoding_key(&KEYS[at], Algorithm::RS256).unwrap();
    let mut jwk = serde_json::to_value(jwk).unwrap();
    jwk["kid"] = kid.into();
    jwk["use"] = "sig".into();
    jwk["issuer"] = issuer.into();
    jwk
}

fn published() -> Value {
    let any = "https://login.microsoftonline.com/{tenantid}/v2.0";
    json!({ "keys": [{ "kty": "EC", "kid": "curve" }, jwk(0, "one", any)] })
}

fn claims() -> Value {
    json!({
        "ver": "2.0", "aud": APP, "tid": TENANT, "azp": PUBLISHER,
        "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
        "exp": NOW + 86_000, "nbf": NOW - 700, "iat": NOW - 700,
    })
}

fn signed(at: usize, kid: &str, claims: &Value) -> String {
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(kid.to_owned());
    jsonwebtoken::encode(&header, claims, &KEYS[at]).unwrap()
}

/// An authority that publishes this with this status.
async fn serve<'s>(server: &'s MockServer, status: u16, keys: Value) -> Mock<'s> {
    server
        .mock_async(|when, then| {
            when.method("GET").path("/common/discovery/v2.0/keys");
            then.status(status).json_body(keys);
        })
        .await
}

fn options(server: &MockServer) -> AuthorityOptions {
    let authority = Url::parse(&server.base_url()).unwrap();
    let mut options = AuthorityOptions::of_authority(&authority, [AppId::parse(APP).unwrap()]);
    options.keys.truncate(1);
    options
}

async fn word_of(tokens: &AuthorityTokens, token: &str) -> String {
    match tokens.check(token, now()).await {
        Ok(proven) => proven.tenant.to_string(),
        Err(TokenError::Wrong(fault)) => fault.as_str().to_owned(),
        Err(TokenError::Unchecked { .. }) => "unchecked".to_owned(),
    }
}

#[tokio::test]
async fn both_versions_are_proven_and_a_token_is_checked_once() {
    let server = MockServer::start_async().await;
    let keys = serve(&server, 200, published()).await;
    let tokens = AuthorityTokens::new(options(&server));
    let mut first = claims();
    first["ver"] = "1.0".into();
    first["iss"] = format!("https://sts.windows.net/{TENANT}/").into();
    first["appid"] = first["azp"].take();
    first["aud"] = json!(["other", APP]);
    for claims in [claims(), first] {
        let token = signed(0, "one", &claims);
        for _ in 0..3 {
            assert_eq!(word_of(&tokens, &token).await, TENANT);
        }
    }
    assert_eq!(keys.calls_async().await, 1);
}

#[tokio::test]
async fn what_is_forged_is_refused_by_its_reason() {
    let server = MockServer::start_async().await;
    let keys = serve(&server, 200, published()).await;
    let tokens = AuthorityTokens::new(options(&server));
    let changed = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        signed(0, "one", &claims)
    };
    let good = signed(0, "one", &claims());
    let (head, _) = good.rsplit_once('.').unwrap();
    let none = {
        use base64::Engine as _;
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let head = engine.encode(br#"{"alg":"none","kid":"one"}"#);
        let mut parts = good.split('.');
        format!("{head}.{}.", parts.nth(1).unwrap())
    };
    let mut symmetric = Header::new(Algorithm::HS256);
    symmetric.kid = Some("one".into());
    let secret = EncodingKey::from_secret(b"one");
    let symmetric = jsonwebtoken::encode(&symmetric, &claims(), &secret).unwrap();
    for (token, wanted) in [
        (signed(1, "one", &claims()), "token_signature"),
        (format!("{head}."), "token_signature"),
        (format!("{head}.AAAA"), "token_signature"),
        (signed(0, "two", &claims()), "token_unknown_key"),
        (signed(0, "curve", &claims()), "token_unknown_key"),
        (none, "token_form"),
        (symmetric, "token_algorithm"),
        (changed("aud", OTHER.into()), "token_audience"),
        (changed("aud", json!(7)), "token_form"),
        (changed("azp", APP.into()), "token_publisher"),
        (
            changed("iss", "https://login.example.com".into()),
            "token_issuer",
        ),
        (changed("exp", (NOW - 400).into()), "token_expired"),
        (changed("nbf", (NOW + 400).into()), "token_too_early"),
        (String::new(), "token_form"),
        ("a.b.c".to_owned(), "token_form"),
        ("x".repeat(20_000), "token_form"),
    ] {
        assert_eq!(word_of(&tokens, &token).await, wanted, "{token}");
    }
    assert_eq!(keys.calls_async().await, 1, "names of keys cause no flood");
}

#[tokio::test]
async fn a_key_of_one_tenant_speaks_for_no_other() {
    let server = MockServer::start_async().await;
    let only = format!("https://login.microsoftonline.com/{OTHER}/v2.0");
    serve(&server, 200, json!({ "keys": [jwk(0, "one", &only)] })).await;
    let tokens = AuthorityTokens::new(options(&server));
    let token = signed(0, "one", &claims());
    assert_eq!(word_of(&tokens, &token).await, "token_issuer");
}

#[tokio::test]
async fn an_unreachable_authority_refuses_nobody() {
    let server = MockServer::start_async().await;
    let keys = serve(&server, 500, json!({})).await;
    let tokens = AuthorityTokens::new(options(&server));
    let token = signed(0, "one", &claims());
    for _ in 0..5 {
        assert_eq!(word_of(&tokens, &token).await, "unchecked");
    }
    assert_eq!(keys.calls_async().await, 1, "it is not asked again at once");
    let mut expired = claims();
    expired["exp"] = 1.into();
    let expired = signed(0, "one", &expired);
    assert_eq!(word_of(&tokens, &expired).await, "token_expired");
}

#[tokio::test]
async fn many_tokens_at_once_cost_one_fetch() {
    let server = MockServer::start_async().await;
    let keys = server
        .mock_async(|when, then| {
            when.path("/common/discovery/v2.0/keys");
            then.status(200)
                .delay(Duration::from_millis(50))
                .json_body(published());
        })
        .await;
    let tokens = AuthorityTokens::new(options(&server));
    let token = signed(0, "one", &claims());
    let words = (0..20).map(|_| word_of(&tokens, &token));
    let words = futures::future::join_all(words).await;
    assert!(words.iter().all(|word| word == TENANT), "{words:?}");
    assert_eq!(keys.calls_async().await, 1);
}

#[tokio::test]
async fn a_request_that_gives_up_does_not_take_the_fetch_along() {
    let server = MockServer::start_async().await;
    let keys = server
        .mock_async(|when, then| {
            when.path("/common/discovery/v2.0/keys");
            then.status(200)
                .delay(Duration::from_millis(100))
                .json_body(published());
        })
        .await;
    let tokens = AuthorityTokens::new(options(&server));
    let token = signed(0, "one", &claims());
    let soon = Duration::from_millis(10);
    let given_up = tokio::time::timeout(soon, tokens.check(&token, now())).await;
    assert!(given_up.is_err());
    assert_eq!(word_of(&tokens, &token).await, TENANT);
    assert_eq!(keys.calls_async().await, 1);
}

#[tokio::test]
async fn a_new_key_is_asked_for_and_old_keys_serve_while_the_authority_is_away() {
    let server = MockServer::start_async().await;
    let first = serve(&server, 200, published()).await;
    let mut options = options(&server);
    options.pause = Duration::ZERO;
    options.fresh_for = Duration::ZERO;
    let tokens = AuthorityTokens::new(options);
    tokens.warm().await;
    assert_eq!(first.calls_async().await, 1);
    first.delete_async().await;

    let any = "https://login.microsoftonline.com/{tenantid}/v2.0";
    let rolled = json!({ "keys": [jwk(0, "one", any), jwk(1, "two", any)] });
    let second = serve(&server, 200, rolled).await;
    assert_eq!(word_of(&tokens, &signed(1, "two", &claims())).await, TENANT);
    second.delete_async().await;

    serve(&server, 503, json!({})).await;
    let mut later = claims();
    later["iat"] = NOW.into(); // another token, not remembered
    assert_eq!(word_of(&tokens, &signed(1, "two", &later)).await, TENANT);
    let unknown = signed(1, "three", &claims());
    assert_eq!(word_of(&tokens, &unknown).await, "unchecked");
}

#[tokio::test]
async fn what_one_of_two_places_publishes_serves_but_proves_no_absence() {
    let server = MockServer::start_async().await;
    serve(&server, 200, published()).await;
    let authority = Url::parse(&server.base_url()).unwrap();
    let both = AuthorityOptions::of_authority(&authority, [AppId::parse(APP).unwrap()]);
    assert_eq!(both.keys.len(), 2); // the second place answers 404
    let tokens = AuthorityTokens::new(both);
    assert_eq!(word_of(&tokens, &signed(0, "one", &claims())).await, TENANT);
    let absent = signed(0, "two", &claims());
    assert_eq!(word_of(&tokens, &absent).await, "unchecked");
}

#[test]
fn each_cloud_has_its_issuers() {
    let of = |authority: &str| {
        let authority = Url::parse(authority).unwrap();
        AuthorityOptions::of_authority(&authority, [])
    };
    let global = of("https://login.microsoftonline.com/");
    assert_eq!(
        global.keys[0].as_str(),
        "https://login.microsoftonline.com/common/discovery/v2.0/keys"
    );
    assert_eq!(
        global.issuers,
        [
            "https://login.microsoftonline.com/{tenantid}/v2.0",
            "https://sts.windows.net/{tenantid}/",
        ]
    );
    let china = of("https://login.chinacloudapi.cn");
    assert!(china.issuers.iter().all(|issuer| issuer.contains(".cn/")));
    let government = of("https://login.microsoftonline.us");
    assert_eq!(
        government.issuers[0],
        "https://login.microsoftonline.us/{tenantid}/v2.0"
    );
}

#[tokio::test]
async fn a_token_for_an_application_that_may_be_ours_is_not_refused() {
    let server = MockServer::start_async().await;
    let _keys = serve(&server, 200, published()).await;
    let tokens = AuthorityTokens::new(options(&server));
    let token = signed(0, "one", &claims());
    tokens.applications(BTreeSet::new(), false);
    assert_eq!(word_of(&tokens, &token).await, "unchecked");
    tokens.applications(BTreeSet::new(), true);
    assert_eq!(word_of(&tokens, &token).await, "token_audience");
    tokens.applications([AppId::parse(APP).unwrap()].into(), false);
    assert_eq!(word_of(&tokens, &token).await, TENANT);
}
