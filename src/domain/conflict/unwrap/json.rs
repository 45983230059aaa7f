//! JSON in all the dialects: Graph, OData, Resource Manager in two letter cases, Azure AD Graph,
//! Cosmos DB, batches; and JSON inside texts.
//!
//! Only known fields are followed, in a fixed order, so neither the order of fields nor unknown
//! ones change what is found.

use serde_json::{Map, Value};

use super::{LEVELS_MAX, Reading};
use crate::domain::conflict::retry_after::{parse_retry_after, parse_retry_after_ms};

/// Where in the documents a value stands.
#[derive(Clone, Copy)]
struct Place {
    /// Rank of its codes: deeper ones say more.
    depth: u8,
    /// Documents around this one.
    nested: u8,
    /// Levels inside this document.
    level: u8,
}

impl Place {
    fn deeper(self) -> Self {
        Self {
            depth: self.depth.saturating_add(1),
            ..self.same_rank()
        }
    }

    fn same_rank(self) -> Self {
        Self {
            level: self.level.saturating_add(1),
            ..self
        }
    }
}

/// Reads a whole document; false if it is none.
pub(super) fn read(reading: &mut Reading, text: &str, depth: u8, nested: u8) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return false;
    };
    let level = 0;
    any(
        reading,
        &value,
        Place {
            depth,
            nested,
            level,
        },
    );
    true
}

/// Looks for documents inside a text: after a prefix such as "Message: ", and once more with
/// one layer of backslashes taken off, where the text was escaped more often than quoted.
pub(super) fn read_inside(reading: &mut Reading, text: &str, depth: u8, nested: u8) {
    if first_document(reading, text, depth, nested) || !text.contains("\\\"") {
        return;
    }
    let unescaped = text.replace("\\\"", "\"").replace("\\\\", "\\");
    first_document(reading, &unescaped, depth, nested);
}

fn first_document(reading: &mut Reading, text: &str, depth: u8, nested: u8) -> bool {
    const STARTS_MAX: usize = 8;
    if text.starts_with('<') && super::xml::read(reading, text, depth, nested) {
        return true;
    }
    let starts = text.match_indices(['{', '[']).take(STARTS_MAX);
    for (at, _) in starts {
        let documents = serde_json::Deserializer::from_str(&text[at..]);
        let Some(Ok(value)) = documents.into_iter::<Value>().next() else {
            continue;
        };
        let has_content = value.as_object().is_some_and(|map| !map.is_empty())
            || value
                .as_array()
                .is_some_and(|list| list.iter().any(Value::is_object));
        if has_content {
            let level = 0;
            any(
                reading,
                &value,
                Place {
                    depth,
                    nested,
                    level,
                },
            );
            return true;
        }
    }
    false
}

fn any(reading: &mut Reading, value: &Value, place: Place) {
    match value {
        Value::Object(map) => object(reading, map, place),
        Value::Array(items) => array(reading, items, place),
        Value::String(text) => document_or_text(reading, text, place),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn document_or_text(reading: &mut Reading, text: &str, place: Place) {
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    let quoted = trimmed.starts_with('"') && place.nested < super::NESTED_MAX;
    if quoted && read(reading, trimmed, place.depth, place.nested + 1) {
        return;
    }
    reading.text(trimmed, place.depth, place.nested);
}

/// A field by its name in lower case without `_` and `-`; of several spellings the first in
/// byte order, so that the order of fields does not matter.
fn field<'a>(map: &'a Map<String, Value>, wanted: &str) -> Option<&'a Value> {
    map.iter()
        .filter(|(name, _)| is_named(name, wanted))
        .min_by(|a, b| a.0.cmp(b.0))
        .map(|(_, value)| value)
}

fn is_named(name: &str, wanted: &str) -> bool {
    let plain = name.bytes().filter(|b| !matches!(b, b'_' | b'-'));
    plain.map(|b| b.to_ascii_lowercase()).eq(wanted.bytes())
}

fn object(reading: &mut Reading, map: &Map<String, Value>, place: Place) {
    if !reading.visit() || place.level > LEVELS_MAX {
        return;
    }
    if let Some(items) = field(map, "responses").and_then(Value::as_array) {
        return batch(reading, items, place);
    }
    if let (true, Some(status)) = (reading.status < 400, item_status(map)) {
        // The answer of a poll says 200 and tells of the failure inside.
        reading.status = status;
    }
    own_codes(reading, map, place);
    own_texts(reading, map, place);
    for name in [
        "error",
        "odata.error",
        "statusmessage",
        "body",
        "resourcebody",
    ] {
        match field(map, name) {
            Some(Value::String(text)) if name == "error" && is_word(text) => {
                reading.code(text, place.depth);
            }
            Some(value) => any(reading, value, place.same_rank()),
            None => {}
        }
    }
    if let Some(Value::Object(properties)) = field(map, "properties") {
        for name in ["error", "statusmessage"] {
            if let Some(value) = field(properties, name) {
                any(reading, value, place.same_rank());
            }
        }
    }
    for name in [
        "innererror",
        "innerexception",
        "details",
        "errors",
        "errorentity",
    ] {
        if let Some(value) = field(map, name) {
            any(reading, value, place.deeper());
        }
    }
}

