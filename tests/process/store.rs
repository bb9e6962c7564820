//! The promises of the store under many writers, kill -9, odd umasks and full disks.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{LazyLock, mpsc};
use std::time::{Duration, Instant, SystemTime};

use work::store::journal::{Entry, Journals};
use work::store::{Private, Store, StoreError};
use work::sys::clock::Clock;
use work::sys::fault;

use crate::support::files::{mode, temporaries};

/// The helper program, which `cargo test` builds as an example, but `cargo test --test all` does not.
pub(super) fn writer() -> Command {
    static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
        let test = std::env::current_exe().expect("this program");
        let built =
            test.parent().and_then(Path::parent).expect("a target folder").join("examples/store-writer");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let newest = newest(&root.join("src")).max(newest(&root.join("tests/fakes/store_writer.rs")));
        let fresh =
            fs::metadata(&built).and_then(|meta| meta.modified()).is_ok_and(|made| Some(made) > newest);
        assert!(fresh, "`{}` is missing or stale; `cargo build --examples` makes it", built.display());
        built
    });
    work::sys::process::command(&*BUILT)
}

/// When the newest source in or at `path` was changed.
fn newest(path: &Path) -> Option<SystemTime> {
    let own = fs::metadata(path).and_then(|meta| meta.modified()).ok().filter(|_| path.is_file());
    let below = fs::read_dir(path).into_iter().flatten().flatten();
    below.filter_map(|entry| newest(&entry.path())).chain(own).max()
}

/// A stream of counters in a temporary folder.
pub(super) struct Counters {
    root: tempfile::TempDir,
}

impl Counters {
    pub(super) fn new(threads: u8, tasks: u8) -> Self {
        let counters = Self { root: tempfile::tempdir().expect("a folder") };
        let made = writer()
            .arg("create")
            .arg(counters.dir())
            .args([threads.to_string(), tasks.to_string()])
            .status();
        assert!(made.expect("started").success());
        counters
    }

    pub(super) fn dir(&self) -> PathBuf {
        self.root.path().join("001-counters")
    }

    fn file(&self) -> PathBuf {
        self.dir().join("tasks.json")
    }

    pub(super) fn count(&self, thread: usize, times: u32) -> Command {
        let mut command = writer();
        command.arg("count").arg(self.dir()).args([thread.to_string(), times.to_string()]);
        command
    }

    fn store(&self) -> Store {
        Store::open(self.dir(), Clock::System)
    }

    fn counted(&self, thread: usize) -> u32 {
        let stream = self.store().read().expect("the file is valid");
        stream.threads[thread].tasks[0]
            .breadcrumb
            .as_deref()
            .and_then(|text| text.parse().ok())
            .expect("a number")
    }
}

/// S1: no acknowledged update is lost, nobody reads an invalid file, nobody starves.
///
/// Mutants that make it fail: locking `tasks.json` itself instead of the file beside it, writing in
/// place instead of renaming, and polling for the lock every 100 ms (one writer made 4 of 25 turns).
#[test]
fn no_update_of_32_writers_is_lost() {
    const WRITERS: u32 = 32;
    const EACH: u32 = 25;
    let counters = Counters::new(32, 3);
    let done: Vec<AtomicU32> = (0..WRITERS).map(|_| AtomicU32::new(0)).collect();
    let all_done = AtomicBool::new(false);
    let slowest_when_first_is_done = AtomicU32::new(u32::MAX);
    let reads = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !all_done.load(Ordering::Relaxed) {
                let stream = counters.store().read().expect("every read is valid");
                assert_eq!(stream.threads.len(), 32);
                reads += 1;
                wait(Duration::from_millis(1));
            }
            reads
        });
        let writers: Vec<_> = (0..WRITERS as usize)
            .map(|writer| {
                let (counters, done, slowest) = (&counters, &done, &slowest_when_first_is_done);
                scope.spawn(move || {
                    for _ in 0..EACH {
                        let output = counters.count(writer, 1).output().expect("started");
                        let said = String::from_utf8_lossy(&output.stderr).into_owned();
                        assert!(output.status.success(), "{said}");
                        assert_eq!(output.stdout, b"ok\n");
                        done[writer].fetch_add(1, Ordering::Relaxed);
                    }
                    let least = done.iter().map(|done| done.load(Ordering::Relaxed)).min().unwrap_or(0);
                    let _ = slowest.compare_exchange(u32::MAX, least, Ordering::Relaxed, Ordering::Relaxed);
                })
            })
            .collect();
        let ended: Vec<_> = writers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        all_done.store(true, Ordering::Relaxed);
        for ended in ended {
            ended.expect("a writer");
        }
        reader.join().expect("the reader")
    });
    let least = slowest_when_first_is_done.load(Ordering::Relaxed);
    println!("{reads} reads; when the first writer was done, the slowest had made {least} of {EACH} turns");

    for writer in 0..WRITERS as usize {
        assert_eq!(counters.counted(writer), EACH, "updates of writer {writer} were lost");
    }
    assert!(temporaries(&counters.dir()).is_empty());
    assert!(reads > 0);
    assert!(least * 3 >= EACH, "when the first writer had made {EACH} turns, another had made only {least}");
}

