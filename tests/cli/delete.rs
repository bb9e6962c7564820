//! `work delete`: what goes, what stays, and where the rest can be got back.

use snapbox::str;

use super::desk::{Desk, PLAN, STREAM, document};

fn plan(desk: &Desk) -> String {
    String::from_utf8(desk.bytes(format!("{STREAM}/PLAN.md"))).expect("text")
}

fn commit(desk: &Desk) {
    let repo = desk.path("repo");
    desk.env.git(&repo, &["add", "--all"]);
    desk.env.git(&repo, &["commit", "--quiet", "--message=Plan"]);
}

#[test]
fn a_thread_that_nobody_began_goes_from_plan_and_state() {
    let desk = Desk::approved();
    desk.shows(
        "delete thread 1.1.2 --dry-run",
        str![[r#"
$ work delete thread 1.1.2 --dry-run
would delete thread 01.01.02 Shell completions and the man page (13 lines of PLAN.md)
PLAN.md as it was can be got back from `[REPO]/.git/work/trash/001-rename-fetch-20260304T050607Z/PLAN.md`
--- exit 0

"#]],
    );
    assert_eq!(plan(&desk), PLAN);
    desk.shows(
        "delete thread 1.1.2 --yes",
        str![[r#"
$ work delete thread 1.1.2 --yes
deleted thread 01.01.02 Shell completions and the man page (13 lines of PLAN.md)
PLAN.md as it was can be got back from `[REPO]/.git/work/trash/001-rename-fetch-20260304T050607Z/PLAN.md`
--- exit 0

"#]],
    );
    let (front, rest) = PLAN.split_once("###### Thread 02: Shell").expect("it is there");
    let (_, back) = rest.split_once("##### Batch 02").expect("what follows");
    assert_eq!(plan(&desk), format!("{front}##### Batch 02{back}"), "only its lines");
    assert_eq!(desk.bytes("repo/.git/work/trash/001-rename-fetch-20260304T050607Z/PLAN.md"), PLAN.as_bytes());
    assert_eq!(desk.state_json()["threads"].as_array().map(Vec::len), Some(3));
    assert_eq!(desk.run("status").ok().stderr, "", "no drift");
    desk.shows(
        "review",
        str![[r#"
$ work review
approved just now by tester
nothing changed since then
--- exit 0

"#]],
    );
}

#[test]
fn a_thread_with_a_history_stays_in_the_state() {
    let desk = Desk::busy();
    desk.run("approve plan --yes").ok();
    desk.shows(
        "delete batch 1.1 --yes",
        str![[r#"
$ work delete batch 1.1 --yes
deleted batch 01.01 The name (31 lines, 2 threads, 2 tasks of PLAN.md)
kept in tasks.json for their history: 01.01.01, 01.01.02
these depend on it, and have to be changed: 01.02.01
PLAN.md as it was can be got back from `[REPO]/.git/work/trash/001-rename-fetch-20260304T050607Z/PLAN.md`
--- exit 0

"#]],
    );
    desk.shows("status", str![[r#"
$ work status
001-rename-fetch  ·  stage 1 of 2  ·  2/5 tasks  ·  1 failed, 1 interrupted  ·  ≥ $1.51

Stage  Name       Progress    Tasks
01     Rename     █████░░░░░  2/4
01.01  The name   ██████░░░░  2/3
01.02  The words  ░░░░░░░░░░  0/1
02     Remove     ░░░░░░░░░░  0/1
02.01  Removal    ░░░░░░░░░░  0/1

Thread    Name                                                        Status       Tasks  Sessions  Spent    Last agent   Last session                Resume
01.01.01  The command (no longer in the plan)                         completed    2/2    2         $0.0123  default      completed 46m ago
01.01.02  Shell completions and the man page (no longer in the plan)  failed       0/1    1         $1.50    docs-writer  failed 3m ago (rate-limit)  yes
01.02.01  Help texts                                                  interrupted  0/1    1                  default      interrupted 46h ago         yes
01.02.02  Blog post (no longer in the plan)                           cancelled    0/0    1                  default      completed 11d ago
02.01.01  Remove the alias                                            pending      0/1    0
--- exit 0

"#]]);
    desk.shows(
        "approve plan --dry-run",
        str![[r#"
$ work approve plan --dry-run
--- stderr
error[P035]: the plan has no thread 01.01.01
  --> [REPO]/work/001-rename-fetch/PLAN.md:47:17
   |
47 | **Depends on:** 01.01.01
   |                 ^^^^^^^^
   |
   = help: `work preview` lists the plan's threads with their ids

error: the plan has 1 error
hint: `work validate plan` shows them
--- exit 3

"#]],
    );
}

#[test]
fn what_is_committed_is_not_kept_twice() {
    let desk = Desk::approved();
    commit(&desk);
    let shown = desk.run("delete stage 2 --yes").ok().stdout;
    let head = desk.env.git(&desk.path("repo"), &["rev-parse", "--short", "HEAD"]);
    let command = format!("git show {head}:work/001-rename-fetch/PLAN.md");
    assert!(shown.contains(&format!("commit {head}, `{command}`")), "{shown}");
    let back = desk.env.run("bash", &desk.path("repo"), ["-c", &command]).ok().stdout;
    assert_eq!(back, PLAN);
    assert!(!desk.path("repo/.git/work/trash").exists());
    // It is changed now, and no commit has it.
    assert!(desk.run("delete batch 1.2 --yes").ok().stdout.contains("/.git/work/trash/"));
    assert!(!plan(&desk).contains("Help texts"));
}

#[test]
fn a_task() {
    let desk = Desk::approved();
    desk.shows_json(
        "delete",
        "delete task 1.1.1.1 --yes",
        str![[r#"
$ work delete task 1.1.1.1 --yes --json
{
  "deleted": {
    "id": "01.01.01.01",
    "name": "Rename the file and its test"
  },
  "threads": [],
  "tasks": 1,
  "lines": 1,
  "kept": [],
  "dependents": [],
  "state": "taken-over",
  "recovery": {
    "from": "trash",
    "path": "[REPO]/.git/work/trash/001-rename-fetch-20260304T050607Z/PLAN.md"
  }
}
--- exit 0

"#]],
    );
    assert_eq!(plan(&desk), PLAN.replace("- [ ] Rename the file and its test\n", ""));
    assert_eq!(desk.state_json()["threads"][0]["tasks"][0]["name"], "Keep an alias");
    assert_eq!(desk.run("status").ok().stderr, "", "no drift");
    // What was done is not forgotten with its task.
    desk.run("update --task 1.1.1.1 --status completed --report done").ok();
    desk.shows(
        "delete task 1.1.1.1 --yes",
        str![[r#"
$ work delete task 1.1.1.1 --yes
deleted task 01.01.01.01 Keep an alias (1 line of PLAN.md)
PLAN.md as it was can be got back from `[REPO]/.git/work/trash/001-rename-fetch-20260304T050607Z-2/PLAN.md`
--- exit 0

"#]],
    );
    assert_eq!(desk.state_json()["threads"][0]["tasks"][1]["report"], "done");
}

#[test]
fn what_depends_on_it_is_told() {
    let desk = Desk::planned();
    desk.shows(
        "delete thread 'The command' --yes",
        str![[r#"
$ work delete thread 'The command' --yes
deleted thread 01.01.01 The command (14 lines, 2 tasks of PLAN.md)
these depend on it, and have to be changed: 01.02.01
PLAN.md as it was can be got back from `[REPO]/.git/work/trash/001-rename-fetch-20260304T050607Z/PLAN.md`
--- exit 0

"#]],
    );
    desk.refuses("approve plan --yes", 3, &["01.01.01"]);
}

#[test]
fn a_stream_goes_to_the_trash_with_its_journals() {
    let desk = Desk::busy();
    desk.env.write("repo/.git/work/turns/001-rename-fetch/01.01.01/1.jsonl", "{}\n");
    let before = desk.state_bytes();
    desk.shows(
        "delete stream 1 --dry-run",
        str![[r#"
$ work delete stream 1 --dry-run
would delete stream 001-rename-fetch Rename fetch (5 threads, 5 session records)
its folder goes to `[REPO]/.git/work/trash/001-rename-fetch-20260304T050607Z/001-rename-fetch`
its journals go to `[REPO]/.git/work/trash/001-rename-fetch-20260304T050607Z/turns`
--- exit 0

"#]],
    );
    desk.shows(
        "delete stream 1 --yes",
        str![[r#"
$ work delete stream 1 --yes
deleted stream 001-rename-fetch Rename fetch (5 threads, 5 session records)
its folder went to `[REPO]/.git/work/trash/001-rename-fetch-20260304T050607Z/001-rename-fetch`
its journals went to `[REPO]/.git/work/trash/001-rename-fetch-20260304T050607Z/turns`
--- exit 0

"#]],
    );
    assert!(!desk.path(STREAM).exists());
    let kept = "repo/.git/work/trash/001-rename-fetch-20260304T050607Z";
    assert_eq!(desk.bytes(format!("{kept}/001-rename-fetch/tasks.json")), before);
    assert_eq!(desk.bytes(format!("{kept}/turns/01.01.01/1.jsonl")), b"{}\n");
    desk.shows(
        "list",
        str![[r#"
$ work list
--- stderr
there is no stream yet
hint: `work create NAME` makes one
--- exit 0

"#]],
    );
    // It can be moved back.
    let (from, to) = (desk.path(format!("{kept}/001-rename-fetch")), desk.path(STREAM));
    std::fs::rename(from, to).expect("moved");
    desk.run("status --stream 1").ok();
    commit(&desk);
    let would = document("delete-stream", &desk.run("delete stream --stream 1 --dry-run --json").ok());
    assert_eq!(would["commit"], desk.env.git(&desk.path("repo"), &["rev-parse", "--short", "HEAD"]));
    assert_eq!(would["wasCurrent"], false);
}

#[test]
fn nobody_is_asked_without_a_terminal() {
    let desk = Desk::approved();
    desk.shows(
        "delete thread 1.1.1",
        str![[r#"
$ work delete thread 1.1.1
--- stderr
error: deleting `01.01.01` needs a person's word
hint: `--yes` gives it; `--dry-run` says what would go, and where it can be got back
--- exit 8

"#]],
    );
    desk.refuses("delete thread 1.1.1", 8, &["`--yes`"]);
    desk.refuses("delete stream 1", 8, &["`--yes`"]);
}

#[test]
fn what_runs_is_not_deleted() {
    let desk = Desk::busy();
    let alive = work::engine::owner::current();
    let mut state = desk.state_json();
    let record = &mut state["threads"][1]["sessions"][0];
    for ended in ["completedAt", "exitCode", "error"] {
        record.as_object_mut().expect("a record").remove(ended);
    }
    record["status"] = "running".into();
    record["owner"] = serde_json::to_value(&alive).expect("JSON");
    state["threads"][1]["currentSessionId"] = record["sessionId"].clone();
    desk.state(serde_json::to_vec(&state).expect("JSON"));
    for line in [
        "delete stage 1 --yes",
        "delete thread 1.1.2 --yes",
        "delete stream 1 --yes",
        "delete batch 1.1 --yes",
    ] {
        desk.refuses(line, 1, &["while it runs: 01.01.02", "`work logs 01.01.02 -f`"]);
    }
    desk.refuses("complete --force", 1, &["while it runs: 01.01.02"]);
    let said = desk.run("hold").ok().stderr;
    assert!(said.contains("what runs goes on to its end: 01.01.02"), "{said}");
    desk.run("delete stage 2 --yes").ok();
}

#[test]
fn what_makes_no_sense() {
    let desk = Desk::approved();
    desk.shows(
        "delete stage 1.1 --yes",
        str![[r#"
$ work delete stage 1.1 --yes
--- stderr
error: `01.01` is no stage
hint: `work preview` shows the ids; name a stage
--- exit 2

"#]],
    );
    desk.shows(
        "delete thread 7.7.7 --yes",
        str![[r#"
$ work delete thread 7.7.7 --yes
--- stderr
error: no thread `7.7.7` in stream `001-rename-fetch`
hint: did you mean `02.01.01`?
hint: there are 01.01.01, 01.01.02, 01.02.01, 02.01.01
--- exit 2

"#]],
    );
    desk.shows(
        "delete task 1.1.1.9 --yes",
        str![[r#"
$ work delete task 1.1.1.9 --yes
--- stderr
error: no task `1.1.1.9` in stream `001-rename-fetch`
hint: did you mean `01.01.01.02`?
hint: there are 01.01.01.01, 01.01.01.02
--- exit 2

"#]],
    );
    desk.shows(
        "delete stream --yes",
        str![[r#"
$ work delete stream --yes
--- stderr
error: name the stream that is to be deleted
hint: `work list` shows them; the current one is not taken unasked
--- exit 2

"#]],
    );
    desk.refuses("delete stream 9 --yes", 2, &["no stream `9`"]);
}
