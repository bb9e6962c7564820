//! `work execute`: one turn of one thread, with the real opencode, and what is recorded of it.

use std::fs;

use serde_json::Value;
use work::sys::process::Signal;

use crate::support::files::mode;
use crate::support::project::Project;
use crate::support::terminal::Terminal;
use crate::support::wait::{PATIENCE, wait_until};

/// Says that the first task is begun and done, and writes a file in between.
const DILIGENT: &str = "\
@reason I report first.
@bash work update --task 01 --status in_progress
@write made.txt by the agent
@bash work update --task 01 --status completed --report \"wrote made.txt\"
@text All is done.
@usage input=100 output=10";

fn only<'a>(lines: &'a [Value], key: &str, word: &str) -> &'a Value {
    let found: Vec<&Value> = lines.iter().filter(|line| line[key] == word).collect();
    assert_eq!(found.len(), 1, "one {word} in {lines:#?}");
    found[0]
}

/// The stream of events opens once at its beginning, when all is prepared, and ends once at its end; gives
/// both.
fn first_and_last(lines: &[Value]) -> (&Value, &Value) {
    let (opened, ended) = (only(lines, "turn", "opened"), only(lines, "turn", "ended"));
    let mut turn: Vec<&Value> = lines.iter().filter(|line| line["turn"].is_string()).collect();
    turn.retain(|line| line["turn"] != "preparing");
    assert_eq!((turn.first(), turn.last()), (Some(&opened), Some(&ended)), "{lines:#?}");
    (opened, ended)
}

/// The main job: a file is written, the task is reported from inside the session, and record, journal and
/// stream of events tell the same.
#[test]
fn a_thread_is_worked_on_reported_and_recorded() {
    let project = Project::new(&[DILIGENT]);
    let run = project.work(["execute", "--thread", "1.1.1", "--json"]).ok();
    let messages = run.json_lines();
    let (opened, ended) = first_and_last(&messages);
    let session = opened["session"].as_str().expect("an id");
    assert!(session.starts_with("ses_"), "{session}");
    assert!(opened["ui"].is_null(), "how to open the UI holds a password");
    assert_eq!(ended["outcome"]["outcome"], "completed");
    assert_eq!(project.read("made.txt").as_deref(), Some("by the agent\n"));
    // The agent's files are the user's, with the user's umask.
    assert_eq!(mode(&project.repo().join("made.txt")), mode(&project.repo().join("README.md")));

    assert_eq!(project.thread_status(1), "completed");
    let attempts = project.attempts(1);
    assert_eq!(attempts.len(), 1, "{attempts:#?}");
    let attempt = &attempts[0];
    for (field, value) in [
        ("sessionId", session),
        ("status", "completed"),
        ("agent", "default"),
        ("model", "scripted/ok"),
        ("backend", "opencode"),
        ("mode", "plain"),
    ] {
        assert_eq!(attempt[field], value, "{field}");
    }
    assert_eq!((&attempt["exitCode"], &attempt["turns"]), (&0.into(), &Value::from([1])));
    assert!(attempt["usage"]["output"].as_u64() >= Some(10), "{attempt:#}");
    assert!(attempt["usage"]["cost"].as_f64().expect("a cost") > 0.0, "{attempt:#}");
    let shown = project.work(["show", "1.1.1", "--json"]).ok().json();
    for task in [&shown["tasks"][0], &project.state()["threads"][0]["tasks"][0]] {
        assert_eq!((&task["status"], &task["report"]), (&"completed".into(), &"wrote made.txt".into()));
    }

    // The journal holds each word once, and the prompt reached the model as it is printed.
    let log = project.work(["logs", "1.1.1"]).ok();
    for words in ["I report first.", "All is done.", "the agent ended its turn"] {
        assert_eq!(log.stdout.matches(words).count(), 1, "{words} in {}", log.stdout);
    }
    assert!(log.stdout.contains("made.txt"), "{}", log.stdout);
    // The prompt that was sent is the one of before the task was done.
    let first = &project.model().requests_of(session)[0];
    let messages = first["messages"].as_array().expect("messages");
    let sent = messages.iter().rfind(|message| message["role"] == "user").expect("a prompt").to_string();
    for words in
        ["# Thread 01.01.01: T1", "work update --stream 001-test --task 01.01.01.01", "@reason I report"]
    {
        assert!(sent.contains(words), "{words} in {sent}");
    }
}

