//! Durable documents with conditional writes and leases: the smallest vocabulary that
//! memory, local files and Blob Storage can all keep.

use std::fmt;
use std::time::Duration;

/// The name of a document: path segments of `a-z`, `0-9`, `.`, `_` and `-`, joined by `/`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DocName(String);

impl DocName {
    /// Reads a name. `None` where a character or a segment (empty, `.`, `..`) is not allowed.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |segment: &str| {
            !segment.is_empty()
                && !segment.starts_with('.')
                && segment.bytes().all(|b| {
                    b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-')
                })
        };
        let ok = text.len() <= 200 && text.split('/').all(fits);
        ok.then(|| Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DocName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An opaque mark of one written version. Two writes never share one, even with equal bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version(pub String);

/// A document as read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its version.
    pub version: Version,
}

/// Proof that we took the lease of a document. Only the store that gave it knows its meaning.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaseId(pub String);

/// A storage call that failed, by what the caller must do next.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Somebody else holds the lease: come back after its term.
    #[error("another worker holds the lease on {name}")]
    Held {
        /// The document.
        name: DocName,
    },
    /// Our lease is no longer ours: stop at once, others may have acted.
    #[error("our lease on {name} was lost")]
    Lost {
        /// The document.
        name: DocName,
    },
    /// The document is not in the version that we read: read again.
    #[error("{name} was changed by another writer")]
    Changed {
        /// The document.
        name: DocName,
    },
    /// It exists already.
    #[error("{name} exists already")]
    Exists {
        /// The document.
        name: DocName,
    },
    /// It does not exist.
    #[error("{name} does not exist")]
    Absent {
        /// The document.
        name: DocName,
    },
    /// The store did not answer. A write may have taken effect: read again before believing either.
    #[error("the state store did not answer for {name}: {why}")]
    Unavailable {
        /// The document, or a prefix.
        name: String,
        /// What happened, secrets removed.
        why: String,
    },
    /// The store does not let us, or is set up wrongly: tell a human.
    #[error("the state store refuses {name}: {why}")]
    Denied {
        /// The document, or a prefix.
        name: String,
        /// What to mend.
        why: String,
    },
}

/// A store of small documents.
///
/// # Guarantees
/// - `create` succeeds for exactly one of several callers.
/// - `write` succeeds only for the version given and, where the document has a lease that has
///   not lapsed, only for its holder; given a lease, only while exactly that lease is held.
/// - A lease lapses by itself after its term, counted from its last renewal.
/// - A reader never sees half a document.
///
/// # Cancellation
/// A dropped future may or may not have taken effect.
#[async_trait::async_trait]
pub trait StateStore: Send + Sync {
    /// For people: where the documents are, secrets removed.
    fn place(&self) -> String;

    /// The shortest and the longest lease term that the store can keep.
    fn lease_terms(&self) -> (Duration, Duration);

    /// Reads a document; `None` only where it certainly does not exist.
    async fn read(&self, name: &DocName) -> Result<Option<Stored>, StateError>;

    /// Creates a document. [`StateError::Exists`] where one is there.
    async fn create(&self, name: &DocName, bytes: Vec<u8>) -> Result<Version, StateError>;

    /// Replaces exactly the version given.
    /// [`StateError::Changed`] for another version, [`StateError::Lost`] where the given lease
    /// is not the one held, [`StateError::Held`] where none is given and another is held,
    /// [`StateError::Absent`] where the document is gone.
    async fn write(
        &self,
        name: &DocName,
        bytes: Vec<u8>,
        expected: &Version,
        lease: Option<&LeaseId>,
    ) -> Result<Version, StateError>;

    /// Creates or replaces, whatever is there. For documents that nobody leases.
    async fn put(&self, name: &DocName, bytes: Vec<u8>) -> Result<(), StateError>;

    /// Removes a document; its absence is a success.
    async fn delete(&self, name: &DocName) -> Result<(), StateError>;

    /// The names that begin with `prefix` (whole segments, ending in `/`), in order, at most `limit`.
    async fn list(&self, prefix: &str, limit: usize) -> Result<Vec<DocName>, StateError>;

    /// Takes the lease of an existing document for `term`.
    /// [`StateError::Held`] while another lease stands, [`StateError::Absent`] without a document.
    async fn acquire(&self, name: &DocName, term: Duration) -> Result<LeaseId, StateError>;

    /// Begins the term of the lease anew. [`StateError::Lost`] where it is no longer ours.
    /// A lapsed lease that nobody took since may be renewed, as Blob Storage allows.
    async fn renew(&self, name: &DocName, lease: &LeaseId) -> Result<(), StateError>;

    /// Gives the lease back. [`StateError::Lost`] where it is no longer ours.
    async fn release(&self, name: &DocName, lease: &LeaseId) -> Result<(), StateError>;
}
