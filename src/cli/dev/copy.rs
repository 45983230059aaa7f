//! The declaration as the handlers read it: yours, in one simulated tenant.
//!
//! The simulated Graph takes any token, and nobody's real secret belongs in a simulation. So no
//! token is sent at all (the credential `none`), and without a token the simulated Graph cannot
//! tell tenants apart: several are put into one. For the same reason no queue can be opened: every
//! declared sink becomes a folder beside the copy.

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
    tenants: Vec<String>,
}

impl Copied {
    pub(super) fn new(from: &Path, to: &Path) -> Self {
        Self {
            from: from.to_owned(),
            to: to.to_owned(),
            seen: None,
            tenants: Vec::new(),
        }
    }

    /// Copies the original if it changed. Returns whether it did.
    pub(super) fn refresh(&mut self) -> anyhow::Result<bool> {
        let text = std::fs::read_to_string(&self.from)
            .with_context(|| format!("could not read {}", self.from.display()))?;
        if self.seen.as_ref() == Some(&text) {
            return Ok(false);
        }
        let (copy, tenants) = simulated(&text, &self.sinks());
        app_folder::replace(&self.to, &copy)?;
        self.tenants = tenants;
        self.seen = Some(text);
        Ok(true)
    }

    /// The folder of the folders that stand for declared sinks.
    fn sinks(&self) -> PathBuf {
        self.to.with_file_name("sinks")
    }

    /// What is not as declared, where anything is.
    pub(super) fn notice(&self) -> String {
        match self.tenants.len() {
            0 | 1 => String::new(),
            _ => format!(
                "Tenants          {} are simulated as one\n",
                self.tenants.join(", ")
            ),
        }
    }

    /// Copies every change, for ever. A file that is away for a moment, as some editors leave
    /// it, is asked for again.
    pub(super) async fn follow<T>(&mut self) -> T {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Ok(true) = self.refresh() {
                println!("{} changed", self.from.display());
            }
        }
    }
}

/// The keys of a tenant that say how to get a token.
const CREDENTIAL: [&str; 4] = [
    "credential",
    "client_id",
    "secret_setting",
    "certificate_setting",
];

/// The declaration in one tenant without a credential, and the names of the tenants that were
/// put into it. What is no TOML is left as it is: the handler says so.
fn simulated(text: &str, sinks: &Path) -> (String, Vec<String>) {
    let unchanged = || (text.to_owned(), Vec::new());
    let Ok(mut table) = text.trim_start_matches('\u{feff}').parse::<toml::Table>() else {
        return unchanged();
    };
    let default = table.get("defaults").and_then(|all| all.get("tenant"));
    let default = default.and_then(toml::Value::as_str).map(str::to_owned);
    let Some(toml::Value::Table(tenants)) = table.get_mut("tenants") else {
        return unchanged();
    };
    let names: Vec<String> = tenants.keys().cloned().collect();
    let known = default.filter(|name| tenants.contains_key(name));
    let Some(stays) = known.or_else(|| names.first().cloned()) else {
        return unchanged();
    };
    tenants.retain(|name, _| *name == stays);
    for (_, tenant) in tenants.iter_mut() {
        if let Some(tenant) = tenant.as_table_mut() {
            tenant.retain(|key, _| !CREDENTIAL.contains(&key));
        }
    }
    move_into(&mut table, &stays, &names);
    into_folders(&mut table, sinks);
    match toml::to_string(&table) {
        Ok(text) => (text, names),
        Err(_) => unchanged(),
    }
}

/// Subscriptions of the other tenants that are declared become the one tenant's; a name that is
/// declared nowhere stays, and is refused.
fn move_into(table: &mut toml::Table, stays: &str, names: &[String]) {
    let Some(toml::Value::Array(all)) = table.get_mut("subscriptions") else {
        return;
    };
    for tenant in all.iter_mut().filter_map(|one| one.get_mut("tenant")) {
        if tenant
            .as_str()
            .is_some_and(|name| names.iter().any(|one| one == name))
        {
            *tenant = toml::Value::String(stays.to_owned());
        }
    }
}

/// Every declared sink becomes a folder; what belongs to queues goes.
fn into_folders(table: &mut toml::Table, folder: &Path) {
    let Some(toml::Value::Table(sinks)) = table.get_mut("sinks") else {
        return;
    };
    for (name, sink) in sinks.iter_mut() {
        if let Some(sink) = sink.as_table_mut() {
            sink.retain(|key, _| !["blobs", "expires"].contains(&key));
            let place = format!("file:{}", folder.join(name).display());
            sink.insert("location".to_owned(), place.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_tenants_become_one_without_a_credential() {
        let example = include_str!("../../../subscriptions.example.toml");
        let mut wanted: toml::Table = example.parse().unwrap();
        let tenants = wanted["tenants"].as_table_mut().unwrap();
        assert!(tenants["fabrikam"].get("secret_setting").is_some());
        tenants.remove("fabrikam");
        let all = wanted["subscriptions"].as_array_mut().unwrap();
        let moved = all.iter_mut().filter_map(|one| one.get_mut("tenant"));
        for tenant in moved {
            assert_eq!(tenant.as_str(), Some("fabrikam"));
            *tenant = "contoso".into();
        }
        let orders = wanted["sinks"]["orders"].as_table_mut().unwrap();
        orders.remove("expires").unwrap();
        orders.insert("location".to_owned(), "file:/s/orders".into());
        let (copy, tenants) = simulated(example, Path::new("/s"));
        assert_eq!(copy.parse::<toml::Table>().unwrap(), wanted);
        assert_eq!(tenants, ["contoso", "fabrikam"]);
    }

    #[test]
    fn a_credential_goes_and_the_rest_of_a_tenant_stays() {
        let text = "[tenants.a]\nid = \"x\"\ncredential = \"azure-cli\"\n\n[[subscriptions]]\ntenant = \"b\"\n";
        let (copy, _) = simulated(text, Path::new("/s"));
        let copy: toml::Table = copy.parse().unwrap();
        assert_eq!(copy["tenants"]["a"].as_table().unwrap().len(), 1);
        assert_eq!(copy["subscriptions"][0]["tenant"].as_str(), Some("b"));
    }

    #[test]
    fn what_is_no_toml_or_names_no_tenant_is_left_to_the_handler() {
        for text in ["[[[", "", "tenants = 3", "[tenants]"] {
            assert_eq!(simulated(text, Path::new("/s")).0, text);
        }
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
