//! `work import DIR…`

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use snapbox::str;

use super::desk::{Desk, document};
use crate::meta::text::{files, read, root};

/// A stream of the older tool: records on tasks and in threads.json, reports in TASKS.md, a plan that was
/// approved, a thread that it does not have, and one that has no tasks.
const OLD: &str = "tests/data/import";

/// A repository with agents, and the old one beside it.
fn desk() -> Desk {
    let desk = Desk::ready();
    for path in files(OLD, "") {
        let below = path.strip_prefix(root().join(OLD)).expect("below it").to_owned();
        desk.env.write(Path::new("old").join(below), std::fs::read(&path).expect("a file"));
    }
    desk.env.write("old/work/007-lexer/REPORT.md", "# Report\n");
    let script = desk.env.write("old/work/007-lexer/tools/check.sh", "#!/bin/sh\n");
    std::fs::set_permissions(script, PermissionsExt::from_mode(0o755)).expect("it may run");
    desk
}

fn state(desk: &Desk, stream: &str) -> Value {
    serde_json::from_slice(&desk.bytes(format!("repo/work/{stream}/tasks.json"))).expect("JSON")
}

/// The names in `work/`.
fn here(desk: &Desk) -> Vec<String> {
    let entries = std::fs::read_dir(desk.path("repo/work")).expect("a folder").flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_dry_run_tells_everything_and_writes_nothing() {
    let desk = desk();
    desk.shows(
        "import ../old/work --dry-run",
        str![[r#"
$ work import ../old/work --dry-run
warning[I001]: the index lists stream `003-gone`, which has no folder
 --> [ROOT]/old/work/index.json:7:7
  |
7 |       "id": "003-gone",
  |       ^^^^^^^^^^^^^^^^

warning[T111]: the line is no task, and is not taken over
  --> [ROOT]/old/work/007-lexer/TASKS.md:16:1
   |
16 | - a line of another kind
   | ^^^^^^^^^^^^^^^^^^^^^^^^
   |
   = help: TASKS.md itself is kept beside tasks.json

warning[T113]: task `01.01.02.01` is called `Parse hex` in tasks.json, which counts
  --> [ROOT]/old/work/007-lexer/TASKS.md:14:1
   |
14 | - [!] Task 01.01.02.01: Parse hexadecimal
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ its name here

note[T112]: a task is only in TASKS.md, and is taken from there
  --> [ROOT]/old/work/007-lexer/TASKS.md:15:1
   |
15 | - [ ] Task 01.01.02.02: Parse signs
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the first one

note[T112]: a report is only in TASKS.md, and is taken from there
  --> [ROOT]/old/work/007-lexer/TASKS.md:10:1
   |
10 | - [~] Task 01.01.01.02: Test it
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the first one

note[T112]: a task has another status or report in tasks.json, which counts
 --> [ROOT]/old/work/007-lexer/TASKS.md:8:1
  |
8 | - [x] Task 01.01.01.01: Write the enum
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the first one

warning[I005]: thread 01.01.02 is called `Numbers` in the state
  --> [ROOT]/old/work/007-lexer/PLAN.md:25:1
   |
25 | ###### Thread 02: Numbers & signs
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ and otherwise here

note[I004]: thread 01.01.03 `Unplanned` has no tasks in the state
  --> [ROOT]/old/work/007-lexer/PLAN.md:31:1
   |
31 | ###### Thread 03: Unplanned
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^

note[I007]: attempt 1 of thread `01.01.02` was never ended; it is interrupted now
  --> [ROOT]/old/work/007-lexer/tasks.json:66:13
   |
66 |       "id": "01.01.02.01",
   |             ^^^^^^^^^^^^^

warning[I008]: thread `02.01.01` `Leftover` is not in the plan; its history is kept
  --> [ROOT]/old/work/007-lexer/tasks.json:87:13
   |
87 |       "id": "02.01.01.01",
   |             ^^^^^^^^^^^^^

warning[I006]: agent `hexer` of thread 01.01.02 is not in agents.yaml here
  --> [ROOT]/old/work/007-lexer/tasks.json:74:25
   |
74 |       "assigned_agent": "hexer",
   |                         ^^^^^^^
   |
   = help: add it to agents.yaml, or `work assign --thread ID --agent NAME`

Stream                Threads  Tasks  Reports  Sessions  Resume  Plan               Odd
007-lexer  to import  4        5      3        4         1       approved, drifted  10
007-lexer: with PLAN.md, REPORT.md, TASKS.md, tasks.v1.json, threads.json, tools/check.sh
6 warnings, 5 notes
--- stderr
nothing was written
--- exit 0

"#]],
    );
    assert_eq!(here(&desk), [".gitignore", "agents.yaml"]);
    assert!(!desk.path("repo/.git/work/create.lock").exists());
    let told = document("import", &desk.run("import ../old/work --dry-run --json").ok());
    let mut done = document("import", &desk.run("import ../old --json").ok());
    done["dryRun"] = true.into();
    assert_eq!(told, done, "what a dry run tells is what happens");
}

#[test]
fn a_stream_comes_with_all_that_was_recorded() {
    let desk = desk();
    assert_eq!(desk.run("import ../old/work --quiet").ok().stderr, "");
    let old = "tests/data/import/work/007-lexer";
    for (ours, theirs) in [
        ("PLAN.md", "PLAN.md"),
        ("tasks.v1.json", "tasks.json"),
        ("threads.json", "threads.json"),
        ("TASKS.md", "TASKS.md"),
    ] {
        let ours = desk.bytes(format!("repo/work/007-lexer/{ours}"));
        assert_eq!(ours, read(format!("{old}/{theirs}")).into_bytes(), "byte for byte");
        assert_eq!(ours, desk.bytes(format!("old/work/007-lexer/{theirs}")), "the old folder is not touched");
    }
    let mode = std::fs::metadata(desk.path("repo/work/007-lexer/tools/check.sh")).expect("it came along");
    assert!(mode.permissions().mode() & 0o100 != 0);
    let state = state(&desk, "007-lexer");
    assert_eq!(state["version"], "2.0.0");
    assert_eq!(state["stream"]["name"], "The lexer");
    assert_eq!(state["stream"]["createdAt"], "2026-01-22T09:00:00.000Z");
    assert_eq!(state["stream"]["importedFrom"]["stream"], "007-lexer");
    assert_eq!(state["stream"]["importedFrom"]["index"]["size"], "medium");
    let plan = &state["stream"]["approvals"]["plan"];
    assert_eq!((&plan["by"], &plan["at"]), (&"ada".into(), &"2026-01-22T09:30:00.000Z".into()));
    assert_eq!(plan["imported"], true);
    assert!(plan["hash"].is_string() && plan["plan_hash"].is_string(), "{plan:#}");
    assert_eq!(state["stream"]["approvals"]["stages"]["01"]["by"], "ada");

    let tokens = &state["threads"][0];
    let told = |key: &str| -> Vec<&Value> {
        tokens["sessions"].as_array().expect("records").iter().map(|one| &one[key]).collect()
    };
    assert_eq!(told("sessionId"), ["ses_made_1", "ses_made_2", "ses_41a2b3c4dffeReal1"]);
    assert_eq!(told("inventedSessionId")[2], "ses_made_4");
    assert_eq!(told("resumable")[..2], [&Value::Bool(false); 2]);
    assert_eq!(told("status"), ["failed", "completed", "completed"]);
    assert_eq!(tokens["githubIssue"]["number"], 25);
    assert_eq!(tokens["promptPath"], "prompts/01.md");
    assert_eq!(tokens["tasks"][0]["github_issue"]["url"], "https://example.org/25");
    assert_eq!(tokens["tasks"][0]["report"], "One enum of 40 kinds.", "tasks.json counts");
    assert_eq!(tokens["tasks"][1]["report"], "Only said here.");
    let numbers = &state["threads"][1];
    assert_eq!(numbers["sessions"][0]["status"], "interrupted");
    assert!(numbers.get("currentSessionId").is_none());
    assert_eq!(numbers["tasks"][1]["name"], "Parse signs", "it is only in TASKS.md");
    assert_eq!(numbers["tasks"][0]["name"], "Parse hex", "tasks.json counts");
    assert_eq!(numbers["agent"], "hexer");
    desk.shows(
        "status",
        str![[r#"
$ work status
007-lexer  ·  stage 1 of 2  ·  1/4 tasks  ·  1 incomplete, 1 blocked

Stage  Name    Progress    Tasks  Result
01     Ground  ██░░░░░░░░  1/4    approved
01.01  Core    ██░░░░░░░░  1/4
02     Rest    ░░░░░░░░░░  0/0
02.01  More    ░░░░░░░░░░  0/0

Thread    Name       Status      Tasks  Sessions  Last agent  Last session         Resume
01.01.01  Tokens     incomplete  1/2    3         default     completed 40d ago    yes
01.01.02  Numbers    blocked     0/2    1         default     interrupted 40d ago  no
01.01.03  Unplanned  pending     0/0    0
02.01.01  Leftover   cancelled   0/0    0
--- stderr
warning: thread 01.01.02 `Numbers & signs` was renamed after it was approved
warning: thread 02.01.01 `Leftover` was approved, and is no longer in the plan
hint: `work approve plan` approves the plan as it is now
--- exit 0

"#]],
    );
    desk.shows(
        "validate plan",
        str![[r#"
$ work validate plan
warning[S001]: thread 02.01.01 `Leftover` was approved, and is no longer in the plan
--> [REPO]/work/007-lexer/PLAN.md
 = help: `work approve plan` approves the plan as it is now

warning[S001]: thread 01.01.02 `Numbers & signs` was renamed after it was approved
  --> [REPO]/work/007-lexer/PLAN.md:25:1
   |
25 | ###### Thread 02: Numbers & signs
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this is not what was approved
   |
   = help: `work approve plan` approves the plan as it is now

PLAN.md: 2 warnings
--- exit 0

"#]],
    );
}

#[test]
fn an_approval_of_another_plan_stays_and_is_told() {
    let desk = desk();
    let plan = read(format!("{OLD}/work/007-lexer/PLAN.md")).replace("Make it fast.", "Make it small.");
    desk.env.write("old/work/007-lexer/PLAN.md", plan);
    let told = document("import", &desk.run("import ../old/work --json").ok());
    let stream = &told["streams"][0];
    assert_eq!(stream["approved"]["unchanged"], false);
    let codes: Vec<_> =
        stream["findings"].as_array().expect("findings").iter().map(|one| &one["code"]).collect();
    assert!(codes.contains(&&"I003".into()), "{codes:?}");
    let state = state(&desk, "007-lexer");
    assert_eq!(state["stream"]["approvals"]["plan"]["by"], "ada");
    assert!(state["threads"][0].get("planHash").is_none(), "nobody approved these very words");
    assert_eq!(stream["drift"][0]["kind"], "renamed");
}

#[test]
fn numbers_names_and_what_is_here_already() {
    let desk = desk();
    for (folder, name) in [("007-other", "other"), ("009-third", "third")] {
        desk.env.write(format!("old/work/{folder}/PLAN.md"), format!("# Plan: {name}\n"));
    }
    desk.env.write("repo/work/007-mine/PLAN.md", "# Plan: Mine\n");
    let told = document("import", &desk.run("import ../old/work --json").ok());
    let ids: Vec<_> = told["streams"].as_array().expect("streams").iter().map(|one| &one["stream"]).collect();
    assert_eq!(ids, ["010-lexer", "011-other", "009-third"]);
    assert_eq!(told["current"], "010-lexer", "the old tool's current stream");
    let before = desk.bytes("repo/work/010-lexer/tasks.json");
    desk.shows(
        "import ../old/work/007-lexer",
        str![[r#"
$ work import ../old/work/007-lexer
Stream              Threads  Tasks  Reports  Sessions  Resume  Plan  Odd
007-lexer  refused
--- stderr
warning: `[ROOT]/old/work/007-lexer` is not imported: stream `010-lexer` is here already
hint: `work use 010-lexer` goes on with it; `--as NAME` imports the old one once more, beside it
--- exit 1

"#]],
    );
    assert_eq!(desk.bytes("repo/work/010-lexer/tasks.json"), before);
    desk.refuses("import ../old/work --as Again", 2, &["`--as` names one stream, and 3 were found"]);
    desk.run("import ../old/work/007-lexer --as 'Second lexer' -q").ok();
    assert_eq!(state(&desk, "012-second-lexer")["stream"]["name"], "Second lexer");
    assert_eq!(state(&desk, "012-second-lexer")["stream"]["importedFrom"]["stream"], "007-lexer");
    desk.run("use 010").ok();
}

#[test]
fn what_is_no_stream_is_refused() {
    let desk = desk();
    desk.env.write("empty/file", "");
    desk.refuses("import ../empty", 2, &["` holds no stream", "hint: name the old tool's `work/` folder"]);
    desk.refuses("import ../nowhere", 1, &["cannot read `../nowhere`"]);
    desk.refuses("import", 2, &["DIR"]);
    // One that can't be read is told of; the others are imported.
    desk.env.write("old/work/008-broken/tasks.json", "{ \"version\": \"1.0.0\",\n");
    let output = desk.run("import ../old/work --json");
    assert_eq!(output.code, 1, "{output:#?}");
    let told = document("import", &output);
    assert_eq!(told["streams"][0]["fate"], "imported");
    assert_eq!(told["streams"][1]["fate"], "refused");
    assert!(told["streams"][1]["reason"].as_str().expect("a reason").contains("line 2"), "{told:#}");
    assert!(output.stderr.contains("008-broken` is not imported"), "{}", output.stderr);
    assert_eq!(here(&desk), [".gitignore", "007-lexer", "agents.yaml"]);
}

/// The older tool's `work/` is this repository's own.
#[test]
fn streams_that_lie_here_already_are_rewritten_in_place() {
    let desk = desk();
    for path in files(OLD, "") {
        let below = path.strip_prefix(root().join(OLD)).expect("below it").to_owned();
        desk.env.write(Path::new("repo").join(below), std::fs::read(&path).expect("a file"));
    }
    desk.run("import work --dry-run").ok();
    assert!(!desk.path("repo/work/007-lexer/tasks.v1.json").exists());
    let told = document("import", &desk.run("import work --json").ok());
    assert_eq!(told["streams"][0]["fate"], "upgraded");
    assert_eq!(told["streams"][0]["kept"]["sessions"], 4);
    let state = state(&desk, "007-lexer");
    assert_eq!(state["version"], "2.0.0");
    assert_eq!(state["threads"][0]["tasks"][1]["report"], "Only said here.");
    assert_eq!(
        desk.bytes("repo/work/007-lexer/tasks.v1.json"),
        read(format!("{OLD}/work/007-lexer/tasks.json")).into_bytes()
    );
    let before = desk.bytes("repo/work/007-lexer/tasks.json");
    let told = document("import", &desk.run("import work --json").ok());
    assert_eq!(told["streams"][0]["fate"], "here");
    assert_eq!(desk.bytes("repo/work/007-lexer/tasks.json"), before);
}

#[test]
fn killed_on_the_way_it_leaves_nothing_or_the_whole_stream() {
    for (point, whole) in [
        ("store.written", false),
        ("atomic.renamed:3", false),
        ("import.copied", false),
        ("import.placed", true),
    ] {
        let mut desk = desk();
        desk.env.set("WORK_FAULT", point);
        let output = desk.run("import ../old/work");
        assert_eq!(output.code, 128 + 9, "{point}: {output:#?}");
        desk.env.unset("WORK_FAULT");
        assert_eq!(desk.path("repo/work/007-lexer/tasks.json").exists(), whole, "{point}");
        let listed = document("list", &desk.run("list --json").ok());
        assert_eq!(listed.as_array().expect("streams").len(), usize::from(whole), "{point}");
        let output = desk.run("import ../old/work");
        assert_eq!(output.code, i32::from(whole), "{point}: {output:#?}");
        assert_eq!(here(&desk), [".gitignore", "007-lexer", "agents.yaml"], "{point}: it is swept up");
        desk.run("status").ok();
    }
}

/// A stream of our own format, from another repository.
#[test]
fn a_stream_of_version_2_comes_as_well() {
    let desk = desk();
    desk.run("import ../old/work").ok();
    let other = desk.env.root().join("other");
    std::fs::create_dir_all(&other).expect("a folder");
    desk.env.work_in(&other, ["init"]).ok();
    let output = desk.env.work_in(&other, ["import", "../repo", "--json"]).ok();
    let told = document("import", &output);
    assert_eq!(told["streams"][0]["kept"], told["streams"][0]["found"]);
    let (ours, theirs) = (state(&desk, "007-lexer"), desk.bytes("other/work/007-lexer/tasks.json"));
    let theirs: Value = serde_json::from_slice(&theirs).expect("JSON");
    assert_eq!(theirs, ours, "nothing is added twice");
    assert!(desk.path("other/work/007-lexer/tasks.v1.json").exists());
}
