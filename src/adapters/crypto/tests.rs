//! Tests of keys and envelopes, with envelopes made here.

use super::*;
use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPublicEncryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::LazyLock;

const SYMMETRIC: [u8; 32] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
    27, 28, 29, 30, 31, 32,
];

struct Pair {
    public: OaepPublicEncryptingKey,
    pkcs8: Vec<u8>,
}

static PAIR: LazyLock<Pair> = LazyLock::new(|| {
    let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let pkcs8 = key.as_der().unwrap() as Pkcs8V1Der<'_>;
    Pair {
        public: OaepPublicEncryptingKey::new(key.public_key()).unwrap(),
        pkcs8: pkcs8.as_ref().to_vec(),
    }
});

fn pem(label: &str, der: &[u8]) -> SecretString {
    let body = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n").into()
}

fn keys() -> DecryptionKeys {
    let keys = DecryptionKeys::none();
    keys.insert("one", &pem("PRIVATE KEY", &PAIR.pkcs8))
        .unwrap();
    keys
}

fn wrap(key: &[u8], algorithm: &'static OaepAlgorithm) -> String {
    let mut room = vec![0; PAIR.public.ciphertext_size()];
    let wrapped = PAIR
        .public
        .encrypt(algorithm, key, &mut room, None)
        .unwrap();
    STANDARD.encode(wrapped)
}

fn encrypt(plain: &[u8]) -> Vec<u8> {
    let key = UnboundCipherKey::new(&AES_256, &SYMMETRIC).unwrap();
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(key).unwrap();
    let iv: [u8; 16] = SYMMETRIC[..16].try_into().unwrap();
    let mut data = plain.to_vec();
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    cipher.less_safe_encrypt(&mut data, context).unwrap();
    data
}

fn sign(data: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &SYMMETRIC);
    STANDARD.encode(hmac::sign(&key, data))
}

fn seal(plain: &[u8]) -> Sealed<'static> {
    let data = encrypt(plain);
    Sealed {
        signature: Some(sign(&data).into()),
        data: Some(STANDARD.encode(data).into()),
        key: Some(wrap(&SYMMETRIC, &OAEP_SHA1_MGF1SHA1).into()),
        certificate_id: Some("one".into()),
    }
}

#[test]
fn what_graph_seals_opens() {
    for plain in [&b"{}"[..], b"", &[b'x'; 100_000], b"sixteen bytes in"] {
        assert_eq!(keys().open(&seal(plain)).unwrap().expose(), plain);
    }
}

