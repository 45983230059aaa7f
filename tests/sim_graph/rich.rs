//! Notifications with resource data: envelopes, tokens, published keys.

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evergraph::sim::publisher::GRAPH_APP;
use evergraph::sim::token::unsigned_jwt;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};

use crate::bed::{Bed, TENANT, eventually};

const APP: &str = "925bff9f-f6e2-4a69-b858-f71ea2b9b6d0";
const OTHER_TENANT: &str = "9f4ebab6-520d-49c0-85cc-7b25c78d4a93";

/// A certificate as Graph takes it, and a private key.
pub struct Holder {
    pub certificate: String,
    private: OaepPrivateDecryptingKey,
}

impl Holder {
    pub fn new() -> Self {
        let key =
            rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)
                .unwrap();
        let params = rcgen::CertificateParams::new(vec!["test".into()]).unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        let private = PrivateDecryptingKey::from_pkcs8(&key.serialize_der()).unwrap();
        Self {
            certificate: STANDARD.encode(der),
            private: OaepPrivateDecryptingKey::new(private).unwrap(),
        }
    }

    /// The content of an envelope, its signature checked; `None` where that does not fit.
    pub fn open(&self, sealed: &Value) -> Option<Value> {
        let bytes = |name: &str| STANDARD.decode(sealed[name].as_str()?).ok();
        let mut key = vec![0; self.private.min_output_size()];
        let key = self
            .private
            .decrypt(&OAEP_SHA1_MGF1SHA1, &bytes("dataKey")?, &mut key, None)
            .unwrap();
        let mut data = bytes("data")?;
        let check = hmac::Key::new(hmac::HMAC_SHA256, key);
        hmac::verify(&check, &data, &bytes("dataSignature")?).ok()?;
        let iv: &[u8; 16] = key[..16].try_into().unwrap();
        let context = DecryptionContext::Iv128(FixedLength::from(iv));
        let unbound = UnboundCipherKey::new(&AES_256, key).unwrap();
        let cipher = PaddedBlockDecryptingKey::cbc_pkcs7(unbound).unwrap();
        Some(serde_json::from_slice(cipher.decrypt(&mut data, context).unwrap()).unwrap())
    }
}

pub async fn rich(bed: &Bed, holder: &Holder) -> String {
    let made = json!({
        "resource": "users/u1/messages?$select=subject,importance",
        "includeResourceData": true,
        "expirationDateTime": "2026-03-02T11:00:00Z",
        "encryptionCertificate": holder.certificate,
        "encryptionCertificateId": "cert-1",
        "lifecycleNotificationUrl": format!("{}/l", bed.endpoint.url),
    });
    bed.create(made).await.expect(201).id()
}

async fn keys(bed: &Bed, path: &str) -> JwkSet {
    let got = bed.get(path).await.expect(200);
    serde_json::from_value(got.body).unwrap()
}

/// The claims, if the signature is by one of the keys. Times are those of the virtual clock.
pub fn claims(token: &str, keys: &JwkSet) -> Option<Value> {
    let kid = decode_header(token).unwrap().kid.unwrap();
    let key = DecodingKey::from_jwk(keys.find(&kid)?).unwrap();
    let mut rules = Validation::new(Algorithm::RS256);
    rules.validate_exp = false;
    rules.validate_aud = false;
    Some(decode::<Value>(token, &key, &rules).ok()?.claims)
}

async fn one_post(bed: &Bed, id: &str) -> Value {
    let before = bed.endpoint.notifications().len();
    let order = json!({"subscription": id, "change_type": "created"});
    bed.sim_post("changes", order).await.expect(200);
    let endpoint = bed.endpoint.clone();
    eventually("it arrives", || endpoint.notifications().len() > before).await;
    bed.endpoint.notifications().pop().unwrap()
}

#[tokio::test]
async fn the_holder_of_the_key_reads_it_and_the_token_verifies_by_another_library() {
    let mut bed = Bed::new().await;
    bed.token = unsigned_jwt(TENANT, APP);
    let holder = Holder::new();
    let id = rich(&bed, &holder).await;
    let post = one_post(&bed, &id).await;
    let item = &post["value"][0];
    let content = holder.open(&item["encryptedContent"]).unwrap();
    let resource_id = item["resourceData"]["id"].as_str().unwrap();
    assert_eq!(content["subject"], format!("Message {resource_id}"));
    assert_eq!(content["importance"], "normal");
    assert!(content.get("bodyPreview").is_none(), "$select is heard");
    assert_eq!(
        item["encryptedContent"]["encryptionCertificateId"],
        "cert-1"
    );
    assert!(
        item["resource"]
            .as_str()
            .unwrap()
            .starts_with("Users('u1')/Messages('")
    );

    let keys = keys(&bed, "/common/discovery/v2.0/keys").await;
    let token = post["validationTokens"][0].as_str().unwrap();
    let claims = claims(token, &keys).unwrap();
    let issued = 1_772_366_400; // 2026-03-01T12:00:00Z
    assert_eq!(
        claims,
        json!({
            "aud": APP, "azp": GRAPH_APP, "azpacr": "2", "ver": "2.0", "tid": TENANT,
            "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
            "iat": issued, "nbf": issued, "exp": issued + 86_700,
        })
    );
}

#[tokio::test]
async fn version_1_tokens_have_their_own_names_and_issuer() {
    let mut bed = Bed::with(json!({"delivery": {"validation_tokens": "v1"}})).await;
    bed.token = unsigned_jwt(TENANT, APP);
    let id = rich(&bed, &Holder::new()).await;
    let post = one_post(&bed, &id).await;
    let keys = keys(&bed, "/common/discovery/keys").await;
    let claims = claims(post["validationTokens"][0].as_str().unwrap(), &keys).unwrap();
    assert_eq!(claims["iss"], format!("https://sts.windows.net/{TENANT}/"));
    assert_eq!(
        (&claims["appid"], &claims["ver"]),
        (&json!(GRAPH_APP), &json!("1.0"))
    );
    assert!(claims.get("azp").is_none());
}

