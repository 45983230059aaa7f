//! The guards of the house: who may name whom, how long things are, which words are used.
//!
//! Each guard is a function from a source to findings. The tests here run every guard over the
//! repository; `tidy/broken.rs` shows that each fires on code that breaks it.

#[path = "tidy/broken.rs"]
mod broken;
#[path = "tidy/paths.rs"]
mod paths;
#[path = "tidy/rooms.rs"]
mod rooms;
#[path = "tidy/size.rs"]
mod size;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/words.rs"]
mod words;

use std::path::Path;
use std::sync::LazyLock;

use source::{Finding, Source};

/// Files that may be longer than the bound, each with its reason.
const LONG_FILES: &[size::Exception] = &[];

/// Functions that may be longer than the bound, each with its reason.
const LONG_FUNCTIONS: &[size::Exception] = &[];

static TEXTS: LazyLock<Vec<(String, String)>> =
    LazyLock::new(|| source::texts(Path::new(env!("CARGO_MANIFEST_DIR"))));

static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    TEXTS
        .iter()
        .filter(|(path, _)| path.ends_with(".rs"))
        .map(|(path, text)| Source::parse(path, text))
        .collect()
});

#[track_caller]
fn check_none(findings: impl IntoIterator<Item = Finding>) {
    let lines: Vec<_> = findings
        .into_iter()
        .map(|found| format!("{}:{}: {}", found.path, found.line, found.sentence))
        .collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

#[test]
fn the_guards_see_the_whole_house() {
    for path in [
        "src/lib.rs",
        "src/domain/ids.rs",
        "src/bin/handler.rs",
        "tests/tidy.rs",
    ] {
        assert!(
            SOURCES.iter().any(|source| source.path == path),
            "{path} is not seen"
        );
    }
    for path in [
        "Cargo.toml",
        "host.json",
        "infra/main.bicep",
        ".github/workflows/ci.yml",
    ] {
        assert!(
            TEXTS.iter().any(|(seen, _)| seen == path),
            "{path} is not seen"
        );
    }
}

#[test]
fn a_room_names_only_rooms_that_stand_before_it() {
    check_none(SOURCES.iter().flat_map(rooms::direction));
}

#[test]
fn a_room_holds_nothing_that_its_row_excludes() {
    check_none(SOURCES.iter().flat_map(rooms::contents));
}

#[test]
fn only_config_reads_the_environment() {
    check_none(SOURCES.iter().flat_map(rooms::environment));
}

#[test]
fn a_file_holds_one_meaning() {
    check_none(size::files(&SOURCES, LONG_FILES));
}

#[test]
fn a_function_fits_a_screen() {
    check_none(size::functions(&SOURCES, LONG_FUNCTIONS));
}

#[test]
fn every_file_says_what_it_is() {
    check_none(SOURCES.iter().flat_map(words::opening));
}

#[test]
fn names_say_what_a_thing_is() {
    check_none(SOURCES.iter().flat_map(words::names));
}

#[test]
fn a_lint_is_put_aside_with_a_reason() {
    check_none(SOURCES.iter().flat_map(words::reasons));
}

#[test]
fn nothing_is_left_for_later_and_no_machine_is_named() {
    check_none(
        TEXTS
            .iter()
            .flat_map(|(path, text)| words::later(path, text)),
    );
}
