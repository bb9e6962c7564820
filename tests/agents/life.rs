//! The truth of records under kills: real windows, real agents, real signals.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use work::engine::{SessionStart, begin_session};
use work::model::{AgentName, BackendKind, Mode, SessionId};
use work::store::Store;
use work::sys::clock::Clock;
use work::sys::identity::Identity;
use work::sys::process::{self, Signal};

use crate::support::stage::{PATIENCE, Project, Running};
use crate::support::wait::{wait_for, wait_until};

/// "Within a second", on a machine that runs other tests as well.
const SOON: Duration = Duration::from_secs(10);

const HANG: &str = "@text I think.\n@hang";

/// Runs thread `number` up to its open session at a silent model.
fn hanging(project: &Project, number: u8) -> Running {
    let running = project.start(number, &[]);
    project.wait_for_status(number, "running", PATIENCE);
    running
}

/// L1: after kill -9 of the client, of the agent and of the supervisor, the status is true at once, the
/// record is closed, and nobody is left behind.
///
/// Mutants: a turn that is not cancelled when its client hangs up (the first stays `running`); the death
/// of the server not watched (the second waits for a stall); `owner::is_alive` always true (the third).
#[test]
fn a_status_is_true_after_each_kill() {
    let project = Project::new(&[HANG, HANG, HANG]);
    let client = hanging(&project, 1);
    client.signal(Signal::SIGSTOP);
    assert_eq!(project.thread_status(1), "running", "a stopped client is no dead one");
    client.signal(Signal::SIGKILL);
    project.wait_for_status(1, "interrupted", SOON);
    let attempt = project.attempt(1);
    wait_until("its end on record", SOON, || project.attempt(1)["endedAt"].is_string());
    assert_eq!(project.attempt(1)["interruptedBy"], "its window or command was closed", "{attempt:#}");

    let client = hanging(&project, 2);
    process::signal_process(project.server(), Signal::SIGKILL);
    project.wait_for_status(2, "failed", SOON);
    let output = client.output();
    assert_eq!(output.code, 1, "{output:#?}");
    assert_eq!(project.attempt(2)["error"]["kind"], "agent-crashed");

    let client = hanging(&project, 3);
    let (supervisor, server) = (project.supervisor(), project.server());
    process::signal_process(supervisor, Signal::SIGSTOP);
    assert_eq!(project.thread_status(3), "running", "a stopped supervisor is no dead one");
    process::signal_process(supervisor, Signal::SIGKILL);
    project.wait_for_status(3, "interrupted", SOON);
    let output = client.output();
    assert_eq!(output.code, 130, "{output:#?}");
    let attempt = &project.state()["threads"][2];
    // On disk, not only by the eye of the reader.
    assert!(attempt.to_string().contains("the process that ran it died"), "{attempt:#}");
    assert_ne!(project.supervisor(), supervisor, "the client has started another one");
    wait_until("the dead one's server to be ended", PATIENCE, || Identity::of(server).is_none());
    project.assert_records_are_whole();
    project.work(["supervisor", "stop"]).ok();
    project.wait_for_nothing_but(&[]);
}

/// L1 and L3: an owner is alive only if it is that very process of this boot; a zombie is dead, a stopped
/// one is not.
///
/// Mutant: liveness by the pid alone (the reused pid, the other boot and the zombie count as running).
#[test]
fn an_owner_is_more_than_a_pid() {
    let project = Project::with_fake(&["@text hello"], "exit 3");
    let store = Store::open(project.repo().join("work/001-test"), Clock::System);
    let start = SessionStart {
        thread: "01.01.01".parse().expect("an id"),
        agent: AgentName("default".into()),
        model: "scripted/ok".parse().expect("a model"),
        backend: BackendKind::Opencode,
        mode: Mode::Plain,
        directory: project.repo(),
        resumed_from: None,
    };
    let stream = "001-test".parse().expect("an id");
    let session = SessionId("ses_1".into());
    begin_session(&store, &project.private(), &stream, start, session, "", Clock::System.now())
        .expect("begun");
    assert_eq!(project.thread_status(1), "running", "we live");

    let mut sleeper = Running::of(project.env.command("sleep").arg("1000"));
    let identity = Identity::of(sleeper.pid()).expect("it lives");
    let owned_by = |identity: &Identity| {
        let mut state = project.state();
        let owner = find(&mut state, "owner").expect("an owner");
        for (name, value) in [("pid", Value::from(identity.pid)), ("startedAt", identity.started_at.into())] {
            assert!(owner.get(name).is_some(), "{owner:#}");
            owner[name] = value;
        }
        owner["bootId"] = identity.boot_id.clone().into();
        project.env.write("repo/work/001-test/tasks.json", state.to_string());
        project.thread_status(1)
    };
    assert_eq!(owned_by(&identity), "running");
    let reused = Identity { started_at: identity.started_at + 1, ..identity.clone() };
    assert_eq!(owned_by(&reused), "interrupted", "the pid is another process's");
    let boot = Identity { boot_id: "an earlier boot".into(), ..identity.clone() };
    assert_eq!(owned_by(&boot), "interrupted", "that was before the reboot");
    sleeper.signal(Signal::SIGSTOP);
    assert_eq!(owned_by(&identity), "running", "it is only stopped");
    sleeper.signal(Signal::SIGKILL);
    wait_until("a zombie", PATIENCE, || {
        fs::read_to_string(format!("/proc/{}/stat", sleeper.pid())).is_ok_and(|stat| stat.contains(") Z "))
    });
    assert_eq!(project.thread_status(1), "interrupted", "a zombie is dead");
    sleeper.end();
    // Nobody was hurt: only the record says what happened.
    assert_eq!(project.execute(1, &[]).code, 6);
    project.assert_records_are_whole();
}

