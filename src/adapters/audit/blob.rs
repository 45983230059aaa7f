//! The audit in Azure Blob Storage: append blobs under `audit/` in a container.
//!
//! A batch is one block, or a few; the service takes a block wholly or not at all, so no line is
//! ever torn. Every block demands the position that we believe in: where a block of ours landed
//! although its answer was lost, the next one fails instead of following it, and a new blob begins.
//!
//! Limits of an append blob: 50,000 blocks of at most 4 MiB each (100 MiB since version
//! 2022-11-02). Source: learn.microsoft.com/rest/api/storageservices/append-block.

mod outcome;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_storage_blob::models::{
    AppendBlobClientAppendBlockOptions, AppendBlobClientCreateOptions, BlobClientDownloadOptions,
    BlobContainerClientListBlobsOptions, HttpRange,
};
use azure_storage_blob::{BlobClient, BlobContainerClient, BlobContainerClientOptions};
use bytes::Bytes;
use futures::TryStreamExt as _;
use jiff::civil::Date;
use tokio::sync::Mutex;
use url::Url;

use super::{are_lines, layout, part_of};
use crate::adapters::azure::client_options;
use crate::adapters::loopback::is_loopback;
use crate::adapters::words::without_queries;
use crate::ports::audit::{Audit, AuditError, Book, Part, Segment};

/// Everything of ours in the container begins so, and nothing else is ever removed.
const PREFIX: &str = "audit/";

/// A block holds at most this much: a quarter of what every version of the service takes.
const BLOCK_MAX: usize = 1024 * 1024;

/// Blocks of one blob: a fifth of the service's limit.
const BLOCKS_MAX: u32 = 10_000;

/// No batch begins in a blob that has so many bytes: it is still read in one request.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How long one operation may take, answer included. A delete may wait behind one, and has ten
/// seconds itself.
const BUDGET: Duration = Duration::from_secs(8);

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(4);

/// What a listing may take: a year of days and writers has many pages.
const LIST_BUDGET: Duration = Duration::from_secs(60);

/// A segment is read by one request.
const ONE_READ: NonZero<usize> = NonZero::new(256 << 20).unwrap();

/// Writes to a container and reads from it. Clones share the segments under way.
///
/// # Cancellation
/// A dropped call may still take effect at the service.
#[derive(Clone)]
pub struct BlobAudit {
    container: Arc<BlobContainerClient>,
    place: String,
    writer: String,
    blocks_max: u32,
    under_way: Arc<Mutex<UnderWay>>,
}

#[derive(Default)]
struct UnderWay {
    number: u32,
    open: BTreeMap<Book, Open>,
}

struct Open {
    blob: BlobClient,
    day: Date,
    bytes: u64,
    blocks: u32,
}

impl fmt::Debug for BlobAudit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobAudit({})", self.place)
    }
}

impl BlobAudit {
    /// The audit in a container; nothing is sent yet. A SAS in the query is used as it is, and
    /// the credential is left aside then. `writer` (of `a-z`, `0-9` and `-`) tells the blobs of
    /// this process from those of all others.
    ///
    /// # Errors
    /// [`AuditError::Denied`] where the URL is no container's or nothing opens it.
    pub fn open(
        container: &Url,
        credential: Option<Arc<dyn TokenCredential>>,
        writer: &str,
    ) -> Result<Self, AuditError> {
        let mut shown = container.clone();
        shown.set_query(None);
        let place = format!("{}/{PREFIX}", shown.as_str().trim_end_matches('/'));
        let denied = |why: String| AuditError::Denied {
            place: place.clone(),
            why,
        };
        let credential = opening(container, credential).map_err(|why| denied(why.to_owned()))?;
        let options = BlobContainerClientOptions {
            client_options: client_options(is_loopback(container), CONNECT, None)
                .map_err(denied)?,
            ..BlobContainerClientOptions::default()
        };
        let client = BlobContainerClient::new(container.clone(), credential, Some(options))
            .map_err(|error| denied(without_queries(&error.to_string())))?;
        Ok(Self {
            container: Arc::new(client),
            place,
            writer: writer.to_owned(),
            blocks_max: BLOCKS_MAX,
            under_way: Arc::default(),
        })
    }

