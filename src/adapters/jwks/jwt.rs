//! Reading a JWT, and checking its signature.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::domain::notification::refusal::TokenFault;
use crate::domain::notification::token::Claims;

/// Longest token that is looked at; Graph's have about 1,500 bytes.
const TOKEN_BYTES: usize = 16 * 1024;

/// A token, taken apart. Nothing in it is proven.
pub(super) struct Parsed {
    pub(super) kid: String,
    pub(super) claims: Claims,
}

#[derive(Deserialize)]
struct Wire {
    ver: Option<String>,
    iss: Option<String>,
    aud: Option<Audience>,
    tid: Option<String>,
    appid: Option<String>,
    azp: Option<String>,
    exp: Option<i64>,
    nbf: Option<i64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Takes a token apart.
pub(super) fn read(token: &str) -> Result<Parsed, TokenFault> {
    if token.len() > TOKEN_BYTES {
        return Err(TokenFault::Form);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenFault::Form)?;
    if header.alg != Algorithm::RS256 {
        return Err(TokenFault::Algorithm);
    }
    let kid = header.kid.ok_or(TokenFault::UnknownKey)?;
    let wire: Wire =
        jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| TokenFault::Form)?;
    let claims = Claims {
        version: wire.ver,
        issuer: wire.iss,
        audience: match wire.aud {
            None => Vec::new(),
            Some(Audience::One(one)) => vec![one],
            Some(Audience::Several(several)) => several,
        },
        tenant: wire.tid,
        appid: wire.appid,
        azp: wire.azp,
        expires: wire.exp,
        not_before: wire.nbf,
    };
    Ok(Parsed { kid, claims })
}

/// Checks the signature alone: the claims are judged by the rules of the core.
pub(super) fn verify(token: &str, key: &DecodingKey) -> Result<(), TokenFault> {
    let mut rules = Validation::new(Algorithm::RS256);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    jsonwebtoken::decode::<IgnoredAny>(token, key, &rules)
        .map(drop)
        .map_err(|_| TokenFault::Signature)
}
