//! The limit of rich notifications: bare RSA-2048 OAEP decryptions on all cores.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use tokio::time::Instant;

use super::load::{Round, own_time};

/// A key and something that is encrypted to it.
pub(super) struct Limit {
    key: OaepPrivateDecryptingKey,
    wrapped: Vec<u8>,
}

impl Limit {
    /// From a private key in PKCS#8, DER, and a wrapped key.
    pub(super) fn new(pkcs8: &[u8], wrapped: Vec<u8>) -> anyhow::Result<Self> {
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8).ok();
        let key = key.and_then(|key| OaepPrivateDecryptingKey::new(key).ok());
        let key = key.context("the private key cannot be used")?;
        Ok(Self { key, wrapped })
    }

    /// Decrypts on every core for so long.
    pub(super) async fn measure(self: Arc<Self>, measured: Duration) -> anyhow::Result<Round> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let begun = Instant::now();
        let threads: Vec<_> = (0..cores)
            .map(|_| {
                let limit = Arc::clone(&self);
                tokio::task::spawn_blocking(move || limit.decrypt_until(begun + measured))
            })
            .collect();
        let mut round = Round::default();
        for thread in threads {
            let (count, cpu) = thread.await??;
            round.items += count;
            round.server_cpu = round.server_cpu.unwrap_or_default().checked_add(cpu);
        }
        round.posts = round.items;
        round.took = begun.elapsed();
        Ok(round)
    }

    fn decrypt_until(&self, end: Instant) -> anyhow::Result<(u64, Duration)> {
        let before = own_time().unwrap_or_default();
        let mut room = vec![0; self.key.min_output_size()];
        let mut count = 0;
        while Instant::now() < end {
            let opened = self
                .key
                .decrypt(&OAEP_SHA1_MGF1SHA1, &self.wrapped, &mut room, None);
            opened.ok().context("a wrapped key does not open")?;
            count += 1;
        }
        Ok((count, own_time().unwrap_or_default().saturating_sub(before)))
    }
}
