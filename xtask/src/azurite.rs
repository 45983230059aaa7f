//! Azurite, the emulator of Azure Storage: installed from its own lock file, run on loopback.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::tools::NPM;

/// The account that every Azurite has, and its key: public, for emulators only.
/// Source: learn.microsoft.com/azure/storage/common/storage-connect-azurite, "well-known storage account and key".
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A cold disk takes seconds to read its many small files.
const START: Duration = Duration::from_secs(60);

/// A running Azurite. Dropping it stops it, and so does our death of any kind: it reads the
/// pipe that only we hold, and ends with it.
pub struct Azurite {
    child: Child,
    _pipe: ChildStdin,
    blobs: String,
    queues: String,
}

impl Azurite {
    /// Installs what is not installed yet, and starts it on free ports, with its data in memory.
    pub fn start(root: &Path) -> anyhow::Result<Self> {
        let home = install(root)?;
        let mut child = Command::new("node")
            .args(["serve.js", "--blobHost", "127.0.0.1", "--blobPort", "0"])
            .args(["--queueHost", "127.0.0.1", "--queuePort", "0"])
            .args(["--tableHost", "127.0.0.1", "--tablePort", "0"])
            .args(["--inMemoryPersistence", "--silent", "--disableTelemetry"])
            .current_dir(&home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("could not start node")?;
        let pipe = child.stdin.take().context("node got no input pipe")?;
        let (blobs, queues) = match endpoints(&mut child) {
            Ok(endpoints) => endpoints,
            Err(error) => {
                drop(pipe);
                let _ = child.kill();
                let _ = child.wait();
                return Err(error);
            }
        };
        Ok(Self {
            child,
            _pipe: pipe,
            blobs: format!("{blobs}/{ACCOUNT}?{}", sas()?),
            queues: format!("{queues}/{ACCOUNT}?{}", sas()?),
        })
    }

    /// The account's URL with a SAS that may do everything. Containers go between the two.
    pub fn blobs(&self) -> &str {
        &self.blobs
    }

    /// The same for queues.
    pub fn queues(&self) -> &str {
        &self.queues
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs Azurite for people until it is stopped.
pub fn keep_running(root: &Path) -> anyhow::Result<ExitCode> {
    let mut azurite = Azurite::start(root)?;
    let (blobs, queues) = (azurite.blobs(), azurite.queues());
    let (account, sas) = blobs.split_once('?').context("the URL carries a SAS")?;
    let (queue_account, _) = queues.split_once('?').context("the URL carries a SAS")?;
    println!("Azurite runs until Ctrl-C; it forgets everything then.\n");
    println!("for the tests:  export EVERGRAPH_TEST_AZURITE='{blobs}'");
    println!("                export EVERGRAPH_TEST_AZURITE_QUEUE='{queues}'");
    println!("for evergraph:  export EVERGRAPH_STATE='{account}/state?{sas}'");
    println!("                export EVERGRAPH_SINK='{queue_account}/events?{sas}'");
    println!("                export EVERGRAPH_SINK_BLOBS='{account}/claims?{sas}'");
    let status = azurite.child.wait().context("could not wait for node")?;
    bail!("Azurite ended by itself: {status}")
}

/// Runs `npm ci` unless the very same lock file was installed before.
fn install(root: &Path) -> anyhow::Result<PathBuf> {
    let home = root.join("tests").join("azurite");
    let lock =
        fs::read(home.join("package-lock.json")).context("tests/azurite has no lock file")?;
    let mark = home.join("node_modules").join(".installed-lock");
    if fs::read(&mark).is_ok_and(|installed| installed == lock) {
        return Ok(home);
    }
    println!("installing Azurite (npm ci in tests/azurite) ...");
    let status = Command::new(NPM)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .args(["--loglevel", "error"])
        .current_dir(&home)
        .stdin(Stdio::null())
        .status()
        .context("could not start npm")?;
    ensure!(
        status.success(),
        "npm ci failed in tests/azurite ({status}); it needs the npm registry. \
         Without it: cargo xtask test --without-azurite"
    );
    fs::write(&mark, lock).context("could not note what was installed")?;
    Ok(home)
}

/// Waits for the lines that name the ports of blobs and queues, and goes on emptying the pipe
/// after them.
fn endpoints(child: &mut Child) -> anyhow::Result<(String, String)> {
    let output = child.stdout.take().context("node got no output pipe")?;
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut blobs, mut queues) = (None, None);
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let Some((service, endpoint)) = line.split_once("successfully listening at ") else {
                continue;
            };
            let endpoint = Some(endpoint.trim().to_owned());
            match service {
                _ if service.contains("Blob") => blobs = endpoint,
                _ if service.contains("Queue") => queues = endpoint,
                _ => {}
            }
            if let (Some(blobs), Some(queues)) = (&blobs, &queues) {
                let _ = tell.send((blobs.clone(), queues.clone()));
            }
        }
    });
    match told.recv_timeout(START) {
        Ok(endpoints) => Ok(endpoints),
        Err(mpsc::RecvTimeoutError::Disconnected) => bail!("Azurite ended before it listened"),
        Err(mpsc::RecvTimeoutError::Timeout) => {
            bail!("Azurite did not listen within {} s", START.as_secs())
        }
    }
}

/// An account SAS for everything, far beyond the life of any emulator.
/// Source: learn.microsoft.com/rest/api/storageservices/create-account-sas, "construct the signature string".
fn sas() -> anyhow::Result<String> {
    const VERSION: &str = "2024-11-04";
    const PERMISSIONS: &str = "rwdlacupxf";
    const SERVICES: &str = "bqt";
    const TYPES: &str = "sco";
    const EXPIRY: &str = "2099-01-01T00:00:00Z";
    let (start, ips, protocols, scope) = ("", "", "", "");
    let signed = [
        ACCOUNT,
        PERMISSIONS,
        SERVICES,
        TYPES,
        start,
        EXPIRY,
        ips,
        protocols,
        VERSION,
        scope,
    ]
    .map(|line| format!("{line}\n"))
    .concat();
    let key = BASE64_STANDARD.decode(KEY).context("the key is base64")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).context("the key fits")?;
    mac.update(signed.as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    let signature = signature
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    Ok(format!(
        "sv={VERSION}&ss={SERVICES}&srt={TYPES}&sp={PERMISSIONS}&se={EXPIRY}&sig={signature}"
    ))
}
