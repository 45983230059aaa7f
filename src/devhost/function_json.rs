//! function.json: what the host reads of it, and its errors.

use std::path::Path;

use super::error::HostError;
use super::function::{AuthLevel, Function, HttpTrigger, TimerTrigger, Trigger};
use super::host_json::{HostJson, HttpMode, Keys, read_object};
use super::route::Route;
use super::schedule::Schedule;
use super::settings::{AppSettings, Unresolved, expand};

/// The outcome for one function.json that is valid in itself.
pub(crate) enum Indexed {
    Yes(Function),
    /// Only this function is left out; the host goes on.
    No(String),
}

/// Reads the function.json of the function `name`.
///
/// # Errors
/// The file cannot be read, is no JSON, or a key holds what the host refuses or this host does
/// not emulate; the message names file and key.
pub(crate) fn read(
    name: &str,
    file: &Path,
    host: &HostJson,
    settings: &AppSettings,
) -> Result<Indexed, HostError> {
    let root = read_object(file)?;
    let keys = Keys { file, root: &root };
    Reader {
        keys,
        host,
        settings,
    }
    .function(name)
}

struct Reader<'a> {
    keys: Keys<'a>,
    host: &'a HostJson,
    settings: &'a AppSettings,
}

/// The bindings that this host emulates, for error messages.
const EMULATED: &str = "this host emulates httpTrigger with one http output, and timerTrigger";

