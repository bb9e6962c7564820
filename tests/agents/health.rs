//! Health: turns that outlive their supervisor, servers that are killed, stopped or die again and again. Real
//! supervisors, the real opencode, real signals.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use work::sys::identity::Identity;
use work::sys::process::{self, Signal};

use crate::support::acp_project::{agents, child, qwen};
use crate::support::opencode::scripted;
use crate::support::project::Project;
use crate::support::wait::{PATIENCE, wait_for, wait_until};

fn kill(pid: u32) {
    process::signal_process(pid, Signal::SIGKILL);
}

/// The whole lines of the journal of a thread's newest turn.
fn journal(project: &Project, thread: u8) -> Vec<Value> {
    let folder = project.private().join(format!("turns/001-test/01.01.{thread:02}"));
    let turns = fs::read_dir(&folder).into_iter().flatten().flatten().count();
    let text = fs::read_to_string(folder.join(format!("{turns}.jsonl"))).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// What the journal's events of one kind say, put together.
fn said(journal: &[Value], kind: &str) -> String {
    let of_kind = journal.iter().filter(|line| line["type"] == kind);
    of_kind.filter_map(|line| line["delta"].as_str()).collect()
}

/// Waits until another supervisor serves than `before`, and gives it.
fn successor(project: &Project, before: u32) -> u32 {
    wait_for("the next supervisor", PATIENCE, || {
        let now = project.supervisor();
        (now != before && Identity::of(now).is_some()).then_some(now)
    })
}

/// A turn of so many steps, each a word, a thought and a tool, and what it says in all.
fn steps(count: usize) -> (String, String) {
    let mut script = String::new();
    let mut words = String::new();
    for number in 0..count {
        script.push_str(&format!(
            "@reason thought{number}.\n@text word{number}.\n@bash sleep 0.2; echo {number}\n"
        ));
        words.push_str(&format!("word{number}."));
    }
    script.push_str("@text the end.");
    words.push_str("the end.");
    (script, words)
}

/// D4: kill -9 of the supervisor, again and again in the middle of one turn. The turn goes on at the agent; each
/// next supervisor takes over server, record and journal, and the command goes on showing it. One attempt,
/// one prompt, one end, each word once, on the screen and in the journal; and nothing is left.
#[test]
fn a_turn_outlives_its_supervisor_again_and_again() {
    outlive(5);
}

/// The same with more kills, which takes minutes:
/// `cargo nextest run --run-ignored only -E 'test(a_turn_outlives_twenty_supervisors)'`
#[test]
#[ignore = "takes minutes"]
fn a_turn_outlives_twenty_supervisors() {
    outlive(20);
}

fn outlive(kills: usize) {
    let count = kills + 4;
    let (script, words) = steps(count);
    let project = Project::new(&[&script]);
    let client = project.start(1, &[]);
    project.wait_for_status(1, "running", PATIENCE);
    let server = project.server();
    let session = project.attempt(1)["sessionId"].clone();
    let mut supervisor = project.supervisor();
    let mut seen = BTreeSet::from([supervisor]);
    for round in 0..kills {
        let lines = journal(&project, 1).len();
        wait_until(&format!("kill {round}: the turn to go on"), PATIENCE, || {
            let now = journal(&project, 1);
            now.len() > lines || now.iter().any(|line| line["type"] == "turn-ended")
        });
        kill(supervisor);
        supervisor = successor(&project, supervisor);
        assert!(seen.insert(supervisor));
        assert_eq!(project.server(), server, "kill {round}: the server is taken over");
    }
    let output = client.output();
    assert_eq!(output.code, 1, "its task is open: {output:#?}");
    assert!(output.stderr.contains("tasks of thread `01.01.01` are open"), "{output:#?}");
    assert_eq!(output.stderr.matches("another one goes on").count(), kills, "{output:#?}");

    let journal = journal(&project, 1);
    assert_eq!(said(&journal, "text"), words, "{journal:#?}");
    let thoughts: String = (0..count).map(|number| format!("thought{number}.")).collect();
    assert_eq!(said(&journal, "reasoning"), thoughts);
    let ends: Vec<_> = journal.iter().filter(|line| line["type"] == "turn-ended").collect();
    assert_eq!(ends.len(), 1, "{ends:#?}");
    assert_eq!(ends[0]["outcome"], "completed");
    assert_eq!(journal.last(), Some(ends[0]));
    let mut done: Vec<_> = journal.iter().filter(|line| line["status"] == "completed").collect();
    done.dedup_by_key(|line| line["id"].clone());
    assert_eq!(done.len(), count, "each tool ends once: {done:#?}");
    assert_eq!(journal.iter().filter(|line| line["status"] == "completed").count(), count);
    // What the person saw.
    for number in 0..count {
        let word = format!("word{number}.");
        assert_eq!(output.stdout.matches(&word).count(), 1, "{word} in {}", output.stdout);
    }

    let attempts = project.attempts(1);
    assert_eq!(attempts.len(), 1, "{attempts:#?}");
    assert_eq!((&attempts[0]["status"], &attempts[0]["sessionId"]), (&"completed".into(), &session));
    let requests = project.model().requests_of(session.as_str().expect("an id"));
    assert_eq!(requests.len(), count + 1, "nothing was prompted or asked twice");
    project.assert_records_are_whole();
    assert_eq!(project.processes_with("supervisor run"), [supervisor]);
    assert_eq!(project.processes_with("opencode serve"), [server]);
    project.work(["supervisor", "stop"]).ok();
    project.wait_for_nothing();
    let left = fs::read_dir(project.private().join("servers")).expect("a folder").flatten();
    assert_eq!(left.count(), 0, "no record of a server is left");
}

/// D4: kill -9 of the opencode server, again and again in mid-turn: each attempt has failed for exactly that
/// reason, at once; the next server takes the same place; the session stays, and goes on; nothing is left.
#[test]
fn whenever_its_server_is_killed_a_turn_has_failed_and_its_session_stays() {
    kill_servers(3);
}

/// The same with more kills, each of which costs a start of opencode:
/// `cargo nextest run --run-ignored only -E 'test(whenever_one_of_twenty_servers_is_killed)'`
#[test]
#[ignore = "takes minutes"]
fn whenever_one_of_twenty_servers_is_killed_the_session_stays() {
    kill_servers(20);
}

fn kill_servers(kills: usize) {
    let project = Project::new(&["@bash sleep 4761\n@text never"]);
    let mut addresses = BTreeSet::new();
    let mut supervisor = None;
    let server = || {
        assert_eq!(*supervisor.get_or_insert(project.supervisor()), project.supervisor());
        let status = project.work(["supervisor", "status", "--json"]).ok().json();
        addresses.insert(status["status"]["agents"][0]["url"].as_str().expect("an address").to_owned());
        project.server()
    };
    kill_agents(&project, kills, "opencode ended (signal: 9 (SIGKILL))", server);
    assert_eq!(addresses.len(), 1, "each server was where the first one was: {addresses:?}");
}

/// D4: the same with an ACP agent, the real qwen: the next child goes on with the session.
#[test]
fn whenever_qwen_is_killed_a_turn_has_failed_and_its_session_stays() {
    kill_qwens(2);
}

/// The same with more kills: `cargo nextest run --run-ignored only -E 'test(whenever_one_of_twenty_qwens_is_killed)'`
#[test]
#[ignore = "takes minutes"]
fn whenever_one_of_twenty_qwens_is_killed_the_session_stays() {
    kill_qwens(20);
}

fn kill_qwens(kills: usize) {
    // A command that begins with `sleep` qwen refuses.
    let shell = "@tool run_shell_command {\"command\":\"true; sleep 4761; true\",\"is_background\":false}";
    let project = Project::new(&[&format!("{shell}\n@text never")]);
    let entry = qwen(&project).replace("name: qwen", "name: default") + "    permissions: allow\n";
    agents(&project, &[entry]);
    kill_agents(&project, kills, "", || child(&project, "01.01.01"));
}

/// Kills the agent of thread 1, whose tool is `sleep 4761`, in mid-turn so many times, and looks what is told and left.
fn kill_agents(project: &Project, kills: usize, words: &str, mut agent: impl FnMut() -> u32) {
    let mut agents = BTreeSet::new();
    for round in 1..=kills {
        let client = project.start(1, &[]);
        wait_until("its tool", PATIENCE, || !project.processes_with("sleep 4761").is_empty());
        let agent = agent();
        assert!(agents.insert(agent), "another agent each time");
        kill(agent);
        let output = client.output();
        assert_eq!(output.code, 1, "{output:#?}");
        let attempts = project.attempts(1);
        assert_eq!(attempts.len(), round, "{attempts:#?}");
        let error = &attempts[round - 1]["error"];
        assert_eq!(error["kind"], "agent-crashed", "{error:#}");
        assert!(error["message"].as_str().expect("words").starts_with(words), "{error:#}");
        wait_until("the tool to be gone", PATIENCE, || project.processes_with("sleep 4761").is_empty());
    }
    let output =
        project.work(["fix", "--thread", "01.01.01", "--resume", "--message", &scripted("@text on")]);
    assert_eq!(output.code, 1, "its task is open: {output:#?}");
    let attempts = project.attempts(1);
    let [.., killed, last] = attempts.as_slice() else { panic!("{attempts:#?}") };
    assert_eq!((&last["status"], &last["sessionId"]), (&"completed".into(), &killed["sessionId"]));
    let asked: Vec<_> =
        project.model().requests().iter().map(|asked| asked["messages"].to_string()).collect();
    let both = |asked: &&String| asked.contains("sleep 4761") && asked.contains("@text on");
    assert!(asked.iter().any(|asked| both(&asked)), "the same conversation: {asked:#?}");
    project.assert_records_are_whole();
    project.work(["supervisor", "stop"]).ok();
    project.wait_for_nothing();
}

/// D3: a stop ends whatever the agent's tools have started, wherever it has run to: sessions of their own,
/// orphans of two forks, trees that ignore TERM. What is of others is not touched, however much alike it is.
#[test]
fn a_stop_ends_every_tree_of_its_own_and_no_other() {
    const TREES: &str = "sleep 4771 &\n\
        setsid sh -c 'sleep 4772; true' &\n\
        (setsid sh -c '(sleep 4773; true) & exit' &)\n\
        setsid sh -c 'trap \"\" TERM HUP INT; sleep 4774; sleep 4774' &\n\
        setsid sh -c 'trap \"\" TERM; setsid sh -c \"trap : TERM; sleep 4775; sleep 4775\"' &\n\
        sleep 4776";
    const TOOLS: [&str; 6] =
        ["sleep 4771", "sleep 4772", "sleep 4773", "sleep 4774", "sleep 4775", "sleep 4776"];
    let project = Project::new(&[&format!("@bash {TREES}\n@text never")]);
    let client = project.start(1, &[]);
    wait_until("the trees", PATIENCE, || TOOLS.iter().all(|tool| !project.processes_with(tool).is_empty()));
    let mut foreign = project.env.command("sh");
    foreign.args(["-c", "sleep 4777 & exec sleep 4776"]);
    let foreign = crate::support::running::Running::of(&mut foreign);
    // Until it is itself, the shell has the words of both.
    let others = || project.processes_with("sleep 4777");
    wait_until("what is of others", PATIENCE, || matches!(others()[..], [other] if other != foreign.pid()));
    let others = others();
    project.work(["supervisor", "stop"]).ok();
    assert_eq!(client.output().code, 130);
    wait_until("the trees to be gone", PATIENCE, || {
        TOOLS[..5].iter().all(|tool| project.processes_with(tool).is_empty())
    });
    assert_eq!(project.processes_with("sleep 4776"), [foreign.pid()], "only that of others");
    assert_eq!(project.processes_with("sleep 4777"), others);
    assert_eq!(project.attempt(1)["interruptedBy"], "the supervisor was stopped");
    drop(foreign);
    others.into_iter().for_each(kill);
    project.wait_for_nothing();
}
