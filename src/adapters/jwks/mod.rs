//! Validation tokens of rich notifications: the authority's published keys, and the check of a
//! token against them.
//!
//! ```no_run
//! # use evergraph::adapters::jwks::{AuthorityOptions, AuthorityTokens};
//! # let authority = url::Url::parse("https://login.microsoftonline.com").unwrap();
//! # let own = evergraph::domain::ids::AppId::parse("app").unwrap();
//! let tokens = AuthorityTokens::new(AuthorityOptions::of_authority(&authority, [own]));
//! ```

mod cache;
mod fetch;
mod jwt;
mod options;
mod remembered;
mod set;

pub use options::AuthorityOptions;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError, RwLock};

use jiff::Timestamp;

use self::cache::{KeyCache, Lookup};
use self::remembered::Remembered;
use crate::domain::ids::AppId;
use crate::domain::notification::refusal::TokenFault;
use crate::domain::notification::token::{Claims, Proven, TokenRules};
use crate::ports::keys::{PublisherTokens, TokenError};

/// Checks validation tokens. A genuine one is checked once, and remembered until it ends.
#[derive(Debug)]
pub struct AuthorityTokens {
    rules: RwLock<Rules>,
    keys: KeyCache,
    remembered: Mutex<Remembered>,
}

/// The rules, and whether every application of ours stands in them.
#[derive(Debug)]
struct Rules {
    rules: TokenRules,
    complete: bool,
}

impl Rules {
    fn check(&self, claims: &Claims, now: Timestamp) -> Result<Proven, TokenError> {
        match self.rules.check(claims, now) {
            Err(TokenFault::Audience) if !self.complete => Err(TokenError::Unchecked {
                why: "which applications are ours is not known yet".to_owned(),
            }),
            checked => checked.map_err(TokenError::Wrong),
        }
    }
}

impl AuthorityTokens {
    /// Nothing is fetched before the first token. The applications in the options are all there
    /// are, unless the port says otherwise.
    pub fn new(options: AuthorityOptions) -> Self {
        Self {
            rules: RwLock::new(Rules {
                rules: options.rules(),
                complete: true,
            }),
            keys: KeyCache::new(&options),
            remembered: Mutex::default(),
        }
    }

    /// Fetches the keys ahead of the first token. A failure shows there again.
    pub async fn warm(&self) {
        self.keys.refresh_if_due().await;
    }

    fn rules(&self) -> std::sync::RwLockReadGuard<'_, Rules> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, Remembered> {
        // A map has no state that a panic could leave half changed.
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl PublisherTokens for AuthorityTokens {
    fn applications(&self, known: BTreeSet<AppId>, complete: bool) {
        let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        rules.rules.audiences = known.into_iter().collect();
        rules.complete = complete;
    }

    async fn check(&self, token: &str, now: Timestamp) -> Result<Proven, TokenError> {
        let hash = remembered::hash(token);
        let skew = self.rules().rules.skew;
        if let Some(proven) = self.remembered().get(&hash, now, skew) {
            return Ok(proven);
        }
        // Claims first: what is wrong anyway costs no call of the authority.
        let parsed = jwt::read(token).map_err(TokenError::Wrong)?;
        let proven = self.rules().check(&parsed.claims, now)?;
        let key = match self.keys.find(&parsed.kid).await {
            Lookup::Found(key) => key,
            Lookup::Absent => return Err(TokenError::Wrong(TokenFault::UnknownKey)),
            Lookup::Unknown { why } => return Err(TokenError::Unchecked { why }),
        };
        if !key.speaks_for(&proven.tenant) {
            return Err(TokenError::Wrong(TokenFault::Issuer));
        }
        jwt::verify(token, &key.key).map_err(TokenError::Wrong)?;
        self.remembered().enter(hash, proven.clone(), now);
        Ok(proven)
    }
}

#[cfg(test)]
mod tests;
