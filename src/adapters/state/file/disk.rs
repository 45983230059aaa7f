//! The blocking half: what is done to the directory, and in which order, so that a process
//! killed anywhere leaves every document whole.

use std::fs::{self, File, FileTimes, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::super::{LONGEST_TERM, refused};
use super::boot_clock;
use crate::domain::lease::{self, Lease};
use crate::ports::state::{DocName, LeaseId, StateError, Stored, Version};

const LOCK: &str = ".lock";
const NEXT: &str = ".next";

/// How long a writer waits for writers of other processes. A write takes milliseconds, so a
/// lock held longer belongs to a process that was stopped, not to a busy one.
const LOCK_WAIT: Duration = Duration::from_secs(10);
const LOCK_LOOK: Duration = Duration::from_millis(2);

/// The least step between two versions: Windows keeps time stamps in units of 100 ns.
const STEP: Duration = Duration::from_micros(1);
/// The step where the file system keeps whole seconds only (FAT: two of them).
const COARSE_STEP: Duration = Duration::from_secs(2);

/// A lease as it stands in its file.
#[derive(Serialize, Deserialize)]
struct LeaseFile {
    holder: String,
    term: Duration,
    /// Since the start of the machine that `boot` names.
    renewed_at: Duration,
    boot: String,
}

/// The directory. What needs no lock is here; the rest is in [`Locked`].
#[derive(Debug)]
pub(super) struct Disk {
    directory: PathBuf,
    boot: String,
}

/// The directory while we hold its lock on behalf of one document. Dropping it unlocks.
pub(super) struct Locked<'a> {
    disk: &'a Disk,
    lock: File,
    name: &'a DocName,
    document: PathBuf,
    lease: PathBuf,
}

impl Disk {
    pub(super) fn open(directory: &Path) -> Result<Self, StateError> {
        let disk = Self {
            directory: directory.to_owned(),
            boot: boot_clock::boot_id(),
        };
        fs::create_dir_all(directory)
            .and_then(|()| disk.lock_file(true))
            .map_err(|error| disk.failed("the directory", error))?;
        Ok(disk)
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    fn lock_file(&self, create: bool) -> io::Result<File> {
        File::options()
            .write(true)
            .create(create)
            .truncate(false)
            .open(self.directory.join(LOCK))
    }

    /// Waits for the lock. The kernel gives it back when its holder dies.
    pub(super) fn lock<'a>(&'a self, name: &'a DocName) -> Result<Locked<'a>, StateError> {
        let lock = self
            .lock_file(false)
            .map_err(|error| self.failed(name.as_str(), error))?;
        let looks = LOCK_WAIT.as_millis() / LOCK_LOOK.as_millis();
        for _ in 0..looks {
            match lock.try_lock() {
                Ok(()) => return Ok(Locked::new(self, lock, name)),
                Err(TryLockError::WouldBlock) => pause(LOCK_LOOK),
                Err(TryLockError::Error(error)) => return Err(self.failed(name.as_str(), error)),
            }
        }
        Err(StateError::Unavailable {
            name: name.to_string(),
            why: format!(
                "another process has held {} for {} s",
                self.directory.join(LOCK).display(),
                LOCK_WAIT.as_secs()
            ),
        })
    }

    /// Content and version come from one open file, and a file is never changed in place.
    pub(super) fn read(&self, name: &DocName) -> Result<Option<Stored>, StateError> {
        let failed = |error| self.failed(name.as_str(), error);
        let mut file = match File::open(self.directory.join(file_name(name))) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.check_present(name.as_str())?;
                return Ok(None);
            }
            Err(error) => return Err(failed(error)),
        };
        let stamp = file.metadata().and_then(|meta| meta.modified());
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let version = version(stamp.map_err(failed)?);
        Ok(Some(Stored { bytes, version }))
    }

    pub(super) fn list(&self, prefix: &str, limit: usize) -> Result<Vec<DocName>, StateError> {
        let failed = |error| self.failed(prefix, error);
        self.check_present(prefix)?;
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Some(name) = entry.file_name().to_str().and_then(document_name) else {
                continue;
            };
            let is_file = entry.file_type().map_err(failed)?.is_file();
            if is_file && name.as_str().starts_with(prefix) {
                names.push(name);
            }
        }
        names.sort_unstable();
        names.truncate(limit);
        Ok(names)
    }

    /// A directory that was moved or unmounted must not look like one without documents.
    fn check_present(&self, what: &str) -> Result<(), StateError> {
        fs::metadata(self.directory.join(LOCK))
            .map(|_| ())
            .map_err(|error| self.failed(what, error))
    }

    fn failed(&self, what: &str, error: io::Error) -> StateError {
        let name = what.to_owned();
        let place = self.directory.display();
        match error.kind() {
            ErrorKind::NotFound
            | ErrorKind::NotADirectory
            | ErrorKind::AlreadyExists
            | ErrorKind::IsADirectory
            | ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::Unsupported => StateError::Denied {
                name,
                why: format!(
                    "{error}; EVERGRAPH_STATE names {place}: it must be there, writable, not full"
                ),
            },
            _ => StateError::Unavailable {
                name,
                why: format!("{error} in {place}"),
            },
        }
    }
}

