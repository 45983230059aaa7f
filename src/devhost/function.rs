//! The functions of an app: what they are, and the folders in which they are found.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::HostError;
use super::function_json::{Indexed, read};
use super::host_json::HostJson;
use super::route::Route;
use super::schedule::Schedule;
use super::settings::AppSettings;

/// Who may call an HTTP function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthLevel {
    /// Everybody.
    Anonymous,
    /// Holders of a key of this function, of a host key, or of the master key.
    Function,
    /// Holders of the master key.
    Admin,
}

/// One function, read and checked.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    /// Name of its folder.
    pub(crate) name: String,
    pub(crate) disabled: bool,
    pub(crate) trigger: Trigger,
}

/// What calls a function. Other triggers are refused at start.
#[derive(Clone, Debug)]
pub(crate) enum Trigger {
    Http(HttpTrigger),
    Timer(TimerTrigger),
}

#[derive(Clone, Debug)]
pub(crate) struct HttpTrigger {
    /// As written, for people; with the prefix.
    pub(crate) template: String,
    pub(crate) route: Route,
    /// Upper case; empty: all.
    pub(crate) methods: Vec<String>,
    pub(crate) level: AuthLevel,
}

#[derive(Clone, Debug)]
pub(crate) struct TimerTrigger {
    /// Name of the binding: the member of `Data` under which the timer reaches the handler.
    pub(crate) binding: String,
    /// As it stands after `%NAME%` was replaced.
    pub(crate) text: String,
    pub(crate) schedule: Schedule,
    pub(crate) run_on_startup: bool,
    /// `useMonitor`; a sub-minute schedule switches it off later.
    pub(crate) use_monitor: bool,
}

/// The functions that run, and the sentences about those that cannot be indexed.
#[derive(Debug, Default)]
pub(crate) struct Functions {
    /// In the order of their folders' names: the order in which routes are tried.
    pub(crate) all: Vec<Arc<Function>>,
    pub(crate) index_errors: Vec<String>,
}

impl Functions {
    /// Reads every immediate child folder of `dir` that holds a function.json.
    ///
    /// # Errors
    /// A folder cannot be read, or a function.json is no JSON or holds what the host refuses
    /// or this host does not emulate.
    pub(crate) fn load(
        dir: &Path,
        host: &HostJson,
        settings: &AppSettings,
    ) -> Result<Self, HostError> {
        let mut functions = Self::default();
        for (name, file) in function_files(dir)? {
            match read(&name, &file, host, settings)? {
                Indexed::Yes(function) => functions.all.push(Arc::new(function)),
                Indexed::No(why) => functions.index_errors.push(why),
            }
        }
        Ok(functions)
    }
}

fn function_files(dir: &Path) -> Result<Vec<(String, PathBuf)>, HostError> {
    let unreadable = |source| HostError::Unreadable {
        file: dir.to_owned(),
        source,
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let file = entry.path().join("function.json");
        if file.is_file() {
            found.push((entry.file_name().to_string_lossy().into_owned(), file));
        }
    }
    found.sort();
    Ok(found)
}
