//! Properties of a thing, compared without knowing how the service writes them.

use std::collections::BTreeMap;

use crate::domain::ensure::Drift;

/// Properties by name. Each value is a text that is the same for equal values, such as JSON with
/// sorted keys: who fills it in decides, and compares only what it filled in itself.
pub type Fields = BTreeMap<String, String>;

/// The names of the wanted properties that are missing or differ. What nobody wants is not looked
/// at: a person may have set it.
pub fn differing(wanted: &Fields, seen: &Fields) -> Vec<String> {
    let differs = |(name, value): &(&String, &String)| seen.get(*name) != Some(*value);
    let names = wanted.iter().filter(differs);
    names.map(|(name, _)| name.clone()).collect()
}

/// The same as a drift that a patch can mend.
pub fn drift(wanted: &Fields, seen: &Fields) -> Drift {
    match differing(wanted, seen) {
        names if names.is_empty() => Drift::None,
        names => Drift::Patchable(names),
    }
}

/// The wanted properties that are missing or differ, with their wanted values: what a patch sends.
pub fn to_change(wanted: &Fields, seen: &Fields) -> Fields {
    let names = differing(wanted, seen).into_iter();
    names
        .filter_map(|name| {
            let value = wanted.get(&name)?.clone();
            Some((name, value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        owned.collect()
    }

    #[test]
    fn only_what_is_wanted_is_compared_and_only_what_differs_is_sent() {
        let wanted = fields(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let seen = fields(&[("a", "1"), ("b", "9"), ("z", "0")]);
        assert_eq!(differing(&wanted, &seen), ["b", "c"]);
        assert_eq!(to_change(&wanted, &seen), fields(&[("b", "2"), ("c", "3")]));
        assert_eq!(drift(&wanted, &wanted), Drift::None);
    }
}
