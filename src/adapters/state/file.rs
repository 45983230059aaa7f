//! State in local files, for laptops and tests: one directory, one plain file for each document.
//!
//! What a person finds in the directory:
//! - `shards+0.json`: the document `shards/0.json`, byte for byte. No name contains `+`, so the
//!   directory stays flat: one directory to sync, and no document can be in another one's way.
//! - `.lease+shards+0.json`: its lease, once somebody took one.
//! - `.lock`: held (`flock`) by whoever changes something. Its time stamp is the newest version given out.
//! - `.next`: the file being written; renamed when it is complete.
//!
//! **Versions** are the files' time stamps, made to grow with every write to the directory. So a
//! version and its content become visible by one rename and no crash can part them, the
//! documents stay plain, and an edit by hand counts as a new version, too.
//!
//! **Leases** are measured on the clock that runs since the machine started, the same for all
//! its processes; setting the time of day does not touch them. A record from before a restart of
//! the machine has lapsed. The directory must not be shared between machines.

mod boot_clock;
mod disk;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use self::disk::{Disk, Locked};
use super::{LONGEST_TERM, SHORTEST_LOCAL_TERM, check_term};
use crate::ports::state::{DocName, LeaseId, StateError, StateStore, Stored, Version};

/// State in a local directory. Clones, and other processes on this machine, share it.
///
/// # Cancellation
/// A call that began is finished on its own thread, even if its future is dropped.
#[derive(Clone, Debug)]
pub struct FileStore {
    disk: Arc<Disk>,
    /// Lines up the writers of this process, so that few threads wait for the file lock.
    turn: Arc<Mutex<()>>,
}

impl FileStore {
    /// Opens the directory and makes it where it is missing.
    ///
    /// # Errors
    /// [`StateError::Denied`] where it cannot be made or written.
    pub fn open(directory: &Path) -> Result<Self, StateError> {
        Ok(Self {
            disk: Arc::new(Disk::open(directory)?),
            turn: Arc::default(),
        })
    }

    /// The directory.
    pub fn directory(&self) -> PathBuf {
        self.disk.directory().to_owned()
    }

    async fn unlocked<T: Send + 'static>(
        &self,
        what: &str,
        work: impl FnOnce(&Disk) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let disk = Arc::clone(&self.disk);
        finished(tokio::task::spawn_blocking(move || work(&disk)).await, what)
    }

    async fn locked<T: Send + 'static>(
        &self,
        name: &DocName,
        work: impl FnOnce(&Locked<'_>) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let disk = Arc::clone(&self.disk);
        let locked_name = name.clone();
        let task = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work(&disk.lock(&locked_name)?)
        });
        finished(task.await, name.as_str())
    }
}

fn finished<T>(
    outcome: Result<Result<T, StateError>, tokio::task::JoinError>,
    what: &str,
) -> Result<T, StateError> {
    outcome.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Err(StateError::Unavailable {
            name: what.to_owned(),
            why: "the program is stopping".to_owned(),
        }),
    })
}

#[async_trait::async_trait]
impl StateStore for FileStore {
    fn place(&self) -> String {
        format!("file:{}", self.disk.directory().display())
    }

    fn lease_terms(&self) -> (Duration, Duration) {
        (SHORTEST_LOCAL_TERM, LONGEST_TERM)
    }

    async fn read(&self, name: &DocName) -> Result<Option<Stored>, StateError> {
        let target = name.clone();
        self.unlocked(name.as_str(), move |disk| disk.read(&target))
            .await
    }

    async fn create(&self, name: &DocName, bytes: Vec<u8>) -> Result<Version, StateError> {
        self.locked(name, move |disk| disk.create(&bytes)).await
    }

    async fn write(
        &self,
        name: &DocName,
        bytes: Vec<u8>,
        expected: &Version,
        lease: Option<&LeaseId>,
    ) -> Result<Version, StateError> {
        let (expected, lease) = (expected.clone(), lease.cloned());
        self.locked(name, move |disk| {
            disk.write(&bytes, &expected, lease.as_ref())
        })
        .await
    }

    async fn put(&self, name: &DocName, bytes: Vec<u8>) -> Result<(), StateError> {
        self.locked(name, move |disk| disk.put(&bytes)).await
    }

    async fn delete(&self, name: &DocName) -> Result<(), StateError> {
        self.locked(name, |disk| disk.delete()).await
    }

    async fn list(&self, prefix: &str, limit: usize) -> Result<Vec<DocName>, StateError> {
        let wanted = prefix.to_owned();
        self.unlocked(prefix, move |disk| disk.list(&wanted, limit))
            .await
    }

    async fn acquire(&self, name: &DocName, term: Duration) -> Result<LeaseId, StateError> {
        check_term(name, term, self.lease_terms())?;
        self.locked(name, move |disk| disk.acquire(term)).await
    }

