//! The portal over HTTP: `POST /_portal/sites/{site}/{deed}`, arguments as JSON.

use serde_json::{Value, json};

use super::{AppService, Lock};
use crate::sim::services::{Ask, Reply};

/// Answers a call below `/_portal`.
pub(super) fn answer(service: &AppService, ask: &Ask) -> Reply {
    let arguments: Value = ask.object().map(Value::Object).unwrap_or_default();
    let text = |name: &str| arguments[name].as_str().unwrap_or_default().to_owned();
    let seconds = arguments["seconds"].as_i64().unwrap_or(60);
    let done = match (ask.method.as_str(), ask.segments().as_slice()) {
        ("GET", ["_portal", "sites", site, "deployments"]) => {
            let rows = service.deployments(site);
            let rows: Vec<Value> = rows.iter().map(|row| row.json("")).collect();
            return Reply::json(200, &Value::from(rows));
        }
        ("POST", ["_portal", "sites", site, deed]) => match *deed {
            "setting" => service.portal_set_setting(site, &text("name"), &text("value")),
            "cors" => {
                let origins = arguments["origins"].as_array();
                let origins: Vec<&str> = origins
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                service.portal_set_cors(site, &origins)
            }
            "deploy" => service.portal_deploy(site, &text("deployer")),
            "auto-swap" => service.portal_auto_swap(site, seconds),
            "manage" => service.portal_manage(site, seconds),
            "stale-lock" => service.leave_stale_lock(site),
            "restart" => service.portal_restart(site),
            "lock" => {
                service.portal_lock(Lock {
                    scope: text("scope"),
                    name: text("name"),
                    level: text("level"),
                    notes: text("notes"),
                });
                Ok(())
            }
            "unlock" => {
                service.portal_unlock(&text("name"));
                Ok(())
            }
            _ => return Reply::text(404, DEEDS),
        },
        _ => return Reply::text(404, DEEDS),
    };
    match done {
        Ok(()) => Reply::json(200, &json!({"done": true})),
        Err(refusal) => Reply::json(400, &json!({"refused": refusal.to_string()})),
    }
}

const DEEDS: &str = "POST /_portal/sites/{site}/ and setting {name,value}, cors {origins}, deploy {deployer}, auto-swap {seconds}, manage {seconds}, stale-lock, restart, lock {scope,name,level,notes} or unlock {name}; GET /_portal/sites/{site}/deployments";
