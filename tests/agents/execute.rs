//! `work execute`: one turn of one thread, with the real opencode, and what is recorded of it.

use serde_json::Value;
use work::sys::process::{self, Signal};

use crate::support::project::{PATIENCE, Project};
use crate::support::wait::wait_until;

/// Says that the first task is begun and done, and writes a file in between.
const DILIGENT: &str = "\
@reason I report first.
@bash work update --task 01 --status in_progress
@write made.txt by the agent
@bash work update --task 01 --status completed --report \"wrote made.txt\"
@text All is done.";

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

fn only<'a>(lines: &'a [Value], key: &str, word: &str) -> &'a Value {
    let found: Vec<&Value> = lines.iter().filter(|line| line[key] == word).collect();
    assert_eq!(found.len(), 1, "one {word} in {lines:#?}");
    found[0]
}

#[test]
fn a_thread_is_worked_on_reported_and_recorded() {
    let project = Project::new(&[("Make", DILIGENT)]);
    let run = project.work(&["execute", "--thread", "1.1.1", "--json"]).ok();
    let messages = lines(&run.stdout);
    let opened = only(&messages, "turn", "opened");
    let session = opened["session"].as_str().expect("an id");
    assert!(session.starts_with("ses_"), "{session}");
    assert!(opened["ui"].is_null(), "how to open the UI holds a password");
    assert_eq!(only(&messages, "turn", "ended")["outcome"]["outcome"], "completed");
    assert_eq!(project.file("made.txt").as_deref(), Some("by the agent\n"));

    let row = project.thread("01.01.01");
    assert_eq!(row["status"], "completed");
    let records = row["sessions"].as_array().expect("records");
    assert_eq!(records.len(), 1, "{records:?}");
    let record = &records[0];
    for (field, value) in [
        ("sessionId", session),
        ("status", "completed"),
        ("agent", "default"),
        ("model", "scripted/ok"),
        ("backend", "opencode"),
        ("mode", "plain"),
    ] {
        assert_eq!(record[field], value, "{field}");
    }
    assert_eq!((&record["exitCode"], &record["turns"]), (&Value::from(0), &Value::from([1])));
    assert!(record["usage"]["cost"].as_f64().expect("a cost") > 0.0, "{record}");
    let tasks: Value =
        serde_json::from_str(&project.work(&["show", "1.1.1", "--json"]).ok().stdout).expect("JSON");
    assert_eq!(tasks["tasks"][0]["report"], "wrote made.txt");

    // The journal holds each word once, and the prompt reached the model as it is printed.
    let log = project.work(&["logs", "1.1.1"]).ok();
    for words in ["I report first.", "All is done.", "the agent ended its turn"] {
        assert_eq!(log.stdout.matches(words).count(), 1, "{words} in {}", log.stdout);
    }
    // The prompt that was sent is the one of before the task was done.
    let first = &project.model.requests_of(session)[0];
    let messages = first["messages"].as_array().expect("messages");
    let sent = messages.iter().rfind(|message| message["role"] == "user").expect("a prompt").to_string();
    for words in
        ["# Thread 01.01.01: Make", "work update --stream 001-trial --task 01.01.01.01", "@reason I report"]
    {
        assert!(sent.contains(words), "{words} in {sent}");
    }
}

