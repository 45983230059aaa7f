//! What stands in `infra/`, held against the program's settings and Azure's tables.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use super::{files, json, root, text};

/// Without these the deployed program cannot do its work.
const REQUIRED: &[&str] = &[
    "EVERGRAPH_CLIENT_STATE_KEYS",
    "EVERGRAPH_CREDENTIAL",
    "EVERGRAPH_FLEET",
    "EVERGRAPH_SINK",
    "EVERGRAPH_STATE",
    "EVERGRAPH_SUBSCRIPTIONS",
];

/// Read by the Functions host, in `function-definitions/renew`.
const HOST_ONLY: &[&str] = &["EVERGRAPH_SCHEDULE"];

/// Settings of the platform that a Flex Consumption app with its own identity needs.
const PLATFORM: &[&str] = &[
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__credential",
];

/// Flex Consumption refuses these, or does something else than what they say.
const BANNED: &[&str] = &[
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_EXTENSION_VERSION",
    "WEBSITE_RUN_FROM_PACKAGE",
    "linuxFxVersion",
    "WEBSITE_CONTENT",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "ENABLE_ORYX_BUILD",
    "FunctionAppScaleLimit",
    "functionAppScaleLimit",
];

/// The roles that the identity gets, from Azure's table of built-in roles.
const ROLES: &[(&str, &str)] = &[
    (
        "Monitoring Metrics Publisher",
        "3913510d-42f4-4e42-8a64-420c390055eb",
    ),
    (
        "Storage Blob Data Owner",
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    ),
    (
        "Storage Queue Data Message Sender",
        "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
    ),
];

/// All of `infra/`, one text.
fn bicep() -> String {
    files("infra", ".bicep")
        .iter()
        .map(|path| text(path))
        .collect()
}

/// The names of the app settings: the keys with a capital in the block of `appsettings`.
fn app_settings() -> BTreeSet<String> {
    let file = text("infra/app/function.bicep");
    let start = file.find("resource settings ").expect("the app settings");
    let end = start + file[start..].find("\n}\n").expect("their end");
    file[start..end].lines().filter_map(key).collect()
}

fn key(line: &str) -> Option<String> {
    let (name, _) = line.trim().split_once(": ")?;
    let named = name.starts_with(|letter: char| letter.is_ascii_uppercase())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    named.then(|| name.to_owned())
}

/// The names of settings that the program reads: string literals in config.
fn read_by_the_program() -> BTreeSet<String> {
    let mut sources = vec![text("src/config.rs")];
    if root().join("src/config").is_dir() {
        sources.extend(files("src/config", ".rs").iter().map(|path| text(path)));
    }
    sources
        .iter()
        .flat_map(|source| source.split("\"EVERGRAPH_").skip(1))
        .filter_map(|rest| {
            let (name, _) = rest.split_once('"')?;
            let plain = name
                .chars()
                .all(|letter| letter.is_ascii_uppercase() || letter == '_');
            plain.then(|| format!("EVERGRAPH_{name}"))
        })
        .collect()
}

/// The parameters of a Bicep file, each with the lines of its decorators and whether it has a default.
fn parameters(path: &str) -> BTreeMap<String, (Vec<String>, bool)> {
    let mut decorators = Vec::new();
    let mut found = BTreeMap::new();
    for line in text(path).lines() {
        if let Some(rest) = line.strip_prefix("param ") {
            let name = rest.split(' ').next().unwrap().to_owned();
            found.insert(
                name,
                (std::mem::take(&mut decorators), rest.contains(" = ")),
            );
        } else if line.is_empty() {
            decorators.clear();
        } else {
            decorators.push(line.to_owned());
        }
    }
    found
}

fn outputs(path: &str) -> BTreeSet<String> {
    text(path)
        .lines()
        .filter_map(|line| line.strip_prefix("output ")?.split(' ').next())
        .map(str::to_owned)
        .collect()
}

/// The default of a string parameter of main.bicep.
pub fn default_of(parameter: &str) -> String {
    let start = format!("param {parameter} string = '");
    let file = text("infra/main.bicep");
    let line = file.lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap_or_else(|| panic!("no default of {parameter}"))
        .trim_end_matches('\'')
        .to_owned()
}

#[test]
fn every_setting_in_bicep_is_read_by_the_program_or_the_platform() {
    let read = read_by_the_program();
    for required in REQUIRED {
        assert!(read.contains(*required), "config does not read {required}");
    }
    for setting in app_settings() {
        let known = read.contains(&setting)
            || HOST_ONLY.contains(&setting.as_str())
            || PLATFORM.contains(&setting.as_str());
        assert!(
            known,
            "nothing reads {setting}, which infra/app/function.bicep sets"
        );
    }
}

