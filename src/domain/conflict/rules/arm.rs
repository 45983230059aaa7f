//! Azure Resource Manager. Every Azure service answers so for its management operations.

use crate::domain::conflict::Operation::*;
use crate::domain::conflict::Service::{self, *};
use crate::domain::conflict::rule::{Holder, Rule, means};

const AZURE: &[Service] = &[Arm, AppService, KeyVault, Cosmos, Storage, Messaging];
/// Where the other operation can be read. Service Bus has rules of its own for it.
const POLLED: &[Service] = &[Arm, AppService, KeyVault, Cosmos, Storage];

const SOFT_DELETE_NEVER: &str = "Purge it: that cannot be undone.";
const RESTORE_ADVICE: &str = "If the deleted one is ours by id and tags and the policy allows it, restore it, wait until it can be read, then patch what differs: old content and permissions come back with it.";

/// The rules, in the order in which they are asked.
pub(super) const RULES: &[Rule] = &[
    Rule::new("arm/scope-locked", AZURE, means::ADMIN_LOCK)
        .codes(&["ScopeLocked"])
        .why("An administrator locked the scope. A read-only lock refuses listKeys too.")
        .advice("Report the locked scope that the message names to its owner.")
        .never("Remove the lock.")
        .sources(&[
            "https://github.com/Azure/azure-sdk-for-java/issues/2560",
            "https://github.com/Azure/apiops/issues/606",
        ])
        .example(Action, 409, r#"{"error":{"code":"ScopeLocked","message":"The scope '/subscriptions/a' cannot perform write operation because following scope(s) are locked: '/subscriptions/a'. Please remove the lock and try again."}}"#),
    Rule::new("arm/another-operation", POLLED, means::BUSY_POLL)
        .codes(&["AnotherOperationInProgress", "RetryableErrorDueToAnotherOperation"])
        .why("Another operation on this or a dependent resource is under way. Status 429 is no rate limit here.")
        .advice("Poll the operation if the address in the message is of this cloud's Resource Manager, or wait the seconds that the message names; then repeat.")
        .never("Follow any address that a body names.")
        .sources(&[
            "https://github.com/microsoft/AzureTRE/issues/2222",
            "https://github.com/pulumi/pulumi-azure-native/issues/903",
            "https://github.com/cloudfoundry/bosh-azure-cpi-release/issues/179",
            "https://github.com/Azure/azure-rest-api-specs/issues/1124",
        ])
        .example(Delete, 429, r#"{"error":{"code":"RetryableError","message":"A retryable error occured.","details":[{"code":"RetryableErrorDueToAnotherOperation","message":"Operation a is updating resource b. The call can be retried in 14 seconds."}]}}"#),
    Rule::new("arm/throttled", AZURE, means::THROTTLED)
        .statuses(&[429])
        .codes(&["TooManyRequests", "OperationNotAllowed", "SubscriptionRequestsThrottled", "ResourceRequestsThrottled"])
        .why("The request limit of the principal, subscription or provider is reached. Retry-After may be absent.")
        .sources(&[
            "https://github.com/hashicorp/terraform-provider-azurerm/issues/19146",
            "https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/request-limits-and-throttling",
        ])
        .example(Read, 429, r#"{"error":{"code":"TooManyRequests","message":"The request is being throttled."}}"#),
    Rule::new("arm/group-being-deleted", AZURE, means::DELETING_POLL)
        .codes(&["ResourceGroupBeingDeleted"])
        .why("The resource group is being deleted.")
        .advice("Read it until 404, then create it anew.")
        .sources(&["https://github.com/Azure/azure-cli/issues/21121"])
        .example(CreateByPut, 409, r#"{"error":{"code":"ResourceGroupBeingDeleted","message":"The resource group 'a' is in deprovisioning state and cannot perform this operation."}}"#),
    Rule::new("arm/deprovisioning", AZURE, means::DELETING_POLL)
        .text(&["is in deprovisioning state"])
        .why("It is being deleted; only the message says so.")
        .sources(&["https://github.com/Azure/azure-cli/issues/21121"])
        .example(CreateByPut, 409, r#"{"error":{"code":"Conflict","message":"The resource group 'a' is in deprovisioning state and cannot perform this operation."}}"#),
    Rule::new("arm/deployment-active", AZURE, means::BUSY_POLL)
        .codes(&["DeploymentActive"])
        .why("A deployment of this name is active in this scope.")
        .advice("GET it: with our own correlation id wait for its end, else tell a human. Unique deployment names avoid it.")
        .never("Cancel it.")
        .sources(&[
            "https://github.com/microsoft/mwt-ds/issues/29",
            "https://github.com/jenkins-infra/helpdesk/issues/5220",
        ])
        .example(CreateByPut, 409, r#"{"error":{"code":"DeploymentActive","message":"Unable to edit or replace deployment 'main': previous deployment is still active."}}"#),
    Rule::new("arm/dependency-missing", AZURE, means::MISSING)
        .codes(&["MissingSubscriptionRegistration", "ParentResourceNotFound"])
        .why("The resource provider is not registered, or the parent resource is not there.")
        .advice("Register the provider that details[].target names, or create the parent, if both are ours to do; then repeat.")
        .sources(&[
            "https://github.com/Azure/azure-sdk-for-node/issues/2305",
            "https://github.com/nforgeio/neonKUBE/issues/1670",
            "https://github.com/Azure/azure-service-operator/pull/4671",
        ])
        .example(CreateByPut, 409, r#"{"error":{"code":"MissingSubscriptionRegistration","message":"The subscription is not registered to use namespace 'Microsoft.Web'."}}"#),
    Rule::new("arm/role-assignment-exists", AZURE, means::STANDS)
        .codes(&["RoleAssignmentExists"])
        .why("The same principal has the same role on the same scope already, under another GUID; even an identical PUT is answered so.")
        .advice("List by principal, role and scope; found: go on. Derive assignment names from these three (UUIDv5), so that a repeat meets itself.")
        .never("Delete and create anew: rights are missing meanwhile.")
        .sources(&[
            "https://github.com/Azure/azure-cli/pull/8599",
            "https://github.com/Azure-Samples/azure-search-openai-demo/issues/1091",
        ])
        .example(CreateByPut, 409, r#"{"code":"RoleAssignmentExists","message":"The role assignment already exists."}"#),
    Rule::new("arm/principal-not-visible", AZURE, means::INVISIBLE)
        .codes(&["PrincipalNotFound"])
        .text(&["replication delay"])
        .why("The principal was made a moment ago and is not known here yet, or its id is wrong.")
        .advice("Read the principal again for a minute; set principalType on the assignment, which skips the check.")
        .sources(&[
            "https://github.com/MicrosoftDocs/azure-docs/issues/103085",
            "https://github.com/Azure/avdaccelerator/issues/76",
        ])
        .example(CreateByPut, 400, r#"{"error":{"code":"PrincipalNotFound","message":"Principal a does not exist in the directory b. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay."}}"#),
    Rule::new("arm/storage-name-taken", AZURE, means::HELD)
        .codes(&["StorageAccountAlreadyTaken", "StorageAccountAlreadyExists"])
        .why("The name of the storage account is taken in all of Azure, or was given up a short time ago by another tenant. A GET says 404.")
        .advice("Ask checkNameAvailability, and let a human choose another name.")
        .never("Append a suffix automatically.")
        .sources(&[
            "https://github.com/hashicorp/terraform/issues/11485",
            "https://github.com/MicrosoftDocs/azure-docs/pull/125845",
        ])
        .example(CreateByPut, 409, r#"{"error":{"code":"StorageAccountAlreadyTaken","message":"The storage account named data is already taken."}}"#),
    Rule::new("arm/soft-deleted", AZURE, means::SOFT_DELETED)
        .codes(&["FlagMustBeSetForRestore", "ServiceAlreadyExistsInSoftDeletedState"])
        .holder(Holder::ResourceAfter("existing resource with id "))
        .why("A deleted resource keeps the name and can be restored.")
        .advice("By policy: the same PUT with 'restore' set to true. Right after a deletion it may fail for about a minute.")
        .never(SOFT_DELETE_NEVER)
        .sources(&[
            "https://github.com/Azure/azure-cli/issues/18146",
            "https://github.com/Azure/azure-rest-api-specs/issues/25262",
            "https://github.com/hashicorp/terraform-provider-azurerm/issues/11580",
        ])
        .example(CreateByPut, 409, r#"{"error":{"code":"FlagMustBeSetForRestore","message":"An existing resource with ID '/subscriptions/a/resourceGroups/b/providers/Microsoft.CognitiveServices/accounts/c' has been soft-deleted. To restore the resource, you must specify 'restore' to be 'true' in the property."}}"#),
    Rule::new("arm/soft-deleted-words", AZURE, means::SOFT_DELETED)
        .text(&["has been soft-deleted", "was soft-deleted", "already exists in deleted state", "deleted but recoverable state"])
        .why("A deleted resource keeps the name and can be restored; only the message says so.")
        .advice(RESTORE_ADVICE)
        .never(SOFT_DELETE_NEVER)
        .sources(&[
            "https://github.com/alan-turing-institute/data-safe-haven/issues/2523",
            "https://github.com/hashicorp/terraform-provider-azurerm/issues/12839",
        ])
        .example(CreateByPut, 409, r#"{"error":{"code":"Gone","message":"Api service shop was soft-deleted."}}"#),
    Rule::new("arm/scope-locked-words", AZURE, means::ADMIN_LOCK)
        .text(&["following scope(s) are locked"])
        .why("An administrator locked the scope; only the message says so.")
        .advice("Report the locked scope that the message names to its owner.")
        .never("Remove the lock.")
        .sources(&["https://github.com/Azure/azure-sdk-for-java/issues/2560"])
        .example(Delete, 409, r#"{"error":{"code":"Conflict","message":"The scope '/subscriptions/a' cannot perform delete operation because following scope(s) are locked: '/subscriptions/a'."}}"#),
    Rule::new("arm/another-operation-words", POLLED, means::BUSY_POLL)
        .text(&["another operation*is in progress", "another operation is already in progress"])
        .why("Another operation on this or a dependent resource is under way; only the message says so.")
        .advice("Read the provisioning state until it is final, then repeat.")
        .never("Follow any address that a body names.")
        .sources(&["https://github.com/microsoft/AzureTRE/issues/2222"])
        .example(Update, 409, r#"{"error":{"code":"Conflict","message":"Another operation on this or dependent resource is in progress."}}"#),
    Rule::new("arm/not-registered-words", AZURE, means::MISSING)
        .text(&["is not registered to use namespace"])
        .why("The resource provider is not registered; only the message says so.")
        .advice("Register the provider that the message names, if that is ours to do; then repeat.")
        .sources(&["https://github.com/Azure/azure-sdk-for-node/issues/2305"])
        .example(CreateByPut, 409, r#"{"error":{"code":"Conflict","message":"The subscription is not registered to use namespace 'Microsoft.Web'."}}"#),
    Rule::new("arm/role-assignment-exists-words", AZURE, means::STANDS)
        .codes_or_none(&["Conflict", "409"])
        .text(&["the role assignment already exists"])
        .why("The same principal has the same role on the same scope already; only the message says so.")
        .advice("List by principal, role and scope; found: go on.")
        .never("Delete and create anew: rights are missing meanwhile.")
        .sources(&["https://github.com/Azure/azure-cli/pull/8599"])
        .example(CreateByPut, 409, r#"{"error":{"code":"Conflict","message":"The role assignment already exists."}}"#),
    Rule::new("arm/storage-name-taken-words", AZURE, means::HELD)
        .text(&["the storage account named*is already taken"])
        .why("The name of the storage account is taken in all of Azure; only the message says so.")
        .advice("Ask checkNameAvailability, and let a human choose another name.")
        .never("Append a suffix automatically.")
        .sources(&["https://github.com/hashicorp/terraform/issues/11485"])
        .example(CreateByPut, 409, r#"{"error":{"code":"Conflict","message":"The storage account named data is already taken."}}"#),
];