fn own_codes(reading: &mut Reading, map: &Map<String, Value>, place: Place) {
    let text_of = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    if let Some(code) = field(map, "code").and_then(text_of) {
        reading.code(&code, place.depth);
    }
    // Numbers that mean something in their dialect only keep the field's name.
    const MARKED: &[(&str, &str)] = &[
        ("extendedcode", "ExtendedCode"),
        ("number", "number"),
        ("substatus", "substatus"),
        ("substatuscode", "substatus"),
    ];
    for (name, mark) in MARKED {
        if let Some(code) = field(map, name).and_then(text_of) {
            reading.code(&format!("{mark}={code}"), place.depth.saturating_add(1));
        }
    }
    // Azure AD Graph names its inner code in a list of pairs.
    for pair in field(map, "values")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let Some(pair) = pair.as_object() else {
            continue;
        };
        let is_code = field(pair, "item").and_then(Value::as_str) == Some("PropertyErrorCode");
        if let (true, Some(code)) = (is_code, field(pair, "value").and_then(Value::as_str)) {
            reading.code(code, place.depth.saturating_add(1));
        }
    }
    // The conflict feed of Cosmos DB: conflicts that no status ever told.
    let feed = field(map, "conflicts").and_then(Value::as_array);
    if feed.is_some_and(|conflicts| !conflicts.is_empty()) {
        reading.code("Conflicts[]", place.depth);
    }
}

fn own_texts(reading: &mut Reading, map: &Map<String, Value>, place: Place) {
    for name in [
        "message",
        "detail",
        "errordescription",
        "exceptionmessage",
        "reason",
    ] {
        match field(map, name) {
            Some(Value::Object(inner)) => match field(inner, "value").and_then(Value::as_str) {
                Some(localised) => document_or_text(reading, localised, place),
                // Some printers put the inner answer there unescaped.
                None => object(reading, inner, place.deeper()),
            },
            Some(Value::String(text)) => document_or_text(reading, text, place),
            _ => {}
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_graphic())
}

fn array(reading: &mut Reading, items: &[Value], place: Place) {
    if place.level > LEVELS_MAX {
        return;
    }
    let is_batch = items.iter().all(|item| {
        item.as_object()
            .is_some_and(|map| item_status(map).is_some())
    });
    if is_batch && !items.is_empty() {
        return batch(reading, items, place);
    }
    for item in items {
        any(reading, item, place.same_rank());
    }
}

/// A batch: the first item that failed by itself, and the longest wait of all. An item with
/// 424 failed only because another one did.
fn batch(reading: &mut Reading, items: &[Value], place: Place) {
    const FAILED_DEPENDENCY: u16 = 424;
    let items = || items.iter().filter_map(Value::as_object);
    let failed = |map: &&Map<String, Value>| item_status(map).is_some_and(|status| status >= 400);
    let by_itself =
        |map: &&Map<String, Value>| failed(map) && item_status(map) != Some(FAILED_DEPENDENCY);
    let Some(item) = items().find(by_itself).or_else(|| items().find(failed)) else {
        return;
    };
    if let Some(status) = item_status(item) {
        reading.status = status;
    }
    object(reading, item, place.same_rank());
    for item in items().filter(failed) {
        item_waits(reading, item);
    }
}

fn item_status(map: &Map<String, Value>) -> Option<u16> {
    let status = field(map, "status").or_else(|| field(map, "statuscode"))?;
    let number = match status {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let status = u16::try_from(number?).ok()?;
    (100..600).contains(&status).then_some(status)
}

fn item_waits(reading: &mut Reading, item: &Map<String, Value>) {
    let text_of = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if let Some(Value::Object(headers)) = field(item, "headers") {
        // A date is measured by the clock of its own item.
        let date = field(headers, "date").map(text_of);
        let date = date.and_then(|date| crate::domain::conflict::retry_after::imf_fixdate(&date));
        if let Some(value) = field(headers, "retryafter") {
            reading.keep_longest_wait(parse_retry_after(&text_of(value), date));
        }
    }
    if let Some(value) = field(item, "retryaftermilliseconds") {
        reading.keep_longest_wait(parse_retry_after_ms(&text_of(value)));
    }
}
