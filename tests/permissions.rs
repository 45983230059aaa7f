//! `evergraph permissions`, as a process, with tokens made here.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const CONTOSO: &str = "84bd8158-6d4d-4958-8b9f-9d6445542f95";
const FABRIKAM: &str = "3f1a2b4c-5d6e-4f70-8192-a3b4c5d6e7f8";
const PRINCIPAL: &str = "0b7f9c52-2a5c-4a3d-9e6b-6c1d2e3f4a5b";
const MAIL: &str = "810c84a8-4a9e-49e6-bf7d-12d183f40d01";
const USERS: &str = "df021288-bdef-4463-88db-98f22de89214";

/// Looks like a signature, and must never be seen again.
const SIGNATURE: &str = "aHVudGVyMg-hunter2-c2VjcmV0";

fn token(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(&json!({ "alg": "RS256", "typ": "JWT" }));
    format!("{head}.{}.{SIGNATURE}", part(claims))
}

fn app(tenant: &str, roles: &[&str]) -> Value {
    json!({
        "aud": "https://graph.microsoft.com",
        "appid": "6c1d2e3f-4a5b-4c6d-8e7f-90a1b2c3d4e5",
        "oid": PRINCIPAL,
        "tid": tenant,
        "roles": roles,
    })
}

fn declaration() -> String {
    format!(
        "[tenants.contoso]\nid = \"{CONTOSO}\"\n[tenants.fabrikam]\nid = \"{FABRIKAM}\"\n\
         [defaults]\ntenant = \"contoso\"\nchange_types = [\"updated\"]\n\
         [[subscriptions]]\nname = \"inbox\"\nresource = \"users/u/messages\"\n\
         [[subscriptions]]\nname = \"people\"\nresource = \"users\"\n\
         [[subscriptions]]\nname = \"theirs\"\ntenant = \"fabrikam\"\nresource = \"users/v/messages\"\n"
    )
}

