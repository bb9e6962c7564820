//! `work jobs`, and what makes no sense of `--headless`.

use serde_json::{Value, json};
use snapbox::str;

use super::desk::{Desk, document};

const JOBS: &str = "repo/.git/work/jobs.json";

/// A queue that a supervisor left which has died: a job of each kind.
fn queue() -> Value {
    let dead = json!({ "pid": 4_000_000, "startedAt": 1, "bootId": "gone", "host": "gone-for-good" });
    let job = |id: u64, thread: &str, name: &str, state: Value| {
        json!({
            "id": id, "stream": "001-rename-fetch", "thread": thread, "name": name, "order": {},
            "queuedAt": "2026-03-04T05:00:00Z", "group": 1, "state": state,
        })
    };
    let turn = json!({ "attempt": 1, "number": 1, "session": "ses_0123456789abcdefghijklmnop" });
    let times = |state: Value| {
        let mut state = state;
        state["began"] = json!("2026-03-04T05:01:00Z");
        state["at"] = json!("2026-03-04T05:02:30Z");
        state["turn"] = turn.clone();
        state
    };
    let failure = json!({ "kind": "rate-limit", "message": "the provider wants you to wait" });
    let mut asked = job(5, "01.02.01", "Retry on timeout", json!({ "status": "pending", "by": dead }));
    asked["order"] = json!({ "resume": true, "message": "go on", "model": "a/b", "agent": "second" });
    asked["retryOf"] = json!(2);
    let host = json!({ "pid": 4_000_000, "startedAt": 1, "bootId": "gone", "host": hostname() });
    asked["state"]["by"] = host.clone();
    json!({
        "version": "1.0.0", "next": 6,
        "jobs": [
            job(1, "01.01.01", "Rename the function", times(json!({ "status": "completed" }))),
            job(2, "01.01.02", "Update the callers", times(json!({ "status": "failed", "failure": failure }))),
            job(3, "01.02.01", "Retry on timeout", json!({
                "status": "cancelled", "cause": "person", "at": "2026-03-04T05:03:00Z",
            })),
            job(4, "01.02.02", "Document it", json!({
                "status": "running", "by": host, "since": "2026-03-04T05:01:00Z",
            })),
            asked,
        ],
    })
}

/// The name of this machine: a process of another one may still live, for all that can be told.
fn hostname() -> String {
    work::sys::identity::Identity::current().host
}

fn desk() -> Desk {
    let desk = Desk::busy();
    desk.write_file(JOBS, queue().to_string());
    desk
}

