//! What an answer to a self-handshake means.

use url::Url;

use crate::adapters::words::printable;
use crate::ports::endpoint::{Obstacle, Unreachable};

/// Longest piece of a body or header that is shown.
const SHOWN: usize = 120;

/// An answer, as far as it was read.
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) location: Option<String>,
    pub(super) forbidden_ip: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Seen {
    /// `Ok` only for what Graph would accept.
    pub(super) fn judge(&self, token: &str) -> Result<(), Unreachable> {
        let (obstacle, seen) = match self.status {
            200 if self.body == token.as_bytes() && self.is_plain() => return Ok(()),
            200..=299 => (self.altered(), self.difference(token)),
            300..=399 => self.redirect(),
            401 | 407 => (Obstacle::AuthInFront, self.page()),
            403 => self.forbidden(),
            404 | 410 => (Obstacle::NoSuchFleet, self.page()),
            429 | 500..=599 => (Obstacle::NotRunning, self.page()),
            _ => (Obstacle::OtherAnswer, self.page()),
        };
        let seen = format!("{} {seen}", self.status);
        Err(Unreachable {
            obstacle,
            seen: seen.trim_end().to_owned(),
        })
    }

    fn is_plain(&self) -> bool {
        self.content_type
            .to_ascii_lowercase()
            .starts_with("text/plain")
    }

    fn is_page(&self) -> bool {
        self.content_type.to_ascii_lowercase().contains("html")
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The beginning of what it says, for people: tags of a page taken out.
    fn page(&self) -> String {
        let text = match self.is_page() {
            true => without_tags(&self.text()),
            false => self.text(),
        };
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        printable(&text, SHOWN)
    }

    /// A page where a token was asked for is mostly a sign-in's.
    fn altered(&self) -> Obstacle {
        match self.is_page() && is_sign_in(&self.text()) {
            true => Obstacle::AuthInFront,
            false => Obstacle::EchoAltered,
        }
    }

    fn difference(&self, token: &str) -> String {
        let body = self.text();
        let is = |changed: String| body == changed;
        if self.status != 200 {
            return "instead of 200".to_owned();
        }
        if body == token {
            return format!(
                "with the content type {:?} instead of text/plain",
                printable(&self.content_type, SHOWN)
            );
        }
        if body.is_empty() {
            return "without the token".to_owned();
        }
        if is(token.replace('+', " ")) {
            return "with blanks for plus signs: it was decoded twice".to_owned();
        }
        if body.trim() == token.trim() || body.trim_matches('"') == token {
            return "with quotes or blanks around the token".to_owned();
        }
        if body.contains("&lt;") || body.contains("&amp;") {
            return "with the token escaped for HTML".to_owned();
        }
        if body.contains("%3a") || body.contains("%3A") {
            return "with the token still encoded".to_owned();
        }
        format!("with something else: {}", self.page())
    }

    fn redirect(&self) -> (Obstacle, String) {
        let to = self.location.clone().unwrap_or_default();
        let obstacle = match is_sign_in(&to) {
            true => Obstacle::AuthInFront,
            false => Obstacle::Redirected,
        };
        // The query of a sign-in's address holds states and nonces.
        let shown = match Url::parse(&to) {
            Ok(mut url) => {
                url.set_query(None);
                url.set_fragment(None);
                url.to_string()
            }
            Err(_) => to.split('?').next().unwrap_or_default().to_owned(),
        };
        (obstacle, format!("to {}", printable(&shown, SHOWN)))
    }

    /// App Service names the caller whom its access restrictions keep out
    /// (github.com/Azure/static-web-apps/issues/1666); a stopped app is 403 too
    /// (kevinlocke.name/bits/2018/09/05/azure-kudu-error-403-without-referer).
    fn forbidden(&self) -> (Obstacle, String) {
        let text = self.text();
        if let Some(ip) = &self.forbidden_ip {
            let words = format!("for the caller {}", printable(ip, SHOWN));
            return (Obstacle::AccessRestricted, words);
        }
        if text.contains("blocked your access") || text.contains("Ip Forbidden") {
            return (Obstacle::AccessRestricted, self.page());
        }
        if text.contains("is stopped") || text.contains("Site Disabled") {
            return (Obstacle::NotRunning, self.page());
        }
        (Obstacle::AuthInFront, self.page())
    }
}

/// Whether an address or a page is about signing in.
fn is_sign_in(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let marks = [
        "/.auth/login",
        "://login.",
        "/oauth2/",
        "/signin",
        "/sign-in",
        "/login",
        "sign in",
        "cloudflareaccess",
    ];
    marks.iter().any(|mark| text.contains(mark))
}

fn without_tags(page: &str) -> String {
    let mut out = String::with_capacity(page.len());
    let mut rest = page;
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        out.push(' ');
        let tag = &rest[open..];
        // What stands in scripts and styles is for no reader.
        let lower = tag.get(..7).unwrap_or(tag).to_ascii_lowercase();
        let end = match lower.as_str() {
            "<style>" | "<style " => "</style>",
            "<script" => "</script>",
            _ => ">",
        };
        let Some(close) = tag.find(end) else {
            return out;
        };
        rest = &tag[close + end.len()..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "a: +b <c>";

    fn seen(status: u16, content_type: &str, body: &str) -> Seen {
        Seen {
            status,
            content_type: content_type.to_owned(),
            location: None,
            forbidden_ip: None,
            body: body.as_bytes().to_vec(),
        }
    }

    #[track_caller]
    fn check(seen: &Seen, obstacle: Obstacle, words: &str) {
        let found = seen.judge(TOKEN).unwrap_err();
        assert_eq!(found.obstacle, obstacle, "{found}");
        assert!(found.seen.contains(words), "{found}");
    }

    #[test]
    fn only_the_token_itself_as_plain_text_is_an_echo() {
        assert_eq!(seen(200, "text/plain", TOKEN).judge(TOKEN), Ok(()));
        let with_charset = seen(200, "Text/Plain; charset=utf-8", TOKEN);
        assert_eq!(with_charset.judge(TOKEN), Ok(()));
        let altered = Obstacle::EchoAltered;
        check(&seen(200, "text/html", TOKEN), altered, "text/html");
        check(&seen(202, "text/plain", TOKEN), altered, "instead of 200");
        check(&seen(200, "text/plain", ""), altered, "without the token");
        let plain = |body| seen(200, "text/plain", body);
        check(&plain("a:  b <c>"), altered, "decoded twice");
        check(&plain("\"a: +b <c>\""), altered, "quotes");
        check(&plain("a: +b &lt;c&gt;"), altered, "HTML");
        check(&plain("a%3a+%2bb+%3cc%3e"), altered, "encoded");
        check(&plain("hello"), altered, "hello");
    }

    #[test]
    fn what_asks_for_a_sign_in_is_authentication_in_front() {
        let auth = Obstacle::AuthInFront;
        let gateway = r#"{"message": "Access denied due to missing subscription key."}"#;
        check(&seen(401, "application/json", gateway), auth, "401");
        check(&seen(403, "text/plain", "no"), auth, "403 no");
        let page = "<html><style>p{}</style><h1>Sign in</h1>to your account</html>";
        check(&seen(200, "text/html", page), auth, "Sign in");
        for to in [
            "https://login.microsoftonline.com/x/oauth2/v2.0/authorize?state=hunter2",
            "/.auth/login/aad?post_login_redirect_uri=hunter2",
        ] {
            let mut answer = seen(302, "", "");
            answer.location = Some(to.to_owned());
            check(&answer, auth, "302 to ");
            assert!(!answer.judge(TOKEN).unwrap_err().seen.contains("hunter2"));
        }
    }

    #[test]
    fn a_redirect_to_elsewhere_is_one() {
        let mut answer = seen(301, "", "");
        answer.location = Some("https://www.example.com/api/notifications/prod?x".to_owned());
        let elsewhere = "301 to https://www.example.com/api/notifications/prod";
        check(&answer, Obstacle::Redirected, elsewhere);
    }

    #[test]
    fn app_service_says_why_it_forbids() {
        let page = "<h1>Error 403 - Forbidden</h1><p>The web app you have attempted to reach has blocked your access.";
        let restricted = Obstacle::AccessRestricted;
        check(&seen(403, "text/html", page), restricted, "blocked");
        let mut bare = seen(403, "text/html", "");
        bare.forbidden_ip = Some("20.1.2.3".to_owned());
        check(&bare, restricted, "20.1.2.3");
        let stopped = "<h1>Error 403 - This web app is stopped.</h1>";
        check(
            &seen(403, "text/html", stopped),
            Obstacle::NotRunning,
            "stopped",
        );
    }

    #[test]
    fn other_answers_are_told_apart() {
        check(&seen(404, "", ""), Obstacle::NoSuchFleet, "404");
        let down = seen(503, "text/plain", "Function host is not running.");
        check(&down, Obstacle::NotRunning, "Function host is not running.");
        check(&seen(500, "", ""), Obstacle::NotRunning, "500");
        check(&seen(405, "", ""), Obstacle::OtherAnswer, "405");
    }
}
