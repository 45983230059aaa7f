//! The blocking half: segment files, and what is done to them in which order.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::adapters::clock::SystemClock;

/// How the names of segments end.
pub(super) const ENDING: &str = "jsonl";

/// When a segment is full.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// No write begins in a segment that has so many bytes.
    pub bytes: u64,
}

impl Default for Limits {
    /// 64 MiB: about 40,000 events, read in a moment.
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
    limits: Limits,
    /// Tells the files of this process from those of all others.
    writer: String,
    number: u32,
    current: Option<Segment>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Segment {
    file: File,
    bytes: u64,
    day: Date,
}

impl Segments {
    /// Makes the folder and tries whether it can be written; no segment is begun yet.
    pub(super) fn open(folder: &Path, limits: Limits) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut chance = [0; 4];
        SystemRandom::new()
            .fill(&mut chance)
            .map_err(|_| io::Error::other("the machine has no randomness to give"))?;
        let writer = format!("{}-{:08x}", std::process::id(), u32::from_be_bytes(chance));
        let probe = folder.join(format!(".{writer}"));
        File::create_new(&probe)?;
        fs::remove_file(&probe)?;
        Ok(Self {
            folder: folder.to_owned(),
            limits,
            writer,
            number: 0,
            current: None,
            buffer: Vec::new(),
        })
    }

    /// Writes lines and makes them durable. After an error nothing more is written to the
    /// segment: what is left of a line there must stay its last.
    pub(super) fn write<'l>(&mut self, lines: impl Iterator<Item = &'l Bytes>) -> io::Result<()> {
        self.buffer.clear();
        for line in lines {
            self.buffer.extend_from_slice(line);
            self.buffer.push(b'\n');
        }
        let now = SystemClock.read();
        let mut segment = match self.current.take() {
            Some(current) if self.takes_more(&current, now) => current,
            _ => self.begin(now)?,
        };
        segment.file.write_all(&self.buffer)?;
        segment.file.sync_data()?;
        segment.bytes += self.buffer.len() as u64;
        self.current = Some(segment);
        Ok(())
    }

    fn takes_more(&self, current: &Segment, now: Timestamp) -> bool {
        current.bytes < self.limits.bytes && current.day == day_of(now)
    }

    /// The name must outlive a crash as well as the content: the folder is synced, too.
    fn begin(&mut self, now: Timestamp) -> io::Result<Segment> {
        self.number += 1;
        let begun = now.strftime("%Y%m%dT%H%M%SZ");
        let name = format!("{begun}-{}-{:06}.{ENDING}", self.writer, self.number);
        let file = File::create_new(self.folder.join(name))?;
        sync_folder(&self.folder)?;
        Ok(Segment {
            file,
            bytes: 0,
            day: day_of(now),
        })
    }
}

fn day_of(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
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
