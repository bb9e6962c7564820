//! Telling people who are looking elsewhere.

use serde_json::Value;

use crate::support::project::Project;
use crate::support::terminal::Terminal;
use crate::support::wait::{PATIENCE, wait_until};

const DONE: &str = "@bash work update --task 01 --status completed --report done\n@text done";
const FAILS: &str = "@status 401 {\"error\":{\"message\":\"no key\"}}";
/// Outside of the repository, so that opencode asks whatever is configured.
const ASKS: &str = "@tool read {\"filePath\":\"/etc/hostname\"}\n@text Over.";

/// What the command of the person's own was told, message by message; each fits its schema.
fn messages(project: &Project) -> Vec<Value> {
    let schema = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/notification.schema.json"));
    let schema: Value = serde_json::from_slice(&schema.expect("a schema")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let lines = project.read("told.jsonl").unwrap_or_default();
    let messages: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for message in &messages {
        assert!(validator.is_valid(message), "{message:#}");
    }
    messages
}

/// Every notice: its kind and the number of its thread, sorted.
fn notices(project: &Project) -> Vec<(String, String)> {
    let of = |notice: &Value, key: &str| notice[key].as_str().unwrap_or("-").to_owned();
    let messages = messages(project);
    let all = messages.iter().flat_map(|message| message["notices"].as_array().expect("notices"));
    let mut told: Vec<_> = all.map(|notice| (of(notice, "kind"), of(notice, "thread"))).collect();
    told.sort();
    told
}

/// Each end, each request and the end of the batch is told once: to a command, and to whoever looks at the
/// windows. What a name holds is run by nobody.
///
/// Mutant: the line not escaped for `%` (`%H` is the hour).
#[test]
fn each_thing_is_told_once() {
    let threads =
        [("Good", DONE), ("Bad", FAILS), ("Ugly", FAILS), ("Same", FAILS), ("%H #(touch canary)", ASKS)];
    let project = Project::with_titles(&threads);
    project.settings("notify: { command: [sh, -c, 'cat >> told.jsonl; echo >> told.jsonl'] }\n");
    let run = ["multi", "--batch", "1.1", "--window", "stream", "--permissions", "ask"];
    project.work(run).ok();
    project.wait_for_status(5, "waiting", PATIENCE);
    let told = |kind: &str, thread: u8| (kind.to_owned(), format!("01.01.{thread:02}"));
    let before =
        [told("done", 1), told("failed", 2), told("failed", 3), told("failed", 4), told("waiting", 5)];
    wait_until("all to be told", PATIENCE, || notices(&project).len() >= before.len());
    assert_eq!(notices(&project), before);

    let socket = project.tmux_socket().expect("windows");
    let line = format!("TMUX= tmux -u -S {} attach", socket.display());
    let person = Terminal::open(&project.env, &project.repo(), (150, 20), &line);
    person.shows("01.01.01");
    project.work(["answer", "1.1.5", "--deny"]).ok();
    let shown = person.shows("work: 01.01.05");
    let expected = "work: 01.01.05 %H # (touch canary) is incomplete: its agent ended, and 1 task is open";
    assert!(shown.contains(expected), "{shown}");
    let mut after = before.to_vec();
    after.extend([("batch".to_owned(), "-".to_owned()), told("failed", 5)]);
    after.sort();
    wait_until("all to be told", PATIENCE, || notices(&project).len() >= after.len());
    drop(person);

    // A quiet run tells nobody.
    project.execute(2, &["--no-notify"]);
    // What is still to be told is told before the supervisor goes.
    project.work(["supervisor", "stop"]).ok();
    assert_eq!(notices(&project), after);
    assert!(project.read("canary").is_none(), "a name is never run");
}

/// Nothing is told where `notify.on` is empty, and a command that fails is in the log and nowhere else.
#[test]
fn it_can_be_switched_off_and_fails_quietly() {
    let project = Project::new(&[FAILS]);
    project.settings("notify: { on: [], command: [touch, told] }\n");
    let run = project.execute(1, &[]);
    assert_eq!(run.code, 1, "{run:#?}");
    project.settings("notify: { on: [failed], command: [sh, -c, 'echo so it is >&2; exit 7'] }\n");
    let run = project.execute(1, &[]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(!run.stderr.contains("so it is"), "{run:#?}");
    project.work(["supervisor", "stop"]).ok();
    assert!(project.read("told").is_none());
    let log = project.work(["supervisor", "logs"]).ok().stdout;
    assert!(log.contains("the command of `notify.command` failed") && log.contains("so it is"), "{log}");
}
