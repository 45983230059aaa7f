//! The audit in a local folder: JSON lines in files by book, day and writer.
//!
//! Nothing is made before the first line is written. A batch is one write and one `fdatasync`. A
//! segment ends with its day (UTC), when it is large, and when a write to it failed: what a crash
//! left of a line has no line break, stays last in its file, and is no record.

mod disk;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use tokio::sync::Mutex;

use self::disk::Segments;
use super::are_lines;
use crate::ports::audit::{Audit, AuditError, Book, Part, Segment};

pub use disk::Limits;

/// Writes to a folder and reads from it.
///
/// # Cancellation
/// A call that began is finished on its own thread, even if its future is dropped.
#[derive(Clone, Debug)]
pub struct FileAudit {
    folder: PathBuf,
    segments: Arc<Mutex<Segments>>,
}

impl FileAudit {
    /// The audit in a folder. `writer` (of `a-z`, `0-9` and `-`) tells the files of this process
    /// from those of all others.
    pub fn new(folder: &Path, writer: &str) -> Self {
        Self::with_limits(folder, writer, Limits::default())
    }

    /// The same with other limits for a segment.
    pub fn with_limits(folder: &Path, writer: &str, limits: Limits) -> Self {
        Self {
            folder: folder.to_owned(),
            segments: Arc::new(Mutex::new(Segments::new(folder, writer, limits))),
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, AuditError> {
        let folder = self.folder.clone();
        self.finished(tokio::task::spawn_blocking(move || work(&folder)).await)
    }

    fn finished<T>(
        &self,
        outcome: Result<io::Result<T>, tokio::task::JoinError>,
    ) -> Result<T, AuditError> {
        match outcome {
            Ok(done) => done.map_err(|error| self.failed(&error)),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(AuditError::Unavailable {
                    place: self.place(),
                    why: "the program is stopping".to_owned(),
                }),
            },
        }
    }

    fn failed(&self, error: &io::Error) -> AuditError {
        use io::ErrorKind as Kind;
        let place = self.place();
        match error.kind() {
            Kind::NotFound
            | Kind::NotADirectory
            | Kind::AlreadyExists
            | Kind::PermissionDenied
            | Kind::ReadOnlyFilesystem
            | Kind::StorageFull
            | Kind::QuotaExceeded
            | Kind::Unsupported => AuditError::Denied {
                place,
                why: format!(
                    "{error}; EVERGRAPH_AUDIT must be a folder that is writable and not full"
                ),
            },
            _ => AuditError::Unavailable {
                place,
                why: error.to_string(),
            },
        }
    }
}

#[async_trait::async_trait]
impl Audit for FileAudit {
    fn place(&self) -> String {
        format!("file:{}", self.folder.display())
    }

    async fn append(&self, book: Book, day: Date, lines: &[String]) -> Result<(), AuditError> {
        if lines.is_empty() {
            return Ok(());
        }
        are_lines(lines).map_err(|why| AuditError::Denied {
            place: self.place(),
            why,
        })?;
        let mut bytes = Vec::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
        for line in lines {
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
        }
        let mut segments = Arc::clone(&self.segments).lock_owned().await;
        let task = tokio::task::spawn_blocking(move || segments.write(book, day, &bytes));
        self.finished(task.await)
    }

    async fn segments(&self, book: Book, since: Option<Date>) -> Result<Vec<Segment>, AuditError> {
        self.blocking(move |folder| {
            disk::list(folder, book, |day| since.is_none_or(|at| day >= at))
        })
        .await
    }

    async fn read(&self, segment: &Segment, from: u64) -> Result<Part, AuditError> {
        let segment = segment.clone();
        self.blocking(move |folder| disk::read(folder, &segment, from))
            .await
    }

    async fn remove(&self, book: Book, before: Date) -> Result<u32, AuditError> {
        self.blocking(move |folder| disk::remove(folder, book, before))
            .await
    }
}
