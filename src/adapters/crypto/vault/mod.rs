//! Private keys from secrets of Key Vault: fetched beside everything else, kept, and looked for
//! again when an item asks for a certificate that is not there.
//!
//! A certificate of Key Vault is a secret of the same name as well, which holds its private key
//! (learn.microsoft.com/azure/key-vault/certificates/about-certificates). Nothing here stops
//! or delays a start: until a key is there, its items are answered 503.

mod fetch;
mod secret;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use secrecy::SecretString;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::keys::{DecryptionKeys, KeyProblem};
use super::list::{ANY, DecryptionKeyEntry, KeySource};
use crate::domain::notification::Sealed;
use crate::domain::notification::refusal::Refusal;
use crate::ports::keys::{ContentKeys, OpenError, Opened};
pub use fetch::KeyVaultSecrets;
pub use secret::VaultSecret;
use watch::Watch;

/// A secret as a vault gave it.
pub struct Fetched {
    /// Its text; PEM, if it can be used.
    pub text: SecretString,
    /// Its version.
    pub version: String,
}

/// A secret that was not had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultFault {
    /// The vault, or who gives tokens for it, did not answer: later.
    #[error("{0} did not answer: {1}")]
    Unavailable(String, String),
    /// The vault does not let us, or there is no such secret: tell a human. Tried again all the
    /// same, since humans mend it outside.
    #[error("{0} {1}")]
    Denied(String, String),
    /// It was had, and is no key.
    #[error("{0} cannot be used: {1}")]
    Unusable(String, KeyProblem),
}

/// Reads secrets.
///
/// # Cancellation
/// Dropping the future leaves nothing behind.
#[async_trait::async_trait]
pub trait Secrets: Send + Sync {
    /// The secret in its version, or in its newest where none is named.
    async fn fetch(&self, secret: &VaultSecret) -> Result<Fetched, VaultFault>;
}

/// Versions that items asked for and no setting names, at most at once.
const UNNAMED_MOST: usize = 16;

/// While nothing is due, the keeper sleeps for this long; it is woken before.
const IDLE: Duration = Duration::from_secs(24 * 60 * 60);

/// The keys of files and settings, and those of vaults beside them.
pub struct VaultKeys {
    keys: DecryptionKeys,
    watched: Mutex<Vec<Watch>>,
    any: Option<VaultSecret>,
    secrets: Arc<dyn Secrets>,
    asked: Notify,
}

impl VaultKeys {
    /// Keys that are there, and entries whose keys lie in vaults; others are left out. Nothing
    /// is fetched before [`Self::keep`].
    pub fn new(
        keys: DecryptionKeys,
        entries: &[DecryptionKeyEntry],
        secrets: Arc<dyn Secrets>,
    ) -> Arc<Self> {
        let mut watched = Vec::new();
        let mut any = None;
        for entry in entries {
            match &entry.source {
                KeySource::Vault(secret) if entry.id == ANY => any = Some(secret.clone()),
                KeySource::Vault(secret) => {
                    watched.push(Watch::named(entry.id.clone(), secret.clone()));
                }
                KeySource::File(_) | KeySource::Pem(_) => {}
            }
        }
        Arc::new(Self {
            keys,
            watched: Mutex::new(watched),
            any,
            secrets,
            asked: Notify::new(),
        })
    }

    /// Fetches what is missing, with growing waits, and what items ask for. Never ends; run it
    /// as a task of its own.
    ///
    /// # Cancellation
    /// Keys that were fetched stay.
    pub async fn keep(self: Arc<Self>) {
        loop {
            let due = self.due(Instant::now());
            join_all(due.into_iter().map(|one| self.fetch(one))).await;
            let next = self.watched().iter().filter_map(Watch::next).min();
            let next = next.unwrap_or_else(|| Instant::now() + IDLE);
            tokio::select! {
                () = sleep_until(next) => {}
                () = self.asked.notified() => {}
            }
        }
    }