/// The first member of that name, wherever it is.
fn find<'a>(json: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    match json {
        Value::Object(members) => members
            .iter_mut()
            .find_map(|(key, value)| if key == name { Some(value) } else { find(value, name) }),
        Value::Array(values) => values.iter_mut().find_map(|value| find(value, name)),
        _ => None,
    }
}

/// The tmux server of `work multi`, when it was called from outside of any.
fn tmux_socket(project: &Project) -> PathBuf {
    let folder = project.env.runtime_dir().join("work");
    wait_for("the tmux server's socket", PATIENCE, || {
        let files = fs::read_dir(&folder).ok()?.flatten().map(|file| file.path());
        files.into_iter().find(|path| path.extension().is_some_and(|end| end == "tmux"))
    })
}

const WINDOWS: u8 = 6;

/// L2: each attempt has exactly one beginning and one end, and nothing is left running, whatever is
/// killed: windows, the tmux server politely and not, clients, the supervisor, the agent.
///
/// Mutants: hanging up does not cancel (the records stay open after kill-window); `close_dead` left out of
/// `begin_session` (the attempts after the supervisor's death are refused); no sweep (a second opencode
/// beside the first).
#[test]
fn whatever_is_killed_each_attempt_ends_once() {
    let project = Project::new(&[HANG; WINDOWS as usize]);
    let threads = 1..=WINDOWS;
    let mut attempts = 0;
    for what in ["windows", "tmux", "tmux -9", "clients", "server", "supervisor"] {
        let output = project.work(["multi", "--window", "stream", "--json"]);
        assert_eq!(output.code, 0, "{what}: {output:#?}");
        attempts += 1;
        let clients = project.processes_with("execute --thread");
        assert_eq!(clients.len(), usize::from(WINDOWS), "{what}");
        let tmux = |args: &[&str]| project.env.tmux_on(&tmux_socket(&project), args);
        match what {
            "windows" => {
                let windows = tmux(&["list-windows", "-a", "-F", "#{window_id} #{@work_thread}"]).ok().stdout;
                for window in windows.lines().filter_map(|line| line.split_once(' ')) {
                    if !window.1.is_empty() {
                        tmux(&["kill-window", "-t", window.0]).ok();
                    }
                }
            }
            "tmux" => drop(tmux(&["kill-server"]).ok()),
            "tmux -9" => {
                let pid = tmux(&["display-message", "-p", "#{pid}"]).ok().stdout;
                process::signal_process(pid.trim().parse().expect("a pid"), Signal::SIGKILL);
            }
            "clients" => clients.iter().for_each(|pid| process::signal_process(*pid, Signal::SIGKILL)),
            "server" => process::signal_process(project.server(), Signal::SIGKILL),
            _ => process::signal_process(project.supervisor(), Signal::SIGKILL),
        }
        let expected = if what == "server" { "failed" } else { "interrupted" };
        for thread in threads.clone() {
            project.wait_for_status(thread, expected, SOON);
        }
        wait_until("all ends on record", SOON, || {
            threads.clone().all(|thread| project.attempt(thread)["endedAt"].is_string())
        });
        for thread in threads.clone() {
            let sessions = project.thread(thread)["sessions"].clone();
            assert_eq!(sessions.as_array().map(Vec::len), Some(attempts), "{what}: {sessions:#}");
            assert_eq!(project.attempt(thread)["status"], expected, "{what}: {sessions:#}");
        }
        project.assert_records_are_whole();
        // Windows that survived their turn wait for a person.
        if matches!(what, "clients" | "server" | "supervisor") {
            project.env.tmux_on(&tmux_socket(&project), ["kill-server"]);
        }
        wait_until("the clients to be gone", PATIENCE, || {
            project.processes_with("execute --thread").is_empty() && project.processes_with("tmux").is_empty()
        });
        wait_until("only one opencode", PATIENCE, || project.processes_with("opencode serve").len() <= 1);
    }
    project.work(["supervisor", "stop"]).ok();
    project.wait_for_nothing_but(&[]);
}

