//! tasks.json that is broken, old or too new: it is never replaced, and nothing is guessed.

use snapbox::str;

use super::desk::{Desk, PLAN, STREAM, document};

/// Commands that need the state; none may touch a file that can't be read.
const NEED: &[&str] = &[
    "status",
    "tree",
    "show 1.1",
    "prompt -t 1.1.1",
    "approve plan --yes",
    "approve plan --revoke",
    "approve stage 01",
    "assign -t 1.1.1 -a default",
    "update --task 1.1.1.1 --status completed",
    "execute -t 1.1.1",
    "multi",
    "logs 1.1.1",
    "validate",
    "validate tasks",
];

fn private(desk: &Desk) -> std::path::PathBuf {
    desk.path("repo/.git/work")
}

#[test]
fn a_broken_file_stops_every_command_with_4_and_stays_as_it_is() {
    let desk = Desk::approved();
    let sound = desk.state_bytes();
    let half = sound.len() / 2;
    for broken in
        [&sound[..half], &sound[..1], b"", b"\0\0\0\0", b"null", b"[]", b"{}", b"\xff{}", b"{\"version\":"]
    {
        desk.state(broken);
        for line in NEED {
            desk.refuses(line, 4, &["tasks.json`", "hint: `work validate --restore`"]);
        }
        assert_eq!(desk.state_bytes(), broken);
        // What needs no state goes on.
        for line in ["preview", "agents", "list", "validate plan", "use"] {
            desk.run(line).ok();
        }
    }
    desk.state(&sound[..half]);
    desk.shows("status", str![[r#"
$ work status
--- stderr
error: `[REPO]/work/001-rename-fetch/tasks.json` can't be read: line 49, column 15: EOF while parsing a string
hint: `work validate --restore` brings back the copy of 2026-03-04 05:06:07 UTC (5 tasks, 0 session records) and keeps this file
--- exit 4

"#]]);
    desk.shows("list", str![[r#"
$ work list
   Stream            Name          Tasks  Threads  Plan        Changed
*  001-rename-fetch  rename-fetch  0/0    0        unreadable
--- stderr
warning: `[REPO]/work/001-rename-fetch/tasks.json` can't be read: line 49, column 15: EOF while parsing a string
--- exit 0

"#]]);
    desk.shows_json("list", "list", str![[r#"
$ work list --json
[
  {
    "id": "001-rename-fetch",
    "name": "rename-fetch",
    "current": true,
    "state": "open",
    "approved": false,
    "tasks": {
      "completed": 0,
      "total": 0,
      "blocked": 0,
      "cancelled": 0
    },
    "threads": 0,
    "updatedAt": null,
    "error": "`[REPO]/work/001-rename-fetch/tasks.json` can't be read: line 49, column 15: EOF while parsing a string"
  }
]
--- stderr
warning: `[REPO]/work/001-rename-fetch/tasks.json` can't be read: line 49, column 15: EOF while parsing a string
--- exit 0

"#]]);
    desk.shows_json("error", "status", str![[r#"
$ work status --json
{
  "error": {
    "kind": "state-corrupt",
    "code": 4,
    "message": "`[REPO]/work/001-rename-fetch/tasks.json` can't be read: line 49, column 15: EOF while parsing a string",
    "causes": [],
    "hints": [
      "`work validate --restore` brings back the copy of 2026-03-04 05:06:07 UTC (5 tasks, 0 session records) and keeps this file"
    ]
  }
}
--- exit 4

"#]]);
}

#[test]
fn without_a_copy_the_way_back_is_another() {
    let desk = Desk::approved();
    std::fs::remove_dir_all(private(&desk)).expect("gone");
    desk.state("{ broken");
    desk.refuses("status", 4, &["hint: correct the file by hand, or bring it back with git"]);
    desk.refuses("validate --restore", 1, &["there is no good copy of", "hint: "]);
}

#[test]
fn the_newest_good_copy_is_restored_and_the_broken_file_kept() {
    let desk = Desk::approved();
    desk.run("update --task 1.1.1.1 --status completed --report 'It is pull'").ok();
    let sound = desk.state_bytes();
    desk.state(&sound[..sound.len() / 2]);
    desk.shows("validate --restore", str![[r#"
$ work validate --restore
agents.yaml, PLAN.md, tasks.json: fine
--- stderr
restored the copy of 2026-03-04 05:06:07 UTC (5 tasks, 0 session records); the file that was there is kept as `[REPO]/work/001-rename-fetch/tasks.corrupt-20260304T050607Z.json`
hint: `work validate --restore` lists the other copies (1)
--- exit 0

"#]]);
    assert_eq!(desk.state_bytes(), sound);
    desk.run("status").ok();
    let kept: Vec<_> = std::fs::read_dir(desk.path(STREAM))
        .expect("a folder")
        .filter_map(Result::ok)
        .filter(|entry| std::fs::read(entry.path()).is_ok_and(|bytes| bytes == sound[..sound.len() / 2]))
        .collect();
    assert_eq!(kept.len(), 1, "the broken file is kept, byte for byte");
    // A sound file is not replaced.
    assert!(desk.run("validate --restore").ok().stderr.contains("can be read; nothing was restored"));
    assert_eq!(desk.state_bytes(), sound);
    // A file that is gone can be brought back as well.
    std::fs::remove_file(desk.path(format!("{STREAM}/tasks.json"))).expect("gone");
    desk.refuses("status", 1, &["there is no `"]);
    let restored = document("validate", &desk.run("validate tasks --restore --json").ok());
    assert_eq!(restored["errors"], 0);
    assert_eq!(desk.state_bytes(), sound);
}

#[test]
fn a_newer_file_is_read_and_not_written() {
    let desk = Desk::approved();
    let mut state = desk.state_json();
    state["version"] = "3.1.0".into();
    state["galaxies"] = serde_json::json!([{ "id": "andromeda" }]);
    desk.state(state.to_string());
    for line in ["status", "tree", "show 1.1.1", "list", "prompt -t 1.1.1", "execute -t 1.1.1 --dry-run"] {
        desk.run(line).ok();
    }
    for line in
        ["update --task 1.1.1.1 --status completed", "assign -t 1.1.1 -a default", "approve plan --yes"]
    {
        desk.refuses(line, 4, &["has version 3.1.0, which is newer", "hint: upgrade `work`"]);
    }
    desk.state(r#"{ "version": "9.0.0", "everything": "is different" }"#);
    desk.refuses("status", 4, &["has version 9.0.0, which is newer"]);
    desk.refuses("update --task 1.1.1.1 --status completed", 4, &["version 9.0.0"]);
    desk.shows(
        "validate tasks",
        str![[r#"
$ work validate tasks
--- stderr
error: `[REPO]/work/001-rename-fetch/tasks.json` has version 9.0.0, which is newer than this `work`
hint: upgrade `work`; until then it only reads this stream
--- exit 4

"#]],
    );
}

/// The older tool's format: read as it is, written anew at the first change, and kept.
#[test]
fn version_1_is_read_as_it_is_and_kept_at_the_first_change() {
    let old = include_bytes!("../data/tasks/v1-flat.json");
    let desk = Desk::ready();
    desk.env.write("repo/work/004-parser-rework/tasks.json", old);
    desk.env.write("repo/work/004-parser-rework/PLAN.md", PLAN);
    let file = || desk.bytes("repo/work/004-parser-rework/tasks.json");
    desk.shows(
        "status",
        str![[r#"
$ work status
004-parser-rework  ·  stage 1 of 2  ·  1/4 tasks  ·  1 interrupted, 1 blocked  ·  plan not approved

Stage  Name         Progress    Tasks
01     Foundations  ███░░░░░░░  1/3
01.01  Core         ███░░░░░░░  1/3
02     Finish       ░░░░░░░░░░  0/1
02.01  Rest         ░░░░░░░░░░  0/1

Thread    Name      Status       Tasks  Sessions  Last agent  Last session         Resume
01.01.01  Lexer     blocked      1/2    2         default     completed 42d ago    no
01.01.02  Parser    interrupted  0/1    1         specialist  interrupted 42d ago  no
02.01.01  Clean-up  pending      0/1    0
--- stderr
hint: `work validate plan`, then `work approve plan`
--- exit 0

"#]],
    );
    for line in ["status --sessions", "tree", "show 1.1.1", "list", "status --json"] {
        desk.run(line).ok();
        assert_eq!(file(), old, "{line}: looking changes nothing");
    }
    assert!(!desk.path("repo/work/004-parser-rework/tasks.v1.json").exists());
    desk.run("update --task 2.1.1.2 --status completed").ok();
    assert_eq!(desk.bytes("repo/work/004-parser-rework/tasks.v1.json"), old);
    let new: serde_json::Value = serde_json::from_slice(&file()).expect("JSON");
    assert_eq!(new["version"], "2.0.0");
    let old: serde_json::Value = serde_json::from_slice(old).expect("JSON");
    let text = new.to_string();
    for task in old["tasks"].as_array().expect("tasks") {
        for session in task["sessions"].as_array().into_iter().flatten() {
            let id = session["sessionId"].as_str().expect("an id");
            assert!(text.contains(&format!("\"{id}\"")), "{id} was lost");
        }
    }
    desk.run("status").ok();
}

#[test]
fn two_writers_at_once_lose_nothing() {
    let desk = Desk::approved();
    std::thread::scope(|scope| {
        for task in ["01.01.01.01", "01.01.01.02", "01.01.02.01", "01.02.01.01", "02.01.01.01"] {
            let desk = &desk;
            scope.spawn(move || desk.work(["update", "--task", task, "--status", "completed"]).ok());
        }
    });
    let status = document("status", &desk.run("status --json").ok());
    assert_eq!(status["tasks"]["completed"], 5);
}
