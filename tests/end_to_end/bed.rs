//! One fleet as it is deployed: an app folder, a Graph, a state, and hosts over them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use evergraph::devhost::{Group, HostOptions, RunningHost};
use evergraph::domain::resource::Resource;
use evergraph::ports::clock::{Clock, ClockError};
use evergraph::sim::control::Control;
use evergraph::sim::exchange::Sim;
use evergraph::sim::server::{RunningSim, SimOptions, SimServer};
use evergraph::sim::settings::{DEFAULT_TENANT, Settings};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use crate::console::Console;
use crate::place::Place;

pub const FLEET: &str = "prod-eu";

/// What the fleet declares.
#[derive(Clone, Debug)]
pub struct Wish {
    pub resource: String,
    pub changes: &'static str,
}

/// `count` wishes of the kinds that a fleet has, several kinds of every eight.
pub fn wishes(count: usize) -> Vec<Wish> {
    let guid = |group: u32, n: usize| format!("{group:08x}-0000-4000-8000-{n:012x}");
    let wish = |n: usize| match n % 8 {
        0..=3 => (format!("users/{}/messages", guid(1, n)), "created,updated"),
        4 => (format!("users/{}/events", guid(1, n)), "created,deleted"),
        5 => (format!("drives/{}/root", guid(2, n)), "updated"),
        6 => (
            format!("sites/{}/lists/{}", guid(3, 7), guid(4, n)),
            "updated",
        ),
        _ => (format!("groups/{}", guid(5, n)), "updated,deleted"),
    };
    let wishes = (0..count).map(wish);
    wishes
        .map(|(resource, changes)| Wish { resource, changes })
        .collect()
}

/// The normal form of a resource, which both sides are compared by.
pub fn normal(resource: &str) -> String {
    Resource::parse(resource).unwrap().normal().to_owned()
}

/// `subscriptions.toml`.
pub fn declaration(wishes: &[Wish]) -> String {
    let mut text = format!("[tenants.home]\nid = \"{DEFAULT_TENANT}\"\n");
    for (n, Wish { resource, changes }) in wishes.iter().enumerate() {
        let changes = changes.replace(',', "\", \"");
        text.push_str(&format!(
            "\n[[subscriptions]]\nname = \"wish-{n}\"\ntenant = \"home\"\nresource = \"{resource}\"\nchange_types = [\"{changes}\"]\n"
        ));
    }
    text
}

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// An app folder in deployed layout, the handler included.
pub fn lay_out(folder: &Path, wishes: &[Wish]) {
    std::fs::copy(root().join("host.json"), folder.join("host.json")).unwrap();
    for entry in std::fs::read_dir(root().join("function-definitions")).unwrap() {
        let entry = entry.unwrap();
        let made = folder.join(entry.file_name());
        std::fs::create_dir(&made).unwrap();
        let definition = entry.path().join("function.json");
        std::fs::copy(definition, made.join("function.json")).unwrap();
    }
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_handler"), folder.join("handler")).unwrap();
    std::fs::write(folder.join("subscriptions.toml"), declaration(wishes)).unwrap();
}

/// The virtual clock, for the timers of a host.
struct Wall(Arc<Sim>);

#[async_trait::async_trait]
impl Clock for Wall {
    async fn now(&self) -> Result<Timestamp, ClockError> {
        Ok(self.0.clock.read())
    }
}

pub struct Bed {
    pub sim: RunningSim,
    pub place: Place,
    pub wishes: Vec<Wish>,
    pub console: Console,
    pub public_url: String,
    pub lease: Duration,
    /// Beside those that every fleet needs; the last one of a name counts.
    pub settings: Vec<(String, String)>,
    folder: TempDir,
}

impl Bed {
    /// A Graph with these switches, and an app folder; no host yet. Without a place, the state
    /// lies in a folder of its own.
    pub async fn new(title: &str, count: usize, switches: Settings, place: Option<Place>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let wishes = wishes(count);
        let app = folder.path().join("app");
        std::fs::create_dir(&app).unwrap();
        lay_out(&app, &wishes);
        let place = place.unwrap_or_else(|| Place::Folder(folder.path().join("state")));
        let mut options = SimOptions::new("2030-01-01T00:00:30Z".parse().unwrap());
        options.settings = switches;
        Self {
            sim: SimServer::start(options).await.unwrap(),
            lease: Duration::from_secs(place.shortest_lease_s()),
            place,
            wishes,
            console: Console::new(title),
            public_url: format!("http://127.0.0.1:{}", free_port()),
            settings: Vec::new(),
            folder,
        }
    }

