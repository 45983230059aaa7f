//! Private keys by the id of their certificate.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

use super::envelope;
use super::list::{DecryptionKeyEntry, KeySource};
use crate::domain::notification::Sealed;
use crate::domain::notification::refusal::Refusal;
use crate::ports::keys::{ContentKeys, OpenError, Opened};

/// Graph takes certificates with RSA keys from this size (its page on resource data) …
const BITS_LEAST: usize = 2048;

/// … to this one.
const BITS_MOST: usize = 4096;

/// Graph's symmetric keys: AES-256.
pub(super) const SYMMETRIC_BYTES: usize = 32;

/// How much of an id from the wire is repeated in a message.
const SHOWN_CHARS: usize = 128;

/// Why a named private key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the decryption key {id:?} cannot be used: {problem}")]
pub struct KeyFault {
    /// The id of the entry.
    pub id: String,
    /// What is wrong with it.
    pub problem: KeyProblem,
}

/// What is wrong with a private key. The key itself is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// The file could not be read.
    #[error("its file could not be read: {0}")]
    File(String),
    /// No private key stands in the PEM text.
    #[error("its PEM text holds no private key")]
    NoKey,
    /// A key of another kind.
    #[error("it is no RSA key in PKCS#8 or PKCS#1 form (an encrypted key must be decrypted first)")]
    NotRsa,
    /// Not PEM, but the other form in which certificates are kept.
    #[error(
        "it is a PKCS#12 file in base64, which the vault did not convert; set the content type of the certificate's \
         policy to application/x-pem-file and issue a new version, or convert it: openssl pkcs12 -in FILE -nodes"
    )]
    Pkcs12,
    /// A size that Graph does not take.
    #[error("it has {0} bits; Graph takes RSA keys of {BITS_LEAST} to {BITS_MOST} bits")]
    Size(usize),
}

/// Private keys by the id of their certificate. Several stand side by side, so that a
/// certificate can be replaced while items for the old one still arrive.
///
/// The keys live inside aws-lc, which wipes them when they are dropped.
#[derive(Default)]
pub struct DecryptionKeys(RwLock<BTreeMap<String, Held>>);

/// The keys of one id, the newest first.
type Held = Vec<Arc<OaepPrivateDecryptingKey>>;

/// As many keys of one id are kept: a secret without a version may be replaced under its id,
/// while items for the older certificate still arrive.
const KEPT: usize = 3;

impl DecryptionKeys {
    /// No key: every item with content waits for one.
    pub fn none() -> Self {
        Self::default()
    }

    /// Loads the keys of a list; `read` reads a file.
    ///
    /// # Errors
    /// Every key that cannot be used; the others are loaded, and items for the missing ones
    /// are answered 503 until they are there.
    pub fn load(
        entries: &[DecryptionKeyEntry],
        read: impl Fn(&std::path::Path) -> std::io::Result<String>,
    ) -> (Self, Vec<KeyFault>) {
        let keys = Self::none();
        let mut faults = Vec::new();
        for DecryptionKeyEntry { id, source } in entries {
            let pem = match source {
                KeySource::Pem(pem) => Ok(pem.clone()),
                KeySource::File(path) => match read(path) {
                    Ok(text) => Ok(SecretString::from(text)),
                    Err(error) => Err(KeyProblem::File(error.to_string())),
                },
                // Fetched later, by whoever keeps the keys of vaults.
                KeySource::Vault(_) => continue,
            };
            let loaded = match pem {
                Ok(pem) => keys.insert(id, &pem),
                Err(problem) => Err(KeyFault {
                    id: id.clone(),
                    problem,
                }),
            };
            faults.extend(loaded.err());
        }
        (keys, faults)
    }

    /// Adds a key. Older ones of the same id stay for a while and are tried after it.
    ///
    /// # Errors
    /// Where the PEM text holds no usable key; then nothing changes.
    pub fn insert(&self, id: &str, pem: &SecretString) -> Result<(), KeyFault> {
        match private_key(pem) {
            Ok(key) => {
                let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
                let held = all.entry(id.to_owned()).or_default();
                held.insert(0, Arc::new(key));
                held.truncate(KEPT);
                Ok(())
            }
            Err(problem) => Err(KeyFault {
                id: id.to_owned(),
                problem,
            }),
        }
    }

