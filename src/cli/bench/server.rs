//! One process that answers: its start, its time on the processor, its memory.

use std::fs::File;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// What is started, and with what.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) file: PathBuf,
    pub(super) arguments: Vec<String>,
    /// All that it gets; nothing of this process's environment.
    pub(super) env: Vec<(String, String)>,
    pub(super) port: u16,
    /// What it says on stderr, for whoever has to find out why it did not start.
    pub(super) log: PathBuf,
}

/// A process that answers. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    port: u16,
    /// From the wish to start it to its first answer.
    pub(super) started_in: Duration,
}

/// A process that has not answered by then will not.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often a process that starts is asked; a refused connection costs next to nothing.
const ASK_EVERY: Duration = Duration::from_micros(200);

impl Server {
    /// Starts it, and asks `path` until something is answered.
    pub(super) async fn start(program: &Program, path: &str) -> anyhow::Result<Self> {
        let log = File::create(&program.log)
            .with_context(|| format!("could not write {}", program.log.display()))?;
        let mut command = Command::new(&program.file);
        command
            .args(&program.arguments)
            .env_clear()
            .envs(program.env.iter().map(|(name, value)| (name, value)))
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", program.port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true);
        let begun = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("could not start {}", program.file.display()))?;
        let mut server = Self {
            child,
            port: program.port,
            started_in: Duration::ZERO,
        };
        let ask = format!("POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n");
        loop {
            if let Ok(true) = answers(program.port, ask.as_bytes()).await {
                server.started_in = begun.elapsed();
                return Ok(server);
            }
            let ended = server.child.try_wait().ok().flatten();
            if ended.is_some() || begun.elapsed() > PATIENCE {
                let said = std::fs::read_to_string(&program.log).unwrap_or_default();
                anyhow::bail!("{} did not answer: {said}", program.file.display());
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Kills it and waits for its end.
    pub(super) async fn stop(mut self) {
        // It may have ended by itself.
        let _ = self.child.kill().await;
    }
}

async fn answers(port: u16, ask: &[u8]) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.set_nodelay(true)?;
    stream.write_all(ask).await?;
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).await?;
    Ok(answer[..length].starts_with(b"HTTP/1.1 2"))
}

/// Time that a process has run on processors so far. `None` where the system does not tell.
pub(super) fn cpu_time(pid: u32) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold blanks. Fields 14 and 15 are user and system time.
    let (_, after) = text.rsplit_once(')')?;
    let mut fields = after.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Duration::from_secs_f64((user + system) as f64 / ticks()?))
}

#[cfg(unix)]
fn ticks() -> Option<f64> {
    Some(rustix::param::clock_ticks_per_second() as f64)
}

#[cfg(not(unix))]
fn ticks() -> Option<f64> {
    None
}

/// Resident memory of a process, and the most that it ever had, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Memory {
    pub(super) now: u64,
    pub(super) peak: u64,
}

/// Memory of a process. `None` where the system does not tell.
pub(super) fn memory(pid: u32) -> Option<Memory> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kilobytes * 1024)
    };
    Some(Memory {
        now: value("VmRSS:")?,
        peak: value("VmHWM:")?,
    })
}

/// The handler to measure: the one named, else `handler` beside this program, else this program.
pub(super) fn handler(named: Option<&Path>) -> anyhow::Result<(PathBuf, Vec<String>)> {
    if let Some(file) = named {
        return Ok((file.to_owned(), Vec::new()));
    }
    let own = own_file()?;
    let beside = own.with_file_name(format!("handler{}", std::env::consts::EXE_SUFFIX));
    Ok(match beside.is_file() {
        true => (beside, Vec::new()),
        false => (own, vec!["handler".to_owned()]),
    })
}

/// This program's own file.
pub(super) fn own_file() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("could not find this program's own file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_time_and_memory() {
        if cfg!(target_os = "linux") {
            let memory = memory(std::process::id()).unwrap();
            assert!(
                memory.peak >= memory.now && memory.now > 100_000,
                "{memory:?}"
            );
            assert!(cpu_time(std::process::id()).is_some());
        }
    }
}