impl<'a> Locked<'a> {
    fn new(disk: &'a Disk, lock: File, name: &'a DocName) -> Self {
        let file = file_name(name);
        Self {
            lock,
            name,
            lease: disk.directory.join(format!(".lease+{file}")),
            document: disk.directory.join(file),
            disk,
        }
    }

    pub(super) fn create(&self, bytes: &[u8]) -> Result<Version, StateError> {
        if self.stamp()?.is_some() {
            return Err(StateError::Exists {
                name: self.name.clone(),
            });
        }
        self.replace(bytes, None)
    }

    pub(super) fn write(
        &self,
        bytes: &[u8],
        expected: &Version,
        lease: Option<&LeaseId>,
    ) -> Result<Version, StateError> {
        let stamp = self.stamp()?.ok_or_else(|| self.absent())?;
        self.check_write(lease)?;
        if version(stamp) != *expected {
            return Err(StateError::Changed {
                name: self.name.clone(),
            });
        }
        self.replace(bytes, lease)
    }

    pub(super) fn put(&self, bytes: &[u8]) -> Result<(), StateError> {
        if self.stamp()?.is_some() {
            self.check_write(None)?;
        }
        self.replace(bytes, None).map(|_| ())
    }

    pub(super) fn delete(&self) -> Result<(), StateError> {
        if self.stamp()?.is_none() {
            return Ok(());
        }
        self.check_write(None)?;
        remove(&self.lease)
            .and_then(|()| remove(&self.document))
            .and_then(|()| self.sync_directory())
            .map_err(|error| self.failed(error))
    }

    pub(super) fn acquire(&self, term: Duration) -> Result<LeaseId, StateError> {
        self.stamp()?.ok_or_else(|| self.absent())?;
        let current = self.current_lease()?;
        let draw = self.draw(None).map_err(|error| self.failed(error))?;
        let id = format!("{}-{}", version(draw).0, std::process::id());
        let taken = lease::acquire(current.as_ref(), &id, term, boot_clock::since_boot())
            .map_err(|refusal| refused(refusal, self.name))?;
        self.save_lease(taken)?;
        Ok(LeaseId(id))
    }

    pub(super) fn renew(&self, lease: &LeaseId) -> Result<(), StateError> {
        let current = self.current_lease()?;
        let renewed = lease::renew(current.as_ref(), &lease.0, boot_clock::since_boot())
            .map_err(|refusal| refused(refusal, self.name))?;
        self.save_lease(renewed)
    }

    pub(super) fn release(&self, lease: &LeaseId) -> Result<(), StateError> {
        lease::release(self.current_lease()?.as_ref(), &lease.0)
            .map_err(|refusal| refused(refusal, self.name))?;
        remove(&self.lease).map_err(|error| self.failed(error))
    }

    fn check_write(&self, lease: Option<&LeaseId>) -> Result<(), StateError> {
        let holder = lease.map(|id| id.0.as_str());
        let current = self.current_lease()?;
        lease::permits_write(current.as_ref(), holder, boot_clock::since_boot())
            .map_err(|refusal| refused(refusal, self.name))
    }

