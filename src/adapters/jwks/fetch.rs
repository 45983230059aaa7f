//! One fetch of published keys.

use futures::future::join_all;
use url::Url;

use super::set::KeySet;
use crate::adapters::outgoing::Outgoing;

/// Longest document that is read. Entra's has about 20 KB.
const DOCUMENT_BYTES: usize = 1024 * 1024;

/// Where keys are published.
#[derive(Debug)]
pub(super) struct Places {
    outgoing: Outgoing,
    addresses: Vec<Url>,
}

/// What a fetch brought.
pub(super) struct Fetched {
    /// The keys of all places that answered.
    pub(super) keys: KeySet,
    /// What the first place that did not answer said.
    pub(super) missing: Option<String>,
}

impl Places {
    pub(super) fn new(addresses: Vec<Url>, within: std::time::Duration) -> Self {
        let outgoing = match addresses.first() {
            Some(first) => Outgoing::to(first),
            None => Outgoing::anywhere(),
        };
        Self {
            outgoing: outgoing.answered_within(within),
            addresses,
        }
    }

    /// Asks every place at once.
    pub(super) async fn fetch(&self) -> Fetched {
        let mut fetched = Fetched {
            keys: KeySet::default(),
            missing: None,
        };
        if self.addresses.is_empty() {
            fetched.missing = Some("no address of published keys is set".to_owned());
        }
        for answer in join_all(self.addresses.iter().map(|one| self.ask(one))).await {
            match answer {
                Ok(keys) => fetched.keys.extend(keys),
                Err(why) => fetched.missing = fetched.missing.or(Some(why)),
            }
        }
        fetched
    }

    async fn ask(&self, address: &Url) -> Result<KeySet, String> {
        let fault = |why: &dyn std::fmt::Display| format!("{address}: {why}");
        let client = self.outgoing.client().map_err(|why| fault(&why))?;
        let answer = client.get(address.clone()).send().await;
        let mut answer = answer.map_err(|error| fault(&error.without_url()))?;
        if !answer.status().is_success() {
            return Err(fault(&format_args!("it answered {}", answer.status())));
        }
        let mut body = Vec::new();
        loop {
            let chunk = answer.chunk().await;
            let Some(chunk) = chunk.map_err(|error| fault(&error.without_url()))? else {
                break;
            };
            if body.len() + chunk.len() > DOCUMENT_BYTES {
                return Err(fault(&"its answer is longer than a list of keys"));
            }
            body.extend_from_slice(&chunk);
        }
        KeySet::parse(&body).ok_or_else(|| fault(&"its answer holds no RSA keys"))
    }
}
