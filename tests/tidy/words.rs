//! The words of the house: those that say nothing, and those that promise work for later.

use super::source::{Finding, Source};

/// Words that say nothing about what a thing is.
const EMPTY: &[&str] = &["manager", "helper", "helpers", "util", "utils", "common"];

/// File and type names use the field's terms.
pub fn names(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for part in source.path.trim_end_matches(".rs").split('/') {
        if let Some(word) = empty_word(&part.replace(['-', '.'], "_")) {
            found.push(source.finding(1, format!("a file is named {word}; say what it holds")));
        }
    }
    for pair in source.tokens.windows(2) {
        let (Some(kind), Some(name)) = (pair[0].word(), pair[1].word()) else {
            continue;
        };
        if matches!(kind, "struct" | "enum" | "trait" | "type" | "mod" | "union")
            && let Some(word) = empty_word(&snake(name))
        {
            let sentence = format!("{kind} {name} is named {word}; say what it is");
            found.push(source.finding(pair[1].line, sentence));
        }
        if kind == "fn" && name.starts_with("handle_") {
            let sentence = format!("fn {name} is named for being called; say what it does");
            found.push(source.finding(pair[1].line, sentence));
        }
    }
    found
}

fn empty_word(snake: &str) -> Option<&'static str> {
    snake
        .split('_')
        .find_map(|part| EMPTY.iter().find(|word| **word == part).copied())
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

/// Every file says first what it is.
pub fn opening(source: &Source) -> Vec<Finding> {
    if source.text.starts_with("//! ") {
        return Vec::new();
    }
    let sentence = "starts without `//!`; say in one sentence what the file is";
    vec![source.finding(1, sentence)]
}

/// What no text of the repository may hold.
///
/// Each is put together here, so that this file does not hold it.
const LATER: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "promises work; do it or leave it"),
    (concat!("FIX", "ME"), "promises work; do it or leave it"),
    (concat!("todo", "!("), "is no implementation"),
    (concat!("unimple", "mented!("), "is no implementation"),
    (concat!("#[ig", "nore"), "hides a test; run it or remove it"),
];

/// Folders of machines: no path of theirs belongs in the repository.
const MACHINE: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// No promise of later work and no path of somebody's machine, in any text file.
pub fn later(path: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut report = |sentence: String| {
            found.push(Finding {
                path: path.to_owned(),
                line: number + 1,
                sentence,
            });
        };
        for (word, why) in LATER {
            if line.contains(word) {
                report(format!("{word} {why}"));
            }
        }
        for folder in MACHINE {
            if line
                .match_indices(folder)
                .any(|(at, _)| begins(&line[..at]))
            {
                report(format!("{folder} is a folder of one machine"));
            }
        }
    }
    found
}

/// Whether a path may begin after this text, rather than go on.
fn begins(before: &str) -> bool {
    before
        .chars()
        .next_back()
        .is_none_or(|letter| letter.is_whitespace() || "\"'`(=:<[,".contains(letter))
}

/// A lint is put aside only with a reason, and in `src` only where it is known to fire.
pub fn reasons(source: &Source) -> Vec<Finding> {
    let tokens = &source.tokens;
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let attribute = at > 1
            && tokens[at - 1].opens('[')
            && (tokens[at - 2].is_sign('#') || tokens[at - 2].is_sign('!'));
        let Some(word @ ("allow" | "expect")) = token.word().filter(|_| attribute) else {
            continue;
        };
        let end = super::source::closing(tokens, at - 1);
        let reasoned = tokens[at..end].iter().any(|token| token.is_word("reason"));
        if !reasoned {
            found.push(source.finding(token.line, format!("#[{word}] needs a reason")));
        } else if word == "allow" && source.path.starts_with("src/") {
            let sentence = "#[allow] stays when its cause is gone; write #[expect]";
            found.push(source.finding(token.line, sentence));
        }
    }
    found
}
