//! The timer engine on a clock that jumps, and the two-process mode.

use std::time::Duration;

use evergraph::devhost::{Cause, Group, HostEvent, HostOptions};
use jiff::SignedDuration;
use serde_json::Value;

use crate::fixture::{Scripted, Seen, TestClock, answer, app, event, get, http, json, timer};

const NOW: &str = "2026-11-22T08:31:00Z";
const EVERY_FIVE: &str = "0 */5 * * * *";

/// Time in which a wrong extra run would show: many polls of the clock.
const QUIET: Duration = Duration::from_millis(60);

fn told(seen: &Seen) -> (Value, Value, Value) {
    let timer = &seen.json()["Data"]["timer"];
    let status = &timer["ScheduleStatus"];
    (
        status["Last"].clone(),
        status["Next"].clone(),
        timer["IsPastDue"].clone(),
    )
}

fn schedule_from_setting(options: &mut HostOptions) {
    options.env = vec![("WHEN".to_owned(), EVERY_FIVE.to_owned())];
}

#[tokio::test]
async fn a_timer_runs_at_its_occurrences_and_is_told_what_it_serves() {
    let app = app("", "", &[("renew", timer("%WHEN%", ""))]);
    let handler = Scripted::new(|_| json("{}"));
    let clock = TestClock::at(NOW);
    let _host = handler
        .host_with(app.path(), &clock, schedule_from_setting)
        .await;
    tokio::time::sleep(QUIET).await;
    assert_eq!(handler.seen().len(), 0);

    clock.advance(SignedDuration::from_mins(4));
    let first = told(&handler.saw(1).await[0]);
    let never = "0001-01-01T00:00:00+00:00";
    assert_eq!(
        first,
        (
            never.into(),
            "2026-11-22T08:35:00+00:00".into(),
            false.into()
        )
    );

    tokio::time::sleep(QUIET).await;
    clock.advance(SignedDuration::from_mins(5));
    let second = told(&handler.saw(2).await[1]);
    let expected = ("2026-11-22T08:35:00+00:00", "2026-11-22T08:40:00+00:00");
    assert_eq!(second, (expected.0.into(), expected.1.into(), false.into()));
    tokio::time::sleep(QUIET).await;
    assert_eq!(handler.seen().len(), 2);
}

#[tokio::test]
async fn a_jump_over_many_occurrences_is_one_past_due_run_that_names_the_missed_one() {
    let app = app("", "", &[("renew", timer(EVERY_FIVE, ""))]);
    let handler = Scripted::new(|_| json("{}"));
    let clock = TestClock::at(NOW);
    let host = handler.host(app.path(), &clock).await;
    let mut events = host.events();
    clock.advance(SignedDuration::from_hours(7));
    let (_, next, past_due) = told(&handler.saw(1).await[0]);
    assert_eq!(
        (next, past_due),
        ("2026-11-22T08:35:00+00:00".into(), true.into())
    );
    let cause = event(&mut events, |event| match event {
        HostEvent::Invocation(invocation) => Some(invocation.cause.clone()),
        _ => None,
    })
    .await;
    assert_eq!(cause, Cause::Timer { past_due: true });
    tokio::time::sleep(QUIET).await;
    assert_eq!(handler.seen().len(), 1);
}

#[tokio::test]
async fn a_missed_occurrence_runs_once_when_a_new_host_finds_the_stored_status() {
    let app = app("", "", &[("renew", timer(EVERY_FIVE, ""))]);
    let handler = Scripted::new(|_| json("{}"));
    let clock = TestClock::at(NOW);
    let status = app.path().join("status");
    let with_status = |options: &mut HostOptions| options.status_dir = Some(status.clone());
    let host = handler.host_with(app.path(), &clock, with_status).await;
    clock.advance(SignedDuration::from_mins(4));
    handler.saw(1).await;
    tokio::time::sleep(QUIET).await;
    host.stop().await;

    clock.advance(SignedDuration::from_hours(2));
    let _host = handler.host_with(app.path(), &clock, with_status).await;
    let (last, next, past_due) = told(&handler.saw(2).await[1]);
    let expected = ("2026-11-22T08:35:00+00:00", "2026-11-22T08:40:00+00:00");
    assert_eq!((last, next), (expected.0.into(), expected.1.into()));
    assert_eq!(past_due, true);
    tokio::time::sleep(QUIET).await;
    assert_eq!(handler.seen().len(), 2);
}

#[tokio::test]
async fn a_failed_run_is_not_repeated_and_the_schedule_goes_on() {
    let app = app("", "", &[("renew", timer(EVERY_FIVE, ""))]);
    let handler = Scripted::new(|_| answer(500, "", ""));
    let clock = TestClock::at(NOW);
    let _host = handler.host(app.path(), &clock).await;
    clock.advance(SignedDuration::from_mins(4));
    handler.saw(1).await;
    tokio::time::sleep(QUIET).await;
    assert_eq!(handler.seen().len(), 1);
    clock.advance(SignedDuration::from_mins(5));
    let (last, ..) = told(&handler.saw(2).await[1]);
    assert_eq!(last, "2026-11-22T08:35:00+00:00");
}

