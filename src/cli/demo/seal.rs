//! The key to which Graph seals content in the story: made anew each time, and gone with the folder.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};

/// A certificate, and where its private key lies.
#[derive(Clone, Debug)]
pub(super) struct Seal {
    /// In PEM, as a declaration takes it.
    pub(super) certificate: String,
    /// The file with the private key, in PEM.
    pub(super) key_file: PathBuf,
}

impl Seal {
    /// Makes a pair, and writes the private key into the folder.
    ///
    /// # Errors
    /// Where this machine has no randomness, or the file cannot be written.
    pub(super) async fn make(folder: &Path) -> anyhow::Result<Self> {
        let key_file = folder.join("demo-key.pem");
        // Looking for large primes takes a core a while.
        let made = tokio::task::spawn_blocking(|| -> Result<_, rcgen::Error> {
            let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
            let own = CertificateParams::default().self_signed(&pair)?;
            Ok((own.pem(), pair.serialize_pem()))
        });
        let made = made.await.context("no key could be made")?;
        let (certificate, key) = made.context("no key could be made")?;
        std::fs::write(&key_file, key)
            .with_context(|| format!("could not write {}", key_file.display()))?;
        Ok(Self {
            certificate,
            key_file,
        })
    }
}
