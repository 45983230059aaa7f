//! The portal over HTTP: `POST /_portal/{container}/{deed}`, arguments as JSON.

use serde_json::{Value, json};

use super::BlobService;
use crate::sim::services::{Ask, Reply};

/// Answers a call below `/_portal`.
pub(super) fn answer(service: &BlobService, ask: &Ask) -> Reply {
    let arguments: Value = ask.object().map(Value::Object).unwrap_or_default();
    let text = |key: &str| arguments[key].as_str().unwrap_or_default().to_owned();
    let flag = |key: &str| arguments[key].as_bool().unwrap_or(false);
    let name = text("name");
    let (container, deed) = match (ask.method.as_str(), ask.segments().as_slice()) {
        ("POST", ["_portal", container, deed]) => ((*container).to_owned(), *deed),
        _ => return Reply::text(404, DEEDS),
    };
    let done = match deed {
        "create" => {
            service.portal_create_container(&container);
            Ok(())
        }
        "delete-container" => {
            service.portal_delete_container(&container);
            Ok(())
        }
        "delete" => {
            service.portal_delete(&container, &name);
            Ok(())
        }
        "upload" => {
            let content = text("content").into_bytes();
            service.portal_upload(&container, &name, &content, flag("overwrite"))
        }
        "metadata" => service.portal_metadata(&container, &name, &text("key"), &text("value")),
        "lease" => service.portal_lease(&container, &name),
        "break-lease" => service.portal_break_lease(&container, &name),
        "snapshot" => service.portal_snapshot(&container, &name),
        "legal-hold" => service.portal_legal_hold(&container, &name, flag("held")),
        "copy" => {
            let seconds = arguments["seconds"].as_i64().unwrap_or(60);
            service.portal_copy(&container, &name, seconds)
        }
        _ => return Reply::text(404, DEEDS),
    };
    match done {
        Ok(()) => Reply::json(200, &json!({"done": true})),
        Err(refusal) => Reply::json(400, &json!({"refused": refusal.to_string()})),
    }
}

const DEEDS: &str = "POST /_portal/{container}/ and create, delete-container, delete {name}, upload {name,content,overwrite}, metadata {name,key,value}, lease {name}, break-lease {name}, snapshot {name}, legal-hold {name,held} or copy {name,seconds}";
