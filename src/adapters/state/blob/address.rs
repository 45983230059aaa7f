//! The address of a container, and what may be shown of it.

use std::fmt;
use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use url::{Host, Url};

use crate::ports::state::StateError;

/// A container's URL. It may carry a SAS, so it prints without its query.
pub(super) struct Address(Url);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place())
    }
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, StateError> {
        let refuse = |place: String, why: &str| {
            Err(StateError::Denied {
                name: place,
                why: format!(
                    "{why}; EVERGRAPH_STATE must be file:DIR or a container's URL such as \
                     https://ACCOUNT.blob.core.windows.net/CONTAINER, a SAS allowed"
                ),
            })
        };
        let Ok(mut url) = Url::parse(text) else {
            return refuse("the state store".to_owned(), "this is no URL");
        };
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty();
        }
        let address = Self(url);
        match address.flaw() {
            Some(why) => refuse(address.place(), why),
            None => Ok(address),
        }
    }

    fn flaw(&self) -> Option<&'static str> {
        let url = &self.0;
        let depth = url.path_segments().map_or(0, |parts| {
            parts.filter(|segment| !segment.is_empty()).count()
        });
        // Emulators take the account from the path: http://127.0.0.1:10000/devstoreaccount1/state.
        let wanted = if self.is_loopback() { 2 } else { 1 };
        match url.scheme() {
            "https" => {}
            "http" if self.is_loopback() => {}
            "http" => return Some("plain http is accepted only towards this machine"),
            _ => return Some("it is neither https nor http"),
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Some("it must carry no user name and no fragment");
        }
        if depth != wanted {
            return Some("the path must name exactly one container");
        }
        if url.query().is_some() && !self.has_sas() {
            return Some("the query is no SAS (it has no sig=)");
        }
        None
    }

    fn has_sas(&self) -> bool {
        self.0.query_pairs().any(|(key, _)| key == "sig")
    }

    /// Whether it leads to this machine and nowhere else.
    pub(super) fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }

    /// The credential to send: none beside a SAS, and one at least.
    pub(super) fn credential(
        &self,
        offered: Option<Arc<dyn TokenCredential>>,
    ) -> Result<Option<Arc<dyn TokenCredential>>, StateError> {
        let why = match offered {
            _ if self.has_sas() => return Ok(None),
            Some(credential) if self.0.scheme() == "https" => return Ok(Some(credential)),
            Some(_) => "a token is never sent over plain http; append a SAS to the URL",
            None => "no credential is set; set EVERGRAPH_CREDENTIAL or append a SAS to the URL",
        };
        Err(StateError::Denied {
            name: self.place(),
            why: why.to_owned(),
        })
    }

    /// Scheme, host, port and path: all but the SAS.
    pub(super) fn place(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        let port = self.0.port().map(|port| format!(":{port}"));
        format!(
            "{}://{host}{}{}",
            self.0.scheme(),
            port.unwrap_or_default(),
            self.0.path()
        )
    }

    pub(super) fn into_url(self) -> Url {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_refused(url: &str, hint: &str) {
        let error = Address::parse(url).unwrap_err().to_string();
        assert!(error.contains(hint), "{url}: {error}");
        assert!(!error.contains("hunter2"), "{url}: {error}");
    }

    #[track_caller]
    fn check_place(url: &str, place: &str) {
        let address = Address::parse(url).unwrap();
        assert_eq!(address.place(), place);
        assert_eq!(format!("{address:?}"), place);
    }

    #[test]
    fn an_address_is_shown_without_its_sas() {
        check_place(
            "https://acct.blob.core.windows.net/state?sv=2024-11-04&sig=hunter2",
            "https://acct.blob.core.windows.net/state",
        );
        check_place(
            "http://127.0.0.1:10000/devstoreaccount1/state/?sig=hunter2",
            "http://127.0.0.1:10000/devstoreaccount1/state",
        );
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for host in [
            "acct.blob.core.windows.net",
            "localhost.example.com",
            "10.0.0.1",
        ] {
            check_refused(&format!("http://{host}/state?sig=hunter2"), "plain http");
        }
        assert!(Address::parse("http://localhost:1/a/state?sig=x").is_ok());
        assert!(Address::parse("http://[::1]:1/a/state?sig=x").is_ok());
    }

    #[test]
    fn what_names_no_container_is_refused() {
        check_refused("hunter2", "no URL");
        check_refused("ftp://acct/state", "neither https nor http");
        check_refused("https://acct.blob.core.windows.net/", "one container");
        check_refused("https://acct.blob.core.windows.net/a/b", "one container");
        check_refused(
            "http://127.0.0.1:1/devstoreaccount1?sig=hunter2",
            "one container",
        );
        check_refused("https://me:hunter2@acct.example/state", "no user name");
        check_refused("https://acct.example/state?code=hunter2", "no SAS");
        check_refused("https://acct.example/state#hunter2", "no fragment");
    }

    #[test]
    fn without_a_sas_a_credential_is_needed() {
        let address = Address::parse("https://acct.blob.core.windows.net/state").unwrap();
        let error = address.credential(None).err().unwrap().to_string();
        assert!(error.contains("EVERGRAPH_CREDENTIAL"), "{error}");
        let signed = Address::parse("https://acct.blob.core.windows.net/state?sig=x").unwrap();
        assert!(signed.credential(None).unwrap().is_none());
    }
}
