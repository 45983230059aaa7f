//! `evergraph ensure` as a process, against the simulated services.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

use std::path::Path;
use std::process::Stdio;

use evergraph::sim::services::house::{BUSINESS, CONTAINER, GROUP, House, SITE};
use serde_json::{Value, json};
use tempfile::TempDir;

struct Bed {
    house: House,
    folder: TempDir,
}

/// What a run of the program brought.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    #[track_caller]
    fn check(&self, code: i32) -> Value {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }
}

impl Bed {
    async fn new() -> Self {
        let start = "2026-03-01T12:00:00Z".parse().unwrap();
        let house = House::start(0, start).await;
        Self {
            house: house.unwrap_or_else(|(port, why)| panic!("{port}: {why}")),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn url(&self, name: &str) -> String {
        let mut services = self.house.services.iter();
        services
            .find(|(known, ..)| *known == name)
            .unwrap()
            .1
            .clone()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Runs the program in the folder, with these settings beside the credential `none`.
    async fn run(&self, words: &[&str], settings: &[(&str, &str)]) -> Ran {
        run(self.folder.path(), words, settings).await
    }

    /// The same, with one JSON document as its output.
    async fn json(&self, kind: &str, base: &[&str], more: &[&str]) -> Ran {
        let bases: Vec<String> = base.iter().map(|name| self.url(name)).collect();
        let mut words = vec![kind, "--spec", "spec.toml", "--output", "json"];
        for base in &bases {
            words.extend(["--base-url", base]);
        }
        words.extend(more);
        self.run(&words, &[("EVERGRAPH_AUDIT", "file:audit")]).await
    }

    async fn portal(&self, service: &str, path: &str, body: &Value) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/_portal/{path}", self.url(service));
        let answer = client.post(url).json(body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
    }

    /// The lines of the audit.
    fn audit(&self) -> Vec<Value> {
        let mut lines = Vec::new();
        let mut folders = vec![self.folder.path().join("audit")];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let text = std::fs::read_to_string(path).unwrap();
                    let read = text
                        .lines()
                        .filter_map(|line| serde_json::from_str(line).ok());
                    lines.extend(read);
                }
            }
        }
        lines
    }
}

async fn run(folder: &Path, words: &[&str], settings: &[(&str, &str)]) -> Ran {
    let ran = tokio::process::Command::new(env!("CARGO_BIN_EXE_evergraph"))
        .arg("ensure")
        .args(words)
        .current_dir(folder)
        .env_clear()
        .env("EVERGRAPH_CREDENTIAL", "none")
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    Ran {
        code: ran.status.code().unwrap(),
        stdout: String::from_utf8(ran.stdout).unwrap(),
        stderr: String::from_utf8(ran.stderr).unwrap(),
    }
}

fn blob() -> String {
    format!(
        "container = \"https://acct.blob.core.windows.net/{CONTAINER}\"\nname = \"app.json\"\nowner = \"team-a\"\ncontent = \"v1\"\ncontent_type = \"application/json\"\n"
    )
}

#[tokio::test]
async fn a_blob_is_created_left_alone_and_changed_and_every_step_is_audited() {
    let bed = Bed::new().await;
    bed.write("spec.toml", &blob());
    let would = bed.json("blob", &["blob"], &["--dry-run"]).await.check(0);
    assert_eq!(would["would"], "create it");
    assert_eq!(
        bed.audit(),
        Vec::<Value>::new(),
        "a rehearsal writes nothing"
    );
    let because = ["--because", "https://tickets.example/7"];
    let made = bed.json("blob", &["blob"], &because).await.check(0);
    assert_eq!(made["done"]["outcome"], "created");
    let again = bed.json("blob", &["blob"], &[]).await.check(0);
    assert_eq!(again["done"]["outcome"], "unchanged");
    bed.write("spec.toml", &blob().replace("v1", "v2"));
    let changed = bed.json("blob", &["blob"], &[]).await.check(0);
    assert_eq!(changed["done"]["outcome"], "patched");
    let audit = bed.audit();
    let of_run = |run: &Value| audit.iter().filter(|line| line["run"] == *run).count();
    for told in [&made, &again, &changed] {
        assert_eq!(
            of_run(&told["run"]),
            told["steps"].as_array().unwrap().len()
        );
    }
    let mut of_made = audit.iter().filter(|line| line["run"] == made["run"]);
    let begun = of_made.find(|line| line["outcome"] == "begun").unwrap();
    assert_eq!(begun["words"], "about to create it");
    assert_eq!(begun["because"], "https://tickets.example/7");
    assert_eq!(
        begun["key"],
        format!("blob/{}/{CONTAINER}/app.json", &bed.url("blob")[7..])
    );
}

