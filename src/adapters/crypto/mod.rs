//! Opening the content of rich notifications: private keys by certificate id, from files and from
//! Key Vault, and the envelope.

mod envelope;
mod keys;
mod list;
mod vault;

pub use keys::{DecryptionKeys, KeyFault, KeyProblem};
pub use list::{DecryptionKeyEntry, KeySource, ListFault};
pub use vault::{Fetched, KeyVaultSecrets, Secrets, VaultFault, VaultKeys, VaultSecret};
