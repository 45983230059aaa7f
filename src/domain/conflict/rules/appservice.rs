//! App Service and Functions: Kudu answers in plain text, the management side in a dialect of
//! Resource Manager with `ErrorEntity.ExtendedCode`.

use crate::domain::conflict::Operation::*;
use crate::domain::conflict::Service::{self, AppService, Arm};
use crate::domain::conflict::rule::{Holder, Rule, means};

const KUDU: &[Service] = &[AppService];
/// The management side is also reached as part of a template.
const SITES: &[Service] = &[AppService, Arm];

const BUSY_SOURCES: &[&str] = &[
    "https://github.com/Azure/logicapps/issues/1306",
    "https://github.com/microsoft/Partner-Smart-Office/issues/1",
];
const BUSY_ADVICE: &str = "Read the state of the site or plan, repeat after 10 to 60 seconds.";
const BUSY_NEVER: &str = "Count it as throttling, although the status may be 429.";
const NAME_SOURCES: &[&str] = &[
    "https://github.com/dotnet/sign/issues/392",
    "https://github.com/Azure/azure-quickstart-templates/issues/6361",
];
const NAME_ADVICE: &str = "Ask checkNameAvailability, and let a human choose another name.";
const NAME_NEVER: &str = "Append a suffix automatically: the name is a public address.";
const PLAN_SOURCES: &[&str] =
    &["https://github.com/hashicorp/terraform-provider-azurerm/issues/13377"];