#[tokio::test]
async fn giving_up_ends_with_1_and_says_reason_evidence_and_next_step() {
    let bed = Bed::new().await;
    bed.write("spec.toml", &blob());
    let upload = json!({"name": "app.json", "content": "by hand"});
    bed.portal("blob", &format!("{CONTAINER}/upload"), &upload)
        .await;
    let told = bed.json("blob", &["blob"], &[]).await.check(1);
    assert_eq!(told["gave_up"]["reason"], "foreign");
    assert!(
        told["gave_up"]["next_step"]
            .as_str()
            .unwrap()
            .contains("the mark of the owner team-a")
    );
    let words = [
        "blob",
        "--spec",
        "spec.toml",
        "--base-url",
        &bed.url("blob"),
    ];
    let ran = bed.run(&words, &[]).await;
    assert_eq!(ran.code, 1);
    for part in [
        "check before create",
        "Gave up (foreign): app.json has the key and is not ours",
        "Next: Find out who wrote",
        "No step is audited",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert_eq!(ran.stderr, "");
}

#[tokio::test]
async fn a_lock_and_cors_in_two_places_are_told_and_nothing_is_changed() {
    let bed = Bed::new().await;
    bed.write("app.zip", "zip");
    bed.write(
        "spec.toml",
        &format!("subscription = \"{}\"\nresource_group = \"shop\"\nsite = \"{SITE}\"\nowner = \"team-a\"\npackage = \"app.zip\"\napp_cors_setting = \"CORS\"\n", &GROUP[15..51]),
    );
    let site = format!("sites/{SITE}");
    bed.portal(
        "app-service",
        &format!("{site}/cors"),
        &json!({"origins": ["https://a.example"]}),
    )
    .await;
    bed.portal(
        "app-service",
        &format!("{site}/setting"),
        &json!({"name": "CORS", "value": "https://b.example"}),
    )
    .await;
    let would = bed
        .json("app-service", &["app-service"], &["--dry-run"])
        .await
        .check(0);
    assert_eq!(would["would"], format!("change {SITE} to what is wanted"));
    assert!(
        would["findings"][0]
            .as_str()
            .unwrap()
            .contains("is set twice"),
        "{would}"
    );
    let lock = json!({"scope": GROUP, "name": "freeze", "level": "ReadOnly", "notes": "audit"});
    bed.portal("app-service", &format!("{site}/lock"), &lock)
        .await;
    let told = bed
        .json("app-service", &["app-service"], &[])
        .await
        .check(1);
    assert_eq!(told["gave_up"]["reason"], "needs-operator");
    assert!(
        told["gave_up"]["next_step"]
            .as_str()
            .unwrap()
            .contains("The lock freeze (ReadOnly)")
    );
    let rules: Vec<&Value> = told["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["rule"])
        .collect();
    assert!(rules.contains(&&json!("arm/scope-locked")), "{rules:?}");
}

#[tokio::test]
async fn people_of_a_business_are_ensured_below_the_root_of_graph() {
    let bed = Bed::new().await;
    let spec = format!(
        "business = \"{BUSINESS}\"\naddress = \"ann@contoso.com\"\nrole = \"member\"\n[properties]\ndisplayName = \"Ann\"\n"
    );
    bed.write("spec.toml", &spec);
    let graph = format!("{}/v1.0", bed.url("bookings"));
    for (kind, outcome) in [
        ("bookings-staff", "created"),
        ("bookings-staff", "unchanged"),
    ] {
        let words = [
            kind,
            "--spec",
            "spec.toml",
            "--output",
            "json",
            "--base-url",
            &graph,
        ];
        assert_eq!(
            bed.run(&words, &[]).await.check(0)["done"]["outcome"],
            outcome
        );
    }
    bed.write(
        "spec.toml",
        &spec.replace("role = \"member\"", "owner = \"team-a\""),
    );
    let words = [
        "bookings-customer",
        "--spec",
        "spec.toml",
        "--output",
        "json",
        "--base-url",
        &graph,
    ];
    assert_eq!(
        bed.run(&words, &[]).await.check(0)["done"]["outcome"],
        "created"
    );
    assert_eq!(
        bed.run(&words, &[]).await.check(0)["done"]["outcome"],
        "unchanged"
    );
}

#[tokio::test]
async fn an_item_is_ensured_in_the_regions_that_are_named() {
    let bed = Bed::new().await;
    bed.write(
        "spec.toml",
        "regions = [\"https://a.documents.azure.com\"]\ndatabase = \"d\"\ncontainer = \"c\"\npartition = \"p\"\nid = \"ledger\"\nowner = \"team-a\"\n[properties]\nn = 1\npk = \"p\"\n",
    );
    let made = bed.json("cosmos-item", &["cosmos-1"], &[]).await.check(0);
    assert_eq!(made["done"]["outcome"], "created");
    let again = bed.json("cosmos-item", &["cosmos-1"], &[]).await.check(0);
    assert_eq!(again["done"]["outcome"], "unchanged");
}

#[tokio::test]
async fn a_wrong_specification_ends_with_2_and_file_line_key_and_what_is_allowed() {
    let bed = Bed::new().await;
    bed.write("spec.toml", &blob().replace("team-a", "Team A"));
    let words = [
        "blob",
        "--spec",
        "spec.toml",
        "--base-url",
        "http://127.0.0.1:9",
    ];
    let ran = bed.run(&words, &[]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    let want = "error: spec.toml:3:9: owner: \"Team A\" is not allowed here; allowed: 1 to 32 of a-z, 0-9 and -\n";
    assert_eq!(ran.stderr, want);
}

#[track_caller]
fn check_wrong(ran: &Ran, words: &str) {
    assert_eq!(ran.code, 2, "{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[tokio::test]
async fn wrong_arguments_and_settings_end_with_2_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("spec.toml"), blob()).unwrap();
    let at = |words: &'static [&'static str], settings: &'static [(&'static str, &'static str)]| {
        run(folder.path(), words, settings)
    };
    let ran = at(&["queue", "--spec", "spec.toml"], &[]).await;
    check_wrong(&ran, "app-service, blob, bookings-staff");
    let ran = at(&["blob", "--spec", "absent.toml"], &[]).await;
    check_wrong(&ran, "absent.toml could not be read");
    // The credential `none` never leaves this machine.
    let ran = at(&["blob", "--spec", "spec.toml"], &[]).await;
    check_wrong(&ran, "none is accepted only");
    let azure = &[("EVERGRAPH_CREDENTIAL", "azure-cli")];
    let ran = at(&["blob", "--spec", "spec.toml"], azure).await;
    check_wrong(&ran, "EVERGRAPH_TENANT_ID");
    let twice = &[
        "blob",
        "--spec",
        "spec.toml",
        "--base-url",
        "http://127.0.0.1:9",
        "--base-url",
        "http://127.0.0.1:9",
    ];
    let ran = at(twice, &[]).await;
    check_wrong(&ran, "give --base-url once");
    let ran = at(
        &[
            "blob",
            "--spec",
            "spec.toml",
            "--base-url",
            "http://127.0.0.1:9",
        ],
        &[("EVERGRAPH_AUDIT", "ftp:x")],
    )
    .await;
    check_wrong(&ran, "EVERGRAPH_AUDIT");
}
