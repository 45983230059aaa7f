//! What must be on the machine beside Rust.

use std::path::Path;
use std::process::{Command, Stdio};

/// A program that some tests need.
pub struct Tool {
    /// Names it goes by; the first is for messages.
    names: &'static [&'static str],
    /// Arguments to which one that will do answers with success.
    probe: &'static [&'static str],
    /// The file, from the root of the repository, without which nothing needs it.
    user: &'static str,
    /// What is left out without it.
    purpose: &'static str,
    /// Whether a run without it ends with an error; otherwise it only says what was left out.
    must: bool,
}

/// All of them. Each is asked for only while its user is in the tree.
const TOOLS: &[Tool] = &[
    Tool {
        names: &["node"],
        // Azurite 3.37 asks for 22; on 20 it was seen to pass all tests.
        probe: &[
            "-e",
            "process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)",
        ],
        user: "tests/azurite/package.json",
        purpose: "it runs Azurite (version 20 at least), for the tests of Blob Storage",
        must: true,
    },
    Tool {
        names: &[NPM],
        probe: &["--version"],
        user: "tests/azurite/package.json",
        purpose: "it installs Azurite, for the tests of Blob Storage",
        must: true,
    },
    Tool {
        names: &["python3", "python"],
        probe: &["--version"],
        user: "tests/clients.rs",
        purpose: "clients in other languages are tried with it",
        must: true,
    },
    Tool {
        names: &["python3"],
        probe: &["-c", "import cryptography, jwt"],
        user: "tests/intake_crypto.rs",
        purpose: "its packages cryptography and PyJWT are what envelopes and tokens are checked against",
        must: false,
    },
    Tool {
        names: &["chromium", "chromium-browser", "google-chrome", "chrome"],
        probe: &["--version"],
        user: "tests/browser.rs",
        purpose: "the operator's pages are looked at with it",
        must: true,
    },
];

/// npm is a script; Windows wants its ending.
pub const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

impl Tool {
    /// Whether only the tests with Azurite need it.
    pub fn is_for_azurite(&self) -> bool {
        self.user.starts_with("tests/azurite/")
    }

    /// Whether a run without it ends with an error.
    pub fn is_a_must(&self) -> bool {
        self.must
    }

    fn is_there(&self) -> bool {
        self.names.iter().any(|name| answers(name, self.probe))
    }
}

impl std::fmt::Display for Tool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.names.first().copied().unwrap_or_default();
        write!(f, "{name}: {}", self.purpose)
    }
}

/// The tools that something in the tree needs and the machine lacks.
pub fn missing(root: &Path) -> Vec<&'static Tool> {
    TOOLS
        .iter()
        .filter(|tool| root.join(tool.user).exists() && !tool.is_there())
        .collect()
}

/// Whether a program can be started with these arguments and likes them.
pub fn answers(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