#[track_caller]
fn check_wrong(change: impl FnOnce(&mut Sealed<'static>), refusal: Refusal) {
    let mut sealed = seal(br#"{"subject":"secret"}"#);
    change(&mut sealed);
    let error = keys().open(&sealed).unwrap_err();
    assert_eq!(error, OpenError::Wrong(refusal));
}

#[test]
fn a_missing_or_broken_part_is_refused() {
    check_wrong(|s| s.signature = None, Refusal::NoDataSignature);
    check_wrong(|s| s.signature = Some("".into()), Refusal::NoDataSignature);
    check_wrong(|s| s.signature = Some("#".into()), Refusal::Envelope);
    check_wrong(|s| s.key = None, Refusal::Envelope);
    check_wrong(|s| s.key = Some("%".into()), Refusal::Envelope);
    check_wrong(|s| s.data = None, Refusal::Envelope);
    check_wrong(|s| s.data = Some("".into()), Refusal::Envelope);
    check_wrong(|s| s.certificate_id = None, Refusal::Envelope);
}

#[test]
fn a_signature_over_anything_else_is_refused_before_decryption() {
    let data = encrypt(b"{}");
    let over_text = sign(STANDARD.encode(&data).as_bytes());
    check_wrong(
        |s| s.signature = Some(over_text.into()),
        Refusal::DataSignature,
    );
    let mut bent = data.clone();
    bent[0] ^= 1;
    check_wrong(
        |s| {
            s.signature = Some(sign(&data).into());
            s.data = Some(STANDARD.encode(&bent).into());
        },
        Refusal::DataSignature,
    );
    let short = STANDARD.encode([0; 16]);
    check_wrong(|s| s.signature = Some(short.into()), Refusal::DataSignature);
}

#[test]
fn a_key_wrapped_in_another_way_or_of_another_size_is_refused() {
    let sha256 = wrap(&SYMMETRIC, &OAEP_SHA256_MGF1SHA256);
    check_wrong(|s| s.key = Some(sha256.into()), Refusal::DataKey);
    let half = wrap(&SYMMETRIC[..16], &OAEP_SHA1_MGF1SHA1);
    check_wrong(|s| s.key = Some(half.into()), Refusal::DataKey);
    check_wrong(|s| s.key = Some("AAAA".into()), Refusal::DataKey);
}

#[test]
fn signed_bytes_that_are_no_ciphertext_are_refused() {
    let data = vec![0; 31];
    check_wrong(
        |s| {
            s.signature = Some(sign(&data).into());
            s.data = Some(STANDARD.encode(&data).into());
        },
        Refusal::Content,
    );
}

#[test]
fn a_certificate_without_its_key_waits() {
    let mut sealed = seal(b"{}");
    sealed.certificate_id = Some("two".into());
    let error = keys().open(&sealed).unwrap_err();
    let wanted = OpenError::NotLoaded {
        certificate_id: "two".into(),
    };
    assert_eq!(error, wanted);
    assert!(matches!(
        DecryptionKeys::none().open(&sealed),
        Err(OpenError::NotLoaded { .. })
    ));
}

#[test]
fn a_key_in_its_older_form_is_read_too() {
    // The octet string of a PKCS#8 key is the PKCS#1 key.
    let start = PAIR.pkcs8.windows(2).rposition(|two| two == [0x04, 0x82]);
    let at = (0..start.unwrap() + 1)
        .find(|at| PAIR.pkcs8[*at..].starts_with(&[0x04, 0x82]))
        .unwrap();
    let pkcs1 = &PAIR.pkcs8[at + 4..];
    assert_eq!(*pkcs8_of(pkcs1), PAIR.pkcs8);
    let keys = DecryptionKeys::none();
    keys.insert("one", &pem("RSA PRIVATE KEY", pkcs1)).unwrap();
    assert_eq!(keys.open(&seal(b"[]")).unwrap().expose(), b"[]");
}

#[test]
fn a_length_is_written_as_der_wants_it() {
    assert_eq!(length(0x7f), [0x7f]);
    assert_eq!(length(0x80), [0x81, 0x80]);
    assert_eq!(length(0x1234), [0x82, 0x12, 0x34]);
}

#[test]
fn keys_that_cannot_be_used_are_named_and_the_others_are_loaded() {
    let small = rcgen::KeyPair::generate().unwrap(); // an elliptic curve
    let good = pem("PRIVATE KEY", &PAIR.pkcs8);
    let text = format!(
        "bad={},curve={},missing=/nowhere.pem,from-file=f.pem,good={}",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        small.serialize_pem(),
        good.expose_secret()
    );
    let entries = DecryptionKeyEntry::parse_list(&text).unwrap();
    let (keys, faults) = DecryptionKeys::load(&entries, |path| match path.to_str() {
        Some("f.pem") => Ok(good.expose_secret().to_owned()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    });
    assert_eq!(keys.ids(), ["from-file", "good"]);
    let ids: Vec<_> = faults.iter().map(|fault| fault.id.as_str()).collect();
    assert_eq!(ids, ["bad", "curve", "missing"]);
    assert_eq!(faults[1].problem, KeyProblem::NotRsa);
    assert!(faults[2].to_string().contains("could not be read"));
}

#[test]
fn nothing_here_prints_a_key_or_content() {
    let opened = keys().open(&seal(b"hunter2")).unwrap();
    assert_eq!(format!("{opened:?}"), "Opened(7 bytes)");
    assert_eq!(format!("{:?}", keys()), r#"["one"]"#);
}

#[test]
fn older_keys_of_one_id_are_tried_after_the_newest() {
    let other = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let other = other.as_der().unwrap() as Pkcs8V1Der<'_>;
    let other = pem("PRIVATE KEY", other.as_ref());
    let keys = keys();
    for more in 0..KEPT {
        let opened = keys.open(&seal(b"{}"));
        assert!(opened.is_ok(), "after {more} newer keys: {opened:?}");
        keys.insert("one", &other).unwrap();
    }
    let opened = keys.open(&seal(b"{}"));
    assert_eq!(opened.unwrap_err(), OpenError::Wrong(Refusal::DataKey));
}