    async fn renew(&self, name: &DocName, lease: &LeaseId) -> Result<(), StateError> {
        let lease = lease.clone();
        self.locked(name, move |disk| disk.renew(&lease)).await
    }

    async fn release(&self, name: &DocName, lease: &LeaseId) -> Result<(), StateError> {
        let lease = lease.clone();
        self.locked(name, move |disk| disk.release(&lease)).await
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn store() -> (tempfile::TempDir, FileStore) {
        let home = tempfile::tempdir().unwrap();
        let store = FileStore::open(home.path()).unwrap();
        (home, store)
    }

    fn name(text: &str) -> DocName {
        DocName::parse(text).unwrap()
    }

    #[tokio::test]
    async fn a_document_is_a_plain_file() {
        let (home, store) = store();
        let text = b"{\"version\":1}\n";
        store
            .create(&name("shards/0.json"), text.to_vec())
            .await
            .unwrap();
        assert_eq!(fs::read(home.path().join("shards+0.json")).unwrap(), text);
    }

    #[tokio::test]
    async fn an_edit_by_hand_is_a_new_version() {
        let (home, store) = store();
        let version = store.create(&name("a"), b"1".to_vec()).await.unwrap();
        let file = home.path().join("a");
        fs::write(&file, b"2").unwrap();
        // Two writes may fall into one tick of the file system's clock; a person is slower.
        let later = fs::metadata(&file).unwrap().modified().unwrap() + Duration::from_secs(1);
        let edited = fs::File::options().write(true).open(&file).unwrap();
        edited.set_modified(later).unwrap();

        let outcome = store.write(&name("a"), b"3".to_vec(), &version, None).await;
        assert!(
            matches!(outcome, Err(StateError::Changed { .. })),
            "{outcome:?}"
        );
        let stored = store.read(&name("a")).await.unwrap().unwrap();
        assert_eq!(stored.bytes, b"2");
        let version = store
            .write(&name("a"), b"3".to_vec(), &stored.version, None)
            .await
            .unwrap();
        assert_ne!(version, stored.version, "versions grow from the edit's on");
    }

    #[tokio::test]
    async fn a_directory_that_vanished_is_not_an_empty_one() {
        let (home, store) = store();
        fs::remove_dir_all(home.path()).unwrap();
        let read = store.read(&name("a")).await;
        assert!(matches!(read, Err(StateError::Denied { .. })), "{read:?}");
        let listed = store.list("", 10).await;
        assert!(
            matches!(listed, Err(StateError::Denied { .. })),
            "{listed:?}"
        );
        let created = store.create(&name("a"), Vec::new()).await;
        assert!(
            matches!(created, Err(StateError::Denied { .. })),
            "{created:?}"
        );
    }

    #[tokio::test]
    async fn a_lease_from_before_a_restart_of_the_machine_has_lapsed() {
        let (home, store) = store();
        let doc = name("a");
        store.create(&doc, Vec::new()).await.unwrap();
        let before = store.acquire(&doc, Duration::from_secs(60)).await.unwrap();
        let record = home.path().join(".lease+a");
        let text = fs::read_to_string(&record).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
        json["boot"] = "another".into();
        fs::write(&record, json.to_string()).unwrap();
        store.acquire(&doc, Duration::from_secs(60)).await.unwrap();
        let renewed = store.renew(&doc, &before).await;
        assert!(
            matches!(renewed, Err(StateError::Lost { .. })),
            "{renewed:?}"
        );
    }

    #[tokio::test]
    async fn a_second_handle_sees_the_first_ones_lease() {
        let (home, store) = store();
        let doc = name("a");
        store.create(&doc, Vec::new()).await.unwrap();
        store.acquire(&doc, Duration::from_secs(60)).await.unwrap();
        let other = FileStore::open(home.path()).unwrap();
        let outcome = other.acquire(&doc, Duration::from_secs(60)).await;
        assert!(
            matches!(outcome, Err(StateError::Held { .. })),
            "{outcome:?}"
        );
    }

    #[tokio::test]
    async fn files_that_are_no_documents_are_not_listed() {
        let (home, store) = store();
        store.put(&name("wake/b"), Vec::new()).await.unwrap();
        store.put(&name("wake/a"), Vec::new()).await.unwrap();
        for stray in ["wake+a~", "Notes.TXT", ".next"] {
            fs::write(home.path().join(stray), b"x").unwrap();
        }
        fs::create_dir(home.path().join("folder")).unwrap();
        let names = store.list("", 10).await.unwrap();
        assert_eq!(names, [name("wake/a"), name("wake/b")]);
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_said_so() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let Err(error) = FileStore::open(&file.path().join("below")) else {
            panic!("opened a directory below a file");
        };
        assert!(matches!(error, StateError::Denied { .. }), "{error}");
        assert!(error.to_string().contains("EVERGRAPH_STATE"), "{error}");
    }
}
