//! The address of a secret.

use std::fmt;

use url::Url;

/// A secret of Key Vault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VaultSecret {
    /// The vault, an origin.
    pub vault: Url,
    /// The name of the secret.
    pub name: String,
    /// Its version; `None` for the newest.
    pub version: Option<String>,
}

impl VaultSecret {
    /// Reads `https://VAULT/secrets/NAME` or `https://VAULT/secrets/NAME/VERSION`.
    ///
    /// # Errors
    /// What is wrong, and how it is written.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const FORM: &str =
            "write https://VAULT.vault.azure.net/secrets/NAME, with /VERSION behind it or not";
        let url = Url::parse(text).map_err(|_| FORM)?;
        if url.scheme() != "https" {
            return Err("it must begin with https://");
        }
        let plain = url.username().is_empty() && url.password().is_none();
        if !plain || url.query().is_some() || url.fragment().is_some() || !url.has_host() {
            return Err(FORM);
        }
        let mut parts = url.path().trim_matches('/').split('/');
        match parts.next() {
            Some("secrets") => {}
            Some("certificates" | "keys") => {
                return Err(
                    "a certificate's private key is in the secret of the same name: write /secrets/NAME",
                );
            }
            _ => return Err(FORM),
        }
        // learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
        let is_word = |part: &str| {
            (1..=127).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let name = parts.next().filter(|name| is_word(name)).ok_or(FORM)?;
        let version = parts.next();
        if version.is_some_and(|version| !is_word(version)) || parts.next().is_some() {
            return Err(FORM);
        }
        let (name, version) = (name.to_owned(), version.map(str::to_owned));
        let mut vault = url;
        vault.set_path("");
        Ok(Self {
            vault,
            name,
            version,
        })
    }

    /// The same secret in another version.
    pub fn in_version(&self, version: &str) -> Self {
        Self {
            version: Some(version.to_owned()),
            ..self.clone()
        }
    }
}

impl fmt::Display for VaultSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let vault = self.vault.as_str().trim_end_matches('/');
        write!(f, "{vault}/secrets/{}", self.name)?;
        match &self.version {
            Some(version) => write!(f, "/{version}"),
            None => Ok(()),
        }
    }
}
