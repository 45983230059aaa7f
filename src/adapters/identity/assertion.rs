//! Client assertions: what an application shows the authority instead of a secret.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use azure_core::credentials::TokenCredential;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use url::Url;

use crate::adapters::clock::SystemClock;

/// How long an assertion is valid: Entra's page on certificate credentials advises at most
/// ten minutes.
const VALID_S: i64 = 600;

/// Clocks differ; an assertion that begins in the authority's future is refused.
const SKEW_S: i64 = 60;

/// Why a PEM text cannot sign assertions. The text itself is a secret and is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PemFault {
    /// There is no certificate in it.
    #[error("the PEM text of the client certificate holds no CERTIFICATE")]
    Certificate,
    /// There is no key in it.
    #[error("the PEM text of the client certificate holds no PRIVATE KEY")]
    Key,
    /// The key is not of a kind that Entra accepts.
    #[error("the key of the client certificate is no RSA key in PKCS#8 or PKCS#1 form")]
    KeyKind,
}

/// A certificate and its key, as a source of signed assertions.
pub(super) struct CertificateAssertion {
    client_id: String,
    audience: String,
    thumbprint: String,
    key: EncodingKey,
    ids: Mutex<fastrand::Rng>,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl CertificateAssertion {
    /// Reads key and certificate. `tenant_authority` is `{authority}/{tenant}`.
    pub(super) fn new(
        client_id: &str,
        tenant_authority: &Url,
        pem: &SecretString,
    ) -> Result<Self, PemFault> {
        let text = pem.expose_secret().as_bytes();
        let certificate =
            CertificateDer::from_pem_slice(text).map_err(|_| PemFault::Certificate)?;
        let thumbprint = digest::digest(&digest::SHA256, &certificate);
        Ok(Self {
            client_id: client_id.to_owned(),
            audience: format!("{tenant_authority}/oauth2/v2.0/token"),
            thumbprint: URL_SAFE_NO_PAD.encode(thumbprint),
            key: rsa_key(text)?,
            ids: Mutex::new(fastrand::Rng::new()),
        })
    }

    /// An assertion that begins a little before `now`, in the form of Entra's page on
    /// certificate credentials: PS256, `x5t#S256`.
    pub(super) fn sign(&self, now: Timestamp) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(Algorithm::PS256);
        header.x5t_s256 = Some(self.thumbprint.clone());
        let now = now.as_second();
        let claims = Claims {
            aud: &self.audience,
            iss: &self.client_id,
            sub: &self.client_id,
            jti: self.next_id(),
            iat: now,
            nbf: now - SKEW_S,
            exp: now + VALID_S,
        };
        jsonwebtoken::encode(&header, &claims, &self.key)
    }

    /// Unique, not secret: the signature is what proves.
    fn next_id(&self) -> String {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        format!("{:032x}", ids.u128(..))
    }
}

/// The one key of the text. jsonwebtoken reads only the first PEM section, so the key's
/// section is set down alone.
fn rsa_key(text: &[u8]) -> Result<EncodingKey, PemFault> {
    let key = PrivateKeyDer::from_pem_slice(text).map_err(|_| PemFault::Key)?;
    let label = match &key {
        PrivateKeyDer::Pkcs8(_) => "PRIVATE KEY",
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        _ => return Err(PemFault::KeyKind),
    };
    let body: SecretString = STANDARD.encode(key.secret_der()).into();
    let alone: SecretString = format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        body.expose_secret()
    )
    .into();
    let key = EncodingKey::from_rsa_pem(alone.expose_secret().as_bytes());
    key.map_err(|_| PemFault::KeyKind)
}

impl fmt::Debug for CertificateAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAssertion")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl ClientAssertion for CertificateAssertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        self.sign(SystemClock.read()).map_err(|error| {
            Error::with_error(
                ErrorKind::Credential,
                error,
                "the client certificate's key could not sign",
            )
        })
    }
}

/// A managed identity's token for the exchange audience, as an assertion.
pub(super) struct IdentityAssertion {
    /// The managed identity.
    pub identity: Arc<dyn TokenCredential>,
    /// Scope of the exchange audience in this cloud.
    pub scope: String,
}

impl fmt::Debug for IdentityAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityAssertion").finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl ClientAssertion for IdentityAssertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let token = self.identity.get_token(&[&self.scope], None).await?;
        Ok(token.token.secret().to_owned())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation};
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
    use serde_json::Value;

    /// A key with its certificate, PEM, and the key's public half.
    pub(in crate::adapters::identity) fn certificate() -> (KeyPair, String) {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        let pem = format!("{}{}", certificate.pem(), key.serialize_pem());
        (key, pem)
    }

    fn assertion(pem: &str) -> Result<CertificateAssertion, PemFault> {
        let authority = Url::parse("https://login.example/tenant").unwrap();
        CertificateAssertion::new("app", &authority, &pem.to_owned().into())
    }

    #[test]
    fn an_assertion_is_what_entra_documents() {
        let (key, pem) = certificate();
        let now: Timestamp = "2030-01-02T03:04:05Z".parse().unwrap();
        let signer = assertion(&pem).unwrap();
        let jwt = signer.sign(now).unwrap();

        let header = jsonwebtoken::decode_header(&jwt).unwrap();
        assert_eq!(header.alg, Algorithm::PS256);
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let digest = digest::digest(&digest::SHA256, &der);
        assert_eq!(header.x5t_s256, Some(URL_SAFE_NO_PAD.encode(digest)));
        assert_eq!(header.typ.as_deref(), Some("JWT"));

        let mut rules = Validation::new(Algorithm::PS256);
        rules.set_audience(&["https://login.example/tenant/oauth2/v2.0/token"]);
        rules.set_issuer(&["app"]);
        rules.sub = Some("app".into());
        rules.validate_exp = false; // the time of signing is a literal
        let public = DecodingKey::from_rsa_pem(key.public_key_pem().as_bytes()).unwrap();
        let claims = jsonwebtoken::decode::<Value>(&jwt, &public, &rules)
            .unwrap()
            .claims;
        assert_eq!(claims["iat"], now.as_second());
        assert_eq!(claims["nbf"], now.as_second() - 60);
        assert_eq!(claims["exp"], now.as_second() + 600);
        assert_ne!(jwt, signer.sign(now).unwrap(), "jti must differ");
    }

    #[test]
    fn the_order_of_key_and_certificate_does_not_matter() {
        let (key, pem) = certificate();
        let certificate = pem.replace(&key.serialize_pem(), "");
        assert!(assertion(&format!("{}{certificate}", key.serialize_pem())).is_ok());
    }

    #[test]
    fn what_is_missing_is_named() {
        let (key, pem) = certificate();
        let certificate = pem.replace(&key.serialize_pem(), "");
        assert_eq!(assertion("").unwrap_err(), PemFault::Certificate);
        assert_eq!(
            assertion(&key.serialize_pem()).unwrap_err(),
            PemFault::Certificate
        );
        assert_eq!(assertion(&certificate).unwrap_err(), PemFault::Key);
        let curve = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mixed = format!("{certificate}{}", curve.serialize_pem());
        assert_eq!(assertion(&mixed).unwrap_err(), PemFault::KeyKind);
    }

    #[test]
    fn a_signer_never_prints_its_key() {
        let (_, pem) = certificate();
        let printed = format!("{:?}", assertion(&pem).unwrap());
        assert_eq!(printed, r#"CertificateAssertion { client_id: "app", .. }"#);
    }
}