#[tokio::test]
async fn a_timer_never_overlaps_itself() {
    let app = app("", "", &[("renew", timer(EVERY_FIVE, ""))]);
    let handler = Scripted::new(|_| crate::fixture::Reaction::Hang);
    let clock = TestClock::at(NOW);
    let _host = handler.host(app.path(), &clock).await;
    clock.advance(SignedDuration::from_mins(4));
    handler.saw(1).await;
    for _ in 0..5 {
        clock.advance(SignedDuration::from_mins(5));
        tokio::time::sleep(QUIET / 5).await;
    }
    assert_eq!(handler.seen().len(), 1);
}

#[tokio::test]
async fn sub_minute_schedules_and_time_spans_have_their_own_shapes() {
    for (schedule, more, adjusts, has_status) in [
        ("*/10 * * * * *", "", true, false),
        ("00:05:00", "", false, true),
        (EVERY_FIVE, ",\"useMonitor\":false", true, false),
    ] {
        let app = app("", "", &[("renew", timer(schedule, more))]);
        let handler = Scripted::new(|_| json("{}"));
        let clock = TestClock::at(NOW);
        let _host = handler.host(app.path(), &clock).await;
        clock.advance(SignedDuration::from_mins(5));
        let body = handler.saw(1).await[0].json();
        let timer = &body["Data"]["timer"];
        assert_eq!(timer["Schedule"]["AdjustForDST"], adjusts, "{schedule}");
        assert_eq!(
            timer["ScheduleStatus"].is_object(),
            has_status,
            "{schedule}"
        );
        assert_eq!(timer["IsPastDue"], false, "{schedule}");
    }
}

#[tokio::test]
async fn run_on_startup_fires_at_each_start_of_the_host() {
    let app = app(
        "",
        "",
        &[("renew", timer("0 0 0 1 1 *", ",\"runOnStartup\":true"))],
    );
    let handler = Scripted::new(|_| json("{}"));
    let _host = handler.host(app.path(), &TestClock::at(NOW)).await;
    assert_eq!(told(&handler.saw(1).await[0]).2, false);
}

#[tokio::test]
async fn a_disabled_timer_does_not_run() {
    let app = app(
        "",
        "",
        &[("open", http("open")), ("renew", timer("* * * * * *", ""))],
    );
    let handler = Scripted::new(|_| json("{}"));
    let clock = TestClock::at(NOW);
    let disabled = |options: &mut HostOptions| {
        options.env = vec![("AzureWebJobs.renew.Disabled".to_owned(), "true".to_owned())];
    };
    let _host = handler.host_with(app.path(), &clock, disabled).await;
    clock.advance(SignedDuration::from_mins(4));
    tokio::time::sleep(QUIET).await;
    assert_eq!(handler.seen().len(), 0);
}

#[tokio::test]
async fn in_two_process_mode_http_and_timer_live_and_die_apart() {
    let app = app(
        "",
        "",
        &[("open", http("open")), ("renew", timer(EVERY_FIVE, ""))],
    );
    let handler = Scripted::new(
        |seen| match seen.request_line().starts_with("POST /renew ") {
            true => json("{}"),
            false => answer(200, "", "open"),
        },
    );
    let clock = TestClock::at(NOW);
    let host = handler
        .host_with(app.path(), &clock, |options| options.two_process = true)
        .await;
    let renew = Group::Function("renew".to_owned());
    let pids = host.pids();
    assert_eq!(
        pids.iter().map(|(group, _)| group).collect::<Vec<_>>(),
        [&Group::Http, &renew]
    );

    get(&host, "/api/open", "").await;
    assert!(host.invoke_timer("renew").await.unwrap().succeeded());
    let seen = handler.seen();
    assert_eq!(
        [
            (Group::Http, seen[0].process),
            (renew.clone(), seen[1].process)
        ],
        *pids
    );

    host.kill_handler(&renew).await.unwrap();
    host.ready().await.unwrap();
    let after = host.pids();
    assert_eq!(after[0], pids[0]);
    assert_ne!(after[1], pids[1]);
    assert_eq!(handler.starts(), 3);
}

#[tokio::test]
async fn an_unknown_timer_is_named_with_those_that_exist() {
    let app = app("", "", &[("renew", timer(EVERY_FIVE, ""))]);
    let handler = Scripted::new(|_| json("{}"));
    let host = handler.host(app.path(), &TestClock::at(NOW)).await;
    let error = host.invoke_timer("renwe").await.unwrap_err().to_string();
    assert_eq!(
        error,
        "no timer function named `renwe` runs in this host; there are: renew"
    );
}
