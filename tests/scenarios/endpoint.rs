//! Before it creates, a pass looks at its own public address; what it finds never stops it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use evergraph::app::report::{Action, Outcome};
use evergraph::ports::endpoint::{Obstacle, OwnEndpoint, Unreachable};
use jiff::SignedDuration;

use super::fleet::{Fleet, done, mailboxes, wish};

/// An endpoint that answers as it is told, and remembers who was called.
#[derive(Default)]
struct Door {
    obstacle: Option<Obstacle>,
    hangs: bool,
    called: Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl OwnEndpoint for Door {
    async fn shake(&self, address: &str) -> Result<(), Unreachable> {
        self.called.lock().unwrap().push(address.to_owned());
        if self.hangs {
            std::future::pending::<()>().await;
        }
        match self.obstacle {
            None => Ok(()),
            Some(obstacle) => Err(Unreachable {
                obstacle,
                seen: "a test".to_owned(),
            }),
        }
    }
}

impl Door {
    fn called(&self) -> Vec<String> {
        std::mem::take(&mut self.called.lock().unwrap())
    }
}

fn behind(door: Door) -> (Arc<Door>, Fleet) {
    let door = Arc::new(door);
    let mut fleet = Fleet::new(mailboxes(20));
    fleet.services.endpoint = Some(Arc::clone(&door) as _);
    (door, fleet)
}

const BOTH: [&str; 2] = [
    "https://app.example.com/api/notifications/prod",
    "https://app.example.com/api/lifecycle/prod",
];

#[tokio::test(start_paused = true)]
async fn both_addresses_are_called_once_in_a_pass_that_creates_and_never_in_another() {
    let (door, fleet) = behind(Door::default());
    let report = fleet.tick().await;
    assert_eq!(report.done(Action::Create), 20);
    assert_eq!(door.called(), BOTH);
    assert!(report.endpoint.iter().all(|one| one.obstacle.is_none()));
    let reports = fleet.run_for(SignedDuration::from_hours(24 * 7)).await;
    assert!(done(&reports, Action::Renew) >= 20);
    assert_eq!(door.called(), Vec::<String>::new(), "steady passes");
    let mut wishes = mailboxes(20);
    wishes.push(wish("new", "users/new/messages", "created"));
    fleet.declare(wishes);
    let report = fleet.tick().await;
    assert_eq!(report.done(Action::Create), 1);
    assert_eq!(door.called(), BOTH);
}

#[track_caller]
fn check_goes_on(report: &evergraph::app::report::Report, obstacle: Obstacle) {
    assert_eq!(report.outcome, Outcome::Complete);
    assert_eq!(report.done(Action::Create), 20);
    for one in &report.endpoint {
        assert_eq!(one.obstacle, Some(obstacle.as_str()));
        assert!(one.sentence().contains(obstacle.advice()), "{one:?}");
    }
    assert_eq!(report.endpoint.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_cannot_be_reached_is_reported_and_stops_no_create() {
    for obstacle in Obstacle::ALL {
        let (_, fleet) = behind(Door {
            obstacle: Some(obstacle),
            ..Door::default()
        });
        check_goes_on(&fleet.tick().await, obstacle);
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_hangs_delays_a_pass_by_some_seconds_only() {
    let (_, fleet) = behind(Door {
        hangs: true,
        ..Door::default()
    });
    let begun = tokio::time::Instant::now();
    check_goes_on(&fleet.tick().await, Obstacle::Timeout);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn who_may_only_observe_or_renew_calls_nobody() {
    use evergraph::domain::policy::Mode;
    for mode in [Mode::Observe, Mode::RenewOnly] {
        let (door, mut fleet) = behind(Door::default());
        fleet.config.policy.mode = mode;
        let report = fleet.tick().await;
        assert_eq!(report.done(Action::Create), 0);
        assert_eq!(door.called(), Vec::<String>::new());
    }
}
