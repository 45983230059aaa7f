//! The walk over a body: `value` and `validationTokens`, read where they stand.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::wire::BodyError;

/// Names in the body.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Name {
    Value,
    ValidationTokens,
    #[serde(other)]
    Other,
}

/// The body, whose array `value` is read within it.
pub(super) struct Body<'a, T> {
    pub(super) value: Elements<T>,
    /// `validationTokens` as written; null counts as absent.
    pub(super) tokens: Option<&'a RawValue>,
}

/// Reads a body: the elements of `value` by the seed.
struct BodyOf<S>(AtMost<S>);

impl<'de, S: DeserializeSeed<'de> + Copy> Visitor<'de> for BodyOf<S> {
    type Value = Body<'de, S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with an array `value`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut value, mut tokens) = (None, None);
        while let Some(name) = map.next_key()? {
            match name {
                Name::Value if value.is_some() => return Err(A::Error::duplicate_field("value")),
                Name::Value => value = Some(map.next_value_seed(self.0)?),
                Name::ValidationTokens if tokens.is_some() => {
                    return Err(A::Error::duplicate_field("validationTokens"));
                }
                Name::ValidationTokens => tokens = Some(map.next_value::<&RawValue>()?),
                Name::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Body {
            value: value.ok_or_else(|| A::Error::missing_field("value"))?,
            tokens: tokens.filter(|raw| raw.get() != "null"),
        })
    }
}

/// Elements of an array, at most so many.
pub(super) struct Elements<T> {
    pub(super) read: Vec<T>,
    pub(super) is_cut: bool,
}

impl<T> Elements<T> {
    /// All of them, if they are not too many.
    pub(super) fn whole(self) -> Result<Vec<T>, BodyError> {
        match self.is_cut {
            true => Err(BodyError::TooMany),
            false => Ok(self.read),
        }
    }
}

/// Reads an array: at most so many elements, by the seed.
#[derive(Clone, Copy)]
struct AtMost<S> {
    most: usize,
    seed: S,
}

impl<'de, S: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for AtMost<S> {
    type Value = Elements<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_seq(self)
    }
}

impl<'de, S: DeserializeSeed<'de> + Copy> Visitor<'de> for AtMost<S> {
    type Value = Elements<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut read = Vec::new();
        loop {
            if read.len() == self.most {
                let mut is_cut = false;
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    is_cut = true;
                }
                return Ok(Elements { read, is_cut });
            }
            match seq.next_element_seed(self.seed)? {
                Some(one) => read.push(one),
                None => {
                    return Ok(Elements {
                        read,
                        is_cut: false,
                    });
                }
            }
        }
    }
}

/// The elements of an array as written.
pub(super) fn elements(raw: &RawValue, most: usize) -> Result<Vec<&RawValue>, BodyError> {
    let seed = PhantomData::<&RawValue>;
    let mut reader = serde_json::Deserializer::from_str(raw.get());
    let read = AtMost { most, seed }.deserialize(&mut reader);
    read.map_err(|_| BodyError::Form)?.whole()
}

/// Reads a body with at most `most` items, each by the seed.
pub(super) fn read_body<'a, S: DeserializeSeed<'a> + Copy>(
    text: &'a str,
    most: usize,
    seed: S,
) -> Result<Body<'a, S::Value>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let body = reader.deserialize_map(BodyOf(AtMost { most, seed }))?;
    reader.end()?;
    Ok(body)
}
