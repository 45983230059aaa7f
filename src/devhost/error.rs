//! Why a local host could not start or do what it was asked.

use std::path::PathBuf;

/// A local Functions host could not start, or could not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A file of the app cannot be read.
    #[error(
        "{file} could not be read; the app folder must hold host.json and one folder with a function.json for each function"
    )]
    Unreadable {
        /// The file or folder.
        file: PathBuf,
        /// What the file system said.
        #[source]
        source: std::io::Error,
    },
    /// A file of the app is no JSON.
    #[error("{file} is not valid JSON: {why}")]
    NotJson {
        /// The file.
        file: PathBuf,
        /// What stands where.
        why: String,
    },
    /// A value in host.json or a function.json is wrong or not emulated.
    #[error("{file}, key `{key}`: {why}")]
    Rejected {
        /// The file; an override by app setting counts as its file.
        file: PathBuf,
        /// Dotted path of the key.
        key: String,
        /// What is wrong and what is allowed.
        why: String,
    },
    /// The port for clients cannot be bound.
    #[error("port {port} on 127.0.0.1 could not be bound; choose another one, or 0 for any")]
    Port {
        /// The port asked for.
        port: u16,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// No function of that name and kind runs here.
    #[error("no {kind} function named `{name}` runs in this host; there are: {known}")]
    UnknownFunction {
        /// `timer`, for example.
        kind: &'static str,
        /// The name asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// No handler process of that group exists.
    #[error("no handler of group `{group}` is running")]
    NoHandler {
        /// The group asked for.
        group: String,
    },
    /// The clock port failed.
    #[error("the timer could not be fired")]
    Clock(#[from] crate::ports::clock::ClockError),
    /// The host stopped, or never became ready.
    #[error("the host is not running: {why}")]
    Stopped {
        /// Why it stopped.
        why: String,
    },
}

impl HostError {
    pub(crate) fn rejected(
        file: impl Into<PathBuf>,
        key: impl Into<String>,
        why: impl Into<String>,
    ) -> Self {
        Self::Rejected {
            file: file.into(),
            key: key.into(),
            why: why.into(),
        }
    }
}
