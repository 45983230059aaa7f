//! What every [`StateStore`] must do, as functions that panic where it does not.
//!
//! It stands beside the stores, not in `tests/`, so that another store can be held to it from
//! anywhere. Each function takes two handles on the same documents, as two processes have them,
//! and keeps to documents of its own. A paused runtime clock is fine for a store that lives by it.

use std::time::Duration;

use futures::future::join_all;

use crate::ports::state::{DocName, StateError, StateStore, Stored, Version};

macro_rules! expect_error {
    ($outcome:expr, $kind:ident, $why:literal) => {
        match $outcome {
            Err(StateError::$kind { .. }) => {}
            other => panic!(
                concat!("{} must be ", stringify!($kind), ", got {:?}"),
                $why, other
            ),
        }
    };
}

mod leases;
pub use leases::{
    keeps_others_out_of_a_lease, lets_leases_lapse, refuses_a_former_holder,
    refuses_terms_it_cannot_keep,
};

fn doc(text: &str) -> DocName {
    DocName::parse(text).expect("the contract uses lawful names")
}

async fn created(store: &dyn StateStore, name: &DocName, bytes: &[u8]) -> Version {
    let outcome = store.create(name, bytes.to_vec()).await;
    outcome.unwrap_or_else(|error| panic!("{name} must be creatable: {error}"))
}

async fn stored(store: &dyn StateStore, name: &DocName) -> Stored {
    let outcome = store.read(name).await;
    let found = outcome.unwrap_or_else(|error| panic!("{name} must be readable: {error}"));
    found.unwrap_or_else(|| panic!("{name} must be there"))
}

/// Exactly one of several creators wins, and its bytes stay.
pub async fn creates_once_among_racers(one: &dyn StateStore, other: &dyn StateStore) {
    let name = doc("race/create");
    let attempts = (0..8u8).map(|racer| {
        let store = if racer % 2 == 0 { one } else { other };
        let name = name.clone();
        async move { (racer, store.create(&name, vec![racer; 100]).await) }
    });
    let mut winners = Vec::new();
    for (racer, outcome) in join_all(attempts).await {
        match outcome {
            Ok(version) => winners.push((racer, version)),
            Err(StateError::Exists { .. }) => {}
            Err(error) => panic!("a creator that comes late must hear Exists, not: {error}"),
        }
    }
    let [(racer, version)] = winners.as_slice() else {
        panic!("exactly one creator must win, not {winners:?}");
    };
    let found = stored(other, &name).await;
    assert_eq!((found.bytes, &found.version), (vec![*racer; 100], version));
}

/// A write goes through for the version read and no other.
pub async fn writes_only_the_version_read(one: &dyn StateStore, other: &dyn StateStore) {
    let name = doc("write/versions");
    assert!(
        one.read(&name)
            .await
            .expect("absence is no error")
            .is_none(),
        "a document never made is absent"
    );
    expect_error!(
        one.write(&name, vec![1], &Version("\"0x1\"".into()), None)
            .await,
        Absent,
        "a write to nothing"
    );
    let first = created(one, &name, b"same").await;
    let second = one.write(&name, b"same".to_vec(), &first, None).await;
    let second = second.expect("the version just created is current");
    assert_ne!(first, second, "equal bytes, another version");
    expect_error!(
        other.write(&name, b"late".to_vec(), &first, None).await,
        Changed,
        "a write over a version that passed"
    );
    let found = stored(other, &name).await;
    assert_eq!(found.bytes, b"same");
    assert_eq!(found.version, second, "a read returns the last version");

    one.delete(&name).await.expect("nobody leases it");
    let again = created(one, &name, b"same").await;
    expect_error!(
        other.write(&name, b"late".to_vec(), &second, None).await,
        Changed,
        "a write over a version before a removal"
    );
    assert!(again != first && again != second, "versions never return");
}

/// Five workers increment one number, each ten times; none is lost.
pub async fn loses_no_increment(one: &dyn StateStore, other: &dyn StateStore) {
    const WORKERS: u32 = 5;
    const TIMES: u32 = 10;
    let name = doc("race/increment");
    created(one, &name, b"0").await;
    join_all((0..WORKERS).map(|worker| {
        let store = if worker % 2 == 0 { one } else { other };
        let name = name.clone();
        async move {
            for _ in 0..TIMES {
                increment(store, &name).await;
            }
        }
    }))
    .await;
    let found = String::from_utf8(stored(one, &name).await.bytes);
    assert_eq!(found.as_deref(), Ok((WORKERS * TIMES).to_string().as_str()));
}

async fn increment(store: &dyn StateStore, name: &DocName) {
    loop {
        let found = stored(store, name).await;
        let number: u32 = std::str::from_utf8(&found.bytes)
            .ok()
            .and_then(|text| text.parse().ok())
            .expect("a whole document holds a number");
        let next = (number + 1).to_string().into_bytes();
        match store.write(name, next, &found.version, None).await {
            Ok(_) => return,
            Err(StateError::Changed { .. }) => {}
            Err(error) => panic!("an increment met {error}"),
        }
    }
}

