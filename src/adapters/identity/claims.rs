//! What an access token says about itself.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::domain::ids::{AppId, TenantId, is_guid};

/// Claims of an access token, read without verification: they decide nothing that Graph does
/// not decide again, but they tell whose subscriptions a listing can show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenClaims {
    /// The application: `appid` (v1 tokens) or `azp` (v2), else [`AppId::unnamed`].
    pub application: AppId,
    /// The tenant that issued it: `tid`.
    pub tenant: Option<TenantId>,
    /// The object id of the application's service principal, in a token without a user: `oid`.
    pub object: Option<String>,
    /// Application permissions granted: `roles`.
    pub roles: Vec<String>,
    /// Delegated permissions, in the token of a signed-in user: `scp`.
    pub scopes: Vec<String>,
    /// Whom it is for: `aud`.
    pub audience: Option<String>,
}

/// Most roles that are kept; Graph has some hundreds of application permissions in all.
const ROLES: usize = 1000;

impl TokenClaims {
    /// Reads the payload of a JWT. A token that is none has no claims.
    pub fn read(token: &str) -> Self {
        Self::of(&payload(token).unwrap_or(Value::Null))
    }

    /// The same; `None` for what is no JWT.
    pub fn of_jwt(token: &str) -> Option<Self> {
        payload(token)
            .filter(Value::is_object)
            .map(|payload| Self::of(&payload))
    }

    fn of(payload: &Value) -> Self {
        let text = |name: &str| payload.get(name).and_then(Value::as_str);
        let application = ["appid", "azp"]
            .into_iter()
            .find_map(|name| AppId::parse(text(name)?).ok());
        let roles = payload.get("roles").and_then(Value::as_array);
        let scopes = text("scp").unwrap_or_default().split_whitespace();
        Self {
            application: application.unwrap_or_else(AppId::unnamed),
            tenant: text("tid").and_then(|text| TenantId::parse(text).ok()),
            object: text("oid").filter(|id| is_guid(id)).map(str::to_owned),
            scopes: scopes.take(ROLES).map(str::to_owned).collect(),
            audience: text("aud").map(str::to_owned),
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
    fn what_a_report_about_permissions_needs_is_read() {
        let claims = TokenClaims::of_jwt(&token(&json!({
            "aud": "https://graph.microsoft.com",
            "oid": "0b7f9c52-2a5c-4a3d-9e6b-6c1d2e3f4a5b",
            "scp": "Mail.Read User.Read",
        })));
        let claims = claims.unwrap();
        assert_eq!(claims.scopes, ["Mail.Read", "User.Read"]);
        assert_eq!(
            claims.audience.as_deref(),
            Some("https://graph.microsoft.com")
        );
        assert!(claims.object.is_some());
        assert_eq!(TokenClaims::of_jwt("a.b.c"), None);
        assert_eq!(TokenClaims::of_jwt(&token(&json!([]))), None);
        let odd = TokenClaims::of_jwt(&token(&json!({ "oid": "'; rm" })));
        assert_eq!(odd.unwrap().object, None, "it stands in commands");
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