    /// The same with fewer blocks in a blob, for tests.
    #[must_use]
    pub fn with_blocks_max(mut self, blocks_max: u32) -> Self {
        self.blocks_max = blocks_max;
        self
    }

    fn blob(&self, book: Book, day: Date, name: &str) -> BlobClient {
        let path = format!("{PREFIX}{}", layout::path(book, day, name));
        self.container.blob_client(&path)
    }

    async fn within<T>(
        &self,
        budget: Duration,
        operation: impl Future<Output = azure_core::Result<T>> + Send,
    ) -> Result<azure_core::Result<T>, AuditError> {
        let answered = tokio::time::timeout(budget, operation).await;
        answered.map_err(|_| AuditError::Unavailable {
            place: self.place.clone(),
            why: format!("no answer within {} s", budget.as_secs()),
        })
    }

    /// Runs an operation and translates its failure.
    async fn ask<T>(
        &self,
        operation: impl Future<Output = azure_core::Result<T>> + Send,
    ) -> Result<T, AuditError> {
        let answer = self.within(BUDGET, operation).await?;
        answer.map_err(|error| outcome::audit_error(&self.place, &error))
    }

    /// Begins a blob, and makes the container if that is what is missing.
    async fn begin(&self, book: Book, day: Date, number: u32) -> Result<Open, AuditError> {
        let blob = self.blob(book, day, &layout::name(&self.writer, number));
        let create = async || {
            let options = AppendBlobClientCreateOptions {
                blob_content_type: Some("application/x-ndjson".to_owned()),
                ..AppendBlobClientCreateOptions::default()
            };
            let options = options.if_not_exists();
            blob.append_blob_client().create(Some(options)).await
        };
        self.ask(async {
            match create().await {
                Err(error) if outcome::misses_container(&error) => {
                    match self.container.create(None).await {
                        Err(error) if !outcome::found_container(&error) => return Err(error),
                        _ => tracing::info!("made the container for {}", self.place),
                    }
                    create().await
                }
                created => created,
            }
        })
        .await?;
        Ok(Open {
            blob,
            day,
            bytes: 0,
            blocks: 0,
        })
    }

    async fn append_block(&self, open: &mut Open, block: Bytes) -> Result<(), AuditError> {
        let length = block.len() as u64;
        let options = AppendBlobClientAppendBlockOptions {
            append_position: i64::try_from(open.bytes).ok(),
            ..AppendBlobClientAppendBlockOptions::default()
        };
        let client = open.blob.append_blob_client();
        self.ask(client.append_block(block.into(), length, Some(options)))
            .await?;
        open.bytes += length;
        open.blocks += 1;
        Ok(())
    }
}

#[async_trait::async_trait]
impl Audit for BlobAudit {
    fn place(&self) -> String {
        self.place.clone()
    }

    async fn append(&self, book: Book, day: Date, lines: &[String]) -> Result<(), AuditError> {
        are_lines(lines).map_err(|why| AuditError::Denied {
            place: self.place.clone(),
            why,
        })?;
        let mut under_way = self.under_way.lock().await;
        for block in blocks(lines) {
            // Taken out: after a failure, or where this future is dropped, a new blob begins.
            let mut open = match under_way.open.remove(&book) {
                Some(open)
                    if open.day == day
                        && open.blocks < self.blocks_max
                        && open.bytes < BYTES_MAX =>
                {
                    open
                }
                _ => {
                    under_way.number += 1;
                    self.begin(book, day, under_way.number).await?
                }
            };
            self.append_block(&mut open, block).await?;
            under_way.open.insert(book, open);
        }
        Ok(())
    }