/// A listing holds exactly the names under its prefix, in order, up to its limit.
pub async fn lists_names_in_order(one: &dyn StateStore, other: &dyn StateStore) {
    assert_eq!(listed(one, "names/none/", 10).await, [""; 0]);
    let names = [
        "names/w/b",
        "names/w/a.json",
        "names/w/a-1",
        "names/w/a/deep",
        "names/w/a_2",
        "names/w",
        "names/wx/c",
        "names/w/10",
        "names/w/9",
    ];
    for name in names {
        one.put(&doc(name), b"{}".to_vec())
            .await
            .unwrap_or_else(|error| panic!("{name} must be storable: {error}"));
    }
    let within = [
        "names/w/10",
        "names/w/9",
        "names/w/a-1",
        "names/w/a.json",
        "names/w/a/deep",
        "names/w/a_2",
        "names/w/b",
    ];
    assert_eq!(listed(other, "names/w/", 100).await, within);
    assert_eq!(listed(other, "names/w/", 3).await, within[..3]);
    assert_eq!(listed(other, "names/w/", 0).await, [""; 0]);
    assert_eq!(listed(other, "names/w/a/", 100).await, ["names/w/a/deep"]);
    let everything = listed(other, "", 1000).await;
    assert!(
        names
            .iter()
            .all(|name| everything.iter().any(|one| one == name))
    );
}

async fn listed(store: &dyn StateStore, prefix: &str, limit: usize) -> Vec<String> {
    let outcome = store.list(prefix, limit).await;
    let names = outcome.unwrap_or_else(|error| panic!("{prefix:?} must be listable: {error}"));
    names.iter().map(DocName::to_string).collect()
}

/// `put` replaces whatever is there, `delete` removes it, and both may be repeated.
pub async fn puts_and_deletes_again(one: &dyn StateStore, other: &dyn StateStore) {
    let name = doc("wake/mark.json");
    for bytes in [b"1", b"1", b"2"] {
        one.put(&name, bytes.to_vec())
            .await
            .expect("nobody leases it");
        assert_eq!(stored(other, &name).await.bytes, bytes);
    }
    let version = stored(other, &name).await.version;
    one.put(&name, b"2".to_vec())
        .await
        .expect("nobody leases it");
    let late = other.write(&name, b"3".to_vec(), &version, None).await;
    expect_error!(late, Changed, "a write over a version before a put");
    for _ in 0..2 {
        one.delete(&name).await.expect("absence is a success");
        let found = other.read(&name).await.expect("absence is no error");
        assert_eq!(found, None);
    }
}

/// Documents of any size and content come back as they were.
pub async fn carries_any_bytes(one: &dyn StateStore, other: &dyn StateStore) {
    const LARGE: usize = 8 << 20;
    let large: Vec<u8> = (0..LARGE).map(|at| (at % 251) as u8).collect();
    let every_byte: Vec<u8> = (0..=255).collect();
    for (text, bytes) in [
        ("bytes/empty", Vec::new()),
        ("bytes/every", every_byte),
        ("bytes/large", large),
    ] {
        let name = doc(text);
        let version = created(one, &name, &bytes).await;
        let found = stored(other, &name).await;
        assert_eq!(found.version, version, "{text}");
        assert!(found.bytes == bytes, "{text} came back changed");
    }
    let longest = doc(&format!("bytes/{}", "n".repeat(194)));
    created(one, &longest, b"1").await;
    assert_eq!(stored(other, &longest).await.bytes, b"1");
}

/// A reader beside a writer sees whole documents only.
pub async fn shows_no_half_document(one: &dyn StateStore, other: &dyn StateStore) {
    const SIZE: usize = 300_000;
    const ROUNDS: u8 = 20;
    let name = doc("race/whole");
    let mut version = created(one, &name, &vec![0; SIZE]).await;
    let writing = async {
        for round in 1..=ROUNDS {
            let written = one.write(&name, vec![round; SIZE], &version, None).await;
            version = written.expect("the only writer meets nobody");
            tokio::task::yield_now().await;
        }
    };
    let reading = async {
        for _ in 0..ROUNDS {
            let bytes = stored(other, &name).await.bytes;
            let first = bytes.first().copied();
            let whole = bytes.len() == SIZE && bytes.iter().all(|byte| Some(*byte) == first);
            assert!(whole, "a reader saw {} bytes from {first:?}", bytes.len());
            tokio::task::yield_now().await;
        }
    };
    futures::join!(writing, reading);
}

/// A call whose future is dropped took effect wholly or not at all, and blocks nobody.
pub async fn outlives_dropped_calls(one: &dyn StateStore, other: &dyn StateStore) {
    let name = doc("race/dropped");
    let mut version = created(one, &name, b"old").await;
    for wait_us in [0, 50, 200, 1000, 5000] {
        let write = one.write(&name, b"new".to_vec(), &version, None);
        let given_up = tokio::time::timeout(Duration::from_micros(wait_us), write);
        drop(given_up.await);
        loop {
            let found = stored(other, &name).await;
            assert!(found.bytes == b"old" || found.bytes == b"new");
            // The dropped write may still land between this read and this write, once.
            match other
                .write(&name, b"old".to_vec(), &found.version, None)
                .await
            {
                Ok(next) => break version = next,
                Err(StateError::Changed { .. }) => {}
                Err(error) => panic!("after a dropped call: {error}"),
            }
        }
    }
}
