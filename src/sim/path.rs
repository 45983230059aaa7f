//! Reading resource paths: `users/{id}/messages` and `users('{id}')/messages('{id}')` alike.

/// A resource path, taken apart. Letter case is folded for comparison; Graph's own comparison
/// is not documented (the duplicate rule says nothing of case or of a leading slash).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Path {
    words: Vec<String>,
    query: Option<String>,
}

impl Path {
    /// Takes a resource apart. Never fails: what makes no sense matches no pattern.
    pub fn parse(resource: &str) -> Self {
        let (path, query) = match resource.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (resource, None),
        };
        let mut words: Vec<String> = words_of(path)
            .into_iter()
            .map(str::to_ascii_lowercase)
            .collect();
        // Any path that starts with `me` may be written `users/{id}` ("create subscription").
        if words.first().is_some_and(|word| word == "me") {
            words.insert(0, "users".to_owned());
        }
        Self { words, query }
    }

    /// The words between slashes and parentheses, in lower case.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// What stands behind `?`.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The words again as one text, without the query.
    pub fn joined(&self) -> String {
        self.words.join("/")
    }

    /// Whether a change at `other` is a change below this path.
    pub fn holds(&self, other: &Self) -> bool {
        other.words.starts_with(&self.words)
    }

    /// The mailbox or user of `users/{id}/…`.
    pub fn user(&self) -> Option<&str> {
        match self.words.as_slice() {
            [users, user, ..] if users == "users" => Some(user),
            _ => None,
        }
    }
}

/// The resource with both styles of keys made one, in the letter case in which it was sent.
pub fn respelled(resource: &str) -> String {
    words_of(resource.split('?').next().unwrap_or_default()).join("/")
}

fn words_of(path: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for segment in segments(path) {
        match segment.split_once('(').filter(|_| segment.ends_with(')')) {
            Some((name, key)) => {
                words.push(name);
                words.push(key.trim_end_matches(')').trim_matches('\''));
            }
            None => words.push(segment),
        }
    }
    words
}

/// Splits at slashes outside quotes and parentheses.
fn segments(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quoted, mut depth) = (0, false, 0_u32);
    for (at, c) in path.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            '/' if !quoted && depth == 0 => {
                parts.push(&path[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&path[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

/// Whether the words fit a pattern: `*` is one word, a last `**` at least one more.
pub(super) fn matches(pattern: &str, words: &[String]) -> bool {
    let mut rest = words.iter();
    for part in pattern.split('/') {
        match (part, rest.next()) {
            ("**", Some(_)) => return true,
            ("*", Some(_)) => {}
            (part, Some(word)) if part == word => {}
            _ => return false,
        }
    }
    rest.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_styles_of_keys_read_alike() {
        let slashes = Path::parse("/users/A/messages/B");
        assert_eq!(slashes, Path::parse("Users('a')/Messages('b')"));
        assert_eq!(slashes.joined(), "users/a/messages/b");
        assert!(Path::parse("users/a/messages").holds(&slashes));
        assert!(!Path::parse("users/b").holds(&slashes));
        assert_eq!(slashes.user(), Some("a"));
        assert_eq!(Path::parse("me/events").joined(), "users/me/events");
    }

    #[test]
    fn a_broken_path_is_no_panic() {
        for text in ["", "/", "('", "a('b/c", ")(", "???", "a(b)/c'd", "ä(ö)/ü"] {
            let _ = Path::parse(text).joined();
        }
    }
}
