//! D8: many turns through one supervisor and one warm server, and nothing of them stays.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use work::config::Agent;
use work::ipc::{Asking, Client, ClientMessage, Incoming, ServerMessage, TurnMessage, TurnSpec};
use work::model::{Mode, Policy, SessionId, TurnOutcome};

use crate::support::opencode::scripted;
use crate::support::project::Project;
use crate::support::wait::{PATIENCE, wait_until};

/// At once, each in a thread and a session of its own.
const THREADS: u8 = 6;

/// What a process holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    descriptors: usize,
    threads: u64,
    /// In kilobytes.
    memory: u64,
}

fn held(pid: u32) -> Held {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    let number = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
        line.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number")
    };
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors").count();
    Held { descriptors, threads: number("Threads:"), memory: number("VmRSS:") }
}

/// The children of a process that nobody has waited for.
fn zombies(of: u32) -> Vec<String> {
    let stats = fs::read_dir("/proc").expect("/proc").flatten();
    let stats = stats.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    stats
        .filter(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(&format!(" Z {of} "))))
        .collect()
}

struct Soak {
    socket: PathBuf,
    repo: PathBuf,
    agent: Agent,
}

impl Soak {
    /// Runs so many turns of a thread, one after another in one session.
    fn turns(
        &self,
        thread: u8,
        count: usize,
        mut last: Option<(SessionId, u32)>,
    ) -> Option<(SessionId, u32)> {
        for _ in 0..count {
            last = Some(self.turn(thread, last));
        }
        last
    }

    fn turn(&self, thread: u8, resume: Option<(SessionId, u32)>) -> (SessionId, u32) {
        let spec = TurnSpec {
            stream: "001-test".parse().expect("an id"),
            stream_dir: self.repo.join("work/001-test"),
            thread: format!("01.01.{thread:02}").parse().expect("an id"),
            agent: self.agent.clone(),
            models: vec!["scripted/ok".parse().expect("a model")],
            mode: Mode::Plain,
            directory: self.repo.clone(),
            title: format!("thread {thread}"),
            prompt: scripted("@text hello"),
            resume,
            asking: Asking { policy: Policy::Deny, timeout: Duration::from_secs(600) },
            notify: None,
            connected: None,
            adopt: None,
        };
        let (connection, incoming) = Client::connect(&self.socket).expect("it serves").into_parts();
        connection.send(&ClientMessage::Run { spec: Box::new(spec) }).expect("sent");
        let mut opened = None;
        loop {
            match incoming.recv_timeout(PATIENCE).expect("an answer in time") {
                Incoming::Message(message) => match *message {
                    ServerMessage::Turn(TurnMessage::Opened { session, attempt, .. }) => {
                        opened = Some((session, attempt));
                    }
                    ServerMessage::Turn(TurnMessage::Ended { outcome, unrecorded, .. }) => {
                        assert_eq!((outcome, unrecorded), (TurnOutcome::Completed, None));
                        return opened.expect("a session");
                    }
                    ServerMessage::Turn(_) => {}
                    other => panic!("{other:?}"),
                },
                Incoming::Gone => panic!("it hung up"),
            }
        }
    }

    /// The same in all threads at once.
    fn all(&self, count: usize, last: Vec<Option<(SessionId, u32)>>) -> Vec<Option<(SessionId, u32)>> {
        std::thread::scope(|scope| {
            let running: Vec<_> = (1..=THREADS)
                .zip(last)
                .map(|(thread, last)| scope.spawn(move || self.turns(thread, count, last)))
                .collect();
            running.into_iter().map(|one| one.join().expect("no panic")).collect()
        })
    }
}

fn connections(server: u32) -> usize {
    let links = fs::read_dir(format!("/proc/{server}/fd")).expect("its descriptors").flatten();
    links.filter(|fd| fs::read_link(fd.path()).is_ok_and(|to| is_socket(&to))).count()
}

fn is_socket(to: &Path) -> bool {
    to.to_string_lossy().starts_with("socket:")
}

#[test]
fn of_many_turns_nothing_stays() {
    soak(2, 6);
}

/// The same with more turns, which takes minutes:
/// `cargo nextest run --run-ignored only -E 'test(of_very_many_turns_nothing_stays)'`
#[test]
#[ignore = "takes minutes"]
fn of_very_many_turns_nothing_stays() {
    soak(4, 20);
}

/// Runs so many turns a thread to warm up, and then so many that must leave nothing.
fn soak(first: usize, then: usize) {
    let project = Project::new(&["@text hello"; THREADS as usize]);
    project.execute(1, &[]);
    let supervisor = project.supervisor();
    let text = fs::read(project.private().join("supervisor.json")).expect("a record");
    let record: Value = serde_json::from_slice(&text).expect("JSON");
    let source = fs::read_to_string(project.repo().join("work/agents.yaml")).expect("the agents");
    let agents = work::config::parse_agents(&source).agents;
    let agent = agents.default_agent().expect("an agent").clone();
    let soak =
        Soak { socket: record["socket"].as_str().expect("a path").into(), repo: project.repo(), agent };
    let server = project.server();

    let last = soak.all(first, vec![None; THREADS.into()]);
    let (before, sockets) = (held(supervisor), connections(server));
    let last = soak.all(then, last);
    assert!(
        last.iter().all(|one| one.as_ref().is_some_and(
            |(_, attempt)| usize::try_from(*attempt).is_ok_and(|attempt| attempt >= first + then)
        )),
        "{last:?}"
    );
    // The last connection goes a moment after its turn.
    wait_until("the descriptors to be given back", PATIENCE, || {
        held(supervisor).descriptors <= before.descriptors
    });
    let after = held(supervisor);
    let told = format!("before {before:?}, after {after:?}");
    // Threads for what blocks come and go; as many as turns at once, not as turns in all.
    assert!(after.threads <= before.threads + u64::from(THREADS), "{told}");
    assert!(after.memory <= before.memory + before.memory / 4, "{told}");
    assert_eq!(zombies(supervisor), Vec::<String>::new());
    wait_until("the streams of events to end", PATIENCE, || connections(server) <= sockets);
    assert_eq!(project.server(), server, "one server has served them all");
    assert_eq!(project.supervisor(), supervisor);
    project.assert_records_are_whole();
}
