//! XML of Storage, Service Bus and OData: an error element with a code and a message, whatever
//! its namespace prefix.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use super::Reading;

/// Levels of elements that are looked at.
const LEVELS_MAX: usize = 8;

/// Reads a document; false if it is none.
pub(super) fn read(reading: &mut Reading, text: &str, depth: u8, nested: u8) -> bool {
    let mut found = Found::default();
    if !found.document(text) {
        return false;
    }
    for code in &found.codes {
        reading.code(code, depth);
    }
    for text in &found.texts {
        reading.text(text, depth, nested);
    }
    true
}

#[derive(Default)]
struct Found {
    path: Vec<String>,
    open: String,
    codes: Vec<String>,
    texts: Vec<String>,
    elements: usize,
}

impl Found {
    fn document(&mut self, text: &str) -> bool {
        let mut reader = Reader::from_str(text);
        // A page of a proxy is no error document, but its words may still be read.
        reader.config_mut().check_end_names = false;
        loop {
            match reader.read_event() {
                Ok(Event::Start(tag)) => {
                    self.elements += 1;
                    let name = tag.local_name();
                    self.path
                        .push(name.as_ref().iter().map(|b| char::from(*b)).collect());
                    self.open.clear();
                }
                Ok(Event::Text(part)) => self.open.push_str(&part.decode().unwrap_or_default()),
                Ok(Event::CData(part)) => self.open.push_str(&part.decode().unwrap_or_default()),
                Ok(Event::GeneralRef(part)) => self.open.push_str(&resolved(&part)),
                Ok(Event::End(_)) => self.close(),
                Ok(Event::Eof) => return self.elements > 0 && self.path.is_empty(),
                Ok(_) => {}
                Err(_) => return false,
            }
            if self.path.len() > LEVELS_MAX || self.elements > super::VALUES_MAX {
                return false;
            }
        }
    }

    fn close(&mut self) {
        let Some(name) = self.path.pop() else {
            return;
        };
        let text = std::mem::take(&mut self.open);
        if self.path.is_empty() && self.elements > 1 {
            return;
        }
        match name.to_ascii_lowercase().as_str() {
            "code" => self.codes.push(text),
            "message" | "detail" | "title" | "h1" | "h2" | "p" => self.texts.push(text),
            _ => {}
        }
    }
}

fn resolved(part: &BytesRef<'_>) -> String {
    if let Ok(Some(c)) = part.resolve_char_ref() {
        return c.to_string();
    }
    let name = part.decode().unwrap_or_default();
    let known = quick_xml::escape::resolve_predefined_entity(&name);
    known.unwrap_or(" ").to_owned()
}
