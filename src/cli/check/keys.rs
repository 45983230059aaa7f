//! The declared certificates against the private keys of this machine's setting.

use secrecy::SecretString;
use serde_json::{Value, json};

use crate::compose::declaration::{Diagnostic, Reading, Severity};
use crate::compose::keys::{KeyState, NamedKey, look_at_keys};
use crate::domain::notification::roster::Opening;
use crate::domain::subscription::Desired;

const SETTING: &str = "EVERGRAPH_DECRYPTION_KEYS";

/// The keys that the setting names; nothing where it is not set.
pub(super) struct Keys(Option<Vec<NamedKey>>);

impl Keys {
    /// Looks at the keys, and adds what is wrong to the findings. Asks no vault.
    pub(super) fn compare(setting: Option<&SecretString>, reading: &mut Reading) -> Self {
        let Some(setting) = setting else {
            return Self(None);
        };
        let keys = match look_at_keys(setting) {
            Ok(keys) => keys,
            Err(why) => {
                reading.diagnostics.push(warning("keys", why, None));
                return Self(None);
            }
        };
        let Some((set, _)) = &reading.declared else {
            return Self(Some(keys));
        };
        let mut declared: Vec<&Desired> = set.by_key.values().collect();
        declared.sort_by_key(|one| &one.name);
        let found: Vec<Diagnostic> = declared
            .into_iter()
            .filter_map(|one| flaw(one, &keys))
            .collect();
        reading.diagnostics.extend(found);
        Self(Some(keys))
    }

    pub(super) fn as_json(&self) -> Value {
        let one = |key: &NamedKey| {
            let (state, words) = match &key.state {
                KeyState::Usable => ("usable", None),
                KeyState::Unusable { why } => ("unusable", Some(why)),
                KeyState::InVault { secret } => ("in-vault", Some(secret)),
            };
            json!({ "id": key.id, "state": state, "words": words })
        };
        let keys = self.0.as_ref();
        keys.map_or(Value::Null, |keys| keys.iter().map(one).collect())
    }
}

fn flaw(one: &Desired, keys: &[NamedKey]) -> Option<Diagnostic> {
    let certificate = one.certificate.as_ref()?;
    if certificate.opening == Opening::PassOn {
        return None;
    }
    let id = &certificate.id;
    let Some(key) = keys.iter().find(|key| key.is_for(id)) else {
        let message = format!(
            "{} is sealed for the certificate {id:?}, and no private key has this id: its \
             notifications would be answered 503",
            one.name
        );
        let help = format!("add {id}=PATH (or a Key Vault secret), or declare decrypt = false");
        return Some(warning("key-missing", message, Some(help)));
    };
    match &key.state {
        KeyState::Unusable { why } => {
            let message = format!(
                "the private key {id:?} of {} cannot be used: {why}",
                one.name
            );
            Some(warning("key-unusable", message, None))
        }
        KeyState::Usable | KeyState::InVault { .. } => None,
    }
}

fn warning(code: &'static str, message: String, help: Option<String>) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        code,
        place: None,
        key: SETTING.to_owned(),
        message,
        help,
    }
}
