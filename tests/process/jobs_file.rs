//! The promises of the queue's file under kill -9.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use work::model::JobState;
use work::store::JobStore;
use work::sys::fault;

use super::store::writer;
use crate::support::files::temporaries;

fn queue(private: &Path, times: u32) -> Command {
    let mut command = writer();
    command.arg("jobs").arg(private).arg(times.to_string());
    command
}

/// S2, for the queue: a kill at every named point leaves a valid file with every job that was acknowledged,
/// and nothing that holds up the next writer.
///
/// Tried mutant: `remove_leftovers` left out.
#[test]
fn a_kill_at_every_fault_point_loses_no_job() {
    let root = tempfile::tempdir().expect("a folder");
    let private = root.path().join("private");
    let store = JobStore::new(&private);
    assert!(queue(&private, 1).output().expect("started").status.success());
    let points = fault::ALL.iter().filter(|point| point.starts_with("jobs.") || point.starts_with("atomic."));
    for point in points {
        for nth in [1, 2, 5] {
            let at = format!("{point}:{nth}");
            let before = store.read().expect("valid").jobs.len();
            let mut command = queue(&private, 8);
            let mut child = command.env("WORK_FAULT", &at).stdout(Stdio::piped()).spawn().expect("started");
            let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
            let acknowledged = lines.map_while(Result::ok).filter(|line| line == "ok").count();
            assert!(!child.wait().expect("waited").success(), "the fault point `{at}` was not reached");
            let jobs = store.read().expect("valid").jobs;
            let applied = jobs.len() - before;
            assert!((acknowledged..=acknowledged + 1).contains(&applied), "{at}: {applied}, {acknowledged}");
            let numbers: Vec<u64> = jobs.iter().map(|job| job.id.0).collect();
            assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "{at}: each number once");
            assert!(queue(&private, 1).output().expect("started").status.success(), "{at}: the next writer");
            assert_eq!(temporaries(&private), Vec::<std::path::PathBuf>::new(), "{at}");
        }
    }
}

/// A copy that was torn is not offered, and nothing that comes back starts by itself.
///
/// Tried mutant: a restore keeps who was to start a job.
#[test]
fn the_newest_good_copy_comes_back_and_starts_nothing() {
    let root = tempfile::tempdir().expect("a folder");
    let private = root.path().join("private");
    let store = JobStore::new(&private);
    assert!(store.newest_copy().is_none());
    assert!(queue(&private, 3).output().expect("started").status.success());
    let me = work::engine::owner::current();
    store
        .transact(|jobs| {
            for job in &mut jobs.jobs {
                job.admit(&me)?;
            }
            Ok::<_, work::model::JobStep>(())
        })
        .expect("admitted");
    let whole = store.newest_copy().expect("a copy");
    assert!(store.restore(&whole).is_err(), "a file that can be read is not replaced");
    let torn = private.join("backups/jobs/jobs-000009.json");
    for path in [&torn, &store.path()] {
        work::sys::atomic::write_private(path, b"{\"version\": \"1.0.0\",\n").expect("written");
    }
    let copy = store.newest_copy().expect("a copy");
    assert_eq!((&copy.path, copy.jobs), (&whole.path, 3));
    let kept = store.restore(&copy).expect("restored");
    assert!(fs::read_to_string(&kept).expect("kept").ends_with("1.0.0\",\n"), "{}", kept.display());
    let jobs = store.read().expect("valid").jobs;
    assert_eq!(jobs.len(), 3);
    for job in jobs {
        assert_eq!(job.state, JobState::Pending { by: None });
    }
}
