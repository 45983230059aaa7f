//! host.json: what the host reads of it, app settings that override it, and its errors.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use super::error::HostError;
use super::lenient::{self, Parsed};
use super::settings::AppSettings;
use super::time_span;

/// Default `functionTimeout` of every plan but Consumption (Learn, host.json reference).
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// Shorter function timeouts are refused (ScriptJobHostOptionsSetup).
const FUNCTION_TIMEOUT_MIN: Duration = Duration::from_secs(1);
/// Default `customHandler.initializationTimeout` (HttpWorkerOptions).
const INITIALIZATION_TIMEOUT: Duration = Duration::from_secs(30);

/// What host.json says, overrides applied.
#[derive(Clone, Debug)]
pub(crate) struct HostJson {
    pub(crate) file: PathBuf,
    /// None: unlimited (`"-1"`).
    pub(crate) function_timeout: Option<Duration>,
    pub(crate) initialization_timeout: Duration,
    /// Without slashes at its ends; empty for none.
    pub(crate) route_prefix: String,
    pub(crate) http_mode: HttpMode,
    /// A fixed port for the handler.
    pub(crate) handler_port: Option<u16>,
    pub(crate) description: Description,
}

/// How HTTP functions reach the handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HttpMode {
    Proxied,
    Forwarded,
    Json,
}

/// `customHandler.description`, as written: nothing expanded yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) executable: String,
    pub(crate) worker_path: Option<String>,
    pub(crate) arguments: Vec<String>,
    pub(crate) worker_arguments: Vec<String>,
    pub(crate) worker_directory: String,
    pub(crate) working_directory: String,
    pub(crate) stderr_is_errors_only: bool,
}

impl HostJson {
    /// Reads `app_dir/host.json` and the settings that override it.
    ///
    /// # Errors
    /// The file cannot be read, is no JSON, or a key holds what the host (or this emulation of
    /// it) refuses; the message names file and key.
    pub(crate) fn load(app_dir: &Path, settings: &AppSettings) -> Result<Self, HostError> {
        let file = app_dir.join("host.json");
        let mut root = read_object(&file)?;
        for (path, value) in settings.host_json_overrides() {
            put(&mut root, &path, value);
        }
        Self::from_value(&Keys {
            file: &file,
            root: &root,
        })
    }

    fn from_value(keys: &Keys<'_>) -> Result<Self, HostError> {
        if keys.text("version")?.as_deref() != Some("2.0") {
            return Err(keys.reject("version", "must be \"2.0\""));
        }
        if keys.get("customHandler.description").is_none() {
            return Err(keys.reject(
                "customHandler.description",
                "is missing: without it the host does not start a custom handler",
            ));
        }
        if keys.get("customHandler.http.routes").is_some() {
            return Err(keys.reject(
                "customHandler.http.routes",
                "excludes function.json files and with them timers; this host emulates function.json only",
            ));
        }
        let http_mode = if keys.flag("customHandler.enableProxyingHttpRequest", false)? {
            HttpMode::Proxied
        } else if keys.flag("customHandler.enableForwardingHttpRequest", false)? {
            HttpMode::Forwarded
        } else {
            HttpMode::Json
        };
        Ok(Self {
            file: keys.file.to_owned(),
            function_timeout: function_timeout(keys)?,
            initialization_timeout: keys
                .span("customHandler.initializationTimeout")?
                .unwrap_or(INITIALIZATION_TIMEOUT),
            route_prefix: keys
                .text("extensions.http.routePrefix")?
                .unwrap_or_else(|| "api".to_owned())
                .trim_matches('/')
                .to_owned(),
            http_mode,
            handler_port: handler_port(keys)?,
            description: description(keys)?,
        })
    }
}

fn function_timeout(keys: &Keys<'_>) -> Result<Option<Duration>, HostError> {
    const KEY: &str = "functionTimeout";
    if keys.text(KEY)?.as_deref() == Some("-1") {
        return Ok(None);
    }
    let timeout = keys.span(KEY)?.unwrap_or(FUNCTION_TIMEOUT);
    if timeout < FUNCTION_TIMEOUT_MIN {
        return Err(keys.reject(KEY, "must be at least \"00:00:01\", or \"-1\" for no limit"));
    }
    Ok(Some(timeout))
}