#[tokio::test]
async fn one_post_carries_one_token_for_each_application_and_tenant() {
    let mut bed = Bed::with(json!({"delivery": {"batch_window_ms": 1000}})).await;
    let holder = Holder::new();
    let mut ids = Vec::new();
    for tenant in [TENANT, OTHER_TENANT, OTHER_TENANT] {
        bed.token = unsigned_jwt(tenant, APP);
        let user = format!("users/u{}/messages?$select=subject", ids.len());
        let made = json!({
            "resource": user, "includeResourceData": true,
            "expirationDateTime": "2026-03-02T11:00:00Z",
            "encryptionCertificate": holder.certificate, "encryptionCertificateId": "c",
        });
        ids.push(bed.create(made).await.expect(201).id());
    }
    for id in &ids {
        let order = json!({"subscription": id, "change_type": "created"});
        bed.sim_post("changes", order).await.expect(200);
    }
    assert!(bed.endpoint.notifications().is_empty(), "it waits for more");
    bed.advance("1s").await;
    let endpoint = bed.endpoint.clone();
    eventually("it arrives", || endpoint.notifications().len() == 1).await;
    let post = bed.endpoint.notifications().pop().unwrap();
    assert_eq!(post["value"].as_array().unwrap().len(), 3);
    let keys = keys(&bed, "/common/discovery/v2.0/keys").await;
    let tokens = post["validationTokens"].as_array().unwrap();
    let mut tenants: Vec<Value> = tokens
        .iter()
        .map(|token| claims(token.as_str().unwrap(), &keys).unwrap()["tid"].clone())
        .collect();
    tenants.sort_by_key(ToString::to_string);
    assert_eq!(tenants, [TENANT, OTHER_TENANT]);
}

#[tokio::test]
async fn keys_rotate_and_the_old_ones_may_go() {
    let bed = Bed::new().await;
    let id = rich(&bed, &Holder::new()).await;
    let old = one_post(&bed, &id).await["validationTokens"][0].clone();
    let old = old.as_str().unwrap();
    bed.sim_post("keys/rotate", Value::Null).await.expect(200);
    let new = one_post(&bed, &id).await["validationTokens"][0].clone();
    let new = new.as_str().unwrap();
    let path = "/common/discovery/v2.0/keys";
    let published = keys(&bed, path).await;
    assert_eq!(published.keys.len(), 2);
    assert!(claims(old, &published).is_some() && claims(new, &published).is_some());
    bed.sim_post("keys/rotate?keep=false", Value::Null)
        .await
        .expect(200);
    let published = keys(&bed, path).await;
    assert!(claims(old, &published).is_none() && claims(new, &published).is_none());
    let told = bed.get("/_sim/keys").await.expect(200).body;
    assert_eq!(
        (told["kids"].as_array().unwrap().len(), &told["fetches"]),
        (1, &json!(2))
    );
}

#[tokio::test]
async fn discovery_leads_to_the_keys_and_both_can_be_out_of_order() {
    let bed = Bed::new().await;
    for (path, issuer) in [
        (
            "/common/v2.0/.well-known/openid-configuration",
            "https://login.microsoftonline.com/{tenantid}/v2.0",
        ),
        (
            "/common/.well-known/openid-configuration",
            "https://sts.windows.net/{tenantid}/",
        ),
        (
            "/84bd8158-6d4d-4958-8b9f-9d6445542f95/.well-known/openid-configuration",
            "https://sts.windows.net/84bd8158-6d4d-4958-8b9f-9d6445542f95/",
        ),
    ] {
        let got = bed.get(path).await.expect(200).body;
        assert_eq!(got["issuer"], issuer, "{path}");
        assert_eq!(
            keys(&bed, got["jwks_uri"].as_str().unwrap())
                .await
                .keys
                .len(),
            1
        );
    }
    bed.patch(json!({"delivery": {"keys_status": 503}})).await;
    bed.get("/common/discovery/keys").await.expect(503);
    bed.get("/common/.well-known/openid-configuration")
        .await
        .expect(503);
}

#[tokio::test]
async fn tokens_and_signatures_may_be_missing() {
    let patch = json!({"delivery": {"validation_tokens": "none", "signature": false}});
    let bed = Bed::with(patch).await;
    let id = rich(&bed, &Holder::new()).await;
    let post = one_post(&bed, &id).await;
    assert_eq!(post.get("validationTokens"), Some(&Value::Null));
    let sealed = post["value"][0]["encryptedContent"].as_object().unwrap();
    assert!(!sealed.contains_key("dataSignature") && sealed.contains_key("data"));
}

#[tokio::test]
async fn a_certificate_that_cannot_wrap_a_key_is_told_and_nothing_is_sent() {
    let bed = Bed::new().await;
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["test".into()]).unwrap();
    let elliptic = STANDARD.encode(params.self_signed(&key).unwrap().der());
    let made = json!({
        "resource": "users/u1/messages?$select=subject", "includeResourceData": true,
        "expirationDateTime": "2026-03-02T11:00:00Z",
        "encryptionCertificate": elliptic, "encryptionCertificateId": "c",
    });
    let id = bed.create(made).await.expect(201).id();
    let order = json!({"subscription": id, "change_type": "created"});
    let got = bed.sim_post("changes", order).await.expect(400);
    assert!(got.message().contains("RSA"), "{}", got.message());
    assert!(bed.sim.control().events(0).is_empty());
}
