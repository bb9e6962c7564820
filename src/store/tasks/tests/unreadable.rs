//! What can't be read is never replaced, names its place, and comes back from a good copy (S5).
//!
//! Fails for a reader that takes a broken file for an empty one, and for a `transact` that goes on
//! after a failed read.

use std::convert::Infallible;
use std::fs;
use std::path::Path;

use super::{clock, data, stream};
use crate::store::tasks::{Store, StoreError, TransactError};

/// Every way a file is broken: by name, its bytes.
fn damaged(sound: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all = vec![
        ("0 bytes".to_owned(), Vec::new()),
        ("NULs".to_owned(), vec![0; sound.len()]),
        ("a NUL tail".to_owned(), [&sound[..sound.len() / 2], &vec![0; sound.len() / 2]].concat()),
        ("merge markers".to_owned(), [b"<<<<<<< HEAD\n", sound].concat()),
        ("null".to_owned(), b"null".to_vec()),
        ("a list".to_owned(), b"[]".to_vec()),
        ("an empty object".to_owned(), b"{}".to_vec()),
        ("twice".to_owned(), [sound, sound].concat()),
    ];
    for length in (1..sound.len() - 2).step_by(64) {
        all.push((format!("cut at {length}"), sound[..length].to_vec()));
    }
    let text = String::from_utf8_lossy(sound);
    for (from, to) in [
        ("\"threads\": [", "\"threads\": 7, \"x\": ["),
        ("\"status\": \"pending\"", "\"status\": 5"),
        ("\"id\": \"01.01.01\"", "\"id\": \"1.1\""),
        ("\"stream\": {", "\"stream\": true, \"y\": {"),
        ("\"2.0.0\"", "2"),
        ("\"2.0.0\"", "\"two\""),
        ("007-sample", "../../etc"),
    ] {
        assert!(text.contains(from), "{from}");
        all.push((format!("{from} → {to}"), text.replacen(from, to, 1).into_bytes()));
    }
    all
}

fn write(path: &Path, bytes: &[u8]) {
    crate::sys::atomic::write_atomic(path, bytes).expect("written");
}

fn touch(store: &Store) -> Result<(), TransactError<Infallible>> {
    store.transact(|stream| {
        stream.name.push('!');
        Ok(())
    })
}

#[test]
fn damage_is_an_error_that_names_its_place_and_changes_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path().join("007-sample"), clock()).with_copies(&dir.path().join("private"));
    store.create(&stream(2, 3)).expect("created");
    let sound = fs::read(store.path()).expect("read");
    for (name, bytes) in damaged(&sound) {
        write(&store.path(), &bytes);
        let error = store.read().expect_err(&name);
        let StoreError::Corrupt { newest: Some(newest), .. } = &error else { panic!("{name}: {error}") };
        assert_eq!(newest.tasks, 6);
        assert!(error.hint().is_some_and(|hint| hint.contains("--restore")), "{name}");
        assert!(matches!(touch(&store), Err(TransactError::Store(StoreError::Corrupt { .. }))), "{name}");
        assert_eq!(fs::read(store.path()).expect("read"), bytes, "{name}: it was replaced");
        let aside = store.restore(newest).expect("restored").expect("kept aside");
        assert_eq!(fs::read(aside).expect("read"), bytes, "{name}: the broken file is kept");
        assert_eq!(fs::read(store.path()).expect("read"), sound, "{name}");
    }
    assert!(matches!(store.restore(&store.good_copies()[0]), Err(StoreError::Sound { .. })));
}

#[test]
fn a_flipped_bit_is_an_error_or_a_sound_file_with_all_threads() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path().join("007-sample"), clock());
    store.create(&stream(2, 2)).expect("created");
    let sound = fs::read(store.path()).expect("read");
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::remove_file(store.path()).expect("removed");
        fs::hard_link(flipped(dir.path(), &bytes), store.path()).expect("linked");
        match store.read() {
            // A flip inside a text or an optional key can't be seen; it never empties anything.
            Ok(read) => {
                assert_eq!(read.threads.len(), 2, "{at}");
                assert!(read.threads.iter().all(|thread| thread.tasks.len() == 2), "{at}");
            }
            Err(StoreError::Corrupt { .. } | StoreError::Newer { .. }) => {}
            Err(error) => panic!("{at}: {error}"),
        }
        assert_eq!(fs::read(store.path()).expect("read"), bytes);
    }
}

/// A file with these bytes, written without durability: there are thousands.
fn flipped(dir: &Path, bytes: &[u8]) -> std::path::PathBuf {
    use std::io::Write as _;
    let path = dir.join("flipped");
    let _ = fs::remove_file(&path);
    fs::File::create(&path).and_then(|mut file| file.write_all(bytes)).expect("written");
    path
}

#[test]
fn a_broken_file_beside_version_1_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let stream = dir.path().join("003-demo");
    fs::create_dir(&stream).expect("a folder");
    fs::copy(data("v1-threads/003-demo/tasks.json"), stream.join("tasks.json")).expect("copied");
    write(&stream.join("threads.json"), b"{ \"threads\": [");
    let error = Store::open(&stream, clock()).read().expect_err("records would be lost");
    assert!(error.to_string().contains("threads.json"), "{error}");
}

#[test]
fn an_error_names_the_very_place() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path().join("007-sample"), clock());
    store.create(&stream(2, 2)).expect("created");
    let sound = fs::read_to_string(store.path()).expect("read");
    let at = sound.rfind("\"pending\"").expect("the last task");
    let broken = format!("{}17{}", &sound[..at], &sound[at + "\"pending\"".len()..]);
    write(&store.path(), broken.as_bytes());
    let (wanted, _) = crate::diag::position(&broken, at);
    let Err(StoreError::Corrupt { line, what, .. }) = store.read() else { panic!("it is broken") };
    assert_eq!(line, wanted, "{what}");
    assert!(what.contains("a word") && !what.contains(" at line "), "{what}");
}