    async fn segments(&self, book: Book, since: Option<Date>) -> Result<Vec<Segment>, AuditError> {
        let prefix = format!("{PREFIX}{}/", book.as_str());
        let options = BlobContainerClientListBlobsOptions {
            prefix: Some(prefix.clone()),
            ..BlobContainerClientListBlobsOptions::default()
        };
        let listing = async {
            let mut blobs = self.container.list_blobs(Some(options))?;
            let mut found = Vec::new();
            while let Some(blob) = blobs.try_next().await? {
                let bytes = blob.properties.and_then(|about| about.content_length);
                let name = blob.name.as_deref();
                let below = name.and_then(|name| name.strip_prefix(prefix.as_str()));
                found.extend(
                    below.and_then(|below| layout::segment(book, below, bytes.unwrap_or(0))),
                );
            }
            Ok(found)
        };
        let mut found: Vec<Segment> = match self.within(LIST_BUDGET, listing).await? {
            Ok(found) => found,
            Err(error) if outcome::misses_container(&error) => Vec::new(),
            Err(error) => return Err(outcome::audit_error(&self.place, &error)),
        };
        found.retain(|segment| since.is_none_or(|at| segment.day >= at));
        found.sort_unstable();
        Ok(found)
    }

    async fn read(&self, segment: &Segment, from: u64) -> Result<Part, AuditError> {
        let blob = self.blob(segment.book, segment.day, &segment.name);
        let options = BlobClientDownloadOptions {
            partition_size: Some(ONE_READ),
            range: (from > 0).then(|| HttpRange::from_offset(from)),
            ..BlobClientDownloadOptions::default()
        };
        let reading = async { blob.download(Some(options)).await?.body.collect().await };
        match self.within(LIST_BUDGET, reading).await? {
            Ok(bytes) => Ok(part_of(&bytes, from)),
            Err(error) if outcome::is_nothing_there(&error) => Ok(part_of(&[], from)),
            Err(error) => Err(outcome::audit_error(&self.place, &error)),
        }
    }

    async fn remove(&self, book: Book, before: Date) -> Result<u32, AuditError> {
        let mut removed = 0;
        for old in self.segments(book, None).await? {
            if old.day >= before {
                break;
            }
            let blob = self.blob(book, old.day, &old.name);
            match self
                .within(BUDGET, async { blob.delete(None).await })
                .await?
            {
                Ok(_) => removed += 1,
                Err(error) if outcome::is_nothing_there(&error) => {}
                Err(error) => return Err(outcome::audit_error(&self.place, &error)),
            }
        }
        Ok(removed)
    }
}

/// Whole lines, in blocks that the service takes.
fn blocks(lines: &[String]) -> Vec<Bytes> {
    let mut blocks = Vec::new();
    let mut block = Vec::new();
    for line in lines {
        if !block.is_empty() && block.len() + line.len() >= BLOCK_MAX {
            blocks.push(Bytes::from(std::mem::take(&mut block)));
        }
        block.extend_from_slice(line.as_bytes());
        block.push(b'\n');
    }
    if !block.is_empty() {
        blocks.push(Bytes::from(block));
    }
    blocks
}

/// The credential for an address: none beside a SAS, and one at least.
fn opening(
    url: &Url,
    offered: Option<Arc<dyn TokenCredential>>,
) -> Result<Option<Arc<dyn TokenCredential>>, &'static str> {
    let parts = url.path_segments().into_iter().flatten();
    let depth = parts.filter(|part| !part.is_empty()).count();
    // Emulators take the account from the path.
    if depth != if is_loopback(url) { 2 } else { 1 } {
        return Err("the path must name exactly one container; set EVERGRAPH_AUDIT");
    }
    let has_sas = url.query_pairs().any(|(name, _)| name == "sig");
    match offered {
        _ if has_sas => Ok(None),
        Some(credential) if url.scheme() == "https" => Ok(Some(credential)),
        Some(_) => Err("a token is never sent over plain http; append a SAS to the URL"),
        None => Err("no credential is set; set EVERGRAPH_CREDENTIAL or append a SAS to the URL"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_block_is_larger_than_its_limit_and_none_splits_a_line() {
        let lines: Vec<String> = (0..40).map(|at| format!("{at}").repeat(60_000)).collect();
        let blocks = blocks(&lines);
        assert!(blocks.len() > 2, "{}", blocks.len());
        for block in &blocks {
            assert!(block.len() <= BLOCK_MAX && block.ends_with(b"\n"));
        }
        let all: Vec<u8> = blocks.iter().flatten().copied().collect();
        let read = String::from_utf8(all).unwrap();
        assert!(read.lines().eq(lines.iter().map(String::as_str)));
    }
}
