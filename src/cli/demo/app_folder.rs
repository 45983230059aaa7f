//! An app folder in deployed layout: the very files of the deployment, written from this program.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

/// Path in the folder, and content.
const FILES: &[(&str, &str)] = &[
    ("host.json", include_str!("../../../host.json")),
    (
        "renew/function.json",
        include_str!("../../../function-definitions/renew/function.json"),
    ),
    (
        "notifications/function.json",
        include_str!("../../../function-definitions/notifications/function.json"),
    ),
    (
        "lifecycle/function.json",
        include_str!("../../../function-definitions/lifecycle/function.json"),
    ),
    (
        "health/function.json",
        include_str!("../../../function-definitions/health/function.json"),
    ),
];

/// Writes the folder, over what is there.
///
/// # Errors
/// What cannot be written, by its path.
pub(in crate::cli) fn write(folder: &Path) -> anyhow::Result<()> {
    for (name, content) in FILES {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("could not make {}", parent.display()))?;
        }
        fs::write(&path, content).with_context(|| format!("could not write {}", path.display()))?;
    }
    Ok(())
}

/// App settings by which the host starts this very program as the handler, instead of the
/// executable that host.json names.
///
/// # Errors
/// Where this program does not know its own file.
pub(in crate::cli) fn own_handler() -> anyhow::Result<[(String, String); 2]> {
    let program = std::env::current_exe().context("could not find this program's own file")?;
    let key = |name: &str| format!("AzureFunctionsJobHost__customHandler__description__{name}");
    Ok([
        (key("defaultExecutablePath"), program.display().to_string()),
        (
            key("arguments"),
            r#"["handler", "--until-stdin-ends"]"#.to_owned(),
        ),
    ])
}

/// Replaces a file in one step, so that nobody ever reads half of it.
///
/// # Errors
/// What cannot be written, by its path.
pub(in crate::cli) fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, text)
        .and_then(|()| fs::rename(&beside, path))
        .with_context(|| format!("could not write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every function of the deployment is in the folder; a new one must be added above.
    #[test]
    fn the_folder_holds_every_function_of_the_deployment() {
        let deployed = Path::new(env!("CARGO_MANIFEST_DIR")).join("function-definitions");
        let mut names: Vec<String> = fs::read_dir(deployed)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .map(|name| format!("{name}/function.json"))
            .collect();
        names.push("host.json".to_owned());
        names.sort();
        let mut written: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        written.sort_unstable();
        assert_eq!(written, names);
    }

    #[test]
    fn a_replaced_file_has_the_new_content_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("subscriptions.toml");
        replace(&path, "a").unwrap();
        replace(&path, "b").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "b");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
