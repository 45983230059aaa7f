//! The package as it is deployed, under `evergraph host` as its own process; and how fast a
//! handler starts.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evergraph::sim::settings::Settings;
use jiff::SignedDuration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::bed::{Bed, declaration, free_port, health, root, signal};

/// Longest wait for something that should come at once.
const SOON: Duration = Duration::from_secs(30);

/// Lays out the package with the script that azd runs; it packs only what Azure can run.
fn package(folder: &Path, bed: &Bed) -> PathBuf {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return bed.app();
    }
    let (declared, out) = (folder.join("subscriptions.toml"), folder.join("dist"));
    std::fs::write(&declared, declaration(&bed.wishes)).unwrap();
    let output = std::process::Command::new("sh")
        .arg(root().join("scripts/package.sh"))
        .args(["--binary", env!("CARGO_BIN_EXE_handler"), "--out"])
        .args([&out, Path::new("--subscriptions"), &declared])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    out
}

/// `evergraph host` over a package, and what it prints.
struct Cli {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
}

impl Cli {
    fn start(app: &Path, bed: &Bed, status: &Path) -> Self {
        let port = bed.public_url.rsplit_once(':').unwrap().1;
        let mut child = Command::new(env!("CARGO_BIN_EXE_evergraph"))
            .args(["host", "--supervise", "--two-process", "--port", port])
            .arg("--app")
            .arg(app)
            .arg("--status-dir")
            .arg(status)
            .env_clear()
            .envs(bed.env())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let said = Arc::<Mutex<Vec<String>>>::default();
        listen(child.stdout.take().unwrap(), "", &said);
        listen(child.stderr.take().unwrap(), "stderr: ", &said);
        Self { child, said }
    }

    fn lines(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    fn count(&self, words: &str) -> usize {
        let said = self.said.lock().unwrap();
        said.iter().filter(|line| line.contains(words)).count()
    }

    /// Waits until a text was said so many times.
    async fn says(&self, words: &str, times: usize) {
        let began = Instant::now();
        while self.count(words) < times {
            let late = began.elapsed() > SOON;
            assert!(
                !late,
                "it does not say {words:?} {times} times: {:#?}",
                self.lines()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The process of a group that was started last.
    fn pid_of(&self, group: &str) -> Option<u32> {
        let start = format!("[{group}] handler started: pid ");
        let said = self.said.lock().unwrap();
        let mut pids = said
            .iter()
            .rev()
            .filter_map(|line| line.strip_prefix(&start));
        pids.next()?.split(',').next()?.parse().ok()
    }

    /// `kill -9` of a handler, and the wait for its successor.
    async fn kill_handler(&self, group: &str) {
        let started = format!("[{group}] handler started");
        let before = self.count(&started);
        assert!(signal(self.pid_of(group).unwrap(), "KILL"));
        self.says(&started, before + 1).await;
    }
}

fn listen(
    stream: impl tokio::io::AsyncRead + Unpin + Send + 'static,
    prefix: &'static str,
    said: &Arc<Mutex<Vec<String>>>,
) {
    let (mut lines, said) = (BufReader::new(stream).lines(), Arc::clone(said));
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            said.lock().unwrap().push(format!("{prefix}{line}"));
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_package_runs_under_the_command_and_follows_its_schedule() {
    let mut bed = Bed::new("the package", 12, Settings::default(), None).await;
    bed.public_url = format!("http://127.0.0.1:{}", free_port());
    let folder = tempfile::tempdir().unwrap();
    let app = package(folder.path(), &bed);
    let mut host = Cli::start(&app, &bed, &folder.path().join("status"));
    host.says("] handler", 4).await;
    for group in ["http", "function:renew"] {
        host.says(&format!("[{group}] handler started"), 1).await;
    }
    host.says("ready after", 2).await;

    // The clock of the schedule is the simulator's: five minutes at once.
    bed.jump(SignedDuration::from_mins(5));
    host.says("created 12,", 2).await;
    bed.check_served_once().await;
    let (status, word) = health(&bed.public_url).await;
    assert_eq!((status, word.as_str()), (200, "ok"));

    // The third crash stops the host of the timer, and supervision starts it again.
    for _ in 0..3 {
        host.kill_handler("function:renew").await;
    }
    host.says("[function:renew] host starts again", 1).await;
    host.says("ready after", 3).await;
    let row = bed.ours().remove(0);
    bed.control().remove(&row.id, false).unwrap();
    bed.jump(SignedDuration::from_mins(60));
    host.says("created 1,", 2).await;
    bed.check_served_once().await;
    ends_with_its_handlers(&mut host).await;
}

/// SIGTERM ends the command with success, and no handler stays behind.
async fn ends_with_its_handlers(host: &mut Cli) {
    let handlers = ["http", "function:renew"].map(|group| host.pid_of(group).unwrap());
    assert!(signal(host.child.id().unwrap(), "TERM"));
    let status = tokio::time::timeout(SOON, host.child.wait()).await;
    let status = status.expect("it ends").unwrap();
    assert!(status.success(), "{status}: {:#?}", host.lines());
    for pid in handlers {
        let began = Instant::now();
        while signal(pid, "0") {
            assert!(began.elapsed() < SOON, "handler {pid} still runs");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let errors: Vec<String> = host.lines();
    let errors = errors.iter().filter(|line| line.contains("| error: "));
    assert_eq!(errors.collect::<Vec<_>>(), Vec::<&String>::new());
}

/// The bound of the design is 10 ms, for the release build on a quiet machine; here it is only
/// told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_answers_soon_after_its_start() {
    let bed = Bed::new("start", 8, Settings::default(), None).await;
    let mut took = Vec::new();
    for _ in 0..5 {
        let port = free_port();
        let began = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_handler"))
            .current_dir(bed.app())
            .env_clear()
            .envs(bed.env())
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let answered = tokio::time::timeout(SOON, answered(port)).await;
        answered.expect("the handler answers");
        took.push(began.elapsed());
        child.kill().await.unwrap();
    }
    took.sort();
    println!(
        "from the start of a handler to its answer to GET /: median {:?}, of {took:?}",
        took[took.len() / 2]
    );
}

/// Asks `GET /` until something answers.
async fn answered(port: u16) {
    loop {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await {
            let request = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"HTTP/1.1 200");
            return;
        }
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
}
