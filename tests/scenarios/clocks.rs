//! Our clock is wrong; Graph's `Date` corrects it.

use std::sync::Arc;

use evergraph::app::report::{Action, Report};
use evergraph::ports::clock::{Clock, ClockError};
use evergraph::sim::exchange::Sim;
use jiff::{SignedDuration, Timestamp};

use crate::fleet::{Fleet, calls, done, mailboxes, wish};

/// The simulator's clock, ahead or behind.
struct Wrong(Arc<Sim>, SignedDuration);

#[async_trait::async_trait]
impl Clock for Wrong {
    async fn now(&self) -> Result<Timestamp, ClockError> {
        Ok(self.0.clock.read() + self.1)
    }
}

fn wrong_by(fleet: &mut Fleet, minutes: i64) {
    let off = SignedDuration::from_mins(minutes);
    fleet.services.clock = Arc::new(Wrong(Arc::clone(&fleet.sim), off));
}

async fn check_day(minutes: i64) -> Vec<Report> {
    let mut wishes = mailboxes(2);
    wishes.push(wish("p", "communications/presences/u1", "updated"));
    let mut fleet = Fleet::new(wishes);
    wrong_by(&mut fleet, minutes);
    let reports = fleet.run_for(SignedDuration::from_hours(24)).await;
    assert_eq!(
        done(&reports, Action::Create),
        3,
        "{minutes} minutes: nothing lapsed"
    );
    assert_eq!(fleet.live().len(), 3);
    let renewed = calls(&reports, "renew");
    assert!(
        (24..48).contains(&renewed),
        "{minutes} minutes: {renewed} renewals"
    );
    let lists = calls(&reports, "list");
    assert!(
        (23..=25).contains(&lists),
        "{minutes} minutes: {lists} listings"
    );
    reports
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_costs_nothing() {
    for minutes in [0, 90, -90, 60 * 24 * 365, -60 * 24 * 365] {
        check_day(minutes).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_is_corrected_within_one_pass() {
    let wishes = vec![wish("p", "communications/presences/u1", "updated")];
    let mut fleet = Fleet::new(wishes);
    fleet.run_for(SignedDuration::from_hours(2)).await;
    for minutes in [10, -5, 12, 0] {
        wrong_by(&mut fleet, minutes);
        let reports = fleet.run_for(SignedDuration::from_hours(6)).await;
        assert_eq!(done(&reports, Action::Create), 0, "{minutes}");
        let most = reports
            .iter()
            .map(|report| report.done(Action::Renew))
            .max();
        assert_eq!(most, Some(1), "{minutes}: never twice in one pass");
    }
    assert_eq!(fleet.live().len(), 1);
}
