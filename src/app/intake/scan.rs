//! The members of a JSON object, with their places in its text.
//!
//! An item is passed on as it came, so its members are found where they stand instead of being
//! read into values and written again. The text was accepted by serde_json before.

use std::borrow::Cow;
use std::ops::Range;

/// One member of an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Member<'a> {
    /// Its name, unescaped.
    pub(super) name: Cow<'a, str>,
    /// Its value as written.
    pub(super) value: &'a str,
    /// Where it stands: from the quote of its name to the end of its value.
    pub(super) place: Range<usize>,
}

/// Walks the members of an object.
pub(super) struct Members<'a> {
    text: &'a str,
    at: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    First,
    Next,
    Done,
}

/// The text is no object, or breaks off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Broken;

impl<'a> Members<'a> {
    /// The members of the object; [`Broken`] where it is none.
    pub(super) fn of(text: &'a str) -> Result<Self, Broken> {
        match text.as_bytes().first() {
            Some(b'{') => Ok(Self {
                text,
                at: 1,
                state: State::First,
            }),
            _ => Err(Broken),
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn sign(&mut self, wanted: u8) -> Option<()> {
        self.skip_blanks();
        (self.byte()? == wanted).then(|| self.at += 1)
    }

    /// Steps over a string; its first quote is here.
    fn skip_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            let rest = self.text.as_bytes().get(self.at..)?;
            let found = memchr::memchr2(b'"', b'\\', rest)?;
            self.at += found + 1;
            match rest[found] {
                b'"' => return Some(()),
                _ => self.at += 1, // what is escaped
            }
        }
    }

    fn skip_value(&mut self) -> Option<()> {
        match self.byte()? {
            b'"' => self.skip_string(),
            b'{' | b'[' => self.skip_nested(),
            _ => {
                let begun = self.at;
                while !matches!(
                    self.byte(),
                    None | Some(b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r')
                ) {
                    self.at += 1;
                }
                (self.at > begun).then_some(())
            }
        }
    }

    fn skip_nested(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.byte()? {
                b'"' => {
                    self.skip_string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn member(&mut self) -> Option<Member<'a>> {
        self.skip_blanks();
        let begun = self.at;
        if self.byte()? != b'"' {
            return None;
        }
        self.skip_string()?;
        let name = string(self.text.get(begun..self.at)?)?;
        self.sign(b':')?;
        self.skip_blanks();
        let value = self.at;
        self.skip_value()?;
        Some(Member {
            name,
            value: self.text.get(value..self.at)?,
            place: begun..self.at,
        })
    }

    /// Whether another member follows; `None` where the text breaks off.
    fn goes_on(&mut self) -> Option<bool> {
        self.skip_blanks();
        match (self.byte()?, self.state) {
            (b'}', _) => Some(false),
            (_, State::First) => Some(true),
            (b',', State::Next) => {
                self.at += 1;
                Some(true)
            }
            _ => None,
        }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Result<Member<'a>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Done {
            return None;
        }
        match self.goes_on() {
            Some(true) => {}
            Some(false) => {
                self.state = State::Done;
                return None;
            }
            None => {
                self.state = State::Done;
                return Some(Err(Broken));
            }
        }
        self.state = State::Next;
        let member = self.member().ok_or(Broken);
        if member.is_err() {
            self.state = State::Done;
        }
        Some(member)
    }
}

/// The text of a JSON string; borrowed where nothing in it is escaped. `None` where it is no
/// string, or no text (an escaped half of a surrogate pair).
pub(super) fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;
    use serde_json::value::RawValue;

    fn names(text: &str) -> Result<Vec<(String, String)>, Broken> {
        Members::of(text)?
            .map(|member| member.map(|one| (one.name.into_owned(), one.value.to_owned())))
            .collect()
    }

    #[track_caller]
    fn check(text: &str, wanted: &[(&str, &str)]) {
        let wanted: Vec<_> = wanted
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(names(text), Ok(wanted), "{text}");
    }

    #[test]
    fn members_are_found_where_they_stand() {
        check("{}", &[]);
        check("{ }", &[]);
        check(r#"{"a":1}"#, &[("a", "1")]);
        check(
            "{ \"a\" : null ,\n\"b\":-1.5e3 }",
            &[("a", "null"), ("b", "-1.5e3")],
        );
        check(
            r#"{"a":{"}":["]",{}]},"b":"\"}\\"}"#,
            &[("a", r#"{"}":["]",{}]}"#), ("b", r#""\"}\\""#)],
        );
        check(r#"{"clientState":"x"}"#, &[("clientState", "\"x\"")]);
    }

    #[test]
    fn what_is_no_object_or_breaks_off_is_broken() {
        for text in [
            "",
            "1",
            "[]",
            "\"a\"",
            "{",
            "{\"a",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":\"b",
            "{\"a\":{",
            "{\"a\":1",
            "{\"a\":1 \"b\":2}",
            "{1:2}",
            "{\"a\\",
            "{\"a\":\"\\",
        ] {
            assert_eq!(names(text), Err(Broken), "{text}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_no_text() {
        assert_eq!(string(r#""\ud800""#), None);
        assert_eq!(string("\"\\u0041\\/\""), Some("A/".into()));
        assert_eq!(string("1"), None);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn members_agree_with_serde_json(
            map in prop::collection::btree_map(any::<String>(), json(), 0..6),
            pretty in any::<bool>(),
        ) {
            let value = Value::Object(map.into_iter().collect());
            let text = match pretty {
                true => serde_json::to_string_pretty(&value).unwrap(),
                false => value.to_string(),
            };
            let mut seen = serde_json::Map::new();
            for member in Members::of(&text).unwrap() {
                let member = member.unwrap();
                prop_assert!(text[member.place.clone()].ends_with(member.value));
                let parsed = serde_json::from_str(member.value).unwrap();
                seen.insert(member.name.into_owned(), parsed);
            }
            // Numbers survive only as well as serde_json itself reads them.
            let again: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(Value::Object(seen), again);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[{}\\[\\]\",:\\\\a0 u]{0,40}") {
            if let Ok(members) = Members::of(&text) {
                let walked: Result<Vec<_>, _> = members.collect();
                if serde_json::from_str::<&RawValue>(&text).is_ok() {
                    // Only unpaired surrogates in a name may part the two.
                    prop_assert!(walked.is_ok() || text.contains("\\u"));
                }
            }
        }
    }
}
