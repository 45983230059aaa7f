//! A Rust file as the guards see it: tokens with their lines, without comments and tests.

use std::fs;
use std::path::Path;
use std::str::FromStr as _;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// What a guard found: where, and a sentence that says what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub path: String,
    pub line: usize,
    pub sentence: String,
}

/// One token. A comment is none; a doc comment is an attribute with a literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Word(String),
    Sign(char),
    Open(char),
    Close(char),
    Literal,
}

#[derive(Debug, Clone)]
pub struct Token {
    pub kind: Kind,
    pub line: usize,
}

impl Token {
    pub fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub fn is_word(&self, word: &str) -> bool {
        self.word() == Some(word)
    }

    pub fn is_sign(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }

    pub fn opens(&self, bracket: char) -> bool {
        self.kind == Kind::Open(bracket)
    }
}

/// A file, with its path relative to the root of the repository.
pub struct Source {
    pub path: String,
    pub text: String,
    /// All tokens.
    pub tokens: Vec<Token>,
    /// The tokens without items under `#[cfg(test)]`.
    pub shipped: Vec<Token>,
}

impl Source {
    pub fn parse(path: &str, text: &str) -> Self {
        let stream = TokenStream::from_str(text)
            .unwrap_or_else(|error| panic!("{path} is no Rust source: {error}"));
        let mut tokens = Vec::new();
        flatten(stream, &mut tokens);
        let shipped = without_tests(&tokens);
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            tokens,
            shipped,
        }
    }

    pub fn finding(&self, line: usize, sentence: impl Into<String>) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            sentence: sentence.into(),
        }
    }

    /// The room of a file under `src/`: the folder or the file that stands there.
    pub fn room(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("src/")?;
        let first = rest.split('/').next()?;
        Some(first.strip_suffix(".rs").unwrap_or(first))
    }

    /// Whether the whole file is compiled for tests only.
    pub fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        !self.path.contains("src/") || name == "tests.rs" || self.path.contains("/tests/")
    }

    /// How many modules stand between the crate and the items of this file.
    pub fn depth(&self) -> usize {
        let inner = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let folders = inner.split('/').count();
        if inner.ends_with("/mod.rs") {
            folders - 1
        } else {
            folders
        }
    }
}

fn flatten(stream: TokenStream, into: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        let mut push = |kind, line| into.push(Token { kind, line });
        match tree {
            TokenTree::Ident(word) => {
                let word = word.to_string();
                push(Kind::Word(word.trim_start_matches("r#").to_owned()), line);
            }
            TokenTree::Punct(sign) => push(Kind::Sign(sign.as_char()), line),
            TokenTree::Literal(_) => push(Kind::Literal, line),
            TokenTree::Group(group) => {
                let bracket = match group.delimiter() {
                    Delimiter::Parenthesis => '(',
                    Delimiter::Brace => '{',
                    Delimiter::Bracket => '[',
                    Delimiter::None => ' ',
                };
                push(Kind::Open(bracket), group.span_open().start().line);
                flatten(group.stream(), into);
                into.push(Token {
                    kind: Kind::Close(bracket),
                    line: group.span_close().start().line,
                });
            }
        }
    }
}

/// The index of the bracket that closes the one at `open`.
pub fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Open(_) => depth += 1,
            Kind::Close(_) => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len() - 1
}

/// Where the first body at or after `from` opens, or `None` when a semicolon comes first.
pub fn body(tokens: &[Token], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(token) = tokens.get(at) {
        match token.kind {
            Kind::Open('{') => return Some(at),
            Kind::Open(_) => at = closing(tokens, at),
            Kind::Sign(';') => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        match end_of_test(tokens, at) {
            Some(end) => at = end + 1,
            None => {
                kept.push(tokens[at].clone());
                at += 1;
            }
        }
    }
    kept
}

/// The last token of the item that `#[cfg(test)]` at `at` hides; the file's, for `#![cfg(test)]`.
fn end_of_test(tokens: &[Token], at: usize) -> Option<usize> {
    if !tokens[at].is_sign('#') {
        return None;
    }
    let inner = tokens.get(at + 1)?.is_sign('!');
    let open = if inner { at + 2 } else { at + 1 };
    let words: Vec<_> = tokens
        .get(open..open + 6)?
        .iter()
        .map(Token::word)
        .collect();
    let hides = matches!(
        words[..],
        [None, Some("cfg"), None, Some("test"), ..]
            | [None, Some("cfg"), None, Some("all"), None, Some("test")]
    );
    if !hides {
        return None;
    }
    if inner {
        return Some(tokens.len() - 1);
    }
    let after = closing(tokens, open) + 1;
    Some(match body(tokens, after_attributes(tokens, after)) {
        Some(brace) => closing(tokens, brace),
        None => tokens[after..]
            .iter()
            .position(|token| token.is_sign(';'))
            .map_or(tokens.len() - 1, |semicolon| after + semicolon),
    })
}

fn after_attributes(tokens: &[Token], mut at: usize) -> usize {
    while tokens.get(at).is_some_and(|token| token.is_sign('#')) {
        at = closing(tokens, at + 1) + 1;
    }
    at
}

/// The text files of the repository, as (path relative to the root, text).
///
/// What is made, fetched or locked by tools is left out.
pub fn texts(root: &Path) -> Vec<(String, String)> {
    const LEFT_OUT: &[&str] = &[
        "target",
        "node_modules",
        "dist",
        "Cargo.lock",
        "package-lock.json",
    ];
    const DOTTED: &[&str] = &[".github", ".ci", ".devcontainer", ".editorconfig"];
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the repository") {
            let path = entry.expect("an entry of it").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let hidden = name.starts_with('.') && !DOTTED.contains(&name.as_str());
            if hidden || LEFT_OUT.contains(&name.as_str()) || path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let relative = path.strip_prefix(root).expect("below the root");
                found.push((relative.to_string_lossy().replace('\\', "/"), text));
            }
        }
    }
    found.sort();
    found
}
