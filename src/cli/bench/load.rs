//! Who posts: connections that are kept, each with one post under way, written and read raw, so
//! that the one who measures is not what is measured.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::posts::Post;

/// Items are numbered over the whole run, so that none is a repeat of another.
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// Before a round is measured, so long is posted: connections are there and caches warm.
const WARM_UP: Duration = Duration::from_millis(150);

/// What one round brought.
#[derive(Clone, Debug, Default)]
pub(super) struct Round {
    pub(super) posts: u64,
    pub(super) items: u64,
    pub(super) took: Duration,
    /// Time of each answer, in microseconds.
    pub(super) answers: Vec<u32>,
    /// Answers that were not 202.
    pub(super) refused: u64,
    /// Time on a processor of the one who posted.
    pub(super) own_cpu: Option<Duration>,
    /// Time on processors of the process that answered.
    pub(super) server_cpu: Option<Duration>,
}

/// Posts to the port of this machine for so long.
///
/// # Errors
/// A connection broke, or an answer could not be read.
pub(super) async fn post(
    port: u16,
    pid: Option<u32>,
    post: Arc<Post>,
    connections: usize,
    measured: Duration,
) -> anyhow::Result<Round> {
    // A thread of its own, so that nothing else is in its time.
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("load".to_owned())
        .spawn(move || {
            // Nobody waits for it any more if this fails.
            let _ = tell.send(post_here(port, pid, &post, connections, measured));
        })?;
    told.await.context("the one who posts broke off")?
}

fn post_here(
    port: u16,
    pid: Option<u32>,
    post: &Arc<Post>,
    connections: usize,
    measured: Duration,
) -> anyhow::Result<Round> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let begins = Instant::now() + WARM_UP;
        let ends = begins + measured;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..connections {
            let one = Connection::open(port, post).await?;
            tasks.spawn(one.run(begins, ends));
        }
        tokio::time::sleep_until(begins).await;
        let before = (own_time(), pid.and_then(super::server::cpu_time));
        let begun = Instant::now();
        tokio::time::sleep_until(ends).await;
        let mut round = Round {
            took: begun.elapsed(),
            own_cpu: since(own_time(), before.0),
            server_cpu: since(pid.and_then(super::server::cpu_time), before.1),
            ..Round::default()
        };
        while let Some(done) = tasks.join_next().await {
            let (answers, refused) = done??;
            round.refused += refused;
            round.answers.extend(answers);
        }
        round.posts = round.answers.len() as u64;
        round.items = round.posts * post.items as u64;
        Ok(round)
    })
}

fn since(now: Option<Duration>, before: Option<Duration>) -> Option<Duration> {
    now?.checked_sub(before?)
}

/// Time that this thread has run on a processor.
#[cfg(target_os = "linux")]
pub(super) fn own_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let (seconds, nanoseconds) = (time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?);
    Some(Duration::new(seconds, nanoseconds))
}

/// Time that this thread has run on a processor, which this system does not tell.
#[cfg(not(target_os = "linux"))]
pub(super) fn own_time() -> Option<Duration> {
    None
}

struct Connection {
    stream: TcpStream,
    bytes: Vec<u8>,
    post: Arc<Post>,
    answer: Vec<u8>,
}

impl Connection {
    async fn open(port: u16, post: &Arc<Post>) -> anyhow::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            bytes: post.bytes.clone(),
            post: Arc::clone(post),
            answer: vec![0; 4096],
        })
    }

    /// Times of the answers that came within the measured time, and how many were not 202.
    async fn run(mut self, begins: Instant, ends: Instant) -> anyhow::Result<(Vec<u32>, u64)> {
        let (mut answers, mut refused) = (Vec::with_capacity(16_384), 0);
        loop {
            let first = NUMBER.fetch_add(self.post.items as u64, Ordering::Relaxed);
            self.post.number(&mut self.bytes, first);
            let sent = Instant::now();
            if sent >= ends {
                return Ok((answers, refused));
            }
            self.stream.write_all(&self.bytes).await?;
            let accepted = self.answer().await?;
            let now = Instant::now();
            if (begins..ends).contains(&now) {
                let took = now.duration_since(sent).as_micros();
                answers.push(u32::try_from(took).unwrap_or(u32::MAX));
                refused += u64::from(!accepted);
            }
        }
    }

    /// Reads one answer; says whether it is 202.
    async fn answer(&mut self) -> anyhow::Result<bool> {
        let mut length = 0;
        loop {
            let more = self.stream.read(&mut self.answer[length..]).await?;
            anyhow::ensure!(more > 0, "the server closed a connection");
            length += more;
            let answer = &self.answer[..length];
            if let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n")
                && length >= head + 4 + body_length(&answer[..head])
            {
                return Ok(answer.starts_with(b"HTTP/1.1 202"));
            }
            anyhow::ensure!(length < self.answer.len(), "an answer is too long");
        }
    }
}

fn body_length(head: &[u8]) -> usize {
    let name = b"content-length:";
    let lines = head.split(|byte| *byte == b'\n');
    let line = lines.into_iter().find_map(|line| {
        let (found, value) = line.split_at_checked(name.len())?;
        found.eq_ignore_ascii_case(name).then_some(value)
    });
    let value = line.and_then(|value| std::str::from_utf8(value).ok());
    value
        .and_then(|value| value.trim().parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_an_answer_is_read_in_any_letter_case() {
        let head = b"HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\ndate: x";
        assert_eq!(body_length(head), 12);
        assert_eq!(body_length(b"HTTP/1.1 202 Accepted\r\ndate: x"), 0);
    }
}
