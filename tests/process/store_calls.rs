//! S3: the system calls of a write are the durable sequence, in this order and no other.

use std::time::Duration;

use super::store::Counters;

/// The steps of a durable write, as `strace -y` shows them.
const STEPS: &[(&str, &[&str])] = &[
    ("take the lock", &["flock(", ".tasks.json.lock>, LOCK_EX"]),
    ("make a temporary file in the same folder", &["O_EXCL", "/.tasks.json.", ".work-tmp"]),
    ("write it", &["write(", ".work-tmp>"]),
    ("make it durable", &["fsync(", ".work-tmp>"]),
    ("put it in place", &["rename", ".work-tmp", "/tasks.json\""]),
    ("let go of the lock", &["flock(", ".tasks.json.lock>, LOCK_UN"]),
    ("make the folder durable", &["fsync(", "/001-counters>"]),
    ("say so", &["write(1", "ok"]),
];

/// Skipped where `strace` is missing or may not trace.
///
/// Mutants that make it fail: no fsync of the file, no fsync of the folder, acknowledging before
/// either, and syncing the folder before the lock is let go.
#[test]
fn a_write_is_the_durable_sequence() {
    let Ok(strace) = work::sys::process::find("strace") else { return };
    let counters = Counters::new(1, 2);
    let trace = counters.dir().with_file_name("trace");
    let mut command = work::sys::process::command(strace);
    command.args(["-f", "-y", "-s", "64", "-o"]).arg(&trace).args(["-e", "trace=file,desc,write"]);
    let count = counters.count(0, 1);
    command.arg(count.get_program()).args(count.get_args());
    let output = work::sys::process::run(command, None, Duration::from_secs(60)).expect("started");
    if !output.status.success() && output.error_text().contains("ptrace") {
        return;
    }
    assert!(output.status.success(), "{}", output.error_text());
    let trace = std::fs::read_to_string(trace).expect("a trace");
    let calls: Vec<&str> =
        trace.lines().filter(|line| !line.contains("= -1 ") && !line.contains("private/backups")).collect();
    let is = |line: &str, words: &[&str]| words.iter().all(|word| line.contains(word));
    let mut from = 0;
    for (step, words) in STEPS {
        let found = calls[from..].iter().position(|line| is(line, words));
        let at = found
            .unwrap_or_else(|| panic!("to {step} is missing or comes too early in:\n{}", calls.join("\n")));
        from += at + 1;
    }
    for once in ["rename", "fsync("] {
        let count = calls.iter().filter(|line| line.contains(once)).count();
        assert_eq!(count, if once == "rename" { 1 } else { 2 }, "{once}");
    }
}
