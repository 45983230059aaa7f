//! The other door: what a person does in the portal.

use jiff::SignedDuration;

use super::leases::Lease;
use super::store::{Blob, Container};
use super::{BlobService, Shown};

/// Why the portal refuses.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct PortalRefusal(pub String);

impl BlobService {
    /// Creates a container.
    pub fn portal_create_container(&self, name: &str) {
        self.with(|state, _| {
            state
                .containers
                .insert(name.to_owned(), Container::default());
        });
    }

    /// Deletes a container; its name stays taken for half a minute.
    pub fn portal_delete_container(&self, name: &str) {
        self.with(|state, now| state.delete(name, now));
    }

    /// Uploads a file. Without the tick at "overwrite" a blob that exists is left alone; with
    /// it, it is replaced without any condition, metadata included.
    ///
    /// # Errors
    /// Where the container is not there, or the blob exists and the tick is missing.
    pub fn portal_upload(
        &self,
        container: &str,
        name: &str,
        content: &[u8],
        overwrite: bool,
    ) -> Result<(), PortalRefusal> {
        self.with(|state, now| {
            let etag = state.etag();
            let held = state.containers.get_mut(container);
            let held =
                held.ok_or_else(|| PortalRefusal(format!("there is no container {container}")))?;
            let there = held.blobs.get(name);
            if there.is_some() && !overwrite {
                let words = format!("{name} exists already; tick \"overwrite\" to replace it");
                return Err(PortalRefusal(words));
            }
            let blob = Blob {
                content: content.to_vec(),
                content_type: "application/octet-stream".to_owned(),
                metadata: Vec::new(),
                etag,
                modified: now,
                lease: there.map_or(Lease::Available, |blob| blob.lease.clone()),
                snapshots: 0,
                copied_until: None,
                held: false,
            };
            held.blobs.insert(name.to_owned(), blob);
            Ok(())
        })
    }

    /// Deletes a blob, snapshots included.
    pub fn portal_delete(&self, container: &str, name: &str) {
        self.with(|state, _| {
            if let Some(held) = state.containers.get_mut(container) {
                held.blobs.remove(name);
            }
        });
    }

    /// Takes a lease without end.
    ///
    /// # Errors
    /// Where the blob is not there, or somebody holds its lease.
    pub fn portal_lease(&self, container: &str, name: &str) -> Result<(), PortalRefusal> {
        const PERSON: &str = "0d0d0d0d-0000-4000-8000-00000000beef";
        self.lease_as(container, name, PERSON, -1)
    }

    /// Takes a lease in the name of another program, for a term in seconds.
    ///
    /// # Errors
    /// Where the blob is not there, or somebody holds its lease.
    pub fn lease_as(
        &self,
        container: &str,
        name: &str,
        id: &str,
        term_s: i64,
    ) -> Result<(), PortalRefusal> {
        let now = self.clock.read();
        self.change(container, name, |blob| {
            let taken = blob.lease.acquire(id, term_s, now);
            taken.map_err(|refusal| PortalRefusal(refusal.words.to_owned()))
        })?
    }

    /// The button "break lease": at once.
    ///
    /// # Errors
    /// Where the blob is not there, or has no lease.
    pub fn portal_break_lease(&self, container: &str, name: &str) -> Result<(), PortalRefusal> {
        let now = self.clock.read();
        self.change(container, name, |blob| {
            let broken = blob.lease.break_within(0, now);
            broken.map_err(|refusal| PortalRefusal(refusal.words.to_owned()))
        })?
    }

    /// Adds metadata.
    ///
    /// # Errors
    /// Where the blob is not there.
    pub fn portal_metadata(
        &self,
        container: &str,
        name: &str,
        key: &str,
        value: &str,
    ) -> Result<(), PortalRefusal> {
        let etag = self.with(|state, _| state.etag());
        self.change(container, name, |blob| {
            blob.metadata.push((key.to_owned(), value.to_owned()));
            blob.etag = etag;
        })
    }

    /// Puts a blob back as it was once shown, as another process of its owner would write it.
    pub fn restore_as_it_was(&self, container: &str, name: &str, shown: &Shown) {
        let uploaded = self.portal_upload(container, name, &shown.content, true);
        let marked = self.change(container, name, |blob| {
            blob.metadata.clone_from(&shown.metadata);
            blob.content_type = "application/json".to_owned();
        });
        if let Err(refusal) = uploaded.and(marked) {
            tracing::warn!("the blob could not be put back: {refusal}");
        }
    }

    /// Takes a snapshot.
    ///
    /// # Errors
    /// Where the blob is not there.
    pub fn portal_snapshot(&self, container: &str, name: &str) -> Result<(), PortalRefusal> {
        self.change(container, name, |blob| blob.snapshots += 1)
    }

    /// Puts a legal hold on a blob, or lifts it.
    ///
    /// # Errors
    /// Where the blob is not there.
    pub fn portal_legal_hold(
        &self,
        container: &str,
        name: &str,
        held: bool,
    ) -> Result<(), PortalRefusal> {
        self.change(container, name, |blob| blob.held = held)
    }

    /// Begins a copy onto a blob that takes so many seconds.
    ///
    /// # Errors
    /// Where the blob is not there.
    pub fn portal_copy(
        &self,
        container: &str,
        name: &str,
        for_s: i64,
    ) -> Result<(), PortalRefusal> {
        let until = self.clock.read() + SignedDuration::from_secs(for_s);
        self.change(container, name, |blob| blob.copied_until = Some(until))
    }

    fn change<T>(
        &self,
        container: &str,
        name: &str,
        change: impl FnOnce(&mut Blob) -> T,
    ) -> Result<T, PortalRefusal> {
        self.with(|state, _| {
            let held = state.containers.get_mut(container);
            let blob = held.and_then(|held| held.blobs.get_mut(name));
            let absent = || PortalRefusal(format!("there is no blob {container}/{name}"));
            blob.map(change).ok_or_else(absent)
        })
    }
}
