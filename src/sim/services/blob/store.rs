//! What the account holds.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::leases::Lease;

/// A deleted container keeps its name at least this long
/// (<https://learn.microsoft.com/rest/api/storageservices/delete-container>).
const DELETION: SignedDuration = SignedDuration::from_secs(30);

/// The account.
#[derive(Debug, Default)]
pub(super) struct State {
    pub containers: BTreeMap<String, Container>,
    /// Containers that are being deleted, and until when.
    pub deleting: BTreeMap<String, Timestamp>,
    numbers: u64,
}

/// A container.
#[derive(Debug, Default)]
pub(super) struct Container {
    pub blobs: BTreeMap<String, Blob>,
}

/// A blob.
#[derive(Clone, Debug)]
pub(super) struct Blob {
    pub content: Vec<u8>,
    pub content_type: String,
    pub metadata: Vec<(String, String)>,
    pub etag: String,
    pub modified: Timestamp,
    pub lease: Lease,
    pub snapshots: u32,
    /// A copy onto it is under way until then.
    pub copied_until: Option<Timestamp>,
    /// A legal hold lies on it.
    pub held: bool,
}

impl State {
    /// Ends what is over.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.deleting.retain(|_, until| *until > now);
    }

    /// A new version, never the same twice.
    pub(super) fn etag(&mut self) -> String {
        format!("\"0x8D{:012X}\"", self.number())
    }

    /// An id as the service's.
    pub(super) fn request_id(&mut self) -> String {
        format!("{:08x}-001e-006f-1fb1-67ad25000000", self.number())
    }

    /// Begins the deletion of a container.
    pub(super) fn delete(&mut self, container: &str, now: Timestamp) {
        if self.containers.remove(container).is_some() {
            self.deleting.insert(container.to_owned(), now + DELETION);
        }
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }
}