impl Reader<'_> {
    fn function(&self, name: &str) -> Result<Indexed, HostError> {
        self.check_name(name)?;
        if self.keys.get("retry").is_some() {
            return Err(self
                .keys
                .reject("retry", "retry policies are not emulated by this host"));
        }
        let (trigger_index, kind) = self.trigger()?;
        let trigger = match kind.as_str() {
            "httptrigger" => Trigger::Http(self.http(name, trigger_index)?),
            _ => match self.timer(name, trigger_index)? {
                Ok(timer) => Trigger::Timer(timer),
                Err(why) => return Ok(Indexed::No(why)),
            },
        };
        let disabled = self.disabled(name)?;
        Ok(Indexed::Yes(Function {
            name: name.to_owned(),
            disabled,
            trigger,
        }))
    }

    /// `^[a-z][a-z0-9_\-]{0,127}$` without case, and not `host` (Utility.cs).
    fn check_name(&self, name: &str) -> Result<(), HostError> {
        let mut chars = name.chars();
        let valid = chars.next().is_some_and(|c| c.is_ascii_alphabetic())
            && name.len() <= 128
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if valid && !name.eq_ignore_ascii_case("host") {
            return Ok(());
        }
        Err(self.keys.reject(
            "(folder name)",
            format!("`{name}` is no function name: a letter, then up to 127 letters, digits, `_` or `-`; `host` is reserved"),
        ))
    }

    /// Position and lower-case type of the one trigger, after a look at all bindings.
    fn trigger(&self) -> Result<(usize, String), HostError> {
        let Some(bindings) = self.keys.get("bindings").and_then(|value| value.as_array()) else {
            return Err(self.keys.reject("bindings", "must be an array of bindings"));
        };
        let mut trigger = None;
        let mut outputs = Vec::new();
        for index in 0..bindings.len() {
            let at = |key: &str| format!("bindings[{index}].{key}");
            let binding = self.binding(index)?;
            let kind = binding.text("type").map_err(|_| self.wrong_type(index))?;
            let kind = kind.unwrap_or_default().to_ascii_lowercase();
            self.check_binding_name(index)?;
            match kind.as_str() {
                "httptrigger" | "timertrigger" if trigger.is_none() => {
                    trigger = Some((index, kind))
                }
                "httptrigger" | "timertrigger" => {
                    return Err(self
                        .keys
                        .reject(&at("type"), "a function has exactly one trigger"));
                }
                "http" => outputs.push(index),
                other => {
                    let why = format!("`{other}` is not emulated; {EMULATED}");
                    return Err(self.keys.reject(&at("type"), why));
                }
            }
        }
        let Some((index, kind)) = trigger else {
            return Err(self
                .keys
                .reject("bindings", format!("no trigger; {EMULATED}")));
        };
        let expected_outputs = usize::from(kind == "httptrigger");
        if outputs.len() != expected_outputs {
            return Err(self.keys.reject(
                "bindings",
                format!(
                    "{} http outputs where {expected_outputs} belong; {EMULATED}",
                    outputs.len()
                ),
            ));
        }
        Ok((index, kind))
    }

    fn binding(&self, index: usize) -> Result<Keys<'_>, HostError> {
        let root = self.keys.get("bindings").and_then(|value| value.get(index));
        match root {
            Some(root) if root.is_object() => Ok(Keys {
                file: self.keys.file,
                root,
            }),
            _ => Err(self
                .keys
                .reject(&format!("bindings[{index}]"), "must be an object")),
        }
    }

    fn wrong_type(&self, index: usize) -> HostError {
        self.keys
            .reject(&format!("bindings[{index}].type"), "must be a string")
    }

    /// `^[a-zA-Z][a-zA-Z0-9]{0,127}$` or `$return` (Utility.cs).
    fn check_binding_name(&self, index: usize) -> Result<(), HostError> {
        let name = self.binding(index)?.text("name")?.unwrap_or_default();
        let valid = name == "$return"
            || (name.len() <= 128
                && name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric()));
        if valid {
            return Ok(());
        }
        Err(self.keys.reject(
            &format!("bindings[{index}].name"),
            format!("`{name}` is no binding name: a letter, then letters and digits"),
        ))
    }

    fn http(&self, name: &str, index: usize) -> Result<HttpTrigger, HostError> {
        if self.host.http_mode != HttpMode::Proxied {
            return Err(HostError::rejected(
                &self.host.file,
                "customHandler.enableProxyingHttpRequest",
                format!(
                    "must be true for the HTTP function `{name}`: this host emulates only the proxy mode for HTTP"
                ),
            ));
        }
        let binding = self.binding(index)?;
        let key = |key: &str| format!("bindings[{index}].{key}");
        let reject = |name: &str, why: String| self.keys.reject(&key(name), why);
        let template = binding.text("route")?.unwrap_or_else(|| name.to_owned());
        let route =
            Route::parse(&self.host.route_prefix, &template).map_err(|why| reject("route", why))?;
        let level = match binding
            .text("authLevel")?
            .unwrap_or_default()
            .to_lowercase()
            .as_str()
        {
            "anonymous" => AuthLevel::Anonymous,
            "function" | "" => AuthLevel::Function,
            "admin" => AuthLevel::Admin,
            other => {
                let why = format!("`{other}` is not one of anonymous, function, admin");
                return Err(reject("authLevel", why));
            }
        };
        let methods = binding.texts("methods").map_err(|_| {
            reject(
                "methods",
                "must be an array of methods like [\"get\", \"post\"]".to_owned(),
            )
        })?;
        let shown = format!("{}/{}", self.host.route_prefix, template.trim_matches('/'));
        Ok(HttpTrigger {
            template: format!("/{}", shown.trim_matches('/')),
            route,
            methods: methods.iter().map(|method| method.to_uppercase()).collect(),
            level,
        })
    }

    /// The inner error is the one that leaves only this function out: a missing setting.
    fn timer(&self, name: &str, index: usize) -> Result<Result<TimerTrigger, String>, HostError> {
        let binding = self.binding(index)?;
        let key = format!("bindings[{index}].schedule");
        let Some(written) = binding.text("schedule")? else {
            return Err(self.keys.reject(&key, "is missing"));
        };
        let text = expand(
            &written,
            |setting| self.settings.get(setting),
            Unresolved::Keep,
        );
        if let Some(start) = text.find('%') {
            let missing = text[start + 1..].split('%').next().unwrap_or_default();
            return Ok(Err(format!(
                "function `{name}` is left out: {} refers to the setting `{missing}`, which is not set",
                self.keys.file.display()
            )));
        }
        Ok(Ok(TimerTrigger {
            binding: binding.text("name")?.unwrap_or_default(),
            schedule: Schedule::parse(&text).map_err(|why| self.keys.reject(&key, why))?,
            text,
            run_on_startup: binding.flag("runOnStartup", false)?,
            use_monitor: binding.flag("useMonitor", true)?,
        }))
    }

    /// `"disabled": true`, the name of a setting, or `AzureWebJobs.<Name>.Disabled`, with
    /// underscores where an environment takes no dots.
    fn disabled(&self, name: &str) -> Result<bool, HostError> {
        let by_setting = [".", "__", "_"].iter().any(|dot| {
            self.settings
                .is_true(&format!("AzureWebJobs{dot}{name}{dot}Disabled"))
        });
        let written = match self.keys.text("disabled")? {
            None => false,
            Some(text) if text.eq_ignore_ascii_case("true") => true,
            Some(text) => self.settings.is_true(text.trim_matches('%')),
        };
        Ok(by_setting || written)
    }
}

