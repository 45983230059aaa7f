//! The query options of a resource.

use super::ResourceError;

/// Options whose names we know, in Graph's spelling; any letter case is accepted for them.
const NAMES: [&str; 10] = [
    "$select",
    "$filter",
    "$expand",
    "$top",
    "$skip",
    "$orderby",
    "$search",
    "$count",
    "model",
    "notifyOnUserSpecificProperties",
];

/// The options, in normal form: known names in Graph's spelling, `$select` as a sorted set,
/// blanks around names and values cut, options sorted by name. Values are otherwise untouched:
/// filters are case-sensitive in places, and Graph may compare them as text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Query {
    options: Vec<(String, String)>,
    normal: String,
}

impl Query {
    pub(super) fn parse(text: &str) -> Result<Self, ResourceError> {
        let mut options: Vec<(String, String)> = Vec::new();
        for piece in text.split('&').map(str::trim).filter(|p| !p.is_empty()) {
            let (name, value) = option(piece)?;
            if options.iter().any(|(known, _)| *known == name) {
                return Err(ResourceError(format!("the option {name} is given twice")));
            }
            options.push((name, value));
        }
        options.sort();
        let written = |(name, value): &(String, String)| match value.as_str() {
            "" => name.clone(),
            _ => format!("{name}={value}"),
        };
        let normal = options.iter().map(written).collect::<Vec<_>>().join("&");
        Ok(Self { options, normal })
    }

    /// Normal form, without the question mark; empty if there is no option.
    pub fn normal(&self) -> &str {
        &self.normal
    }

    /// Whether there is no option.
    pub fn is_empty(&self) -> bool {
        self.options.is_empty()
    }

    /// The value of an option, by its name in Graph's spelling.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.options
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.options.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// Whether properties are selected.
    pub fn has_select(&self) -> bool {
        self.get("$select").is_some()
    }

    /// The selected properties, sorted; none if nothing is selected.
    pub fn selected(&self) -> impl Iterator<Item = &str> {
        self.get("$select").into_iter().flat_map(|v| v.split(','))
    }
}

fn option(piece: &str) -> Result<(String, String), ResourceError> {
    let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() {
        return Err(ResourceError(format!(
            "the query has a value without a name: {:?}",
            super::short(piece)
        )));
    }
    let Some(known) = NAMES.into_iter().find(|one| one.eq_ignore_ascii_case(name)) else {
        return Ok((name.to_owned(), value.to_owned()));
    };
    let value = match known {
        "$select" => as_set(value),
        _ => value.to_owned(),
    };
    match value.is_empty() {
        true => Err(ResourceError(format!("the option {known} has no value"))),
        false => Ok((known.to_owned(), value)),
    }
}

/// The members of a list, sorted, each once. Nested lists (in parentheses) are left alone,
/// because their commas do not separate members.
fn as_set(list: &str) -> String {
    if list.contains(['(', ')']) {
        return list.to_owned();
    }
    let mut members: Vec<&str> = list
        .split(',')
        .map(str::trim)
        .filter(|m| !m.is_empty())
        .collect();
    members.sort_unstable();
    members.dedup();
    members.join(",")
}
