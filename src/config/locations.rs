//! Places that settings name.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use url::Url;

use crate::domain::ownership::is_loopback;

/// A URL that may carry a secret (a SAS, a token in its path). It prints its origin only.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(Url);

impl SecretUrl {
    /// Wraps a URL.
    pub fn new(url: Url) -> Self {
        Self(url)
    }

    /// The whole URL, for the request. Never log it.
    pub fn expose(&self) -> &Url {
        &self.0
    }

    /// Whether it names this machine only.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// The URL without its query, for messages about a blob or a container.
    pub fn without_query(&self) -> String {
        let mut url = self.0.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.to_string()
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/…", self.0.origin().ascii_serialization())
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretUrl({self})")
    }
}

/// Where the state lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StateLocation {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A container of Blob Storage; the query is a SAS.
    Container(SecretUrl),
}

/// Where accepted notifications go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SinkLocation {
    /// A folder of this machine.
    Folder(PathBuf),
    /// Nowhere: events are forgotten. For measurements behind a loopback address.
    Memory {
        /// How long a write takes.
        takes: Duration,
    },
    /// An Azure Storage queue.
    Queue {
        /// The queue; its query is a SAS.
        queue: SecretUrl,
        /// The container for what no message holds, where one is named.
        blobs: Option<SecretUrl>,
        /// How long a message lives; `None` for ever.
        expires: Option<SignedDuration>,
    },
}

/// Where the declaration lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DeclarationLocation {
    /// A file of this machine.
    File(PathBuf),
    /// A blob; the query is a SAS.
    Blob(SecretUrl),
}

/// Which clock tells the time of day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ClockChoice {
    /// The clock of this machine.
    System,
    /// The simulator's, over HTTP on loopback.
    Simulated(Url),
}

/// An absolute URL with `https`, or with `http` towards loopback; no user, no fragment.
/// The error repeats nothing of the text.
pub(super) fn url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| "this is not an absolute URL".to_owned())?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err("http is accepted only towards loopback; write https".to_owned()),
        _ => return Err("the URL must begin with https://".to_owned()),
    }
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    match plain && url.has_host() {
        true => Ok(url),
        false => Err("the URL must have a host, and no user, password or fragment".to_owned()),
    }
}

impl StateLocation {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if let Some(folder) = text.strip_prefix("file:") {
            return match folder.strip_prefix("//").unwrap_or(folder) {
                "" => Err("file: needs a folder, such as file:/var/lib/evergraph".to_owned()),
                folder => Ok(Self::Folder(folder.into())),
            };
        }
        if !text.contains("://") {
            return Err("write file:DIR, or the https URL of a blob container".to_owned());
        }
        let url = url(text)?;
        match url.path().trim_matches('/') {
            "" => Err(
                "the URL names no container; write https://ACCOUNT.blob.core.windows.net/CONTAINER"
                    .to_owned(),
            ),
            _ => Ok(Self::Container(SecretUrl(url))),
        }
    }
}

impl StateLocation {
    /// Where the audit lies unless a setting says otherwise: in a folder of the state's folder, or
    /// in the state's container, where its blobs have a prefix of their own.
    pub fn beside(&self) -> Self {
        match self {
            Self::Folder(folder) => Self::Folder(folder.join("audit")),
            Self::Container(url) => Self::Container(url.clone()),
        }
    }
}

/// The longest that a write to memory may take: the intake gives a request up before that.
const MEMORY_TAKES: Duration = Duration::from_secs(10);

/// Reads what follows `memory:`.
fn memory(takes: &str) -> Result<SinkLocation, String> {
    let milliseconds = match takes {
        "" => Some(0),
        takes => takes.strip_suffix("ms").and_then(|ms| ms.parse().ok()),
    };
    let takes = milliseconds.map(Duration::from_millis);
    takes
        .filter(|takes| *takes <= MEMORY_TAKES)
        .map(|takes| SinkLocation::Memory { takes })
        .ok_or_else(|| "write memory: alone, or memory:100ms for writes that take that".to_owned())
}

impl SinkLocation {
    /// The folder or the queue; the other settings come beside it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if let Some(takes) = text.strip_prefix("memory:") {
            return memory(takes);
        }
        if let Some(folder) = text.strip_prefix("file:") {
            return match folder.strip_prefix("//").unwrap_or(folder) {
                "" => Err("file: needs a folder, such as file:/var/lib/evergraph/sink".to_owned()),
                folder => Ok(Self::Folder(folder.into())),
            };
        }
        if !text.contains("://") {
            return Err("write file:DIR, or the https URL of a queue".to_owned());
        }
        let url = url(text)?;
        match url.path().trim_matches('/') {
            "" => Err(
                "the URL names no queue; write https://ACCOUNT.queue.core.windows.net/QUEUE"
                    .to_owned(),
            ),
            _ => Ok(Self::Queue {
                queue: SecretUrl(url),
                blobs: None,
                expires: None,
            }),
        }
    }
}

impl DeclarationLocation {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.contains("://") && !text.starts_with("file:") {
            let url = url(text)?;
            return match url.path().trim_matches('/').contains('/') {
                true => Ok(Self::Blob(SecretUrl(url))),
                false => Err("the URL names no blob; write https://ACCOUNT.blob.core.windows.net/CONTAINER/BLOB".to_owned()),
            };
        }
        let path = match text.strip_prefix("file:") {
            Some(path) => path.strip_prefix("//").unwrap_or(path),
            None => text,
        };
        match path {
            "" => Err("file: needs a path, such as file:subscriptions.toml".to_owned()),
            path => Ok(Self::File(path.into())),
        }
    }
}

impl ClockChoice {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "system" {
            return Ok(Self::System);
        }
        let url =
            url(text).map_err(|why| format!("{why}; write system, or the simulator's URL"))?;
        match is_loopback(&url) {
            true => Ok(Self::Simulated(url)),
            false => Err("a simulated clock is accepted only on loopback; write system".to_owned()),
        }
    }
}