/// S1, the speed: updates under contention reach a third of what raw replacements reach, each in a
/// process of its own. Both are timed in turns, since the speed of a disk changes from second to second.
///
/// Mutant that makes it fail: making the copies durable and reading them back under the lock.
#[test]
fn updates_keep_up_with_raw_replacements() {
    const WRITERS: usize = 16;
    let counters = Counters::new(16, 3);
    let size = fs::metadata(counters.file()).expect("meta").len().to_string();
    let raw_file = counters.dir().join("raw");
    let (mut raw, mut ours) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..6 {
        let begun = Instant::now();
        for _ in 0..WRITERS * 2 {
            let done = writer().arg("raw").arg(&raw_file).arg(&size).status().expect("started");
            assert!(done.success());
        }
        raw += begun.elapsed();
        let begun = Instant::now();
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let counters = &counters;
                scope.spawn(move || {
                    for _ in 0..2 {
                        assert!(
                            counters
                                .count(writer, 1)
                                .stdout(Stdio::null())
                                .status()
                                .expect("started")
                                .success()
                        );
                    }
                });
            }
        });
        ours += begun.elapsed();
    }
    let ratio = raw.as_secs_f64() / ours.as_secs_f64();
    println!("updates run at {:.0} % of raw replacements", ratio * 100.0);
    assert!(ratio >= 0.35, "updates took {ours:?}, as many raw replacements {raw:?}");
}

/// Starts a writer that counts many times, and yields its acknowledgements.
fn start(command: &mut Command) -> (Child, BufReader<ChildStdout>) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let out = BufReader::new(child.stdout.take().expect("piped"));
    (child, out)
}

/// What must hold after a writer of thread 0 was killed once, having said `ok` `acknowledged` times.
fn check_after_kill(counters: &Counters, before: u32, acknowledged: u32, at: &str) {
    let applied = counters.counted(0) - before;
    assert!(
        (acknowledged..=acknowledged + 1).contains(&applied),
        "{at}: {applied} updates are there, {acknowledged} were acknowledged"
    );
    let begun = Instant::now();
    let next = counters.count(0, 1).output().expect("started");
    assert!(next.status.success(), "{at}: {}", String::from_utf8_lossy(&next.stderr));
    assert!(begun.elapsed() < Duration::from_secs(1), "{at}: the next write took {:?}", begun.elapsed());
    assert_eq!(counters.counted(0), before + applied + 1, "{at}");
    assert_eq!(temporaries(&counters.dir()), Vec::<PathBuf>::new(), "{at}");
}

fn acknowledgements(out: BufReader<ChildStdout>) -> u32 {
    u32::try_from(out.lines().map_while(Result::ok).filter(|line| line == "ok").count()).expect("few")
}

/// The points that a change of a store comes to.
fn points_of_a_write() -> impl Iterator<Item = &'static str> {
    fault::ALL.iter().copied().filter(|point| point.starts_with("store.") || point.starts_with("atomic."))
}

/// S2, at every named point: a kill leaves a valid file, and everything that was acknowledged.
///
/// Mutants that make it fail: acknowledging before the transaction, never acknowledging, and leaving
/// out `remove_leftovers`.
#[test]
fn a_kill_at_every_fault_point_loses_nothing() {
    let counters = Counters::new(1, 30);
    for point in points_of_a_write().filter(|point| *point != "store.kept-v1") {
        for nth in [1, 2, 5] {
            let before = counters.counted(0);
            let at = format!("{point}:{nth}");
            let (mut child, out) = start(counters.count(0, 8).env("WORK_FAULT", &at));
            let acknowledged = acknowledgements(out);
            let status = child.wait().expect("waited");
            assert!(!status.success(), "the fault point `{at}` was not reached");
            check_after_kill(&counters, before, acknowledged, &at);
        }
    }
}

