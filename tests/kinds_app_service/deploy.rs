//! Deploying, doing nothing, lost answers, races.

use evergraph::domain::ensure::{Outcome, Stop};
use evergraph::sim::services::Mishap;

use crate::bed::{Bed, SITE, number, package, terms};
use crate::kinds::{check_done, check_gave_up, check_would, engine, rehearse, story};

#[tokio::test(start_paused = true)]
async fn a_package_is_deployed_polled_until_it_stands_and_a_second_run_writes_nothing() {
    let bed = Bed::new().await;
    check_done(&bed.run(&package("v1")).await, Outcome::Patched);
    let active = bed.active();
    assert_eq!(active.deployer, "evergraph-team-a");
    assert!(
        active.message.starts_with("evergraph sha256:"),
        "{}",
        active.message
    );
    assert!(
        bed.sim
            .called()
            .iter()
            .any(|call| call.operation == "read deployment")
    );
    check_done(&bed.run(&package("v1")).await, Outcome::Unchanged);
    check_done(&bed.run(&package("v2")).await, Outcome::Patched);
    assert_eq!(bed.sim.writes().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_rehearsal_says_what_it_would_do_and_sends_no_package() {
    let bed = Bed::new().await;
    check_would(
        &rehearse(&bed.kind(1, &package("v1"))).await,
        "change shop-web",
    );
    assert_eq!(bed.sim.writes().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_answer_the_deployments_are_read_and_the_package_is_not_sent_again() {
    let bed = Bed::new().await;
    bed.sim.plan("zip deploy", Mishap::LoseAfter);
    check_done(&bed.run(&package("v1")).await, Outcome::Patched);
    assert_eq!(bed.deploys(), 1);
    assert_eq!(bed.sim.deployments(SITE).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_package_that_never_arrived_is_sent_again_after_a_look() {
    let bed = Bed::new().await;
    bed.sim.plan("zip deploy", Mishap::LoseBefore);
    check_done(&bed.run(&package("v1")).await, Outcome::Patched);
    assert_eq!(bed.deploys(), 2);
    assert_eq!(bed.sim.deployments(SITE).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_two_racing_runs_one_deploys_and_the_other_finds_its_package() {
    let bed = Bed::new().await;
    let wish = package("v1");
    let (one, other) = (bed.kind(number(), &wish), bed.kind(number(), &wish));
    let (engine_one, engine_other) = (engine(number()), engine(number()));
    let (one, other) = tokio::join!(
        engine_one.run(&one, terms()),
        engine_other.run(&other, terms())
    );
    assert!(
        one.is_done() && other.is_done(),
        "{}\n{}",
        story(&one),
        story(&other)
    );
    assert_eq!(bed.sim.deployments(SITE).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_build_that_fails_is_told_with_the_place_of_its_log_and_not_repeated() {
    let bed = Bed::new().await;
    bed.sim.switch(|switches| switches.failing_builds = true);
    let account = bed.run(&package("v1")).await;
    check_gave_up(&account, Stop::NeedsOperator);
    assert!(
        story(&account).contains("/log of the site's deployment service"),
        "{}",
        story(&account)
    );
    assert_eq!(bed.deploys(), 1);
    // The run after it, by whose will ever, tries again: the failure is of another run.
    bed.sim.switch(|switches| switches.failing_builds = false);
    check_done(&bed.run(&package("v1")).await, Outcome::Patched);
}
