//! The deployment service of a site (`https://{site}.scm.azurewebsites.net` in reality).
//!
//! Behaviour as in the source of <https://github.com/projectkudu/kudu>:
//! Kudu.Services/Deployment/PushDeploymentController.cs and DeploymentController.cs.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::site::{Hindrance, Ordered};
use super::{State, answers};
use crate::sim::services::{Ask, Reply};

pub(super) fn answer(
    state: &mut State,
    now: Timestamp,
    site: &str,
    rest: &[&str],
    ask: &Ask,
) -> Reply {
    if state.site(site).is_none() {
        // In reality the name does not resolve at all.
        return Reply::text(404, "404 Web Site not found.");
    }
    let root = format!(
        "http://{}/scm/{site}",
        ask.header("host").unwrap_or_default()
    );
    match (ask.method.as_str(), rest) {
        ("POST" | "PUT", ["api", "zipdeploy"]) => zip_deploy(state, now, site, ask, &root),
        ("GET", ["api", "deployments"]) => {
            let rows = state.site(site).map(|site| site.listed(now));
            let rows: Vec<Value> = rows.iter().flatten().map(|one| one.json(&root)).collect();
            Reply::json(200, &Value::from(rows))
        }
        ("GET", ["api", "deployments", "latest"]) => latest(state, now, site, &root),
        ("GET", ["api", "deployments", id]) => {
            let rows = state
                .site(site)
                .map(|site| site.listed(now))
                .unwrap_or_default();
            match rows.iter().find(|one| one.id == *id) {
                Some(one) => Reply::json(200, &one.json(&root)),
                None => not_found(id),
            }
        }
        _ => Reply::text(404, ""),
    }
}

/// Zip deployment. The tracking id goes out with refusals, too, where progress is tracked: it
/// does not prove that a deployment of that id exists.
fn zip_deploy(state: &mut State, now: Timestamp, name: &str, ask: &Ask, root: &str) -> Reply {
    let tracked = ask
        .parameter("trackDeploymentProgress")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let tracking = tracked.then(|| state.id());
    let reply = match refusal(state, now, name) {
        Some(refusal) => refusal,
        None => begin(state, now, name, ask, root),
    };
    match tracking {
        Some(id) => reply.header("scm-deployment-id", id),
        None => reply,
    }
}

fn refusal(state: &mut State, now: Timestamp, name: &str) -> Option<Reply> {
    let switches = state.switches.clone();
    let site = state.site(name)?;
    let busy = |since: Timestamp| match switches.lock_words {
        true => answers::pending_operation("Performing continuous deployment", since),
        false => answers::deployment_in_progress(),
    };
    if site.runs_from_remote() {
        return Some(match switches.misnamed_run_from_package {
            true => answers::auto_swap(),
            false => answers::run_from_package(),
        });
    }
    match &site.hindrance {
        Some(Hindrance::StaleLock) => return Some(busy(now)),
        Some(Hindrance::AutoSwap(until)) if *until > now => return Some(answers::auto_swap()),
        _ => {}
    }
    site.running(now).map(|one| busy(one.received))
}

fn begin(state: &mut State, now: Timestamp, name: &str, ask: &Ask, root: &str) -> Reply {
    let switches = state.switches.clone();
    let id = state.id();
    let mut order = Ordered::new(id, now, switches.extract_s, switches.deploy_s);
    order.fails = switches.failing_builds;
    for (field, key) in [
        (&mut order.author, "author"),
        (&mut order.deployer, "deployer"),
        (&mut order.message, "message"),
    ] {
        if let Some(value) = ask.parameter(key) {
            *field = value.to_owned();
        }
    }
    let asynchronous = ask
        .parameter("isAsync")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let deployer = order.deployer.clone();
    if !asynchronous {
        // The answer of a synchronous deployment comes at its end.
        order.extracted = now;
        order.ends = now;
    }
    let failed = !asynchronous && order.fails;
    if let Some(site) = state.site(name) {
        site.deployments.push(order);
    }
    match (asynchronous, failed) {
        (true, _) => Reply::text(202, "")
            .header(
                "location",
                format!("{root}/api/deployments/latest?deployer={deployer}"),
            )
            .header("retry-after", "5"),
        (false, true) => Reply::text(400, "Deployment Failed."),
        (false, false) => Reply::text(200, ""),
    }
}

/// 202 while a deployment is pending; then the one that ended last.
fn latest(state: &mut State, now: Timestamp, name: &str, root: &str) -> Reply {
    let rows = state
        .site(name)
        .map(|site| site.listed(now))
        .unwrap_or_default();
    if let Some(pending) = rows.iter().find(|one| !one.status.is_final()) {
        return Reply::json(202, &pending.json(root))
            .header("location", format!("{root}/api/deployments/latest"));
    }
    match rows.iter().max_by_key(|one| one.ended) {
        Some(last) => Reply::json(200, &last.json(root)),
        None => not_found("latest"),
    }
}

fn not_found(id: &str) -> Reply {
    let words = format!("Deployment '{id}' not found.");
    Reply::json(404, &json!({"Message": words}))
}
