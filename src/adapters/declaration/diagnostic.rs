//! What the reader has to say, with its place in the text.

use std::collections::BTreeSet;
use std::ops::Range;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// The declaration cannot be used.
    Error,
    /// It can be used, and the integrator should know this.
    Warning,
}

impl Severity {
    /// As a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A place in the text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
}

/// One error or warning.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A short, stable word for programs, such as `unknown-key`.
    pub code: &'static str,
    /// Where; `None` for what concerns the whole text.
    pub place: Option<Place>,
    /// The key concerned, such as `subscriptions[2].lifetime`; empty for the whole text.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do, or the allowed values.
    pub help: Option<String>,
}

impl Diagnostic {
    /// All of it in one line: `file:line:column: key: message; help`.
    pub fn sentence(&self, file: &str) -> String {
        let mut out = file.to_owned();
        if let Some(place) = &self.place {
            out.push_str(&format!(":{}:{}", place.line, place.column));
        }
        out.push_str(": ");
        if !self.key.is_empty() {
            out.push_str(&self.key);
            out.push_str(": ");
        }
        out.push_str(&self.message);
        if let Some(help) = &self.help {
            out.push_str("; ");
            out.push_str(help);
        }
        out
    }
}

/// Collects diagnostics while reading one text.
pub(in crate::adapters) struct Findings<'t> {
    text: &'t str,
    line_starts: Vec<usize>,
    found: Vec<Diagnostic>,
    wrong_types: BTreeSet<String>,
}

impl<'t> Findings<'t> {
    pub(in crate::adapters) fn new(text: &'t str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            line_starts: std::iter::once(0).chain(after_breaks).collect(),
            found: Vec::new(),
            wrong_types: BTreeSet::new(),
        }
    }

    pub(in crate::adapters) fn error(
        &mut self,
        code: &'static str,
        span: Option<Range<usize>>,
        key: &str,
        message: impl Into<String>,
    ) -> Added<'_> {
        self.add(Severity::Error, code, span, key, message.into())
    }

    pub(in crate::adapters) fn warning(
        &mut self,
        code: &'static str,
        span: Option<Range<usize>>,
        key: &str,
        message: impl Into<String>,
    ) -> Added<'_> {
        self.add(Severity::Warning, code, span, key, message.into())
    }

    /// A value of the wrong type, after which the key must not be called missing.
    pub(in crate::adapters) fn wrong_type(
        &mut self,
        span: Range<usize>,
        key: String,
        found: &str,
    ) -> Added<'_> {
        let message = format!("{found} stands here");
        self.wrong_types.insert(key.clone());
        self.error("wrong-type", Some(span), &key, message)
    }

    /// Whether something stands at the key, though of the wrong type.
    pub(in crate::adapters) fn has_wrong_type(&self, key: &str) -> bool {
        self.wrong_types.contains(key)
    }

    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        span: Option<Range<usize>>,
        key: &str,
        message: String,
    ) -> Added<'_> {
        let place = span.map(|span| self.place(span));
        self.found.push(Diagnostic {
            severity,
            code,
            place,
            key: key.to_owned(),
            message,
            help: None,
        });
        Added(self.found.last_mut())
    }

    fn place(&self, span: Range<usize>) -> Place {
        let start = span.start.min(self.text.len());
        let line = self.line_starts.partition_point(|from| *from <= start);
        let from = self.line_starts[line - 1];
        let before = self.text.get(from..start).unwrap_or("");
        Place {
            line,
            column: before.chars().count() + 1,
            span: start..span.end.clamp(start, self.text.len()),
        }
    }

    pub(in crate::adapters) fn has_errors(&self) -> bool {
        self.found.iter().any(|one| one.severity == Severity::Error)
    }

    /// Everything found, in the order of the text; what has no place comes last.
    pub(in crate::adapters) fn finish(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|one| {
            one.place
                .as_ref()
                .map_or(usize::MAX, |place| place.span.start)
        });
        self.found
    }
}

/// A diagnostic that was just added, to which advice can be given.
pub(in crate::adapters) struct Added<'f>(Option<&'f mut Diagnostic>);

impl Added<'_> {
    /// Adds advice; an empty text adds none.
    pub(in crate::adapters) fn help(self, text: impl Into<String>) {
        let text = text.into();
        if let Some(diagnostic) = self.0
            && !text.is_empty()
        {
            diagnostic.help = Some(text);
        }
    }
}
