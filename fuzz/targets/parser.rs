//! What Graph posts: our reading of it agrees with serde_json's about which items exist and what
//! they say, and a bad item leaves its neighbours alone.

use std::fmt;

use evergraph::app::intake::wire::{BodyError, Parsed, Posted};
use evergraph::domain::notification::{Happening, Text};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Items that are taken at once.
const MOST: usize = 50;

/// Longer inputs say nothing new.
const LONGEST: usize = 16 * 1024;

/// An object as serde_json walks it: repeated names stay.
struct Pairs(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Walk;
        impl<'de> Visitor<'de> for Walk {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        from.deserialize_map(Walk)
    }
}

impl Pairs {
    fn of(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The values of a name.
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(one, _)| one == name);
        named.map(|(_, value)| value.get())
    }

    /// The value of a name; null counts as none.
    fn one<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next().filter(|value| *value != "null")
    }

    fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.one(name)?).ok()
    }

    /// Without those of which one is named twice: then none says anything.
    fn said(value: Option<&str>, names: &[&str]) -> Option<Self> {
        let pairs = Self::of(value?)?;
        names
            .iter()
            .all(|name| pairs.all(name).count() < 2)
            .then_some(pairs)
    }
}

/// Reads the body as the product does.
fn read(data: &[u8]) -> Result<Posted<'_>, BodyError> {
    Posted::parse(data, MOST)
}

/// Checks one input.
pub fn run(data: &[u8]) {
    if data.len() > LONGEST {
        return;
    }
    let read = read(data);
    let Ok(text) = std::str::from_utf8(data) else {
        // Bytes that are no text may only stand where nobody looks.
        if let Ok(posted) = read {
            posted.items.iter().flatten().for_each(check_places);
        }
        return;
    };
    match (expected(text), read) {
        (Ok((items, tokens)), Ok(posted)) => {
            assert_eq!(posted.items.len(), items.len(), "number of items");
            for (raw, item) in items.iter().zip(&posted.items) {
                check_item(raw, item.as_ref().ok());
            }
            let said: Vec<_> = posted.tokens.iter().map(|one| one.as_deref()).collect();
            let wanted: Vec<_> = tokens.iter().map(|one| one.as_deref()).collect();
            assert_eq!(said, wanted, "tokens");
            check_neighbours(&items, &posted);
        }
        (Err(wanted), Err(error)) => assert_eq!(error, wanted),
        (wanted, read) => panic!(
            "read: {:?}, by serde_json: {:?}",
            read.map(|posted| posted.items.len()),
            wanted.map(|(items, _)| items.len())
        ),
    }
}

type Expected = (Vec<Box<RawValue>>, Vec<Option<String>>);

/// Items and tokens, by serde_json alone.
fn expected(text: &str) -> Result<Expected, BodyError> {
    let body = Pairs::of(text).ok_or(BodyError::Form)?;
    let value: Vec<_> = body.all("value").collect();
    if body.all("validationTokens").count() > 1 {
        return Err(BodyError::Form);
    }
    let [value] = value[..] else {
        return Err(BodyError::Form);
    };
    let items: Vec<Box<RawValue>> = serde_json::from_str(value).map_err(|_| BodyError::Form)?;
    if items.len() > MOST {
        return Err(BodyError::TooMany);
    }
    let tokens = match body.one("validationTokens") {
        None => Vec::new(),
        Some(raw) => match serde_json::from_str::<Vec<Box<RawValue>>>(raw) {
            Ok(raw) if raw.len() > MOST => return Err(BodyError::TooMany),
            Ok(raw) => raw
                .iter()
                .map(|one| serde_json::from_str(one.get()).ok())
                .collect(),
            Err(_) => vec![None],
        },
    };
    Ok((items, tokens))
}

const PROVING: [&str; 3] = ["clientState", "tenantId", "organizationId"];
const OTHERS: [&str; 7] = [
    "encryptedContent",
    "lifecycleEvent",
    "changeType",
    "subscriptionId",
    "resource",
    "id",
    "resourceData",
];

