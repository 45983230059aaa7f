//! Where the state of a test lies, and how the test itself looks at it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use evergraph::adapters::state::blob::BlobStore;
use evergraph::adapters::state::file::FileStore;
use evergraph::app::state_doc::StateDoc;
use evergraph::domain::state::ShardState;
use evergraph::ports::state::{DocName, StateStore, Stored};

/// A folder, or the URL of a container that nobody used before.
#[derive(Clone, Debug)]
pub enum Place {
    Folder(PathBuf),
    Container(String),
}

impl Place {
    /// A fresh container in Azurite, where `cargo xtask test` runs one.
    pub fn azurite(test: &str) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        #[expect(
            clippy::disallowed_methods,
            reason = "xtask names Azurite to the tests"
        )]
        let Ok(account) = std::env::var("EVERGRAPH_TEST_AZURITE") else {
            println!("left out: {test} needs Azurite; run `cargo xtask test`");
            return None;
        };
        let (endpoint, sas) = account.split_once('?').unwrap();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let pid = std::process::id();
        Some(Self::Container(format!(
            "{endpoint}/end-to-end-{pid}-{number}?{sas}"
        )))
    }

    /// The value of `EVERGRAPH_STATE`.
    pub fn setting(&self) -> String {
        match self {
            Self::Folder(folder) => format!("file:{}", folder.display()),
            Self::Container(url) => url.clone(),
        }
    }

    /// The shortest lease that it keeps, in seconds.
    pub fn shortest_lease_s(&self) -> u64 {
        match self {
            Self::Folder(_) => 1,
            Self::Container(_) => 15,
        }
    }

    fn store(&self) -> Arc<dyn StateStore> {
        match self {
            Self::Folder(folder) => Arc::new(FileStore::open(folder).unwrap()),
            Self::Container(url) => Arc::new(BlobStore::open(url, None).unwrap()),
        }
    }

    pub async fn document(&self, name: &str) -> Option<Stored> {
        let name = DocName::parse(name).unwrap();
        self.store().read(&name).await.unwrap()
    }

    /// The state document; `None` before the first pass.
    pub async fn stored(&self) -> Option<Stored> {
        self.document("shards/0.json").await
    }

    /// What the fleet remembers. Fails where the document cannot be read.
    pub async fn state(&self) -> ShardState {
        match self.stored().await {
            Some(stored) => StateDoc::decode(&stored.bytes).unwrap().state,
            None => ShardState::default(),
        }
    }
}