    pub fn control(&self) -> &Control {
        self.sim.control()
    }

    pub fn app(&self) -> PathBuf {
        self.folder.path().join("app")
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Moves the time of day.
    pub fn jump(&self, by: SignedDuration) {
        self.control().advance(by);
    }

    /// The app settings of the fleet.
    pub fn env(&self) -> Vec<(String, String)> {
        let mut env: Vec<(String, String)> = [
            ("EVERGRAPH_FLEET", FLEET.to_owned()),
            (
                "EVERGRAPH_CLIENT_STATE_KEYS",
                "k1:QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=".to_owned(),
            ),
            ("EVERGRAPH_PUBLIC_URL", self.public_url.clone()),
            ("EVERGRAPH_STATE", self.place.setting()),
            (
                "EVERGRAPH_SINK",
                format!("file:{}", self.folder.path().join("events").display()),
            ),
            ("EVERGRAPH_GRAPH_URL", self.sim.graph_url()),
            ("EVERGRAPH_CREDENTIAL", "none".to_owned()),
            ("EVERGRAPH_LEASE_S", self.lease.as_secs().to_string()),
            ("EVERGRAPH_CLOCK", self.sim.url()),
            ("EVERGRAPH_SCHEDULE", "0 */5 * * * *".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
        for (name, value) in &self.settings {
            env.retain(|(known, _)| known != name);
            env.push((name.clone(), value.clone()));
        }
        env
    }

    /// The host that Graph reaches, its handlers ready. Timers run by hand.
    pub async fn host(&mut self, label: &'static str) -> RunningHost {
        for _ in 0..5 {
            let port = self.public_url.rsplit_once(':').unwrap().1.parse().unwrap();
            if let Some(host) = self.host_on(label, port, self.env()).await {
                return host;
            }
            // Somebody else was given the port in the meantime.
            self.public_url = format!("http://127.0.0.1:{}", free_port());
        }
        panic!("no port can be had");
    }

    /// A host on another port; Graph does not know it.
    pub async fn host_beside(
        &self,
        label: &'static str,
        env: Vec<(String, String)>,
    ) -> RunningHost {
        self.host_on(label, 0, env).await.unwrap()
    }

    async fn host_on(
        &self,
        label: &'static str,
        port: u16,
        env: Vec<(String, String)>,
    ) -> Option<RunningHost> {
        let clock = Arc::new(Wall(Arc::clone(self.control().sim())));
        let options = HostOptions {
            port,
            env,
            inherit_env: false,
            two_process: true,
            supervise: true,
            restart_after: Duration::from_millis(50),
            run_schedules: false,
            ..HostOptions::new(self.app(), clock)
        };
        let host = RunningHost::start(options).await.ok()?;
        self.console.listen(label, &host);
        tokio::time::timeout(Duration::from_secs(60), host.ready())
            .await
            .expect("the handlers become ready")
            .unwrap();
        Some(host)
    }
}

/// The group of the timer.
pub fn renew() -> Group {
    Group::Function("renew".to_owned())
}

/// The process of a group that runs now, starting or ready.
pub fn pid_of(host: &RunningHost, group: &Group) -> Option<u32> {
    let pids = host.pids();
    let found = pids.iter().find(|(one, _)| one == group);
    found.map(|(_, pid)| *pid)
}

/// Sends a signal as anybody else would, behind the host's back. False: there is no such process.
pub fn signal(pid: u32, name: &str) -> bool {
    let status = std::process::Command::new("kill")
        .args([format!("-{name}"), pid.to_string()])
        .stderr(std::process::Stdio::null())
        .status();
    status.unwrap().success()
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// What `GET {url}/api/health` says, through the host.
pub async fn health(url: &str) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .get(format!("{url}/api/health"))
        .timeout(Duration::from_secs(20));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}
