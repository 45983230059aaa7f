//! Events in an Azure Storage queue: several in a message, the data of large ones in blobs.
//!
//! What stands in a message: see `pack.rs`. Messages never expire unless told otherwise (the
//! service's own default is seven days, and what expires is lost without a word). A blob that a
//! message names is written before it and never removed here: it outlives its message, and
//! belongs to whoever consumes it. Its name begins with the day, for rules that remove old ones.
//!
//! Every call is one attempt: where one fails, Graph sends the notifications again.

mod address;
mod outcome;
mod pack;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use azure_core::credentials::TokenCredential;
use azure_storage_blob::{BlobContainerClient, BlobContainerClientOptions};
use azure_storage_queue::models::{QueueClientSendMessageOptions, QueueMessage};
use azure_storage_queue::{QueueClient, QueueClientOptions};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use url::Url;

use crate::adapters::azure::client_options;
use crate::adapters::clock::SystemClock;
use crate::adapters::loopback::is_loopback;
use crate::adapters::words::without_queries;
use crate::domain::notification::event::Event;
use crate::ports::sink::{Sink, SinkError};

/// Requests sent at once for one call. A queue takes 2,000 messages a second
/// (learn.microsoft.com/azure/storage/queues/scalability-targets).
const AT_ONCE: usize = 16;

/// How long a request may take; the intake gives up earlier.
const BUDGET: Duration = Duration::from_secs(10);

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// Where the events go.
#[derive(Clone, Debug)]
pub struct QueueSinkOptions {
    /// The queue; its query is a SAS.
    pub queue: Url,
    /// The container for data that no message holds; its query is a SAS. `None` takes one
    /// named `evergraph-claims` in the queue's account.
    pub claims: Option<Url>,
    /// After this a message that nobody took is gone; `None` for never.
    pub expires: Option<Duration>,
}

/// Writes events to a queue.
///
/// # Cancellation
/// A dropped call may still take effect at the service, wholly or in part.
pub struct QueueSink {
    queue: QueueClient,
    claims: Option<BlobContainerClient>,
    lives: i32,
    place: String,
}

impl fmt::Debug for QueueSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QueueSink({})", self.place)
    }
}

impl QueueSink {
    /// Opens a queue; nothing is sent yet. The credential is left aside where a SAS stands in
    /// the address.
    ///
    /// # Errors
    /// [`SinkError::Denied`] where an address is no queue's or container's, or nothing opens it.
    pub fn open(
        options: QueueSinkOptions,
        credential: Option<Arc<dyn TokenCredential>>,
    ) -> Result<Self, SinkError> {
        let QueueSinkOptions {
            queue,
            claims,
            expires,
        } = options;
        let place = address::place(&queue);
        let denied = |why: String| SinkError::Denied {
            place: place.clone(),
            why,
        };
        let claims = claims.or_else(|| address::claims_beside(&queue));
        let options =
            client_options(is_loopback(&queue), CONNECT, Some(BUDGET)).map_err(&denied)?;
        let opened = opening(&queue, credential.clone()).map_err(&denied)?;
        let client = QueueClientOptions {
            client_options: options.clone(),
            ..QueueClientOptions::default()
        };
        let queue = QueueClient::new(queue, opened, Some(client))
            .map_err(|error| denied(without_queries(&error.to_string())))?;
        let claims = claims.map(|claims| -> Result<_, String> {
            let opened = opening(&claims, credential)?;
            let client = BlobContainerClientOptions {
                client_options: options,
                ..BlobContainerClientOptions::default()
            };
            BlobContainerClient::new(claims, opened, Some(client))
                .map_err(|error| without_queries(&error.to_string()))
        });
        let claims = claims.transpose().map_err(&denied)?;
        let seconds = expires.map(|after| i32::try_from(after.as_secs().max(1)));
        Ok(Self {
            queue,
            claims,
            // -1: never (learn.microsoft.com/rest/api/storageservices/put-message).
            lives: seconds.map_or(-1, |seconds| seconds.unwrap_or(i32::MAX)),
            place,
        })
    }

    fn failed(&self, error: &azure_core::Error) -> SinkError {
        outcome::sink_error(&self.place, error)
    }

