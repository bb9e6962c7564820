//! The queue on disk: what can't be read is never replaced, what is not known survives (S2, S5, S6).

use std::convert::Infallible;
use std::fs;

use chrono::DateTime;
use serde_json::{Value, json};

use super::JobStore;
use crate::model::{
    CancelCause, Extra, Failure, FailureKind, Job, JobId, JobState, JobTurn, Jobs, Order, Owner, SessionId,
    TurnOutcome,
};
use crate::store::{StoreError, TransactError};

fn owner() -> Owner {
    Owner { pid: 7, started_at: 99, boot_id: "boot".into(), host: "here".into() }
}

/// A queue with a job in every state.
fn full() -> Jobs {
    let mut jobs = Jobs::default();
    let at = DateTime::UNIX_EPOCH;
    let turn = || Some(JobTurn { attempt: 2, number: 3, session: SessionId("ses_1".into()) });
    let ended = |outcome| JobState::Ended { began: Some(at), at, outcome, turn: turn() };
    let failure = Failure::new(FailureKind::RateLimit, "later");
    for state in [
        JobState::Pending { by: None },
        JobState::Pending { by: Some(owner()) },
        JobState::Running { by: owner(), since: at, turn: None },
        JobState::Running { by: owner(), since: at, turn: turn() },
        ended(TurnOutcome::Completed),
        ended(TurnOutcome::Failed { failure }),
        JobState::Ended {
            began: None,
            at,
            outcome: TurnOutcome::Cancelled { cause: CancelCause::Person },
            turn: None,
        },
    ] {
        let id = jobs.take_number();
        jobs.jobs.push(Job {
            id,
            stream: "001-a".parse().expect("an id"),
            thread: "01.01.01".parse().expect("an id"),
            name: "Größe".to_owned(),
            order: Order { message: Some("go".into()), resume: true, ..Order::default() },
            queued_at: at,
            group: JobId(1),
            max_parallel: Some(2),
            retry_of: None,
            state,
            extra: Extra::new(),
        });
    }
    jobs
}

fn filled(dir: &std::path::Path) -> (JobStore, Vec<u8>) {
    let store = JobStore::new(dir);
    store
        .transact(|jobs| {
            *jobs = full();
            Ok::<_, Infallible>(())
        })
        .expect("written");
    let bytes = fs::read(store.path()).expect("read");
    (store, bytes)
}

fn put(store: &JobStore, bytes: &[u8]) {
    crate::sys::atomic::write_atomic(&store.path(), bytes).expect("written");
}

fn touch(store: &JobStore) -> Result<(), TransactError<Infallible>> {
    store.transact(|jobs| {
        jobs.next += 1;
        Ok(())
    })
}

#[test]
fn every_state_comes_back_as_it_was_and_obeys_the_schema() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = JobStore::new(&dir.path().join("private"));
    assert_eq!(store.read().expect("none is an empty one"), Jobs::default());
    assert!(!store.path().exists(), "reading makes nothing");
    let (store, bytes) = filled(&dir.path().join("private"));
    assert_eq!(store.read().expect("read"), full());
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(store.path()).expect("meta").permissions());
    assert_eq!(mode & 0o777, 0o600);
    let schema = jsonschema::validator_for(&super::schema()).expect("a schema");
    let value: Value = serde_json::from_slice(&bytes).expect("JSON");
    let wrong: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(!schema.is_valid(&json!({ "version": "1.0.0", "next": 1 })), "the schema sees what is missing");
}

