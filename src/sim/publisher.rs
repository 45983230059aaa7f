//! Graph as the publisher of rich notifications: its signing keys and its `validationTokens`.
//!
//! The keys are real and published over HTTP; who trusts them must be told their address instead
//! of `https://login.microsoftonline.com`. Times are those of the virtual clock.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::settings::{DeliverySettings, TokenForm};

/// "Microsoft Graph Change Tracking": `azp` (v2) or `appid` (v1) of every genuine token.
pub const GRAPH_APP: &str = "0bf30f3b-4a52-48df-9a82-234910c4a086";

/// A token is used again for this long; how long Graph does is not known.
const REUSE: SignedDuration = SignedDuration::from_mins(5);

/// Tokens remembered at most; beyond, all are signed anew.
const REMEMBERED_MAX: usize = 1_000;

/// Why no token can be signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the simulator could not make a signing key or a signature")]
pub struct SigningError;

/// A signing key and its name.
#[derive(Debug)]
pub struct SigningKey {
    /// `kid`.
    pub kid: String,
    pair: RsaKeyPair,
}

/// What a token says.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Claims {
    /// `aud`: the application that subscribed.
    pub audience: String,
    /// `tid`, and part of `iss`.
    pub tenant: String,
    /// `azp` or `appid`.
    pub publisher: String,
    /// Shape of the token.
    pub form: TokenForm,
    /// `iat` and `nbf`.
    pub issued: Timestamp,
    /// Seconds from then to `exp`.
    pub life_s: u64,
}

/// Keys, published ones first.
#[derive(Debug, Default)]
pub struct Publisher {
    published: Vec<SigningKey>,
    stranger: Option<SigningKey>,
    signed: HashMap<(String, String, TokenForm), (Timestamp, String)>,
    /// How often keys were fetched.
    pub fetches: u64,
}

impl SigningKey {
    /// A fresh RSA key of 2,048 bits, by the system's chance: keys do not come from the seed.
    pub fn generate() -> Result<Self, SigningError> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| SigningError)?;
        let modulus = pair.public_key().modulus();
        let hash = digest(&SHA256, modulus.big_endian_without_leading_zero());
        let kid = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..20]);
        Ok(Self { kid, pair })
    }

    /// The compact JWT of these claims, RS256, that names `kid`.
    pub fn sign(&self, kid: &str, claims: &Value) -> Result<String, SigningError> {
        let header = json!({"typ": "JWT", "alg": "RS256", "kid": kid});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&header), part(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                text.as_bytes(),
                &mut signature,
            )
            .map_err(|_| SigningError)?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(&signature)))
    }

    fn jwk(&self) -> Value {
        let public = self.pair.public_key();
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": number(public.modulus().big_endian_without_leading_zero()),
            "e": number(public.exponent().big_endian_without_leading_zero()),
        })
    }
}

impl Claims {
    /// The claims of the documented sample that matter (v2), or their v1 form.
    pub fn json(&self, settings: &DeliverySettings) -> Value {
        let issued = self.issued.as_second();
        let life = i64::try_from(self.life_s).unwrap_or(i64::MAX);
        let mut claims = json!({
            "aud": self.audience,
            "iss": issuer(settings, self.form).replace("{tenant}", &self.tenant),
            "iat": issued,
            "nbf": issued,
            "exp": issued.saturating_add(life),
            "tid": self.tenant,
        });
        if self.form == TokenForm::V1 {
            claims["appid"] = self.publisher.clone().into();
            claims["appidacr"] = "2".into();
            claims["ver"] = "1.0".into();
        } else {
            claims["azp"] = self.publisher.clone().into();
            claims["azpacr"] = "2".into();
            claims["ver"] = "2.0".into();
        }
        claims
    }
}

fn issuer(settings: &DeliverySettings, form: TokenForm) -> &str {
    match form {
        TokenForm::V1 => &settings.issuer_v1,
        _ => &settings.issuer_v2,
    }
}

impl Publisher {
    /// The key that signs now; made when first asked for.
    pub fn current(&mut self) -> Result<&SigningKey, SigningError> {
        if self.published.is_empty() {
            self.published.push(SigningKey::generate()?);
        }
        self.published.first().ok_or(SigningError)
    }

    /// A key that is never published.
    pub fn stranger(&mut self) -> Result<&SigningKey, SigningError> {
        if self.stranger.is_none() {
            self.stranger = Some(SigningKey::generate()?);
        }
        self.stranger.as_ref().ok_or(SigningError)
    }

    /// Signs by a new key from now on. The old ones stay published if they are kept.
    pub fn rotate(&mut self, keep: bool) -> Result<String, SigningError> {
        self.current()?;
        let fresh = SigningKey::generate()?;
        let kid = fresh.kid.clone();
        if !keep {
            self.published.clear();
        }
        self.published.insert(0, fresh);
        self.signed.clear();
        Ok(kid)
    }

    /// Names of the published keys, the signing one first.
    pub fn kids(&self) -> Vec<String> {
        self.published.iter().map(|key| key.kid.clone()).collect()
    }

    /// The key set, as `discovery/keys` answers it.
    pub fn key_set(&mut self) -> Result<Value, SigningError> {
        self.current()?;
        self.fetches += 1;
        let keys: Vec<Value> = self.published.iter().map(SigningKey::jwk).collect();
        Ok(json!({ "keys": keys }))
    }

    /// The genuine token of an application in a tenant.
    pub fn token(
        &mut self,
        app: &str,
        tenant: &str,
        now: Timestamp,
        settings: &DeliverySettings,
    ) -> Result<String, SigningError> {
        let form = settings.validation_tokens;
        let name = (app.to_owned(), tenant.to_owned(), form);
        if let Some((issued, token)) = self.signed.get(&name)
            && (SignedDuration::ZERO..REUSE).contains(&now.duration_since(*issued))
        {
            return Ok(token.clone());
        }
        let claims = Claims {
            audience: app.to_owned(),
            tenant: tenant.to_owned(),
            publisher: GRAPH_APP.to_owned(),
            form,
            issued: now,
            life_s: settings.token_life_s,
        };
        let key = self.current()?;
        let token = key.sign(&key.kid, &claims.json(settings))?;
        if self.signed.len() >= REMEMBERED_MAX {
            self.signed.clear();
        }
        self.signed.insert(name, (now, token.clone()));
        Ok(token)
    }
}

/// The discovery document; `root` is the simulator's own address.
pub fn discovery(root: &str, version_2: bool, settings: &DeliverySettings) -> Value {
    let (form, path) = if version_2 {
        (TokenForm::V2, "/common/discovery/v2.0/keys")
    } else {
        (TokenForm::V1, "/common/discovery/keys")
    };
    json!({
        "issuer": issuer(settings, form).replace("{tenant}", "{tenantid}"),
        "jwks_uri": format!("{root}{path}"),
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "subject_types_supported": ["pairwise"],
        "token_endpoint": format!("{root}/common/oauth2/v2.0/token"),
    })
}
