//! `work validate sessions`, and what of the state contradicts itself.

use serde_json::{Value, json};
use snapbox::str;

use super::desk::{Desk, document};

/// The findings of a check: their codes and messages.
#[track_caller]
fn findings(desk: &Desk, what: &str, code: i32) -> Vec<String> {
    let output = desk.run(&format!("validate {what} --json"));
    assert_eq!(output.code, code, "{output:#?}");
    let told = document("validate", &output);
    let findings = told["findings"].as_array().expect("findings").iter();
    findings
        .map(|one| {
            let word = |key: &str| one[key].as_str().expect("a word").to_owned();
            format!("{} {} {}", word("severity"), word("code"), word("message"))
        })
        .collect()
}

/// A record of an attempt that ended well.
fn record(attempt: u32, more: &Value) -> Value {
    let mut record = json!({
        "sessionId": format!("ses_{attempt}"), "agentName": "default", "model": "a/b", "attempt": attempt,
        "startedAt": "2026-03-04T04:00:00.000Z", "completedAt": "2026-03-04T04:10:00.000Z", "status": "completed",
        "backend": "opencode", "mode": "plain", "directory": "/",
    });
    for (key, value) in more.as_object().expect("fields") {
        record[key] = value.clone();
    }
    record
}

/// A repository whose first thread has these attempts.
fn with(records: Vec<Value>) -> Desk {
    let desk = Desk::approved();
    let mut state = desk.state_json();
    state["threads"][0]["sessions"] = records.into();
    desk.state(serde_json::to_string_pretty(&state).expect("JSON"));
    desk
}

