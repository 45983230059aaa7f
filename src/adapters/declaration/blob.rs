//! The declaration in a blob.

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::error::ErrorKind;
use azure_core::http::{ClientOptions, Etag, RetryOptions, StatusCode, Transport};
use azure_storage_blob::models::BlobClientDownloadOptions;
use azure_storage_blob::{BlobClient, BlobClientOptions};
use url::Url;

use super::source::declared;
use super::{MAX_BYTES, Target};
use crate::domain::ownership::is_loopback;
use crate::ports::declaration::{DeclarationError, DeclarationMark, DeclarationSource, Fetched};

/// How long one read may take, answer included.
const BUDGET: Duration = Duration::from_secs(15);

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// Larger than any declaration: one request, so that no read can straddle a write.
const ONE_READ: NonZero<usize> = NonZero::new(MAX_BYTES + 1).unwrap();

/// A declaration that lies in Blob Storage. Its mark is the blob's ETag: an unchanged one costs
/// one conditional read without content.
pub struct BlobSource {
    blob: BlobClient,
    place: String,
    target: Target,
}

impl fmt::Debug for BlobSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobSource({})", self.place)
    }
}

impl BlobSource {
    /// A declaration in a blob, written for the given Graph; nothing is sent yet. A SAS in
    /// the query is used as it is, and the credential is left aside then.
    ///
    /// # Errors
    /// The address serves no client: a token would travel over plain http, for example.
    pub fn new(
        url: &Url,
        credential: Option<Arc<dyn TokenCredential>>,
        target: Target,
    ) -> Result<Self, DeclarationError> {
        let mut shown = url.clone();
        shown.set_query(None);
        let place = shown.to_string();
        let error = |why: String| DeclarationError {
            place: place.clone(),
            why,
        };
        let has_sas = url.query_pairs().any(|(name, _)| name == "sig");
        let mut http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(BUDGET)
            // The service's client reads ranges; a decompressed range would be a wrong one.
            .no_gzip()
            .no_deflate();
        if is_loopback(url) {
            http = http.no_proxy();
        }
        let http = http
            .build()
            .map_err(|why| error(format!("the HTTP client does not start: {why}")))?;
        let options = BlobClientOptions {
            client_options: ClientOptions {
                // The next tick is the retry.
                retry: RetryOptions::none(),
                transport: Some(Transport::new(Arc::new(http))),
                ..ClientOptions::default()
            },
            ..BlobClientOptions::default()
        };
        let blob = BlobClient::new(url.clone(), credential.filter(|_| !has_sas), Some(options))
            .map_err(|_| {
                error("no client for this address; it must be https, or carry a SAS".into())
            })?;
        Ok(Self {
            blob,
            place,
            target,
        })
    }

    fn error(&self, why: impl Into<String>) -> DeclarationError {
        DeclarationError {
            place: self.place.clone(),
            why: why.into(),
        }
    }

    /// The content and its ETag; `None` if it is still the known one.
    async fn download(
        &self,
        known: Option<&DeclarationMark>,
    ) -> Result<Option<(Vec<u8>, DeclarationMark)>, DeclarationError> {
        let options = BlobClientDownloadOptions {
            if_none_match: known.map(|mark| Etag::from(mark.0.clone())),
            partition_size: Some(ONE_READ),
            ..BlobClientDownloadOptions::default()
        };
        let answer = match self.blob.download(Some(options)).await {
            Ok(answer) => answer,
            Err(error) if status(&error) == Some(StatusCode::NotModified) => return Ok(None),
            Err(error) => return Err(self.error(why(&error))),
        };
        let Some(etag) = answer.properties.etag else {
            return Err(self.error("the answer carries no ETag"));
        };
        if answer.properties.content_length > Some(MAX_BYTES as u64) {
            return Err(self.error(format!("it has more than {MAX_BYTES} bytes")));
        }
        let bytes = answer
            .body
            .collect()
            .await
            .map_err(|error| self.error(why(&error)))?;
        Ok(Some((bytes.into(), DeclarationMark(etag.into()))))
    }
}

#[async_trait::async_trait]
impl DeclarationSource for BlobSource {
    async fn fetch(&self, known: Option<&DeclarationMark>) -> Result<Fetched, DeclarationError> {
        let download = tokio::time::timeout(BUDGET, self.download(known));
        let Ok(downloaded) = download.await else {
            return Err(self.error(format!("no answer within {} s", BUDGET.as_secs())));
        };
        Ok(match downloaded? {
            None => Fetched::Unchanged,
            Some((bytes, mark)) => Fetched::Read {
                declared: declared(&bytes, &self.place, self.target),
                mark,
            },
        })
    }
}

fn status(error: &azure_core::Error) -> Option<StatusCode> {
    match error.kind() {
        ErrorKind::HttpResponse { status, .. } => Some(*status),
        _ => None,
    }
}

/// What a failure means and what to do. Never the error's own text: it may name the URL with
/// its SAS.
fn why(error: &azure_core::Error) -> String {
    match error.kind() {
        ErrorKind::HttpResponse {
            status, error_code, ..
        } => {
            let code = error_code.as_deref().unwrap_or_default();
            let remedy = match u16::from(*status) {
                401 | 403 => {
                    "the SAS must be in date and allow read, or the identity needs the role Storage Blob Data Reader"
                }
                404 => {
                    "there is no such blob; upload it, or name another in EVERGRAPH_SUBSCRIPTIONS"
                }
                _ => "it is read again at the next tick",
            };
            format!(
                "the service answered {} {code}; {remedy}",
                u16::from(*status)
            )
        }
        ErrorKind::Credential => "no token for storage; check EVERGRAPH_CREDENTIAL".to_owned(),
        _ => "the service could not be reached; it is read again at the next tick".to_owned(),
    }
}
