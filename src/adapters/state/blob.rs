//! State in Azure Blob Storage: one block blob for each document, its lease on the blob itself,
//! so that the service refuses a write by anyone who lost it.
//!
//! Versions are ETags. Every call is one attempt: the passes above decide what to repeat. The
//! container is made at the first write that misses it.

mod address;
mod outcome;

use std::fmt;
use std::future::Future;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::http::Etag;
use azure_storage_blob::models::{
    BlobClientAcquireLeaseResultHeaders as _, BlobClientDownloadOptions,
    BlobContainerClientListBlobsOptions, BlockBlobClientUploadOptions,
};
use azure_storage_blob::{BlobClient, BlobContainerClient, BlobContainerClientOptions};
use bytes::Bytes;
use futures::TryStreamExt as _;

use self::address::Address;
use self::outcome::Meaning;
use super::{LONGEST_TERM, check_term};
use crate::adapters::azure::client_options;
use crate::adapters::words::without_queries;
use crate::ports::state::{DocName, LeaseId, StateError, StateStore, Stored, Version};

/// Source: learn.microsoft.com/rest/api/storageservices/lease-blob, "between 15 and 60 seconds".
const SHORTEST_TERM: Duration = Duration::from_secs(15);

/// How long one operation may take, answer included.
const BUDGET: Duration = Duration::from_secs(10);

/// How long a renewal may take. Renewals begin after a third of the term, so one that hangs
/// must be given up before the second third ends, and a next one still finds the lease standing.
const RENEWAL_BUDGET: Duration = Duration::from_secs(4);

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// What the service is told, so that it does not carry out what we gave up: whole seconds.
const SERVER_BUDGET_S: i32 = 10;

/// Documents up to this size are read by one request, so that no read can straddle a write.
/// Larger ones are read in ranges that all demand the first one's ETag.
const ONE_READ: NonZero<usize> = NonZero::new(256 << 20).unwrap();

/// The most names that one page of a listing holds. Source: "up to 5,000 items",
/// learn.microsoft.com/rest/api/storageservices/list-blobs.
const PAGE: usize = 5000;

/// State in one container. Clones share its connections.
///
/// # Cancellation
/// A dropped call may still take effect at the service.
#[derive(Clone)]
pub struct BlobStore {
    container: Arc<BlobContainerClient>,
    place: String,
}

impl fmt::Debug for BlobStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobStore({})", self.place)
    }
}

impl BlobStore {
    /// Opens a container by its URL; nothing is sent yet. A SAS in the query is used as it is,
    /// and the credential is left aside then.
    ///
    /// # Errors
    /// [`StateError::Denied`] where the URL is no container's, or neither a SAS nor a
    /// credential is there, or a token would travel over plain http.
    pub fn open(
        container: &str,
        credential: Option<Arc<dyn TokenCredential>>,
    ) -> Result<Self, StateError> {
        let address = Address::parse(container)?;
        let credential = address.credential(credential)?;
        let place = address.place();
        let failed = |why: String| StateError::Denied {
            name: place.clone(),
            why,
        };
        let options = BlobContainerClientOptions {
            client_options: client_options(address.is_loopback(), CONNECT, Some(BUDGET))
                .map_err(failed)?,
            ..BlobContainerClientOptions::default()
        };
        let container = BlobContainerClient::new(address.into_url(), credential, Some(options))
            .map_err(|error| failed(without_queries(&error.to_string())))?;
        Ok(Self {
            container: Arc::new(container),
            place,
        })
    }

    fn blob(&self, name: &DocName) -> BlobClient {
        self.container.blob_client(name.as_str())
    }