/// S5: each kind of damage is an error that names the file, and leaves every byte of it.
///
/// Mutant: an unreadable file is taken for an empty queue in `load`.
#[test]
fn damage_is_an_error_and_changes_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, sound) = filled(dir.path());
    let half = sound.len() / 2;
    let mut damaged = vec![
        Vec::new(),
        vec![0; sound.len()],
        [&sound[..half], &vec![0; half][..]].concat(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        [&sound[..], &sound[..]].concat(),
        String::from_utf8_lossy(&sound).replacen("\"id\": 2", "\"id\": 1", 1).into_bytes(),
        String::from_utf8_lossy(&sound).replacen("\"next\": 8", "\"next\": 3", 1).into_bytes(),
        String::from_utf8_lossy(&sound).replacen("1.0.0", "0.9", 1).into_bytes(),
    ];
    damaged.extend((1..sound.len() - 2).step_by(97).map(|length| sound[..length].to_vec()));
    for bytes in damaged {
        put(&store, &bytes);
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        let error = store.read().expect_err(&shown);
        assert!(matches!(error.0, StoreError::Corrupt { .. }), "{shown}: {error}");
        assert!(
            error.hint().is_some_and(|hint| hint.contains("work validate --restore")),
            "{shown}: there is a copy"
        );
        let refused = touch(&store);
        assert!(matches!(refused, Err(TransactError::Store(StoreError::Corrupt { .. }))), "{shown}");
        assert_eq!(fs::read(store.path()).expect("read"), bytes, "{shown}: it was replaced");
    }
}

/// A flipped bit either is an error that leaves the file, or leaves a queue that has all jobs.
#[test]
fn a_flipped_bit_loses_no_job() {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, sound) = filled(dir.path());
    for at in (0..sound.len()).step_by(7) {
        let mut flipped = sound.clone();
        flipped[at] ^= 1 << (at % 8);
        put(&store, &flipped);
        match store.read() {
            Ok(jobs) => assert_eq!(jobs.jobs.len(), 7, "bit at {at}"),
            Err(_) => {
                assert!(touch(&store).is_err());
                assert_eq!(fs::read(store.path()).expect("read"), flipped);
            }
        }
    }
}

/// S6: a newer version is read as far as it is known, and never written.
#[test]
fn a_newer_version_is_read_only_and_unknown_fields_survive() {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, sound) = filled(dir.path());
    let mut value: Value = serde_json::from_slice(&sound).expect("JSON");
    value["ours"] = json!({ "kept": true });
    value["jobs"][0]["priority"] = json!(3);
    value["jobs"][0]["order"]["taste"] = json!("sweet");
    put(&store, value.to_string().as_bytes());
    touch(&store).expect("sound");
    let after: Value = serde_json::from_slice(&fs::read(store.path()).expect("read")).expect("JSON");
    value["next"] = json!(9);
    assert_eq!(after, value);

    value["version"] = json!("2.1.0");
    put(&store, value.to_string().as_bytes());
    assert_eq!(store.read().expect("read as far as known").jobs.len(), 7);
    for newer in [value.to_string(), json!({ "version": "3.0.0", "queue": {} }).to_string()] {
        put(&store, newer.as_bytes());
        assert!(matches!(touch(&store), Err(TransactError::Store(StoreError::Newer { .. }))));
        assert_eq!(fs::read_to_string(store.path()).expect("read"), newer);
    }
}

#[test]
fn what_is_refused_or_changes_nothing_writes_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, _) = filled(dir.path());
    let inode = || std::os::unix::fs::MetadataExt::ino(&fs::metadata(store.path()).expect("meta"));
    let before = inode();
    store.transact(|_| Ok::<_, Infallible>(())).expect("nothing to do");
    let refused = store.transact(|jobs| {
        jobs.jobs.clear();
        Err::<(), _>("no")
    });
    assert!(matches!(refused, Err(TransactError::Refused("no"))));
    assert_eq!((inode(), store.read().expect("read")), (before, full()));
}

/// Writers take turns: no number is given twice.
///
/// Mutant: no lock in `transact`.
#[test]
fn writers_take_turns() {
    let dir = tempfile::tempdir().expect("a folder");
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let store = JobStore::new(dir.path());
            std::thread::spawn(move || (0..10).for_each(|_| touch(&store).expect("written")))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    assert_eq!(JobStore::new(dir.path()).read().expect("read").next, 81);
}