/// S2, anywhere. `WORK_NIGHT=1` kills 5,000 times.
///
/// Mutants that make it fail: as above, and writing in place.
#[test]
fn a_kill_at_a_random_moment_loses_nothing() {
    let runs = if work::sys::env::raw("WORK_NIGHT").is_some() { 5_000 } else { 170 };
    let counters = Counters::new(1, 30);
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    for run in 0..runs {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let before = counters.counted(0);
        let (mut child, mut out) = start(&mut counters.count(0, 10_000));
        let mut first = String::new();
        out.read_line(&mut first).expect("a first answer");
        assert_eq!(first, "ok\n");
        wait(Duration::from_micros((seed >> 33) % 20_000));
        child.kill().expect("killed");
        let acknowledged = 1 + acknowledgements(out);
        child.wait().expect("waited");
        check_after_kill(&counters, before, acknowledged, &format!("run {run}"));
    }
}

/// Lets time pass, where the time itself is the matter.
fn wait(time: Duration) {
    let (_keep, never) = mpsc::channel::<()>();
    let _ = never.recv_timeout(time);
}

/// S2 for a file of the older tool: after a kill at any point it is either still there as it was, or
/// fully rewritten, with the old one kept.
///
/// Mutant that makes it fail: not keeping `tasks.v1.json`.
#[test]
fn a_kill_during_a_rewrite_of_version_1_loses_nothing() {
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tasks/v1-flat.json");
    let old = fs::read(old).expect("a fixture");
    for point in points_of_a_write() {
        let root = tempfile::tempdir().expect("a folder");
        let dir = root.path().join("004-parser-rework");
        fs::create_dir(&dir).expect("a folder");
        let file = dir.join("tasks.json");
        work::sys::atomic::write_atomic(&file, &old).expect("written");
        let mut command = writer();
        command.arg("count").arg(&dir).args(["0", "1"]);
        let killed = command.env("WORK_FAULT", point).output().expect("started");
        assert!(!killed.status.success(), "{point} was not reached");
        let rewritten = fs::read(&file).expect("read") != old;
        let kept = fs::read(dir.join("tasks.v1.json"));
        assert!(!rewritten || kept.is_ok_and(|kept| kept == old), "{point}: the old file is lost");
        let next = command.env_remove("WORK_FAULT").output().expect("started");
        assert!(next.status.success(), "{point}: {}", String::from_utf8_lossy(&next.stderr));
        assert_eq!(fs::read(dir.join("tasks.v1.json")).expect("kept"), old);
        let stream = Store::open(&dir, Clock::System).read().expect("valid");
        assert_eq!(stream.threads.iter().map(|thread| thread.sessions.len()).sum::<usize>(), 3);
    }
}

/// S5 for journals: a writer killed in the middle leaves every whole line readable.
///
/// Mutant that makes it fail: taking a line that does not parse for the end of the journal.
#[test]
fn a_journal_of_a_killed_writer_is_read_up_to_its_end() {
    let root = tempfile::tempdir().expect("a folder");
    let private = root.path().join("private");
    let (stream, thread) = ("001-turns".parse().expect("an id"), "01.01.01".parse().expect("an id"));
    for turn in 1..=3 {
        let (mut child, out) = start(
            writer()
                .arg("turn")
                .arg(&private)
                .arg("20")
                .env("WORK_FAULT", format!("journal.appended:{}", turn * 5)),
        );
        let acknowledged = acknowledgements(out);
        assert!(!child.wait().expect("waited").success());
        let journals = Journals::new(&private);
        let mut reader = journals.read(&stream, thread, turn).expect("a journal");
        let entries: Vec<Entry> = reader.by_ref().map(|entry| entry.expect("readable")).collect();
        assert!(matches!(&entries[0], Entry::Started { header, .. } if header.turn == turn));
        assert!(entries.len() > acknowledged as usize);
        assert_eq!((reader.skipped(), reader.is_cut()), (0, false));
        assert_eq!(journals.turns(&stream, thread).expect("listed"), (1..=turn).collect::<Vec<_>>());
    }
}

