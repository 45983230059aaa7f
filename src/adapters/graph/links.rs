//! Where a link of Graph's may lead us, and where not.

use url::Url;

/// Longest link that is followed. Skip tokens are opaque and some hundred characters long.
const LENGTH: usize = 16 * 1024;

/// Reads a nextLink: absolute, at the configured origin and below the configured path.
/// A foreign one would carry our token to a stranger, or bring us a stranger's rows.
pub(in crate::adapters) fn next_page(base: &Url, link: &str) -> Result<Url, &'static str> {
    if link.len() > LENGTH {
        return Err("its nextLink is longer than any real one");
    }
    let url = Url::parse(link).map_err(|_| "its nextLink is no address")?;
    if !same_origin(base, &url) {
        return Err("its nextLink leads away from the configured Graph");
    }
    let below = url
        .path()
        .strip_prefix(base.path().trim_end_matches('/'))
        .is_some_and(|rest| rest.starts_with('/'));
    if !below {
        return Err("its nextLink leads away from the configured path");
    }
    Ok(url)
}

/// Reads the target of a redirect, seen from the address that answered with it: only at the
/// configured origin.
pub(super) fn redirect(base: &Url, from: &Url, location: &str) -> Result<Url, &'static str> {
    if location.len() > LENGTH {
        return Err("its redirect is longer than any real one");
    }
    let url = from
        .join(location)
        .map_err(|_| "its redirect is no address")?;
    if !same_origin(base, &url) {
        return Err("it redirects away from the configured Graph");
    }
    Ok(url)
}

fn same_origin(base: &Url, url: &Url) -> bool {
    url.origin() == base.origin() && url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("https://graph.microsoft.com/v1.0").unwrap()
    }

    #[track_caller]
    fn check_next(link: &str, followed: bool) {
        assert_eq!(next_page(&base(), link).is_ok(), followed, "{link}");
    }

    #[test]
    fn a_next_link_stays_at_the_origin_and_below_the_path() {
        check_next(
            "https://graph.microsoft.com/v1.0/subscriptions?$skiptoken=a",
            true,
        );
        check_next("https://graph.microsoft.com:443/v1.0/subscriptions?a", true);
        check_next("https://graph.microsoft.com/v1.0", false);
        check_next("https://graph.microsoft.com/v1.0?$skiptoken=a", false);
        check_next("https://graph.microsoft.com/v1.0x/subscriptions", false);
        check_next("https://graph.microsoft.com/beta/subscriptions", false);
        check_next(
            "https://graph.microsoft.com/v1.0/../beta/subscriptions",
            false,
        );
        check_next("https://graph.microsoft.com/v1.0/%2e%2E/beta/x", false);
        check_next("https://graph.microsoft.com.evil.example/v1.0/x", false);
        check_next("https://graph.microsoft.com@evil.example/v1.0/x", false);
        check_next("https://me@graph.microsoft.com/v1.0/x", false);
        check_next("http://graph.microsoft.com/v1.0/x", false);
        check_next("https://graph.microsoft.com:444/v1.0/x", false);
        check_next("//graph.microsoft.com/v1.0/x", false);
        check_next("/v1.0/subscriptions", false);
        check_next("", false);
        let long = format!("https://graph.microsoft.com/v1.0/x?{}", "a".repeat(LENGTH));
        check_next(&long, false);
    }

    #[test]
    fn a_graph_at_the_root_has_every_path_below_it() {
        let base = Url::parse("http://127.0.0.1:9/").unwrap();
        assert!(next_page(&base, "http://127.0.0.1:9/subscriptions?a").is_ok());
        assert!(next_page(&base, "http://127.0.0.1:8/subscriptions?a").is_err());
    }

    #[track_caller]
    fn check_redirect(location: &str, expected: Option<&str>) {
        let from = Url::parse("https://graph.microsoft.com/v1.0/subscriptions/a").unwrap();
        let target = redirect(&base(), &from, location).ok();
        assert_eq!(target.as_ref().map(Url::as_str), expected, "{location}");
    }

    #[test]
    fn a_redirect_stays_at_the_origin() {
        let moved = Some("https://graph.microsoft.com/v1.1/subscriptions/a");
        check_redirect("https://graph.microsoft.com/v1.1/subscriptions/a", moved);
        check_redirect("/v1.1/subscriptions/a", moved);
        check_redirect("https://evil.example/v1.0/subscriptions/a", None);
        check_redirect("//evil.example/v1.0/subscriptions/a", None);
        check_redirect("http://graph.microsoft.com/v1.0/subscriptions/a", None);
        check_redirect("https://a:b@graph.microsoft.com/x", None);
    }
}