    fn due(&self, now: Instant) -> Vec<(String, VaultSecret)> {
        let mut watched = self.watched();
        let due = watched.iter_mut().filter(|one| one.is_due(now));
        due.map(|one| one.begin(now)).collect()
    }

    async fn fetch(&self, (id, secret): (String, VaultSecret)) {
        let fetched = self.secrets.fetch(&secret).await;
        let known = {
            let watched = self.watched();
            let one = watched.iter().find(|one| one.id == id);
            one.and_then(|one| one.version.clone())
        };
        let outcome = fetched.and_then(|Fetched { text, version }| {
            if known.as_ref() != Some(&version) {
                let problem = self.keys.insert(&id, &text).err();
                if let Some(fault) = problem {
                    return Err(VaultFault::Unusable(secret.to_string(), fault.problem));
                }
                tracing::info!("the decryption key {id:?} was loaded from {secret}");
            }
            Ok(version)
        });
        match &outcome {
            Ok(_) => {}
            Err(fault @ VaultFault::Unavailable(..)) => {
                tracing::warn!("the decryption key {id:?} is not loaded yet: {fault}");
            }
            Err(fault) => tracing::error!(
                "the decryption key {id:?} is not loaded, and its items are answered 503: {fault}"
            ),
        }
        let chance = fastrand::Rng::new().u16(0..1000);
        let mut watched = self.watched();
        if let Some(one) = watched.iter_mut().find(|one| one.id == id) {
            one.end(Instant::now(), outcome.ok(), chance);
        }
    }

    fn watched(&self) -> MutexGuard<'_, Vec<Watch>> {
        // No panic can leave a half changed entry behind.
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An item needs a key that is not there: it is looked for, now or soon.
    fn miss(&self, id: &str) {
        let now = Instant::now();
        {
            let mut watched = self.watched();
            match watched.iter_mut().find(|one| one.id == id) {
                Some(one) => one.ask(now),
                None => {
                    let Some(any) = self.any.as_ref().filter(|_| is_version(id)) else {
                        return;
                    };
                    make_room(&mut watched);
                    let secret = any.in_version(id);
                    watched.push(Watch::unnamed(id.to_owned(), secret));
                }
            }
        }
        self.asked.notify_one();
    }

    /// A key was there and did not fit: whether another version may have taken its place since
    /// the vault was last asked. It is asked then.
    fn may_have_changed(&self, id: &str) -> bool {
        let changed = {
            let mut watched = self.watched();
            let one = watched.iter_mut().find(|one| one.id == id);
            one.is_some_and(|one| one.doubt(Instant::now()))
        };
        if changed {
            self.asked.notify_one();
        }
        changed
    }
}

/// The oldest unnamed one goes where there are too many; its key stays where it was loaded.
fn make_room(watched: &mut Vec<Watch>) {
    let unnamed = watched.iter().filter(|one| !one.named).count();
    if unnamed >= UNNAMED_MOST
        && let Some(oldest) = watched.iter().position(|one| !one.named)
    {
        watched.remove(oldest);
    }
}

/// What a version of Key Vault looks like: 32 hex digits.
fn is_version(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl ContentKeys for VaultKeys {
    fn holds(&self, certificate_id: &str) -> bool {
        self.keys.holds(certificate_id)
    }

    fn expects(&self, certificate_id: &str) -> bool {
        if self.keys.holds(certificate_id) {
            return false;
        }
        let named = self.watched().iter().any(|one| one.id == certificate_id);
        named || (self.any.is_some() && is_version(certificate_id))
    }

    fn open(&self, sealed: &Sealed<'_>) -> Result<Opened, OpenError> {
        let opened = self.keys.open(sealed);
        match &opened {
            Err(OpenError::NotLoaded { certificate_id }) => self.miss(certificate_id),
            Err(OpenError::Wrong(Refusal::DataKey)) => {
                let id = sealed.certificate_id.as_deref().unwrap_or_default();
                if self.may_have_changed(id) {
                    let certificate_id = id.to_owned();
                    return Err(OpenError::NotLoaded { certificate_id });
                }
            }
            _ => {}
        }
        opened
    }
}
