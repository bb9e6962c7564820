//! S1 and S2 with the real `work update`, called as agents call it: what was acknowledged is there, whoever
//! else writes, and whoever is killed.
//!
//! The writers of `process::store` are faster and know the named points of a write; more mutants are there.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use work::sys::env;

use crate::support::files::temporaries;
use crate::support::project::Project;

/// "Within a second", on a machine that runs other tests as well. For a lock that stays it would wait ten.
const SOON: Duration = Duration::from_secs(2);

/// A stream with a thread for each writer. No agent runs.
fn project(writers: u8) -> Project {
    Project::with_fake(&vec!["@text x"; usize::from(writers)], "exit 3")
}

fn folder(project: &Project) -> PathBuf {
    project.repo().join("work/001-test")
}

/// The command with which a writer says how far it is.
fn update(project: &Project, writer: usize, step: u32) -> Command {
    let (task, step) = (format!("01.01.{:02}.01", writer + 1), step.to_string());
    project.command(&["update", "--task", &task, "--breadcrumb", &step])
}

/// How far each writer is, as the file says.
fn on_record(project: &Project) -> Vec<u32> {
    let state = project.state();
    let threads = state["threads"].as_array().expect("threads").iter();
    let step = |text: &str| text.parse().expect("a number");
    threads.map(|thread| thread["tasks"][0]["breadcrumb"].as_str().map_or(0, step)).collect()
}

fn load(counters: &[AtomicU32]) -> Vec<u32> {
    counters.iter().map(|counter| counter.load(Ordering::SeqCst)).collect()
}

/// Says that it is over, also when the test has failed.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Does `act`, while somebody reads all the time: every read is valid, and holds what was acknowledged
/// before it. Gives the number of reads.
fn while_it_is_read(project: &Project, acknowledged: &[AtomicU32], act: impl FnOnce()) -> u32 {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !is_over.load(Ordering::SeqCst) {
                let before = load(acknowledged);
                for (writer, (step, least)) in on_record(project).into_iter().zip(before).enumerate() {
                    assert!(step >= least, "writer {writer}: {least} was acknowledged, and {step} is there");
                }
                reads += 1;
                thread::park_timeout(Duration::from_millis(1));
            }
            reads
        });
        let over = Over(&is_over);
        act();
        drop(over);
        reader.join().expect("the reader")
    })
}

/// S1: of 32 processes at once, each of them 25 times, no update is lost and none fails, every read
/// meanwhile is valid, and nobody starves: when the first has had all its turns, each of the others has
/// had at least a third of them.
///
/// Mutant: a lock of its own for each process (the reader sees acknowledged updates go).
#[test]
fn no_update_of_32_processes_is_lost() {
    const WRITERS: u8 = 32;
    const EACH: u32 = 25;
    let project = project(WRITERS);
    let acknowledged: Vec<AtomicU32> = (0..WRITERS).map(|_| AtomicU32::new(0)).collect();
    let slowest = AtomicU32::new(u32::MAX);
    let write = |writer: usize| {
        for step in 1..=EACH {
            let output = update(&project, writer, step).output().expect("started");
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "writer {writer}, step {step}: {said}");
            acknowledged[writer].store(step, Ordering::SeqCst);
        }
        let least = load(&acknowledged).into_iter().min().unwrap_or(0);
        let _ = slowest.compare_exchange(u32::MAX, least, Ordering::SeqCst, Ordering::SeqCst);
    };
    let reads = while_it_is_read(&project, &acknowledged, || {
        thread::scope(|scope| {
            for writer in 0..usize::from(WRITERS) {
                let write = &write;
                scope.spawn(move || write(writer));
            }
        });
    });
    let least = slowest.load(Ordering::SeqCst);
    println!("{reads} reads; when the first writer was done, the slowest had made {least} of {EACH} turns");
    assert_eq!(on_record(&project), [EACH; WRITERS as usize]);
    assert!(temporaries(&folder(&project)).is_empty());
    assert!(reads > 0);
    assert!(least * 3 >= EACH, "when the first writer had made {EACH} turns, another had made only {least}");
}

/// Starts an update and kills it after a while; whether it had said by then that it has succeeded.
fn is_acknowledged_before(moment: Duration, mut command: Command) -> bool {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started");
    thread::park_timeout(moment);
    child.kill().expect("killed");
    let status = child.wait().expect("waited");
    assert!(status.success() || status.signal() == Some(9), "it fails by itself: {status}");
    status.success()
}

/// S2: updates at once, killed at any moment: the file is always valid; an acknowledged update is there,
/// a killed one is there whole or not at all; the next command has its turn soon, and clears away what
/// was left. `WORK_NIGHT=1` kills 5,000 times.
///
/// Mutants: the same; leaving out `remove_leftovers`.
#[test]
fn updates_of_many_are_kept_whoever_is_killed() {
    const WRITERS: usize = 8;
    let wanted = if env::raw("WORK_NIGHT").is_some() { 5_000 } else { 200 };
    let project = project(9);
    let bystander = WRITERS;
    let acknowledged: Vec<AtomicU32> = (0..=WRITERS).map(|_| AtomicU32::new(0)).collect();
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut kept = vec![0; WRITERS];
    let (mut killed, mut all_acknowledged, mut all_applied, mut left) = (0, 0, 0, 0);
    // The moments of death lie within this; it comes to a little more than what an update takes.
    let mut long = Duration::from_millis(50);
    let reads = while_it_is_read(&project, &acknowledged, || {
        for step in 1.. {
            let ends: Vec<bool> = thread::scope(|scope| {
                let start = |writer| {
                    seed =
                        seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let moment = long * u32::try_from((seed >> 33) % 1_000).expect("small") / 1_000;
                    let command = update(&project, writer, step);
                    scope.spawn(move || is_acknowledged_before(moment, command))
                };
                let running: Vec<_> = (0..WRITERS).map(start).collect();
                running.into_iter().map(|running| running.join().expect("no panic")).collect()
            });
            let now = on_record(&project);
            for (writer, is_acknowledged) in ends.iter().enumerate() {
                let is_applied = now[writer] == step;
                assert!(
                    is_applied || now[writer] == kept[writer],
                    "{writer}, {step}: {now:?} after {kept:?}"
                );
                assert!(is_applied || !is_acknowledged, "{writer}, {step}: acknowledged, but lost: {now:?}");
                kept[writer] = now[writer];
                all_applied += u32::from(is_applied);
                if *is_acknowledged {
                    acknowledged[writer].store(step, Ordering::SeqCst);
                    all_acknowledged += 1;
                } else {
                    killed += 1;
                }
            }
            left += temporaries(&folder(&project)).len();
            let begun = Instant::now();
            let next = update(&project, bystander, step).output().expect("started");
            let took = begun.elapsed();
            assert!(next.status.success(), "{}", String::from_utf8_lossy(&next.stderr));
            assert!(took < SOON, "the next command took {took:?}");
            acknowledged[bystander].store(step, Ordering::SeqCst);
            assert!(temporaries(&folder(&project)).is_empty());
            if killed >= wanted {
                break;
            }
            let many = ends.iter().filter(|is_acknowledged| **is_acknowledged).count() > WRITERS / 4;
            long = long * if many { 9 } else { 11 } / 10;
        }
    });
    println!(
        "{killed} kills, {all_acknowledged} acknowledged, {all_applied} applied, {left} temporary files left, \
         {reads} reads"
    );
    assert!((all_acknowledged..=all_acknowledged + killed).contains(&all_applied));
    assert!(all_acknowledged > 0 && all_applied < all_acknowledged + killed, "the kills hit nothing");
}