/// S4, the part that needs no mounts: beyond the limit on file sizes a write is an error with an exit
/// code, and the old state stays.
///
/// Mutant that makes it fail: leaving out `ignore_file_size_signal` (the writer dies of a signal).
#[test]
fn a_full_disk_is_an_error_and_changes_nothing() {
    let counters = Counters::new(8, 30);
    let before = fs::read(counters.file()).expect("read");
    let mut limited = work::sys::process::command("sh");
    limited.args(["-c", "ulimit -f 8; exec \"$@\"", "sh"]);
    let count = counters.count(0, 1);
    let output = limited.arg(count.get_program()).args(count.get_args()).output().expect("started");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no room") && said.contains("left as it was"), "{said}");
    assert_eq!(fs::read(counters.file()).expect("read"), before);
    assert!(temporaries(&counters.dir()).is_empty());
}

/// S7: a link stays a link, a mode stays a mode.
///
/// Mutants that make it fail: not resolving the link before the rename; not setting the old mode.
#[test]
fn links_and_modes_are_kept_under_any_umask() {
    for umask in ["000", "022", "077", "177"] {
        let counters = Counters::new(1, 2);
        let elsewhere = counters.root.path().join("elsewhere");
        fs::create_dir(&elsewhere).expect("a folder");
        fs::rename(counters.file(), elsewhere.join("state")).expect("moved");
        std::os::unix::fs::symlink("../elsewhere/state", counters.file()).expect("a link");
        fs::set_permissions(elsewhere.join("state"), fs::Permissions::from_mode(0o664)).expect("mode");
        let done = counters.count(0, 1).env("UMASK", umask).output().expect("started");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        assert!(fs::symlink_metadata(counters.file()).expect("meta").is_symlink(), "umask {umask}");
        assert_eq!(mode(&elsewhere.join("state")), 0o664, "umask {umask}");
        assert_eq!(counters.counted(0), 1);
    }
}

/// S7: what is private is so under any umask, and a new `tasks.json` obeys it.
///
/// Mutants that make it fail: leaving the modes of new folders and of pointers to the umask.
#[test]
fn private_files_are_private_under_any_umask() {
    for umask in ["000", "022", "077", "277", "777"] {
        let root = tempfile::tempdir().expect("a folder");
        let private = root.path().join("git/work");
        fs::create_dir(root.path().join("git")).expect("a folder");
        let done = writer().arg("turn").arg(&private).arg("2").env("UMASK", umask).output().expect("started");
        assert!(done.status.success(), "umask {umask}: {}", String::from_utf8_lossy(&done.stderr));
        let turns = private.join("turns/001-turns/01.01.01");
        for dir in [&private, &private.join("turns"), &private.join("turns/001-turns"), &turns] {
            assert_eq!(mode(dir), 0o700, "umask {umask}: {}", dir.display());
        }
        for file in [private.join("current"), turns.join("1.jsonl")] {
            assert_eq!(mode(&file), 0o600, "umask {umask}: {}", file.display());
        }
        let current = Private::open(&private).and_then(|private| private.current()).expect("readable");
        assert_eq!(current.map(String::from).as_deref(), Some("001-turns"));
    }
    for (umask, wanted) in [("022", 0o644), ("077", 0o600), ("002", 0o664)] {
        let root = tempfile::tempdir().expect("a folder");
        let dir = root.path().join("001-counters");
        let done = writer().arg("create").arg(&dir).args(["1", "1"]).env("UMASK", umask).status();
        assert!(done.expect("started").success());
        assert_eq!(mode(&dir.join("tasks.json")), wanted, "umask {umask}");
        let copies = root.path().join("private/backups/001-counters");
        assert_eq!((mode(&copies), mode(&copies.join("tasks-000001.json"))), (0o700, 0o600));
    }
}

/// A writer that hangs while it holds the lock is named, and stops nobody from reading.
#[test]
fn a_stopped_writer_is_named_and_readers_go_on() {
    let counters = Counters::new(1, 2);
    let lock = counters.dir().join(".tasks.json.lock");
    let held = work::sys::lock::acquire(&lock, Duration::ZERO).expect("free");
    let store = counters.store().with_patience(Duration::from_millis(30));
    let error = store.transact(|_| Ok::<_, std::convert::Infallible>(())).expect_err("held");
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    assert!(store.read().is_ok());
    let inode = fs::metadata(&lock).expect("meta").ino();
    drop(held);
    assert_eq!(counters.count(0, 1).status().expect("started").code(), Some(0));
    assert_eq!(fs::metadata(&lock).expect("meta").ino(), inode, "the lock file is never replaced");
    fs::remove_file(counters.file()).expect("removed");
    assert!(matches!(store.read(), Err(StoreError::Missing { .. })));
}
