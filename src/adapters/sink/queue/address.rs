//! Addresses of a queue and of the container for what is too large for it.

use url::Url;

use crate::adapters::loopback::is_loopback;

/// Where claim checks go, unless a container is configured.
const CLAIMS: &str = "evergraph-claims";

/// Whether a SAS stands in the address.
pub(super) fn has_sas(url: &Url) -> bool {
    url.query_pairs().any(|(name, _)| name == "sig")
}

/// The address without its query, for people.
pub(super) fn place(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// What is wrong with an address of one thing below an account, if anything is.
pub(super) fn flaw(url: &Url) -> Option<&'static str> {
    let parts = url.path_segments().into_iter().flatten();
    let depth = parts.filter(|part| !part.is_empty()).count();
    // Emulators take the account from the path.
    let wanted = if is_loopback(url) { 2 } else { 1 };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(url) => {}
        _ => return Some("it must be https (http is accepted only towards this machine)"),
    }
    if depth != wanted {
        return Some("its path must be one name");
    }
    (url.query().is_some() && !has_sas(url)).then_some("its query is no SAS (it has no sig=)")
}

/// The container beside a queue of Azure: the same account, the same SAS.
pub(super) fn claims_beside(queue: &Url) -> Option<Url> {
    let host = queue.host_str()?.replacen(".queue.", ".blob.", 1);
    if Some(host.as_str()) == queue.host_str() {
        return None;
    }
    let mut url = queue.clone();
    url.set_host(Some(&host)).ok()?;
    url.set_path(CLAIMS);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_claims(queue: &str, wanted: Option<&str>) {
        let url = claims_beside(&Url::parse(queue).unwrap());
        assert_eq!(url.as_ref().map(Url::as_str), wanted);
    }

    #[test]
    fn claim_checks_go_to_the_account_of_the_queue() {
        check_claims(
            "https://a.queue.core.windows.net/events?sig=x",
            Some("https://a.blob.core.windows.net/evergraph-claims?sig=x"),
        );
        check_claims(
            "https://a.queue.core.usgovcloudapi.net/events",
            Some("https://a.blob.core.usgovcloudapi.net/evergraph-claims"),
        );
        check_claims("http://127.0.0.1:10001/devstoreaccount1/events", None);
    }

    #[track_caller]
    fn check_flaw(url: &str, flawed: bool) {
        assert_eq!(flaw(&Url::parse(url).unwrap()).is_some(), flawed, "{url}");
    }

    #[test]
    fn an_address_names_one_queue() {
        check_flaw("https://a.queue.core.windows.net/events", false);
        check_flaw("https://a.queue.core.windows.net/events?sv=1&sig=x", false);
        check_flaw("https://a.queue.core.windows.net/events?sv=1", true);
        check_flaw("https://a.queue.core.windows.net/", true);
        check_flaw("https://a.queue.core.windows.net/a/b", true);
        check_flaw("http://a.queue.core.windows.net/a", true);
        check_flaw("http://127.0.0.1:1/acc/queue?sig=x", false);
        check_flaw("http://127.0.0.1:1/queue?sig=x", true);
    }
}