    /// The ids of the keys that are loaded.
    pub fn ids(&self) -> Vec<String> {
        self.all().keys().cloned().collect()
    }

    fn all(&self) -> RwLockReadGuard<'_, BTreeMap<String, Held>> {
        // A map has no state that a panic could leave half changed.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for DecryptionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl ContentKeys for DecryptionKeys {
    fn holds(&self, certificate_id: &str) -> bool {
        self.all().contains_key(certificate_id)
    }

    fn open(&self, sealed: &Sealed<'_>) -> Result<Opened, OpenError> {
        let parts = envelope::Parts::of(sealed).map_err(OpenError::Wrong)?;
        let held = self.all().get(parts.certificate_id).cloned();
        let Some(held) = held else {
            return Err(OpenError::NotLoaded {
                certificate_id: parts.certificate_id.chars().take(SHOWN_CHARS).collect(),
            });
        };
        let unwrapped = held.iter().find_map(|key| unwrap(key, &parts.key).ok());
        let symmetric = unwrapped.ok_or(OpenError::Wrong(Refusal::DataKey))?;
        let plaintext = envelope::open(&symmetric, parts).map_err(OpenError::Wrong)?;
        Ok(Opened::new(plaintext))
    }
}

/// RSA-OAEP with SHA-1 for both hashes and an empty label.
fn unwrap(
    key: &OaepPrivateDecryptingKey,
    wrapped: &[u8],
) -> Result<Zeroizing<[u8; SYMMETRIC_BYTES]>, Refusal> {
    let mut room = Zeroizing::new(vec![0; key.min_output_size()]);
    let plain = key
        .decrypt(&OAEP_SHA1_MGF1SHA1, wrapped, &mut room, None)
        .map_err(|_| Refusal::DataKey)?;
    let symmetric: &[u8; SYMMETRIC_BYTES] = (&*plain).try_into().map_err(|_| Refusal::DataKey)?;
    Ok(Zeroizing::new(*symmetric))
}

fn private_key(pem: &SecretString) -> Result<OaepPrivateDecryptingKey, KeyProblem> {
    let der = PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes())
        .map_err(|_| KeyProblem::NoKey)?;
    let key = match &der {
        PrivateKeyDer::Pkcs8(der) => PrivateDecryptingKey::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => {
            let wrapped = pkcs8_of(der.secret_pkcs1_der());
            PrivateDecryptingKey::from_pkcs8(&wrapped)
        }
        _ => return Err(KeyProblem::NotRsa),
    };
    let key = key.map_err(|_| KeyProblem::NotRsa)?;
    let bits = key.key_size_bits();
    if !(BITS_LEAST..=BITS_MOST).contains(&bits) {
        return Err(KeyProblem::Size(bits));
    }
    OaepPrivateDecryptingKey::new(key).map_err(|_| KeyProblem::NotRsa)
}

/// A PKCS#1 key in the PKCS#8 form that aws-lc reads (RFC 5208): version 0, the algorithm
/// rsaEncryption with NULL, the key as an octet string.
fn pkcs8_of(pkcs1: &[u8]) -> Zeroizing<Vec<u8>> {
    const HEAD: [u8; 18] = [
        0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
        0x01, 0x05, 0x00,
    ];
    let octets = length(pkcs1.len());
    let inner = HEAD.len() + 1 + octets.len() + pkcs1.len();
    let mut out = Zeroizing::new(Vec::with_capacity(inner + 8));
    out.push(0x30);
    out.extend_from_slice(&length(inner));
    out.extend_from_slice(&HEAD);
    out.push(0x04);
    out.extend_from_slice(&octets);
    out.extend_from_slice(pkcs1);
    out
}

/// A length in DER.
fn length(bytes: usize) -> Vec<u8> {
    if bytes < 0x80 {
        return vec![bytes as u8];
    }
    let digits = bytes.to_be_bytes();
    let from = digits.iter().position(|digit| *digit != 0).unwrap_or(0);
    let mut out = vec![0x80 | (digits.len() - from) as u8];
    out.extend_from_slice(&digits[from..]);
    out
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
