//! JSON as forgiving as the host's own reader.
//!
//! The host reads files and answers with Newtonsoft.Json, which takes single quotes, comments,
//! trailing commas, names without quotes and a byte order mark, and ignores what follows the
//! first value. A handler that works here because of that would work there too.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::{Map, Number, Value};

/// Deeper nesting is refused: the host's formatter stops at 256.
const DEPTH_MAX: usize = 256;

/// What stands in a text that should be JSON.
#[derive(Debug, PartialEq)]
pub(crate) enum Parsed {
    /// Nothing but white space and comments.
    Nothing,
    /// The first value.
    Value(Value),
}

/// Reads the first JSON value of a text. The error names the line and what was found there.
pub(crate) fn parse(text: &str) -> Result<Parsed, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        rest: text.chars().peekable(),
        line: 1,
    };
    reader.skip_blank()?;
    if reader.rest.peek().is_none() {
        return Ok(Parsed::Nothing);
    }
    reader.value(0).map(Parsed::Value)
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.next();
        if next == Some('\n') {
            self.line += 1;
        }
        next
    }

    fn fail<T>(&mut self, expected: &str) -> Result<T, String> {
        let found = match self.rest.peek() {
            Some(c) => format!("found `{c}`"),
            None => "the text ends".to_owned(),
        };
        Err(format!("line {}: expected {expected}, {found}", self.line))
    }

    fn skip_blank(&mut self) -> Result<(), String> {
        loop {
            match self.rest.peek() {
                Some(c) if c.is_whitespace() => {
                    self.next();
                }
                Some('/') => self.skip_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn skip_comment(&mut self) -> Result<(), String> {
        self.next();
        match self.next() {
            Some('/') => {
                while self.rest.peek().is_some_and(|c| *c != '\n') {
                    self.next();
                }
                Ok(())
            }
            Some('*') => {
                let mut star = false;
                while let Some(c) = self.next() {
                    if star && c == '/' {
                        return Ok(());
                    }
                    star = c == '*';
                }
                self.fail("the end of a comment")
            }
            _ => self.fail("a comment"),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > DEPTH_MAX {
            return self.fail("at most 256 levels");
        }
        self.skip_blank()?;
        match self.rest.peek().copied() {
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            Some(quote @ ('"' | '\'')) => self.string(quote).map(Value::String),
            Some(c) if c == '-' || c == '+' || c == '.' || c.is_ascii_digit() => self.number(),
            Some(c) if c.is_ascii_alphabetic() => self.word(),
            _ => self.fail("a value"),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, String> {
        self.next();
        let mut members = Map::new();
        loop {
            self.skip_blank()?;
            if self.rest.peek() == Some(&'}') {
                self.next();
                return Ok(Value::Object(members));
            }
            let name = self.name()?;
            self.skip_blank()?;
            if self.rest.peek() != Some(&':') {
                return self.fail("`:`");
            }
            self.next();
            members.insert(name, self.value(depth + 1)?);
            self.skip_blank()?;
            match self.rest.peek() {
                Some(',') => {
                    self.next();
                }
                Some('}') => {}
                _ => return self.fail("`,` or `}`"),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, String> {
        self.next();
        let mut items = Vec::new();
        loop {
            self.skip_blank()?;
            if self.rest.peek() == Some(&']') {
                self.next();
                return Ok(Value::Array(items));
            }
            items.push(self.value(depth + 1)?);
            self.skip_blank()?;
            match self.rest.peek() {
                Some(',') => {
                    self.next();
                }
                Some(']') => {}
                _ => return self.fail("`,` or `]`"),
            }
        }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.rest.peek().copied() {
            Some(quote @ ('"' | '\'')) => self.string(quote),
            Some(c) if is_name(c) => {
                let mut name = String::new();
                while let Some(c) = self.rest.peek().copied().filter(|c| is_name(*c)) {
                    name.push(c);
                    self.next();
                }
                Ok(name)
            }
            _ => self.fail("a name"),
        }
    }

    fn string(&mut self, quote: char) -> Result<String, String> {
        self.next();
        let mut out = String::new();
        loop {
            match self.next() {
                Some(c) if c == quote => return Ok(out),
                Some('\\') => self.escape(&mut out)?,
                Some(c) => out.push(c),
                None => return self.fail("the end of a string"),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), String> {
        let plain = match self.next() {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some(c @ ('"' | '\'' | '\\' | '/')) => c,
            Some('u') => return self.code_points(out),
            _ => return self.fail("an escape"),
        };
        out.push(plain);
        Ok(())
    }

    /// One `XXXX` after `\u`, or a surrogate pair of them.
    fn code_points(&mut self, out: &mut String) -> Result<(), String> {
        let first = self.hex4()?;
        if !(0xD800..0xDC00).contains(&first) {
            out.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
            return Ok(());
        }
        let mut ahead = self.rest.clone();
        if (ahead.next(), ahead.next()) != (Some('\\'), Some('u')) {
            out.push(char::REPLACEMENT_CHARACTER);
            return Ok(());
        }
        self.next();
        self.next();
        let second = self.hex4()?;
        if (0xDC00..0xE000).contains(&second) {
            let joined = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            out.push(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
        } else {
            out.push(char::REPLACEMENT_CHARACTER);
            out.push(char::from_u32(second).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(())
    }

    fn hex4(&mut self) -> Result<u32, String> {
        let mut code = 0;
        for _ in 0..4 {
            match self.rest.peek().and_then(|c| c.to_digit(16)) {
                Some(digit) => code = code * 16 + digit,
                None => return self.fail("four hex digits"),
            }
            self.next();
        }
        Ok(code)
    }

    fn number(&mut self) -> Result<Value, String> {
        let mut text = String::new();
        while let Some(c) = self
            .rest
            .peek()
            .copied()
            .filter(|c| c.is_ascii_alphanumeric() || "+-.".contains(*c))
        {
            text.push(c);
            self.next();
        }
        let trimmed = text.strip_prefix('+').unwrap_or(&text);
        if let Ok(whole) = trimmed.parse::<i64>() {
            return Ok(Value::from(whole));
        }
        match trimmed.parse::<f64>().ok().and_then(Number::from_f64) {
            Some(number) => Ok(Value::Number(number)),
            None => Err(format!("line {}: `{text}` is no number", self.line)),
        }
    }

    fn word(&mut self) -> Result<Value, String> {
        let mut text = String::new();
        while let Some(c) = self.rest.peek().copied().filter(char::is_ascii_alphabetic) {
            text.push(c);
            self.next();
        }
        match text.as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "null" | "undefined" => Ok(Value::Null),
            _ => Err(format!("line {}: `{text}` is no value", self.line)),
        }
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check_parses(text: &str, expected: Value) {
        assert_eq!(parse(text), Ok(Parsed::Value(expected)), "{text}");
    }

    #[test]
    fn what_the_host_forgives_is_forgiven() {
        check_parses("\u{feff}{}", json!({}));
        check_parses("{'Logs':['a',],}", json!({"Logs": ["a"]}));
        check_parses(
            "// start\n{/* in */ Outputs : null}",
            json!({"Outputs": null}),
        );
        check_parses("{} and more", json!({}));
        check_parses(r#"{"a":"\u00e4\ud83d\ude00\n\/"}"#, json!({"a": "ä😀\n/"}));
        check_parses(
            "[1, -2.5, 1e3, true, null]",
            json!([1, -2.5, 1000.0, true, null]),
        );
    }

    #[test]
    fn white_space_and_comments_alone_are_nothing() {
        assert_eq!(parse(""), Ok(Parsed::Nothing));
        assert_eq!(parse(" \r\n\t // x"), Ok(Parsed::Nothing));
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        assert_eq!(parse(text), Err(expected.to_owned()), "{text}");
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_line() {
        check_refused("Hello World", "line 1: `Hello` is no value");
        check_refused("{\n\"a\":1", "line 2: expected `,` or `}`, the text ends");
        check_refused("{\"a\" 1}", "line 1: expected `:`, found `1`");
        check_refused("\u{1f}\u{8b}x", "line 1: expected a value, found `\u{1f}`");
        check_refused("1-2", "line 1: `1-2` is no number");
        assert!(parse(&"[".repeat(10_000)).is_err());
    }

    #[test]
    fn half_a_surrogate_pair_is_replaced() {
        check_parses(
            r#"["\ud800\u0041","\ud800x","\udc00"]"#,
            json!(["\u{fffd}A", "\u{fffd}x", "\u{fffd}"]),
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in ".*") {
            let _ = parse(&text);
        }

        #[test]
        fn no_text_that_looks_like_json_breaks_the_reader(text in r#"[\[\]{}:,'"/*\\ud0-9a-f \n.eE+-]{0,40}"#) {
            let _ = parse(&text);
        }

        #[test]
        fn strict_json_is_read_as_a_strict_reader_reads_it(names in proptest::collection::vec(".*", 0..4), number in proptest::prelude::any::<i64>()) {
            let value = json!({"names": names, "number": number, "nested": [[], {}, null, true, 0.5]});
            let compact = value.to_string();
            proptest::prop_assert_eq!(parse(&compact), Ok(Parsed::Value(value.clone())));
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            proptest::prop_assert_eq!(parse(&pretty), Ok(Parsed::Value(value)));
        }
    }
}
