//! What an answer holds, however it is wrapped: codes from the outermost to the deepest, texts,
//! the status that counts, and the waits it asks for.
//!
//! Total on any bytes, and bounded: the body is cut at [`BODY_MAX`], nested documents are opened
//! [`NESTED_MAX`] deep, and the counts of codes, texts and visited values have limits.

mod envelope;
mod json;
mod xml;

use std::borrow::Cow;

use super::Answer;
use super::retry_after::{self, RetryAfter, parse_retry_after, parse_retry_after_ms};

/// Bytes of a body that are looked at. Error bodies are short; the longest seen has 3 KiB.
const BODY_MAX: usize = 256 * 1024;
/// How many documents inside texts of documents are opened. Three were seen.
const NESTED_MAX: u8 = 4;
const CODES_MAX: usize = 64;
const TEXTS_MAX: usize = 64;
/// Bytes of one text that are searched.
const TEXT_MAX: usize = 32 * 1024;
const VALUES_MAX: usize = 2_048;
/// Levels of `innererror`, `details` and the like inside one document.
const LEVELS_MAX: u8 = 32;

/// A code and how deep it stood. A header of the service outranks every body.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Code {
    depth: u8,
    text: String,
}

const HEADER_DEPTH: u8 = u8::MAX;

/// A message, every run of blanks made one blank. Both forms have the same offsets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Text {
    /// As it came.
    pub plain: String,
    /// ASCII letters in lower case.
    pub folded: String,
}

/// What was found in an answer.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The status that counts: of the wrapped answer, where an envelope names one.
    pub status: u16,
    /// The body looks like JSON or XML and is neither: its codes may be hidden.
    pub malformed: bool,
    /// Code and message for people.
    pub words: String,
    codes: Vec<Code>,
    texts: Vec<Text>,
    wait: Option<RetryAfter>,
    values_left: usize,
}

impl Reading {
    /// Unwraps an answer.
    pub fn of(answer: &Answer<'_>) -> Self {
        let mut reading = Self {
            status: answer.status,
            malformed: false,
            words: String::new(),
            codes: Vec::new(),
            texts: Vec::new(),
            wait: None,
            values_left: VALUES_MAX,
        };
        reading.body(&decoded(answer.body));
        reading.headers(answer.headers);
        reading
            .codes
            .sort_by_key(|code| std::cmp::Reverse(code.depth));
        if reading.wait.is_none() {
            let in_text = |text: &Text| retry_after::wait_in_text(&text.folded);
            reading.wait = reading.texts.iter().find_map(in_text);
        }
        reading
    }