/// Hosts since 4.1044 take a fixed port; 0 and what is no port are configuration errors.
fn handler_port(keys: &Keys<'_>) -> Result<Option<u16>, HostError> {
    const KEY: &str = "customHandler.port";
    match keys.text(KEY)? {
        None => Ok(None),
        Some(text) => match text.parse::<u16>() {
            Ok(port) if port > 0 => Ok(Some(port)),
            _ => Err(keys.reject(KEY, format!("`{text}` is no port; allowed are 1 to 65535"))),
        },
    }
}

fn description(keys: &Keys<'_>) -> Result<Description, HostError> {
    let key = |name: &str| format!("customHandler.description.{name}");
    let text = |name: &str| keys.text(&key(name));
    let executable = text("defaultExecutablePath")?.unwrap_or_default();
    if executable.is_empty() {
        return Err(keys.reject(
            &key("defaultExecutablePath"),
            "must not be empty: it is the program of the custom handler",
        ));
    }
    Ok(Description {
        executable,
        worker_path: text("defaultWorkerPath")?.filter(|path| !path.is_empty()),
        arguments: keys.texts(&key("arguments"))?,
        worker_arguments: keys.texts(&key("workerArguments"))?,
        worker_directory: text("workerDirectory")?.unwrap_or_default(),
        working_directory: text("workingDirectory")?.unwrap_or_default(),
        stderr_is_errors_only: keys.flag(&key("useStdErrorStreamForErrorsOnly"), true)?,
    })
}

/// Reads a file whose content must be one JSON object, as leniently as the host does.
pub(crate) fn read_object(file: &Path) -> Result<Value, HostError> {
    let text = std::fs::read_to_string(file).map_err(|source| HostError::Unreadable {
        file: file.to_owned(),
        source,
    })?;
    let not_json = |why: String| HostError::NotJson {
        file: file.to_owned(),
        why,
    };
    match lenient::parse(&text).map_err(not_json)? {
        Parsed::Value(value @ Value::Object(_)) => Ok(value),
        _ => Err(not_json("it must hold one object, `{ … }`".to_owned())),
    }
}

/// Reads typed values by dotted key, without regard to case, like .NET's configuration.
pub(crate) struct Keys<'a> {
    pub(crate) file: &'a Path,
    pub(crate) root: &'a Value,
}

