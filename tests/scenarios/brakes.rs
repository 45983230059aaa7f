//! Something is not as it should be: nothing is created or deleted, what can be renewed is
//! renewed, and the message says what to do.

use std::sync::Arc;

use evergraph::app::report::{Action, Outcome, Report};
use evergraph::domain::ids::AppId;
use evergraph::domain::plan::Reason;
use evergraph::ports::state::StateStore as _;
use jiff::SignedDuration;

use crate::fleet::{APP, Fleet, calls, done, home, mailboxes, ring, wish};
use crate::rows::{decided, words};

/// Three mailboxes, one of which somebody removed.
async fn wounded() -> Fleet {
    let fleet = Fleet::new(mailboxes(3));
    fleet.tick().await;
    let victim = fleet.live()[0].id.clone();
    fleet.control.remove(&victim, false).unwrap();
    fleet
}

/// Ten days pass: nothing is created or deleted, and the two that are left live on.
async fn check_renew_only(fleet: &Fleet, brake: &str, advice: &[&str]) -> Vec<Report> {
    let mut before: Vec<_> = fleet.live().into_iter().map(|row| row.id).collect();
    let reports = fleet.run_for(SignedDuration::from_hours(24 * 10)).await;
    assert_eq!(calls(&reports, "create") + calls(&reports, "delete"), 0);
    assert!(done(&reports, Action::Renew) >= 2);
    let mut after: Vec<_> = fleet.live().into_iter().map(|row| row.id).collect();
    before.sort();
    after.sort();
    assert_eq!((after.len(), before), (2, after));
    let words = words(&reports);
    assert!(words.contains(brake), "{brake} is not in {words}");
    for part in advice {
        assert!(words.contains(part), "{part} is not in {words}");
    }
    reports
}

#[tokio::test(start_paused = true)]
async fn an_empty_declaration_keeps_alive_what_is_there() {
    let fleet = wounded().await;
    fleet.declare(Vec::new());
    check_renew_only(&fleet, "declaration-empty", &["restore the file"]).await;
    fleet.declare(mailboxes(3));
    fleet.run_for(SignedDuration::from_hours(2)).await;
    assert_eq!(fleet.live().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_broken_declaration_keeps_alive_what_is_there() {
    let fleet = wounded().await;
    fleet.break_declaration("line 3: a bracket is missing");
    let advice = ["line 3: a bracket is missing", "evergraph check"];
    check_renew_only(&fleet, "declaration-unusable", &advice).await;
}

async fn check_spoilt(bytes: &[u8], advice: &[&str]) {
    let fleet = wounded().await;
    let name = fleet.config.state_name.clone();
    fleet.store.put(&name, bytes.to_vec()).await.unwrap();
    check_renew_only(&fleet, "state-unreadable", advice).await;
    assert_eq!(fleet.state_bytes().await, bytes, "it is left as it is");
    // Moved away, as the advice says, it gives way to a new one.
    fleet.store.delete(&name).await.unwrap();
    fleet.run_for(SignedDuration::from_hours(2)).await;
    assert_eq!(fleet.live().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_state_is_never_overwritten_and_rows_are_renewed_from_the_listing() {
    check_spoilt(b"\xff not json", &["move the document away"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_state_of_a_newer_version_is_left_to_it() {
    let newer = br#"{"format":"evergraph-state","version":99}"#;
    check_spoilt(newer, &["99", "Deploy the version that wrote it"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_missing_from_the_ring_is_named() {
    let mut fleet = wounded().await;
    fleet.config.ring = Arc::new(ring(&["z2"]));
    let advice = ["k1", "EVERGRAPH_CLIENT_STATE_KEYS"];
    check_renew_only(&fleet, "key-missing", &advice).await;
    fleet.config.ring = Arc::new(ring(&["z2", "k1"]));
    fleet.run_for(SignedDuration::from_hours(2)).await;
    assert_eq!(fleet.live().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn another_fleets_state_is_not_taken_for_ours() {
    let mut fleet = wounded().await;
    fleet.config.home = home("https://app.example.com", "other", &[]);
    let advice = [
        "EVERGRAPH_FORMER_URLS",
        "https://app.example.com/api/notifications/prod",
        "https://app.example.com/api/notifications/other",
    ];
    check_renew_only(&fleet, "other-residence", &advice).await;
}

#[tokio::test(start_paused = true)]
async fn a_token_of_another_application_changes_nothing() {
    let fleet = wounded().await;
    let stranger = AppId::parse("bbbbbbbb-0000-0000-0000-000000000002").unwrap();
    fleet.graph.change_app(stranger.clone());
    let reports = fleet.run_for(SignedDuration::from_hours(24 * 6)).await;
    for kind in ["create", "renew", "delete", "list", "get"] {
        assert_eq!(calls(&reports, kind), 0, "{kind}");
    }
    assert!(decided(&reports, Action::Hold, Reason::OtherApplication) > 0);
    let words = words(&reports);
    for part in [APP, stranger.as_str(), "EVERGRAPH_FORMER_APPS"] {
        assert!(words.contains(part), "{part} is not in {words}");
    }
    assert!(
        !reports
            .iter()
            .any(|report| matches!(report.outcome, Outcome::Failed { .. }))
    );
    fleet.graph.change_app(AppId::parse(APP).unwrap());
    fleet.run_for(SignedDuration::from_hours(2)).await;
    assert_eq!(fleet.live().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_broken_declaration_does_not_shorten_what_lives_long() {
    let fleet = Fleet::new(vec![wish("chats", "chats/getAllMessages", "created")]);
    fleet.tick().await;
    let id = fleet.live()[0].id.clone();
    fleet.break_declaration("line 3: a bracket is missing");
    let reports = fleet.run_for(SignedDuration::from_hours(24 * 10)).await;
    assert_eq!(fleet.live()[0].id, id);
    // Three days each, renewed after two thirds.
    let renewed = done(&reports, Action::Renew);
    assert!((4..=6).contains(&renewed), "{renewed}");
}