/// The second turn is run by the first one's server, and nothing is left of both.
#[test]
fn a_completed_thread_runs_again_only_when_told_why() {
    let project = Project::new(&[DILIGENT]);
    let run = project.work(["execute", "--thread", "T1"]).ok();
    assert!(run.stdout.contains("All is done."), "{run:#?}");
    let server = project.server();
    let refused = project.work(["execute", "--thread", "T1"]);
    assert_eq!(refused.code, 1);
    for words in ["is completed", "--message"] {
        assert!(refused.stderr.contains(words), "{words} in {}", refused.stderr);
    }
    project.work(["execute", "--thread", "T1", "--message", "Once more, with feeling."]).ok();
    assert_eq!(project.attempts(1).len(), 2);
    let asked = project.model().wait_for_request("with feeling");
    assert!(asked.to_string().contains("A word from the person"), "{asked}");
    assert_eq!(project.server(), server);
    project.assert_records_are_whole();
    project.work(["supervisor", "stop"]).ok();
    project.wait_for_nothing();
}

#[test]
fn an_agent_that_leaves_tasks_open_is_no_success() {
    let project = Project::new(&["@text I stop here."]);
    let run = project.execute(1, &["--json"]);
    assert_eq!(run.code, 1, "{run:#?}");
    let messages = run.json_lines();
    first_and_last(&messages);
    assert!(run.stdout.contains("stop"), "{run:#?}");
    let error = &messages.last().expect("an error")["error"];
    assert_eq!((&error["kind"], &error["code"]), (&"incomplete".into(), &1.into()));
    let row = project.thread(1);
    assert_eq!((&row["status"], &row["resumable"]), (&"incomplete".into(), &true.into()));
}

/// What is nobody's business is in no log: what the agent says, and the server's password, which is in no
/// stream of events either and in no file that others may read.
#[test]
fn secrets_stay_where_they_are() {
    let project = Project::new(&["@reason I had better report first.\n@text Done: topsecretword."]);
    let run = project.execute(1, &["--json"]);
    let folder = project.private().join("servers");
    let servers: Vec<_> = fs::read_dir(&folder).expect("a server").flatten().collect();
    assert_eq!(servers.len(), 1);
    assert_eq!((mode(&servers[0].path()), mode(&folder)), (0o600, 0o700));
    let record = fs::read(servers[0].path()).expect("a record");
    let record: Value = serde_json::from_slice(&record).expect("JSON");
    let password = record["server"]["password"].as_str().expect("a password");
    assert!(!run.stdout.contains(password) && !run.stderr.contains(password), "{run:#?}");
    for log in ["supervisor.log", "opencode.log"] {
        let log = fs::read_to_string(project.private().join(log)).expect("a log");
        for secret in [password, "topsecretword", "I had better"] {
            assert!(!log.contains(secret), "{secret} in {log}");
        }
    }
}