    /// Makes the new content and its version visible at once, and durable before it answers.
    fn replace(&self, bytes: &[u8], lease: Option<&LeaseId>) -> Result<Version, StateError> {
        if lease.is_none() {
            // A lapsed lease ends here. It goes first: losing it alone harms nobody.
            remove(&self.lease).map_err(|error| self.failed(error))?;
        }
        self.write_next(bytes)
            .and_then(|(file, stamp)| {
                file.sync_all()?;
                fs::rename(self.next(), &self.document)?;
                self.sync_directory()?;
                Ok(version(stamp))
            })
            .map_err(|error| self.failed(error))
    }

    fn write_next(&self, bytes: &[u8]) -> io::Result<(File, SystemTime)> {
        let mut file = File::create(self.next())?;
        file.write_all(bytes)?;
        let stamp = self.draw(Some(&file))?;
        Ok((file, stamp))
    }

    /// Draws a stamp above all drawn before and above the document's own, which may have been
    /// edited by hand, and gives it to `file`.
    fn draw(&self, file: Option<&File>) -> io::Result<SystemTime> {
        let last = self.lock.metadata()?.modified()?;
        let own = fs::metadata(&self.document).and_then(|meta| meta.modified());
        let floor = own.map_or(last, |own| own.max(last));
        let file = file.unwrap_or(&self.lock);
        for step in [STEP, COARSE_STEP] {
            let stamp = file.metadata()?.modified()?.max(floor + step);
            file.set_modified(stamp)?;
            let kept = file.metadata()?.modified()?;
            if kept > floor {
                self.lock.set_times(FileTimes::new().set_modified(kept))?;
                return Ok(kept);
            }
        }
        Err(io::Error::new(
            ErrorKind::Unsupported,
            "the file system keeps no usable time stamps",
        ))
    }

    /// The lease on record, if it is one that we may believe. A record that cannot be had is
    /// no absent one; a record that says nonsense counts as lapsed.
    fn current_lease(&self) -> Result<Option<Lease>, StateError> {
        let text = match fs::read(&self.lease) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        let lease = serde_json::from_slice::<LeaseFile>(&text)
            .ok()
            .filter(|file| file.boot == self.disk.boot && file.term <= LONGEST_TERM)
            .map(|file| Lease {
                holder: file.holder,
                term: file.term,
                renewed_at: file.renewed_at,
            });
        Ok(lease)
    }

    /// Not synced to the disk: a lease does not outlive the run of the machine anyway.
    fn save_lease(&self, lease: Lease) -> Result<(), StateError> {
        let file = LeaseFile {
            holder: lease.holder,
            term: lease.term,
            renewed_at: lease.renewed_at,
            boot: self.disk.boot.clone(),
        };
        serde_json::to_vec(&file)
            .map_err(io::Error::from)
            .and_then(|text| fs::write(self.next(), text))
            .and_then(|()| fs::rename(self.next(), &self.lease))
            .map_err(|error| self.failed(error))
    }

    fn stamp(&self) -> Result<Option<SystemTime>, StateError> {
        match fs::metadata(&self.document).and_then(|meta| meta.modified()) {
            Ok(stamp) => Ok(Some(stamp)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// One name for all: only the holder of the lock writes it, and what a killed one left is overwritten.
    fn next(&self) -> PathBuf {
        self.disk.directory.join(NEXT)
    }

    /// Makes renames and removals durable.
    fn sync_directory(&self) -> io::Result<()> {
        if cfg!(unix) {
            File::open(&self.disk.directory)?.sync_all()?;
        }
        Ok(())
    }

    fn absent(&self) -> StateError {
        StateError::Absent {
            name: self.name.clone(),
        }
    }

    fn failed(&self, error: io::Error) -> StateError {
        self.disk.failed(self.name.as_str(), error)
    }
}

fn file_name(name: &DocName) -> String {
    name.as_str().replace('/', "+")
}

fn document_name(file: &str) -> Option<DocName> {
    DocName::parse(&file.replace('+', "/"))
}

fn version(stamp: SystemTime) -> Version {
    let since = stamp.duration_since(UNIX_EPOCH).unwrap_or_default();
    Version(format!("{}.{:09}", since.as_secs(), since.subsec_nanos()))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this thread is set aside for blocking work"
)]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
