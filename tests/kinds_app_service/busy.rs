//! Another deployment, a swap, another operation, and a lock that was left behind.

use std::time::Duration;

use evergraph::domain::conflict::Cause;
use evergraph::domain::ensure::{Outcome, Stop};
use tokio::time::Instant;

use crate::bed::{Bed, SITE, package};
use crate::kinds::{check_done, check_gave_up, check_rule, story};

#[tokio::test(start_paused = true)]
async fn a_409_in_progress_is_polled_to_its_end_and_then_the_package_is_deployed() {
    for lock_words in [false, true] {
        let bed = Bed::new().await;
        bed.sim.switch(|switches| switches.lock_words = lock_words);
        check_done(&bed.run(&package("v1")).await, Outcome::Patched);
        // Another run of ours begins between our look and our deployment.
        let sim = bed.sim.clone();
        bed.sim.meanwhile("zip deploy", move || {
            sim.portal_deploy(SITE, "evergraph-team-a").unwrap();
        });
        let account = bed.run(&package("v2")).await;
        check_done(&account, Outcome::Patched);
        let rule = match lock_words {
            false => "appservice/deployment-in-progress",
            true => "appservice/pending-operation",
        };
        check_rule(&account, rule);
        assert_eq!(bed.deploys(), 3, "once refused");
        assert!(
            bed.active().message.starts_with("evergraph"),
            "{:?}",
            bed.active()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_is_seen_under_way_is_waited_for_before_anything_is_sent() {
    let bed = Bed::new().await;
    check_done(&bed.run(&package("v1")).await, Outcome::Patched);
    bed.sim.portal_deploy(SITE, "evergraph-team-a").unwrap();
    let account = bed.run(&package("v2")).await;
    check_done(&account, Outcome::Patched);
    assert_eq!(bed.deploys(), 2, "none was refused");
}

#[tokio::test(start_paused = true)]
async fn an_auto_swap_is_waited_for() {
    let bed = Bed::new().await;
    bed.sim.portal_auto_swap(SITE, 120).unwrap();
    let began = Instant::now();
    let account = bed.run(&package("v1")).await;
    check_done(&account, Outcome::Patched);
    check_rule(&account, "appservice/auto-swap");
    assert!(began.elapsed() >= Duration::from_secs(119));
}

#[tokio::test(start_paused = true)]
async fn a_429_with_extended_code_59205_is_another_operation_and_no_throttling() {
    for (plan_busy, seconds) in [(true, 400), (false, 60)] {
        let bed = Bed::new().await;
        bed.sim.switch(|switches| switches.plan_busy = plan_busy);
        bed.sim.portal_manage(SITE, seconds).unwrap();
        let account = bed.run(&package("v1")).await;
        // Throttling would be given up on after six tries, long before 400 s.
        check_done(&account, Outcome::Patched);
        check_rule(&account, "appservice/operation-in-progress");
        let throttled = account
            .steps
            .iter()
            .any(|step| step.evidence.cause == Some(Cause::Throttled));
        assert!(!throttled, "{}", story(&account));
        assert_eq!(bed.deploys(), 1, "nothing is sent while the site is busy");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_without_a_deployment_is_given_up_on_within_the_bound_and_a_person_restarts() {
    let bed = Bed::new().await;
    bed.sim.leave_stale_lock(SITE).unwrap();
    let began = Instant::now();
    let account = bed.run(&package("v1")).await;
    let next = check_gave_up(&account, Stop::Timeout);
    assert!(next.contains("portal, Overview, Restart"), "{next}");
    let story = story(&account);
    assert!(
        story.contains("There is a deployment currently in progress"),
        "{story}"
    );
    let minutes = began.elapsed().as_secs() / 60;
    assert!((13..=16).contains(&minutes), "{minutes} min\n{story}");
    assert_eq!(bed.sim.deployments(SITE), []);
    bed.sim.portal_restart(SITE).unwrap();
    check_done(&bed.run(&package("v1")).await, Outcome::Patched);
}
