//! Transactions: written when changed, refused when they must be, and with copies.

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{clock, data, stream};
use crate::model::TaskStatus;
use crate::store::tasks::{Format, Store, StoreError, TransactError};
use crate::sys::lock;

fn open(dir: &Path) -> Store {
    Store::open(dir.join("work/007-sample"), clock()).with_copies(&dir.join("private"))
}

#[test]
fn a_change_is_written_and_no_change_is_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    assert!(matches!(store.read(), Err(StoreError::Missing { .. })));
    store.create(&stream(2, 2)).expect("created");
    assert!(matches!(store.create(&stream(1, 1)), Err(StoreError::Exists { .. })));
    let before = fs::read(store.path()).expect("read");
    store.transact(|_| Ok::<_, Infallible>(())).expect("nothing");
    store
        .transact(|stream| {
            stream.threads.clear();
            Err::<(), _>("no")
        })
        .expect_err("refused");
    assert_eq!(fs::read(store.path()).expect("read"), before);
    let name = store
        .transact(|stream| {
            stream.threads[0].tasks[1].status = TaskStatus::Completed;
            Ok::<_, Infallible>(stream.name.clone())
        })
        .expect("changed");
    assert_eq!(name, "Sample");
    let read = store.load().expect("read");
    assert_eq!((read.format, read.stream.updated_at), (Format::V2, clock().now()));
    assert_eq!(read.stream.threads[0].tasks[1].status, TaskStatus::Completed);
}

#[test]
fn a_locked_stream_names_the_holder() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path()).with_patience(Duration::from_millis(50));
    store.create(&stream(1, 1)).expect("created");
    let held = lock::acquire(&store.path().with_file_name(".tasks.json.lock"), Duration::ZERO).expect("free");
    let error = store.transact(|_| Ok::<_, Infallible>(())).expect_err("locked");
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    assert!(store.read().is_ok(), "readers take no lock");
    drop(held);
}

#[test]
fn a_deleted_lock_file_stops_the_write() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    store.create(&stream(1, 1)).expect("created");
    let result = store.transact(|stream| {
        fs::remove_file(store.path().with_file_name(".tasks.json.lock")).expect("removed");
        stream.name.push('!');
        Ok::<_, Infallible>(())
    });
    assert!(matches!(result, Err(TransactError::Store(StoreError::LockLost { .. }))));
    assert_eq!(store.read().expect("read").name, "Sample");
}

#[test]
fn the_newest_five_versions_are_kept() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    store.create(&stream(1, 1)).expect("created");
    for number in 0..8 {
        store
            .transact(|stream| {
                stream.name = format!("{number}");
                Ok::<_, Infallible>(())
            })
            .expect("changed");
    }
    let copies = store.good_copies();
    assert_eq!(copies.len(), 5);
    assert_eq!((copies[0].tasks, copies[0].sessions), (1, 0));
    assert_eq!(fs::read(&copies[0].path).expect("read"), fs::read(store.path()).expect("read"));
}

#[test]
fn a_newer_version_is_read_and_never_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    fs::create_dir_all(store.path().parent().expect("a parent")).expect("a folder");
    for (name, readable) in [("v3-readable.json", true), ("v3-unreadable.json", false)] {
        let bytes = fs::read(data(name)).expect("a fixture");
        fs::copy(data(name), store.path()).expect("copied");
        match store.load() {
            Ok(loaded) => {
                assert!(readable);
                assert_eq!(loaded.format, Format::Newer("3.0.0".into()));
            }
            Err(error) => {
                assert!(!readable && matches!(error, StoreError::Newer { .. }), "{error}");
                assert!(error.hint().is_some_and(|hint| hint.contains("upgrade")));
            }
        }
        let error = store
            .transact(|stream| {
                stream.name.clear();
                Ok::<_, Infallible>(())
            })
            .expect_err("read-only");
        assert!(matches!(error, TransactError::Store(StoreError::Newer { .. })), "{error}");
        assert_eq!(fs::read(store.path()).expect("read"), bytes);
    }
}

/// Mutant: `named` left out of the reading.
#[test]
fn a_stream_is_its_folder() {
    let dir = tempfile::tempdir().expect("a folder");
    open(dir.path()).create(&stream(1, 1)).expect("created");
    fs::rename(dir.path().join("work/007-sample"), dir.path().join("work/008-moved")).expect("moved");
    let moved = Store::open(dir.path().join("work/008-moved"), clock());
    let loaded = moved.load().expect("read");
    assert_eq!(loaded.stream.id.as_str(), "008-moved");
    assert_eq!(loaded.notes.iter().map(|note| note.code).collect::<Vec<_>>(), ["T102"]);
    let rename = |stream: &mut crate::model::Stream| {
        stream.name.push('!');
        Ok::<_, Infallible>(())
    };
    moved.transact(rename).expect("changed");
    assert!(moved.load().expect("read").notes.is_empty());
}
