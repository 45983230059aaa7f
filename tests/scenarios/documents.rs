//! The state's document: deleted behind our back, and written by others.

use evergraph::app::report::Action;
use evergraph::ports::state::StateStore as _;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::fleet::{Fleet, calls, done, mailboxes, wish};

#[tokio::test(start_paused = true)]
async fn a_state_deleted_behind_our_back_is_rebuilt_by_adoption() {
    let mut wishes = mailboxes(4);
    wishes.push(wish("list", "sites/s/lists/l", "updated"));
    wishes.push(wish("chats", "chats/getAllMessages", "created"));
    let fleet = Fleet::new(wishes);
    fleet.tick().await;
    let before = fleet.live();
    fleet.store.delete(&fleet.config.state_name).await.unwrap();
    let report = fleet.tick().await;
    assert_eq!(report.done(Action::Adopt), 6, "{report:#?}");
    assert_eq!(report.calls.get("create"), None);
    let reports = fleet.run_for(SignedDuration::from_hours(24 * 8)).await;
    assert_eq!(calls(&reports, "create") + calls(&reports, "delete"), 0);
    let ids = |rows: &[evergraph::sim::row::Row]| -> Vec<String> {
        rows.iter().map(|row| row.id.clone()).collect()
    };
    assert_eq!(ids(&fleet.live()), ids(&before));
}

#[tokio::test(start_paused = true)]
async fn fields_that_this_version_does_not_know_are_kept() {
    let fleet = Fleet::new(mailboxes(2));
    fleet.tick().await;
    let mut doc: Value = serde_json::from_slice(&fleet.state_bytes().await).unwrap();
    let field = json!({"from": "the future"});
    doc["added_later"] = field.clone();
    let bytes = doc.to_string().into_bytes();
    fleet
        .store
        .put(&fleet.config.state_name, bytes)
        .await
        .unwrap();
    let reports = fleet.run_for(SignedDuration::from_hours(24 * 8)).await;
    assert!(done(&reports, Action::Renew) > 0);
    let doc: Value = serde_json::from_slice(&fleet.state_bytes().await).unwrap();
    assert_eq!(doc["added_later"], field);
}
