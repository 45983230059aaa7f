//! Who marks things as ours, and the digest of a content.

use std::fmt;

/// The name under which things are marked: 1 to 32 of `a-z`, `0-9` and `-`. Two deployments that
/// must not take over each other's things have two names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Owner(String);

impl Owner {
    /// The rule, for messages.
    pub const RULE: &'static str = "1 to 32 of a-z, 0-9 and -";

    /// Reads a name; `None` where it breaks the rule.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let good = (1..=32).contains(&text.len()) && text.bytes().all(plain);
        good.then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// SHA-256 of a content, written as 64 hex digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Digest(String);

impl Digest {
    /// The digest of these bytes.
    pub fn of(content: &[u8]) -> Self {
        use fmt::Write as _;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
        let mut text = String::with_capacity(64);
        for byte in digest.as_ref() {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// Reads 64 hex digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let good = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        good.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_a_short_plain_name() {
        assert!(Owner::parse("team-a1").is_some());
        for bad in ["", "Team", "a b", "a_b", &"a".repeat(33)] {
            assert_eq!(Owner::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_digest_is_written_in_hex() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").as_str(), empty);
        assert_eq!(Digest::parse(&empty.to_uppercase()), Some(Digest::of(b"")));
        assert_eq!(Digest::parse("e3"), None);
    }
}
