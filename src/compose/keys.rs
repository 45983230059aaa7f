//! The private keys that open resource data, from their setting.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::entra;
use crate::adapters::crypto::{
    DecryptionKeyEntry, DecryptionKeys, KeySource, KeyVaultSecrets, VaultKeys,
};
use crate::config::PassSettings;
use crate::ports::keys::ContentKeys;

/// Keys that cannot be used are missing: items that need them are answered 503 until they are
/// there, and the log says so. The keys of vaults come later, beside everything else.
pub(super) fn decryption_keys(settings: &PassSettings) -> Arc<dyn ContentKeys> {
    let Some(text) = &settings.decryption_keys else {
        return Arc::new(DecryptionKeys::none());
    };
    let entries = match DecryptionKeyEntry::parse_list(text.expose_secret()) {
        Ok(entries) => entries,
        Err(fault) => {
            tracing::error!("EVERGRAPH_DECRYPTION_KEYS: {fault}");
            return Arc::new(DecryptionKeys::none());
        }
    };
    let (keys, faults) = DecryptionKeys::load(&entries, |path| std::fs::read_to_string(path));
    for fault in faults {
        tracing::error!("EVERGRAPH_DECRYPTION_KEYS: {fault}");
    }
    if !entries.iter().any(is_in_vault) {
        return Arc::new(keys);
    }
    let home = settings.credential.tenant.as_ref();
    let credential = entra(settings).and_then(|entra| {
        let credential = entra.for_vault(home);
        credential.map_err(anyhow::Error::msg)
    });
    match credential {
        Ok(credential) => {
            let secrets = Arc::new(KeyVaultSecrets::new(credential));
            let keys = VaultKeys::new(keys, &entries, secrets);
            tokio::spawn(Arc::clone(&keys).keep());
            keys
        }
        Err(error) => {
            tracing::error!("EVERGRAPH_DECRYPTION_KEYS: no key is read from a vault: {error:#}");
            Arc::new(keys)
        }
    }
}

fn is_in_vault(entry: &DecryptionKeyEntry) -> bool {
    matches!(entry.source, KeySource::Vault(_))
}

/// One entry of the setting, looked at without a network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedKey {
    /// The id of its certificate; `*` for any version of a secret.
    pub id: String,
    /// What could be seen of it.
    pub state: KeyState,
}

/// What can be seen of a private key without asking anybody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyState {
    /// It can be used.
    Usable,
    /// It cannot.
    Unusable {
        /// What is wrong with it.
        why: String,
    },
    /// It lies in a vault, which was not asked.
    InVault {
        /// The address of the secret.
        secret: String,
    },
}

impl NamedKey {
    /// Whether the entry is for this certificate.
    pub fn is_for(&self, certificate_id: &str) -> bool {
        let is_version =
            || certificate_id.len() == 32 && certificate_id.bytes().all(|b| b.is_ascii_hexdigit());
        self.id == certificate_id || (self.id == "*" && is_version())
    }
}

/// The entries of the setting, each with what can be seen of it here.
///
/// # Errors
/// Where the list cannot be read. No key is repeated.
pub fn look_at_keys(setting: &SecretString) -> Result<Vec<NamedKey>, String> {
    let entries = DecryptionKeyEntry::parse_list(setting.expose_secret());
    let entries = entries.map_err(|fault| fault.to_string())?;
    let (_, faults) = DecryptionKeys::load(&entries, |path| std::fs::read_to_string(path));
    let named = entries.into_iter().map(|entry| {
        let fault = faults.iter().find(|fault| fault.id == entry.id);
        let state = match (&entry.source, fault) {
            (KeySource::Vault(secret), _) => KeyState::InVault {
                secret: secret.to_string(),
            },
            (_, Some(fault)) => KeyState::Unusable {
                why: fault.problem.to_string(),
            },
            (_, None) => KeyState::Usable,
        };
        NamedKey {
            id: entry.id,
            state,
        }
    });
    Ok(named.collect())
}
