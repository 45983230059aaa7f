//! Declarations, from text to desired set.

#![allow(clippy::unwrap_used, reason = "test file")]
//! `subscriptions.toml`, from text to desired set: what is accepted, what is refused and with
//! which words, the schema, the file source and the command line.

#[cfg(feature = "cli")]
mod commands;
mod meaning;
mod refusals;
#[cfg(feature = "cli")]
mod schema;
mod sinks;
mod sources;
mod whole;

use evergraph::adapters::declaration::{Diagnostic, Reading, Target, read};

const TENANT: &str = "84bd8158-6d4d-4958-8b9f-9d6445542f95";
const OTHER: &str = "3f1a2b4c-5d6e-4f70-8192-a3b4c5d6e7f8";

/// A declaration with one tenant and one subscription of the given lines.
fn one(lines: &str) -> String {
    format!("[tenants.t]\nid = \"{TENANT}\"\n\n[[subscriptions]]\n{lines}\n")
}

/// A declaration with one tenant and subscriptions of the given lines.
fn several(subscriptions: &[&str]) -> String {
    let tables: Vec<String> = subscriptions
        .iter()
        .map(|lines| format!("[[subscriptions]]\n{lines}\n"))
        .collect();
    format!("[tenants.t]\nid = \"{TENANT}\"\n\n{}", tables.join("\n"))
}

fn reading(text: &str) -> Reading {
    read(text, Target::global())
}

/// Every diagnostic in words, for the message of a failed test.
fn words(reading: &Reading) -> String {
    let lines: Vec<String> = reading
        .diagnostics
        .iter()
        .map(|d| d.sentence("s.toml"))
        .collect();
    lines.join("\n")
}

/// The text has exactly one error: with this code, at this line, with these words.
#[track_caller]
fn check_error(text: &str, code: &str, line: usize, part: &str) -> Diagnostic {
    let reading = reading(text);
    let errors: Vec<&Diagnostic> = reading.errors().collect();
    assert_eq!(errors.len(), 1, "{}", words(&reading));
    assert_eq!(errors[0].code, code, "{}", words(&reading));
    assert_eq!(
        errors[0].place.as_ref().map(|p| p.line),
        Some(line),
        "{}",
        words(&reading)
    );
    assert!(
        errors[0].sentence("s.toml").contains(part),
        "{}",
        words(&reading)
    );
    assert!(reading.declared.is_none());
    errors[0].clone()
}

/// The text is usable, with exactly the warnings of these codes.
#[track_caller]
fn check_good(text: &str, warnings: &[&str]) -> Reading {
    let reading = reading(text);
    assert!(reading.declared.is_some(), "{}", words(&reading));
    let codes: Vec<&str> = reading.warnings().map(|one| one.code).collect();
    assert_eq!(codes, warnings, "{}", words(&reading));
    reading
}
