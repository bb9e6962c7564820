//! `work validate`

use snapbox::str;

use super::desk::Desk;

#[test]
fn a_sound_plan() {
    let desk = Desk::approved();
    desk.shows(
        "validate",
        str![[r#"
$ work validate
agents.yaml, PLAN.md, tasks.json: fine
--- exit 0

"#]],
    );
    desk.shows(
        "validate plan",
        str![[r#"
$ work validate plan
PLAN.md: fine
--- exit 0

"#]],
    );
    desk.shows(
        "validate tasks",
        str![[r#"
$ work validate tasks
tasks.json: fine
--- exit 0

"#]],
    );
    desk.shows(
        "validate agents",
        str![[r#"
$ work validate agents
agents.yaml: fine
--- exit 0

"#]],
    );
}

#[test]
fn findings_with_their_places() {
    let desk = Desk::elsewhere();
    desk.plan(
        super::desk::PLAN
            .replace("Keep them short.", "TODO: words")
            .replace("###### Thread 02", "###### Thread 01"),
    );
    desk.shows(
        "validate",
        str![[r#"
$ work validate
warning[S001]: thread 01.01.02 `Shell completions and the man page` was approved, and is no longer in the plan
--> [REPO]/work/001-rename-fetch/PLAN.md
 = help: `work approve plan` approves the plan as it is now

warning[S001]: thread 01.01.01 `Shell completions and the man page` was changed after it was approved
  --> [REPO]/work/001-rename-fetch/PLAN.md:39:1
   |
39 | ###### Thread 01: The command
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this is not what was approved
   |
   = help: `work approve plan` approves the plan as it is now

error[P014]: thread 01 stands twice
  --> [REPO]/work/001-rename-fetch/PLAN.md:53:1
   |
39 | ###### Thread 01: The command
   | ----------------------------- the first one
...
53 | ###### Thread 01: Shell completions and the man page
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the second one
   |
   = help: give one thread another number

warning[S001]: thread 01.02.01 `Help texts` was changed after it was approved
  --> [REPO]/work/001-rename-fetch/PLAN.md:70:1
   |
70 | ###### Thread 01: Help texts
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this is not what was approved
   |
   = help: `work approve plan` approves the plan as it is now

warning[P034]: a placeholder is left in the plan
  --> [REPO]/work/001-rename-fetch/PLAN.md:76:1
   |
76 | TODO: words
   | ^^^^^^^^^^^ nobody has replaced this
   |
   = help: replace it, or remove it

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

warning[S008]: attempt 1 of thread 01.01.02 worked in `/home/ada/project`, which is no longer there
  --> [REPO]/work/001-rename-fetch/tasks.json:98:11
   |
98 |           "attempt": 1,
   |           ^^^^^^^^^^^^
   |
   = help: its session can't be resumed from elsewhere

warning[S008]: attempt 1 of thread 01.02.01 worked in `/home/ada/project`, which is no longer there
   --> [REPO]/work/001-rename-fetch/tasks.json:149:11
    |
149 |           "attempt": 1,
    |           ^^^^^^^^^^^^
    |
    = help: its session can't be resumed from elsewhere

note[S005]: thread 01.02.02 `Blog post` is kept for its history; the plan has it no more
   --> [REPO]/work/001-rename-fetch/tasks.json:173:7
    |
173 |       "id": "01.02.02",
    |       ^^^^^^^^^^^^^^^^

agents.yaml, PLAN.md, tasks.json: 1 error, 8 warnings, 2 notes
--- exit 3

"#]],
    );
    desk.shows_json("validate", "validate plan", str![[r#"
$ work validate plan --json
{
  "errors": 1,
  "warnings": 4,
  "findings": [
    {
      "file": "[REPO]/work/001-rename-fetch/PLAN.md",
      "code": "S001",
      "severity": "warning",
      "message": "thread 01.01.02 `Shell completions and the man page` was approved, and is no longer in the plan",
      "primary": null,
      "secondary": [],
      "help": "`work approve plan` approves the plan as it is now"
    },
    {
      "file": "[REPO]/work/001-rename-fetch/PLAN.md",
      "line": 39,
      "column": 1,
      "code": "S001",
      "severity": "warning",
      "message": "thread 01.01.01 `Shell completions and the man page` was changed after it was approved",
      "primary": {
        "span": {
          "start": 557,
          "end": 586
        },
        "text": "this is not what was approved"
      },
      "secondary": [],
      "help": "`work approve plan` approves the plan as it is now"
    },
    {
      "file": "[REPO]/work/001-rename-fetch/PLAN.md",
      "line": 53,
      "column": 1,
      "code": "P014",
      "severity": "error",
      "message": "thread 01 stands twice",
      "primary": {
        "span": {
          "start": 793,
          "end": 845
        },
        "text": "the second one"
      },
      "secondary": [
        {
          "span": {
            "start": 557,
            "end": 586
          },
          "text": "the first one"
        }
      ],
      "help": "give one thread another number"
    },
    {
      "file": "[REPO]/work/001-rename-fetch/PLAN.md",
      "line": 70,
      "column": 1,
      "code": "S001",
      "severity": "warning",
      "message": "thread 01.02.01 `Help texts` was changed after it was approved",
      "primary": {
        "span": {
          "start": 1081,
          "end": 1109
        },
        "text": "this is not what was approved"
      },
      "secondary": [],
      "help": "`work approve plan` approves the plan as it is now"
    },
    {
      "file": "[REPO]/work/001-rename-fetch/PLAN.md",
      "line": 76,
      "column": 1,
      "code": "P034",
      "severity": "warning",
      "message": "a placeholder is left in the plan",
      "primary": {
        "span": {
          "start": 1169,
          "end": 1180
        },
        "text": "nobody has replaced this"
      },
      "secondary": [],
      "help": "replace it, or remove it"
    }
  ]
}
--- exit 3

"#]]);
}

#[test]
fn codes_are_explained() {
    let desk = Desk::bare();
    desk.shows("validate --explain p034", str![[r#"
$ work validate --explain p034
P034: `work create` writes `TODO: …` where a person has to write something. An agent would be told that instead of what to do, so the plan cannot be approved before. Replace the whole line. `TODO` and `TBD` count only at the start of a line or a name, and not within code.
--- exit 0

"#]]);
    desk.shows_json("validate-explain", "validate --explain S001", str![[r#"
$ work validate --explain S001 --json
{
  "code": "S001",
  "text": "A thread says something else than when the plan was approved, or is new, renamed or gone. It is not run until the plan is approved again, or `--allow-drift` is given."
}
--- exit 0

"#]]);
    desk.shows(
        "validate --explain X1",
        str![[r#"
$ work validate --explain X1
--- stderr
error: no finding has the code `X1`
hint: a finding shows its code in brackets, such as `error[P014]`
--- exit 2

"#]],
    );
}
