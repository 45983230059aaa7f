//! Events in a local folder: JSON lines, one event a line, in segment files.
//!
//! Every process writes segments of its own, so that several handlers share a folder without a
//! lock, and a new process never appends to what another one left. Names sort by time:
//!
//! ```text
//! 20260901T081500Z-4711-9f86d081-000001.jsonl
//! │                │    │        └ segment of this process
//! │                │    └ chance
//! │                └ process id
//! └ when the segment was begun
//! ```
//!
//! A segment ends when it is large, when the day (UTC) ends, or when a write to it failed: what
//! a failed write or a crash left of a line has no line break, stays last in its file, and is no
//! event. Only its writer's successor segment goes on. Nobody here removes segments: whoever
//! consumes them does, once a later one of the same process is there or the process is gone.
//!
//! One thread writes. While it syncs, others queue up; what has queued up is written and synced
//! together, so that the cost of a sync is shared by all who wait for it.

mod segment;

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use self::segment::Segments;
use crate::domain::notification::event::Event;
use crate::ports::sink::{Sink, SinkError};

pub use segment::Limits;

/// How many calls may queue up. More wait, so that a disk that hangs does not fill the memory.
const WAITING: usize = 1024;

/// A call that waits for its events to be durable.
struct Job {
    lines: Vec<Bytes>,
    done: oneshot::Sender<Told>,
}

/// What became of a group of calls. Whoever hears it first tells the others by dropping it: it
/// runs where they run, and wakes them at a fraction of what it costs the writer's thread.
struct Told {
    outcome: Result<(), SinkError>,
    others: Vec<oneshot::Sender<Told>>,
}

impl Drop for Told {
    fn drop(&mut self) {
        for other in self.others.drain(..) {
            // Whoever gave up waiting does not hear it.
            let _unheard = other.send(Self {
                outcome: self.outcome.clone(),
                others: Vec::new(),
            });
        }
    }
}

/// Writes events to a folder.
///
/// # Cancellation
/// A call that began is finished on the writer's thread, even if its future is dropped.
#[derive(Debug)]
pub struct FileSink {
    folder: PathBuf,
    jobs: mpsc::Sender<Job>,
}

impl FileSink {
    /// Opens a folder and makes it where it is missing.
    ///
    /// # Errors
    /// [`SinkError::Denied`] where it cannot be made or written.
    pub fn open(folder: &Path) -> Result<Self, SinkError> {
        Self::with_limits(folder, Limits::default())
    }

    /// The same with other limits for a segment.
    ///
    /// # Errors
    /// [`SinkError::Denied`] where the folder cannot be made or written.
    pub fn with_limits(folder: &Path, limits: Limits) -> Result<Self, SinkError> {
        let place = place_of(folder);
        let segments = Segments::open(folder, limits).map_err(|error| failed(&place, &error))?;
        let (jobs, queue) = mpsc::channel(WAITING);
        std::thread::Builder::new()
            .name("sink".to_owned())
            .spawn(move || write_all(segments, queue, &place))
            .map_err(|error| failed(&place_of(folder), &error))?;
        Ok(Self {
            folder: folder.to_owned(),
            jobs,
        })
    }
}

#[async_trait::async_trait]
impl Sink for FileSink {
    fn place(&self) -> String {
        place_of(&self.folder)
    }

    async fn write(&self, events: &[Event]) -> Result<(), SinkError> {
        let lines = events.iter().map(|event| event.json.clone()).collect();
        let (done, told) = oneshot::channel();
        let gone = || SinkError::Unavailable {
            place: self.place(),
            why: "its writer has ended".to_owned(),
        };
        let sent = self.jobs.send(Job { lines, done }).await;
        sent.map_err(|_| gone())?;
        told.await.map_err(|_| gone())?.outcome.clone()
    }
}

fn place_of(folder: &Path) -> String {
    format!("file:{}", folder.display())
}

/// Works until the sink is dropped.
fn write_all(mut segments: Segments, mut queue: mpsc::Receiver<Job>, place: &str) {
    let mut jobs = Vec::new();
    while let Some(first) = queue.blocking_recv() {
        jobs.push(first);
        while let Ok(more) = queue.try_recv() {
            jobs.push(more);
        }
        let lines = jobs.iter().flat_map(|job| &job.lines);
        let outcome = segments.write(lines);
        let outcome = outcome.map_err(|error| failed(place, &error));
        let mut others: Vec<_> = jobs.drain(..).map(|job| job.done).collect();
        if let Some(first) = others.pop() {
            // If nobody hears it there, it is dropped here, and the others are told.
            let _unheard = first.send(Told { outcome, others });
        }
    }
}

fn failed(place: &str, error: &io::Error) -> SinkError {
    use io::ErrorKind as Kind;
    let place = place.to_owned();
    match error.kind() {
        Kind::NotFound
        | Kind::NotADirectory
        | Kind::AlreadyExists
        | Kind::PermissionDenied
        | Kind::ReadOnlyFilesystem
        | Kind::StorageFull
        | Kind::QuotaExceeded
        | Kind::Unsupported => SinkError::Denied {
            place,
            why: format!("{error}; the folder must be there, writable, and not full"),
        },
        _ => SinkError::Unavailable {
            place,
            why: error.to_string(),
        },
    }
}

/// The events in a folder, in the order of the segments' names; a torn last line of a segment
/// is none. For tests, and for consumers as small as these.
///
/// # Errors
/// Where the folder or a segment cannot be read.
pub fn events_in(folder: &Path) -> io::Result<Vec<String>> {
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == segment::ENDING) {
            segments.push(path);
        }
    }
    segments.sort_unstable();
    let mut events = Vec::new();
    for path in segments {
        let bytes = std::fs::read(path)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n');
        let whole = &bytes[..whole.map_or(0, |at| at + 1)];
        let text = std::str::from_utf8(whole).map_err(io::Error::other)?;
        events.extend(text.lines().map(str::to_owned));
    }
    Ok(events)
}
