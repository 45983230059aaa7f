//! What the engine must know of a kind, and what a run may spend.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::HolderId;

/// The mark of one run: written into what it creates where the kind can store it, and sent as the
/// client's request id where the service takes one. Tells a thing that our own lost request made
/// from anybody else's. Not a secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Token(Arc<str>);

impl Token {
    /// A token. Unique for each run: drawn by the caller.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A create of an earlier run whose outcome nobody knows.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct OpenCreate {
    /// Its token.
    pub token: Token,
    /// How long before the start of this run it was sent.
    pub age: Duration,
}

/// What the engine must know of a kind and of one wanted thing.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Facts {
    /// The id under which a ledger remembers the thing: read first, before any list.
    pub known: Option<HolderId>,
    /// A create of an earlier run that is still open.
    pub open: Option<OpenCreate>,
    /// Whether the service lets only one thing have the natural key, so that a foreign one
    /// excludes ours. Where not, foreign ones are left alone until a refusal points at them.
    pub exclusive: bool,
    /// How long something new may stay invisible: no second create before it has passed since
    /// the first. 60 s for directories (replication; facts of `NotVisibleYet`).
    pub hidden_for: Duration,
    /// Whether the operator's policy lets a soft-deleted thing of ours be restored: that brings
    /// back old content and permissions too.
    pub restore: bool,
    /// Whether surplus among our own duplicates may be deleted.
    pub collapse: bool,
    /// The term of the lease that others may hold on it, where it is known: a held lease is then
    /// waited for as long as its term and ten seconds instead of five minutes.
    pub lease_term: Option<Duration>,
}

impl Default for Facts {
    /// Exclusive, hidden for at most a minute, nothing restored, duplicates collapsed.
    fn default() -> Self {
        Self {
            known: None,
            open: None,
            exclusive: true,
            hidden_for: Duration::from_secs(60),
            restore: false,
            collapse: true,
            lease_term: None,
        }
    }
}

/// What one run may spend.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Limits {
    /// Time from the start. No wait is begun that would end later.
    pub total: Duration,
    /// Calls of the service. Every run ends within them, whatever is answered.
    pub calls: u32,
    /// Creates, whatever became of them. Two: the second only after everything was seen again
    /// and did not show the first.
    pub creates: u32,
}

impl Default for Limits {
    /// 20 minutes, so that the longest budget of a cause (15 minutes, an operation in progress)
    /// fits; and 200 calls: the longest regular story (polling for 15 minutes every 5 to 60 s)
    /// takes fewer than half of them.
    fn default() -> Self {
        Self {
            total: Duration::from_secs(20 * 60),
            calls: 200,
            creates: 2,
        }
    }
}
