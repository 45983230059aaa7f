//! The command line and the environment of a handler process, computed before it starts.

use std::path::{Path, PathBuf};

use super::host_json::Description;
use super::settings::{AppSettings, Unresolved, expand};

/// Everything that a handler process is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The program: an existing file, or a name that is searched on PATH.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its working directory.
    pub working_dir: PathBuf,
    /// Variables on top of what it inherits.
    pub env: Vec<(String, String)>,
    /// True if it inherits the environment of this process.
    pub inherits_env: bool,
    /// The port on 127.0.0.1 on which it must listen.
    pub port: u16,
    /// True if every line of stderr without `warn` is an error.
    pub stderr_is_errors_only: bool,
}

/// Names that the host sets for its child (HttpWorkerConstants).
const PORT: [&str; 2] = ["FUNCTIONS_CUSTOMHANDLER_PORT", "FUNCTIONS_HTTPWORKER_PORT"];
const WORKER_ID: [&str; 2] = [
    "FUNCTIONS_CUSTOMHANDLER_WORKER_ID",
    "FUNCTIONS_HTTPWORKER_ID",
];
const ROOT: &str = "FUNCTIONS_APP_ROOT_PATH";

impl Launch {
    /// Computes a start from host.json's description; `worker_id` is new for each process.
    pub(crate) fn new(
        description: &Description,
        app_dir: &Path,
        settings: &AppSettings,
        port: u16,
        worker_id: &str,
    ) -> Self {
        let mut env: Vec<(String, String)> = settings
            .own()
            .filter(|(name, _)| !is_set_by_host(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        env.extend(PORT.map(|name| (name.to_owned(), port.to_string())));
        env.extend(WORKER_ID.map(|name| (name.to_owned(), worker_id.to_owned())));
        env.push((ROOT.to_owned(), app_dir.display().to_string()));
        let lookup = |name: &str| {
            let set = env
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone());
            set.or_else(|| settings.get(name))
        };
        Self {
            program: program(description, app_dir, &lookup),
            arguments: split_arguments(&command_line(description, &lookup)),
            working_dir: app_dir.join(&description.working_directory),
            inherits_env: settings.inherits(),
            port,
            stderr_is_errors_only: description.stderr_is_errors_only,
            env,
        }
    }
}

fn is_set_by_host(name: &str) -> bool {
    name == ROOT || PORT.contains(&name) || WORKER_ID.contains(&name)
}

/// A relative path is taken from the worker directory if a file stands there, and is left to
/// the search on PATH otherwise.
fn program(
    description: &Description,
    app_dir: &Path,
    lookup: &impl Fn(&str) -> Option<String>,
) -> String {
    let program = expand(&description.executable, lookup, Unresolved::Delete);
    let beside = app_dir.join(&description.worker_directory).join(&program);
    if Path::new(&program).is_relative() && beside.is_file() {
        return beside.display().to_string();
    }
    program
}

/// One string, as the host builds it: elements unquoted, the worker path in quotes.
fn command_line(description: &Description, lookup: &impl Fn(&str) -> Option<String>) -> String {
    let expanded = |text: &String| format!(" {}", expand(text, lookup, Unresolved::Delete));
    let mut line: String = description.arguments.iter().map(expanded).collect();
    if let Some(path) = &description.worker_path {
        line.push_str(&format!(
            " \"{}\"",
            expand(path, lookup, Unresolved::Delete)
        ));
    }
    line.extend(description.worker_arguments.iter().map(expanded));
    line
}

/// Splits a command line as .NET does on Unix: blanks separate outside double quotes, and a
/// backslash is special only before a quote.
fn split_arguments(line: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut current: Option<String> = None;
    let mut quoted = false;
    let mut backslashes = 0;
    for c in line.chars() {
        if c == '\\' {
            backslashes += 1;
            continue;
        }
        let kept = if c == '"' {
            backslashes / 2
        } else {
            backslashes
        };
        let literal_quote = c == '"' && backslashes % 2 == 1;
        if backslashes > 0 {
            current.get_or_insert_default().push_str(&"\\".repeat(kept));
            backslashes = 0;
        }
        match c {
            '"' if !literal_quote => {
                quoted = !quoted;
                current.get_or_insert_default();
            }
            ' ' | '\t' if !quoted => arguments.extend(current.take()),
            _ => current.get_or_insert_default().push(c),
        }
    }
    if backslashes > 0 {
        current
            .get_or_insert_default()
            .push_str(&"\\".repeat(backslashes));
    }
    arguments.extend(current);
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> AppSettings {
        AppSettings::new(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
            false,
        )
    }

    fn description(executable: &str, arguments: &[&str], worker_arguments: &[&str]) -> Description {
        let texts = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
        Description {
            executable: executable.to_owned(),
            arguments: texts(arguments),
            worker_arguments: texts(worker_arguments),
            ..Description::default()
        }
    }

    #[test]
    fn arguments_become_one_string_with_a_leading_blank() {
        // DefaultWorkerProcessFactoryTests, GetWorkerProcess_Expands…
        let lookup = |name: &str| match name {
            "httpkey1" => Some("httpvalue1".to_owned()),
            "httpkey2" => Some("httpvalue2".to_owned()),
            "TestEnv" => Some("TestVal".to_owned()),
            _ => None,
        };
        let description = description("h", &["%httpkey1%", "%TestEnv%"], &["%httpkey2%"]);
        assert_eq!(
            command_line(&description, &lookup),
            " httpvalue1 TestVal httpvalue2"
        );
    }

    #[track_caller]
    fn check_split(line: &str, expected: &[&str]) {
        assert_eq!(split_arguments(line), expected, "{line}");
    }

    #[test]
    fn an_element_with_blanks_becomes_several_arguments_unless_it_brings_quotes() {
        check_split(" handler --port 7", &["handler", "--port", "7"]);
        check_split(" \"two words\" x", &["two words", "x"]);
        check_split(" a\\b \\\"q\\\" \"\"", &["a\\b", "\"q\"", ""]);
        check_split("", &[]);
    }

    #[test]
    fn the_child_sees_port_id_and_root_whatever_the_settings_say() {
        let launch = Launch::new(
            &description("%TOOL%", &["--port", "%FUNCTIONS_CUSTOMHANDLER_PORT%"], &[]),
            Path::new("/app"),
            &settings(&[
                ("TOOL", "tool"),
                ("FUNCTIONS_HTTPWORKER_PORT", "1"),
                ("A", "b"),
            ]),
            4321,
            "id-1",
        );
        assert_eq!(launch.program, "tool");
        assert_eq!(launch.arguments, ["--port", "4321"]);
        let expected = [
            ("A", "b"),
            ("TOOL", "tool"),
            ("FUNCTIONS_CUSTOMHANDLER_PORT", "4321"),
            ("FUNCTIONS_HTTPWORKER_PORT", "4321"),
            ("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", "id-1"),
            ("FUNCTIONS_HTTPWORKER_ID", "id-1"),
            ("FUNCTIONS_APP_ROOT_PATH", "/app"),
        ];
        let seen: Vec<(&str, &str)> = launch
            .env
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_relative_program_is_taken_from_the_worker_directory_only_if_it_is_there() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("bin")).unwrap();
        std::fs::write(dir.path().join("bin/h"), "").unwrap();
        let mut description = description("h", &[], &[]);
        let program = |description: &Description| {
            Launch::new(description, dir.path(), &settings(&[]), 1, "id").program
        };
        assert_eq!(program(&description), "h");
        description.worker_directory = "bin".to_owned();
        assert_eq!(
            program(&description),
            dir.path().join("bin/h").display().to_string()
        );
    }
}
