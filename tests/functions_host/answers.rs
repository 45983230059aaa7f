//! The JSON protocol: bytes of the request, and what each answer does.

use std::sync::Arc;

use evergraph::devhost::{AfterExit, Exit, Group, HostEvent, Outcome, RunningHost};
use tempfile::TempDir;

use crate::fixture::{Reaction, Scripted, Seen, TestClock, answer, app, event, json, timer};

const NOW: &str = "2026-11-23T00:51:22.3967032Z";

async fn started(
    script: impl Fn(&Seen) -> Reaction + Send + Sync + 'static,
) -> (Scripted, RunningHost, TempDir) {
    let functions = [("renew", timer("0 */1 * * * *", ""))];
    let app = app(r#""functionTimeout":"00:00:01","#, "", &functions);
    let handler = Scripted::new(script);
    let host = handler.host(app.path(), &TestClock::at(NOW)).await;
    (handler, host, app)
}

#[tokio::test]
async fn readiness_is_asked_with_exactly_the_request_of_the_host() {
    let (handler, host, _app) = started(|_| json("{}")).await;
    let mut events = host.events();
    let port = event(&mut events, |event| match event {
        HostEvent::HandlerStarted { port, .. } => Some(*port),
        _ => None,
    })
    .await;
    let expected = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    assert_eq!(handler.readiness_requests(), [expected]);
}

#[tokio::test]
async fn a_timer_arrives_with_the_bytes_of_the_host() {
    let (handler, host, _app) = started(|_| json("{}")).await;
    let invocation = host.invoke_timer("renew").await.unwrap();
    assert!(invocation.succeeded(), "{invocation:?}");
    let seen = &handler.seen()[0];
    let host_header = seen.header("host").unwrap();
    let expected = format!(
        "POST /renew HTTP/1.1\r\nHost: {host_header}\r\nX-Azure-Functions-HostVersion: 4.1037.0.0\r\nX-Azure-Functions-InvocationId: {}\r\nUser-Agent: Azure-Functions-Host/4.1037.0.0\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json; charset=utf-8",
        invocation.id
    );
    assert_eq!(seen.head, expected);
    // The status was written when the timer's listener started: never run, next minute.
    let body = seen.text();
    let status = r#"{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":{"Last":"0001-01-01T00:00:00+00:00","Next":"2026-11-23T00:52:00+00:00","LastUpdated":"2026-11-23T00:51:22.3967032+00:00"},"IsPastDue":false}},"Metadata":{"sys":{"MethodName":"renew","UtcNow":"2026-11-23T00:51:22.3967032Z","RandGuid":""#;
    assert!(body.contains(status), "{body}");
    assert!(body.ends_with("\"}}}\r\n0\r\n\r\n"), "{body}");
}

#[tokio::test]
async fn log_lines_of_a_success_are_kept() {
    let (_, host, _app) =
        started(|_| json(r#"{"Outputs":{},"Logs":["one","two"],"ReturnValue":null}"#)).await;
    let invocation = host.invoke_timer("renew").await.unwrap();
    assert_eq!(invocation.logs, ["one", "two"]);
}

#[track_caller]
fn check_failed(outcome: &Outcome, part: &str) {
    match outcome {
        Outcome::Failed { why } => assert!(why.contains(part), "{why}"),
        Outcome::Succeeded { .. } => panic!("it succeeded"),
    }
}

#[tokio::test]
async fn a_wrong_answer_fails_at_once_and_is_delivered_once() {
    let plain = "Content-Type: text/plain\r\n";
    let cut = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{}";
    let cases = [
        (
            answer(
                500,
                "Content-Type: application/json\r\n",
                r#"{"Logs":["x"]}"#,
            ),
            "answered 500",
        ),
        (answer(200, plain, "{}"), "Content-Type is text/plain"),
        (json("Hello World"), "Hello World"),
        (json("[1]"), "no object"),
        (Reaction::Drop, "without an answer"),
        (Reaction::Bytes(cut.to_vec()), "cut off"),
    ];
    for (reaction, part) in cases {
        let (handler, host, _app) = started(move |_| reaction.clone()).await;
        let invocation = host.invoke_timer("renew").await.unwrap();
        check_failed(&invocation.outcome, part);
        assert_eq!(invocation.logs, Vec::<String>::new());
        assert_eq!(handler.seen().len(), 1, "{part}");
        assert_eq!(handler.starts(), 1, "{part}");
    }
}

#[tokio::test]
async fn an_answer_of_white_space_hangs_until_the_time_out_and_kills_the_handler_uncounted() {
    let (handler, host, _app) = started(|_| json(" \n")).await;
    let mut events = host.events();
    let invocation = host.invoke_timer("renew").await.unwrap();
    check_failed(&invocation.outcome, "killed and started again");
    let why = event(&mut events, |event| match event {
        HostEvent::HandlerHung { why, .. } => Some(why.clone()),
        _ => None,
    })
    .await;
    assert!(why.contains("white space"), "{why}");
    let then = event(&mut events, |event| match event {
        HostEvent::HandlerExited {
            exit: Exit::Signal(9),
            then,
            ..
        } => Some(*then),
        _ => None,
    })
    .await;
    assert_eq!(then, AfterExit::Restarts);
    host.ready().await.unwrap();
    assert_eq!(handler.starts(), 2);
}

#[tokio::test]
async fn an_empty_answer_of_any_type_hangs() {
    for reaction in [answer(200, "", ""), answer(204, "", ""), json("null")] {
        let (handler, host, _app) = started(move |_| reaction.clone()).await;
        let invocation = host.invoke_timer("renew").await.unwrap();
        check_failed(&invocation.outcome, "killed");
        host.ready().await.unwrap();
        assert_eq!(handler.starts(), 2);
    }
}

#[tokio::test]
async fn a_redirect_to_itself_is_followed_fifty_times() {
    let (handler, host, _app) = started(|_| answer(307, "Location: /renew\r\n", "")).await;
    let invocation = host.invoke_timer("renew").await.unwrap();
    check_failed(&invocation.outcome, "answered 307");
    let seen = handler.seen();
    assert_eq!(seen.len(), 51);
    let same = seen.iter().all(|seen| {
        seen.header("x-azure-functions-invocationid") == Some(invocation.id.as_str())
            && seen.request_line() == "POST /renew HTTP/1.1"
            && seen.json()["Data"]["timer"]["IsPastDue"] == false
    });
    assert!(same, "{seen:?}");
}

#[tokio::test]
async fn a_302_becomes_one_get_whose_answer_counts() {
    let (handler, host, _app) = started(|seen| {
        if seen.request_line().starts_with("POST") {
            answer(302, "Location: /elsewhere?x=1\r\n", "")
        } else {
            json(r#"{"Logs":["there"]}"#)
        }
    })
    .await;
    let invocation = host.invoke_timer("renew").await.unwrap();
    assert_eq!(invocation.logs, ["there"]);
    let seen = handler.seen();
    assert_eq!(seen[1].request_line(), "GET /elsewhere?x=1 HTTP/1.1");
    assert_eq!(seen[1].header("content-type"), None);
}

#[tokio::test]
async fn exit_200_restarts_uncounted_and_other_exits_count_to_three() {
    let (handler, host, _app) = started(|seen| match seen.process {
        1..=3 => Reaction::Exit(Exit::Code(200)),
        _ => Reaction::Exit(Exit::Code(1)),
    })
    .await;
    let mut events = host.events();
    let mut then = Vec::new();
    for process in 1..=6 {
        event(&mut events, |event| {
            if let HostEvent::HandlerExited { then: after, .. } = event {
                then.push(*after);
            }
            matches!(event, HostEvent::HandlerReady { pid, .. } if *pid == process).then_some(())
        })
        .await;
        let invocation = host.invoke_timer("renew").await.unwrap();
        check_failed(&invocation.outcome, "without an answer");
    }
    let why = host.stopped().await;
    assert!(why.contains("restart limit of 3 crashes"), "{why}");
    assert_eq!(handler.starts(), 6);
    while let Ok(event) = events.try_recv() {
        if let HostEvent::HandlerExited { then: after, .. } = event {
            then.push(after);
        }
    }
    let crash = |count| AfterExit::RestartsAfterCrash { count };
    let expected = [
        AfterExit::Restarts,
        AfterExit::Restarts,
        AfterExit::Restarts,
        crash(1),
        crash(2),
        AfterExit::StopsHost,
    ];
    assert_eq!(then, expected);
}

#[tokio::test]
async fn exit_0_is_never_restarted_and_every_later_call_fails() {
    let (handler, host, _app) = started(|_| Reaction::Exit(Exit::Code(0))).await;
    for part in ["without an answer", "nothing listens", "nothing listens"] {
        let invocation = host.invoke_timer("renew").await.unwrap();
        check_failed(&invocation.outcome, part);
        host.ready().await.unwrap();
    }
    assert_eq!(handler.starts(), 1);
    assert!(host.kill_handler(&Group::Whole).await.is_err());
}

#[tokio::test]
async fn a_supervised_host_starts_again_after_its_third_crash() {
    let functions = [("renew", timer("0 */1 * * * *", ""))];
    let app = app("", "", &functions);
    let handler = Scripted::new(|_| json("{}"));
    let clock = TestClock::at(NOW);
    let host = handler
        .host_with(app.path(), &clock, |options| options.supervise = true)
        .await;
    let mut events = host.events();
    for _ in 0..7 {
        host.ready().await.unwrap();
        host.kill_handler(&Group::Whole).await.unwrap();
    }
    host.ready().await.unwrap();
    assert_eq!(handler.starts(), 8);
    assert!(host.invoke_timer("renew").await.unwrap().succeeded());
    let mut restarts = 0;
    while let Ok(event) = events.try_recv() {
        restarts += u32::from(matches!(event, HostEvent::HostRestarted { .. }));
    }
    assert_eq!(restarts, 2);
}

#[tokio::test]
async fn restarts_keep_the_port_and_calls_wait_for_readiness() {
    let (handler, host, _app) = started(|_| json("{}")).await;
    let host = Arc::new(host);
    host.kill_handler(&Group::Whole).await.unwrap();
    let invocation = host.invoke_timer("renew").await.unwrap();
    assert!(invocation.succeeded(), "{invocation:?}");
    let ports: Vec<String> = handler.readiness_requests();
    assert_eq!(ports.len(), 2);
    assert_eq!(ports[0], ports[1]);
    assert_eq!(handler.seen()[0].process, 2);
}

#[tokio::test]
async fn a_connection_serves_again_until_its_process_ends() {
    let (handler, host, _app) = started(|_| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
        Reaction::Kept(
            format!("{head}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n").into(),
        )
    })
    .await;
    for _ in 0..3 {
        assert!(host.invoke_timer("renew").await.unwrap().succeeded());
    }
    host.kill_handler(&Group::Whole).await.unwrap();
    assert!(host.invoke_timer("renew").await.unwrap().succeeded());
    let places: Vec<u32> = handler.seen().iter().map(|seen| seen.place).collect();
    assert_eq!(places, [1, 2, 3, 1]);
}
