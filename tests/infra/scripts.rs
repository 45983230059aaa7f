//! The scripts, run for real: the package from a pretended program, the grants with a pretended `az`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::{files, root, text};

/// The head of an ELF file for x86-64; nothing runs it.
const PROGRAM: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0";

/// Runs package.sh from a folder that is not the repository, over a folder with a program in it.
fn package(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(root().join("scripts/package.sh"))
        .current_dir(folder)
        .env_remove("EVERGRAPH_SUBSCRIPTIONS")
        .args(arguments)
        .output()
        .unwrap()
}

fn folder_with_program() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("program"), PROGRAM).unwrap();
    fs::write(folder.path().join("declared.toml"), "# declared\n").unwrap();
    folder
}

#[track_caller]
fn check_refused(output: &Output, part: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(part), "{said}");
}

#[track_caller]
fn check_done(output: &Output) {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Everything below a folder, with a slash after folders.
fn listing(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(listing(&path).iter().map(|below| format!("{name}/{below}")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}

#[test]
fn the_package_has_the_layout_that_the_host_looks_for() {
    let folder = folder_with_program();
    let arguments = [
        "--binary",
        "program",
        "--subscriptions",
        "declared.toml",
        "--out",
        "a/out",
    ];
    check_done(&package(folder.path(), &arguments));
    let out = folder.path().join("a/out");
    let mut wanted: Vec<_> = files("function-definitions", "function.json")
        .iter()
        .map(|path| {
            path.strip_prefix("function-definitions/")
                .unwrap()
                .to_owned()
        })
        .chain(["handler", "host.json", "subscriptions.toml"].map(str::to_owned))
        .collect();
    wanted.sort();
    assert_eq!(listing(&out), wanted);
    let mode = fs::metadata(out.join("handler"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o755);
    assert_eq!(fs::read(out.join("handler")).unwrap(), PROGRAM);
    assert_eq!(
        fs::read_to_string(out.join("host.json")).unwrap(),
        text("host.json")
    );
    assert_eq!(
        listing(&folder.path().join("a")).len(),
        wanted.len(),
        "nothing is left beside it"
    );
}

#[test]
fn a_package_replaces_an_older_one_and_nothing_else() {
    let folder = folder_with_program();
    let arguments = ["--binary", "program", "--no-subscriptions", "--out", "out"];
    let out = folder.path().join("out");
    check_done(&package(folder.path(), &arguments));
    fs::write(out.join("stale"), "").unwrap();
    check_done(&package(folder.path(), &arguments));
    assert!(!out.join("stale").exists() && !out.join("subscriptions.toml").exists());

    let letters = folder.path().join("letters");
    fs::create_dir(&letters).unwrap();
    fs::write(letters.join("dear"), "").unwrap();
    let arguments = [
        "--binary",
        "program",
        "--no-subscriptions",
        "--out",
        "letters",
    ];
    check_refused(&package(folder.path(), &arguments), "is not replaced");
    assert!(letters.join("dear").exists());
}

#[test]
fn a_package_that_could_not_work_is_not_made() {
    let folder = folder_with_program();
    fs::write(folder.path().join("script"), "#!/bin/sh\n").unwrap();
    let mut arm = PROGRAM.to_vec();
    arm[18] = 183; // EM_AARCH64
    fs::write(folder.path().join("arm"), arm).unwrap();
    let refused = |arguments: &[&str], part: &str| {
        let all = [arguments, &["--out", "out"]].concat();
        check_refused(&package(folder.path(), &all), part);
        assert!(!folder.path().join("out").exists());
    };
    refused(
        &["--binary", "script", "--no-subscriptions"],
        "no Linux program for x86-64",
    );
    refused(
        &["--binary", "arm", "--no-subscriptions"],
        "no Linux program for x86-64",
    );
    refused(
        &["--binary", "absent", "--no-subscriptions"],
        "absent is missing",
    );
    refused(
        &["--binary", "program", "--subscriptions", "absent.toml"],
        "absent.toml is missing",
    );
    refused(
        &["--binary", "program", "--subscription"],
        "unknown argument --subscription",
    );
}

/// An `az` that keeps what was granted in a file and answers as the queries ask.
const AZ: &str = r#"#!/bin/sh
dir=$(dirname "$0")
echo "$*" >>"$dir/calls"
case "$*" in
*"ad sp show"*"appRoles[?value=='Mail.Read'"*) echo role-mail ;;
*"ad sp show"*"appRoles[?value=='User.Read.All'"*) echo role-user ;;
*"ad sp show"*appRoles*) echo "" ;;
*"ad sp show"*) echo graph-sp ;;
*"--method GET"*) for role in $(cat "$dir/granted"); do
    case "$*" in *"appRoleId=='$role' && resourceId=='graph-sp'"*) echo "id-of-$role" ;; esac
  done ;;
*"--method POST"*) [ ! -e "$dir/forbidden" ] || exit 1
  case "$*" in *'"appRoleId":"role-mail"'*) echo role-mail >>"$dir/granted" ;;
  *'"appRoleId":"role-user"'*) echo role-user >>"$dir/granted" ;; esac ;;
*) exit 9 ;;
esac
"#;

fn folder_with_az() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let az = folder.path().join("az");
    fs::write(&az, AZ).unwrap();
    fs::set_permissions(&az, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.path().join("granted"), "").unwrap();
    folder
}

fn grant(folder: &Path, permissions: &[&str]) -> Output {
    Command::new(root().join("scripts/grant-graph.sh"))
        .args(permissions)
        .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
        .env("IDENTITY_PRINCIPAL_ID", "the-identity")
        .env_remove("EVERGRAPH_GRAPH_PERMISSIONS")
        .output()
        .unwrap()
}

fn posts(folder: &Path) -> usize {
    let calls = fs::read_to_string(folder.join("calls")).unwrap_or_default();
    calls.matches("--method POST").count()
}

#[test]
fn granting_twice_grants_once() {
    let folder = folder_with_az();
    check_done(&grant(folder.path(), &["Mail.Read", "User.Read.All"]));
    check_done(&grant(folder.path(), &["Mail.Read", "User.Read.All"]));
    let granted = fs::read_to_string(folder.path().join("granted")).unwrap();
    assert_eq!(granted, "role-mail\nrole-user\n");
    assert_eq!(posts(folder.path()), 2);
}

#[test]
fn whoever_may_not_grant_is_told_what_an_administrator_runs() {
    let folder = folder_with_az();
    fs::write(folder.path().join("forbidden"), "").unwrap();
    let output = grant(folder.path(), &["Mail.Read"]);
    check_refused(
        &output,
        "az rest --method POST --url https://graph.microsoft.com/v1.0/",
    );
    check_refused(&output, r#""appRoleId":"role-mail""#);
}

#[test]
fn what_is_no_permission_is_not_granted() {
    let folder = folder_with_az();
    let output = grant(folder.path(), &["Subscription.Read.All", "Mail.Read"]);
    check_refused(&output, "no application permission Subscription.Read.All");
    assert_eq!(
        posts(folder.path()),
        1,
        "the other one is granted all the same"
    );
    let output = grant(folder.path(), &["Mail.Read'||'1'=='1"]);
    check_refused(&output, "is no name of a permission");
    check_done(&grant(folder.path(), &[]));
    assert_eq!(posts(folder.path()), 1);
}
