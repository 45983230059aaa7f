//! Function keys, host keys and the master key.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::function::AuthLevel;

/// The keys that this host accepts. Keys are compared in constant time and never printed.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Opens everything, `/admin` included.
    pub master: Option<SecretString>,
    /// Open every function of level `function`.
    pub host: Vec<SecretString>,
    /// Open one function, by its name.
    pub functions: BTreeMap<String, Vec<SecretString>>,
}

impl Keys {
    /// True if `presented` opens a function of this level.
    pub(crate) fn open(&self, function: &str, level: AuthLevel, presented: Option<&str>) -> bool {
        match level {
            AuthLevel::Anonymous => true,
            AuthLevel::Admin => self.is_master(presented),
            AuthLevel::Function => {
                let own = self.functions.get(function).into_iter().flatten();
                self.is_master(presented)
                    || presented
                        .is_some_and(|key| self.host.iter().chain(own).any(|k| same(k, key)))
            }
        }
    }

    /// True if `presented` is the master key.
    pub(crate) fn is_master(&self, presented: Option<&str>) -> bool {
        match (&self.master, presented) {
            (Some(master), Some(key)) => same(master, key),
            _ => false,
        }
    }
}

fn same(key: &SecretString, presented: &str) -> bool {
    key.expose_secret()
        .as_bytes()
        .ct_eq(presented.as_bytes())
        .into()
}

/// The key of a request: the header before `?code=`, as the host looks.
pub(crate) fn presented(header: Option<&str>, query: Option<&str>) -> Option<String> {
    if let Some(key) = header {
        return Some(key.to_owned());
    }
    url::form_urlencoded::parse(query?.as_bytes())
        .find(|(name, _)| name.eq_ignore_ascii_case("code"))
        .map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys {
            master: Some("m".into()),
            host: vec!["h".into()],
            functions: [("f".to_owned(), vec!["own".into()])].into(),
        }
    }

    #[track_caller]
    fn check_open(function: &str, level: AuthLevel, key: Option<&str>, expected: bool) {
        assert_eq!(
            keys().open(function, level, key),
            expected,
            "{function} {level:?} {key:?}"
        );
    }

    #[test]
    fn each_level_opens_to_its_keys_and_those_above() {
        check_open("f", AuthLevel::Anonymous, None, true);
        check_open("f", AuthLevel::Anonymous, Some("wrong"), true);
        check_open("f", AuthLevel::Function, None, false);
        check_open("f", AuthLevel::Function, Some("wrong"), false);
        check_open("f", AuthLevel::Function, Some("own"), true);
        check_open("g", AuthLevel::Function, Some("own"), false);
        check_open("g", AuthLevel::Function, Some("h"), true);
        check_open("g", AuthLevel::Function, Some("m"), true);
        check_open("f", AuthLevel::Admin, Some("h"), false);
        check_open("f", AuthLevel::Admin, Some("m"), true);
    }

    #[test]
    fn the_header_is_looked_at_before_the_query() {
        assert_eq!(presented(Some("a"), Some("code=b")).as_deref(), Some("a"));
        assert_eq!(
            presented(None, Some("x=1&code=b%2B")).as_deref(),
            Some("b+")
        );
        assert_eq!(presented(None, Some("x=1")), None);
    }

    #[test]
    fn keys_do_not_print_themselves() {
        let printed = format!(
            "{:?}",
            Keys {
                master: Some("hunter2".into()),
                ..Keys::default()
            }
        );
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}