/// D3: a stop ends the agent and its tools, also those that left their session, and a turn that runs is on
/// record as stopped by it.
///
/// Mutant: no sweep by the marker (the tool in a session of its own survives).
#[test]
fn a_stop_leaves_nothing() {
    let project = Project::new(&[
        "@bash setsid sh -c 'trap \"\" TERM; sleep 4741; sleep 4742' & sleep 4743\n@text never",
    ]);
    let client = project.start(1, &[]);
    wait_until("the tools", PATIENCE, || {
        ["sleep 4741", "sleep 4743"].iter().all(|tool| !project.processes_with(tool).is_empty())
    });
    project.work(["supervisor", "stop"]).ok();
    let output = client.output();
    assert_eq!(output.code, 130, "{output:#?}");
    assert_eq!(project.attempt(1)["interruptedBy"], "the supervisor was stopped");
    project.wait_for_nothing_but(&[]);
    project.assert_records_are_whole();
}

/// Without a supervisor the same holds: Ctrl-C and TERM cancel, a hang-up cancels, and what a kill -9
/// leaves, the next command ends.
///
/// Mutants: the host within a command listens to signals too (the cause is "the supervisor was stopped");
/// no sweep (the server of the killed one stays).
#[test]
fn within_a_command_it_is_the_same() {
    let project = Project::new(&["@bash sleep 4751\n@text never"]);
    let within = || {
        let running = project.start(1, &["--no-supervisor"]);
        wait_until("its tool", PATIENCE, || !project.processes_with("sleep 4751").is_empty());
        running
    };
    for (signal, cause) in [
        (Signal::SIGINT, "cancelled by a person"),
        (Signal::SIGTERM, "cancelled by a person"),
        (Signal::SIGHUP, "its window or command was closed"),
    ] {
        let running = within();
        running.signal(signal);
        let output = running.output();
        assert_eq!(output.code, 130, "{signal}: {output:#?}");
        assert_eq!(project.attempt(1)["interruptedBy"], cause, "{signal}");
        project.wait_for_nothing_but(&[]);
    }
    let mut running = within();
    let server = project.server();
    running.signal(Signal::SIGKILL);
    project.wait_for_status(1, "interrupted", SOON);
    running.end();
    assert!(Identity::of(server).is_some(), "a kill leaves it");
    // A command that never gets a session comes by, and sweeps.
    let output = project.execute(1, &["--no-supervisor", "--model", "scripted/nope"]);
    assert_eq!(output.code, 1, "{output:#?}");
    wait_until("the server to be gone", PATIENCE, || Identity::of(server).is_none());
    project.wait_for_nothing_but(&[]);
    project.assert_records_are_whole();
}

/// An end that can't be written is written as soon as it can, with the time at which it came; until then
/// the supervisor does not go, however idle.
///
/// Mutants: no second try (the thread stays `running`); the time of the writing taken; the idle end not
/// held up.
#[test]
fn an_end_that_cannot_be_written_is_written_later() {
    let project = Project::new(&["@text a\n@sleep 1500ms\n@text b"]);
    project.settings("supervisor:\n  idleTimeout: 1s\n");
    let running = project.start(1, &[]);
    project.wait_for_status(1, "running", PATIENCE);
    // A folder in the place of the lock file is as good as a broken disk.
    let lock = project.repo().join("work/001-test/.tasks.json.lock");
    fs::rename(&lock, lock.with_extension("away")).expect("moved");
    fs::create_dir(&lock).expect("a folder");
    let output = running.output();
    assert!(output.stderr.contains("could not be recorded yet"), "{output:#?}");
    assert_eq!(project.thread_status(1), "running");
    let supervisor = project.supervisor();
    // Longer than its idle time.
    let until = std::time::Instant::now() + Duration::from_secs(3);
    wait_until("the idle time", PATIENCE, || std::time::Instant::now() > until);
    assert!(Identity::of(supervisor).is_some(), "it waits for the disk");
    let repaired = Clock::System.now().timestamp();
    fs::remove_dir(&lock).expect("removed");
    fs::rename(lock.with_extension("away"), &lock).expect("moved back");
    project.wait_for_status(1, "incomplete", PATIENCE);
    wait_until("its idle end", PATIENCE, || Identity::of(supervisor).is_none());
    project.wait_for_nothing_but(&[]);
    let attempt = project.attempt(1);
    let ended = attempt["endedAt"].as_str().expect("a time");
    let ended = chrono::DateTime::parse_from_rfc3339(ended).expect("a time").timestamp();
    assert!(ended <= repaired - 2, "{attempt:#}");
}
