//! Envelopes and validation tokens against independent implementations: the packages `cryptography`
//! and, for tokens, also `PyJWT` of Python. What is missing on a machine is said, and the rest runs.
#![allow(clippy::unwrap_used, reason = "test file")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evergraph::adapters::crypto::{DecryptionKeyEntry, DecryptionKeys};
use evergraph::adapters::jwks::{AuthorityOptions, AuthorityTokens};
use evergraph::domain::ids::AppId;
use evergraph::domain::notification::Sealed;
use evergraph::domain::notification::refusal::Refusal;
use evergraph::ports::keys::{ContentKeys, OpenError, PublisherTokens};
use evergraph::sim::envelope::seal;
use evergraph::sim::publisher::Publisher;
use evergraph::sim::settings::{DeliverySettings, TokenForm};
use httpmock::MockServer;
use serde_json::{Value, json};
use url::Url;

const CONTENT: &str = "{\"subject\":\"Grüße\",\"body\":\"a longer text than one block of AES\"}";

/// Seals and signs, given content, claims and a key id; opens, given an envelope.
const PYTHON: &str = r#"
import base64, hashlib, hmac, json, os, sys
from cryptography.hazmat.primitives import hashes, padding as pad, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

OAEP = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
b64 = lambda raw: base64.b64encode(raw).decode()
url = lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
num = lambda n: url(n.to_bytes((n.bit_length() + 7) // 8, "big"))

def pem(key, form):
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()

def seal(public, content):
    key = os.urandom(32)
    padder = pad.PKCS7(128).padder()
    plain = padder.update(content.encode()) + padder.finalize()
    box = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    data = box.update(plain) + box.finalize()
    return {
        "data": b64(data),
        "dataSignature": b64(hmac.new(key, data, hashlib.sha256).digest()),
        "dataKey": b64(public.encrypt(key, OAEP)),
    }

def open_(private, sealed):
    key = private.decrypt(base64.b64decode(sealed["dataKey"]), OAEP)
    data = base64.b64decode(sealed["data"])
    signed = hmac.new(key, data, hashlib.sha256).digest()
    assert hmac.compare_digest(signed, base64.b64decode(sealed["dataSignature"]))
    box = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    unpadder = pad.PKCS7(128).unpadder()
    plain = unpadder.update(box.update(data) + box.finalize())
    return (plain + unpadder.finalize()).decode()

def token(private, kid, claims):
    head = url(json.dumps({"typ": "JWT", "alg": "RS256", "kid": kid}).encode())
    text = head + "." + url(json.dumps(claims).encode())
    return text + "." + url(private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))

def certificate(private):
    import datetime
    from cryptography import x509
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    day = datetime.datetime(2026, 1, 1)
    made = x509.CertificateBuilder(name, name, private.public_key(), 1, day, day.replace(year=2040))
    made = made.sign(private, hashes.SHA256())
    return b64(made.public_bytes(serialization.Encoding.DER))

def number(text):
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")

def proves(text, jwk):
    """By hand: the signature over the first two parts, and what they say."""
    head, claims, signature = text.split(".")
    public = rsa.RSAPublicNumbers(number(jwk["e"]), number(jwk["n"])).public_key()
    part = lambda one: base64.urlsafe_b64decode(one + "=" * (-len(one) % 4))
    public.verify(part(signature), (head + "." + claims).encode(), padding.PKCS1v15(), hashes.SHA256())
    head = json.loads(part(head))
    assert head["alg"] == "RS256" and head["kid"] == jwk["kid"]
    return json.loads(part(claims))

def proves_by_pyjwt(text, jwk, audience, issuer):
    import jwt
    if jwt.get_unverified_header(text)["kid"] != jwk["kid"]:
        raise jwt.InvalidTokenError("kid")
    # The time of the test is not that of the machine; it is compared in Rust.
    late = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    key = jwt.PyJWK.from_dict(jwk, "RS256").key
    return jwt.decode(text, key, ["RS256"], late, audience=audience, issuer=issuer)

def tried(check, *given):
    try:
        return check(*given)
    except ModuleNotFoundError:
        return "missing"
    except Exception as error:
        return "refused: " + type(error).__name__

def token_by_pyjwt(private, kid, claims):
    import jwt
    return jwt.encode(claims, private, "RS256", {"kid": kid})

ask = json.load(sys.stdin)
if "verify" in ask:
    by_hand = [tried(proves, text, ask["jwk"]) for text in ask["verify"]]
    more = (ask["jwk"], ask["audience"], ask["issuer"])
    by_pyjwt = [tried(proves_by_pyjwt, text, *more) for text in ask["verify"]]
    print(json.dumps({"by_hand": by_hand, "by_pyjwt": by_pyjwt}))
elif "open" in ask:
    private = serialization.load_pem_private_key(ask["pem"].encode(), None)
    print(json.dumps({"content": open_(private, ask["open"])}))
else:
    private = rsa.generate_private_key(65537, ask["bits"])
    numbers = private.public_key().public_numbers()
    print(json.dumps({
        "pkcs8": pem(private, serialization.PrivateFormat.PKCS8),
        "pkcs1": pem(private, serialization.PrivateFormat.TraditionalOpenSSL),
        "spki": b64(private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)),
        "certificate": certificate(private),
        "by_pyjwt": [tried(token_by_pyjwt, private, "kid", claims) for claims in ask["claims"]],
        "sealed": seal(private.public_key(), ask["content"]),
        "tokens": [token(private, "kid", claims) for claims in ask["claims"]],
        "jwk": {"kty": "RSA", "use": "sig", "kid": "kid", "n": num(numbers.n), "e": num(numbers.e)},
    }))
