//! What a kind says about one thing that it saw.

use std::fmt;
use std::sync::Arc;

/// The service's id of a thing. Where it came from an error body it is untrusted; the kind checks
/// its shape before it makes one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct HolderId(Arc<str>);

impl HolderId {
    /// An id as the service writes it.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// As the service writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HolderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose it is, by the kind's own rule. A thing that carries the token of this run is ours
/// whatever stands here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Ours {
    /// Provably ours: it carries our mark, or everything that has the natural key is ours.
    ByRule,
    /// Provably somebody else's. Never changed, never deleted.
    Foreign,
    /// This view of it does not show the mark. It is read by id once; where that shows nothing
    /// either, nothing is created beside it and nothing is done to it.
    Unknown,
}

/// How it differs from what is wanted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Drift {
    /// It is as wanted.
    None,
    /// A patch brings it there. The names of what differs.
    Patchable(Vec<String>),
    /// Nothing that we may do brings it there. The names of what differs.
    Fixed(Vec<String>),
}

/// In what condition it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Standing {
    /// It is there.
    Live,
    /// An accepted request is still making or changing it: polled until it stands.
    BeingMade,
    /// Deleted, but it holds its key and can be restored.
    SoftDeleted,
    /// It is being deleted and will free its key.
    BeingDeleted,
}

/// One thing with the natural key, as seen by one call. A thing of ours that an error body named
/// and that has another natural key differs for good: in its key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seen {
    /// Its id.
    pub id: HolderId,
    /// Whose it is by rule.
    pub ours: Ours,
    /// The intent token that it carries, where the kind can store one.
    pub token: Option<super::Token>,
    /// Its version (ETag), for conditional writes, where the service has versions.
    pub version: Option<String>,
    /// How it differs from what is wanted.
    pub drift: Drift,
    /// In what condition it is.
    pub standing: Standing,
    /// Whatever the kind wants to see again when it is to patch or restore this very thing (such
    /// as its content). The engine does not read it, and it is never written down.
    pub content: Option<Arc<str>>,
}

impl fmt::Debug for Seen {
    /// Without the content, which may hold what nobody but the kind should see.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen")
            .field("id", &self.id)
            .field("ours", &self.ours)
            .field("token", &self.token)
            .field("version", &self.version)
            .field("drift", &self.drift)
            .field("standing", &self.standing)
            .finish_non_exhaustive()
    }
}

impl Seen {
    /// A living thing of ours, as wanted, without version, token or content.
    pub fn ours(id: impl Into<Arc<str>>) -> Self {
        Self {
            id: HolderId::new(id),
            ours: Ours::ByRule,
            token: None,
            version: None,
            drift: Drift::None,
            standing: Standing::Live,
            content: None,
        }
    }
}

/// Everything with the natural key that one look showed: all pages, soft-deleted ones included
/// where the service lets us see them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Observation {
    /// The things, in any order.
    pub holders: Vec<Seen>,
    /// What was not seen (a page that could not be had, a nextLink that was not followed), in
    /// words. An incomplete look creates and deletes nothing.
    pub missing: Option<String>,
}

impl Observation {
    /// A look that saw everything.
    pub fn complete(holders: Vec<Seen>) -> Self {
        Self {
            holders,
            missing: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_does_not_print_itself() {
        let seen = Seen {
            content: Some(Arc::from("hunter2")),
            ..Seen::ours("x")
        };
        assert!(!format!("{seen:?}").contains("hunter2"));
    }
}