    async fn upload(
        &self,
        name: &DocName,
        bytes: Bytes,
        conditions: BlockBlobClientUploadOptions<'_>,
    ) -> azure_core::Result<Option<Version>> {
        let options = BlockBlobClientUploadOptions {
            // One Put Blob, never blocks: the conditions then hold for the whole of it.
            partition_size: Some(NonZero::<u64>::MAX),
            per_request_timeout: Some(SERVER_BUDGET_S),
            ..conditions
        };
        let blob = self.blob(name);
        let result = blob.upload(bytes.into(), Some(options)).await?;
        Ok(result.etag.map(|etag| Version(etag.into())))
    }

    /// Uploads, and makes the container if that is what was missing.
    async fn upload_anyway(
        &self,
        name: &DocName,
        bytes: Vec<u8>,
        conditions: BlockBlobClientUploadOptions<'_>,
    ) -> azure_core::Result<Option<Version>> {
        let bytes = Bytes::from(bytes);
        match self.upload(name, bytes.clone(), conditions.clone()).await {
            Err(error) if outcome::misses_container(&error) => {
                match self.container.create(None).await {
                    Err(error) if !outcome::found_container(&error) => return Err(error),
                    _ => tracing::info!("made the container {}", self.place),
                }
                self.upload(name, bytes, conditions).await
            }
            other => other,
        }
    }
}

async fn within_budget<T>(
    name: &str,
    operation: impl Future<Output = azure_core::Result<T>>,
) -> Result<T, Meaning> {
    within(BUDGET, name, operation).await
}

/// Runs one operation, gives it up after its budget, and translates its failure.
async fn within<T>(
    budget: Duration,
    name: &str,
    operation: impl Future<Output = azure_core::Result<T>>,
) -> Result<T, Meaning> {
    match tokio::time::timeout(budget, operation).await {
        Ok(result) => result.map_err(|error| outcome::meaning(name, &error)),
        Err(_) => Err(Meaning::Other(StateError::Unavailable {
            name: name.to_owned(),
            why: format!("no answer within {} s", budget.as_secs()),
        })),
    }
}

fn versioned(name: &DocName, version: Option<Version>) -> Result<Version, StateError> {
    version.ok_or_else(|| StateError::Unavailable {
        name: name.to_string(),
        why: "the answer carries no ETag".to_owned(),
    })
}

#[async_trait::async_trait]
impl StateStore for BlobStore {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn lease_terms(&self) -> (Duration, Duration) {
        (SHORTEST_TERM, LONGEST_TERM)
    }

    async fn read(&self, name: &DocName) -> Result<Option<Stored>, StateError> {
        let blob = self.blob(name);
        let options = BlobClientDownloadOptions {
            partition_size: Some(ONE_READ),
            ..BlobClientDownloadOptions::default()
        };
        let outcome = within_budget(name.as_str(), async {
            let answer = blob.download(Some(options)).await?;
            let bytes = answer.body.collect().await?;
            Ok((bytes, answer.properties.etag))
        });
        match outcome.await {
            Ok((bytes, etag)) => Ok(Some(Stored {
                bytes: bytes.into(),
                version: versioned(name, etag.map(|etag| Version(etag.into())))?,
            })),
            Err(Meaning::Absent) => Ok(None),
            Err(Meaning::ConditionNotMet) => Err(StateError::Unavailable {
                name: name.to_string(),
                why: "it was written while we read it".to_owned(),
            }),
            Err(other) => Err(other.of(name)),
        }
    }

    async fn create(&self, name: &DocName, bytes: Vec<u8>) -> Result<Version, StateError> {
        let conditions = BlockBlobClientUploadOptions::default().if_not_exists();
        let outcome = within_budget(name.as_str(), self.upload_anyway(name, bytes, conditions));
        match outcome.await {
            Ok(version) => versioned(name, version),
            // A blob that is there may be refused as such, by the condition, or by its lease.
            Err(Meaning::Exists | Meaning::ConditionNotMet | Meaning::Held) => {
                Err(StateError::Exists { name: name.clone() })
            }
            Err(other) => Err(other.of(name)),
        }
    }