#[test]
fn a_healthy_repository_is_fine() {
    let desk = with(vec![record(1, &json!({ "status": "failed" })), record(2, &json!({ "resumedFrom": 1 }))]);
    desk.shows(
        "validate sessions",
        str![[r#"
$ work validate sessions
tasks.json: fine
--- exit 0

"#]],
    );
    assert!(findings(&desk, "", 0).is_empty());
}

#[test]
fn each_finding_with_its_place() {
    let owner = json!({ "pid": 1, "startedAt": 1, "bootId": "another", "host": "elsewhere" });
    let mine = json!({ "pid": u32::MAX - 1, "startedAt": 1, "bootId": "another", "host": work::sys::identity::Identity::current().host });
    let desk = with(vec![
        record(1, &json!({ "resumable": false, "agentName": "gone" })),
        record(2, &json!({ "resumedFrom": 7, "completedAt": "2026-03-04T03:00:00.000Z" })),
        record(2, &json!({ "status": "running", "completedAt": null, "owner": mine })),
    ]);
    desk.shows(
        "validate sessions",
        str![[r#"
$ work validate sessions
note[S013]: agent `gone` worked on thread 01.01.01, and agents.yaml does not have it
  --> [REPO]/work/001-rename-fetch/tasks.json:19:7
   |
19 |       "id": "01.01.01",
   |       ^^^^^^^^^^^^^^^^

note[S006]: attempt 1 of thread 01.01.01 can't be resumed: the session id is made up by an older tool
  --> [REPO]/work/001-rename-fetch/tasks.json:31:11
   |
31 |           "attempt": 1,
   |           ^^^^^^^^^^^^

warning[S015]: attempt 2 of thread 01.01.01 continues attempt 7, and there is no earlier one of that number
  --> [REPO]/work/001-rename-fetch/tasks.json:44:11
   |
44 |           "attempt": 2,
   |           ^^^^^^^^^^^^

warning[S014]: attempt 2 of thread 01.01.01 ended before it began
  --> [REPO]/work/001-rename-fetch/tasks.json:44:11
   |
44 |           "attempt": 2,
   |           ^^^^^^^^^^^^

note[S004]: attempt 2 of thread 01.01.01 is open, and its owner is dead
  --> [REPO]/work/001-rename-fetch/tasks.json:57:11
   |
57 |           "attempt": 2,
   |           ^^^^^^^^^^^^
   |
   = help: it counts as interrupted, and the next run writes it so

error[S011]: thread 01.01.01 has two attempts of the number 2
  --> [REPO]/work/001-rename-fetch/tasks.json:57:11
   |
57 |           "attempt": 2,
   |           ^^^^^^^^^^^^
   |
   = help: give one of them another number

tasks.json: 1 error, 2 warnings, 3 notes
--- exit 3

"#]],
    );
    let desk = with(vec![
        record(1, &json!({ "status": "running", "completedAt": null, "owner": owner })),
        record(2, &json!({ "status": "running", "completedAt": null, "owner": owner })),
    ]);
    assert_eq!(findings(&desk, "sessions", 3), ["error S003 thread 01.01.01 has several open attempts"]);
}

#[test]
fn sessions_that_can_not_be_resumed() {
    let mut unopened = record(3, &json!({ "status": "failed" }));
    unopened.as_object_mut().expect("an object").remove("sessionId");
    let desk = with(vec![
        record(1, &json!({ "resumable": false })),
        record(2, &json!({ "resumable": false })),
        unopened,
    ]);
    let told = [
        "note S006 attempts 1 and 2 of thread 01.01.01 can't be resumed: the session id is made up by an older tool",
        "note S006 attempt 3 of thread 01.01.01 can't be resumed: the session id is missing",
    ];
    assert_eq!(findings(&desk, "sessions", 0), told);
    assert_eq!(findings(&desk, "", 0), told);
    // Who is done needs no session; whoever asks is told all the same.
    for task in ["1.1.1.1", "1.1.1.2"] {
        desk.run(&format!("update --task {task} --status completed")).ok();
    }
    assert!(findings(&desk, "", 0).is_empty());
    assert_eq!(findings(&desk, "sessions", 0), told);
}

#[test]
fn a_folder_that_is_gone() {
    let desk = with(vec![record(1, &json!({ "directory": "/nowhere/else" }))]);
    let told =
        ["warning S008 attempt 1 of thread 01.01.01 worked in `/nowhere/else`, which is no longer there"];
    assert_eq!(findings(&desk, "sessions", 0), told);
}

#[test]
fn journals_and_records() {
    let desk = with(vec![record(1, &json!({ "turns": [1, 2] }))]);
    let turns = "repo/.git/work/turns/001-rename-fetch";
    for journal in ["01.01.01/1.jsonl", "01.01.01/3.jsonl", "09.01.01/1.jsonl"] {
        desk.env.write(format!("{turns}/{journal}"), "");
    }
    assert_eq!(
        findings(&desk, "sessions", 0),
        [
            "warning S010 there are journals of thread 09.01.01, which the state does not have",
            "warning S010 no attempt of thread 01.01.01 names the journal of turn 3",
            "note S009 turn 2 of thread 01.01.01 left no journal on this machine",
        ]
    );
    std::fs::remove_dir_all(desk.path("repo/.git/work/turns")).expect("gone");
    assert_eq!(
        findings(&desk, "sessions", 0),
        ["note S009 turns 1 and 2 of thread 01.01.01 left no journal on this machine"]
    );
}

#[test]
fn the_current_session_is_that_of_an_open_attempt() {
    let desk = with(vec![record(1, &json!({}))]);
    let mut state = desk.state_json();
    state["threads"][0]["currentSessionId"] = "ses_1".into();
    desk.state(state.to_string());
    assert_eq!(
        findings(&desk, "sessions", 0),
        ["warning S012 thread 01.01.01 has `ses_1` as its current session, and no open attempt has it"]
    );
    desk.run("update --task 1.1.1.1 --status in_progress").ok();
    assert!(findings(&desk, "sessions", 0).is_empty(), "the next change writes what is true");
}

#[test]
fn tasks_and_threads_that_contradict_themselves() {
    let desk = Desk::approved();
    let mut state = desk.state_json();
    let threads = state["threads"].as_array_mut().expect("threads");
    let twice = threads[0]["tasks"][0].clone();
    threads[0]["tasks"].as_array_mut().expect("tasks").push(twice);
    let mut stray = threads[0]["tasks"][0].clone();
    stray["id"] = "07.01.01.01".into();
    threads[1]["tasks"].as_array_mut().expect("tasks").push(stray);
    let again = threads[3].clone();
    threads.push(again);
    state["unplacedTasks"] = json!([{ "id": "?" }]);
    desk.state(serde_json::to_string_pretty(&state).expect("JSON"));
    assert_eq!(
        findings(&desk, "tasks", 3),
        [
            "error T105 task 01.01.01.01 is there twice",
            "error T103 task 07.01.01.01 stands in thread 01.01.02, which its id does not belong to",
            "error T105 thread 02.01.01 is there twice",
            "warning T104 1 task(s) of an older tool without a thread, kept in `unplacedTasks`",
        ]
    );
    assert!(findings(&desk, "sessions", 0).is_empty());
}

#[test]
fn a_state_beside_a_plan_that_nobody_approved() {
    let desk = Desk::approved();
    desk.run("approve plan --revoke").ok();
    desk.plan(super::desk::PLAN.replace("Thread 02: Completions", "Thread 02: Shell completions"));
    let found = findings(&desk, "tasks", 0);
    assert!(found.iter().all(|one| one.starts_with("warning T106 ")), "{found:#?}");
}

#[test]
fn every_code_is_explained() {
    let desk = Desk::bare();
    let sources = crate::meta::text::files("src/engine", ".rs");
    let mut codes = std::collections::BTreeSet::new();
    for text in sources.iter().map(crate::meta::text::read) {
        let words = text.split('"').map(str::to_owned);
        codes.extend(words.filter(|word| {
            word.strip_prefix(['S', 'T', 'I'])
                .is_some_and(|number| number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit()))
        }));
    }
    assert!(codes.len() > 25, "{codes:?}");
    for code in codes {
        let told = document("validate-explain", &desk.run(&format!("validate --explain {code} --json")).ok());
        assert!(told["text"].as_str().is_some_and(|text| text.len() > 40), "{code}");
    }
}
