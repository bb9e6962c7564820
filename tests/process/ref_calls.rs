//! S3 for refs: what a snapshot is made of is durable before its ref is, and both before it is told.

use std::time::Duration;

use crate::changes::rig::{Rig, put};

/// Skipped where `strace` is missing or may not trace. Mutants tried: `core.fsync` left out; the folder of the ref not
/// made durable.
#[test]
fn a_kept_turn_is_the_durable_sequence() {
    let Ok(strace) = work::sys::process::find("strace") else { return };
    let rig = Rig::new();
    let tree = rig.worktree(1);
    put(&tree, "a.txt", "turn\n");
    let trace = rig.env.root().join("trace");
    let worker = rig.worker(1, &["turn", "1"]);
    let mut command = rig.env.command(strace);
    command.args(["-f", "-y", "-s", "64", "-o"]).arg(&trace).args(["-e", "trace=file,desc,write"]);
    command.arg(worker.get_program()).args(worker.get_args());
    let output = work::sys::process::run(command, None, Duration::from_secs(60)).expect("started");
    if !output.status.success() && output.error_text().contains("ptrace") {
        return;
    }
    assert!(output.status.success(), "{}", output.error_text());
    let trace = std::fs::read_to_string(trace).expect("a trace");
    let calls: Vec<&str> = trace.lines().filter(|line| !line.contains("= -1 ")).collect();
    let synced = |line: &str| line.contains("fsync(") || line.contains("fdatasync(");
    let turn = "refs/work/001-demo/01.01.01/turns/1";
    let refs: Vec<usize> =
        (0..calls.len()).filter(|at| synced(calls[*at]) && calls[*at].contains(turn)).collect();
    let first = *refs.first().unwrap_or_else(|| panic!("the ref is not made durable:\n{}", calls.join("\n")));
    // The blob, the trees and the commit: each of them, and before the ref.
    let objects = calls[..first].iter().filter(|line| synced(line) && line.contains(".git/objects/")).count();
    assert!(objects >= 3, "{objects} objects are durable before the ref:\n{}", calls.join("\n"));
    let folder = calls[first..].iter().position(|line| synced(line) && line.contains("01.01.01/turns>"));
    let folder =
        folder.unwrap_or_else(|| panic!("the folder of the ref is not made durable:\n{}", calls.join("\n")));
    let told = calls[first + folder..].iter().any(|line| line.contains("write(1") && line.contains("true"));
    assert!(told, "it is told only then:\n{}", calls.join("\n"));
}
