//! Tokens that were checked, by their hash: Graph sends the same one with many notifications.

use std::collections::HashMap;

use aws_lc_rs::digest;
use jiff::{SignedDuration, Timestamp};

use crate::domain::notification::token::Proven;

/// How many tokens are remembered: one for each application and tenant within a day. About
/// 1 MB at most.
const TOKENS: usize = 4096;

/// SHA-256 of a token. The token itself is not kept.
pub(super) type Hash = [u8; 32];

pub(super) fn hash(token: &str) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    hash
}

/// What tokens proved. Only genuine ones enter, so that a flood of forged ones forgets none.
#[derive(Debug, Default)]
pub(super) struct Remembered(HashMap<Hash, Proven>);

impl Remembered {
    pub(super) fn get(&self, hash: &Hash, now: Timestamp, skew: SignedDuration) -> Option<Proven> {
        let proven = self.0.get(hash)?;
        (now.duration_since(proven.until) < skew).then(|| proven.clone())
    }

    pub(super) fn enter(&mut self, hash: Hash, proven: Proven, now: Timestamp) {
        if self.0.len() >= TOKENS {
            self.0.retain(|_, proven| proven.until > now);
        }
        if self.0.len() >= TOKENS
            && let Some((first, _)) = self.0.iter().min_by_key(|(_, proven)| proven.until)
        {
            let first = *first;
            self.0.remove(&first);
        }
        self.0.insert(hash, proven);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AppId, TenantId};

    fn proven(second: i64) -> Proven {
        Proven {
            tenant: TenantId::parse("84bd8158-6d4d-4958-8b9f-9d6445542f95").unwrap(),
            application: AppId::parse("app").unwrap(),
            until: Timestamp::from_second(second).unwrap(),
        }
    }

    #[test]
    fn a_token_is_remembered_until_its_end_and_the_memory_is_bounded() {
        let mut memory = Remembered::default();
        let (now, skew) = (Timestamp::UNIX_EPOCH, SignedDuration::ZERO);
        let end = Timestamp::from_second(5000).unwrap();
        for number in 0..5000_i64 {
            memory.enter(hash(&number.to_string()), proven(5000 + number), now);
        }
        assert_eq!(memory.0.len(), TOKENS);
        assert!(memory.get(&hash("4999"), now, skew).is_some());
        assert!(memory.get(&hash("0"), now, skew).is_none());
        memory.enter(hash("x"), proven(5000), now);
        assert!(memory.get(&hash("x"), now, skew).is_some());
        assert!(memory.get(&hash("x"), end, skew).is_none());
    }
}
