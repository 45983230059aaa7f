//! One fleet: a declaration, an app folder, a Graph, a host behind a relay, and a sink.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::processes::{Host, SOON, Said, Sim};
use crate::relay::Relay;

const TENANT: &str = "5eed0000-0000-4000-8000-000000000001";

/// Name, resource, change types, and whether its content is sent, sealed.
const DECLARED: [(&str, &str, &str, bool); 7] = [
    (
        "inbox",
        "users/11111111-0000-4000-8000-000000000001/messages",
        "created,updated",
        false,
    ),
    (
        "calendar",
        "users/11111111-0000-4000-8000-000000000002/events",
        "created,updated",
        false,
    ),
    ("people", "users", "updated,deleted", false),
    (
        "files",
        "drives/b!k5Yq3rT0a1Bc2De3Fg4Hi5/root",
        "updated",
        false,
    ),
    (
        "list",
        "sites/s/lists/22222222-0000-4000-8000-000000000001",
        "updated",
        false,
    ),
    (
        "channel",
        "teams/33333333-0000-4000-8000-000000000001/channels/19:c@thread.tacv2/messages",
        "created,updated",
        true,
    ),
    (
        "orders",
        "users/11111111-0000-4000-8000-000000000003/messages?$select=subject,from",
        "created",
        true,
    ),
];

/// Blocks of 512 bytes after which a file takes no more, as if the disk were full: 256 KiB. The
/// write that meets it is torn, and fails.
const FILE_BLOCKS: u32 = 512;

pub struct Bed {
    pub sim: Sim,
    pub relay: Relay,
    pub host: Option<Host>,
    pub said: Said,
    port: u16,
    folder: TempDir,
}

impl Bed {
    pub async fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        lay_out(folder.path());
        let switches = [
            "delivery.batch_max=20",
            // Slow and drop states answer to real time, of which a busy machine has little.
            "delivery.endpoints.set=\"off\"",
        ];
        let port = free_port();
        let mut bed = Self {
            sim: Sim::start(seed, &switches).await,
            relay: Relay::to(port, seed).await,
            host: None,
            said: Said::default(),
            port,
            folder,
        };
        bed.start_host();
        bed
    }

    pub fn start_host(&mut self) {
        let app = self.folder.path().join("app");
        self.host = Some(Host::start(&app, self.port, &self.env(), &self.said));
    }

    pub fn events_folder(&self) -> PathBuf {
        self.folder.path().join("events")
    }

    fn env(&self) -> Vec<(String, String)> {
        let inside = |name: &str| self.folder.path().join(name).display().to_string();
        let public = format!("http://127.0.0.1:{}", self.relay.port);
        [
            ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("EVERGRAPH_FLEET", "soak".to_owned()),
            (
                "EVERGRAPH_CLIENT_STATE_KEYS",
                "k1:QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=".to_owned(),
            ),
            ("EVERGRAPH_PUBLIC_URL", public),
            ("EVERGRAPH_STATE", format!("file:{}", inside("state"))),
            ("EVERGRAPH_SINK", format!("file:{}", inside("events"))),
            (
                "EVERGRAPH_DECRYPTION_KEYS",
                format!("own={}", inside("key.pem")),
            ),
            ("EVERGRAPH_GRAPH_URL", format!("{}/v1.0", self.sim.url)),
            ("EVERGRAPH_AUTHORITY", self.sim.url.clone()),
            ("EVERGRAPH_CLOCK", self.sim.url.clone()),
            ("EVERGRAPH_CREDENTIAL", "none".to_owned()),
            ("EVERGRAPH_LEASE_S", "1".to_owned()),
            ("EVERGRAPH_SCHEDULE", "0 */5 * * * *".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// Waits until every declared subscription lives.
    pub async fn subscribe(&self) {
        let began = Instant::now();
        self.said.says("ready after", 2).await;
        while self.live().await.len() < DECLARED.len() {
            let late = began.elapsed() > SOON;
            assert!(!late, "no subscriptions: {:#?}", self.said.last(40));
            self.sim.advance("1m").await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Our live subscriptions, as the simulator knows them.
    pub async fn live(&self) -> Vec<Value> {
        let all = self.sim.get("_sim/subscriptions").await;
        let all = all["value"].as_array().unwrap().clone();
        all.into_iter().filter(|row| row["live"] == true).collect()
    }

    /// Breaks the sink: where the folder was, there is a file.
    pub fn break_sink(&self) {
        std::fs::rename(self.events_folder(), self.away()).unwrap();
        std::fs::write(self.events_folder(), "not a folder").unwrap();
    }

    pub fn mend_sink(&self) {
        std::fs::remove_file(self.events_folder()).unwrap();
        std::fs::rename(self.away(), self.events_folder()).unwrap();
    }

    fn away(&self) -> PathBuf {
        self.folder.path().join("away")
    }

    /// Nothing fails any more; Graph has sent again whatever it has to within four hours.
    pub async fn calm_down(&self) {
        self.relay.cuts(false);
        for _ in 0..24 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            self.sim.advance("10m").await;
        }
        let began = Instant::now();
        loop {
            // Beyond the last number there are counts alone.
            let told = self.sim.get("_sim/events?after=999999999").await;
            if told["counts"]["waiting"].is_null() {
                return;
            }
            let late = began.elapsed() > SOON;
            assert!(!late, "{told}: {:#?}", self.said.last(40));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn lay_out(folder: &Path) {
    let app = folder.join("app");
    std::fs::create_dir(&app).unwrap();
    let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let own = CertificateParams::default().self_signed(&pair).unwrap();
    std::fs::write(folder.join("key.pem"), pair.serialize_pem()).unwrap();
    std::fs::write(app.join("subscriptions.toml"), declaration(&own.pem())).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::copy(root.join("host.json"), app.join("host.json")).unwrap();
    for entry in std::fs::read_dir(root.join("function-definitions")).unwrap() {
        let entry = entry.unwrap();
        let made = app.join(entry.file_name());
        std::fs::create_dir(&made).unwrap();
        let definition = entry.path().join("function.json");
        std::fs::copy(definition, made.join("function.json")).unwrap();
    }
    // A write beyond the limit is an error and no signal, as on a full disk.
    let handler = app.join("handler");
    let program = env!("CARGO_BIN_EXE_evergraph");
    let script = format!(
        "#!/bin/sh\ntrap '' XFSZ\nulimit -f {FILE_BLOCKS}\nexec '{program}' handler --until-stdin-ends\n"
    );
    std::fs::write(&handler, script).unwrap();
    let all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&handler, all).unwrap();
}

fn declaration(certificate: &str) -> String {
    let mut text = format!("[tenants.home]\nid = \"{TENANT}\"\n");
    for (name, resource, changes, is_rich) in DECLARED {
        let changes = changes.replace(',', "\", \"");
        text.push_str(&format!(
            "\n[[subscriptions]]\nname = \"{name}\"\ntenant = \"home\"\nresource = \"{resource}\"\n\
             change_types = [\"{changes}\"]\n"
        ));
        if is_rich {
            text.push_str(&format!(
                "\n[subscriptions.resource_data]\ncertificate_id = \"own\"\n\
                 certificate = \"\"\"\n{certificate}\"\"\"\n"
            ));
        }
    }
    text
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