#[cfg(test)]
mod tests {
    use super::super::function::Functions;
    use super::*;

    const HOST: &str = r#"{"version":"2.0","customHandler":{
        "enableProxyingHttpRequest":true,"description":{"defaultExecutablePath":"h"}}}"#;
    const TIMER: &str =
        r#"{"bindings":[{"type":"timerTrigger","name":"timer","schedule":"%WHEN%"}]}"#;
    const HTTP: &str = r#"{"bindings":[
        {"type":"httpTrigger","direction":"in","name":"req","authLevel":"anonymous","methods":["post"]},
        {"type":"http","direction":"out","name":"res"}]}"#;

    fn load(
        host: &str,
        functions: &[(&str, &str)],
        settings: &[(&str, &str)],
    ) -> Result<Functions, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("host.json"), host).unwrap();
        for (name, text) in functions {
            std::fs::create_dir(dir.path().join(name)).unwrap();
            std::fs::write(dir.path().join(name).join("function.json"), text).unwrap();
        }
        let settings = AppSettings::new(
            settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
            false,
        );
        HostJson::load(dir.path(), &settings)
            .and_then(|host| Functions::load(dir.path(), &host, &settings))
            .map_err(|error| {
                error
                    .to_string()
                    .replace(&dir.path().display().to_string(), "APP")
            })
    }

    #[test]
    fn functions_come_in_the_order_of_their_folders() {
        let functions = load(
            HOST,
            &[("zeta", HTTP), ("All", HTTP), ("beta", TIMER)],
            &[("WHEN", "0 * * * * *")],
        )
        .unwrap();
        let names: Vec<&str> = functions.all.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["All", "beta", "zeta"]);
    }

    #[test]
    fn a_missing_setting_leaves_out_only_that_function() {
        let functions = load(HOST, &[("hook", HTTP), ("renew", TIMER)], &[]).unwrap();
        assert_eq!(functions.all.len(), 1);
        let expected = "function `renew` is left out: APP/renew/function.json refers to the setting `WHEN`, which is not set";
        assert!(functions.index_errors[0].ends_with(&expected[expected.len() - 60..]));
        assert!(functions.index_errors[0].starts_with("function `renew` is left out"));
    }

    #[test]
    fn a_setting_or_a_key_disables_a_function() {
        for name in ["AzureWebJobs.hook.Disabled", "AzureWebJobs__hook__Disabled"] {
            let functions = load(HOST, &[("hook", HTTP)], &[(name, "1")]).unwrap();
            assert!(functions.all[0].disabled, "{name}");
        }
        let text = HTTP.replacen('{', "{\"disabled\":true,", 1);
        assert!(load(HOST, &[("hook", &text)], &[]).unwrap().all[0].disabled);
    }

    #[track_caller]
    fn check_refused(host: &str, name: &str, text: &str, expected: &str) {
        let error = load(host, &[(name, text)], &[("WHEN", "0 * * * * *")]).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn what_is_wrong_or_not_emulated_is_refused_with_file_and_key() {
        let queue = r#"{"bindings":[{"type":"queueTrigger","name":"msg","queueName":"q"}]}"#;
        check_refused(
            HOST,
            "q",
            queue,
            "APP/q/function.json, key `bindings[0].type`: `queuetrigger` is not emulated; this host emulates",
        );
        check_refused(
            HOST,
            "9x",
            HTTP,
            "APP/9x/function.json, key `(folder name)`: `9x` is no function name",
        );
        check_refused(
            HOST,
            "x",
            "{}",
            "APP/x/function.json, key `bindings`: must be an array",
        );
        check_refused(
            HOST,
            "x",
            &HTTP.replace("anonymous", "nobody"),
            "APP/x/function.json, key `bindings[0].authLevel`: `nobody` is not one of",
        );
        check_refused(
            HOST,
            "x",
            &HTTP.replace("\"req\"", "\"my-req\""),
            "APP/x/function.json, key `bindings[0].name`: `my-req` is no binding name",
        );
        check_refused(
            HOST,
            "x",
            &TIMER.replace("%WHEN%", "never"),
            "APP/x/function.json, key `bindings[0].schedule`: `never` has 1 fields",
        );
        check_refused(
            HOST,
            "x",
            &TIMER.replacen('{', "{\"retry\":{},", 1),
            "APP/x/function.json, key `retry`:",
        );
        let json_mode = HOST.replace("true", "false");
        check_refused(
            &json_mode,
            "x",
            HTTP,
            "APP/host.json, key `customHandler.enableProxyingHttpRequest`: must be true",
        );
    }
}