"#;

/// What Python says, or `None` where there is no such Python on this machine.
fn python(ask: &Value) -> Option<Value> {
    let spawned = Command::new("python3")
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        eprintln!("SKIPPED: there is no python3 to compare with");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    // It may be gone before it reads, for want of the package.
    let _ = stdin.write_all(ask.to_string().as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("No module named 'cryptography'") {
        eprintln!("SKIPPED: python3 has no package `cryptography` to compare with");
        return None;
    }
    assert!(output.status.success(), "{said}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn made(bits: u32, claims: &[Value]) -> Option<Value> {
    python(&json!({ "bits": bits, "content": CONTENT, "claims": claims }))
}

fn sealed(parts: &Value) -> Sealed<'_> {
    let part = |name: &str| Some(parts[name].as_str().unwrap().into());
    Sealed {
        data: part("data"),
        signature: part("dataSignature"),
        key: part("dataKey"),
        certificate_id: Some("cert".into()),
    }
}

fn keys(pem: &Value) -> DecryptionKeys {
    let list = format!("cert={}", pem.as_str().unwrap());
    let entries = DecryptionKeyEntry::parse_list(&list).unwrap();
    let (keys, faults) = DecryptionKeys::load(&entries, |_| unreachable!("no files"));
    assert!(faults.is_empty(), "{faults:?}");
    keys
}

#[test]
fn an_envelope_of_python_opens_here_in_every_size_and_form_of_key() {
    for bits in [2048, 3072, 4096] {
        let Some(made) = made(bits, &[]) else {
            return;
        };
        for form in ["pkcs8", "pkcs1"] {
            let opened = keys(&made[form]).open(&sealed(&made["sealed"])).unwrap();
            assert_eq!(opened.expose(), CONTENT.as_bytes(), "{bits} {form}");
        }
        let mut bent = made["sealed"].clone();
        bent["dataSignature"] = STANDARD.encode([0; 32]).into();
        let error = keys(&made["pkcs8"]).open(&sealed(&bent)).unwrap_err();
        assert_eq!(error, OpenError::Wrong(Refusal::DataSignature));
    }
}

#[test]
fn an_envelope_made_here_opens_in_python() {
    let Some(made) = made(2048, &[]) else {
        return;
    };
    let spki = STANDARD.decode(made["spki"].as_str().unwrap()).unwrap();
    let public = PublicEncryptingKey::from_der(&spki).unwrap();
    let public = OaepPublicEncryptingKey::new(public).unwrap();
    let key: [u8; 32] = std::array::from_fn(|at| at as u8 ^ 0x5a);

    let cipher = UnboundCipherKey::new(&AES_256, &key).unwrap();
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(cipher).unwrap();
    let iv: [u8; 16] = key[..16].try_into().unwrap();
    let mut data = CONTENT.as_bytes().to_vec();
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    cipher.less_safe_encrypt(&mut data, context).unwrap();
    let signer = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let mut room = vec![0; public.ciphertext_size()];
    let wrapped = public.encrypt(&OAEP_SHA1_MGF1SHA1, &key, &mut room, None);
    let envelope = json!({
        "dataSignature": STANDARD.encode(hmac::sign(&signer, &data)),
        "data": STANDARD.encode(&data),
        "dataKey": STANDARD.encode(wrapped.unwrap()),
    });
    let opened = python(&json!({ "pem": made["pkcs8"], "open": envelope })).unwrap();
    assert_eq!(opened["content"], CONTENT);
    let here = keys(&made["pkcs8"]).open(&sealed(&envelope)).unwrap();
    assert_eq!(here.expose(), CONTENT.as_bytes());
}

/// Whether `PyJWT` is not there; says so.
fn is_missing(said: &Value) -> bool {
    let missing = said == "missing";
    if missing {
        eprintln!("SKIPPED: python3 has no package `PyJWT` to compare with");
    }
    missing
}

#[test]
fn an_envelope_of_the_simulator_opens_in_python_and_here() {
    let Some(made) = made(2048, &[]) else {
        return;
    };
    let certificate = made["certificate"].as_str().unwrap();
    for (at, content) in ["", "{}", CONTENT, "exactly 16 bytes"].iter().enumerate() {
        let key = std::array::from_fn(|byte| (byte * 7 + at) as u8);
        let envelope = seal(certificate, Some("cert"), content.as_bytes(), &key).unwrap();
        let opened = python(&json!({ "pem": made["pkcs8"], "open": envelope })).unwrap();
        assert_eq!(opened["content"], **content);
        let here = keys(&made["pkcs1"]).open(&sealed(&envelope)).unwrap();
        assert_eq!(here.expose(), content.as_bytes());
    }
}

#[test]
fn tokens_of_the_simulator_are_proven_by_python_in_both_versions() {
    const TENANT: &str = "9f4ebab6-520d-49c0-85cc-7b25c78d4a93";
    const APP: &str = "925bff9f-f6e2-4a69-b858-f71ea2b9b6d0";
    let now = jiff::Timestamp::from_second(1_900_000_000).unwrap();
    for (form, issuer) in [
        (TokenForm::V1, format!("https://sts.windows.net/{TENANT}/")),
        (
            TokenForm::V2,
            format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
        ),
    ] {
        let mut publisher = Publisher::default();
        let settings = DeliverySettings {
            validation_tokens: form,
            ..DeliverySettings::default()
        };
        let token = publisher.token(APP, TENANT, now, &settings).unwrap();
        let jwk = publisher.key_set().unwrap()["keys"][0].clone();
        let forged = publisher.stranger().unwrap();
        let claims = json!({ "aud": APP, "iss": issuer });
        let forged = forged.sign(jwk["kid"].as_str().unwrap(), &claims).unwrap();
        let (head, signature) = token.rsplit_once('.').unwrap();
        let first = if signature.starts_with('A') { 'B' } else { 'A' };
        let bent = format!("{head}.{first}{}", &signature[1..]);
        let ask = json!({
            "verify": [token, bent, forged], "jwk": jwk, "audience": APP, "issuer": issuer
        });
        let Some(said) = python(&ask) else {
            return;
        };
        for library in ["by_hand", "by_pyjwt"] {
            let [good, bent, forged] = &said[library].as_array().unwrap()[..] else {
                panic!("{said}")
            };
            if is_missing(good) {
                continue;
            }
            assert_eq!(
                (&good["tid"], &good["aud"]),
                (&TENANT.into(), &APP.into()),
                "{said}"
            );
            assert_eq!(good["nbf"], now.as_second());
            for bad in [bent, forged] {
                assert!(
                    bad.as_str().is_some_and(|said| said.starts_with("refused")),
                    "{said}"
                );
            }
        }
    }
}

#[tokio::test]
async fn tokens_of_python_are_proven_here_in_both_versions() {
    const TENANT: &str = "9f4ebab6-520d-49c0-85cc-7b25c78d4a93";
    const APP: &str = "925bff9f-f6e2-4a69-b858-f71ea2b9b6d0";
    const PUBLISHER: &str = "0bf30f3b-4a52-48df-9a82-234910c4a086";
    let second = json!({
        "ver": "2.0", "aud": APP, "tid": TENANT, "azp": PUBLISHER, "nbf": 1_900_000_000,
        "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "exp": 1_900_086_700,
    });
    let first = json!({
        "ver": "1.0", "aud": APP, "tid": TENANT, "appid": PUBLISHER, "nbf": 1_900_000_000,
        "iss": format!("https://sts.windows.net/{TENANT}/"), "exp": 1_900_086_700,
    });
    let Some(made) = made(2048, &[first, second]) else {
        return;
    };
    let server = MockServer::start_async().await;
    server
        .mock_async(|when, then| {
            when.path("/common/discovery/v2.0/keys");
            then.status(200).json_body(json!({ "keys": [made["jwk"]] }));
        })
        .await;
    let authority = Url::parse(&server.base_url()).unwrap();
    let mut options = AuthorityOptions::of_authority(&authority, [AppId::parse(APP).unwrap()]);
    options.keys.truncate(1);
    let tokens = AuthorityTokens::new(options);
    let now = jiff::Timestamp::from_second(1_900_000_100).unwrap();
    let by_pyjwt = made["by_pyjwt"].as_array().unwrap();
    let by_pyjwt = by_pyjwt.iter().filter(|token| !is_missing(token));
    for token in made["tokens"].as_array().unwrap().iter().chain(by_pyjwt) {
        let token = token.as_str().unwrap();
        let proven = tokens.check(token, now).await.unwrap();
        assert_eq!(proven.tenant.as_str(), TENANT);
        let (head, signature) = token.rsplit_once('.').unwrap();
        let first = if signature.starts_with('A') { 'B' } else { 'A' };
        let bent = format!("{head}.{first}{}", &signature[1..]);
        assert!(tokens.check(&bent, now).await.is_err());
    }
}