    async fn send(&self, text: String) -> Result<(), SinkError> {
        match self.send_once(text.clone()).await {
            Err(error) if outcome::is_missing(&error) => {
                match self.queue.create(None).await {
                    Err(error) if !outcome::is_there(&error) => return Err(self.failed(&error)),
                    _ => tracing::info!("made the queue {}", self.place),
                }
                let again = self.send_once(text).await;
                again.map_err(|error| self.failed(&error))
            }
            sent => sent.map_err(|error| self.failed(&error)),
        }
    }

    async fn send_once(&self, text: String) -> azure_core::Result<()> {
        let message = QueueMessage {
            message_text: Some(text),
        };
        let options = QueueClientSendMessageOptions {
            message_time_to_live: Some(self.lives),
            ..QueueClientSendMessageOptions::default()
        };
        self.queue
            .send_message(message.try_into()?, Some(options))
            .await
            .map(|_| ())
    }

    /// The event as it goes into a message: itself, or with a reference to its data.
    async fn fitting(&self, event: &Event) -> Result<Bytes, SinkError> {
        if pack::fits(&event.json) {
            return Ok(event.json.clone());
        }
        let denied = |why: &str| SinkError::Denied {
            place: self.place.clone(),
            why: why.to_owned(),
        };
        let (attributes, data) = pack::split(&event.json)
            .ok_or_else(|| denied("an event without data is larger than a message"))?;
        let claims = self.claims.as_ref().ok_or_else(|| {
            denied("an event is larger than a message; set EVERGRAPH_SINK_BLOBS to a container")
        })?;
        let blob = claims.blob_client(&blob_name(event).ok_or_else(|| denied("no randomness"))?);
        let referring = pack::refer(&attributes, &address::place(blob.url()));
        if !pack::fits(&referring) {
            return Err(denied(
                "the attributes of an event are larger than a message",
            ));
        }
        let uploaded = match blob.upload(data.clone().into(), None).await {
            Err(error) if outcome::is_missing(&error) => match claims.create(None).await {
                Err(error) if !outcome::is_there(&error) => Err(error),
                _ => blob.upload(data.into(), None).await,
            },
            uploaded => uploaded,
        };
        uploaded.map_err(|error| outcome::sink_error(&address::place(claims.url()), &error))?;
        Ok(referring)
    }
}

#[async_trait::async_trait]
impl Sink for QueueSink {
    fn place(&self) -> String {
        self.place.clone()
    }

    async fn write(&self, events: &[Event]) -> Result<(), SinkError> {
        let mut fitting = Vec::with_capacity(events.len());
        for event in events {
            fitting.push(self.fitting(event));
        }
        let fitting = futures::stream::iter(fitting).buffered(AT_ONCE);
        let fitting: Vec<Bytes> = fitting.try_collect().await?;
        let messages = pack::messages(&fitting);
        let sending = messages.into_iter().map(|text| self.send(text));
        futures::stream::iter(sending)
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await
    }
}

/// Names are never used twice: a repeat must not lean on a blob that was taken away with the
/// first.
fn blob_name(event: &Event) -> Option<String> {
    let mut chance = [0; 8];
    SystemRandom::new().fill(&mut chance).ok()?;
    let day = SystemClock.read().strftime("%Y-%m-%d");
    let chance = u64::from_be_bytes(chance);
    Some(format!("{day}/{}-{chance:016x}.json", event.id))
}

/// The credential for an address: none beside a SAS, and one at least.
fn opening(
    url: &Url,
    offered: Option<Arc<dyn TokenCredential>>,
) -> Result<Option<Arc<dyn TokenCredential>>, String> {
    if let Some(flaw) = address::flaw(url) {
        return Err(format!("{} names nothing: {flaw}", address::place(url)));
    }
    match offered {
        _ if address::has_sas(url) => Ok(None),
        Some(credential) if url.scheme() == "https" => Ok(Some(credential)),
        Some(_) => Err("a token is never sent over plain http; append a SAS to the URL".into()),
        None => Err("no credential is set; set EVERGRAPH_CREDENTIAL or append a SAS".into()),
    }
}
