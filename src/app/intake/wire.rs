//! What Graph posts: `{"value":[…], "validationTokens":[…]}`, read without copying.
//!
//! A request that is no such object is refused as a whole. Within it each item stands for
//! itself: one that cannot be read is [`Refusal::Malformed`] and spoils no neighbour. Only
//! what proves an item must be of the right type; any other member of an unexpected type
//! counts as absent, so that a later Graph loses nothing.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};

use serde_json::value::RawValue;

use super::scan::{Members, string};
use super::walk::{elements, read_body};
use crate::domain::notification::refusal::Refusal;
use crate::domain::notification::{Happening, Item, ResourceData, Sealed, Text};

/// Why a request is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// Not a JSON object with an array `value`.
    Form,
    /// More items or tokens than are taken at once.
    TooMany,
}

/// A request, taken apart.
pub struct Posted<'a> {
    /// The items, each readable or not.
    pub items: Vec<Result<Parsed<'a>, Refusal>>,
    /// The validation tokens; empty where they are missing or null. `None` stands for one that
    /// is no text.
    pub tokens: Vec<Option<Text<'a>>>,
}

/// An item with the places in its text that matter for passing it on.
#[derive(PartialEq)]
pub struct Parsed<'a> {
    /// What it says.
    pub item: Item<'a>,
    /// Its text.
    pub text: &'a str,
    /// The member `clientState` with one of the commas beside it.
    pub client_state: Option<Range<usize>>,
    /// The member `encryptedContent`.
    pub sealed: Option<Range<usize>>,
    /// `resource` as written, a JSON string.
    pub resource: Option<&'a str>,
}

impl<'a> Posted<'a> {
    /// Reads a body with at most `most` items and as many tokens.
    pub fn parse(body: &'a [u8], most: usize) -> Result<Self, BodyError> {
        let text = std::str::from_utf8(body).map_err(|_| BodyError::Form)?;
        // Graph's own posts are walked once. Whatever is odd about one is judged by the second
        // way, which takes every item by itself.
        let (items, tokens) = match read_body(text, most, OneWalk(text)) {
            Ok(body) if !body.value.is_cut => {
                (body.value.read.into_iter().map(Ok).collect(), body.tokens)
            }
            _ => {
                let raw = PhantomData::<&RawValue>;
                let body = read_body(text, most, raw).map_err(|_| BodyError::Form)?;
                let raw = body.value.whole()?;
                let items = raw.into_iter().map(|one| item(one.get()));
                (items.collect(), body.tokens)
            }
        };
        let tokens = match tokens {
            None => Vec::new(),
            Some(raw) => match elements(raw, most) {
                Ok(raw) => raw.into_iter().map(|one| string(one.get())).collect(),
                Err(BodyError::Form) => vec![None],
                Err(error) => return Err(error),
            },
        };
        Ok(Self { items, tokens })
    }
}

/// The members of an item that matter, as written; null counts as absent.
struct Found<'a> {
    values: [Option<&'a str>; NAMES],
    seen: [bool; NAMES],
    /// The places of `clientState` and `encryptedContent`.
    cut: Option<Range<usize>>,
    sealed_at: Option<Range<usize>>,
    /// Where the member before ends, and where clientState begins if it is that member.
    before: usize,
    cut_from: Option<usize>,
}

/// The members that matter.
const NAMES: usize = 10;
const CLIENT_STATE: usize = 0;
const TENANT: usize = 1;
const ORGANIZATION: usize = 2;
const SEALED: usize = 3;
const LIFECYCLE: usize = 4;
const CHANGE: usize = 5;
const SUBSCRIPTION: usize = 6;
const RESOURCE: usize = 7;
const ID: usize = 8;
const DATA: usize = 9;

fn place_of(name: &str) -> Option<usize> {
    Some(match name {
        "clientState" => CLIENT_STATE,
        "tenantId" => TENANT,
        "organizationId" => ORGANIZATION,
        "encryptedContent" => SEALED,
        "lifecycleEvent" => LIFECYCLE,
        "changeType" => CHANGE,
        "subscriptionId" => SUBSCRIPTION,
        "resource" => RESOURCE,
        "id" => ID,
        "resourceData" => DATA,
        _ => return None,
    })
}

impl<'a> Found<'a> {
    /// Nothing yet; the first member may begin behind the brace.
    fn nothing() -> Self {
        Self {
            values: [None; NAMES],
            seen: [false; NAMES],
            cut: None,
            sealed_at: None,
            before: 1,
            cut_from: None,
        }
    }

    /// Finds them. `None` where the text is no object, or names one of them twice: two readers
    /// of such an item may each believe another one.
    fn of(text: &'a str) -> Option<Self> {
        let mut found = Self::nothing();
        for member in Members::of(text).ok()? {
            let member = member.ok()?;
            found.take(&member.name, member.value, member.place)?;
        }
        Some(found)
    }

    /// Takes the next member. `None` where it is one of those that matter, and was there before.
    fn take(&mut self, name: &str, value: &'a str, place: Range<usize>) -> Option<()> {
        if let Some(from) = self.cut_from.take() {
            self.cut = Some(from..place.start);
        }
        let before = std::mem::replace(&mut self.before, place.end);
        let Some(at) = place_of(name) else {
            return Some(());
        };
        if std::mem::replace(&mut self.seen[at], true) {
            return None;
        }
        let value = Some(value).filter(|value| *value != "null");
        self.values[at] = value;
        match at {
            CLIENT_STATE => {
                // Without a member after it, the comma before it goes along.
                self.cut = Some(before..place.end);
                self.cut_from = Some(place.start);
            }
            SEALED if value.is_some() => self.sealed_at = Some(place),
            _ => {}
        }
        Some(())
    }

