//! Items with content, sealed as Graph seals them.

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evergraph::adapters::crypto::{DecryptionKeyEntry, DecryptionKeys};
use evergraph::domain::notification::refusal::{Delay, Refusal};
use evergraph::domain::notification::roster::Opening;
use evergraph::domain::subscription::{Desired, EncryptionCertificate};
use rcgen::{KeyPair, PKCS_RSA_SHA256, PublicKeyData as _};
use serde_json::{Value, json};

use crate::fleet::{TENANT, wish};
use crate::world::*;

fn declared(name: &str, opening: Opening) -> Desired {
    let mut wish = wish(name, &format!("users/{name}/messages"), "updated");
    wish.key.resource_data = true;
    wish.certificate = Some(EncryptionCertificate {
        id: "cert".to_owned(),
        der_base64: "AAAA".to_owned(),
        opening,
    });
    wish
}

fn rich() -> Desired {
    declared("rich", Opening::Decrypt)
}

fn sealed() -> Desired {
    declared("sealed", Opening::PassOn)
}

/// A world with one key, and the key.
fn world() -> (World, KeyPair) {
    let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let list = format!("cert={}", pair.serialize_pem());
    let entries = DecryptionKeyEntry::parse_list(&list).unwrap();
    let (keys, faults) = DecryptionKeys::load(&entries, |_| unreachable!());
    assert!(faults.is_empty());
    let world = World::of(Plan {
        wishes: vec![inbox(), rich(), sealed()],
        keys,
        ..Plan::default()
    });
    (world, pair)
}

/// Seals content as Graph does.
fn seal(pair: &KeyPair, content: &str) -> Value {
    let public = PublicEncryptingKey::from_der(&pair.subject_public_key_info()).unwrap();
    let public = OaepPublicEncryptingKey::new(public).unwrap();
    let key: [u8; 32] = std::array::from_fn(|at| at as u8 ^ 0x5a);
    let cipher = UnboundCipherKey::new(&AES_256, &key).unwrap();
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(cipher).unwrap();
    let iv: [u8; 16] = key[..16].try_into().unwrap();
    let mut data = content.as_bytes().to_vec();
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    cipher.less_safe_encrypt(&mut data, context).unwrap();
    let signer = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let mut room = vec![0; public.ciphertext_size()];
    let wrapped = public.encrypt(&OAEP_SHA1_MGF1SHA1, &key, &mut room, None);
    json!({
        "dataSignature": STANDARD.encode(hmac::sign(&signer, &data)),
        "data": STANDARD.encode(&data),
        "dataKey": STANDARD.encode(wrapped.unwrap()),
        "encryptionCertificateId": "cert",
        "encryptionCertificateThumbprint": "AA",
    })
}

fn item(world: &World, wish: &Desired, number: u32, envelope: &Value) -> Value {
    let mut item = world.change(wish, number);
    item["encryptedContent"] = envelope.clone();
    item
}

async fn post(world: &World, items: &[Value], tokens: Value) -> u16 {
    let body = json!({ "value": items, "validationTokens": tokens }).to_string();
    world.post_body(NOTIFICATIONS, body).await.as_u16()
}

fn good() -> Value {
    json!([format!("good:{TENANT}")])
}

#[tokio::test]
async fn content_is_opened_or_passed_on_as_declared() {
    let (world, pair) = world();
    let envelope = seal(&pair, r#"{"subject":"Grüße"}"#);
    let items = [
        item(&world, &rich(), 1, &envelope),
        item(&world, &sealed(), 2, &envelope),
    ];
    assert_eq!(post(&world, &items, good()).await, 202);
    let events = world.events();
    let opened = &events[0]["data"];
    assert_eq!(opened["decryptedContent"]["subject"], "Grüße");
    assert!(opened.get("encryptedContent").is_none());
    let passed_on = &events[1]["data"];
    assert_eq!(passed_on["encryptedContent"], envelope);
}

#[tokio::test]
async fn forged_content_is_refused_and_acknowledged() {
    let (world, pair) = world();
    let good_envelope = seal(&pair, "{}");
    let mut bent = good_envelope.clone();
    bent["dataSignature"] = STANDARD.encode([0; 32]).into();
    let items = [
        item(&world, &rich(), 1, &bent),
        item(&world, &rich(), 2, &good_envelope),
    ];
    assert_eq!(post(&world, &items, good()).await, 202);
    assert_eq!(world.events().len(), 1);
    let no_tokens = [item(&world, &rich(), 3, &good_envelope)];
    assert_eq!(post(&world, &no_tokens, Value::Null).await, 202);
    assert_eq!(post(&world, &no_tokens, json!(["bad"])).await, 202);
    assert_eq!(world.events().len(), 1);
    let refused = world.figures().refused;
    assert_eq!(refused.get(&Refusal::DataSignature), Some(&1));
    assert_eq!(refused.get(&Refusal::NoTokens), Some(&1));
}

#[tokio::test]
async fn a_certificate_that_is_not_loaded_is_waited_for() {
    let (world, pair) = world();
    let mut next = seal(&pair, "{}");
    next["encryptionCertificateId"] = "next".into();
    let items = [item(&world, &rich(), 1, &next), world.change(&inbox(), 2)];
    assert_eq!(post(&world, &items, good()).await, 503);
    assert_eq!(world.events().len(), 1, "its neighbour is written");
    let delayed = world.figures().delayed;
    assert_eq!(delayed.get(&Delay::CertificateNotLoaded), Some(&1));
    // Who passes it on sealed needs no key.
    let items = [item(&world, &sealed(), 3, &next)];
    assert_eq!(post(&world, &items, good()).await, 202);
}

#[tokio::test]
async fn the_publisher_is_told_whose_tokens_we_have() {
    let (world, pair) = world();
    let before = world.publisher.0.lock().unwrap().clone();
    assert_eq!(before, Some((Default::default(), false)));
    let items = [item(&world, &rich(), 1, &seal(&pair, "{}"))];
    assert_eq!(post(&world, &items, good()).await, 202);
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let told = world.publisher.0.lock().unwrap().clone().unwrap();
        if told.1 {
            let own = [crate::fleet::app(crate::fleet::APP)];
            assert_eq!(told.0, own.into());
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "never told");
        tokio::task::yield_now().await;
    }
}
