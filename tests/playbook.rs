//! The pages made from the playbook are as new as the playbook.
//!
//! To write them anew: `EVERGRAPH_REGENERATE=1 cargo test --test playbook`.
#![cfg(feature = "cli")]

use std::path::Path;

use evergraph::cli::conflicts::{playbook_page, portal_page};

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
