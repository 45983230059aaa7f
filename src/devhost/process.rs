//! Handler processes. They stand behind a trait, so that everything that happens on the wire
//! can be tried against a listener in the same process.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinSet;

use super::console::Stream;
use super::events::Exit;
use super::launch::Launch;

/// Longer lines are split, so that a handler cannot fill the memory. The host keeps a line of
/// 50,000 characters whole.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// How long the last lines of a process that ended are waited for. Its own children may hold
/// the pipes open for ever.
const LAST_LINES_WAIT: Duration = Duration::from_millis(100);

type TakeLine = dyn Fn(Stream, &str) + Send + Sync;

/// Takes the lines that a handler writes.
#[derive(Clone)]
pub struct Console(Arc<TakeLine>);

impl Console {
    /// A console that gives each line, without its end, to `take`.
    pub fn new(take: impl Fn(Stream, &str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }

    /// One line was written.
    pub fn line(&self, stream: Stream, text: &str) {
        (self.0)(stream, text);
    }
}

/// Starts handlers.
pub trait Launcher: Send + Sync {
    /// Starts one handler. It must listen on `launch.port` some time later.
    ///
    /// # Errors
    /// The program is missing, or may not be executed.
    fn launch(&self, launch: &Launch, console: Console)
    -> std::io::Result<Box<dyn HandlerProcess>>;
}

/// A handler that runs. Dropping it ends it.
#[async_trait::async_trait]
pub trait HandlerProcess: Send {
    /// Its process id.
    fn pid(&self) -> u32;

    /// Waits for its end.
    ///
    /// # Cancellation
    /// May be dropped and called again.
    async fn exited(&mut self) -> Exit;

    /// Ends it at once, as SIGKILL does: the direct child only, without a word before.
    fn kill(&mut self);
}

/// Real child processes of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChildProcesses;

impl Launcher for ChildProcesses {
    fn launch(
        &self,
        launch: &Launch,
        console: Console,
    ) -> std::io::Result<Box<dyn HandlerProcess>> {
        let mut command = Command::new(&launch.program);
        if !launch.inherits_env {
            command.env_clear();
        }
        // The child stays in the host's process group. Its stdin is a pipe into which nobody
        // writes: it ends with this process, however that ends, so that a handler can notice.
        let mut child = command
            .args(&launch.arguments)
            .envs(launch.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&launch.working_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().unwrap_or_default();
        // Waiting for a child closes what it still holds of its stdin.
        let stdin = child.stdin.take();
        let mut lines = JoinSet::new();
        if let Some(out) = child.stdout.take() {
            lines.spawn(read_lines(out, Stream::Out, console.clone()));
        }
        if let Some(err) = child.stderr.take() {
            lines.spawn(read_lines(err, Stream::Err, console));
        }
        Ok(Box::new(ChildProcess {
            child,
            pid,
            lines,
            _stdin: stdin,
        }))
    }
}

struct ChildProcess {
    child: Child,
    pid: u32,
    lines: JoinSet<()>,
    _stdin: Option<ChildStdin>,
}

#[async_trait::async_trait]
impl HandlerProcess for ChildProcess {
    fn pid(&self) -> u32 {
        self.pid
    }

    async fn exited(&mut self) -> Exit {
        let exit = match self.child.wait().await {
            Ok(status) => exit_of(status),
            Err(_) => Exit::Unknown,
        };
        let rest = async { while self.lines.join_next().await.is_some() {} };
        // Running out of this wait is normal: a grandchild may keep the pipes.
        let _ = tokio::time::timeout(LAST_LINES_WAIT, rest).await;
        exit
    }

    fn kill(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.start_kill();
    }
}

fn exit_of(status: std::process::ExitStatus) -> Exit {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return Exit::Signal(signal);
    }
    status.code().map_or(Exit::Unknown, Exit::Code)
}

async fn read_lines(from: impl AsyncRead + Unpin, stream: Stream, console: Console) {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .await
        {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        while line
            .last()
            .is_some_and(|byte| *byte == b'\n' || *byte == b'\r')
        {
            line.pop();
        }
        console.line(stream, &String::from_utf8_lossy(&line));
    }
}
