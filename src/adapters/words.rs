//! Words of other services, made fit to be shown.

/// The text with what looks like a bearer token or a signature taken out, control characters
/// turned into blanks, cut to `chars` characters.
pub(crate) fn printable(text: &str, chars: usize) -> String {
    let flat: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let masked = mask_queries(&mask_tokens(&flat));
    let mut short: String = masked.trim().chars().take(chars).collect();
    if masked.trim().chars().count() > chars {
        short.push('…');
    }
    short
}

/// Every JWT begins with `eyJ`: base64 of `{"`.
fn mask_tokens(text: &str) -> String {
    mask_after(text, &["eyJ"], "…", |c| {
        c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '=')
    })
}

/// Function keys and signatures stand in the query of an address.
fn mask_queries(text: &str) -> String {
    const KEYS: [&str; 6] = ["?code=", "&code=", "?sig=", "&sig=", "?key=", "&key="];
    let mut masked = text.to_owned();
    for key in KEYS {
        let with = format!("{key}…");
        masked = mask_after(&masked, &[key], &with, |c| {
            !c.is_whitespace() && !matches!(c, '&' | '\'' | '"' | '<' | '>' | ')')
        });
    }
    masked
}

fn mask_after(text: &str, marks: &[&str], with: &str, belongs: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, mark)) = marks
        .iter()
        .filter_map(|mark| Some((rest.find(mark)?, mark)))
        .min()
    {
        out.push_str(&rest[..at]);
        out.push_str(with);
        let after = &rest[at + mark.len()..];
        rest = after.trim_start_matches(&belongs);
    }
    out.push_str(rest);
    out
}

/// Takes the query out of every URL in a text: the HTTP client names the URL it failed at, SAS included.
pub(crate) fn without_queries(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('?') {
        kept.push_str(&rest[..start]);
        let query = &rest[start..];
        let end = query
            .find(|c: char| c.is_whitespace() || matches!(c, ')' | '"' | '\'' | '>'))
            .unwrap_or(query.len());
        rest = &query[end..];
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_printable(text: &str, expected: &str) {
        assert_eq!(printable(text, 60), expected);
    }

    #[test]
    fn what_looks_like_a_secret_is_taken_out() {
        check_printable("no eyJhbGci.eyJz.sig_-= here", "no … here");
        check_printable(
            "at 'https://a.example/x?code=abc==&b=1' no",
            "at 'https://a.example/x?code=…&b=1' no",
        );
        check_printable("https://a/x?b=1&sig=q%2F", "https://a/x?b=1&sig=…");
        check_printable("plain code=InvalidRequest", "plain code=InvalidRequest");
    }

    #[test]
    fn lines_are_joined_and_length_is_bounded() {
        check_printable(" a\r\nb\u{1b}[31m ", "a  b [31m");
        check_printable(&"ä".repeat(61), &format!("{}…", "ä".repeat(60)));
        check_printable("", "");
    }
}
