//! Where decisions are kept: lines that are only ever added, by day.

use jiff::civil::Date;

/// What is kept apart, so that one cannot crowd out the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Book {
    /// What passes and commands decided. A delete waits until it can be written here.
    Decisions,
    /// What the intake refused, in figures. Strangers cause these lines.
    Refusals,
}

impl Book {
    /// Every book.
    pub const ALL: [Self; 2] = [Self::Decisions, Self::Refusals];

    /// The word in names of files and blobs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decisions => "decisions",
            Self::Refusals => "refusals",
        }
    }
}

/// Lines of one writer on one day: a file or a blob.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Segment {
    /// The book.
    pub book: Book,
    /// The day (UTC) that its lines were written for.
    pub day: Date,
    /// Its name within the day: the writer and a number that grows.
    pub name: String,
    /// Its size as listed, in bytes. It may have grown since.
    pub bytes: u64,
}

/// Lines read from a segment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Part {
    /// Whole lines, without their line breaks.
    pub lines: Vec<String>,
    /// Where to read on, in bytes from the beginning of the segment.
    pub next: u64,
    /// Bytes after the last whole line: a line under way, or one that a crash tore.
    pub torn: u64,
}

/// A call that failed, by what the caller must do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// It did not answer. Lines may have been written: write them again, readers drop repeats.
    #[error("the audit at {place} did not answer: {why}")]
    Unavailable {
        /// Where it is, secrets removed.
        place: String,
        /// What happened, secrets removed.
        why: String,
    },
    /// It does not let us, or is set up wrongly: tell a human.
    #[error("the audit at {place} refuses: {why}")]
    Denied {
        /// Where it is, secrets removed.
        place: String,
        /// What to mend.
        why: String,
    },
}

/// Keeps lines durably, and shows them.
///
/// # Guarantees
/// - After `Ok`, every line of the call outlives this process, in the order given. After an error,
///   any of them may or may not have been written.
/// - Nothing that was written is changed. Only whole days are removed, and only what was written
///   by this program.
/// - Several processes may write at the same time; each has segments of its own.
///
/// # Cancellation
/// A dropped `append` may or may not have taken effect.
#[async_trait::async_trait]
pub trait Audit: Send + Sync {
    /// For people: where the lines go, secrets removed.
    fn place(&self) -> String;

    /// Adds lines for a day (UTC). No line contains a line break, and none is longer than
    /// [`LINE_MAX`]. Nothing is done for an empty slice.
    async fn append(&self, book: Book, day: Date, lines: &[String]) -> Result<(), AuditError>;

    /// The segments of a book, in the order of days and names, from a day on.
    async fn segments(&self, book: Book, since: Option<Date>) -> Result<Vec<Segment>, AuditError>;

    /// Reads whole lines from a position; none where the segment is gone.
    async fn read(&self, segment: &Segment, from: u64) -> Result<Part, AuditError>;

    /// Removes the segments of a book of days before `day`, and says how many.
    async fn remove(&self, book: Book, before: Date) -> Result<u32, AuditError>;
}

/// The longest line, in bytes. A line is never split, so it must fit into one block of every
/// store with room to spare (blocks of an append blob: see `adapters::audit::blob`).
pub const LINE_MAX: usize = 256 * 1024;
