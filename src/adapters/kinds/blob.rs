//! A blob over the REST API of Blob Storage.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use url::Url;

use super::call::{BODY, Line, Reply, Request};
use crate::domain::conflict::{Cause, Operation};
use crate::domain::ensure::kinds::blob::{Row, Wanted, carried_over};
use crate::domain::ensure::kinds::owner::Digest;
use crate::domain::ensure::{
    Drift, Facts, Failure, HolderId, Observation, Progress, Seen, Stop, Token, Told,
};
use crate::ports::ensure::Kind;

/// A bearer token needs a version from 2017-11-09 on; this one every account and Azurite know.
const VERSION: &str = "2021-12-02";

/// Headers of an answer that a change must send again, or lose what they say.
const KEPT: [(&str, &str); 4] = [
    ("cache-control", "x-ms-blob-cache-control"),
    ("content-encoding", "x-ms-blob-content-encoding"),
    ("content-language", "x-ms-blob-content-language"),
    ("content-disposition", "x-ms-blob-content-disposition"),
];

/// Most bytes of a content: what one answer may hold, so that it can be compared.
pub const CONTENT_MAX: usize = BODY;

/// One wanted blob.
pub struct BlobKind {
    /// The account.
    line: Line,
    wanted: Wanted,
    content: Vec<u8>,
    run: Token,
    /// Whether the lease that is named after this run is held.
    leased: Mutex<bool>,
}

impl BlobKind {
    /// A blob with this content, of which `wanted` holds the digest, in the account at `line`.
    /// `run` marks what this run writes.
    pub fn new(line: Line, wanted: Wanted, content: Vec<u8>, run: Token) -> Self {
        Self {
            line,
            wanted,
            content,
            run,
            leased: Mutex::new(false),
        }
    }

    fn address(&self, comp: Option<&str>) -> Url {
        let mut segments = vec![self.wanted.container.as_str()];
        segments.extend(self.wanted.name.split('/'));
        let mut url = self.line.at(&segments);
        if let Some(comp) = comp {
            url.query_pairs_mut().append_pair("comp", comp);
        }
        url
    }

    fn request(&self, operation: Operation, method: Method, comp: Option<&str>) -> Request {
        Request::new(operation, method, self.address(comp)).header("x-ms-version", VERSION)
    }

    /// The blob, its content compared; `None` where it or its container is not there.
    async fn look(&self) -> Result<Told<Option<Seen>>, Failure> {
        let head = self.request(Operation::Read, Method::HEAD, None).by_id();
        let head = match self.line.call(head).await {
            Err(Failure::Gone { request_id }) => return Ok(Told::by(None, request_id)),
            other => other?,
        };
        let length = head
            .header("content-length")
            .and_then(|text| text.parse::<u64>().ok());
        // Only a content of the same length can be the same.
        let answer = if length == u64::try_from(self.content.len()).ok() {
            let get = self.request(Operation::Read, Method::GET, None).by_id();
            match self.line.call(get).await {
                Err(Failure::Gone { request_id }) => return Ok(Told::by(None, request_id)),
                other => other?,
            }
        } else {
            head
        };
        let whole = answer.body.len() == self.content.len();
        let seen = self.wanted.judge(&row(&answer, whole));
        Ok(Told::by(Some(seen), answer.request_id))
    }

