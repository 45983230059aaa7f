//! The paths that a file names: `use` trees and paths in expressions, written out in full.

use super::source::{Kind, Token};

/// A path such as `tokio::time::sleep`, and the line of its last word.
///
/// `depth` counts the inline modules around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    pub words: Vec<String>,
    pub line: usize,
    pub depth: usize,
}

impl Path {
    pub fn starts_with(&self, prefix: &str) -> bool {
        let mut words = self.words.iter();
        prefix
            .split("::")
            .all(|wanted| words.next().is_some_and(|word| word == wanted))
    }

    /// Whether the words stand in the path one after the other.
    pub fn holds(&self, part: &str) -> bool {
        let part: Vec<_> = part.split("::").collect();
        self.words.windows(part.len()).any(|some| some == part)
    }

    pub fn text(&self) -> String {
        self.words.join("::")
    }
}

/// All paths of two words and more, and those of one word that follow `use`.
pub fn paths(tokens: &[Token]) -> Vec<Path> {
    let mut found = Vec::new();
    let mut modules: Vec<usize> = Vec::new();
    let mut brackets = 0;
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at].kind {
            Kind::Open(_) => {
                brackets += 1;
                if at >= 2 && tokens[at].opens('{') && tokens[at - 2].is_word("mod") {
                    modules.push(brackets);
                }
            }
            Kind::Close(_) => {
                modules.retain(|module| *module < brackets);
                brackets -= 1;
            }
            Kind::Word(word) => {
                let used = at > 0 && tokens[at - 1].is_word("use");
                let start = found.len();
                let end = tree(tokens, at, &mut Vec::new(), modules.len(), &mut found);
                if end == at + 1 && !(used && word != "self") {
                    found.truncate(start);
                }
                at = end;
                continue;
            }
            Kind::Sign(_) | Kind::Literal => {}
        }
        at += 1;
    }
    found
}

/// Reads the path or `use` tree at `at` and returns the index after it.
fn tree(
    tokens: &[Token],
    mut at: usize,
    before: &mut Vec<String>,
    depth: usize,
    found: &mut Vec<Path>,
) -> usize {
    let mark = before.len();
    loop {
        match tokens.get(at).map(|token| (&token.kind, token.line)) {
            Some((Kind::Word(word), line)) => {
                before.push(word.clone());
                at += 1;
                if joined(tokens, at) {
                    at += 2;
                    continue;
                }
                push(found, before, line, depth);
            }
            Some((Kind::Sign('*'), line)) if before.len() > mark || mark > 0 => {
                before.push("*".to_owned());
                push(found, before, line, depth);
                at += 1;
            }
            Some((Kind::Open('{'), _)) => at = group(tokens, at, before, depth, found),
            // A turbofish: the path ends, its arguments are read on their own.
            Some((_, line)) => push(found, before, line, depth),
            None => {}
        }
        before.truncate(mark);
        return at;
    }
}

/// Reads `{a, b::c}` at `open` and returns the index after it.
fn group(
    tokens: &[Token],
    open: usize,
    before: &mut Vec<String>,
    depth: usize,
    found: &mut Vec<Path>,
) -> usize {
    let mut at = open + 1;
    while let Some(token) = tokens.get(at) {
        match &token.kind {
            Kind::Close('{') => return at + 1,
            Kind::Word(word) if word == "as" => at += 2,
            Kind::Word(_) | Kind::Open('{') | Kind::Sign('*') => {
                at = tree(tokens, at, before, depth, found);
            }
            _ => at += 1,
        }
    }
    at
}

fn joined(tokens: &[Token], at: usize) -> bool {
    let colon = |at: usize| tokens.get(at).is_some_and(|token| token.is_sign(':'));
    colon(at) && colon(at + 1)
}

fn push(found: &mut Vec<Path>, words: &[String], line: usize, depth: usize) {
    found.push(Path {
        words: words.to_vec(),
        line,
        depth,
    });
}
