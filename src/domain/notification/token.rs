//! What a validation token must say. Its signature is checked elsewhere.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::refusal::TokenFault;
use crate::domain::ids::{AppId, TenantId};

/// Microsoft Graph Change Tracking, the one that publishes notifications (Graph's page on
/// notifications with resource data).
pub const PUBLISHER: &str = "0bf30f3b-4a52-48df-9a82-234910c4a086";

/// Clocks differ; Entra's own libraries allow five minutes.
pub const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What stands for the tenant in an issuer.
pub const TENANT_PLACE: &str = "{tenantid}";

/// The claims that matter.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Claims {
    /// `ver`.
    pub version: Option<String>,
    /// `iss`.
    pub issuer: Option<String>,
    /// `aud`: one, or several.
    pub audience: Vec<String>,
    /// `tid`.
    pub tenant: Option<String>,
    /// `appid`, who called, in version 1.0.
    pub appid: Option<String>,
    /// `azp`, who called, in version 2.0.
    pub azp: Option<String>,
    /// `exp`, in seconds since 1970.
    pub expires: Option<i64>,
    /// `nbf`, in seconds since 1970.
    pub not_before: Option<i64>,
}

/// What validation tokens are measured by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenRules {
    /// Our own applications.
    pub audiences: BTreeSet<AppId>,
    /// Issuers, with [`TENANT_PLACE`] where the tenant stands.
    pub issuers: Vec<String>,
    /// Who must have published it.
    pub publisher: String,
    /// How far clocks may differ.
    pub skew: SignedDuration,
}

/// What a genuine token proves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proven {
    /// The tenant for which it speaks.
    pub tenant: TenantId,
    /// Our application, to which it is addressed.
    pub application: AppId,
    /// When it ends.
    pub until: Timestamp,
}

