//! Cutting a path into segments, and key syntax.

use super::{ResourceError, short, words};
use crate::domain::ids::is_guid;

/// Cuts the query off at the first `?` that stands outside a quoted key.
pub(super) fn split_query(text: &str) -> Result<(&str, Option<&str>), ResourceError> {
    let mut at = Scanner::default();
    for (index, c) in text.char_indices() {
        if at.step(c) == Place::Bare && c == '?' {
            return Ok((&text[..index], Some(&text[index + 1..])));
        }
    }
    match at.quoted {
        true => Err(ResourceError(format!(
            "a quote in a key of {:?} is not closed; double a quote that is meant literally",
            short(text)
        ))),
        false => Ok((text, None)),
    }
}

/// The segments of a path, with positional keys written as segments of their own.
pub(super) fn segments(path: &str) -> Result<Vec<String>, ResourceError> {
    let mut out = Vec::new();
    for raw in split(path.trim_matches('/')) {
        check(raw, path)?;
        match flatten(raw)? {
            Flat::One(segment) => out.push(segment),
            Flat::Keyed(name, key) => out.extend([name, key]),
        }
    }
    for segment in &out {
        check(segment, path)?;
    }
    if let Some(first) = out.first().filter(|first| words::is_api_version(first)) {
        return Err(ResourceError(format!(
            "leave {first:?} away: the version of Graph is a part of EVERGRAPH_GRAPH_URL"
        )));
    }
    Ok(out)
}

/// Whether a character stands bare or inside a quoted key. Quotes count only within
/// parentheses, because user principal names may contain an apostrophe.
#[derive(Default)]
struct Scanner {
    depth: usize,
    quoted: bool,
}

#[derive(PartialEq, Eq)]
enum Place {
    Bare,
    Quoted,
}

impl Scanner {
    fn step(&mut self, c: char) -> Place {
        match c {
            '\'' if self.depth > 0 => self.quoted = !self.quoted,
            _ if self.quoted => return Place::Quoted,
            '(' => self.depth += 1,
            ')' => self.depth = self.depth.saturating_sub(1),
            '/' => self.depth = 0,
            _ => {}
        }
        Place::Bare
    }
}

fn split(path: &str) -> Vec<&str> {
    let mut at = Scanner::default();
    let mut start = 0;
    let mut out = Vec::new();
    for (index, c) in path.char_indices() {
        if at.step(c) == Place::Bare && c == '/' {
            out.push(&path[start..index]);
            start = index + 1;
        }
    }
    out.push(&path[start..]);
    out
}

fn check(segment: &str, path: &str) -> Result<(), ResourceError> {
    let refuse = |why: &str| Err(ResourceError(format!("{:?} {why}", short(path))));
    if segment.is_empty() {
        return match path.trim_matches('/') {
            "" => Err(ResourceError("a resource must not be empty".into())),
            _ => refuse("has an empty segment between two slashes"),
        };
    }
    if matches!(segment, "." | "..") {
        return refuse("has a relative segment; write the whole path");
    }
    if segment.contains(char::is_whitespace) {
        return refuse("has white space in its path; write %20 where a blank is meant");
    }
    if segment.contains(['{', '}']) {
        return refuse("has a placeholder in braces; put the real id there");
    }
    if segment.contains(['\\', '#']) {
        return refuse("has a character that no path contains (\\ or #)");
    }
    if is_with_tenant(segment) {
        return refuse(
            "has the form id@tenant, as notifications show it; declare the id without @tenant",
        );
    }
    Ok(())
}

/// Notifications name `Users/{id}@{tenant}`; such a path cannot be subscribed to.
fn is_with_tenant(segment: &str) -> bool {
    segment
        .split_once('@')
        .is_some_and(|(id, tenant)| is_guid(id) && is_guid(tenant))
}

enum Flat {
    One(String),
    Keyed(String, String),
}

/// `name('key')` becomes two segments, `name()` loses its parentheses. A key that could not
/// stand alone as a segment, and keys with names, keep their parentheses.
fn flatten(raw: &str) -> Result<Flat, ResourceError> {
    let as_it_is = || Ok(Flat::One(raw.to_owned()));
    let Some((name, rest)) = raw.split_once('(') else {
        return as_it_is();
    };
    let Some(args) = rest.strip_suffix(')').filter(|_| !name.is_empty()) else {
        return as_it_is();
    };
    if args.is_empty() {
        return Ok(Flat::One(name.to_owned()));
    }
    if is_guid(args) {
        return Ok(Flat::Keyed(name.to_owned(), args.to_owned()));
    }
    let Some(inner) = args.strip_prefix('\'').and_then(|a| a.strip_suffix('\'')) else {
        return as_it_is();
    };
    let unescaped = inner.replace("''", "");
    if inner.is_empty() {
        return Err(ResourceError(format!("the key in {raw:?} is empty")));
    }
    if unescaped.contains('\'') || inner.contains(['(', ')', '/', '?']) {
        return as_it_is();
    }
    Ok(Flat::Keyed(name.to_owned(), inner.replace("''", "'")))
}
