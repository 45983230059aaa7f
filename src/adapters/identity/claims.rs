//! What an access token says about itself.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::domain::ids::{AppId, TenantId};

/// Claims of an access token, read without verification: they decide nothing that Graph does
/// not decide again, but they tell whose subscriptions a listing can show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenClaims {
    /// The application: `appid` (v1 tokens) or `azp` (v2), else [`AppId::unnamed`].
    pub application: AppId,
    /// The tenant that issued it: `tid`.
    pub tenant: Option<TenantId>,
    /// Application permissions granted: `roles`.
    pub roles: Vec<String>,
}

/// Most roles that are kept; Graph has some hundreds of application permissions in all.
const ROLES: usize = 1000;

impl TokenClaims {
    /// Reads the payload of a JWT. A token that is none has no claims.
    pub fn read(token: &str) -> Self {
        let payload = payload(token).unwrap_or(Value::Null);
        let text = |name: &str| payload.get(name).and_then(Value::as_str);
        let application = ["appid", "azp"]
            .into_iter()
            .find_map(|name| AppId::parse(text(name)?).ok());
        let roles = payload.get("roles").and_then(Value::as_array);
        Self {
            application: application.unwrap_or_else(AppId::unnamed),
            tenant: text("tid").and_then(|text| TenantId::parse(text).ok()),
            roles: roles
                .into_iter()
                .flatten()
                .filter_map(|role| role.as_str().map(str::to_owned))
                .take(ROLES)
                .collect(),
        }
    }
}

fn payload(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn token(payload: &Value) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload.to_string()))
    }

    #[track_caller]
    fn check_application(payload: &Value, expected: &str) {
        let claims = TokenClaims::read(&token(payload));
        assert_eq!(claims.application.as_str(), expected, "{payload}");
    }

    #[test]
    fn the_application_is_named_by_either_version() {
        let id = "24D3B144-21ae-4080-943f-7067b395b913";
        check_application(&json!({ "appid": id }), &id.to_ascii_lowercase());
        check_application(&json!({ "azp": id }), &id.to_ascii_lowercase());
        check_application(&json!({ "appid": 7, "azp": id }), &id.to_ascii_lowercase());
        check_application(&json!({ "appid": "" }), "default");
        check_application(&json!([]), "default");
    }

    #[test]
    fn tenant_and_roles_are_read() {
        let claims = TokenClaims::read(&token(&json!({
            "tid": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
            "roles": ["Mail.Read", 5, "User.Read.All"],
        })));
        assert_eq!(claims.roles, ["Mail.Read", "User.Read.All"]);
        assert!(claims.tenant.is_some());
    }

    #[test]
    fn what_is_no_jwt_has_no_claims() {
        for bad in ["", "x", "a.b.c", "a.b.c.d", "..", "e30.e30"] {
            let claims = TokenClaims::read(bad);
            assert_eq!(claims.application, AppId::unnamed(), "{bad}");
            assert!(claims.tenant.is_none() && claims.roles.is_empty(), "{bad}");
        }
    }
}
