//! What Graph posts: `{"value":[…], "validationTokens":[…]}`, read without copying.
//!
//! A request that is no such object is refused as a whole. Within it each item stands for
//! itself: one that cannot be read is [`Refusal::Malformed`] and spoils no neighbour. Only
//! what proves an item must be of the right type; any other member of an unexpected type
//! counts as absent, so that a later Graph loses nothing.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::scan::{Members, string};
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

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(borrow, rename = "validationTokens")]
    tokens: Option<&'a RawValue>,
}

/// Elements of an array, at most so many.
struct Elements<'a> {
    raw: Vec<&'a RawValue>,
    is_cut: bool,
}

struct AtMost(usize);

impl<'de> Visitor<'de> for AtMost {
    type Value = Elements<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut raw = Vec::new();
        while let Some(one) = seq.next_element()? {
            if raw.len() == self.0 {
                while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                return Ok(Elements { raw, is_cut: true });
            }
            raw.push(one);
        }
        Ok(Elements { raw, is_cut: false })
    }
}

fn elements(raw: &RawValue, most: usize) -> Result<Vec<&RawValue>, BodyError> {
    let mut reader = serde_json::Deserializer::from_str(raw.get());
    let read = reader.deserialize_seq(AtMost(most));
    let read = read.map_err(|_| BodyError::Form)?;
    match read.is_cut {
        true => Err(BodyError::TooMany),
        false => Ok(read.raw),
    }
}

impl<'a> Posted<'a> {
    /// Reads a body with at most `most` items and as many tokens.
    pub fn parse(body: &'a [u8], most: usize) -> Result<Self, BodyError> {
        let body: Body<'a> = serde_json::from_slice(body).map_err(|_| BodyError::Form)?;
        let items = elements(body.value, most)?;
        let tokens = match body.tokens {
            None => Vec::new(),
            Some(raw) => match elements(raw, most) {
                Ok(raw) => raw.into_iter().map(|one| string(one.get())).collect(),
                Err(BodyError::Form) => vec![None],
                Err(error) => return Err(error),
            },
        };
        Ok(Self {
            items: items.into_iter().map(|one| item(one.get())).collect(),
            tokens,
        })
    }
}

/// The members of an item that matter, as written; null counts as absent.
#[derive(Default)]
struct Found<'a> {
    values: [Option<&'a str>; NAMES.len()],
    /// The places of `clientState` and `encryptedContent`.
    cut: Option<Range<usize>>,
    sealed_at: Option<Range<usize>>,
}

/// The members that matter.
const NAMES: [&str; 10] = [
    "clientState",
    "tenantId",
    "organizationId",
    "encryptedContent",
    "lifecycleEvent",
    "changeType",
    "subscriptionId",
    "resource",
    "id",
    "resourceData",
];
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

impl<'a> Found<'a> {
    /// Finds them. `None` where the text is no object, or names one of them twice: two readers
    /// of such an item may each believe another one.
    fn of(text: &'a str) -> Option<Self> {
        let mut found = Self::default();
        let mut seen = [false; NAMES.len()];
        // Where the member before ends, and where clientState begins if it is that member.
        let (mut before, mut cut_from) = (1, None);
        for member in Members::of(text).ok()? {
            let member = member.ok()?;
            if let Some(from) = cut_from.take() {
                found.cut = Some(from..member.place.start);
            }
            if let Some(at) = NAMES.iter().position(|name| *name == member.name) {
                if std::mem::replace(&mut seen[at], true) {
                    return None;
                }
                let value = Some(member.value).filter(|value| *value != "null");
                found.values[at] = value;
                match at {
                    CLIENT_STATE => {
                        // Without a member after it, the comma before it goes along.
                        found.cut = Some(before..member.place.end);
                        cut_from = Some(member.place.start);
                    }
                    SEALED if value.is_some() => found.sealed_at = Some(member.place.clone()),
                    _ => {}
                }
            }
            before = member.place.end;
        }
        Some(found)
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
    let found = Found::of(text).ok_or(Refusal::Malformed)?;
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
