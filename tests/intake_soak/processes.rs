//! The processes of the test, and what they say.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// Longest wait for something that should come at once.
pub const SOON: Duration = Duration::from_secs(60);

/// `evergraph sim graph`, its clock standing still.
pub struct Sim {
    pub url: String,
    client: reqwest::Client,
    _child: Child,
}

impl Sim {
    pub async fn start(seed: u64, switches: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evergraph"));
        command
            .args(["sim", "graph", "--port", "0", "--output", "json"])
            .args(["--frozen", "--start", "2030-01-01T00:00:30Z"])
            .args(["--seed", &seed.to_string()]);
        for switch in switches {
            command.args(["--set", switch]);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(SOON, lines.next_line()).await.unwrap();
        let started: Value = serde_json::from_str(&line.unwrap().unwrap()).unwrap();
        Self {
            url: started["url"].as_str().unwrap().to_owned(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            _child: child,
        }
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.client.get(format!("{}/{path}", self.url)).send();
        answer.await.unwrap().json().await.unwrap()
    }

    /// Sends an order; answers the status, since what it is about may be gone by now.
    pub async fn post(&self, path: &str, body: &Value) -> u16 {
        let url = format!("{}/{path}", self.url);
        let answer = self.client.post(url).json(body).send().await.unwrap();
        answer.status().as_u16()
    }

    pub async fn delete(&self, path: &str) -> u16 {
        let url = format!("{}/{path}", self.url);
        let answer = self.client.delete(url).send().await.unwrap();
        answer.status().as_u16()
    }

    /// Moves the time of day.
    pub async fn advance(&self, by: &str) {
        let order = serde_json::json!({"advance": by});
        assert_eq!(self.post("_sim/clock", &order).await, 200);
    }
}

/// What all hosts of the test have said.
#[derive(Clone, Default)]
pub struct Said(Arc<Mutex<Vec<String>>>);

impl Said {
    pub fn count(&self, words: &str) -> usize {
        let said = self.0.lock().unwrap();
        said.iter().filter(|line| line.contains(words)).count()
    }

    pub fn last(&self, lines: usize) -> Vec<String> {
        let said = self.0.lock().unwrap();
        said.iter().rev().take(lines).rev().cloned().collect()
    }

    /// Waits until a text was said so many times.
    pub async fn says(&self, words: &str, times: usize) {
        let began = Instant::now();
        while self.count(words) < times {
            let late = began.elapsed() > SOON;
            assert!(!late, "{words:?} is not said: {:#?}", self.last(40));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The process of a group that was started last.
    fn pid_of(&self, group: &str) -> Option<u32> {
        let start = format!("[{group}] handler started: pid ");
        let said = self.0.lock().unwrap();
        let mut pids = said
            .iter()
            .rev()
            .filter_map(|line| line.strip_prefix(&start));
        pids.next()?.split(',').next()?.parse().ok()
    }

    fn listen(&self, stream: impl AsyncRead + Unpin + Send + 'static) {
        let (mut lines, said) = (BufReader::new(stream).lines(), Arc::clone(&self.0));
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                said.lock().unwrap().push(line);
            }
        });
    }
}

/// `evergraph host --supervise`, and its handlers.
pub struct Host {
    child: Child,
    said: Said,
}

impl Host {
    pub fn start(app: &Path, port: u16, env: &[(String, String)], said: &Said) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_evergraph"))
            .args(["host", "--supervise", "--two-process", "--port"])
            .arg(port.to_string())
            .arg("--app")
            .arg(app)
            .arg("--status-dir")
            .arg(app.with_file_name("status"))
            .env_clear()
            .envs(env.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        said.listen(child.stdout.take().unwrap());
        said.listen(child.stderr.take().unwrap());
        Self {
            child,
            said: said.clone(),
        }
    }

    /// `kill -9` of a handler. False: it was dead already.
    pub fn kill_handler(&self, group: &str) -> bool {
        let pid = self.said.pid_of(group);
        pid.is_some_and(kill)
    }

    /// `kill -9` of the host itself: its handlers notice, and end.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

fn kill(pid: u32) -> bool {
    let status = std::process::Command::new("kill")
        .args(["-KILL", &pid.to_string()])
        .stderr(Stdio::null())
        .status();
    status.unwrap().success()
}