impl TokenRules {
    /// Checks the claims.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self, claims: &Claims, now: Timestamp) -> Result<Proven, TokenFault> {
        let tenant = claims.tenant.as_deref().ok_or(TokenFault::Issuer)?;
        let tenant = TenantId::parse(tenant).map_err(|_| TokenFault::Issuer)?;
        self.check_issuer(claims, &tenant)?;
        self.check_publisher(claims)?;
        let application = claims
            .audience
            .iter()
            .filter_map(|one| AppId::parse(one).ok())
            .find(|one| self.audiences.contains(one))
            .ok_or(TokenFault::Audience)?;
        let until = self.check_time(claims, now)?;
        Ok(Proven {
            tenant,
            application,
            until,
        })
    }

    fn check_issuer(&self, claims: &Claims, tenant: &TenantId) -> Result<(), TokenFault> {
        let issuer = claims.issuer.as_deref().ok_or(TokenFault::Issuer)?;
        let fits = |template: &String| {
            let wanted = template.replace(TENANT_PLACE, tenant.as_str());
            wanted.eq_ignore_ascii_case(issuer)
        };
        match self.issuers.iter().any(fits) {
            true => Ok(()),
            false => Err(TokenFault::Issuer),
        }
    }

    /// The version says which claim names the caller; the other one proves nothing.
    fn check_publisher(&self, claims: &Claims) -> Result<(), TokenFault> {
        let caller = match claims.version.as_deref() {
            Some("1.0") => &claims.appid,
            Some("2.0") => &claims.azp,
            _ => return Err(TokenFault::Version),
        };
        match caller {
            Some(caller) if caller.eq_ignore_ascii_case(&self.publisher) => Ok(()),
            _ => Err(TokenFault::Publisher),
        }
    }

    fn check_time(&self, claims: &Claims, now: Timestamp) -> Result<Timestamp, TokenFault> {
        let until = claims
            .expires
            .and_then(|second| Timestamp::from_second(second).ok())
            .ok_or(TokenFault::Expired)?;
        if now.duration_since(until) >= self.skew {
            return Err(TokenFault::Expired);
        }
        let skew = self.skew.as_secs();
        if claims
            .not_before
            .is_some_and(|second| second.saturating_sub(skew) > now.as_second())
        {
            return Err(TokenFault::TooEarly);
        }
        Ok(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "9f4ebab6-520d-49c0-85cc-7b25c78d4a93";
    const APP: &str = "925bff9f-f6e2-4a69-b858-f71ea2b9b6d0";
    const NOW: i64 = 1_700_000_000;

    fn rules() -> TokenRules {
        TokenRules {
            audiences: [AppId::parse(APP).unwrap()].into(),
            issuers: vec![
                "https://sts.windows.net/{tenantid}/".into(),
                "https://login.microsoftonline.com/{tenantid}/v2.0".into(),
            ],
            publisher: PUBLISHER.into(),
            skew: SKEW,
        }
    }

    fn second() -> Claims {
        Claims {
            version: Some("2.0".into()),
            issuer: Some(format!("https://login.microsoftonline.com/{TENANT}/v2.0")),
            audience: vec![APP.into()],
            tenant: Some(TENANT.into()),
            appid: None,
            azp: Some(PUBLISHER.into()),
            expires: Some(NOW + 86_000),
            not_before: Some(NOW - 700),
        }
    }

    fn first() -> Claims {
        Claims {
            version: Some("1.0".into()),
            issuer: Some(format!("https://sts.windows.net/{TENANT}/")),
            appid: Some(PUBLISHER.into()),
            azp: None,
            ..second()
        }
    }

    #[track_caller]
    fn check(claims: &Claims, wanted: Result<(), TokenFault>) {
        let now = Timestamp::from_second(NOW).unwrap();
        assert_eq!(rules().check(claims, now).map(drop), wanted, "{claims:?}");
    }

    #[track_caller]
    fn check_changed(change: impl Fn(&mut Claims), fault: TokenFault) {
        for mut claims in [first(), second()] {
            change(&mut claims);
            check(&claims, Err(fault));
        }
    }

    #[test]
    fn both_versions_prove_tenant_and_application() {
        check(&first(), Ok(()));
        check(&second(), Ok(()));
        let now = Timestamp::from_second(NOW).unwrap();
        let proven = rules().check(&second(), now).unwrap();
        assert_eq!(proven.tenant.as_str(), TENANT);
        assert_eq!(proven.application.as_str(), APP);
        assert_eq!(proven.until.as_second(), NOW + 86_000);
    }

    #[test]
    fn each_claim_counts() {
        let other = "84bd8158-6d4d-4958-8b9f-9d6445542f95";
        check_changed(|c| c.tenant = None, TokenFault::Issuer);
        check_changed(|c| c.tenant = Some(other.into()), TokenFault::Issuer);
        check_changed(|c| c.tenant = Some("common".into()), TokenFault::Issuer);
        check_changed(|c| c.issuer = None, TokenFault::Issuer);
        check_changed(
            |c| c.issuer = Some(format!("https://login.example.com/{TENANT}/v2.0")),
            TokenFault::Issuer,
        );
        check_changed(|c| c.audience = vec![other.into()], TokenFault::Audience);
        check_changed(|c| c.audience = vec![], TokenFault::Audience);
        check_changed(|c| c.version = None, TokenFault::Version);
        check_changed(|c| c.version = Some("3.0".into()), TokenFault::Version);
        check_changed(|c| c.expires = None, TokenFault::Expired);
        check_changed(|c| c.expires = Some(NOW - 300), TokenFault::Expired);
        check_changed(|c| c.expires = Some(i64::MAX), TokenFault::Expired);
        check_changed(|c| c.not_before = Some(NOW + 301), TokenFault::TooEarly);
    }

    #[test]
    fn only_the_claim_of_its_version_names_the_publisher() {
        let mut claims = first();
        std::mem::swap(&mut claims.appid, &mut claims.azp);
        check(&claims, Err(TokenFault::Publisher));
        let mut claims = second();
        std::mem::swap(&mut claims.appid, &mut claims.azp);
        check(&claims, Err(TokenFault::Publisher));
        check_changed(
            |c| {
                c.azp = Some(APP.into());
                c.appid = Some(APP.into());
            },
            TokenFault::Publisher,
        );
    }

    #[test]
    fn clocks_may_differ_a_little_and_one_of_several_audiences_is_enough() {
        let mut claims = second();
        claims.expires = Some(NOW - 299);
        claims.not_before = Some(NOW + 300);
        claims.audience.insert(0, "someone-else".into());
        check(&claims, Ok(()));
    }
}
