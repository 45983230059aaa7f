//! Broken code for each guard, and code that looks broken and is not.

use super::size::{self, Exception};
use super::source::{Finding, Source};
use super::{rooms, words};

type Guard = fn(&Source) -> Vec<Finding>;

/// The guard finds exactly these, as `line: part of the sentence`.
#[track_caller]
fn check_finds(guard: Guard, path: &str, code: &str, wanted: &[&str]) {
    check_findings(&guard(&Source::parse(path, code)), wanted);
}

#[track_caller]
fn check_findings(found: &[Finding], wanted: &[&str]) {
    let lines: Vec<_> = found
        .iter()
        .map(|found| format!("{}: {}", found.line, found.sentence))
        .collect();
    let fits = |(line, wanted): (&String, &&str)| {
        let (number, part) = wanted.split_once(": ").expect("`line: part`");
        line.starts_with(&format!("{number}: ")) && line.contains(part)
    };
    let all = lines.len() == wanted.len() && lines.iter().zip(wanted).all(fits);
    assert!(all, "found {lines:#?}\nwanted {wanted:#?}");
}

/// Path, code of one line, part of the sentence.
type Broken = (&'static str, &'static str, &'static str);

#[rustfmt::skip]
const WRONG_WAY: &[Broken] = &[
    ("src/domain/plan.rs", "use crate::ports::clock::Clock;", "domain must not name ports"),
    ("src/domain/plan.rs", "fn f() { crate::app::run() }", "domain must not name app"),
    ("src/ports/graph.rs", "use crate::{domain::ids::Key, app};", "ports must not name app"),
    ("src/app/pass.rs", "use crate::{domain, adapters::{clock, state}};", "adapters::clock"),
    ("src/app/pass.rs", "use super::super::adapters::x;", "app must not name adapters"),
    ("src/app/pass/mod.rs", "mod a { use super::super::super::sim::x; }", "must not name sim"),
    ("src/app/mod.rs", "type T = Vec<crate::http::Server>;", "app must not name http"),
    ("src/adapters/clock.rs", "use crate::sim::graph;", "adapters must not name sim"),
    ("src/sim/mod.rs", "use crate::adapters::clock;", "sim must not name adapters"),
    ("src/sim/mod.rs", "use crate::app::pass;", "sim must not name app"),
    ("src/http/mod.rs", "use crate::compose::handler;", "http must not name compose"),
    ("src/cli/demo.rs", "use crate::adapters::state::file;", "cli must not name adapters"),
    ("src/devhost/mod.rs", "fn f() { log!(crate::cli::x) }", "devhost must not name cli"),
    ("src/compose.rs", "use crate::cli;", "compose must not name cli"),
    ("src/telemetry.rs", "pub(in crate::config) struct S;", "telemetry must not name config"),
    ("src/app/pass.rs", "use crate::*;", "names no room"),
    ("src/app/pass.rs", "use crate::{self as house};", "names no room"),
    ("src/stuff/mod.rs", "fn f() {}", "stuff is no room"),
];

#[rustfmt::skip]
const RIGHT_WAY: &[(&str, &str)] = &[
    ("src/app/pass.rs", "use crate::{app::report, domain::ids, ports::graph::Graph};"),
    ("src/app/pass.rs", "//! Like `crate::sim`.\n// crate::sim\nconst A: &str = \"crate::sim\";"),
    ("src/app/pass.rs", "#[cfg(test)]\nmod tests { use crate::sim::x; }"),
    ("src/app/pass.rs", "#[cfg(test)]\n#[rustfmt::skip]\nuse crate::sim::x;\nfn f() {}"),
    ("src/app/pass.rs", "use super::sim::x;"),
    ("src/app/tests.rs", "use crate::sim::x;"),
    ("src/bin/handler.rs", "use evergraph::compose;"),
    ("src/cli/demo.rs", "use crate::{compose, devhost, sim};"),
    ("tests/whole.rs", "use evergraph::sim; use evergraph::app;"),
];

#[rustfmt::skip]
const EXCLUDED: &[Broken] = &[
    ("src/domain/plan.rs", "async fn f() {}", "async"),
    ("src/domain/plan.rs", "use tokio::time;", "tokio::time"),
    ("src/domain/plan.rs", "use tokio;", "tokio"),
    ("src/domain/plan.rs", "fn f() { tracing::info!(\"x\") }", "tracing::info"),
    ("src/domain/plan.rs", "use std::{fmt, fs::File};", "std::fs::File"),
    ("src/domain/plan.rs", "fn f() { Timestamp::now(); }", "no clock"),
    ("src/domain/plan.rs", "use std::time::{Duration, Instant};", "Instant"),
    ("src/domain/plan.rs", "use aws_lc_rs::rand;", "no chance"),
    ("src/domain/plan.rs", "use serde_json::Value;", "wire formats"),
    ("src/ports/graph.rs", "use azure_core::http::Etag;", "a port speaks our words"),
    ("src/ports/graph.rs", "fn f(status: StatusCode) {}", "StatusCode"),
    ("src/app/pass.rs", "fn f() { reqwest::Client::new(); }", "reqwest::Client::new"),
    ("src/app/pass.rs", "use azure_storage_blob::models;", "azure_storage_blob"),
    ("src/app/pass.rs", "fn f() { std::time::SystemTime::now(); }", "SystemTime"),
    ("src/http/timer.rs", "use reqwest::Client;", "calls go out through ports"),
];

#[rustfmt::skip]
const INCLUDED: &[(&str, &str)] = &[
    ("src/domain/conflict/mod.rs", "use serde_json::Value;"),
    ("src/domain/plan.rs", "use std::time::Duration; use aws_lc_rs::hmac;"),
    ("src/app/pass.rs", "use tokio::time::Instant; async fn f() {}"),
    ("src/adapters/graph.rs", "use reqwest::Client; use azure_core::Error;"),
];

#[test]
fn direction_sees_every_way_to_name_a_room() {
    check_each(rooms::direction, WRONG_WAY);
}

#[test]
fn direction_lets_pass_what_is_allowed_commented_or_a_test() {
    for (path, code) in RIGHT_WAY {
        check_finds(rooms::direction, path, code, &[]);
    }
    let code = "#[cfg(test)]\nmod tests { fn f() {} }\nuse crate::sim::x;";
    check_finds(
        rooms::direction,
        "src/app/pass.rs",
        code,
        &["3: app must not name sim"],
    );
}

#[test]
fn contents_sees_what_a_room_excludes() {
    check_each(rooms::contents, EXCLUDED);
    for (path, code) in INCLUDED {
        check_finds(rooms::contents, path, code, &[]);
    }
}

/// The guard finds one thing at least in each.
#[track_caller]
fn check_each(guard: Guard, broken: &[Broken]) {
    for (path, code, sentence) in broken {
        let found = guard(&Source::parse(path, code));
        let seen = found
            .iter()
            .any(|found| found.line == 1 && found.sentence.contains(sentence));
        assert!(seen, "{code} in {path}: {found:?}");
    }
}

#[test]
fn environment_is_seen_outside_of_config() {
    let read = "fn f() { std::env::var(\"X\").ok(); }";
    let check = |path, code, wanted: &[&str]| check_finds(rooms::environment, path, code, wanted);
    check(
        "src/adapters/identity.rs",
        read,
        &["1: reads the environment"],
    );
    check(
        "src/cli/dev.rs",
        "use std::env;\nfn f() { env::vars_os(); }",
        &["2: reads the environment"],
    );
    check(
        "src/cli/dev.rs",
        "use std::env::{temp_dir, var};",
        &["1: std::env::var"],
    );
    check(
        "src/cli/dev.rs",
        "fn f() { std::env::current_exe().ok(); }",
        &[],
    );
    check("src/config.rs", read, &[]);
    check("src/bin/handler.rs", read, &[]);
    check("tests/host.rs", read, &[]);
}

#[test]
fn lengths_are_counted_and_exceptions_only_shrink() {
    let long = |lines: usize| format!("fn f() {{\n{}}}\nfn g();\n", "    x();\n".repeat(lines - 2));
    let file = |path: &str, text: &str| vec![Source::parse(path, text)];
    let longest = size::FUNCTION_LINES;
    let exception = |place, lines| {
        [Exception {
            place,
            lines,
            reason: "a table",
        }]
    };
    let check = |sources: &[Source], exceptions: &[Exception], wanted: &[&str]| {
        check_findings(&size::functions(sources, exceptions), wanted);
    };
    check(&file("src/a.rs", &long(longest)), &[], &[]);
    check(
        &file("src/a.rs", &long(longest + 1)),
        &[],
        &["1: src/a.rs::f has 71 lines"],
    );
    check(
        &file("src/a.rs", &long(90)),
        &exception("src/a.rs::f", 90),
        &[],
    );
    check(
        &file("src/a.rs", &long(91)),
        &exception("src/a.rs::f", 90),
        &["1: at most 90"],
    );
    check(
        &file("src/a.rs", &long(9)),
        &exception("src/a.rs::f", 90),
        &["1: drop its exception"],
    );
    let file_of = |lines: usize| file("src/a.rs", &"// x\n".repeat(lines));
    check_findings(&size::files(&file_of(size::FILE_LINES), &[]), &[]);
    check_findings(
        &size::files(&file_of(size::FILE_LINES + 1), &[]),
        &["1: has 401 lines"],
    );
}

#[test]
fn empty_words_are_seen_in_files_and_types() {
    let check = |path, code, wanted: &[&str]| check_finds(words::names, path, code, wanted);
    check("src/app/lease_manager.rs", "", &["1: named manager"]);
    check("src/common/mod.rs", "", &["1: named common"]);
    check(
        "src/app/lease.rs",
        "\nstruct LeaseManager;",
        &["2: struct LeaseManager"],
    );
    check("src/app/lease.rs", "mod utils {}", &["1: mod utils"]);
    check(
        "src/app/lease.rs",
        "fn handle_lease() {}",
        &["1: fn handle_lease"],
    );
    check(
        "src/app/lease.rs",
        "struct Uncommon; fn handler() {} // manager",
        &[],
    );
}

#[test]
fn openings_and_reasons_are_asked_for() {
    check_finds(words::opening, "src/a.rs", "use std::fmt;", &["1: //!"]);
    check_finds(words::opening, "src/a.rs", "//! What it is.\n", &[]);
    let check = |path, code, wanted: &[&str]| check_finds(words::reasons, path, code, wanted);
    check(
        "src/a.rs",
        "#[expect(dead_code)]\nfn f() {}",
        &["1: needs a reason"],
    );
    check(
        "src/a.rs",
        "\n#![allow(dead_code, reason = \"x\")]",
        &["2: write #[expect]"],
    );
    check(
        "src/a.rs",
        "#[expect(dead_code, reason = \"x\")]\nfn f() {}",
        &[],
    );
    check("tests/a.rs", "#![allow(dead_code, reason = \"x\")]", &[]);
    check(
        "src/a.rs",
        "fn f() { g().expect(\"x\"); [expect(3)]; }",
        &[],
    );
}

#[test]
fn later_work_and_machines_are_seen_in_any_text() {
    let check = |text: &str, wanted: &[&str]| check_findings(&words::later("a.md", text), wanted);
    check(concat!("a\n// TO", "DO: more"), &["2: promises work"]);
    check(concat!("# FIX", "ME"), &["1: promises work"]);
    check(concat!("fn f() { todo", "!() }"), &["1: no implementation"]);
    check(
        concat!("fn f() { unimple", "mented!() }"),
        &["1: no implementation"],
    );
    check(concat!("#[ig", "nore = \"slow\"]"), &["1: hides a test"]);
    check(concat!("see /wo", "rk/notes"), &["1: one machine"]);
    check(concat!("HOME=/ro", "ot/x"), &["1: one machine"]);
    check("https://example.org/work/x and drive/root/children", &[]);
}
