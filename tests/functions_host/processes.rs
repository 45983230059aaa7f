//! Real child processes: shell scripts behind a listener of this test.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use evergraph::devhost::{
    AfterExit, ConsoleLine, Exit, Group, HostEvent, HostOptions, Level, RunningHost,
};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::fixture::{SOON, TestClock, app, event, timer};

const NOW: &str = "2026-11-22T08:31:00Z";

/// An app whose handler is a shell script.
pub fn scripted_app(host_more: &str, script: &str) -> TempDir {
    let app = app("", host_more, &[("renew", timer("0 0 0 1 1 *", ""))]);
    let file = app.path().join("handler");
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    app
}

async fn start(app: &Path, change: impl FnOnce(&mut HostOptions)) -> RunningHost {
    let mut options = HostOptions::new(app, TestClock::at(NOW));
    change(&mut options);
    RunningHost::start(options).await.unwrap()
}

/// The next console line.
async fn line(events: &mut tokio::sync::broadcast::Receiver<HostEvent>) -> ConsoleLine {
    event(events, |event| match event {
        HostEvent::Console { line, .. } => Some(line.clone()),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_child_gets_settings_port_ids_and_root_and_its_lines_get_levels() {
    let script = "echo \"$A $FUNCTIONS_CUSTOMHANDLER_PORT $FUNCTIONS_HTTPWORKER_PORT $FUNCTIONS_APP_ROOT_PATH $(pwd)\"
        test \"$FUNCTIONS_CUSTOMHANDLER_WORKER_ID\" = \"$FUNCTIONS_HTTPWORKER_ID\" && echo same
        echo \"$@\"
        echo 'a warning' >&2
        echo broken >&2
        exec sleep 30";
    let app = scripted_app("", script);
    let arguments = "AzureFunctionsJobHost__customHandler__description__arguments";
    let host = start(app.path(), |options| {
        options.env = vec![
            ("A".to_owned(), "setting".to_owned()),
            (
                arguments.to_owned(),
                r#"["serve", "--port", "%FUNCTIONS_CUSTOMHANDLER_PORT%"]"#.to_owned(),
            ),
        ];
    })
    .await;
    let mut events = host.events();
    let port = event(&mut events, |event| match event {
        HostEvent::HandlerStarted { port, .. } => Some(*port),
        _ => None,
    })
    .await;
    let root = app.path().display();
    let mut out = Vec::new();
    let mut err = Vec::new();
    for _ in 0..5 {
        let line = line(&mut events).await;
        match line.level {
            Level::Information => out.push(line.text),
            level => err.push((level, line.text)),
        }
    }
    assert_eq!(
        out,
        [
            format!("setting {port} {port} {root} {root}"),
            "same".to_owned(),
            format!("serve --port {port}"),
        ]
    );
    let expected = [
        (Level::Warning, "a warning".to_owned()),
        (Level::Error, "broken".to_owned()),
    ];
    assert_eq!(err, expected);
}

#[tokio::test]
async fn a_crash_is_counted_with_its_code_and_last_errors_and_the_third_stops_the_host() {
    let app = scripted_app("", "for n in 1 2 3 4; do echo e$n >&2; done; exit 7");
    let host = start(app.path(), |_| {}).await;
    let mut events = host.events();
    for count in 1..=3 {
        let (exit, then, errors) = event(&mut events, |event| match event {
            HostEvent::HandlerExited {
                exit,
                then,
                last_errors,
                ..
            } => Some((*exit, *then, last_errors.clone())),
            _ => None,
        })
        .await;
        assert_eq!(exit, Exit::Code(7));
        let expected = if count < 3 {
            AfterExit::RestartsAfterCrash { count }
        } else {
            AfterExit::StopsHost
        };
        assert_eq!(then, expected);
        assert_eq!(errors, ["e2", "e3", "e4"]);
    }
    let why = host.stopped().await;
    assert!(why.contains("exited with code 7 (0x7)"), "{why}");
}

#[tokio::test]
async fn a_handler_that_never_listens_is_killed_and_counted() {
    let app = scripted_app(r#""initializationTimeout":"00:00:00.1","#, "exec sleep 30");
    let host = start(app.path(), |_| {}).await;
    let mut events = host.events();
    let mut killed = Vec::new();
    for _ in 0..3 {
        let pid = event(&mut events, |event| match event {
            HostEvent::HandlerNotReady { pid, .. } => Some(*pid),
            _ => None,
        })
        .await;
        killed.push(pid);
    }
    tokio::time::timeout(SOON, host.stopped()).await.unwrap();
    for pid in killed {
        check_gone(pid).await;
    }
}

#[tokio::test]
async fn a_program_that_cannot_be_started_stops_the_host_after_its_waits() {
    let app = app(
        "",
        r#""initializationTimeout":"00:00:00.05","#,
        &[("renew", timer("0 0 0 1 1 *", ""))],
    );
    let host = start(app.path(), |_| {}).await;
    let mut events = host.events();
    let why = event(&mut events, |event| match event {
        HostEvent::HandlerNotStarted { why, .. } => Some(why.clone()),
        _ => None,
    })
    .await;
    assert!(
        why.starts_with("failed to start the handler, file name `handler`"),
        "{why}"
    );
    assert_eq!(host.stopped().await, why);
}

/// Waits until no such process runs: it is gone, or only its parent has not asked for its end.
pub async fn check_gone(pid: u32) {
    let stat = format!("/proc/{pid}/stat");
    let gone = async {
        while std::fs::read_to_string(&stat).is_ok_and(|text| !text.contains(") Z ")) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, gone)
        .await
        .unwrap_or_else(|_| panic!("{pid} still runs"));
}

/// Starts a handler that ignores every signal it can, behind a listener of this test.
async fn stubborn() -> (RunningHost, u32, TempDir) {
    let script = "for s in TERM INT HUP QUIT USR1 PIPE; do trap \"echo got $s\" $s; done
        echo started; while :; do sleep 0.05; done";
    let app = scripted_app("", script);
    let host = start(app.path(), |_| {}).await;
    let mut events = host.events();
    let (pid, port) = event(&mut events, |event| match event {
        HostEvent::HandlerStarted { pid, port, .. } => Some((*pid, *port)),
        _ => None,
    })
    .await;
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    // A connection that is closed without an answer counts as ready too.
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    assert_eq!(line(&mut events).await.text, "started");
    host.ready().await.unwrap();
    (host, pid, app)
}

#[tokio::test]
async fn stopping_kills_a_handler_that_ignores_every_signal() {
    let (host, pid, _app) = stubborn().await;
    host.stop().await;
    check_gone(pid).await;
}

#[tokio::test]
async fn dropping_the_host_leaves_no_handler_behind() {
    let (host, pid, _app) = stubborn().await;
    drop(host);
    check_gone(pid).await;
}

#[tokio::test]
async fn only_the_direct_child_is_killed() {
    let app = scripted_app("", "sleep 30 & echo $!; wait");
    let host = start(app.path(), |_| {}).await;
    let mut events = host.events();
    let grandchild: u32 = line(&mut events).await.text.parse().unwrap();
    let pid = host.pids()[0].1;
    host.kill_handler(&Group::Whole).await.unwrap();
    let exit = event(&mut events, |event| match event {
        HostEvent::HandlerExited { exit, .. } => Some(*exit),
        _ => None,
    })
    .await;
    assert_eq!(exit, Exit::Signal(9));
    check_gone(pid).await;
    let stat = std::fs::read_to_string(format!("/proc/{grandchild}/stat")).unwrap();
    assert!(!stat.contains(") Z "), "{stat}");
    let second: u32 = line(&mut events).await.text.parse().unwrap();
    host.stop().await;
    for pid in [grandchild, second] {
        std::process::Command::new("kill")
            .arg(pid.to_string())
            .status()
            .unwrap();
    }
}
