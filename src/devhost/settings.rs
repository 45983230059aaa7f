//! App settings, and the `%NAME%` references that the host replaces by them.

use std::collections::BTreeMap;

/// The prefix with which an app setting overrides a key of host.json
/// (`AzureFunctionsJobHost__customHandler__description__arguments`).
const OVERRIDE_PREFIX: &str = "AzureFunctionsJobHost";

/// What the platform calls app settings: variables that the host and the handler both see.
#[derive(Clone, Debug, Default)]
pub struct AppSettings {
    own: BTreeMap<String, String>,
    inherits: bool,
}

impl AppSettings {
    /// Settings of this app; with `inherits`, the environment of this process stands behind
    /// them, as on the platform, where app settings *are* the environment of the host.
    pub fn new(own: impl IntoIterator<Item = (String, String)>, inherits: bool) -> Self {
        Self {
            own: own.into_iter().collect(),
            inherits,
        }
    }

    /// The value of a setting.
    pub fn get(&self, name: &str) -> Option<String> {
        self.own.get(name).cloned().or_else(|| self.inherited(name))
    }

    /// True if a handler process also gets the environment of this process.
    pub fn inherits(&self) -> bool {
        self.inherits
    }

    /// The settings that were named explicitly, in order of their names.
    pub fn own(&self) -> impl Iterator<Item = (&str, &str)> {
        self.own
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the environment of a Functions host is the app's settings; nothing of evergraph itself is configured by it"
    )]
    fn inherited(&self, name: &str) -> Option<String> {
        if self.inherits {
            std::env::var(name).ok()
        } else {
            None
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the environment of a Functions host is the app's settings; nothing of evergraph itself is configured by it"
    )]
    fn all(&self) -> BTreeMap<String, String> {
        let mut all: BTreeMap<String, String> = if self.inherits {
            std::env::vars().collect()
        } else {
            BTreeMap::new()
        };
        all.extend(
            self.own
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        all
    }

    /// The settings that override keys of host.json, as (path of the key, value), in order.
    /// Both `__` and `:` separate; the prefix is compared without case.
    pub(crate) fn host_json_overrides(&self) -> Vec<(Vec<String>, String)> {
        let mut overrides = Vec::new();
        for (name, value) in self.all() {
            let parts: Vec<String> = name
                .replace("__", ":")
                .split(':')
                .map(str::to_owned)
                .collect();
            if parts.len() > 1 && parts[0].eq_ignore_ascii_case(OVERRIDE_PREFIX) {
                overrides.push((parts[1..].to_vec(), value));
            }
        }
        overrides
    }

    /// True if the setting holds `true` or `1`, in any case.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
    }
}

/// What becomes of a `%NAME%` that names no setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unresolved {
    /// It stays as it is written.
    Keep,
    /// It is deleted, as in the command line of a handler.
    Delete,
}

/// Replaces each `%NAME%` by what `lookup` knows.
pub(crate) fn expand(
    text: &str,
    lookup: impl Fn(&str) -> Option<String>,
    unresolved: Unresolved,
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('%') {
        out.push_str(&rest[..start]);
        let after = &rest[start + 1..];
        let Some(end) = after.find('%').filter(|end| *end > 0) else {
            out.push('%');
            rest = after;
            continue;
        };
        match (lookup(&after[..end]), unresolved) {
            (Some(value), _) => out.push_str(&value),
            (None, Unresolved::Delete) => {}
            (None, Unresolved::Keep) => {
                // The closing sign may open the next name, as in .NET's expansion.
                out.push('%');
                out.push_str(&after[..end]);
                rest = &after[end..];
                continue;
            }
        }
        rest = &after[end + 1..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_expand(text: &str, unresolved: Unresolved, expected: &str) {
        let lookup = |name: &str| (name == "TestEnv").then(|| "TestVal".to_owned());
        assert_eq!(expand(text, lookup, unresolved), expected, "{text}");
    }

    #[test]
    fn names_between_percent_signs_are_replaced_and_the_others_deleted_or_kept() {
        // DefaultWorkerProcessFactoryTests: the two cases of SanitizeExpandedArgument.
        check_expand("%TestEnv%%duh%", Unresolved::Delete, "TestVal");
        check_expand("%TestEnv2%%duh%", Unresolved::Delete, "");
        check_expand("%TestEnv%%duh%", Unresolved::Keep, "TestVal%duh%");
        check_expand("100% of %TestEnv%", Unresolved::Keep, "100% of TestVal");
        check_expand("a%%b", Unresolved::Keep, "a%%b");
        check_expand("$TestEnv", Unresolved::Delete, "$TestEnv");
    }

    #[test]
    fn an_app_setting_names_a_key_of_host_json_by_its_path() {
        let settings = AppSettings::new(
            [
                (
                    "AzureFunctionsJobHost__functionTimeout".to_owned(),
                    "00:00:05".to_owned(),
                ),
                (
                    "azurefunctionsjobhost:extensions:http".to_owned(),
                    "x".to_owned(),
                ),
                ("OTHER__functionTimeout".to_owned(), "no".to_owned()),
            ],
            false,
        );
        let expected = vec![
            (vec!["functionTimeout".to_owned()], "00:00:05".to_owned()),
            (
                vec!["extensions".to_owned(), "http".to_owned()],
                "x".to_owned(),
            ),
        ];
        assert_eq!(settings.host_json_overrides(), expected);
    }
}
