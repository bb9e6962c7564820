//! D8: many turns through one supervisor and one warm server, and nothing of them stays.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use work::config::Agent;
use work::ipc::{Asking, Client, ClientMessage, Incoming, ServerMessage, TurnMessage, TurnSpec};
use work::model::{Mode, Policy, SessionId, TurnOutcome};

use crate::support::acp_project;
use crate::support::opencode::scripted;
use crate::support::project::Project;
use crate::support::wait::{PATIENCE, wait_until};

/// At once, each in a thread and a session of its own.
const THREADS: u8 = 6;

/// How many connections to the server are kept for the next turns, at most.
const KEPT: usize = 8;

/// How many rounds it takes until all that is kept for ever is there.
const WARM_UP: usize = 2;

/// What the memory may differ by, in kilobytes: each thread that has come and gone leaves some of its own.
const NOISE: u64 = 3072;

/// The threads of a supervisor that has nothing to do: its own, and the one that is told when the socket goes.
const AT_REST: u64 = 2;

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

/// The same, once its threads for what blocks have gone home, as they do after ten seconds.
fn at_rest(pid: u32) -> Held {
    wait_until("its threads to go home", PATIENCE, || held(pid).threads <= AT_REST);
    held(pid)
}

/// The children of a process that nobody has waited for.
fn zombies(of: u64) -> Vec<String> {
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
    /// With the default agent of a project whose supervisor runs.
    fn new(project: &Project) -> Self {
        let text = fs::read(project.private().join("supervisor.json")).expect("a record");
        let record: Value = serde_json::from_slice(&text).expect("JSON");
        let source = fs::read_to_string(project.repo().join("work/agents.yaml")).expect("the agents");
        let agents = work::config::parse_agents(&source).agents;
        let agent = agents.default_agent().expect("an agent").clone();
        Self { socket: record["socket"].as_str().expect("a path").into(), repo: project.repo(), agent }
    }

    /// Runs rounds of so many turns a thread, the first two to warm up. What comes after them, and after `between`,
    /// must leave nothing in the supervisor. Each round begins with the same state, since what it takes to read
    /// and write a larger one is another matter.
    fn run(&self, project: &Project, rounds: usize, turns: usize, between: impl FnOnce()) {
        let supervisor = project.supervisor();
        let state = fs::read(self.stream_dir().join("tasks.json")).expect("the state");
        for _ in 0..WARM_UP {
            self.round(project, turns, &state);
        }
        let before = at_rest(supervisor);
        between();
        for _ in 0..rounds {
            self.round(project, turns, &state);
        }
        // The last connection goes a moment after its turn; some to the server are kept for the next ones.
        wait_until("the descriptors to be given back", PATIENCE, || {
            held(supervisor).descriptors <= before.descriptors + KEPT
        });
        let after = at_rest(supervisor);
        assert!(after.memory <= before.memory + NOISE, "before {before:?}, after {after:?}");
        assert_eq!(zombies(supervisor.into()), Vec::<String>::new());
        assert_eq!(project.supervisor(), supervisor);
    }

    /// So many turns a thread, each thread in a new session; then all is as if they had not been.
    fn round(&self, project: &Project, turns: usize, state: &[u8]) {
        let last = self.all(turns);
        let done =
            |(_, attempt): &(SessionId, u32)| usize::try_from(*attempt).is_ok_and(|last| last >= turns);
        assert!(last.iter().all(|one| one.as_ref().is_some_and(done)), "{last:?}");
        project.assert_records_are_whole();
        fs::remove_dir_all(project.private().join("turns")).expect("journals");
        work::sys::atomic::write_atomic(&self.stream_dir().join("tasks.json"), state).expect("written");
    }

    fn stream_dir(&self) -> PathBuf {
        self.repo.join("work/001-test")
    }

    /// Runs so many turns of a thread, one after another in one session.
    fn turns(&self, thread: u8, count: usize) -> Option<(SessionId, u32)> {
        let mut last = None;
        for _ in 0..count {
            last = Some(self.turn(thread, last));
        }
        last
    }

    fn turn(&self, thread: u8, resume: Option<(SessionId, u32)>) -> (SessionId, u32) {
        let spec = TurnSpec {
            stream: "001-test".parse().expect("an id"),
            stream_dir: self.stream_dir(),
            thread: format!("01.01.{thread:02}").parse().expect("an id"),
            agent: self.agent.clone(),
            models: self.agent.models.clone(),
            mode: Mode::Plain,
            directory: self.repo.clone(),
            title: format!("thread {thread}"),
            prompt: scripted("@text hello"),
            resume,
            asking: Asking { policy: Policy::Deny, timeout: Duration::from_secs(600) },
            notify: None,
            connected: None,
            adopt: None,
            client: None,
            isolated: None,
            budget: work::model::Budget::default(),
            over_budget: false,
            check: None,
            paths: Vec::new(),
        };
        let (connection, listener) = Client::connect(&self.socket).expect("it serves").into_parts();
        let (tell, incoming) = mpsc::channel();
        listener.listen(move |one| tell.send(one).is_ok());
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
    fn all(&self, count: usize) -> Vec<Option<(SessionId, u32)>> {
        std::thread::scope(|scope| {
            let running: Vec<_> =
                (1..=THREADS).map(|thread| scope.spawn(move || self.turns(thread, count))).collect();
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

/// On opencode: one server for all.
#[test]
fn of_many_turns_nothing_stays() {
    let project = Project::new(&["@text hello"; THREADS as usize]);
    project.execute(1, &[]);
    let server = project.server();
    let mut sockets = 0;
    let soak = Soak::new(&project);
    soak.run(&project, 3, 3, || sockets = connections(server));
    wait_until("the streams of events to end", PATIENCE, || connections(server) <= sockets + KEPT);
    assert_eq!(project.server(), server, "one server has served them all");
}

/// On the scripted ACP agent: one child for each thread.
#[test]
fn of_many_turns_of_an_acp_agent_nothing_stays() {
    soak_acp(3, 5);
}

/// The same with 1,000 turns: `cargo nextest run --run-ignored only -E 'test(of_a_thousand_turns)'`
#[test]
#[ignore = "takes minutes"]
fn of_a_thousand_turns_of_an_acp_agent_nothing_stays() {
    soak_acp(15, 10);
}

fn soak_acp(rounds: usize, turns: usize) {
    let project = acp_project::project(&["@text hello"; THREADS as usize]);
    project.execute(1, &[]);
    let soak = Soak::new(&project);
    let mut children = Vec::new();
    soak.run(&project, rounds, turns, || children = pids(&project));
    assert_eq!(children.len(), usize::from(THREADS));
    assert_eq!(pids(&project), children, "the same children have served them all");
    for child in children {
        assert_eq!(zombies(child), Vec::<String>::new());
    }
}

/// The agents' processes.
fn pids(project: &Project) -> Vec<u64> {
    let mut pids: Vec<_> = acp_project::warm(project).iter().filter_map(|one| one["pid"].as_u64()).collect();
    pids.sort_unstable();
    pids
}