#[test]
fn every_required_setting_is_in_bicep() {
    let set = app_settings();
    for required in REQUIRED.iter().chain(HOST_ONLY).chain(PLATFORM) {
        assert!(
            set.contains(*required),
            "infra/app/function.bicep does not set {required}"
        );
    }
}

#[test]
fn no_setting_is_there_that_flex_consumption_refuses() {
    let all = bicep() + &text("infra/main.parameters.json") + &text("azure.yaml");
    for banned in BANNED {
        assert!(
            !all.contains(banned),
            "{banned} must not be set on Flex Consumption"
        );
    }
}

#[test]
fn the_runtime_is_exactly_custom_1_0() {
    let words: Vec<_> = bicep().split_whitespace().map(str::to_owned).collect();
    let wanted = [
        "runtime:", "{", "name:", "'custom'", "version:", "'1.0'", "}",
    ];
    let found = words
        .windows(wanted.len())
        .filter(|some| *some == wanted)
        .count();
    assert_eq!(
        found, 1,
        "ARM takes any text here and then the app never starts"
    );
}

#[test]
fn the_service_of_azd_is_the_one_that_the_app_is_tagged_with() {
    let azure = text("azure.yaml");
    let services = azure
        .split("\nservices:\n")
        .nth(1)
        .expect("services in azure.yaml");
    let service = services.trim().split(':').next().unwrap();
    assert!(text("infra/main.bicep").contains(&format!("serviceName: '{service}'")));
    assert!(text("infra/app/function.bicep").contains("'azd-service-name': serviceName"));
    for line in [
        "project: .",
        "language: custom",
        "host: function",
        "dist: dist",
    ] {
        assert!(
            services.contains(&format!("    {line}\n")),
            "azure.yaml needs {line}"
        );
    }
}

#[test]
fn every_guid_is_a_role_of_the_table_and_every_role_is_given() {
    let bicep = bicep();
    let guids: BTreeSet<_> = bicep
        .split('\'')
        .filter(|text| text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]))
        .collect();
    assert_eq!(guids, ROLES.iter().map(|(_, guid)| *guid).collect());
    let given = bicep
        .matches("Microsoft.Authorization/roleAssignments@")
        .count();
    assert_eq!(given, ROLES.len());
    assert_eq!(
        bicep.matches("principalType: 'ServicePrincipal'").count(),
        given
    );
}

#[test]
fn keys_are_secure_everywhere_and_have_no_default() {
    for path in ["infra/main.bicep", "infra/app/function.bicep"] {
        let (decorators, default) = &parameters(path)["clientStateKeys"];
        assert!(
            decorators.iter().any(|line| line == "@secure()"),
            "{path}: not secure"
        );
        assert!(
            !default,
            "{path}: a key in the template would be everybody's key"
        );
    }
    assert!(!bicep().contains("listKeys"), "no account key is ever read");
    for wanted in [
        "allowSharedKeyAccess: false",
        "DisableLocalAuth: true",
        "httpsOnly: true",
    ] {
        assert!(bicep().contains(wanted), "{wanted} is missing");
    }
}

#[test]
fn the_parameters_file_fits_the_template() {
    let known = parameters("infra/main.bicep");
    let file = json("infra/main.parameters.json");
    let given = file["parameters"].as_object().unwrap();
    for name in given.keys() {
        assert!(
            known.contains_key(name),
            "main.bicep has no parameter {name}"
        );
    }
    for (name, (decorators, _)) in &known {
        // azd leaves out what is mapped to a variable that is not set, so defaults hold.
        assert!(given.contains_key(name), "{name} cannot be set with azd");
        let described = decorators
            .iter()
            .any(|line| line.starts_with("@description("));
        assert!(described, "{name} has no description");
    }
    // An output becomes a variable of the environment, and so an input of the next deployment.
    let inputs = text("infra/main.parameters.json");
    for output in outputs("infra/main.bicep") {
        assert!(
            !inputs.contains(&format!("${{{output}")),
            "{output} would come back as an input"
        );
    }
}

/// The offline parser is no compiler, but it finds what is no Bicep at all.
#[test]
fn bicep_parses_where_pycep_is_installed() {
    const PARSE: &str = "import sys, pycep\n\
        for path in sys.argv[1:]: pycep.BicepParser().parse(text=open(path).read())";
    let installed = Command::new("python3")
        .args(["-c", "import pycep"])
        .output();
    if !installed.is_ok_and(|output| output.status.success()) {
        println!("skipped: python3 with pycep-parser is not installed");
        return;
    }
    let output = Command::new("python3")
        .current_dir(root())
        .args(["-c", PARSE])
        .args(files("infra", ".bicep"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
