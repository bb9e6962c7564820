//! What is recorded when something is killed: windows, tmux, clients, the supervisor, the agent.
//!
//! L1: a status is true within a second of the kill (readers look at the owner). L2: every attempt has
//! exactly one start and one end, and no process is left.

use std::time::{Duration, Instant};

use serde_json::Value;
use work::sys::process::{self, Signal};

use crate::support::project::{PATIENCE, Project};
use crate::support::wait::{wait_for, wait_until};

const THREADS: [&str; 4] = ["01.01.01", "01.01.02", "01.01.03", "01.01.04"];

fn socket(project: &Project) -> std::path::PathBuf {
    let folder = project.env.runtime_dir().join("work");
    let sockets = std::fs::read_dir(folder).expect("the folder of sockets").flatten();
    let tmux = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "tmux");
    sockets.map(|entry| entry.path()).find(tmux).expect("a tmux server")
}

fn tmux(project: &Project, args: &[&str]) -> String {
    project.env.tmux_on(&socket(project), args).stdout
}

fn kill(pid: u32) {
    process::signal_process(pid, Signal::SIGKILL);
}

/// The processes in the windows: the clients.
fn clients(project: &Project) -> Vec<u32> {
    let pids = tmux(project, &["list-panes", "-a", "-F", "#{pane_pid}"]);
    pids.lines().map(|pid| pid.parse().expect("a pid")).collect()
}

fn records(project: &Project, id: &str) -> Vec<Value> {
    project.thread(id)["sessions"].as_array().expect("records").clone()
}

/// What kills, how it is done, the status afterwards, and what is said of it.
type Killer = (&'static str, fn(&Project), &'static str, &'static str);

const KILLERS: &[Killer] = &[
    (
        "kill-window",
        |project| drop(tmux(project, &["kill-session", "-t", "=work-001-trial"])),
        "interrupted",
        "closed",
    ),
    ("kill-server", |project| drop(tmux(project, &["kill-server"])), "interrupted", "closed"),
    (
        "kill -9 of the tmux server",
        |project| kill(tmux(project, &["display-message", "-p", "#{pid}"]).trim().parse().expect("a pid")),
        "interrupted",
        "closed",
    ),
    (
        "kill -9 of the clients",
        |project| clients(project).into_iter().for_each(kill),
        "interrupted",
        "closed",
    ),
    ("kill -9 of the agent", |project| kill(project.server().expect("a server")), "failed", "agent-crashed"),
    (
        "kill -9 of the supervisor",
        |project| kill(project.supervisor().expect("serving")),
        "interrupted",
        "died",
    ),
];

/// Mutants: the cancel on a client's end left out of `dispatch` (windows run on); `close_dead` left out of
/// `recover` (no end is written after the supervisor's kill).
#[test]
fn every_attempt_has_one_start_and_one_true_end() {
    let threads: Vec<(&str, &str)> = ["A", "B", "C", "D"].map(|name| (name, "@text a word\n@hang")).to_vec();
    let project = Project::new(&threads);
    for (round, (what, act, status, words)) in KILLERS.iter().enumerate() {
        project.work(&["multi", "--batch", "1.1", "--window", "stream"]).ok();
        for id in THREADS {
            assert_eq!(project.thread(id)["status"], "running", "{what}: {id} before");
        }
        let sessions: Vec<Value> =
            THREADS.iter().map(|id| records(&project, id)[round]["sessionId"].clone()).collect();
        act(&project);
        let killed = Instant::now();
        for id in THREADS {
            project.wait_for_status(id, status);
        }
        let took = killed.elapsed();
        assert!(took < Duration::from_secs(10), "{what}: true after {took:?}");
        // The end is written as well, by whoever is left: nobody has to look for it.
        wait_until(&format!("{what}: the ends to be written"), PATIENCE, || {
            let file = project.file("work/001-trial/tasks.json").expect("the state");
            !file.contains("\"running\"") && !file.contains("currentSessionId")
        });
        for (id, session) in THREADS.iter().zip(&sessions) {
            let records = records(&project, id);
            assert_eq!(records.len(), round + 1, "{what}: one record an attempt");
            let record = &records[round];
            assert_eq!(&record["sessionId"], session, "{what}");
            let said = format!("{} {}", record["interruptedBy"], record["error"]["kind"]);
            assert!(said.contains(words), "{what}: {said}");
            assert!(record["endedAt"].is_string(), "{what}: {record}");
        }
        // Windows that wait for Enter are closed, so that the next round has none.
        if tmux(&project, &["has-session"]).is_empty() {
            tmux(&project, &["kill-server"]);
        }
    }
}

/// After kill -9 of everything nothing is left but a true record, once the next command has come.
#[test]
fn nothing_is_left_behind_when_all_is_killed() {
    let project = Project::new(&[("Slow", "@bash sleep 4818.25\n@text never")]);
    let mut child = project.start(&["execute", "--thread", "1.1.1", "--no-supervisor"]);
    let server = wait_for("the agent's server", PATIENCE, || project.server());
    // Other tests have threads of that number as well.
    let runs = || {
        let ours = project.env.processes();
        process::marked("WORK_THREAD", "01.01.01").iter().any(|pid| ours.contains(pid))
    };
    wait_until("the tool to run", PATIENCE, runs);
    child.kill().expect("killed");
    child.wait().expect("reaped");
    assert_eq!(project.thread("01.01.01")["status"], "interrupted", "true at once, without anybody's help");
    assert!(work::sys::identity::Identity::of(server).is_some(), "nobody was left to end the server");
    // The next runtime sweeps it, and its tools.
    let mut serving = project.start(&["supervisor", "run"]);
    wait_until("the server to be gone", PATIENCE, || work::sys::identity::Identity::of(server).is_none());
    wait_until("its tool to be gone", PATIENCE, || !runs());
    wait_until("the end to be written", PATIENCE, || {
        !project.file("work/001-trial/tasks.json").expect("the state").contains("\"running\"")
    });
    project.work(&["supervisor", "stop"]).ok();
    serving.wait().expect("reaped");
    wait_until("no process of ours", PATIENCE, || project.env.processes().is_empty());
}
