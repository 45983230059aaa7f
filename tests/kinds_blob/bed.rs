//! A simulated account with a container, and kinds over it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use evergraph::adapters::kinds::blob::BlobKind;
use evergraph::adapters::kinds::call::{FixedBearer, Line, Scheme};
use evergraph::app::ensure::{Account, Terms};
use evergraph::domain::conflict::Service;
use evergraph::domain::ensure::kinds::blob::Wanted;
use evergraph::domain::ensure::kinds::owner::{Digest, Owner};
use evergraph::domain::ensure::{Limits, Token};
use evergraph::sim::clock::SimClock;
use evergraph::sim::services::blob::BlobService;
use evergraph::sim::services::{RunningService, serve};
use url::Url;

use crate::kinds::engine;
use crate::paced::Paced;

pub const CONTAINER: &str = "releases";
pub const NAME: &str = "app/config.json";

pub struct Bed {
    pub sim: Arc<BlobService>,
    running: RunningService,
}

/// What differs from test to test.
#[derive(Clone)]
pub struct Wish {
    pub owner: &'static str,
    pub content: &'static str,
    pub lease_s: Option<u64>,
    pub create_container: bool,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            owner: "team-a",
            content: "v1",
            lease_s: None,
            create_container: false,
        }
    }
}

pub fn content(content: &'static str) -> Wish {
    Wish {
        content,
        ..Wish::default()
    }
}

impl Bed {
    pub async fn new() -> Self {
        let bed = Self::empty().await;
        bed.sim.portal_create_container(CONTAINER);
        bed
    }

    pub async fn empty() -> Self {
        let start = "2026-03-01T12:00:00Z".parse().unwrap();
        let sim = BlobService::new(Arc::new(SimClock::running(start)));
        let running = serve(Arc::clone(&sim) as _).await.unwrap();
        Self { sim, running }
    }

    /// The wanted blob, as one process sees it.
    pub fn kind(&self, process: u64, wish: &Wish) -> Paced<BlobKind> {
        let account = Url::parse(&self.running.url()).unwrap();
        Paced(kind_at(account, CONTAINER, None, process, wish))
    }

    /// One run of one process.
    pub async fn run(&self, process: u64, wish: &Wish) -> Account {
        static RUNS: AtomicU64 = AtomicU64::new(100);
        let kind = self.kind(process, wish);
        let engine = engine(RUNS.fetch_add(1, Ordering::Relaxed));
        engine.run(&kind, terms()).await
    }

    /// How many blobs were written through the API.
    pub fn puts(&self) -> usize {
        let called = self.sim.called();
        called
            .iter()
            .filter(|call| call.operation == "put blob")
            .count()
    }

    pub fn content(&self) -> String {
        let blob = self.sim.blob(CONTAINER, NAME).unwrap();
        String::from_utf8(blob.content).unwrap()
    }
}

/// The service itself lets only one create through, so each may be tried again.
pub fn terms() -> Terms {
    Terms {
        limits: Limits {
            creates: 40,
            ..Limits::default()
        },
        ..Terms::default()
    }
}

pub fn kind_at(
    account: Url,
    container: &str,
    signature: Option<&str>,
    process: u64,
    wish: &Wish,
) -> BlobKind {
    let wanted = Wanted {
        account: account.authority().to_owned(),
        container: container.to_owned(),
        name: NAME.to_owned(),
        owner: Owner::parse(wish.owner).unwrap(),
        content: Digest::of(wish.content.as_bytes()),
        content_type: "application/json".to_owned(),
        metadata: BTreeMap::from([("stage".to_owned(), "prod".to_owned())]),
        lease: wish.lease_s.map(Duration::from_secs),
        create_container: wish.create_container,
    };
    let secret = signature.unwrap_or("token").to_owned();
    let bearer = Arc::new(FixedBearer(secret.into()));
    let line = Line::new(account, Service::Storage, bearer).unwrap();
    let line = match signature {
        Some(_) => line.with_scheme(Scheme::Query),
        None => line,
    };
    let run = Token::new(format!("process-{process}"));
    BlobKind::new(line, wanted, wish.content.as_bytes().to_vec(), run)
}
