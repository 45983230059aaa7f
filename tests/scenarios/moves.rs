//! Changes on purpose end in full coverage again.

use evergraph::app::report::Action;
use evergraph::domain::ids::AppId;
use jiff::SignedDuration;

use crate::fleet::{APP, Fleet, done, home, mailboxes, wish};

const OLD: &str = "https://app.example.com/api/notifications/prod";

/// Everything that is declared stands once at the address, with its lifecycle address beside it.
#[track_caller]
fn check_all_at(fleet: &Fleet, origin: &str, name: &str, count: usize) {
    let rows = fleet.live();
    assert_eq!(rows.len(), count, "{rows:#?}");
    for row in rows {
        assert_eq!(
            row.notification_url,
            format!("{origin}/api/notifications/{name}")
        );
        let lifecycle = format!("{origin}/api/lifecycle/{name}");
        assert_eq!(row.lifecycle_url, Some(lifecycle));
    }
}

fn mixed() -> Vec<evergraph::domain::subscription::Desired> {
    let mut wishes = mailboxes(3);
    wishes.push(wish("list", "sites/s/lists/l", "updated"));
    wishes.push(wish("chats", "chats/getAllMessages", "created"));
    wishes
}

#[tokio::test(start_paused = true)]
async fn a_new_public_address_moves_every_row() {
    let mut fleet = Fleet::new(mixed());
    fleet.tick().await;
    fleet.jump(5);
    fleet.config.home = home("https://new.example.com", "prod", &[OLD]);
    let moved = fleet.tick().await;
    assert_eq!(
        moved.done(Action::Renew),
        5,
        "moved by PATCH at once: {moved:#?}"
    );
    assert_eq!(fleet.live_at(OLD), Vec::<String>::new());
    let reports = fleet.run_for(SignedDuration::from_hours(6)).await;
    assert!(
        done(&reports, Action::Create) >= 5,
        "lifecycle addresses need new rows"
    );
    check_all_at(&fleet, "https://new.example.com", "prod", 5);
}

#[tokio::test(start_paused = true)]
async fn a_new_fleet_name_moves_every_row() {
    let mut fleet = Fleet::new(mixed());
    fleet.tick().await;
    fleet.config.home = home("https://app.example.com", "blue", &[OLD]);
    fleet.run_for(SignedDuration::from_hours(6)).await;
    check_all_at(&fleet, "https://app.example.com", "blue", 5);
}

#[tokio::test(start_paused = true)]
async fn a_new_application_subscribes_anew() {
    let mut fleet = Fleet::new(mailboxes(3));
    fleet.tick().await;
    let new = AppId::parse("bbbbbbbb-0000-0000-0000-000000000002").unwrap();
    fleet.graph.change_app(new.clone());
    fleet.config.former_apps.insert(AppId::parse(APP).unwrap());
    fleet.run_for(SignedDuration::from_hours(2)).await;
    let of_new = fleet
        .live()
        .into_iter()
        .filter(|row| row.app == new)
        .count();
    assert_eq!(of_new, 3);
    // What the former application left ends by itself.
    fleet.run_for(SignedDuration::from_hours(24 * 8)).await;
    check_all_at(&fleet, "https://app.example.com", "prod", 3);
}

#[tokio::test(start_paused = true)]
async fn other_change_types_replace_the_subscription() {
    let fleet = Fleet::new(vec![wish("box", "users/u0/messages", "created")]);
    fleet.tick().await;
    fleet.declare(vec![wish("box", "users/u0/messages", "created,updated")]);
    let first = fleet.tick().await;
    assert_eq!(
        first.done(Action::Create),
        1,
        "the new one comes before the old one goes"
    );
    let reports = fleet.run_for(SignedDuration::from_hours(3)).await;
    assert_eq!(done(&reports, Action::Delete), 1);
    check_all_at(&fleet, "https://app.example.com", "prod", 1);
    assert_eq!(fleet.live()[0].change_type, "created,updated");
}

#[tokio::test(start_paused = true)]
async fn another_name_changes_nothing() {
    let fleet = Fleet::new(vec![wish("old-name", "users/u0/messages", "created")]);
    fleet.tick().await;
    let before = fleet.live();
    fleet.declare(vec![wish("new-name", "users/u0/messages", "created")]);
    let reports = fleet.run_for(SignedDuration::from_hours(3)).await;
    let changed =
        [Action::Create, Action::Delete, Action::Renew].map(|action| done(&reports, action));
    assert_eq!(changed, [0, 0, 0]);
    assert_eq!(fleet.live(), before);
}
