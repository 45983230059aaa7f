//! What the management side and Kudu answer when they refuse.

use jiff::Timestamp;
use serde_json::json;

use crate::sim::services::Reply;

/// Resource Manager and Kudu want a token.
pub(super) fn no_token() -> Reply {
    let words = "Authentication failed. The 'Authorization' header is missing.";
    Reply::json(
        401,
        &json!({"error": {"code": "AuthenticationFailed", "message": words}}),
    )
}

/// <https://github.com/projectkudu/kudu/issues/2834>
pub(super) fn deployment_in_progress() -> Reply {
    Reply::text(
        409,
        "There is a deployment currently in progress. Please try again when it completes.",
    )
}

/// <https://github.com/microsoft/vscode-azureappservice/issues/2402>
pub(super) fn pending_operation(pending: &str, since: Timestamp) -> Reply {
    let words = format!(
        "The 'Preparing zip package' operation conflicts with the pending '{pending}' operation \
         started at {since}. Please retry operation later."
    );
    Reply::text(409, words)
}

/// `ConflictAutoSwapOngoing` of <https://github.com/projectkudu/kudu>
pub(super) fn auto_swap() -> Reply {
    Reply::text(
        409,
        "There is an auto swap deployment currently ongoing, please try again when it completes.",
    )
}

/// <https://github.com/microsoft/vscode-azurefunctions/issues/2163>
pub(super) fn run_from_package() -> Reply {
    Reply::text(
        409,
        "Run-From-Zip is set to a remote URL using WEBSITE_RUN_FROM_PACKAGE or WEBSITE_USE_ZIP \
         app setting. Deployment is not supported in this configuration.",
    )
}

/// <https://github.com/Azure/azure-sdk-for-java/issues/2560>: listing settings is a POST, so a
/// read-only lock refuses it, too.
pub(super) fn scope_locked(id: &str, scope: &str) -> Reply {
    let words = format!(
        "The scope '{id}' cannot perform write operation because following scope(s) are locked: \
         '{scope}'. Please remove the lock and try again."
    );
    Reply::json(
        409,
        &json!({"error": {"code": "ScopeLocked", "message": words}}),
    )
}

/// <https://github.com/Azure/logicapps/issues/1306> for a site, and
/// <https://github.com/microsoft/Partner-Smart-Office/issues/1> for a plan, which says it with 429.
pub(super) fn managed(plan: bool, since: Timestamp) -> Reply {
    let (status, code, thing) = match plan {
        true => (429, "59205", "web hosting plan"),
        false => (409, "59203", "site"),
    };
    let details = format!(
        "Id: 5f0c1c2e-93a4-4d0e-8c1b-2f6a7d9e0b11, OperationName: Update, CreatedTime: {since}, \
         RequestId: 0a1b2c3d-0000-4000-8000-000000000001, EntityType: 3"
    );
    let words = format!(
        "Cannot modify this {thing} because another operation is in progress. Details: {details}"
    );
    let entity = json!({
        "ExtendedCode": code,
        "MessageTemplate": format!("Cannot modify this {thing} because another operation is in progress. Details: {{0}}"),
        "Parameters": [details],
        "Code": "Conflict",
        "Message": words,
    });
    Reply::json(
        status,
        &json!({
            "Code": "Conflict",
            "Message": words,
            "Target": null,
            "Details": [{"Message": words}, {"Code": "Conflict"}, {"ErrorEntity": entity}],
            "Innererror": null,
        }),
    )
}

/// A resource that is not there.
pub(super) fn not_found(what: &str) -> Reply {
    let words = format!("The Resource '{what}' was not found.");
    Reply::json(
        404,
        &json!({"error": {"code": "ResourceNotFound", "message": words}}),
    )
}
