//! Every row of the table of settings.

use std::cell::RefCell;

use super::*;

/// Remembers which names were asked for.
struct Recording(BTreeMap<String, String>, RefCell<BTreeSet<String>>);

impl Strings for Recording {
    fn get(&self, name: &str) -> Option<String> {
        self.1.borrow_mut().insert(name.to_owned());
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

#[test]
fn the_table_names_exactly_what_is_read() {
    let mut asked = BTreeSet::new();
    let named = [
        ("EVERGRAPH_CLIENT_SECRET_X", "x"),
        ("EVERGRAPH_CLIENT_CERTIFICATE_X", "/x"),
    ];
    for source in [azure(), laptop(), with(BTreeMap::new(), &named)] {
        let recording = Recording(source, RefCell::default());
        let _ = Settings::read(&recording);
        asked.extend(recording.1.into_inner());
    }
    let asked: BTreeSet<&str> = asked
        .iter()
        .map(|name| table::row(name).map_or(name.as_str(), |row| row.name))
        .collect();
    let listed: BTreeSet<&str> = SETTINGS.iter().map(|row| row.name).collect();
    assert_eq!(asked, listed);
    assert_eq!(
        listed.len(),
        SETTINGS.len(),
        "a name stands twice in the table"
    );
}

#[test]
fn defaults_of_the_table_are_those_of_the_reader() {
    let written = SETTINGS.iter().filter(|row| {
        let default = row.default.trim_matches('`');
        !default.is_empty() && row.default.starts_with('`') && !default.contains('$')
    });
    for row in written {
        let default = row.default.trim_matches('`');
        let plain = format!("{:?}", Settings::read(&azure()).unwrap());
        let explicit = format!(
            "{:?}",
            Settings::read(&with(azure(), &[(row.name, default)])).unwrap()
        );
        assert_eq!(plain, explicit, "{}", row.name);
    }
}
