//! The handler as a real process, by itself and behind the local Functions host: every case
//! passes.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use evergraph::adapters::clock::SystemClock;
use evergraph::cli::probe::{Report, Target, catalogue, probe};
use evergraph::devhost::{HostOptions, RunningHost};
use evergraph::sim::server::{RunningSim, SimOptions, SimServer};
use evergraph::sim::settings::DEFAULT_TENANT;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// Keys of this test alone.
const RING: &str = "t:dGVzdC1rZXktb2YtdGhlLXByb2JlLW5vdC1hLXNlY3I=";

/// A fleet with a declaration, a key for sealed content, a Graph, a state and a sink.
struct Place {
    folder: TempDir,
    sim: RunningSim,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let own = CertificateParams::default().self_signed(&pair).unwrap();
        std::fs::write(folder.path().join("key.pem"), pair.serialize_pem()).unwrap();
        let app = folder.path().join("app");
        std::fs::create_dir(&app).unwrap();
        std::fs::write(app.join("subscriptions.toml"), declaration(&own.pem())).unwrap();
        let sim = SimServer::start(SimOptions::new("2030-01-01T00:00:30Z".parse().unwrap()));
        Self {
            sim: sim.await.unwrap(),
            folder,
        }
    }

    fn app(&self) -> std::path::PathBuf {
        self.folder.path().join("app")
    }

    fn settings(&self, port: u16) -> Vec<(String, String)> {
        let inside = |name: &str| self.folder.path().join(name).display().to_string();
        [
            ("EVERGRAPH_FLEET", "prod".to_owned()),
            ("EVERGRAPH_CLIENT_STATE_KEYS", RING.to_owned()),
            ("EVERGRAPH_PUBLIC_URL", format!("http://127.0.0.1:{port}")),
            ("EVERGRAPH_STATE", format!("file:{}", inside("state"))),
            ("EVERGRAPH_SINK", format!("file:{}", inside("events"))),
            (
                "EVERGRAPH_DECRYPTION_KEYS",
                format!("own={}", inside("key.pem")),
            ),
            ("EVERGRAPH_GRAPH_URL", self.sim.graph_url()),
            ("EVERGRAPH_AUTHORITY", self.sim.url()),
            ("EVERGRAPH_CLOCK", self.sim.url()),
            ("EVERGRAPH_CREDENTIAL", "none".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// Nothing that a stranger sent came through.
    fn check_sink_is_empty(&self) {
        let events = std::fs::read_dir(self.folder.path().join("events")).unwrap();
        let written: Vec<_> = events.map(|entry| entry.unwrap().path()).collect();
        assert!(written.is_empty(), "{written:?}");
    }
}

fn declaration(certificate: &str) -> String {
    format!(
        "[tenants.home]\nid = \"{DEFAULT_TENANT}\"\n\n\
         [[subscriptions]]\nname = \"inbox\"\ntenant = \"home\"\nresource = \"users/u0/messages\"\n\
         change_types = [\"created\"]\n\n\
         [[subscriptions]]\nname = \"channel\"\ntenant = \"home\"\n\
         resource = \"teams/t0/channels/19:c@thread.tacv2/messages\"\nchange_types = [\"created\"]\n\n\
         [subscriptions.resource_data]\ncertificate_id = \"own\"\ncertificate = \"\"\"\n{certificate}\"\"\"\n"
    )
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// `evergraph handler` with these settings, ready.
async fn handler(place: &Place, port: u16, settings: Vec<(String, String)>) -> Child {
    let child = Command::new(env!("CARGO_BIN_EXE_evergraph"))
        .arg("handler")
        .current_dir(place.app())
        .env_clear()
        .envs(settings)
        .env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let began = Instant::now();
    while tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .is_err()
    {
        assert!(began.elapsed() < Duration::from_secs(30), "it never starts");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child
}

/// The deployed app folder with that handler.
fn lay_out(app: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::copy(root.join("host.json"), app.join("host.json")).unwrap();
    for entry in std::fs::read_dir(root.join("function-definitions")).unwrap() {
        let entry = entry.unwrap();
        let made = app.join(entry.file_name());
        std::fs::create_dir(&made).unwrap();
        let definition = entry.path().join("function.json");
        std::fs::copy(definition, made.join("function.json")).unwrap();
    }
}

async fn host(place: &Place, port: u16) -> RunningHost {
    lay_out(&place.app());
    let key = |name: &str| format!("AzureFunctionsJobHost__customHandler__description__{name}");
    let mut env = place.settings(port);
    env.push((
        key("defaultExecutablePath"),
        env!("CARGO_BIN_EXE_evergraph").to_owned(),
    ));
    env.push((key("arguments"), r#"["handler"]"#.to_owned()));
    env.push(("EVERGRAPH_SCHEDULE".to_owned(), "0 0 0 1 1 *".to_owned()));
    let options = HostOptions {
        port,
        env,
        inherit_env: false,
        two_process: true,
        run_schedules: false,
        ..HostOptions::new(place.app(), Arc::new(SystemClock))
    };
    let host = RunningHost::start(options).await.unwrap();
    host.ready().await.unwrap();
    host
}

async fn report_of(port: u16, route: &str) -> Report {
    report_of_some(port, route, &[]).await
}

async fn report_of_some(port: u16, route: &str, only: &[&str]) -> Report {
    let target = Target {
        url: format!("http://127.0.0.1:{port}/api/{route}/prod")
            .parse()
            .unwrap(),
        only: only.iter().map(|id| (*id).to_owned()).collect(),
        limit: Duration::from_secs(180),
        stall: Duration::from_secs(20),
        owned: false,
    };
    probe(&target).await.unwrap()
}

#[track_caller]
fn check_passed(report: &Report) {
    assert!(report.is_clean(false), "{}", report.text());
    let all = catalogue().len();
    let counts = (report.passed, report.warned, report.failed);
    assert_eq!(counts, (all, 0, 0), "{}", report.text());
    assert_eq!((all, report.cases.len()), (53, 53));
    assert!(report.requests > 100, "{}", report.requests);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_handler_by_itself_passes_every_case() {
    let place = Place::new().await;
    let port = free_port();
    let _handler = handler(&place, port, place.settings(port)).await;
    check_passed(&report_of(port, "notifications").await);
    place.check_sink_is_empty();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_handler_behind_the_host_passes_every_case() {
    let place = Place::new().await;
    let port = free_port();
    let host = host(&place, port).await;
    check_passed(&report_of(port, "notifications").await);
    check_passed(&report_of(port, "lifecycle").await);
    place.check_sink_is_empty();
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_can_keep_nothing_is_found_out() {
    let place = Place::new().await;
    let port = free_port();
    let mut settings = place.settings(port);
    settings.retain(|(name, _)| name != "EVERGRAPH_SINK");
    let _handler = handler(&place, port, settings).await;
    let only = ["delivery.unknown-subscription", "handshake.real"];
    let report = report_of_some(port, "notifications", &only).await;
    let counts = (report.passed, report.warned, report.failed);
    assert_eq!(counts, (1, 0, 1), "{}", report.text());
}