    /// Codes, the deepest first.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.codes.iter().map(|code| code.text.as_str())
    }

    /// Codes that stand around the deepest one of the wanted ones.
    pub fn around(&self, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
        let inner = self.codes.iter().find(|code| wanted(&code.text));
        let depth = inner.map_or(0, |code| code.depth);
        let outer = self.codes.iter().filter(move |code| code.depth < depth);
        outer.map(|code| code.text.as_str())
    }

    /// Texts, the outermost first.
    pub fn texts(&self) -> &[Text] {
        &self.texts
    }

    /// How long the answer asks to wait.
    pub fn wait(&self) -> Option<&RetryAfter> {
        self.wait.as_ref()
    }

    /// Whether the body names codes and none of them is the one in the service's header.
    pub fn header_and_body_disagree(&self) -> bool {
        let header = self.codes.iter().find(|code| code.depth == HEADER_DEPTH);
        let is_own = |code: &&Code| code.depth < HEADER_DEPTH - 1 && !code.text.contains('=');
        header.is_some_and(|header| {
            let mut body = self.codes.iter().filter(is_own).peekable();
            body.peek().is_some() && body.all(|code| code.text != header.text)
        })
    }

    fn body(&mut self, body: &str) {
        let body = body.trim();
        if body.starts_with('"') {
            // A string that holds the document, or a fragment that lost its outer braces.
            let braced = format!("{{{body}}}");
            if json::read(self, body, 0, 0) || json::read(self, &braced, 0, 0) {
                return;
            }
        } else if body.starts_with(['{', '[']) {
            if json::read(self, body, 0, 0) {
                return;
            }
        } else if body.starts_with('<') {
            if xml::read(self, body, 0, 0) {
                return;
            }
        } else {
            self.text(body, 0, 0);
            return;
        }
        self.malformed = true;
        self.text(body, 0, 0);
    }

    fn headers(&mut self, headers: &[(&str, &str)]) {
        let find = |wanted: &str| {
            let named = |(name, _): &&(&str, &str)| name.trim().eq_ignore_ascii_case(wanted);
            headers.iter().find(named).map(|(_, value)| value.trim())
        };
        if let Some(code) = find("x-ms-error-code") {
            self.code(code, HEADER_DEPTH);
        }
        if let Some(code) = find("x-ms-substatus") {
            self.code(&format!("substatus={code}"), HEADER_DEPTH - 1);
        }
        let date = find("date").and_then(retry_after::imf_fixdate);
        // The order of the Azure SDK cores: milliseconds before seconds.
        let asked = find("x-ms-retry-after-ms")
            .or_else(|| find("retry-after-ms"))
            .map(parse_retry_after_ms)
            .or_else(|| find("retry-after").map(|value| parse_retry_after(value, date)));
        if asked.is_some() {
            self.wait = asked;
        }
    }

    fn code(&mut self, code: &str, depth: u8) {
        let code = code.trim();
        if code.is_empty() || code.len() > 128 || self.codes.len() >= CODES_MAX {
            return;
        }
        if self.words.is_empty() {
            self.words = printable(code);
        }
        self.codes.push(Code {
            depth,
            text: code.to_owned(),
        });
    }

    /// Takes a text in, and looks into it: envelopes, sub-codes, nested documents.
    fn text(&mut self, text: &str, depth: u8, nested: u8) {
        let text = text.trim();
        if text.is_empty() || self.texts.len() >= TEXTS_MAX {
            return;
        }
        let text = cut(text, TEXT_MAX);
        if self.texts.is_empty() {
            self.words = match self.words.as_str() {
                "" => printable(text),
                code => format!("{code}: {}", printable(text)),
            };
        }
        let plain = with_single_blanks(text);
        let folded = plain.to_ascii_lowercase();
        if let Some(status) = envelope::status(&folded) {
            self.status = status;
        }
        for code in envelope::sub_codes(&folded) {
            self.code(&code, depth.saturating_add(1));
        }
        for code in envelope::printed_codes(&plain) {
            self.code(code, depth);
        }
        self.texts.push(Text { plain, folded });
        if nested < NESTED_MAX {
            json::read_inside(self, text, depth.saturating_add(1), nested + 1);
        }
    }

    /// Keeps the longest wait: in a batch every item must be free to go.
    fn keep_longest_wait(&mut self, wait: RetryAfter) {
        let longer = match (&self.wait, &wait) {
            (None, _) | (Some(RetryAfter::For(_)), RetryAfter::Absurd(_)) => true,
            (Some(RetryAfter::For(kept)), RetryAfter::For(new)) => new > kept,
            (Some(RetryAfter::Absurd(_)), _) => false,
        };
        if longer {
            self.wait = Some(wait);
        }
    }

    /// Counts one visited value; false when enough were seen.
    fn visit(&mut self) -> bool {
        self.values_left = self.values_left.saturating_sub(1);
        self.values_left > 0
    }
}

/// The body as text: byte order marks taken off, UTF-16 recognised, anything else as UTF-8.
fn decoded(body: &[u8]) -> Cow<'_, str> {
    let body = &body[..body.len().min(BODY_MAX)];
    match body {
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [b'{' | b'<' | b'[' | b'"', 0, ..] => utf16(body, u16::from_le_bytes),
        [0, b'{' | b'<' | b'[' | b'"', ..] => utf16(body, u16::from_be_bytes),
        _ => String::from_utf8_lossy(body),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'static, str> {
    let (pairs, _) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let chars = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
    Cow::Owned(chars.collect())
}

fn with_single_blanks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

fn printable(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(300).map(clean).collect()
}

fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}
