//! Both doors: connected sources, CORS, and what belongs to somebody else.

use evergraph::domain::ensure::{Outcome, Stop};
use evergraph::sim::services::{Ask, Service as _};

use crate::bed::{Bed, GROUP, SITE, Wish, package};
use crate::kinds::{check_done, check_gave_up};

fn ask(method: &str, path: &str, body: &str) -> Ask {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Ask {
        method: method.to_owned(),
        path: path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect(),
        query: url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        headers: vec![("authorization".to_owned(), "Bearer x".to_owned())],
        body: body.as_bytes().to_vec(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_the_deployment_center_connected_waits_its_turn_and_a_zip_deployment_is_refused()
 {
    let bed = Bed::new().await;
    // Portal: a second deployment is taken and waits.
    bed.sim.portal_deploy(SITE, "GitHub").unwrap();
    bed.sim.portal_deploy(SITE, "GitHub").unwrap();
    assert_eq!(bed.sim.deployments(SITE).len(), 2);
    // API: refused in plain text, with a tracking id that names no deployment.
    let deploy = ask(
        "POST",
        &format!("scm/{SITE}/api/zipdeploy?isAsync=true&trackDeploymentProgress=true"),
        "zip",
    );
    let reply = bed.sim.answer(&deploy).unwrap();
    assert_eq!(reply.status, 409);
    assert!(
        reply
            .body
            .starts_with(b"There is a deployment currently in progress")
    );
    let named = reply
        .headers
        .iter()
        .find(|(name, _)| name == "scm-deployment-id");
    let id = &named.unwrap().1;
    assert!(bed.sim.deployments(SITE).iter().all(|one| one.id != *id));
}

#[tokio::test(start_paused = true)]
async fn what_another_source_deployed_is_left_alone_and_its_deployer_is_named() {
    let bed = Bed::new().await;
    bed.sim.portal_deploy(SITE, "GitHub").unwrap();
    // Waited for, although it is not ours; then it is what the site serves.
    let next = check_gave_up(&bed.run(&package("v1")).await, Stop::Foreign);
    assert!(next.contains("by Ada Lovelace with GitHub"), "{next}");
    assert_eq!(bed.sim.writes().len(), 0);
    let active = bed.active();
    let wrong = Wish {
        take_over: Some("0123".to_owned()),
        ..package("v1")
    };
    check_gave_up(&bed.run(&wrong).await, Stop::Foreign);
    let named = Wish {
        take_over: Some(active.id),
        ..package("v1")
    };
    check_done(&bed.run(&named).await, Outcome::Patched);
    assert_eq!(bed.deploys(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_by_a_person_over_ours_makes_the_site_foreign() {
    let bed = Bed::new().await;
    check_done(&bed.run(&package("v1")).await, Outcome::Patched);
    bed.sim.portal_deploy(SITE, "VS Code").unwrap();
    check_gave_up(&bed.run(&package("v1")).await, Stop::Foreign);
    check_gave_up(&bed.run(&package("v2")).await, Stop::Foreign);
    assert_eq!(bed.deploys(), 1);
}

#[tokio::test(start_paused = true)]
async fn another_owners_deployment_is_foreign() {
    let bed = Bed::new().await;
    check_done(&bed.run(&package("v1")).await, Outcome::Patched);
    let theirs = Wish {
        owner: "team-b",
        ..package("v1")
    };
    check_gave_up(&bed.run(&theirs).await, Stop::Foreign);
    assert_eq!(bed.deploys(), 1);
}

#[tokio::test(start_paused = true)]
async fn cors_in_the_platform_and_in_the_app_is_reported_and_neither_is_changed() {
    let bed = Bed::new().await;
    check_done(&bed.run(&package("v1")).await, Outcome::Patched);
    assert_eq!(bed.findings(&package("v1")).await, Vec::<String>::new());
    bed.sim
        .portal_set_setting(SITE, "CORS_ORIGINS", "https://b.example")
        .unwrap();
    assert_eq!(bed.findings(&package("v1")).await, Vec::<String>::new());
    bed.sim
        .portal_set_cors(SITE, &["https://a.example"])
        .unwrap();
    let found = bed.findings(&package("v1")).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("the app's has no effect"), "{found:?}");
    assert!(found[0].contains("https://a.example") && found[0].contains("https://b.example"));
    assert_eq!(bed.sim.writes().len(), 1, "the deployment alone");
}

#[tokio::test(start_paused = true)]
async fn an_origin_with_a_wildcard_subdomain_is_refused_by_the_portal_and_taken_by_the_api() {
    let bed = Bed::new().await;
    let refused = bed.sim.portal_set_cors(SITE, &["https://*.a.example"]);
    assert!(refused.is_err());
    let body = r#"{"properties":{"cors":{"allowedOrigins":["https://*.a.example"]}}}"#;
    let site = format!("{GROUP}/providers/Microsoft.Web/sites/{SITE}/config/web");
    let reply = bed.sim.answer(&ask("PATCH", &site, body)).unwrap();
    assert_eq!(reply.status, 200);
    assert!(
        String::from_utf8(reply.body)
            .unwrap()
            .contains("https://*.a.example")
    );
}