/// The second turn needs no server start: the client takes a fraction of a second.
#[test]
fn a_completed_thread_runs_again_only_when_told_why() {
    let project = Project::new(&[("Make", DILIGENT)]);
    project.work(&["execute", "--thread", "Make"]).ok();
    let refused = project.work(&["execute", "--thread", "Make"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("is completed") && refused.stderr.contains("--message"),
        "{}",
        refused.stderr
    );
    project.work(&["execute", "--thread", "Make", "--message", "Once more, with feeling."]).ok();
    let row = project.thread("01.01.01");
    assert_eq!(row["sessions"].as_array().map(Vec::len), Some(2));
    let asked = project.model.wait_for_request("with feeling");
    assert!(asked.to_string().contains("A word from the person"), "{asked}");
}

#[test]
fn an_agent_that_leaves_tasks_open_is_no_success() {
    let project = Project::new(&[("Lazy", "@text I am done.")]);
    let run = project.work(&["execute", "--thread", "1.1.1", "--json"]);
    assert_eq!(run.code, 1);
    let last = lines(&run.stdout).pop().expect("an error");
    assert_eq!((&last["error"]["kind"], &last["error"]["code"]), (&"incomplete".into(), &1.into()));
    let row = project.thread("01.01.01");
    assert_eq!((&row["status"], &row["resumable"]), (&"incomplete".into(), &true.into()));
}

/// Each model gets an attempt of its own; a failure that no model mends ends it.
#[test]
fn the_next_model_is_tried_when_that_may_help() {
    let project = Project::new(&[("Make", DILIGENT)]);
    let run = project.work(&["execute", "-t", "1.1.1", "--agent", "second-choice"]).ok();
    assert!(run.stderr.contains("did you mean `scripted/ok`"), "{}", run.stderr);
    let row = project.thread("01.01.01");
    let records = row["sessions"].as_array().expect("records");
    let told: Vec<String> = records
        .iter()
        .map(|record| format!("{} {} {}", record["model"], record["status"], record["error"]["kind"]))
        .collect();
    assert_eq!(
        told,
        [
            r#""scripted/nope" "failed" "model-unknown""#,
            r#""scripted/fail-400" "failed" "provider""#,
            r#""scripted/ok" "completed" null"#
        ]
    );
    let refused = project.work(&["execute", "-t", "1.1.1", "--agent", "hopeless", "--message", "again"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("opencode auth login"), "{}", refused.stderr);
    let row = project.thread("01.01.01");
    let records = row["sessions"].as_array().expect("records");
    assert_eq!(records.len(), 4, "a failed login is the end of it");
    assert_eq!(records[3]["error"]["kind"], "auth");
}

fn interrupt(child: &std::process::Child) {
    process::signal_process(child.id(), Signal::SIGINT);
}

/// Whether a process with these words in its arguments runs.
fn runs(words: &str) -> bool {
    let mut command = process::command("pgrep");
    command.args(["-f", words]);
    process::run(command, None, PATIENCE).expect("pgrep runs").status.success()
}

/// With and without a supervisor: the same runtime, the same truth.
#[test]
fn ctrl_c_cancels_and_records_interrupted() {
    let project = Project::new(&[("Slow", "@bash echo begun > begun.txt; sleep 4816.25\n@text never")]);
    for (attempt, more) in [&[][..], &["--no-supervisor"][..]].into_iter().enumerate() {
        let mut args = vec!["execute", "--thread", "1.1.1"];
        args.extend(more);
        let mut child = project.start(&args);
        wait_until("the tool to run", PATIENCE, || runs("sleep 4816.25"));
        assert_eq!(project.thread("01.01.01")["status"], "running");
        interrupt(&child);
        let status = child.wait().expect("ended");
        assert_eq!(status.code(), Some(130), "{more:?}");
        let row = project.thread("01.01.01");
        assert_eq!(row["status"], "interrupted", "{more:?}");
        let records = row["sessions"].as_array().expect("records");
        assert_eq!(records.len(), attempt + 1);
        assert_eq!(records[attempt]["exitCode"], 130);
        assert_eq!(records[attempt]["interruptedBy"], "cancelled by a person", "{more:?}");
        wait_until("the tool to be gone", PATIENCE, || !runs("sleep 4816.25"));
    }
}

/// Without anybody to ask, a permission is refused with a reason, and the turn goes on.
#[test]
fn nobody_is_there_to_allow_and_nothing_hangs() {
    let project =
        Project::new(&[("Peek", "@tool read {\"filePath\":\"/etc/hostname\"}\n@text I could not.")]);
    let run = project.work(&["execute", "--thread", "1.1.1"]);
    assert_eq!(run.code, 1, "its task is open");
    for words in ["asks for external_directory", "refused: nobody is there", "I could not."] {
        assert!(run.stdout.contains(words), "{words} in {}", run.stdout);
    }
}

#[test]
fn a_turn_without_a_sign_of_life_is_given_up() {
    let project = Project::new(&[("Hang", "@text a word\n@hang")]);
    project.env.write("repo/work/config.yaml", "stallTimeout: 3s\n");
    let run = project.work(&["execute", "--thread", "1.1.1"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let row = project.thread("01.01.01");
    assert_eq!((&row["status"], &row["sessions"][0]["error"]["kind"]), (&"failed".into(), &"stalled".into()));
}

/// Programs that call themselves opencode: each gives its message, its exit code and a record.
#[test]
fn an_opencode_that_does_not_work_is_told_and_recorded() {
    let mut project = Project::new(&[("Make", DILIGENT)]);
    let missing = project.env.root().join("nowhere/opencode");
    let gone = project.env.script("bin/gone", "#!/bin/sh\necho 'no such thing' >&2\nexit 3\n");
    let old = project.env.script(
        "bin/old",
        "#!/bin/sh\nexec python3 -c '
import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b\"{\\\"healthy\\\":true,\\\"version\\\":\\\"1.0.9\\\"}\"
        self.send_response(200); self.send_header(\"content-type\", \"application/json\")
        self.send_header(\"content-length\", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *a): pass
s = http.server.HTTPServer((\"127.0.0.1\", 0), H)
print(\"opencode server listening on http://127.0.0.1:%d\" % s.server_port, flush=True)
s.serve_forever()
'\n",
    );
    for (attempt, (program, kind, words)) in [
        (missing, "agent-missing", "was not found"),
        (gone, "agent-missing", "no such thing"),
        (old, "agent-too-old", "1.0.9"),
    ]
    .into_iter()
    .enumerate()
    {
        project.env.set("WORK_OPENCODE", program);
        let run = project.work(&["execute", "--thread", "1.1.1", "--no-supervisor"]);
        assert_eq!(run.code, 6, "{kind}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{words} in {}", run.stderr);
        let record = &project.thread("01.01.01")["sessions"][attempt];
        assert_eq!(
            (&record["status"], &record["error"]["kind"]),
            (&"failed".into(), &kind.into()),
            "{record}"
        );
        assert_eq!((&record["sessionId"], &record["exitCode"]), (&Value::Null, &6.into()), "{record}");
    }
    assert_eq!(project.thread("01.01.01")["resumable"], false);
}
