//! The supervisor: how soon it is ready, and what it takes while it has nothing to do.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::measure::{Runs, median};
use super::processes;
use super::table::{Row, mib};
use crate::support::env::TestEnv;
use crate::support::wait::wait_until;

/// How long an idle one is watched.
const WATCHED: Duration = Duration::from_secs(5);

/// Its start, and its rest.
pub(crate) fn rows() -> Vec<Row> {
    let env = TestEnv::new();
    env.repo();
    env.work(["init"]).ok();
    let mut starts = Runs::default();
    for _ in 0..15 {
        let (mut supervisor, took) = start(&env);
        starts.wall.push(took);
        env.work(["supervisor", "stop"]).ok();
        supervisor.wait().expect("its end");
    }
    let met = median(&starts.wall) <= Duration::from_millis(50);
    let mut rows = vec![Row::of("supervisor, from its start to ready", &starts).wanted("≤ 50 ms", met)];
    let (mut supervisor, _) = start(&env);
    // Once it has answered it does all that it does at its start.
    env.work(["supervisor", "status"]).ok();
    if cfg!(target_os = "linux") {
        rows.push(idle("supervisor without an agent, idle", supervisor.id()));
    }
    env.work(["supervisor", "stop"]).ok();
    supervisor.wait().expect("its end");
    rows
}

/// Starts one as a command does, and waits until it is ready.
fn start(env: &TestEnv) -> (Child, Duration) {
    let mut command = env.command(env!("CARGO_BIN_EXE_work"));
    command.args(["supervisor", "run", "--detached", "--repo"]).arg(env.repo_dir());
    // It becomes the leader of a session, which the leader of a group can't.
    command.process_group(nix::unistd::getpgrp().as_raw()).stdout(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn().expect("it starts");
    let mut said = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut said).expect("its word");
    let took = begun.elapsed();
    assert_eq!(said, "ready\n");
    (child, took)
}

/// What a process that has nothing to do takes.
pub(crate) fn idle(what: &str, pid: u32) -> Row {
    // A thread that reads files at the start goes home after ten seconds.
    // One stays, asleep: the system tells it when the socket is taken away.
    wait_until("the end of its helper threads", Duration::from_secs(20), || processes::threads(pid) == 2);
    let before = processes::wake_ups(pid);
    std::thread::park_timeout(WATCHED);
    let woken = processes::wake_ups(pid) - before;
    let memory = processes::resident_kib(pid);
    Row::new(what, format!("{woken} wake-ups in {} s", WATCHED.as_secs()))
        .memory(format!("{} now", mib(memory)))
        .wanted("none", woken == 0)
        .wanted("≤ 15 MiB", memory <= 15 * 1024)
}