#[test]
fn the_table_tells_how_each_job_stands() {
    let desk = desk();
    desk.shows(
        "jobs",
        str![[r#"
$ work jobs
Job  Thread    Name                 Status       When               Why
1    01.01.01  Rename the function  completed    3m ago, took 1m
2    01.01.02  Update the callers   failed       3m ago, took 1m    the provider wants you to wait
3    01.02.01  Retry on timeout     cancelled    3m ago             cancelled by a person
4    01.02.02  Document it          interrupted  just now, took 5m  the process that ran it died
5    01.02.01  Retry on timeout     held         queued 6m ago      waits for `work jobs start`
--- exit 0

"#]],
    );
    desk.shows(
        "jobs show 5",
        str![[r#"
$ work jobs show 5
job 5: 01.02.01 Retry on timeout of 001-rename-fetch
  status   held
  why      waits for `work jobs start`
  asked    to go on in the last session
  agent    second
  model    a/b
  message  go on
  again    after job 2
  queued   2026-03-04 05:00:00, 6m ago
--- exit 0

"#]],
    );
    desk.shows(
        "jobs show 2",
        str![[r#"
$ work jobs show 2
job 2: 01.01.02 Update the callers of 001-rename-fetch
  status   failed
  why      the provider wants you to wait
  queued   2026-03-04 05:00:00, 6m ago
  started  2026-03-04 05:01:00, 5m ago
  ended    2026-03-04 05:02:30, 3m ago
  session  ses_0123456789abcdefghijklmnop, attempt 1, turn 1
--- exit 0

"#]],
    );
    desk.shows_json(
        "jobs-show",
        "jobs show 4",
        str![[r#"
$ work jobs show 4 --json
{
  "id": 4,
  "stream": "001-rename-fetch",
  "thread": "01.02.02",
  "name": "Document it",
  "status": "interrupted",
  "held": false,
  "why": "the process that ran it died",
  "agent": null,
  "model": null,
  "message": null,
  "resume": false,
  "queuedAt": "2026-03-04T05:00:00Z",
  "startedAt": "2026-03-04T05:01:00Z",
  "endedAt": "2026-03-04T05:06:07Z",
  "group": 1,
  "retryOf": null,
  "turn": null,
  "failure": null
}
--- exit 0

"#]],
    );
    let listed = document("jobs", &desk.run("jobs list --json"));
    let statuses: Vec<&Value> = listed.as_array().expect("jobs").iter().map(|job| &job["status"]).collect();
    assert_eq!(statuses, ["completed", "failed", "cancelled", "interrupted", "pending"]);
    // The threads say so, too.
    let status = document("status", &desk.run("status --json"));
    let job = |number: usize| &status["threads"][number]["job"];
    assert_eq!((job(0), &job(2)["id"], &job(2)["held"]), (&Value::Null, &json!(5), &json!(true)));
    assert!(desk.run("status").stdout.contains(", held"));
}

#[test]
fn without_jobs() {
    let desk = Desk::busy();
    desk.shows(
        "jobs",
        str![[r#"
$ work jobs
no jobs; `--headless` queues some
--- exit 0

"#]],
    );
    desk.shows(
        "jobs wait",
        str![[r#"
$ work jobs wait
--- stderr
error: no job is pending or running
hint: `work jobs` shows how each job stands
--- exit 1

"#]],
    );
    desk.shows(
        "jobs start",
        str![[r#"
$ work jobs start
--- stderr
error: no job waits for that
hint: `work jobs` shows how each job stands
--- exit 1

"#]],
    );
    desk.shows(
        "jobs cancel --all",
        str![[r#"
$ work jobs cancel --all
--- stderr
error: no job is pending or running
--- exit 1

"#]],
    );
    desk.shows(
        "jobs show 7",
        str![[r#"
$ work jobs show 7
--- stderr
error: there is no job 7
hint: `work jobs` lists them; of those that are over the last are kept
--- exit 2

"#]],
    );
    desk.shows(
        "jobs clear",
        str![[r#"
$ work jobs clear
no job is over
--- exit 0

"#]],
    );
    assert!(!desk.path(JOBS).exists(), "looking makes nothing");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let desk = desk();
    for (line, code, said) in [
        ("jobs show x", 2, "a job's number like `7`"),
        ("jobs show 0", 2, "a job's number like `7`"),
        ("jobs cancel", 2, "required"),
        ("jobs cancel 1", 1, "job 1 is completed already"),
        ("jobs cancel 1 --all", 2, "cannot be used"),
        ("jobs retry 5", 1, "job 5 is not over yet"),
        ("jobs retry", 2, "required"),
        ("jobs retry 9", 2, "there is no job 9"),
        ("jobs clear 5", 1, "job 5 is not over yet"),
        ("jobs clear 9", 2, "there is no job 9"),
        ("jobs start 1", 1, "job 1 does not wait for that: it is completed"),
        ("jobs wait 5", 8, "work jobs start 5"),
        ("jobs wait 9", 2, "there is no job 9"),
        ("jobs logs 3", 1, "job 3 is cancelled, and had no turn"),
        ("jobs logs 5", 1, "job 5 has not begun: waits for `work jobs start`"),
        ("jobs logs 5 -f", 1, "work jobs start 5"),
        ("execute -t 1.1.1 --wait", 2, "`--wait` is for `--mode headless`"),
        ("execute -t 1.1.1 --mode headless --no-supervisor", 2, "needs the supervisor"),
        ("multi --headless --attach", 2, "cannot be used"),
        ("multi --headless --window stream", 2, "cannot be used"),
        ("multi --headless --no-supervisor", 2, "cannot be used"),
        ("multi --max-parallel 2", 2, "--headless"),
        ("multi --headless --max-parallel 0", 2, "0"),
        ("fix --all --resume --headless --attach", 2, "cannot be used"),
        ("continue --headless --no-supervisor", 2, "cannot be used"),
    ] {
        let output = desk.run(line);
        assert_eq!(output.code, code, "{line}: {output:#?}");
        assert!(output.stderr.contains(said), "{line}: {output:#?}");
    }
    let after: Value = serde_json::from_slice(&desk.bytes(JOBS)).expect("JSON");
    assert_eq!(after["next"], 6, "nothing was queued");
}

#[test]
fn pending_ones_are_cancelled_and_old_ones_forgotten_without_a_supervisor() {
    let desk = desk();
    desk.shows(
        "jobs cancel 5",
        str![[r#"
$ work jobs cancel 5
cancelled job 5: 01.02.01 Retry on timeout
--- exit 0

"#]],
    );
    desk.shows_json(
        "jobs-gone",
        "jobs clear 1 2",
        str![[r#"
$ work jobs clear 1 2 --json
{
  "jobs": [
    1,
    2
  ]
}
--- exit 0

"#]],
    );
    let left = document("jobs", &desk.run("jobs --json"));
    let left: Vec<(u64, &str)> = left
        .as_array()
        .expect("jobs")
        .iter()
        .map(|job| (job["id"].as_u64().expect("a number"), job["status"].as_str().expect("a word")))
        .collect();
    assert_eq!(left, [(3, "cancelled"), (4, "interrupted"), (5, "cancelled")]);
    let file = String::from_utf8(desk.bytes(JOBS)).expect("text");
    assert!(file.contains("owner-died"), "the next writer writes what is true: {file}");
}

/// S5: nothing touches a queue that can't be read; what needs it stops with 4 and says what to do, and the rest
/// goes on.
#[test]
fn a_damaged_queue_is_never_replaced() {
    let desk = desk();
    let sound = desk.bytes(JOBS);
    for broken in [&b""[..], b"\0\0\0\0", b"{}", b"[]", &sound[..sound.len() / 2]] {
        desk.write_file(JOBS, broken);
        for line in
            ["jobs", "jobs show 1", "jobs cancel 5", "jobs clear", "jobs wait", "jobs retry 1", "jobs start"]
        {
            let output = desk.run(line);
            assert_eq!(output.code, 4, "{line}: {output:#?}");
            assert!(output.stderr.contains("jobs.json") && output.stderr.contains("hint: "), "{output:#?}");
        }
        let status = desk.run("status");
        assert!(status.code == 0 && status.stderr.contains("jobs.json"), "{status:#?}");
        assert_eq!(desk.bytes(JOBS), broken);
    }
    desk.write_file(JOBS, &sound[..sound.len() / 2]);
    desk.shows("jobs", str![[r#"
$ work jobs
--- stderr
error: `[REPO]/.git/work/jobs.json` can't be read: line 1, column 747: EOF while parsing a string
hint: correct it by hand, or `mv [REPO]/.git/work/jobs.json [REPO]/.git/work/jobs.json.bad` and begin with an empty queue: the records of all turns are elsewhere
--- exit 4

"#]]);
    desk.write_file(JOBS, r#"{"version":"2.0.0","next":1,"jobs":[]}"#);
    desk.shows(
        "jobs clear",
        str![[r#"
$ work jobs clear
--- stderr
error: `[REPO]/.git/work/jobs.json` has version 2.0.0, which is newer than this `work`
hint: upgrade `work`; until then it only reads the queue
--- exit 4

"#]],
    );
}

#[test]
fn a_dry_run_says_headless() {
    let desk = Desk::approved();
    let output = desk.run("multi --headless --dry-run");
    assert!(output.code == 0 && output.stdout.contains("headless"), "{output:#?}");
    let output = desk.run("execute -t 1.1.1 --mode headless --dry-run");
    assert!(output.code == 0 && output.stdout.contains("headless"), "{output:#?}");
    assert!(!desk.path(JOBS).exists());
}

/// Tried mutant: `why` does not look into the queue.
#[test]
fn why_tells_of_the_job_that_waits() {
    let desk = desk();
    desk.shows("why 1.2.1", str![[r#"
$ work why 1.2.1
01.02.01 Help texts is interrupted: its last attempt was interrupted (its window or command was closed)

Looked at  When      It says
tasks      just now  0 of 1 are done; open: 01.02.01.01 Help texts (pending)
attempt 1  46h ago   default with anthropic/claude-sonnet-4-5: interrupted: its window or command was closed, exit code 130
session              ses_2f0c6b1e7ffeLm7NoPq8RsTu9V of attempt 1 (default) can go on, if the agent still has it
job 5      6m ago    pending: waits for `work jobs start`
--- stderr
hint: `work jobs start 5` starts the job that waits for it, `work jobs cancel 5` drops it
--- exit 0

"#]]);
    desk.write_file(JOBS, "{");
    let said = desk.run("why 1.2.1");
    assert!(said.code == 0 && said.stdout.contains("jobs.json"), "{said:#?}");
}

/// Tried mutant: `validate` does not look into the queue.
#[test]
fn a_damaged_queue_is_named_with_its_line_and_comes_back() {
    let desk = desk();
    desk.run("jobs clear 1");
    let good = desk.run("jobs --json");
    let text = String::from_utf8(desk.bytes(JOBS)).expect("text");
    let cut = text.find("\"next\"").expect("a number");
    desk.write_file(JOBS, format!("{}oops {}", &text[..cut], &text[cut..]));
    desk.shows("validate tasks", str![[r#"
$ work validate tasks
warning[S002]: thread 01.01.02 is assigned to `docs-writer`, which agents.yaml does not have
  --> [REPO]/work/001-rename-fetch/tasks.json:86:7
   |
86 |       "id": "01.01.02",
   |       ^^^^^^^^^^^^^^^^
   |
   = help: `work assign --thread 01.01.02 --agent NAME`

note[S005]: thread 01.02.02 `Blog post` is kept for its history; the plan has it no more
   --> [REPO]/work/001-rename-fetch/tasks.json:173:7
    |
173 |       "id": "01.02.02",
    |       ^^^^^^^^^^^^^^^^

error[J001]: the queue of jobs can't be read: key must be a string
 --> [REPO]/.git/work/jobs.json:3:3
  |
3 |   oops "next": 6,
  |   ^
  |
  = help: `work validate --restore` brings back the newest good copy (4 jobs, none of which starts by itself) and keeps this file

tasks.json, jobs.json: 1 error, 1 warning, 1 note
--- exit 3

"#]]);
    desk.refuses("jobs", 4, &["jobs.json", "`work validate --restore` brings back the newest good copy"]);
    desk.shows(
        "validate --restore",
        str![[r#"
$ work validate --restore
note[S009]: the journals of 3 threads are not on this machine
--> [REPO]/work/001-rename-fetch/tasks.json

warning[S002]: thread 01.01.02 is assigned to `docs-writer`, which agents.yaml does not have
  --> [REPO]/work/001-rename-fetch/tasks.json:86:7
   |
86 |       "id": "01.01.02",
   |       ^^^^^^^^^^^^^^^^
   |
   = help: `work assign --thread 01.01.02 --agent NAME`

warning[S013]: agent `docs-writer` worked on thread 01.01.02, and agents.yaml does not have it
  --> [REPO]/work/001-rename-fetch/tasks.json:86:7
   |
86 |       "id": "01.01.02",
   |       ^^^^^^^^^^^^^^^^

note[S005]: thread 01.02.02 `Blog post` is kept for its history; the plan has it no more
   --> [REPO]/work/001-rename-fetch/tasks.json:173:7
    |
173 |       "id": "01.02.02",
    |       ^^^^^^^^^^^^^^^^

agents.yaml, PLAN.md, tasks.json, jobs.json: 2 warnings, 2 notes
--- stderr
restored the queue of 4 jobs; the file that was there is kept as `[REPO]/.git/work/jobs.corrupt-1.json`
hint: `work jobs` lists them; none starts before `work jobs start`
--- exit 0

"#]],
    );
    assert_eq!(desk.run("jobs --json").stdout, good.stdout);
    assert!(desk.path("repo/.git/work/jobs.corrupt-1.json").exists());
    // Without a copy it is left as it is.
    std::fs::remove_dir_all(desk.path("repo/.git/work/backups/jobs")).expect("copies");
    desk.write_file(JOBS, "{");
    desk.refuses("validate --restore", 4, &["jobs.json", "begin with an empty queue"]);
    assert_eq!(desk.bytes(JOBS), b"{");
}