/// Runs the command with tokens on standard input.
fn run(tokens: &str, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s.toml");
    std::fs::write(&file, declaration()).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_evergraph"))
        .args(["permissions", file.to_str().unwrap()])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(tokens.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let all = format!("{}{}", text(&output.stdout), text(&output.stderr));
    for token in tokens.split_whitespace().filter(|word| word.len() > 40) {
        for part in token.split('.').filter(|part| part.len() > 10) {
            assert!(!all.contains(part), "a token was printed: {all}");
        }
    }
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const STDIN: [&str; 2] = ["--token-file", "-"];

#[track_caller]
fn check_json(tokens: &str, more: &[&str], code: i32) -> Value {
    let more = [&STDIN[..], &["--output", "json"], more].concat();
    let output = run(tokens, &more);
    let shown = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{shown}{}",
        text(&output.stderr)
    );
    serde_json::from_str(&shown).unwrap()
}

#[test]
fn enough_is_done_and_too_much_is_told() {
    let tokens = format!(
        "{}\nBearer {}\n",
        token(&app(
            CONTOSO,
            &["Mail.Read", "User.Read.All", "Sites.Read.All"]
        )),
        token(&app(FABRIKAM, &["Mail.ReadWrite"])),
    );
    let report = check_json(&tokens, &[], 0);
    assert_eq!(report["complete"], true);
    let contoso = &report["tenants"][0];
    assert_eq!(contoso["servicePrincipal"], PRINCIPAL);
    assert_eq!(contoso["excess"][0]["name"], "Sites.Read.All");
    assert_eq!(contoso["carried"].as_array().unwrap().len(), 3);
    assert_eq!(contoso["commands"], json!([]));
    let needed = &contoso["needed"][0];
    assert_eq!(needed["name"], "Mail.Read");
    assert_eq!(needed["appRoleId"], MAIL);
    assert_eq!(needed["subscriptions"], json!(["inbox"]));
    let fabrikam = &report["tenants"][1]["needed"][0];
    assert_eq!(
        (&fabrikam["state"], &fabrikam["by"]),
        (&json!("broader"), &json!("Mail.ReadWrite"))
    );
}

#[test]
fn what_is_missing_ends_with_one_and_is_granted_by_a_command() {
    let tokens = token(&app(CONTOSO, &["Mail.Read"]));
    let report = check_json(&tokens, &["--tenant", "contoso"], 1);
    let contoso = &report["tenants"][0];
    assert_eq!(contoso["missing"], json!(["User.Read.All"]));
    let commands = contoso["commands"].as_array().unwrap();
    let last = commands.last().unwrap().as_str().unwrap();
    assert!(
        last.contains("az rest --method POST") && last.contains(USERS),
        "{last}"
    );
    assert!(commands[1].as_str().unwrap().contains(PRINCIPAL));
    assert!(!last.contains(MAIL), "what is there is not granted again");
    let shown = text(&run(&tokens, &[&STDIN[..], &["--tenant", "contoso"]].concat()).stdout);
    assert!(
        shown.contains(USERS) && shown.contains("missing"),
        "{shown}"
    );
    assert!(shown.contains("Privileged Role Administrator"), "{shown}");
}

#[test]
fn the_commands_are_words_of_a_shell() {
    let tokens = token(&app(CONTOSO, &[]));
    let report = check_json(&tokens, &["--tenant", "contoso"], 1);
    let commands = report["tenants"][0]["commands"].as_array().unwrap();
    let script: Vec<&str> = commands.iter().map(|one| one.as_str().unwrap()).collect();
    // A stand-in for az that writes its arguments down, one a line.
    let script = format!("az() {{ printf '%s\\n' \"$@\"; }}\n{}\n", script.join("\n"));
    let output = Command::new("sh").arg("-c").arg(&script).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    let body = shown.lines().find(|line| line.starts_with('{')).unwrap();
    assert!(
        body.starts_with(&format!("{{\"principalId\":\"{PRINCIPAL}\"")),
        "{body}"
    );
}

#[test]
fn a_tenant_without_a_token_is_not_known() {
    let tokens = token(&app(CONTOSO, &["Mail.Read", "User.Read.All"]));
    let report = check_json(&tokens, &[], 1);
    assert_eq!(report["tenants"][0]["complete"], true);
    assert_eq!(report["tenants"][1]["complete"], false);
    let fabrikam = &report["tenants"][1];
    assert!(fabrikam["problem"].is_string());
    assert_eq!(fabrikam["needed"][0]["state"], "unknown");
    assert_eq!(
        (&fabrikam["missing"], &fabrikam["commands"]),
        (&json!([]), &json!([]))
    );
}

#[test]
fn a_token_of_a_user_or_for_somebody_else_says_so() {
    let user = json!({
        "aud": "00000003-0000-0000-c000-000000000000", "tid": CONTOSO, "scp": "Mail.Read User.Read",
    });
    let other = json!({
        "aud": "https://vault.azure.net", "tid": CONTOSO, "roles": ["Mail.Read", "User.Read.All"],
    });
    for (claims, words) in [(user, "signed-in user"), (other, "vault.azure.net")] {
        let report = check_json(&token(&claims), &["--tenant", "contoso"], 1);
        let problem = report["tenants"][0]["problem"].as_str().unwrap();
        assert!(problem.contains(words), "{problem}");
    }
}

#[test]
fn the_commands_are_for_the_cloud_of_the_token_and_look_up_what_is_not_known() {
    let mut claims = app(CONTOSO, &["Mail.Read"]);
    claims["aud"] = "https://graph.microsoft.us/".into();
    let report = check_json(&token(&claims), &["--tenant", "contoso"], 1);
    let commands = report["tenants"][0]["commands"].to_string();
    assert!(
        commands.contains("https://graph.microsoft.us/v1.0/servicePrincipals/"),
        "{commands}"
    );
}

#[test]
fn what_the_azure_cli_prints_is_read() {
    let token = token(&app(CONTOSO, &["Mail.Read", "User.Read.All"]));
    let printed = json!({ "accessToken": token, "expiresOn": "x", "tenant": CONTOSO });
    let report = check_json(&printed.to_string(), &["--tenant", "contoso"], 0);
    assert_eq!(report["complete"], true);
}

#[test]
fn what_is_no_token_is_refused_and_not_repeated() {
    let foreign = token(&app("11111111-1111-4111-8111-111111111111", &[]));
    for bad in [
        "hunter2hunter2hunter2hunter2hunter2hunter2hunter2",
        "",
        "a.b.c",
        &foreign,
    ] {
        let output = run(bad, &STDIN);
        assert_eq!(output.status.code(), Some(1), "{bad}");
        assert_eq!(text(&output.stdout), "");
        assert!(!text(&output.stderr).contains("hunter2"), "{bad}");
    }
    let output = run("", &["--tenant", "nobody", "--token-file", "-"]);
    assert!(text(&output.stderr).contains("nobody"));
}
