//! The bodies of the fuzz targets, over the committed corpus and over seeded mutations of it: what
//! `cargo fuzz` checks for hours is checked here for seconds, without its toolchain.
//!
//! A failure names the file and the seed; `EVERGRAPH_FUZZ_SEED` runs with another one.

#![allow(clippy::unwrap_used, reason = "test file")]

use std::alloc::System;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use evergraph::app::intake::wire::{Parsed, Posted};
use evergraph::domain::notification::Text;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[path = "../fuzz/targets/conflict.rs"]
mod conflict;
#[path = "../fuzz/targets/envelope.rs"]
mod envelope;
#[path = "../fuzz/targets/parser.rs"]
mod parser;
#[path = "../fuzz/targets/resource_path.rs"]
mod resource_path;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The committed corpus has at most so many bytes in all.
const CORPUS_MAX: usize = 100 * 1024;

/// What mutations are drawn from, unless another seed is asked for.
const SEED: u64 = 1;

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let place: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fuzz", "corpus", target]
        .iter()
        .collect();
    let entries = fs::read_dir(&place).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    assert!(files.len() >= 5, "{target} has a corpus");
    files
}

#[expect(
    clippy::disallowed_methods,
    reason = "which mutations are drawn is asked of whoever runs the tests"
)]
fn seed() -> u64 {
    let asked = std::env::var("EVERGRAPH_FUZZ_SEED").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(SEED)
}

/// Runs every file, and so many mutations of each.
#[track_caller]
fn check_target(target: &str, words: &[&str], mutations: u64, run: fn(&[u8])) {
    let files = corpus(target);
    let seed = seed();
    for (at, (name, bytes)) in files.iter().enumerate() {
        for number in 0..=mutations {
            let mut dice = fastrand::Rng::with_seed(seed ^ number << 20 ^ (at as u64) << 52);
            let other = &files[dice.usize(..files.len())].1;
            let input = match number {
                0 => bytes.clone(),
                _ => mutated(bytes, other, words, &mut dice),
            };
            if catch_unwind(AssertUnwindSafe(|| run(&input))).is_err() {
                panic!(
                    "{target} fails on mutation {number} of {name} with seed {seed}: {:?}",
                    String::from_utf8_lossy(&input)
                );
            }
        }
    }
}

/// A few changes: bits, bytes, words that mean something, pieces of itself and of another file.
fn mutated(bytes: &[u8], other: &[u8], words: &[&str], dice: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..dice.usize(1..5) {
        let at = dice.usize(..=bytes.len());
        let end = (at + dice.usize(..24)).min(bytes.len());
        match dice.u8(..7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.u8(..8),
            1 if at < bytes.len() => bytes[at] = dice.u8(..),
            2 => drop(bytes.drain(at..end)),
            3 => bytes.insert(at, dice.u8(..)),
            4 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            5 => {
                let from = dice.usize(..=other.len());
                let until = (from + dice.usize(..40)).min(other.len());
                bytes.splice(at..end, other[from..until].iter().copied());
            }
            _ => {
                let word = words[dice.usize(..words.len())];
                bytes.splice(at..at, word.bytes());
            }
        }
    }
    bytes
}

/// Reading a body allocates rooms for as many items and tokens as are taken, which double as they
/// grow, and copies of texts with escapes.
fn check_memory(data: &[u8]) {
    const MOST: usize = 50;
    let region = Region::new(ALLOCATOR);
    let read = Posted::parse(data, MOST);
    let used = region.change().bytes_allocated;
    drop(read);
    let elements = (data.len() / 2 + 1).min(MOST).next_power_of_two().max(4);
    let each = size_of::<Result<Parsed<'_>, ()>>() + 2 * size_of::<&str>() + size_of::<Text<'_>>();
    let bound = 2 * elements * each + 3 * data.len() + 1024;
    assert!(
        used <= bound,
        "{used} bytes for {}, at most {bound}",
        data.len()
    );
}

const JSON: &[&str] = &[
    "{", "}", "[", "]", ",", ":", "\"", "\\", "null", "\\u0041", "\\ud800", "1e999", "-0", "{}",
    "[]",
];

// One test: the counter of allocations counts every thread.
#[test]
fn the_corpus_and_its_mutations_hold_in_every_target() {
    let members = [
        "\"value\":",
        "\"clientState\":",
        "\"tenantId\":",
        "\"resource\":",
        "\"id\":\"x\",",
        "\"resourceData\":",
        "\"sequenceNumber\":",
        "\"encryptedContent\":{",
        "\"validationTokens\":",
    ];
    let words: Vec<&str> = JSON.iter().chain(&members).copied().collect();
    check_target("parser", &words, 200, |data| {
        parser::run(data);
        check_memory(data);
    });
    check_target(
        "envelope",
        &["\n", "cert", "====", "AAAA"],
        30,
        envelope::run,
    );
    let words = [
        "/",
        "?",
        "$select=",
        "&",
        "'",
        "(",
        ")",
        "('",
        "')",
        "users",
        "Messages",
        "%27",
        "é",
        "\n",
        "$filter=",
        "@",
        "İ",
        "ß",
        " ",
        "=",
        "%2F",
        "84bd8158-6d4d-4958-8b9f-9d6445542f95",
    ];
    check_target("resource_path", &words, 300, resource_path::run);
    let words = [
        "\n\n",
        "\"code\":",
        "\"message\":",
        "\"error\":{",
        "\"innererror\":{",
        "ExtensionError",
        "Subscription Id ",
        "already exists",
        "<Code>",
        "</Code>",
        "\u{feff}",
        "\\\"",
        "Retry-After: ",
        "x-ms-error-code: ",
        "\"status\":409",
    ];
    let words: Vec<&str> = JSON.iter().chain(&words).copied().collect();
    check_target("conflict", &words, 150, conflict::run);
}

#[test]
fn the_corpus_is_small() {
    let targets = ["parser", "envelope", "resource_path", "conflict"];
    let files = targets.iter().flat_map(|target| corpus(target));
    let bytes: usize = files.map(|(_, bytes)| bytes.len()).sum();
    assert!(bytes <= CORPUS_MAX, "{bytes} bytes");
}