impl Keys<'_> {
    pub(crate) fn reject(&self, key: &str, why: impl Into<String>) -> HostError {
        HostError::rejected(self.file, key, why)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        let found = key.split('.').try_fold(self.root, member)?;
        (!found.is_null()).then_some(found)
    }

    /// A string, or a number or boolean as its text.
    pub(crate) fn text(&self, key: &str) -> Result<Option<String>, HostError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(value @ (Value::Bool(_) | Value::Number(_))) => Ok(Some(value.to_string())),
            Some(_) => Err(self.reject(key, "must be a string")),
        }
    }

    pub(crate) fn flag(&self, key: &str, default: bool) -> Result<bool, HostError> {
        match self
            .text(key)?
            .map(|text| text.to_ascii_lowercase())
            .as_deref()
        {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(self.reject(key, format!("`{other}` is not true or false"))),
        }
    }

    pub(crate) fn span(&self, key: &str) -> Result<Option<Duration>, HostError> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        match time_span::parse(&text) {
            Some(span) => Ok(Some(span)),
            None => Err(self.reject(key, format!("`{text}` is no time span like \"00:00:30\""))),
        }
    }

    /// A list of strings: a JSON array, an override that holds the text of one, or overrides
    /// that name its elements (`…__arguments__0`).
    pub(crate) fn texts(&self, key: &str) -> Result<Vec<String>, HostError> {
        let wrong = || self.reject(key, "must be an array of strings");
        let items: Vec<Value> = match self.get(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items.clone(),
            Some(Value::Object(members)) => members.values().cloned().collect(),
            Some(Value::String(text)) => serde_json::from_str(text).map_err(|_| {
                self.reject(
                    key,
                    "an override must hold a JSON array of strings, like [\"a\"]",
                )
            })?,
            Some(_) => return Err(wrong()),
        };
        items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect()
    }
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let members = value.as_object()?;
    members.get(name).or_else(|| {
        members
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// Puts a text at a path of keys, replacing what is in the way.
fn put(value: &mut Value, path: &[String], text: String) {
    let Some((first, rest)) = path.split_first() else {
        *value = Value::String(text);
        return;
    };
    if let (Value::Array(items), Ok(index)) = (&mut *value, first.parse::<usize>()) {
        if index >= items.len() {
            items.push(Value::Null);
        }
        let last = items.len() - 1;
        put(&mut items[index.min(last)], rest, text);
        return;
    }
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    if let Value::Object(members) = value {
        let existing = members
            .keys()
            .find(|key| key.eq_ignore_ascii_case(first))
            .cloned();
        let slot = members
            .entry(existing.unwrap_or_else(|| first.clone()))
            .or_insert(Value::Null);
        put(slot, rest, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, settings: &[(&str, &str)]) -> Result<HostJson, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("host.json"), text).unwrap();
        let settings = AppSettings::new(
            settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
            false,
        );
        HostJson::load(dir.path(), &settings).map_err(|error| {
            error
                .to_string()
                .replace(&dir.path().display().to_string(), "APP")
        })
    }

    const SMALLEST: &str =
        r#"{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"h"}}}"#;

    #[test]
    fn the_defaults_are_those_of_the_host() {
        let host = load(SMALLEST, &[]).unwrap();
        assert_eq!(host.function_timeout, Some(Duration::from_secs(1800)));
        assert_eq!(host.initialization_timeout, Duration::from_secs(30));
        assert_eq!(host.route_prefix, "api");
        assert_eq!(host.http_mode, HttpMode::Json);
        assert!(host.description.stderr_is_errors_only);
    }

    #[test]
    fn app_settings_override_host_json() {
        let base = "AzureFunctionsJobHost__customHandler__";
        let host = load(
            SMALLEST,
            &[
                (
                    &format!("{base}description__defaultExecutablePath"),
                    "/bin/other",
                ),
                (
                    &format!("{base}description__arguments"),
                    r#"["handler","--x"]"#,
                ),
                (&format!("{base}enableProxyingHttpRequest"), "True"),
                ("AzureFunctionsJobHost__functionTimeout", "-1"),
                ("AzureFunctionsJobHost__extensions__http__routePrefix", ""),
            ],
        )
        .unwrap();
        assert_eq!(host.description.executable, "/bin/other");
        assert_eq!(host.description.arguments, ["handler", "--x"]);
        assert_eq!(host.http_mode, HttpMode::Proxied);
        assert_eq!(host.function_timeout, None);
        assert_eq!(host.route_prefix, "");
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        assert_eq!(
            load(text, &[]).map(|_| ()),
            Err(expected.to_owned()),
            "{text}"
        );
    }

    #[test]
    fn what_the_host_refuses_is_refused_with_file_and_key() {
        check_refused("{}", "APP/host.json, key `version`: must be \"2.0\"");
        check_refused(
            r#"{"version":"2.0"}"#,
            "APP/host.json, key `customHandler.description`: is missing: without it the host does not start a custom handler",
        );
        check_refused(
            r#"{"version":"2.0","customHandler":{"description":{}}}"#,
            "APP/host.json, key `customHandler.description.defaultExecutablePath`: must not be empty: it is the program of the custom handler",
        );
        for port in ["0", "1234567"] {
            check_refused(
                &SMALLEST.replace(
                    "\"description\"",
                    &format!("\"port\":{port},\"description\""),
                ),
                &format!(
                    "APP/host.json, key `customHandler.port`: `{port}` is no port; allowed are 1 to 65535"
                ),
            );
        }
        check_refused(
            &SMALLEST.replace("{\"version\"", "{\"functionTimeout\":\"5 min\",\"version\""),
            "APP/host.json, key `functionTimeout`: `5 min` is no time span like \"00:00:30\"",
        );
        check_refused(
            "{\n\"version\" 2}",
            "APP/host.json is not valid JSON: line 2: expected `:`, found `2`",
        );
    }
}