    async fn write(
        &self,
        name: &DocName,
        bytes: Vec<u8>,
        expected: &Version,
        lease: Option<&LeaseId>,
    ) -> Result<Version, StateError> {
        let conditions = BlockBlobClientUploadOptions {
            if_match: Some(Etag::from(expected.0.as_str())),
            lease_id: lease.map(|lease| lease.0.clone()),
            ..BlockBlobClientUploadOptions::default()
        };
        within_budget(name.as_str(), async {
            let written = self.upload(name, bytes.into(), conditions).await;
            // An absent blob fails the condition, too; only a look tells the two apart.
            if matches!(&written, Err(error) if outcome::failed_condition(error))
                && !self.blob(name).exists().await?
            {
                return Ok(Err(StateError::Absent { name: name.clone() }));
            }
            written.map(|version| versioned(name, version))
        })
        .await
        .unwrap_or_else(|meaning| Err(meaning.of(name)))
    }

    async fn put(&self, name: &DocName, bytes: Vec<u8>) -> Result<(), StateError> {
        let conditions = BlockBlobClientUploadOptions::default();
        within_budget(name.as_str(), self.upload_anyway(name, bytes, conditions))
            .await
            .map(|_| ())
            .map_err(|meaning| meaning.of(name))
    }

    async fn delete(&self, name: &DocName) -> Result<(), StateError> {
        let blob = self.blob(name);
        match within_budget(name.as_str(), async { blob.delete(None).await }).await {
            Ok(_) | Err(Meaning::Absent) => Ok(()),
            Err(other) => Err(other.of(name)),
        }
    }

    async fn list(&self, prefix: &str, limit: usize) -> Result<Vec<DocName>, StateError> {
        let options = BlobContainerClientListBlobsOptions {
            prefix: (!prefix.is_empty()).then(|| prefix.to_owned()),
            maxresults: i32::try_from(limit.clamp(1, PAGE)).ok(),
            ..BlobContainerClientListBlobsOptions::default()
        };
        let outcome = within_budget(prefix, async {
            let mut blobs = self.container.list_blobs(Some(options))?;
            let mut names = Vec::new();
            while names.len() < limit {
                let Some(blob) = blobs.try_next().await? else {
                    break;
                };
                // Blobs that others put here under names of their own are not ours to see.
                names.extend(blob.name.as_deref().and_then(DocName::parse));
            }
            Ok(names)
        });
        match outcome.await {
            Ok(names) => Ok(names),
            Err(Meaning::Absent) => Ok(Vec::new()),
            Err(other) => Err(other.over(prefix)),
        }
    }

    async fn acquire(&self, name: &DocName, term: Duration) -> Result<LeaseId, StateError> {
        check_term(name, term, self.lease_terms())?;
        let blob = self.blob(name);
        // The service keeps whole seconds; a longer term is the safe side.
        let seconds = i32::try_from(term.as_millis().div_ceil(1000)).unwrap_or(i32::MAX);
        let id = within_budget(name.as_str(), async {
            blob.acquire_lease(seconds, None).await?.lease_id()
        })
        .await
        .map_err(|meaning| meaning.of(name))?;
        id.map(LeaseId).ok_or_else(|| StateError::Unavailable {
            name: name.to_string(),
            why: "the answer carries no lease id".to_owned(),
        })
    }

    async fn renew(&self, name: &DocName, lease: &LeaseId) -> Result<(), StateError> {
        let blob = self.blob(name);
        let id = lease.0.clone();
        let renewal = async { blob.renew_lease(id, None).await };
        within(RENEWAL_BUDGET, name.as_str(), renewal)
            .await
            .map(|_| ())
            .map_err(|meaning| meaning.of_lease(name))
    }

    async fn release(&self, name: &DocName, lease: &LeaseId) -> Result<(), StateError> {
        let blob = self.blob(name);
        let id = lease.0.clone();
        within_budget(name.as_str(), async { blob.release_lease(id, None).await })
            .await
            .map(|_| ())
            .map_err(|meaning| meaning.of_lease(name))
    }
}
