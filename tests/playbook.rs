//! The pages made from the playbook are as new as the playbook.
//!
//! To write them anew: `EVERGRAPH_REGENERATE=1 cargo test --test playbook`.
#![cfg(feature = "cli")]

use std::path::Path;

use evergraph::cli::conflicts::{playbook_page, portal_page};
use evergraph::domain::conflict::DIFFERENCES;

/// Compares a page with its file, or writes the file where that is wished.
#[track_caller]
fn check_page(name: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name);
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's own switch, no setting of the program"
    )]
    let regenerate = std::env::var_os("EVERGRAPH_REGENERATE").is_some();
    if regenerate {
        std::fs::write(&path, page).expect("docs/ can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == page,
        "docs/{name} is stale: run EVERGRAPH_REGENERATE=1 cargo test --test playbook"
    );
}

#[test]
fn the_playbook_page_is_up_to_date() {
    check_page("409-playbook.md", &playbook_page());
}

#[test]
fn the_portal_page_is_up_to_date() {
    check_page("portal-versus-api.md", &portal_page());
}

/// Whether the file holds a test of this name that runs.
fn is_a_test(text: &str, name: &str) -> bool {
    let Some(at) = text.find(&format!("fn {name}(")) else {
        return false;
    };
    let before = text[..at].trim_end_matches("async ");
    let before = before.lines().next_back().unwrap_or_default();
    before == "#[test]" || before.starts_with("#[tokio::test")
}

#[test]
fn each_difference_names_a_test_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for difference in DIFFERENCES {
        let title = difference.title;
        assert!(
            !difference.shown_by.is_empty(),
            "{title}: no test shows the doors of {}",
            difference.service
        );
        for named in difference.shown_by {
            let (file, test) = named.split_once("::").expect("file::test");
            let text = std::fs::read_to_string(root.join(file));
            let text = text.unwrap_or_else(|error| panic!("{title}: {file}: {error}"));
            assert!(is_a_test(&text, test), "{title}: {file} has no test {test}");
        }
    }
}

#[test]
fn a_function_that_is_no_test_shows_nothing() {
    let text = "#[tokio::test(start_paused = true)]\nasync fn shown() {}\nfn hidden() {}\n#[test]\nfn plain() {}\n";
    assert!(is_a_test(text, "shown"));
    assert!(is_a_test(text, "plain"));
    assert!(!is_a_test(text, "hidden"));
    assert!(!is_a_test(text, "absent"));
}
