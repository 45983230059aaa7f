//! Keys that prove who published a notification, and that open its content.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use secrecy::zeroize::Zeroizing;

use crate::domain::ids::AppId;
use crate::domain::notification::Sealed;
use crate::domain::notification::refusal::{Refusal, TokenFault};
use crate::domain::notification::token::Proven;

/// A validation token that proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is wrong: what leans on it is forged.
    #[error("the validation token is wrong: {}", .0.as_str())]
    Wrong(TokenFault),
    /// The authority's keys could not be had, so it cannot be told. Try later.
    #[error("the validation token could not be checked: {why}")]
    Unchecked {
        /// What happened.
        why: String,
    },
}

/// Checks the tokens by which the publisher of rich notifications identifies itself.
///
/// # Cancellation
/// Dropping the future loses nothing: keys that are being fetched arrive all the same.
#[async_trait::async_trait]
pub trait PublisherTokens: Send + Sync {
    /// Tells which applications are ours: a token must be for one of them. While `complete` is
    /// false there may be others, and a token for one of those cannot be checked yet.
    fn applications(&self, known: BTreeSet<AppId>, complete: bool) {
        let _: (BTreeSet<AppId>, bool) = (known, complete);
    }

    /// Checks signature and claims at this moment.
    async fn check(&self, token: &str, now: Timestamp) -> Result<Proven, TokenError>;
}

/// Content as it came out of its envelope. Wiped when dropped, and never printed.
pub struct Opened(Zeroizing<Vec<u8>>);

impl Opened {
    /// Wraps the plaintext.
    pub fn new(plaintext: Zeroizing<Vec<u8>>) -> Self {
        Self(plaintext)
    }

    /// The plaintext: JSON of the resource, if it is genuine.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened({} bytes)", self.0.len())
    }
}

/// An envelope that does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is not what Graph sealed: forged or damaged.
    #[error("the encrypted content does not open: {0}")]
    Wrong(Refusal),
    /// The private key of the certificate that it names is not loaded. Try later.
    #[error("no private key is loaded for the certificate {certificate_id:?}")]
    NotLoaded {
        /// The id in the envelope, cut to a printable length.
        certificate_id: String,
    },
}

/// Holds the private keys to which Graph encrypts resource data.
pub trait ContentKeys: Send + Sync {
    /// Whether the private key of the certificate is loaded.
    fn holds(&self, certificate_id: &str) -> bool;

    /// Whether the key is not loaded but on its way, so that its absence is no mistake yet.
    fn expects(&self, _certificate_id: &str) -> bool {
        false
    }

    /// Opens an envelope. The signature is checked before anything is decrypted.
    ///
    /// Keeps a core busy for one RSA operation: a quarter of a millisecond to two, by the length
    /// of the key. Others should have their turn between two of them.
    fn open(&self, sealed: &Sealed<'_>) -> Result<Opened, OpenError>;
}
