//! What no wait cures: run-from-package, locks, a missing site, a wrong token.

use evergraph::domain::ensure::Outcome;
use evergraph::domain::ensure::Stop;
use evergraph::sim::services::app_service::Lock;
use evergraph::sim::services::{Mishap, Reply};

use crate::bed::{Bed, GROUP, SITE, package};
use crate::kinds::{check_done, check_gave_up, check_rule, story};

const SETTING: &str = "WEBSITE_RUN_FROM_PACKAGE";
const ADDRESS: &str = "https://acct.blob.core.windows.net/p/app.zip?sig=c2VjcmV0";

#[tokio::test(start_paused = true)]
async fn run_from_package_is_never_retried_and_told_with_what_to_change() {
    let bed = Bed::new().await;
    bed.sim.portal_set_setting(SITE, SETTING, ADDRESS).unwrap();
    let account = bed.run(&package("v1")).await;
    let next = check_gave_up(&account, Stop::Bug);
    assert!(
        next.contains("change the address, or drop that setting"),
        "{next}"
    );
    check_rule(&account, "appservice/run-from-package");
    assert!(!story(&account).contains("c2VjcmV0"), "{}", story(&account));
    assert_eq!(bed.deploys(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_409_because_of_run_from_package_ends_the_run_at_once() {
    let bed = Bed::new().await;
    let sim = bed.sim.clone();
    bed.sim.meanwhile("zip deploy", move || {
        sim.portal_set_setting(SITE, SETTING, ADDRESS).unwrap();
    });
    let account = bed.run(&package("v1")).await;
    check_gave_up(&account, Stop::Bug);
    check_rule(&account, "appservice/run-from-package");
    assert_eq!(bed.deploys(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_old_build_that_calls_run_from_package_an_auto_swap_is_seen_through() {
    let bed = Bed::new().await;
    bed.sim
        .switch(|switches| switches.misnamed_run_from_package = true);
    let sim = bed.sim.clone();
    bed.sim.meanwhile("zip deploy", move || {
        sim.portal_set_setting(SITE, SETTING, ADDRESS).unwrap();
    });
    let account = bed.run(&package("v1")).await;
    check_rule(&account, "appservice/auto-swap");
    check_gave_up(&account, Stop::Bug);
    check_rule(&account, "appservice/run-from-package");
    assert_eq!(bed.deploys(), 1);
}

fn lock(level: &str, scope: &str) -> Lock {
    Lock {
        scope: scope.to_owned(),
        name: "freeze".to_owned(),
        level: level.to_owned(),
        notes: "until the audit ends".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_scope_lock_is_named_to_a_person_and_never_removed_or_gone_around() {
    let bed = Bed::new().await;
    bed.sim.portal_lock(lock("ReadOnly", GROUP));
    let account = bed.run(&package("v1")).await;
    let next = check_gave_up(&account, Stop::NeedsOperator);
    check_rule(&account, "arm/scope-locked");
    assert!(
        next.contains("The lock freeze (ReadOnly) lies on"),
        "{next}"
    );
    assert!(next.contains("until the audit ends"), "{next}");
    assert_eq!(bed.sim.writes().len(), 0);
    bed.sim.portal_unlock("freeze");
    check_done(&bed.run(&package("v1")).await, Outcome::Patched);
    // What stands already needs no write, so the lock does not matter.
    bed.sim.portal_lock(lock("ReadOnly", GROUP));
    check_done(&bed.run(&package("v1")).await, Outcome::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn a_lock_against_deletion_does_not_hinder_a_deployment() {
    let bed = Bed::new().await;
    bed.sim.portal_lock(lock("CanNotDelete", GROUP));
    check_done(&bed.run(&package("v1")).await, Outcome::Patched);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_accepted_ends_the_run_without_a_write() {
    let bed = Bed::new().await;
    for _ in 0..2 {
        bed.sim
            .plan("list deployments", Mishap::Answer(Reply::text(401, "")));
    }
    check_gave_up(&bed.run(&package("v1")).await, Stop::Unauthorised);
    assert_eq!(bed.sim.writes().len(), 0);
}
