//! The declaration as the handlers read it: yours, without the credentials of tenants.
//!
//! The simulated Graph takes any token, and nobody's real secret belongs in a simulation. So
//! every tenant gets its tokens from the local token endpoint, whatever the file says.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use super::super::demo::app_folder;

/// How often the file is looked at: within the shortest time between two runs of the timer.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A copy that follows its original.
#[derive(Clone, Debug)]
pub(super) struct Copied {
    from: PathBuf,
    to: PathBuf,
    seen: Option<String>,
}

impl Copied {
    pub(super) fn new(from: &Path, to: &Path) -> Self {
        Self {
            from: from.to_owned(),
            to: to.to_owned(),
            seen: None,
        }
    }

    /// Copies the original if it changed. Returns whether it did.
    pub(super) fn refresh(&mut self) -> anyhow::Result<bool> {
        let text = std::fs::read_to_string(&self.from)
            .with_context(|| format!("could not read {}", self.from.display()))?;
        if self.seen.as_ref() == Some(&text) {
            return Ok(false);
        }
        app_folder::replace(&self.to, &without_credentials(&text))?;
        self.seen = Some(text);
        Ok(true)
    }

    /// Copies every change, for ever. A file that is away for a moment, as some editors leave
    /// it, is asked for again.
    pub(super) async fn follow<T>(&mut self) -> T {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match self.refresh() {
                Ok(true) => println!("{} changed", self.from.display()),
                Ok(false) | Err(_) => {}
            }
        }
    }
}

/// Leaves only the id of each tenant. What is no TOML is left as it is: the handler says so.
fn without_credentials(text: &str) -> String {
    let Ok(mut table) = text.trim_start_matches('\u{feff}').parse::<toml::Table>() else {
        return text.to_owned();
    };
    let Some(toml::Value::Table(tenants)) = table.get_mut("tenants") else {
        return text.to_owned();
    };
    const CREDENTIAL: [&str; 4] = [
        "credential",
        "client_id",
        "secret_setting",
        "certificate_setting",
    ];
    for tenant in tenants.values_mut().filter_map(toml::Value::as_table_mut) {
        tenant.retain(|key, _| !CREDENTIAL.contains(&key));
    }
    toml::to_string(&table).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_and_everything_else_stays() {
        let example = include_str!("../../../subscriptions.example.toml");
        let mut wanted: toml::Table = example.parse().unwrap();
        let copy: toml::Table = without_credentials(example).parse().unwrap();
        let tenant = wanted["tenants"]["fabrikam"].as_table_mut().unwrap();
        assert!(tenant.contains_key("secret_setting"), "the example shows one");
        tenant.retain(|key, _| key == "id");
        assert_eq!(copy, wanted);
    }

    #[test]
    fn what_is_no_toml_is_left_to_the_handler() {
        assert_eq!(without_credentials("[[["), "[[[");
    }

    #[test]
    fn a_change_is_copied_once() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a.toml"), folder.path().join("b.toml"));
        std::fs::write(&from, "x = 1\n").unwrap();
        let mut copied = Copied::new(&from, &to);
        assert!(copied.refresh().unwrap());
        assert!(!copied.refresh().unwrap());
        std::fs::write(&from, "x = 2\n").unwrap();
        assert!(copied.refresh().unwrap());
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "x = 2\n");
        std::fs::remove_file(&from).unwrap();
        assert!(copied.refresh().is_err());
    }
}