    /// Writes content, type and metadata in one request.
    async fn put(
        &self,
        run: &Token,
        condition: (&'static str, &str),
        seen: Option<&Seen>,
        lease: Option<&str>,
    ) -> Result<Told<Seen>, Failure> {
        let operation = match seen {
            None => Operation::CreateByPut,
            Some(_) => Operation::Update,
        };
        let (more, kept) = match seen {
            Some(seen) => carried_over(seen),
            None => (BTreeMap::new(), Vec::new()),
        };
        let mut request = self
            .request(operation, Method::PUT, None)
            .header("x-ms-blob-type", "BlockBlob")
            .header("x-ms-blob-content-type", &self.wanted.content_type)
            .header(condition.0, condition.1)
            .bytes("application/octet-stream", self.content.clone());
        for (name, value) in &kept {
            request = request.named_header(name, value);
        }
        for (name, value) in self.wanted.metadata(run.as_str(), &more) {
            request = request.named_header(&format!("x-ms-meta-{name}"), &value);
        }
        if let Some(lease) = lease {
            request = request.header("x-ms-lease-id", lease);
        }
        let answer = self.line.call(request).await?;
        Ok(Told::by(self.written(run, &answer), answer.request_id))
    }

    fn written(&self, run: &Token, answer: &Reply) -> Seen {
        Seen {
            token: Some(run.clone()),
            version: answer.header("etag").map(str::to_owned),
            ..Seen::ours(self.wanted.name.as_str())
        }
    }

    /// Takes the lease for its term. Its id is named after the run: taken once more, after a lost
    /// answer, it is the same lease.
    async fn take(&self, term: Duration) -> Result<(), Failure> {
        let request = self
            .request(Operation::LeaseAction, Method::PUT, Some("lease"))
            .header("x-ms-lease-action", "acquire")
            .header("x-ms-lease-duration", &term.as_secs().to_string())
            .header("x-ms-proposed-lease-id", &self.lease_id());
        self.line.call(request).await?;
        self.hold(true);
        Ok(())
    }

    /// Gives the lease back. What comes of it does not matter: it ends by itself.
    async fn release(&self) {
        if !std::mem::take(&mut *self.lock()) {
            return;
        }
        let request = self
            .request(Operation::LeaseAction, Method::PUT, Some("lease"))
            .header("x-ms-lease-action", "release")
            .header("x-ms-lease-id", &self.lease_id());
        if let Err(why) = self.line.call(request).await {
            tracing::debug!("the lease could not be given back: {why}");
        }
    }

    fn lease_id(&self) -> String {
        let digest = Digest::of(format!("lease of {}", self.run).as_bytes());
        let hex = digest.as_str();
        format!(
            "{}-{}-4{}-8{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[13..16],
            &hex[17..20],
            &hex[20..32]
        )
    }

    fn hold(&self, held: bool) {
        *self.lock() = held;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, bool> {
        self.leased.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn patch_leased(
        &self,
        seen: &Seen,
        version: &str,
        term: Duration,
    ) -> Result<Told<Seen>, Failure> {
        if !*self.lock() {
            self.take(term).await?;
        }
        let id = self.lease_id();
        let written = self
            .put(&self.run, ("if-match", version), Some(seen), Some(&id))
            .await;
        match &written {
            // It is no longer ours to give back.
            Err(Failure::Refused(refusal)) if refusal.verdict.cause == Cause::LockLost => {
                self.hold(false);
            }
            _ => self.release().await,
        }
        written
    }
}

#[async_trait]
impl Kind for BlobKind {
    fn name(&self) -> &'static str {
        "blob"
    }

    fn key(&self) -> String {
        self.wanted.key()
    }

    /// Storage is strongly consistent: what was written is seen by the next read.
    fn facts(&self) -> Facts {
        Facts {
            hidden_for: Duration::ZERO,
            collapse: false,
            lease_term: Some(Duration::from_secs(Wanted::LEASE_MAX_S)),
            ..Facts::default()
        }
    }

    fn instruction(&self, reason: Stop) -> Option<String> {
        let place = format!("{}/{}", self.wanted.container, self.wanted.name);
        Some(match reason {
            Stop::Foreign => format!(
                "Find out who wrote {place}: it does not carry the mark of the owner {}. Choose another name, or have it moved away; it was not overwritten.",
                self.wanted.owner
            ),
            Stop::Locked => format!(
                "Somebody holds the lease of {place} for longer than 60 s, perhaps without end. Find the holder; a person may break the lease in the portal, knowing what it protects."
            ),
            Stop::LockLost => format!(
                "The lease of {place} was taken away while it was being changed. Read the blob and find out who wrote to it before running ensure again."
            ),
            Stop::Timeout => format!(
                "{} is still being deleted, or a copy onto {place} is still under way. Run ensure again later.",
                self.wanted.container
            ),
            Stop::MissingDependency => format!(
                "Create the container {}, or write create_container = true into the specification.",
                self.wanted.container
            ),
            Stop::Mismatch => format!(
                "{place} is no block blob and cannot be made one in place. Choose another name."
            ),
            _ => return None,
        })
    }

    async fn observe(&self) -> Result<Told<Observation>, Failure> {
        let told = self.look().await?;
        let nothing_to_do = match &told.value {
            Some(seen) => seen.drift == Drift::None,
            None => true,
        };
        if nothing_to_do {
            self.release().await;
        }
        let holders = told.value.into_iter().collect();
        Ok(Told::by(Observation::complete(holders), told.request_id))
    }

    async fn read(&self, _id: &HolderId) -> Result<Told<Option<Seen>>, Failure> {
        self.look().await
    }

    async fn create(&self, token: &Token) -> Result<Told<Seen>, Failure> {
        self.put(token, ("if-none-match", "*"), None, None).await
    }

    async fn patch(&self, seen: &Seen) -> Result<Told<Seen>, Failure> {
        let Some(version) = seen.version.as_deref() else {
            return Err(Failure::NotSent {
                words: "the blob was read without a version, so it cannot be changed on condition of one".to_owned(),
            });
        };
        match self.wanted.lease {
            None => {
                self.put(&self.run, ("if-match", version), Some(seen), None)
                    .await
            }
            Some(term) => self.patch_leased(seen, version, term).await,
        }
    }

    /// A copy onto the blob, or nothing.
    async fn poll(&self) -> Result<Told<Progress>, Failure> {
        let head = self.request(Operation::Read, Method::HEAD, None).by_id();
        match self.line.call(head).await {
            Ok(answer) if answer.header("x-ms-copy-status") == Some("pending") => Ok(Told::by(
                Progress::Running { wait: None },
                answer.request_id,
            )),
            Ok(answer) => Ok(Told::by(Progress::Settled, answer.request_id)),
            Err(Failure::Gone { request_id }) => Ok(Told::by(Progress::Settled, request_id)),
            Err(failure) => Err(failure),
        }
    }

    async fn provide(&self) -> Result<Told<()>, Failure> {
        if !self.wanted.create_container {
            return Err(Failure::NotSupported(
                "Create the container, or write create_container = true into the specification.",
            ));
        }
        let mut url = self.line.at(&[&self.wanted.container]);
        url.query_pairs_mut().append_pair("restype", "container");
        let request =
            Request::new(Operation::CreateByPut, Method::PUT, url).header("x-ms-version", VERSION);
        match self.line.call(request).await {
            Ok(answer) => Ok(Told::by((), answer.request_id)),
            // Somebody else provided it.
            Err(Failure::Refused(refusal)) if refusal.verdict.cause == Cause::AlreadyExists => {
                Ok(Told::by((), refusal.request_id))
            }
            Err(failure) => Err(failure),
        }
    }

    async fn reacquire(&self) -> Result<Told<()>, Failure> {
        match self.wanted.lease {
            Some(term) => self.take(term).await.map(Told::new),
            None => Err(Failure::NotSupported(
                "Find out who leases the blob: this specification takes no lease.",
            )),
        }
    }
}

fn row(answer: &Reply, whole: bool) -> Row {
    let header = |name: &str| answer.header(name).map(str::to_owned);
    let own = answer.headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix("x-ms-meta-")?;
        Some((name.to_ascii_lowercase(), value.to_str().ok()?.to_owned()))
    });
    let kept = KEPT
        .iter()
        .filter_map(|(told, sent)| Some(((*sent).to_owned(), header(told)?)));
    Row {
        version: header("etag"),
        content: whole.then(|| Digest::of(&answer.body)),
        content_type: header("content-type").unwrap_or_default(),
        is_block: header("x-ms-blob-type").as_deref() == Some("BlockBlob"),
        metadata: own.collect(),
        kept: kept.collect(),
    }
}
