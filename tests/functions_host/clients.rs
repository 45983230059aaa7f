//! What the host answers itself: routes, keys, limits, admin and home pages.

use evergraph::devhost::{FunctionKind, Keys, RunningHost};
use tempfile::TempDir;

use crate::fixture::{Scripted, TestClock, answer, app, get, http, json, post, send, timer};

const NOW: &str = "2026-11-23T00:51:22Z";

fn leveled(level: &str) -> String {
    http("x")
        .replace("anonymous", level)
        .replace(",\"route\":\"x\"", "")
}

async fn host_of(
    functions: &[(&str, String)],
    keys: Option<Keys>,
    settings: &[(&str, &str)],
) -> (Scripted, RunningHost, TempDir) {
    let app = app("", "", functions);
    let handler = Scripted::new(
        |seen| match seen.request_line().starts_with("POST /renew ") {
            true => json("{}"),
            false => answer(200, "", "handler"),
        },
    );
    let clock = TestClock::at(NOW);
    let change = |options: &mut evergraph::devhost::HostOptions| {
        options.enforce_keys = keys.is_some();
        options.keys = keys.unwrap_or_default();
        options.env = settings
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
    };
    let host = handler.host_with(app.path(), &clock, change).await;
    (handler, host, app)
}

fn keys() -> Keys {
    Keys {
        master: Some("master".into()),
        host: vec!["host".into()],
        functions: [("closed".to_owned(), vec!["own".into()])].into(),
    }
}

#[tokio::test]
async fn routes_are_tried_in_the_order_of_the_folders() {
    let functions = [("All", http("{*rest}")), ("dis", http("dis"))];
    let (_, host, _app) = host_of(&functions, None, &[]).await;
    let mut events = host.events();
    assert_eq!(get(&host, "/api/dis", "").await.status, 200);
    let function = crate::fixture::event(&mut events, |event| match event {
        evergraph::devhost::HostEvent::Invocation(invocation) => Some(invocation.function.clone()),
        _ => None,
    })
    .await;
    assert_eq!(function, "All");
}

#[tokio::test]
async fn what_no_route_matches_is_the_hosts_404_and_never_reaches_the_handler() {
    let only_post =
        http("notifications/{fleet}").replace("\"route\"", "\"methods\":[\"post\"],\"route\"");
    let functions = [
        ("notifications", only_post),
        ("renew", timer("0 0 0 1 1 *", "")),
    ];
    let (handler, host, _app) = host_of(&functions, None, &[]).await;
    for path in [
        "/renew",
        "/api/renew",
        "/api/notifications",
        "/api/notifications/a/b",
        "/x",
    ] {
        let got = post(&host, path, "", "{}").await;
        assert_eq!((got.status, got.body.as_str()), (404, ""), "{path}");
    }
    assert_eq!(get(&host, "/api/notifications/prod", "").await.status, 404);
    assert_eq!(
        post(&host, "/api/notifications/prod", "", "{}")
            .await
            .status,
        200
    );
    assert_eq!(handler.seen().len(), 1);
}

#[tokio::test]
async fn an_empty_route_prefix_moves_the_routes_to_the_top() {
    let settings = [("AzureFunctionsJobHost__extensions__http__routePrefix", "")];
    let (_, host, _app) = host_of(&[("health", http("health"))], None, &settings).await;
    assert_eq!(get(&host, "/health", "").await.status, 200);
    assert_eq!(get(&host, "/api/health", "").await.status, 404);
}

#[tokio::test]
async fn keys_are_checked_by_level_and_reach_the_handler() {
    let functions = [
        ("closed", leveled("function")),
        ("open", leveled("anonymous")),
        ("top", leveled("admin")),
    ];
    let (handler, host, _app) = host_of(&functions, Some(keys()), &[]).await;
    let cases = [
        ("/api/open", "", 200),
        ("/api/open?code=wrong", "", 200),
        ("/api/closed", "", 401),
        ("/api/closed?code=wrong", "", 401),
        ("/api/closed?code=own", "", 200),
        ("/api/closed?code=own", "x-functions-key: wrong\r\n", 401),
        ("/api/closed?code=wrong", "x-functions-key: host\r\n", 200),
        ("/api/top?code=host", "", 401),
        ("/api/top?code=master", "", 200),
    ];
    for (target, fields, expected) in cases {
        let got = get(&host, target, fields).await;
        assert_eq!(got.status, expected, "{target} {fields}");
        assert!(expected == 200 || got.body.is_empty(), "{target}");
    }
    let seen = handler.seen();
    assert!(
        seen.iter()
            .any(|s| s.request_line() == "GET /api/closed?code=own HTTP/1.1")
    );
    assert!(
        seen.iter()
            .any(|s| s.header("x-functions-key") == Some("host"))
    );
}