fn check_item(raw: &RawValue, parsed: Option<&Parsed<'_>>) {
    let pairs = Pairs::of(raw.get());
    let readable = pairs.filter(|pairs| {
        let once = |name: &&str| pairs.all(name).count() < 2;
        let text_or_none = |name: &&str| pairs.one(name).is_none() || pairs.text(name).is_some();
        PROVING.iter().chain(&OTHERS).all(once) && PROVING.iter().all(text_or_none)
    });
    let (Some(pairs), Some(parsed)) = (&readable, parsed) else {
        assert_eq!(parsed.is_some(), readable.is_some(), "{}", raw.get());
        return;
    };
    let item = &parsed.item;
    assert_eq!(parsed.text, raw.get());
    for (said, name) in [
        (&item.client_state, "clientState"),
        (&item.tenant, "tenantId"),
        (&item.organization, "organizationId"),
        (&item.subscription, "subscriptionId"),
        (&item.resource, "resource"),
        (&item.notification_id, "id"),
    ] {
        assert_eq!(said.as_deref(), pairs.text(name).as_deref(), "{name}");
    }
    let text = |name| pairs.text(name).map(Text::Owned);
    let happening = Happening::of(text("changeType"), text("lifecycleEvent"));
    assert_eq!(item.happening, happening);
    check_data(parsed, pairs);
    check_envelope(parsed, pairs);
    check_places(parsed);
    check_cut(parsed, pairs);
}

fn check_data(parsed: &Parsed<'_>, pairs: &Pairs) {
    let names = ["@odata.type", "@odata.etag", "id", "sequenceNumber"];
    let data = Pairs::said(pairs.one("resourceData"), &names);
    let text = |name| data.as_ref().and_then(|data| data.text(name));
    let said = &parsed.item.data;
    assert_eq!(said.odata_type.as_deref(), text(names[0]).as_deref());
    assert_eq!(said.etag.as_deref(), text(names[1]).as_deref());
    assert_eq!(said.id.as_deref(), text(names[2]).as_deref());
    let number = data.as_ref().and_then(|data| data.one(names[3]));
    let number = number.filter(|raw| raw.starts_with(|c: char| c == '-' || c.is_ascii_digit()));
    let sequence = number.map(str::to_owned).or_else(|| text(names[3]));
    assert_eq!(said.sequence.as_deref(), sequence.as_deref());
}

fn check_envelope(parsed: &Parsed<'_>, pairs: &Pairs) {
    let raw = pairs.one("encryptedContent");
    assert_eq!(parsed.item.sealed.is_some(), raw.is_some());
    let Some(sealed) = &parsed.item.sealed else {
        return;
    };
    let names = [
        "data",
        "dataSignature",
        "dataKey",
        "encryptionCertificateId",
    ];
    let inner = Pairs::said(raw, &names);
    let said = [
        &sealed.data,
        &sealed.signature,
        &sealed.key,
        &sealed.certificate_id,
    ];
    for (said, name) in said.into_iter().zip(names) {
        let wanted = inner.as_ref().and_then(|inner| inner.text(name));
        assert_eq!(said.as_deref(), wanted.as_deref(), "{name}");
    }
}

/// The places that are cut and replaced on the way out lie within the text.
fn check_places(parsed: &Parsed<'_>) {
    for place in [&parsed.client_state, &parsed.sealed].into_iter().flatten() {
        assert!(parsed.text.get(place.clone()).is_some(), "{place:?}");
    }
    if let Some(resource) = parsed.resource {
        assert!(parsed.text.contains(resource));
    }
}

/// What is passed on is the same object without clientState, and still JSON.
fn check_cut(parsed: &Parsed<'_>, pairs: &Pairs) {
    let mut text = parsed.text.to_owned();
    if let Some(place) = parsed.client_state.clone() {
        text.replace_range(place, "");
    }
    let left = Pairs::of(&text).map(|left| left.0);
    let kept = pairs.0.iter().filter(|(name, _)| name != "clientState");
    let kept: Vec<_> = kept.map(|(name, raw)| (name.as_str(), raw.get())).collect();
    let left = left.unwrap_or_default();
    let left: Vec<_> = left
        .iter()
        .map(|(name, raw)| (name.as_str(), raw.get()))
        .collect();
    assert_eq!(left, kept, "{text}");
}

/// Among bad ones each item says what it said alone.
fn check_neighbours(items: &[Box<RawValue>], posted: &Posted<'_>) {
    if items.is_empty() || items.len() * 2 > MOST {
        return;
    }
    const BAD: &str = r#"{"clientState":7,"clientState":"\ud800"}"#;
    let among: Vec<_> = items.iter().flat_map(|raw| [BAD, raw.get()]).collect();
    let body = format!("{{\"value\":[{}]}}", among.join(","));
    let again = read(body.as_bytes()).unwrap_or_else(|_| panic!("{body}"));
    assert_eq!(again.items.len(), among.len());
    for (at, before) in posted.items.iter().enumerate() {
        assert!(again.items[2 * at].is_err(), "the bad one was read");
        let after = again.items[2 * at + 1].as_ref();
        let after = after.map(|parsed| (&parsed.item, parsed.text));
        let before = before.as_ref().map(|parsed| (&parsed.item, parsed.text));
        assert!(before == after, "{before:?}, among bad ones {after:?}");
    }
}
