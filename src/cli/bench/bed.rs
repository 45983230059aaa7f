//! The processes: handlers with each sink, peers, the publisher's keys, a folder.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::plan::{Cell, Subject};
use super::posts::{APP, CERTIFICATE, FLEET, KEY, Keys, Post, TENANT};
use super::server::{self, Program, Server};
use crate::cli::demo::stage::free_port;
use crate::compose;
use crate::config::ClockChoice;
use crate::sim::publisher::Publisher;
use crate::sim::settings::DeliverySettings;

/// What Graph asks first; the one answer that needs nothing but the path.
pub(super) const HANDSHAKE: &str = "/api/notifications/bench?validationToken=a";

/// Everything that runs. Dropping it kills what runs.
pub(super) struct Bed {
    pub(super) keys: Keys,
    pub(super) folder: TempDir,
    handler: (PathBuf, Vec<String>),
    sink: PathBuf,
    token: String,
    authority: u16,
    published: JoinHandle<()>,
    servers: BTreeMap<Subject, Server>,
    posts: BTreeMap<Cell, Arc<Post>>,
}

impl Bed {
    /// Makes keys and a folder and publishes the keys; starts no process yet.
    pub(super) async fn make(handler: Option<&Path>, place: Option<&Path>) -> anyhow::Result<Self> {
        let keys = Keys::generate()?;
        let folder = match place {
            Some(place) => tempfile::tempdir_in(place),
            None => tempfile::tempdir(),
        };
        let folder = folder.context("no folder for the durable sink can be made")?;
        std::fs::write(folder.path().join("subscriptions.toml"), keys.declaration())?;
        std::fs::write(folder.path().join("key.pem"), keys.pair.serialize_pem())?;
        let mut publisher = Publisher::default();
        let now = compose::clock(&ClockChoice::System)?.now().await?;
        let token = publisher.token(APP, TENANT, now, &DeliverySettings::default())?;
        let (authority, published) = publish(publisher.key_set()?).await?;
        Ok(Self {
            keys,
            handler: server::handler(handler)?,
            sink: folder.path().join("events"),
            folder,
            token,
            authority,
            published,
            servers: BTreeMap::new(),
            posts: BTreeMap::new(),
        })
    }

    /// Which program is measured, for the report.
    pub(super) fn measured(&self) -> String {
        let (file, arguments) = &self.handler;
        let file = file.file_name().unwrap_or(file.as_os_str());
        let mut words = vec![file.to_string_lossy().into_owned()];
        words.extend(arguments.iter().cloned());
        words.join(" ")
    }

    /// The post of a cell.
    pub(super) fn post(&mut self, cell: Cell) -> anyhow::Result<Arc<Post>> {
        if let Some(post) = self.posts.get(&cell) {
            return Ok(Arc::clone(post));
        }
        let post = Arc::new(Post::of(cell, &self.keys, &self.token)?);
        self.posts.insert(cell, Arc::clone(&post));
        Ok(post)
    }

    /// The server of a subject, started where it is not there yet.
    pub(super) async fn server(&mut self, subject: Subject) -> anyhow::Result<&Server> {
        if !self.servers.contains_key(&subject) {
            let program = self.program(subject).await?;
            let server = Server::start(&program, HANDSHAKE).await?;
            self.servers.insert(subject, server);
        }
        self.servers.get(&subject).context("it was just started")
    }

    /// Starts a handler beside the others.
    pub(super) async fn another(&self) -> anyhow::Result<Server> {
        let program = self.program(Subject::Memory).await?;
        Server::start(&program, HANDSHAKE).await
    }

    /// How a subject is started.
    pub(super) async fn program(&self, subject: Subject) -> anyhow::Result<Program> {
        let port = free_port().await?;
        let (file, arguments) = match subject {
            Subject::Bare => (server::own_file()?, peer("bare")),
            Subject::Reads => (server::own_file()?, peer("reads")),
            _ => self.handler.clone(),
        };
        Ok(Program {
            file,
            arguments,
            env: self.settings(subject, port),
            port,
            log: self.folder.path().join(format!("{port}.log")),
        })
    }

    /// The settings of a handler.
    pub(super) fn settings(&self, subject: Subject, public: u16) -> Vec<(String, String)> {
        let folder = self.folder.path().display();
        let sink = match subject {
            Subject::Durable => format!("file:{}", self.sink.display()),
            Subject::Slow => "memory:100ms".to_owned(),
            _ => "memory:".to_owned(),
        };
        let settings = [
            ("EVERGRAPH_FLEET", FLEET.to_owned()),
            ("EVERGRAPH_CLIENT_STATE_KEYS", KEY.to_owned()),
            ("EVERGRAPH_PUBLIC_URL", format!("http://127.0.0.1:{public}")),
            ("EVERGRAPH_STATE", format!("file:{folder}/state")),
            ("EVERGRAPH_SINK", sink),
            (
                "EVERGRAPH_SUBSCRIPTIONS",
                format!("file:{folder}/subscriptions.toml"),
            ),
            (
                "EVERGRAPH_DECRYPTION_KEYS",
                format!("{CERTIFICATE}={folder}/key.pem"),
            ),
            // Nothing is asked of Graph; whose tokens we have is said by the client id.
            (
                "EVERGRAPH_GRAPH_URL",
                format!("http://127.0.0.1:{}/v1.0", self.authority),
            ),
            (
                "EVERGRAPH_AUTHORITY",
                format!("http://127.0.0.1:{}", self.authority),
            ),
            ("EVERGRAPH_CREDENTIAL", "none".to_owned()),
            ("EVERGRAPH_CLIENT_ID", APP.to_owned()),
            ("EVERGRAPH_SCHEDULE", "0 0 0 1 1 *".to_owned()),
        ];
        settings
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec()
    }

    /// The settings by which a host starts the measured handler, or the server that only reads.
    pub(super) fn behind_host(&self, subject: Subject) -> anyhow::Result<[(String, String); 2]> {
        let (file, arguments) = match subject {
            // One that answers before it has read the body closes the connection unannounced, and
            // the host loses the next post to it.
            Subject::HostReads => (server::own_file()?, peer("reads")),
            _ => self.handler.clone(),
        };
        let key = |name: &str| format!("AzureFunctionsJobHost__customHandler__description__{name}");
        Ok([
            (key("defaultExecutablePath"), file.display().to_string()),
            (key("arguments"), Value::from(arguments).to_string()),
        ])
    }

    /// Removes what the durable sink has written so far, so that the disk does not fill.
    pub(super) fn empty_sink(&self) {
        let Ok(entries) = std::fs::read_dir(&self.sink) else {
            return; // not begun yet
        };
        for entry in entries.flatten() {
            // The segment in use is gone as well, and is written to until it is full.
            let _ = std::fs::remove_file(entry.path());
        }
    }

    /// Ends everything.
    pub(super) async fn stop(self) {
        for server in self.servers.into_values() {
            server.stop().await;
        }
        self.published.abort();
    }
}

fn peer(kind: &str) -> Vec<String> {
    ["bench", "peer", kind].map(str::to_owned).to_vec()
}

/// Publishes the keys where an authority does, whatever the path.
async fn publish(keys: Value) -> anyhow::Result<(u16, JoinHandle<()>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    let routes = Router::new().fallback(move || {
        let keys = keys.to_string();
        async move { keys }
    });
    let task = tokio::spawn(async move {
        // It ends with this process.
        let _ = axum::serve(listener, routes).await;
    });
    Ok((port, task))
}