#[tokio::test]
async fn a_disabled_function_is_404_but_for_the_master_key() {
    let functions = [("closed", leveled("anonymous"))];
    let settings = [("AzureWebJobs.closed.Disabled", "true")];
    let (_, host, _app) = host_of(&functions, Some(keys()), &settings).await;
    assert_eq!(get(&host, "/api/closed", "").await.status, 404);
    assert_eq!(get(&host, "/api/closed?code=master", "").await.status, 200);
    assert!(host.functions()[0].disabled);
}

#[tokio::test]
async fn the_admin_routes_answer_as_in_the_host() {
    let functions = [("open", http("open")), ("renew", timer("0 0 0 1 1 *", ""))];
    let (handler, host, _app) = host_of(&functions, Some(keys()), &[]).await;
    let master = "x-functions-key: master\r\n";
    assert_eq!(get(&host, "/admin/host/ping", "").await.status, 200);
    assert_eq!(get(&host, "/admin/host/status", "").await.status, 401);
    let status = get(&host, "/admin/host/status", master).await;
    assert!(status.body.contains(r#""state":"Running""#), "{status:?}");
    let fire = "/admin/functions/renew";
    assert_eq!(post(&host, fire, "", "{}").await.status, 401);
    assert_eq!(post(&host, fire, master, "").await.status, 400);
    assert_eq!(
        post(&host, "/admin/functions/none", master, "{}")
            .await
            .status,
        404
    );
    assert_eq!(handler.seen().len(), 0);
    let got = post(&host, fire, master, r#"{"input":"hello"}"#).await;
    assert_eq!((got.status, got.body.as_str()), (202, ""));
    let seen = handler.saw(1).await;
    assert_eq!(seen[0].request_line(), "POST /renew HTTP/1.1");
    assert_eq!(seen[0].json()["Metadata"]["timer"], "\"hello\"");
    assert_eq!(post(&host, fire, master, "{}").await.status, 202);
    assert_eq!(
        handler.saw(2).await[1].json()["Metadata"].get("timer"),
        None
    );
}

#[tokio::test]
async fn the_home_page_is_the_hosts_unless_a_setting_or_a_function_takes_it() {
    let functions = [("open", http("open"))];
    let (_, host, _app) = host_of(&functions, None, &[]).await;
    let got = get(&host, "/", "").await;
    assert_eq!(got.status, 200);
    assert!(got.body.contains("Functions host is running"), "{got:?}");

    let (_, host, _app) =
        host_of(&functions, None, &[("AzureWebJobsDisableHomepage", "true")]).await;
    assert_eq!(get(&host, "/", "").await.status, 204);

    let settings = [("AzureFunctionsJobHost__extensions__http__routePrefix", "")];
    let (_, host, _app) = host_of(&[("all", http("{*rest}"))], None, &settings).await;
    assert_eq!(get(&host, "/", "").await.body, "handler");
    assert_eq!(get(&host, "/admin/else", "").await.body, "handler");
    assert_eq!(get(&host, "/admin/host/ping", "").await.body, "");
}

#[tokio::test]
async fn limits_are_those_of_the_hosts_server() {
    let (handler, host, _app) = host_of(&[("open", http("open"))], None, &[]).await;
    let many = |count: usize| {
        (0..count)
            .map(|n| format!("h{n}: x\r\n"))
            .collect::<String>()
    };
    // Host and Connection count too.
    assert_eq!(get(&host, "/api/open", &many(98)).await.status, 200);
    assert_eq!(get(&host, "/api/open", &many(99)).await.status, 431);
    let big = format!("big: {}\r\n", "x".repeat(33 * 1024));
    assert_eq!(get(&host, "/api/open", &big).await.status, 431);
    let long = format!("/api/open?x={}", "x".repeat(9 * 1024));
    assert_eq!(get(&host, &long, "").await.status, 414);
    let large = "POST /api/open HTTP/1.1\r\nHost: h\r\nContent-Length: 104857601\r\n\r\n";
    assert_eq!(send(&host, large).await.status, 500);
    assert_eq!(
        send(&host, "GET /api/open HTTP/1.0\r\n\r\n").await.status,
        500
    );
    assert_eq!(get(&host, "/api/%00", "").await.status, 400);
    assert_eq!(handler.seen().len(), 1);
}

#[tokio::test]
async fn functions_may_lie_in_another_folder_if_that_is_said() {
    let app = app("", "", &[]);
    let folder = app.path().join("function-definitions/health");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("function.json"), http("health")).unwrap();
    let handler = Scripted::new(|_| answer(200, "", "handler"));
    let clock = TestClock::at(NOW);
    let host = handler.host(app.path(), &clock).await;
    assert_eq!(host.functions(), []);
    assert_eq!(
        handler.starts(),
        0,
        "without functions no handler is started"
    );
    let host = handler
        .host_with(app.path(), &clock, |options| {
            options.functions_dir = Some("function-definitions".into());
        })
        .await;
    assert!(matches!(
        &host.functions()[0].kind,
        FunctionKind::Http { route, .. } if route == "/api/health"
    ));
    assert_eq!(get(&host, "/api/health", "").await.body, "handler");
}