/// Ctrl-C cancels: 130, interrupted by a person, and the tool is gone. With and without a supervisor: the
/// same runtime, the same truth.
///
/// Mutant: `Cancel` without `session.cancel` (the tool goes on).
#[test]
fn ctrl_c_cancels_and_records_interrupted() {
    let project = Project::new(&["@bash sleep 4761\n@text never"]);
    for (number, more) in [&[][..], &["--no-supervisor"]].into_iter().enumerate() {
        let running = project.start(1, more);
        wait_until("the tool", PATIENCE, || !project.processes_with("sleep 4761").is_empty());
        assert_eq!(project.thread_status(1), "running", "{more:?}");
        running.signal(Signal::SIGINT);
        let output = running.output();
        assert_eq!(output.code, 130, "{more:?}: {output:#?}");
        assert!(project.processes_with("sleep 4761").is_empty(), "{more:?}");
        assert_eq!(project.thread_status(1), "interrupted", "{more:?}");
        let attempts = project.attempts(1);
        assert_eq!(attempts.len(), number + 1, "{attempts:#?}");
        let attempt = &attempts[number];
        assert_eq!((&attempt["status"], &attempt["exitCode"]), (&"interrupted".into(), &130.into()));
        assert_eq!(attempt["interruptedBy"], "cancelled by a person", "{more:?}");
        let logs = project.work(["logs", "01.01.01"]).ok();
        assert!((logs.stdout + &logs.stderr).contains("cancelled by a person"), "{more:?}");
    }
}

/// Without anybody to ask, a permission is refused with a reason, and the turn goes on.
#[test]
fn nobody_is_there_to_allow_and_nothing_hangs() {
    let project = Project::new(&[
        "@tool read {\"filePath\":\"/etc/hostname\"}\n@write ../outside.txt no\n@text I went on.",
    ]);
    let run = project.work(["execute", "--thread", "1.1.1"]);
    assert_eq!(run.code, 1, "its task is open: {run:#?}");
    for words in ["asks for external_directory", "refused: nobody is there", "I went on."] {
        assert!(run.stdout.contains(words), "{words} in {}", run.stdout);
    }
    assert!(!project.env.root().join("outside.txt").exists());
    let logs = project.work(["logs", "01.01.01"]).ok();
    assert!((logs.stdout + &logs.stderr).contains("nobody is there to allow it"));
    assert_eq!(project.attempt(1)["status"], "completed");
}

/// A client that is stopped while its agent speaks: the turn goes on, and the client hears its end.
#[test]
fn a_stopped_client_stops_nothing() {
    let project = Project::new(&[
        "@chunk-delay 5ms\n@text one two three four five six seven eight\n@bash work update --task 01 --status completed\n@text done",
    ]);
    let running = project.start(1, &[]);
    project.wait_for_status(1, "running", PATIENCE);
    running.signal(Signal::SIGSTOP);
    project.wait_for_status(1, "completed", PATIENCE);
    running.signal(Signal::SIGCONT);
    let output = running.output();
    assert_eq!(output.code, 0, "{output:#?}");
    assert!(output.stdout.contains("done"));
}

/// In a terminal: the agent's own UI opens on the session; closed, the same turn goes on as text, where
/// Ctrl-C cancels it; a UI that is open when the turn ends stays for the person.
#[test]
fn the_agents_own_ui_comes_and_goes() {
    let project = Project::new(&[
        "@text Thinking aloud.\n@hang",
        "@text All is said.\n@bash work update --task 01 --status completed\n@text Over.",
    ]);
    let open = |thread: u8| {
        let line = format!("work execute --thread 01.01.{thread:02} --mode tui");
        Terminal::open(&project.env, &project.repo(), (120, 30), &line)
    };

    let terminal = open(1);
    terminal.shows("ctrl+p commands");
    assert_eq!(project.processes_with(" attach ").len(), 1);
    terminal.press(&["C-c"]);
    terminal.shows("the turn goes on here");
    assert_eq!(project.thread_status(1), "running", "leaving the UI ends nothing");
    terminal.press(&["C-c"]);
    terminal.ends_with(130);
    drop(terminal);
    assert_eq!(project.attempt(1)["interruptedBy"], "cancelled by a person");

    let terminal = open(2);
    project.wait_for_status(2, "completed", PATIENCE);
    terminal.shows("ctrl+p commands");
    assert!(!terminal.has_ended(), "it stays for the person");
    terminal.press(&["C-c"]);
    terminal.ends_with(0);
    drop(terminal);
    project.work(["supervisor", "stop"]).ok();
    project.wait_for_nothing();
}
