//! Bearer tokens: who calls. Signatures are not verified; a simulator has nothing to protect.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::refusal::Refusal;
use super::settings::Tokens;
use crate::domain::ids::{AppId, TenantId};

/// Who calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The tenant of the token.
    pub tenant: TenantId,
    /// The application of the token; `default` where the token is no JWT.
    pub app: AppId,
    /// Whether a user is signed in (the token has `scp`).
    pub delegated: bool,
    /// The object id of user or service principal, shown as `creatorId`.
    pub creator: Option<String>,
}

impl Caller {
    /// An application without a user.
    pub fn app(tenant: TenantId, app: AppId) -> Self {
        Self {
            tenant,
            app,
            delegated: false,
            creator: None,
        }
    }
}

/// Who sends this `Authorization` header, or the 401.
///
/// The codes and words of 401 are those of Graph's gateway as generally known; no
/// subscription-specific body is recorded in the sources.
pub fn caller_of(authorization: Option<&str>, tokens: &Tokens) -> Result<Caller, Refusal> {
    let token = authorization
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty());
    let Some(token) = token else {
        return if tokens.anonymous {
            nameless(tokens)
        } else {
            Err(Refusal::unauthenticated("Access token is empty."))
        };
    };
    match claims(token) {
        Some(claims) => named(&claims, tokens),
        None if tokens.strict => Err(Refusal::unauthenticated(
            "IDX14100: JWT is not well formed, there are no dots (.).",
        )),
        None => nameless(tokens),
    }
}

fn nameless(tokens: &Tokens) -> Result<Caller, Refusal> {
    Ok(Caller::app(default_tenant(tokens)?, AppId::unnamed()))
}

fn default_tenant(tokens: &Tokens) -> Result<TenantId, Refusal> {
    TenantId::parse(&tokens.default_tenant)
        .map_err(|error| Refusal::unauthenticated(&format!("tokens.default_tenant: {error}")))
}

fn named(claims: &Value, tokens: &Tokens) -> Result<Caller, Refusal> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let audience = text("aud").unwrap_or_default();
    if tokens.strict && !tokens.audiences.iter().any(|one| one == audience) {
        return Err(Refusal::unauthenticated(
            "Access token validation failure. Invalid audience.",
        ));
    }
    // Version 1 tokens name the application in `appid`, version 2 tokens in `azp`.
    let app = text("appid").or_else(|| text("azp"));
    let app = match app.map(AppId::parse) {
        Some(Ok(app)) => app,
        None | Some(Err(_)) if tokens.strict => {
            return Err(Refusal::unauthenticated(
                "Access token validation failure. No application is named.",
            ));
        }
        None | Some(Err(_)) => AppId::unnamed(),
    };
    let tenant = match text("tid").map(TenantId::parse) {
        Some(Ok(tenant)) => tenant,
        None | Some(Err(_)) => default_tenant(tokens)?,
    };
    Ok(Caller {
        tenant,
        app,
        delegated: text("scp").is_some(),
        creator: text("oid").map(str::to_owned),
    })
}

/// The claims of a well-formed JWT.
fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let object = |part: &str| -> Option<Value> {
        let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
        serde_json::from_slice::<Value>(&bytes)
            .ok()
            .filter(Value::is_object)
    };
    object(header)?;
    object(payload)
}

/// An unsigned JWT for tests and demonstrations: `appid`, `tid`, `aud` of Graph.
pub fn unsigned_jwt(tenant: &str, app: &str) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(serde_json::json!({"alg": "none", "typ": "JWT"}));
    let payload = part(serde_json::json!({
        "aud": "https://graph.microsoft.com", "appid": app, "tid": tenant, "ver": "1.0",
    }));
    format!("{header}.{payload}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "84bd8158-6d4d-4958-8b9f-9d6445542f95";

    #[test]
    fn a_jwt_names_tenant_and_application_and_anything_else_is_the_default() {
        let tokens = Tokens::default();
        let jwt = format!("Bearer {}", unsigned_jwt(TENANT, "APP-1"));
        let caller = caller_of(Some(&jwt), &tokens).unwrap();
        assert_eq!(
            (caller.tenant.as_str(), caller.app.as_str()),
            (TENANT, "app-1")
        );
        for odd in [
            "bearer x",
            "Bearer a.b.c",
            "Bearer ..",
            "Bearer {}.{}.{}.{}",
        ] {
            let caller = caller_of(Some(odd), &tokens).unwrap();
            assert_eq!(caller.app, AppId::unnamed(), "{odd}");
        }
    }

    #[test]
    fn no_token_is_refused_unless_allowed_and_strict_mode_wants_an_audience() {
        let mut tokens = Tokens::default();
        for none in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Bearer  "),
            Some("Basic x"),
        ] {
            assert_eq!(caller_of(none, &tokens).unwrap_err().status, 401);
        }
        tokens.anonymous = true;
        assert!(caller_of(None, &tokens).is_ok());
        tokens.strict = true;
        assert_eq!(
            caller_of(Some("Bearer x"), &tokens).unwrap_err().status,
            401
        );
        let jwt = format!("Bearer {}", unsigned_jwt(TENANT, "a"));
        assert!(caller_of(Some(&jwt), &tokens).is_ok());
        tokens.audiences = vec!["other".into()];
        assert_eq!(caller_of(Some(&jwt), &tokens).unwrap_err().status, 401);
    }
}
