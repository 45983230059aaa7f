//! The blocking half: files of segments, and what is done to them in which order.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::adapters::audit::{layout, part_of};
use crate::ports::audit::{Book, Part, Segment};

/// When a segment is full.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// No batch begins in a segment that has so many bytes.
    pub bytes: u64,
}

impl Default for Limits {
    /// 64 MiB: about 100,000 records, read in a moment.
    fn default() -> Self {
        Self {
            bytes: 64 * 1024 * 1024,
        }
    }
}

/// The segments of one process.
#[derive(Debug)]
pub(super) struct Segments {
    folder: PathBuf,
    writer: String,
    limits: Limits,
    number: u32,
    open: BTreeMap<Book, Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    day: Date,
    bytes: u64,
}

impl Segments {
    pub(super) fn new(folder: &Path, writer: &str, limits: Limits) -> Self {
        Self {
            folder: folder.to_owned(),
            writer: writer.to_owned(),
            limits,
            number: 0,
            open: BTreeMap::new(),
        }
    }

    /// Writes whole lines and makes them durable. After an error nothing more is written to the
    /// segment: what is left of a line there must stay its last.
    pub(super) fn write(&mut self, book: Book, day: Date, lines: &[u8]) -> io::Result<()> {
        let mut segment = match self.open.remove(&book) {
            Some(open) if open.day == day && open.bytes < self.limits.bytes => open,
            _ => self.begin(book, day)?,
        };
        segment.file.write_all(lines)?;
        segment.file.sync_data()?;
        segment.bytes += lines.len() as u64;
        self.open.insert(book, segment);
        Ok(())
    }

    /// The name must outlive a crash as well as the content: the folders are synced, too.
    fn begin(&mut self, book: Book, day: Date) -> io::Result<Open> {
        self.number += 1;
        let name = layout::name(&self.writer, self.number);
        let path = self.folder.join(layout::path(book, day, &name));
        let of_day = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(of_day)?;
        let file = File::create_new(&path)?;
        for folder in of_day.ancestors().take(3) {
            sync_folder(folder)?;
        }
        Ok(Open {
            file,
            day,
            bytes: 0,
        })
    }
}

/// The segments of the days that are wanted, in order. A folder that is not there has none.
pub(super) fn list(
    root: &Path,
    book: Book,
    wanted: impl Fn(Date) -> bool,
) -> io::Result<Vec<Segment>> {
    let mut found = Vec::new();
    for (day, path) in days(root, book)? {
        if !wanted(day) {
            continue;
        }
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let about = entry.metadata()?;
            let below = format!("{day}/{name}");
            found.extend(layout::segment(book, &below, about.len()).filter(|_| about.is_file()));
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn days(root: &Path, book: Book) -> io::Result<Vec<(Date, PathBuf)>> {
    let entries = match fs::read_dir(root.join(book.as_str())) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut days = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().into_string().ok();
        let day = name.as_deref().and_then(layout::day);
        if let Some(day) = day.filter(|_| entry.path().is_dir()) {
            days.push((day, entry.path()));
        }
    }
    days.sort_unstable();
    Ok(days)
}

pub(super) fn read(root: &Path, segment: &Segment, from: u64) -> io::Result<Part> {
    let path = root.join(layout::path(segment.book, segment.day, &segment.name));
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(part_of(&[], from)),
        file => file?,
    };
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(part_of(&bytes, from))
}

pub(super) fn remove(root: &Path, book: Book, before: Date) -> io::Result<u32> {
    let old = list(root, book, |day| day < before)?;
    for segment in &old {
        match fs::remove_file(root.join(layout::path(book, segment.day, &segment.name))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    for (day, path) in days(root, book)? {
        if day < before {
            // What others left in it keeps the folder.
            let _kept = fs::remove_dir(path);
        }
    }
    Ok(u32::try_from(old.len()).unwrap_or(u32::MAX))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Windows keeps names in its journal and cannot sync a folder.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