    /// A member that proves something: another type than a text is a fault.
    fn proving(&self, at: usize) -> Result<Option<Text<'a>>, Refusal> {
        match self.values[at] {
            None => Ok(None),
            Some(raw) => string(raw).map(Some).ok_or(Refusal::Malformed),
        }
    }

    /// Any other member: another type than a text counts as absent.
    fn text(&self, at: usize) -> Option<Text<'a>> {
        self.values[at].and_then(string)
    }
}

fn item(text: &str) -> Result<Parsed<'_>, Refusal> {
    parsed(text, Found::of(text).ok_or(Refusal::Malformed)?)
}

fn parsed<'a>(text: &'a str, found: Found<'a>) -> Result<Parsed<'a>, Refusal> {
    let resource = found.values[RESOURCE].filter(|raw| raw.starts_with('"'));
    let item = Item {
        client_state: found.proving(CLIENT_STATE)?,
        tenant: found.proving(TENANT)?,
        organization: found.proving(ORGANIZATION)?,
        subscription: found.text(SUBSCRIPTION),
        happening: Happening::of(found.text(CHANGE), found.text(LIFECYCLE)),
        resource: found.text(RESOURCE),
        notification_id: found.text(ID),
        data: found.values[DATA].map(resource_data).unwrap_or_default(),
        sealed: found.values[SEALED].map(sealed),
    };
    Ok(Parsed {
        resource: resource.filter(|_| item.resource.is_some()),
        item,
        text,
        client_state: found.cut,
        sealed: found.sealed_at,
    })
}

/// Reads an item while the body that it stands in is read. Its text was validated then, and its
/// places are known by the addresses of what was borrowed. What is odd is an error: no object,
/// an escaped name, a member twice.
#[derive(Clone, Copy)]
struct OneWalk<'a>(&'a str);

impl<'a> DeserializeSeed<'a> for OneWalk<'a> {
    type Value = Parsed<'a>;

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for OneWalk<'a> {
    type Value = Parsed<'a>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an item without anything odd")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let odd = || A::Error::custom("an odd item");
        let body = self.0.as_bytes();
        let place = |text: &str| text.as_ptr() as usize - body.as_ptr() as usize;
        let mut found = Found::nothing();
        let (mut begin, mut end) = (None, 0);
        while let Some(name) = map.next_key::<&str>()? {
            let value = map.next_value::<&RawValue>()?.get();
            let quote = place(name) - 1;
            // Before the first member there are only blanks and the brace.
            let before = |quote| body[..quote].iter().rposition(|byte| *byte == b'{');
            let begin = match begin {
                Some(begin) => begin,
                None => *begin.insert(before(quote).ok_or_else(odd)?),
            };
            end = place(value) + value.len();
            let taken = found.take(name, value, quote - begin..end - begin);
            taken.ok_or_else(odd)?;
        }
        let begin = begin.ok_or_else(odd)?;
        let brace = body[end..].iter().position(|byte| *byte == b'}');
        let text = self.0.get(begin..=end + brace.ok_or_else(odd)?);
        parsed(text.ok_or_else(odd)?, found).map_err(|_| odd())
    }
}

/// What `resourceData` says. A name given twice proves nothing.
fn resource_data(text: &str) -> ResourceData<'_> {
    let names = ["@odata.type", "@odata.etag", "id", "sequenceNumber"];
    let [odata_type, etag, id, sequence] = named(text, names);
    ResourceData {
        odata_type: odata_type.and_then(string),
        etag: etag.and_then(string),
        id: id.and_then(string),
        sequence: sequence.and_then(number_or_text),
    }
}

/// The digits of a number as written, or a text: 64 bits are more than many writers have.
fn number_or_text(raw: &str) -> Option<Text<'_>> {
    match raw.as_bytes().first()? {
        b'0'..=b'9' | b'-' => Some(Cow::Borrowed(raw)),
        _ => string(raw),
    }
}

/// The parts of `encryptedContent`. What is no object has none, and does not open.
fn sealed(text: &str) -> Sealed<'_> {
    let names = [
        "data",
        "dataSignature",
        "dataKey",
        "encryptionCertificateId",
    ];
    let [data, signature, key, certificate_id] = named(text, names);
    Sealed {
        data: data.and_then(string),
        signature: signature.and_then(string),
        key: key.and_then(string),
        certificate_id: certificate_id.and_then(string),
    }
}

/// The values of these members; none of any where the text is no object or names one twice.
fn named<'a, const N: usize>(text: &'a str, names: [&str; N]) -> [Option<&'a str>; N] {
    let mut values = [None; N];
    let Ok(members) = Members::of(text) else {
        return values;
    };
    for member in members {
        let Ok(member) = member else {
            return [None; N];
        };
        if let Some(at) = names.iter().position(|name| *name == member.name)
            && values[at].replace(member.value).is_some()
        {
            return [None; N];
        }
    }
    values
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
