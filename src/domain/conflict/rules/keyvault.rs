//! Key Vault: secrets, keys, certificates, and vaults themselves.

use crate::domain::conflict::Operation::*;
use crate::domain::conflict::Service::{self, Arm, KeyVault};
use crate::domain::conflict::rule::{Rule, means};

const HERE: &[Service] = &[KeyVault, Arm];

const RESTORE_ADVICE: &str = "By policy: recover it (that needs the recover permission), wait until GET answers 200, then set the new version.";
const NEVER_PURGE: &str = "Purge it: that cannot be undone.";

/// The rules, in the order in which they are asked.
pub(super) const RULES: &[Rule] = &[
    Rule::new("keyvault/deleted-but-recoverable", HERE, means::SOFT_DELETED)
        .codes(&["ObjectIsDeletedButRecoverable"])
        .why("A deleted secret, key or certificate keeps the name until it is recovered or purged.")
        .advice(RESTORE_ADVICE)
        .never(NEVER_PURGE)
        .sources(&["https://github.com/external-secrets/external-secrets/issues/3519"])
        .example(CreateByPut, 409, r#"{"error":{"code":"Conflict","message":"Secret a is gone.","innererror":{"code":"ObjectIsDeletedButRecoverable"}}}"#),
    Rule::new("keyvault/deleted-but-recoverable-words", HERE, means::SOFT_DELETED)
        .text(&["currently in a deleted but recoverable state"])
        .why("A deleted secret, key or certificate keeps the name; only the message says so.")
        .advice(RESTORE_ADVICE)
        .never(NEVER_PURGE)
        .sources(&["https://github.com/external-secrets/external-secrets/issues/3519"])
        .example(CreateByPut, 409, r#"{"error":{"code":"Conflict","message":"Secret a is currently in a deleted but recoverable state, and its name cannot be reused."}}"#),
    Rule::new("keyvault/being-deleted", HERE, means::DELETING_POLL)
        .codes(&["ObjectIsBeingDeleted"])
        .why("The object is being deleted.")
        .advice("Read the deleted object until it shows, then act by policy.")
        .sources(&["https://learn.microsoft.com/en-us/azure/key-vault/general/soft-delete-overview"])
        .example(CreateByPut, 409, r#"{"error":{"code":"Conflict","message":"Secret a is currently being deleted.","innererror":{"code":"ObjectIsBeingDeleted"}}}"#),
    Rule::new("keyvault/being-deleted-words", HERE, means::DELETING_POLL)
        .text(&["is currently being deleted"])
        .why("The object is being deleted; only the message says so.")
        .sources(&["https://learn.microsoft.com/en-us/azure/key-vault/general/soft-delete-overview"])
        .example(CreateByPut, 409, r#"{"error":{"code":"Conflict","message":"Secret a is currently being deleted."}}"#),
    Rule::new("keyvault/being-recovered", HERE, means::BUSY_POLL)
        .codes(&["ObjectIsBeingRecovered"])
        .why("The object is being recovered. It may be read already, and still not be set: a set right after a recovery that counted as complete was refused.")
        .advice("Repeat the set until it is taken, within bounds.")
        .sources(&[
            "https://github.com/hashicorp/terraform-provider-azurerm/issues/12285",
            "https://github.com/Azure/azure-sdk-for-net/issues/31581",
        ])
        .example(CreateByPut, 409, r#"{"error":{"code":"Conflict","message":"Secret a is currently being recovered.","innererror":{"code":"ObjectIsBeingRecovered"}}}"#),
    Rule::new("keyvault/vault-in-deleted-state", HERE, means::SOFT_DELETED)
        .text(&["a vault with the same name already exists in deleted state"])
        .why("A deleted vault keeps the name.")
        .advice("Recover only if the deleted vault's id and tags are ours.")
        .never(NEVER_PURGE)
        .sources(&["https://github.com/alan-turing-institute/data-safe-haven/issues/2523"])
        .example(CreateByPut, 409, r#"{"error":{"code":"ConflictError","message":"A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault."}}"#),
    Rule::new("keyvault/vault-name-taken", HERE, means::HELD)
        .codes(&["VaultAlreadyExists"])
        .why("The name of the vault is taken in all of Azure: by another tenant, or by our own deleted vault, perhaps in another subscription. The answer does not tell.")
        .advice("List deletedVaults of all our subscriptions; not there: let a human choose another name.")
        .never("Append a suffix automatically.")
        .sources(&[
            "https://github.com/Azure/azure-powershell/issues/15115",
            "https://github.com/Azure/azure-cli/issues/14396",
        ])
        .example(CreateByPut, 409, r#"{"error":{"code":"VaultAlreadyExists","message":"Taken."}}"#),
    Rule::new("keyvault/vault-name-taken-words", HERE, means::HELD)
        .text(&["the vault name*is already in use"])
        .why("The name of the vault is taken in all of Azure, or by our own deleted vault; only the message says so.")
        .advice("List deletedVaults of all our subscriptions; not there: let a human choose another name.")
        .never("Append a suffix automatically.")
        .sources(&["https://github.com/Azure/azure-powershell/issues/15115"])
        .example(CreateByPut, 409, r#"{"error":{"code":"Conflict","message":"The vault name 'a' is already in use."}}"#),
];