/// The rules, in the order in which they are asked.
pub(super) const RULES: &[Rule] = &[
    Rule::new("appservice/run-from-package", KUDU, means::STATE_FIX)
        .text(&["run-from-zip is set to a remote url", "run-from-package is set to a remote url", "website_run_from_package*not supported", "website_use_zip*not supported"])
        .why("The app runs from a package at a remote address; a deployment into it is not possible.")
        .advice("Upload the package and change the address, or drop the setting WEBSITE_RUN_FROM_PACKAGE.")
        .never("Retry: no wait cures it.")
        .sources(&["https://github.com/microsoft/vscode-azurefunctions/issues/2163"])
        .example(Action, 409, "Run-From-Zip is set to a remote URL using WEBSITE_RUN_FROM_PACKAGE or WEBSITE_USE_ZIP app setting. Deployment is not supported in this configuration."),
    Rule::new("appservice/deployment-in-progress", KUDU, means::BUSY_POLL)
        .text(&["deployment currently in progress", "deployment is currently in progress", "another deployment is in progress"])
        .why("Another deployment is under way; at times only its lock was left behind, or the plan's processors are at their limit.")
        .advice("GET /api/deployments/latest until it is done, then repeat; give up after 15 minutes and tell a human, who may restart the site.")
        .never("Restart the site or delete its deployments folder automatically.")
        .sources(&[
            "https://github.com/projectkudu/kudu/issues/2834",
            "https://github.com/projectkudu/kudu/issues/3042",
            "https://github.com/Azure/webapps-deploy/issues/98",
        ])
        .example(Action, 409, "There is a deployment currently in progress. Please try again when it completes."),
    Rule::new("appservice/auto-swap", KUDU, means::BUSY_POLL)
        .text(&["auto swap deployment currently ongoing", "auto swap deployment is currently"])
        .why("An automatic slot swap is under way. Old builds gave this answer for an app that runs from a package, too.")
        .advice("Poll; if it persists, read the setting WEBSITE_RUN_FROM_PACKAGE.")
        .sources(&["https://github.com/projectkudu/kudu"])
        .example(Action, 409, "There is an auto swap deployment currently ongoing"),
    Rule::new("appservice/pending-operation", KUDU, means::BUSY_POLL)
        .text(&["operation conflicts with the pending*operation"])
        .why("Another operation is pending. If it is of another deployment source, two sources are connected.")
        .advice("Poll, then repeat; if the pending one comes from another source, let a human disconnect one.")
        .sources(&[
            "https://github.com/microsoft/vscode-azureappservice/issues/2402",
            "https://github.com/microsoft/vscode-azureappservice/issues/2380",
        ])
        .example(Action, 409, "The 'ZipDeploy' operation conflicts with the pending 'OneDeploy' operation started at 2026-01-02 03:04:05. Please retry operation later."),
    Rule::new("appservice/deployment-lock", KUDU, means::BUSY_POLL)
        .text(&["failed to acquire deployment lock", "acquire deployment lock"])
        .why("The lock of the deployment engine is held.")
        .advice("Poll the deployments, then repeat.")
        .sources(&["https://github.com/Azure/azure-cli", "https://github.com/projectkudu/kudu/issues/2834"])
        .example(Action, 409, "Failed to acquire deployment lock for the site."),
    Rule::new("appservice/deployment-id-exists", KUDU, means::EXISTS)
        .codes_or_none(&["Conflict", "409"])
        .text(&["deployment with id*exists"])
        .holder(Holder::NameAfter("deployment with id "))
        .why("A deployment with this id was made already.")
        .advice("Read that deployment; if it is ours and complete, go on.")
        .sources(&["https://github.com/Azure/azure-cli"])
        .example(CreateByPut, 409, "Deployment with id '5f0c1c2e93a4' exists"),
    Rule::new("appservice/operation-in-progress", SITES, means::BUSY_POLL)
        .codes(&["ExtendedCode=59203", "ExtendedCode=59205"])
        .why("Another operation on the site or plan is under way.")
        .advice(BUSY_ADVICE)
        .never(BUSY_NEVER)
        .sources(BUSY_SOURCES)
        .example(CreateByPut, 429, r#"{"Code":"Conflict","Message":"Busy.","Details":[{"Code":"Conflict"},{"ErrorEntity":{"ExtendedCode":"59205","Code":"Conflict","Message":"Busy."}}],"Innererror":null}"#),
    Rule::new("appservice/operation-in-progress-words", SITES, means::BUSY_POLL)
        .text(&["cannot modify this*because another operation is in progress"])
        .why("Another operation on the site or plan is under way; only the message says so.")
        .advice(BUSY_ADVICE)
        .never(BUSY_NEVER)
        .sources(BUSY_SOURCES)
        .example(CreateByPut, 409, r#"{"Code":"Conflict","Message":"Cannot modify this site because another operation is in progress. Details: Id: 1, OperationName: Create"}"#),
    Rule::new("appservice/name-taken", SITES, means::HELD)
        .codes(&["ExtendedCode=54001"])
        .why("The name is taken in all of Azure, as a rule by another tenant. In our own resource group the PUT would have updated it.")
        .advice(NAME_ADVICE)
        .never(NAME_NEVER)
        .sources(NAME_SOURCES)
        .example(CreateByPut, 409, r#"{"Code":"Conflict","Message":"Taken.","Details":[{"ErrorEntity":{"ExtendedCode":"54001","Code":"Conflict","Message":"Taken."}}]}"#),
    Rule::new("appservice/name-taken-words", SITES, means::HELD)
        .text(&["website with given name*already exists"])
        .why("The name is taken in all of Azure, as a rule by another tenant; only the message says so.")
        .advice(NAME_ADVICE)
        .never(NAME_NEVER)
        .sources(NAME_SOURCES)
        .example(CreateByPut, 409, r#"{"status":"Failed","error":{"code":"Conflict","message":"Website with given name shop already exists."}}"#),
    Rule::new("appservice/plan-has-apps", SITES, means::DEPENDENTS)
        .codes(&["ExtendedCode=11003"])
        .why("Apps still run in the plan.")
        .never("Delete the apps.")
        .sources(PLAN_SOURCES)
        .example(Delete, 409, r#"{"Code":"Conflict","Message":"No.","Details":[{"ErrorEntity":{"ExtendedCode":"11003","Code":"Conflict","Message":"No."}}]}"#),
    Rule::new("appservice/plan-has-apps-words", SITES, means::DEPENDENTS)
        .text(&["server farm*cannot be deleted because it has web app"])
        .why("Apps still run in the plan; only the message says so.")
        .never("Delete the apps.")
        .sources(PLAN_SOURCES)
        .example(Delete, 409, r#"{"Code":"Conflict","Message":"Server farm 'plan' cannot be deleted because it has web app(s) shop assigned to it."}"#),
    Rule::new("appservice/plan-being-deleted", SITES, means::DELETING_POLL)
        .text(&["server farm with name*already exists"])
        .why("A plan of this name was deleted a moment ago, or stands in another resource group.")
        .advice("Read it until 404, then repeat. If it stands elsewhere, tell a human.")
        .sources(&["https://github.com/microsoft/vscode-azureappservice/issues/1965"])
        .example(CreateByPut, 409, r#"{"Code":"Conflict","Message":"Server Farm with name 'plan' already exists for subscription 'a'."}"#),
];
