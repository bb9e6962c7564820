//! `work approve`: a person's word, and what it does to the state.

use snapbox::str;

use super::desk::{Desk, PLAN};

#[test]
fn a_plan_is_approved() {
    let desk = Desk::planned();
    desk.shows(
        "approve plan --dry-run",
        str![[r#"
$ work approve plan --dry-run
would approve 4 threads, 5 tasks
--- exit 0

"#]],
    );
    desk.shows(
        "approve plan --yes --by ada",
        str![[r#"
$ work approve plan --yes --by ada
approved 4 threads, 5 tasks
--- stderr
hint: `work multi` runs the next batch; `work status` shows how it goes
--- exit 0

"#]],
    );
    desk.shows(
        "approve plan --dry-run",
        str![[r#"
$ work approve plan --dry-run
would approve 4 threads, 5 tasks
--- exit 0

"#]],
    );
    desk.shows(
        "approve plan --revoke",
        str![[r#"
$ work approve plan --revoke
the plan is no longer approved
--- exit 0

"#]],
    );
    desk.shows(
        "approve plan --revoke",
        str![[r#"
$ work approve plan --revoke
--- stderr
error: the plan is not approved
--- exit 1

"#]],
    );
}

#[test]
fn as_json() {
    let desk = Desk::planned();
    desk.shows_json(
        "approve",
        "approve plan --dry-run",
        str![[r#"
$ work approve plan --dry-run --json
{
  "threads": 4,
  "tasks": 5,
  "added": [
    "01.01.01",
    "01.01.02",
    "01.02.01",
    "02.01.01"
  ],
  "changed": [],
  "kept": [],
  "dropped": [],
  "reopened": []
}
--- exit 0

"#]],
    );
    desk.shows_json(
        "approve",
        "approve plan --yes",
        str![[r#"
$ work approve plan --yes --json
{
  "threads": 4,
  "tasks": 5,
  "added": [
    "01.01.01",
    "01.01.02",
    "01.02.01",
    "02.01.01"
  ],
  "changed": [],
  "kept": [],
  "dropped": [],
  "reopened": []
}
--- exit 0

"#]],
    );
    desk.shows_json(
        "approve",
        "approve plan --revoke",
        str![[r#"
$ work approve plan --revoke --json
{
  "revoked": "plan"
}
--- exit 0

"#]],
    );
    desk.shows_json(
        "error",
        "approve plan",
        str![[r#"
$ work approve plan --json
{
  "error": {
    "kind": "needs-confirmation",
    "code": 8,
    "message": "approving 4 threads, 5 tasks needs a person's word",
    "causes": [],
    "hints": [
      "`--yes` gives it; `--dry-run` only looks"
    ]
  }
}
--- exit 8

"#]],
    );
    desk.shows_json(
        "approve",
        "approve stage 1 --force --yes",
        str![[r#"
$ work approve stage 1 --force --yes --json
{
  "approved": "01"
}
--- exit 0

"#]],
    );
    desk.shows_json(
        "approve",
        "approve stage 1 --revoke",
        str![[r#"
$ work approve stage 1 --revoke --json
{
  "revoked": "01"
}
--- exit 0

"#]],
    );
}

/// An agent has no terminal, and must not approve its own plan by a slip.
#[test]
fn without_a_terminal_nobody_is_asked_and_nothing_is_approved() {
    let desk = Desk::planned();
    desk.shows(
        "approve plan",
        str![[r#"
$ work approve plan
--- stderr
error: approving 4 threads, 5 tasks needs a person's word
hint: `--yes` gives it; `--dry-run` only looks
--- exit 8

"#]],
    );
    desk.refuses("approve plan", 8, &["hint: `--yes`"]);
}

#[test]
fn a_plan_with_errors_placeholders_or_questions_is_refused() {
    let desk = Desk::ready();
    desk.work(["create", "Rename fetch"]).ok();
    desk.shows(
        "approve plan --yes",
        str![[r#"
$ work approve plan --yes
--- stderr
warning[P034]: 13 placeholders: a template that was not filled in yet
  --> [REPO]/work/001-rename-fetch/PLAN.md:14:1
   |
14 | TODO: what this work is about and why, in a few sentences.
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the first one
   |
   = help: replace or remove each: lines 14, 18, 28, 32, 37, 40, 43, 47, 51, 53, 55, 58, 61

error: the plan has placeholders that nobody has replaced
hint: write in PLAN.md what is meant, or remove the line; `work validate plan` shows all
--- exit 1

"#]],
    );
    desk.plan(PLAN.replace("Texts that people read.", "TBD"));
    desk.shows(
        "approve plan --yes",
        str![[r#"
$ work approve plan --yes
--- stderr
warning[P034]: a placeholder is left in the plan
  --> [REPO]/work/001-rename-fetch/PLAN.md:68:1
   |
68 | TBD
   | ^^^ nobody has replaced this
   |
   = help: replace it, or remove it

error: the plan has placeholders that nobody has replaced
hint: write in PLAN.md what is meant, or remove the line; `work validate plan` shows all
--- exit 1

"#]],
    );
    desk.shows_json(
        "error",
        "approve plan --yes",
        str![[r#"
$ work approve plan --yes --json
{
  "error": {
    "kind": "refused",
    "code": 1,
    "message": "the plan has placeholders that nobody has replaced",
    "causes": [],
    "hints": [
      "write in PLAN.md what is meant, or remove the line; `work validate plan` shows all"
    ],
    "diagnostics": [
      {
        "code": "P034",
        "severity": "warning",
        "message": "a placeholder is left in the plan",
        "primary": {
          "span": {
            "start": 1056,
            "end": 1059
          },
          "text": "nobody has replaced this"
        },
        "secondary": [],
        "help": "replace it, or remove it"
      }
    ]
  }
}
--- exit 1

"#]],
    );
    desk.plan(PLAN.replace("- [x] Is there a warning? Yes", "- [ ] Is there a warning?\n  Yes"));
    desk.shows(
        "approve plan --yes",
        str![[r#"
$ work approve plan --yes
--- stderr
warning[P032]: a question of stage 01 is open
  --> [REPO]/work/001-rename-fetch/PLAN.md:31:3
   |
31 | - [ ] Is there a warning?
   |   ^^^ not ticked
   |
   = help: write the answer behind the question, and tick it: `- [x] …`

error: stage 01 has an open question: Is there a warning?
hint: answer it in PLAN.md and tick its box, or delete it
--- exit 1

"#]],
    );
    desk.plan(PLAN.replace("###### Thread 02", "###### Thread 01"));
    desk.shows(
        "approve plan --yes",
        str![[r#"
$ work approve plan --yes
--- stderr
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

error: the plan has 1 error
hint: `work validate plan` shows them
--- exit 3

"#]],
    );
    desk.plan("# Plan: nothing\n\n## Summary\n\nNothing.\n\n## Stages\n");
    desk.shows(
        "approve plan --yes",
        str![[r#"
$ work approve plan --yes
--- stderr
error[P005]: the plan has no threads
 --> [REPO]/work/001-rename-fetch/PLAN.md:7:1
  |
7 | ## Stages
  | ^^^^^^^^^ nothing to run below
  |
  = help: add `### Stage 01: …`, `##### Batch 01: …` and `###### Thread 01: …`

error: the plan has 1 error
hint: `work validate plan` shows them
--- exit 3

"#]],
    );
    for (plan, code) in [
        (PLAN.replace("Keep them short.", "TODO: how"), 1),
        (PLAN.replace("- [x] Is there", "- [ ] Is there"), 1),
        (PLAN.replace("- [x] Is there", "- Is there"), 1),
        (PLAN.replace("### Stage 02", "### Stage 01"), 3),
    ] {
        desk.plan(plan);
        desk.refuses("approve plan --yes", code, &["error: "]);
        desk.refuses("approve plan --dry-run", code, &["error: "]);
    }
}

/// Only errors, placeholders and open questions stand in the way.
#[test]
fn notes_and_other_warnings_do_not_block() {
    let desk = Desk::with_plan(
        PLAN.replace("### Stage 02", "### Stage 03")
            .replace("**Tasks:**", "**Paths:** `completions/pull.zsh`\n\n**Tasks:**"),
    );
    desk.shows(
        "validate plan",
        str![[r#"
$ work validate plan
warning[P030]: threads 01.01.01 and 01.01.02 run at once and may touch the same files
  --> [REPO]/work/001-rename-fetch/PLAN.md:63:13
   |
49 | **Paths:** `completions/pull.zsh`
   |             -------------------- overlaps with this
...
63 | **Paths:** `completions/**`, `doc/pull.1`
   |             ^^^^^^^^^^^^^^
   |
   = help: divide the files between them, or let one thread depend on the other

note[P015]: stage 02 is missing before stage 03
  --> [REPO]/work/001-rename-fetch/PLAN.md:82:1
   |
82 | ### Stage 03: Remove
   | ^^^^^^^^^^^^^^^^^^^^

PLAN.md: 1 warning, 1 note
--- exit 0

"#]],
    );
    desk.run("approve plan --yes").ok();
}

#[test]
fn a_stage_is_approved_when_it_is_done() {
    let desk = Desk::busy();
    desk.shows(
        "approve stage 01",
        str![[r#"
$ work approve stage 01
--- stderr
error: stage `01` is not done: 01.01.02, 01.02.01
hint: finish or cancel them, or approve all the same with `--force`
--- exit 1

"#]],
    );
    desk.shows(
        "approve stage 01 --force --yes",
        str![[r#"
$ work approve stage 01 --force --yes
approved stage 01
--- exit 0

"#]],
    );
    desk.shows("status", str![[r#"
$ work status
001-rename-fetch  ·  stage 1 of 2  ·  2/5 tasks  ·  1 failed, 1 interrupted  ·  ≥ $1.51

Stage  Name       Progress    Tasks  Result
01     Rename     █████░░░░░  2/4    approved
01.01  The name   ██████░░░░  2/3
01.02  The words  ░░░░░░░░░░  0/1
02     Remove     ░░░░░░░░░░  0/1
02.01  Removal    ░░░░░░░░░░  0/1

Thread    Name                                Status       Tasks  Sessions  Spent    Last agent   Last session                Resume
01.01.01  The command                         completed    2/2    2         $0.0123  default      completed 46m ago
01.01.02  Shell completions and the man page  failed       0/1    1         $1.50    docs-writer  failed 3m ago (rate-limit)  yes
01.02.01  Help texts                          interrupted  0/1    1                  default      interrupted 46h ago         yes
01.02.02  Blog post (no longer in the plan)   cancelled    0/0    1                  default      completed 11d ago
02.01.01  Remove the alias                    pending      0/1    0
--- exit 0

"#]]);
    desk.refuses("approve stage 02 --force", 8, &["needs a person's word", "`--yes` gives it"]);
    desk.shows(
        "approve stage 1 --revoke",
        str![[r#"
$ work approve stage 1 --revoke
stage 01 is no longer approved
--- exit 0

"#]],
    );
    desk.shows(
        "approve stage 01 --revoke",
        str![[r#"
$ work approve stage 01 --revoke
--- stderr
error: stage 01 is not approved
--- exit 1

"#]],
    );
    desk.shows(
        "approve stage 9",
        str![[r#"
$ work approve stage 9
--- stderr
error: no stage `9` in stream `001-rename-fetch`
hint: there are 01, 02
--- exit 2

"#]],
    );
    desk.shows(
        "approve stage one",
        str![[r#"
$ work approve stage one
--- stderr
error: no stage `one` in stream `001-rename-fetch`
hint: there are 01, 02
--- exit 2

"#]],
    );
    for task in ["01.01.02.01", "01.02.01.01"] {
        desk.work(["update", "--task", task, "--status", "completed"]).ok();
    }
    desk.shows(
        "approve stage 01 --by ada --yes",
        str![[r#"
$ work approve stage 01 --by ada --yes
approved stage 01
--- exit 0

"#]],
    );
}

/// A word that was given speaks of what was there then: a thread that comes later is named, while it is only
/// in the plan and after it was taken over.
///
/// Mutant: `newer` looks at what was taken over only (the first table says `approved`).
#[test]
fn an_approved_stage_that_got_another_thread_is_approved_in_part() {
    let mut desk = Desk::busy();
    desk.run("approve stage 01 --force --yes").ok();
    let new = "###### Thread 03: Late\n\n**Summary:**\nLate.\n\n**Details:**\n- It came late.\n\n";
    desk.plan(super::desk::PLAN.replace("##### Batch 02:", &format!("{new}##### Batch 02:")));
    let stages = |desk: &Desk| {
        let shown = desk.run("status").ok().stdout;
        shown.lines().skip(2).take(4).collect::<Vec<_>>().join("\n")
    };
    desk.is(
        &stages(&desk),
        str![[r#"
Stage  Name       Progress    Tasks  Result
01     Rename     █████░░░░░  2/4    in part
       its result was approved before 01.01.03 came into it
01.01  The name   ██████░░░░  2/3
"#]],
    );
    desk.env.stop_clock("2026-03-04T06:00:00Z");
    desk.run("approve plan --yes").ok();
    desk.is(
        &stages(&desk),
        str![[r#"
Stage  Name       Progress    Tasks  Result
01     Rename     ████░░░░░░  2/5    in part
       its result was approved before 01.01.03 came into it
01.01  The name   █████░░░░░  2/4
"#]],
    );
    let report: serde_json::Value =
        serde_json::from_str(&desk.run("status --json").ok().stdout).expect("JSON");
    assert_eq!(report["stages"][0]["newer"], serde_json::json!(["01.01.03"]));
    desk.env.stop_clock("2026-03-04T07:00:00Z");
    desk.run("approve stage 01 --force --yes").ok();
    assert!(!desk.run("status").ok().stdout.contains("in part"), "the word was given again");
}
