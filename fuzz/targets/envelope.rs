//! Sealed content: what is genuine opens to what was sealed, and nothing that was tampered with
//! opens at all; the signature is checked before anything is decrypted.

use std::sync::OnceLock;

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{KeySize, OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PrivateDecryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evergraph::adapters::crypto::{DecryptionKeyEntry, DecryptionKeys};
use evergraph::domain::notification::Sealed;
use evergraph::domain::notification::refusal::Refusal;
use evergraph::ports::keys::{ContentKeys as _, OpenError};

/// Longer inputs say nothing new.
const LONGEST: usize = 4 * 1024;

struct Pair {
    ours: DecryptionKeys,
    public: OaepPublicEncryptingKey,
}

/// One key for the whole run: making it takes long.
fn pair() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).expect("a key");
        let der: Pkcs8V1Der<'_> = private.as_der().expect("PKCS #8");
        let body = STANDARD.encode(der.as_ref());
        let lines: Vec<_> = body
            .as_bytes()
            .chunks(64)
            .map(String::from_utf8_lossy)
            .collect();
        let pem = format!(
            "cert=-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            lines.join("\n")
        );
        let entries = DecryptionKeyEntry::parse_list(&pem).expect("a list");
        let (ours, faults) = DecryptionKeys::load(&entries, |_| unreachable!("no files"));
        assert!(faults.is_empty(), "{faults:?}");
        let public = OaepPublicEncryptingKey::new(private.public_key()).expect("a public key");
        Pair { ours, public }
    })
}

/// The three parts of an envelope, as bytes.
struct Parts([Vec<u8>; 3]);

const DATA: usize = 0;
const SIGNATURE: usize = 1;

/// As Graph's page on resource data says.
fn seal(content: &[u8], key: &[u8; 32]) -> Parts {
    let cipher = UnboundCipherKey::new(&AES_256, key).expect("a cipher");
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(cipher).expect("a cipher");
    let iv: [u8; 16] = std::array::from_fn(|at| key[at]);
    let mut data = content.to_vec();
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    cipher
        .less_safe_encrypt(&mut data, context)
        .expect("a ciphertext");
    let signer = hmac::Key::new(hmac::HMAC_SHA256, key);
    let signature = hmac::sign(&signer, &data).as_ref().to_vec();
    let public = &pair().public;
    let mut room = vec![0; public.ciphertext_size()];
    let wrapped = public.encrypt(&OAEP_SHA1_MGF1SHA1, key, &mut room, None);
    let wrapped = wrapped.expect("a wrapped key").to_vec();
    Parts([data, signature, wrapped])
}

fn open(parts: &Parts) -> Result<Vec<u8>, OpenError> {
    let [data, signature, key] = parts
        .0
        .each_ref()
        .map(|part| Some(STANDARD.encode(part).into()));
    let sealed = Sealed {
        data,
        signature,
        key,
        certificate_id: Some("cert".into()),
    };
    pair()
        .ours
        .open(&sealed)
        .map(|opened| opened.expose().to_vec())
}

/// Checks one input: the first byte says what is done with the rest.
pub fn run(data: &[u8]) {
    let Some((kind, rest)) = data.split_first().filter(|_| data.len() <= LONGEST) else {
        return;
    };
    match kind % 4 {
        0 => strange_texts(rest),
        1 => round_trip(rest),
        2 => bent(rest),
        _ => cut(rest),
    }
}

/// Whatever stands in the envelope, nothing that we did not seal opens.
fn strange_texts(rest: &[u8]) {
    let text = String::from_utf8_lossy(rest);
    let mut texts = text.split('\n').map(|part| Some(part.into()));
    let mut next = || texts.next().unwrap_or_default();
    let sealed = Sealed {
        data: next(),
        signature: next(),
        key: next(),
        certificate_id: next().or(Some("cert".into())),
    };
    let opened = pair().ours.open(&sealed);
    assert!(opened.is_err(), "it opened: {sealed:?}");
}

/// A key of 32 bytes from the input, and what is left of it.
fn key_of(rest: &[u8]) -> ([u8; 32], &[u8]) {
    let (first, left) = rest.split_at(rest.len().min(8));
    (
        std::array::from_fn(|at| *first.get(at % 8).unwrap_or(&0) ^ at as u8),
        left,
    )
}

fn round_trip(rest: &[u8]) {
    let (key, content) = key_of(rest);
    let opened = open(&seal(content, &key));
    assert_eq!(opened.as_deref(), Ok(content));
}

/// One byte of one part is another.
fn bent(rest: &[u8]) {
    let Some(([part, mask, high, low], rest)) = rest.split_first_chunk() else {
        return;
    };
    let (key, content) = key_of(rest);
    let mut parts = seal(content, &key);
    let which = usize::from(*part) % 3;
    let bytes = &mut parts.0[which];
    let at = usize::from(u16::from_be_bytes([*high, *low])) % bytes.len();
    bytes[at] ^= (*mask).max(1);
    let error = open(&parts).expect_err("what was bent opened");
    if which == DATA || which == SIGNATURE {
        // Never a word about padding: the signature is looked at first.
        assert_eq!(error, OpenError::Wrong(Refusal::DataSignature));
    }
}

/// One part ends too early, or goes on.
fn cut(rest: &[u8]) {
    let Some(([part, length], rest)) = rest.split_first_chunk() else {
        return;
    };
    let (key, content) = key_of(rest);
    let mut parts = seal(content, &key);
    let which = usize::from(*part) % 3;
    let bytes = &mut parts.0[which];
    let length = usize::from(*length);
    match length < bytes.len() && part % 2 == 0 {
        true => bytes.truncate(length),
        false => bytes.extend(std::iter::repeat_n(7, length + 1)),
    }
    assert!(
        open(&parts).is_err(),
        "part {which} of another length opened"
    );
}
