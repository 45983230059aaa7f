//! How long a file and a function may be.

use super::source::{Finding, Source, body, closing};

/// A file over this is probably two rooms.
pub const FILE_LINES: usize = 400;

/// A function fits a screen.
pub const FUNCTION_LINES: usize = 70;

/// Something that may be longer than the bound: where, how long at most, and why.
///
/// The lists only ever shrink: an entry that is no longer needed is itself a finding.
pub struct Exception {
    /// A file, or a file and a function: `src/x.rs` or `src/x.rs::name`.
    pub place: &'static str,
    pub lines: usize,
    pub reason: &'static str,
}

/// Files under `src/` within the bound.
pub fn files(sources: &[Source], exceptions: &[Exception]) -> Vec<Finding> {
    let lengths = sources
        .iter()
        .filter(|source| source.path.contains("src/"))
        .map(|source| Length {
            source,
            place: source.path.clone(),
            line: 1,
            lines: source.text.lines().count(),
        });
    over(lengths, FILE_LINES, "file", exceptions)
}

/// Functions within the bound, those of tests too: from `fn` to the closing brace.
pub fn functions(sources: &[Source], exceptions: &[Exception]) -> Vec<Finding> {
    let lengths = sources.iter().flat_map(|source| {
        source
            .tokens
            .windows(2)
            .enumerate()
            .filter(|(_, pair)| pair[0].is_word("fn"))
            .filter_map(move |(at, pair)| {
                let name = pair[1].word()?;
                let end = closing(&source.tokens, body(&source.tokens, at)?);
                Some(Length {
                    source,
                    place: format!("{}::{name}", source.path),
                    line: pair[0].line,
                    lines: source.tokens[end].line - pair[0].line + 1,
                })
            })
    });
    over(lengths, FUNCTION_LINES, "function", exceptions)
}

struct Length<'s> {
    source: &'s Source,
    place: String,
    line: usize,
    lines: usize,
}

fn over<'s>(
    lengths: impl Iterator<Item = Length<'s>>,
    bound: usize,
    what: &str,
    exceptions: &[Exception],
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut needed = Vec::new();
    for length in lengths.filter(|length| length.lines > bound) {
        let exception = exceptions.iter().find(|one| one.place == length.place);
        let bound = exception.map_or(bound, |one| one.lines);
        needed.extend(exception.map(|one| one.place));
        if length.lines > bound {
            let (place, lines) = (&length.place, length.lines);
            let sentence =
                format!("the {what} {place} has {lines} lines; at most {bound}, so split it");
            found.push(length.source.finding(length.line, sentence));
        }
    }
    for exception in exceptions {
        if !needed.contains(&exception.place) {
            found.push(Finding {
                path: exception.place.to_owned(),
                line: 1,
                sentence: format!(
                    "is within the bound; drop its exception ({})",
                    exception.reason
                ),
            });
        }
    }
    found
}
