//! Where the keys of an authority are, and what its tokens say.

use std::time::Duration;

use url::Url;

use crate::adapters::loopback::is_loopback;
use crate::domain::ids::AppId;
use crate::domain::notification::token::{PUBLISHER, SKEW, TENANT_PLACE, TokenRules};

/// The keys and rules of one authority.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuthorityOptions {
    /// Where its keys are published; all are read and put together.
    pub keys: Vec<Url>,
    /// Its issuers, with `{tenantid}` where the tenant stands.
    pub issuers: Vec<String>,
    /// Our own applications: a token must be for one of them.
    pub audiences: Vec<AppId>,
    /// After this, keys are fetched again. Entra rolls keys daily and publishes them ahead.
    pub fresh_for: Duration,
    /// While the authority is unreachable, keys serve for so long.
    pub stale_for: Duration,
    /// Fetches are at least this far apart, whatever keys tokens name.
    pub pause: Duration,
    /// One fetch, whole.
    pub fetch_within: Duration,
}

/// The first form of a global or US Government issuer (v1.0 tokens).
const STS: &str = "https://sts.windows.net/{tenantid}/";

impl AuthorityOptions {
    /// The options of a login authority (`https://login.microsoftonline.com` or that of a
    /// national cloud; one on this machine is a simulator), for our own applications.
    pub fn of_authority(authority: &Url, audiences: impl IntoIterator<Item = AppId>) -> Self {
        let origin = authority.origin().ascii_serialization();
        let second = format!("{origin}/{TENANT_PLACE}/v2.0");
        let mut issuers = vec![second];
        match authority.host_str() {
            Some("login.chinacloudapi.cn" | "login.partner.microsoftonline.cn") => {
                issuers.extend([
                    format!("https://sts.chinacloudapi.cn/{TENANT_PLACE}/"),
                    format!("https://login.chinacloudapi.cn/{TENANT_PLACE}/v2.0"),
                    format!("https://login.partner.microsoftonline.cn/{TENANT_PLACE}/v2.0"),
                ])
            }
            _ => issuers.push(STS.to_owned()),
        }
        if is_loopback(authority) {
            issuers.extend([
                format!("{origin}/{TENANT_PLACE}/"),
                format!("https://login.microsoftonline.com/{TENANT_PLACE}/v2.0"),
            ]);
        }
        let paths = ["common/discovery/v2.0/keys", "common/discovery/keys"];
        Self {
            keys: paths
                .iter()
                .filter_map(|path| Url::parse(&format!("{origin}/{path}")).ok())
                .collect(),
            issuers,
            audiences: audiences.into_iter().collect(),
            fresh_for: Duration::from_secs(12 * 3600),
            stale_for: Duration::from_secs(7 * 24 * 3600),
            pause: Duration::from_secs(10),
            fetch_within: Duration::from_secs(5),
        }
    }

    pub(super) fn rules(&self) -> TokenRules {
        TokenRules {
            audiences: self.audiences.iter().cloned().collect(),
            issuers: self.issuers.clone(),
            publisher: PUBLISHER.to_owned(),
            skew: SKEW,
        }
    }
}
