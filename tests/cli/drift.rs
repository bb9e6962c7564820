//! A plan that changes after its approval: told, refused, approved again, and nothing of the past is lost.

use snapbox::str;

use super::desk::{Desk, PLAN};

#[test]
fn a_changed_plan_is_told_of_and_not_run() {
    let desk = Desk::approved();
    desk.plan(
        PLAN.replace("Keep them short.", "Keep them very short.")
            .replace("Shell completions and the man page", "Completions")
            .replace("###### Thread 01: Remove the alias", "###### Thread 02: Remove the alias"),
    );
    desk.shows(
        "status",
        str![[r#"
$ work status
001-rename-fetch  ·  stage 1 of 2  ·  0/5 tasks

Stage  Name       Progress    Tasks
01     Rename     ░░░░░░░░░░  0/4
01.01  The name   ░░░░░░░░░░  0/3
01.02  The words  ░░░░░░░░░░  0/1
02     Remove     ░░░░░░░░░░  0/1
02.01  Removal    ░░░░░░░░░░  0/1

Thread    Name                                Status   Tasks  Sessions  Last agent  Last session  Resume
01.01.01  The command                         pending  0/2    0         default
01.01.02  Shell completions and the man page  pending  0/1    0
01.02.01  Help texts                          pending  0/1    0
02.01.01  Remove the alias                    pending  0/1    0
--- stderr
warning: thread 01.01.02 `Completions` was renamed after it was approved
warning: thread 01.02.01 `Help texts` was changed after it was approved
warning: thread 02.01.01 `Remove the alias` was approved, and is no longer in the plan
warning: thread 02.01.02 `Remove the alias` is new, and was not approved
hint: `work approve plan` approves the plan as it is now
--- exit 0

"#]],
    );
    desk.shows(
        "validate plan",
        str![[r#"
$ work validate plan
warning[S001]: thread 02.01.01 `Remove the alias` was approved, and is no longer in the plan
--> [REPO]/work/001-rename-fetch/PLAN.md
 = help: `work approve plan` approves the plan as it is now

warning[S001]: thread 01.01.02 `Completions` was renamed after it was approved
  --> [REPO]/work/001-rename-fetch/PLAN.md:53:1
   |
53 | ###### Thread 02: Completions
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this is not what was approved
   |
   = help: `work approve plan` approves the plan as it is now

warning[S001]: thread 01.02.01 `Help texts` was changed after it was approved
  --> [REPO]/work/001-rename-fetch/PLAN.md:70:1
   |
70 | ###### Thread 01: Help texts
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this is not what was approved
   |
   = help: `work approve plan` approves the plan as it is now

note[P015]: thread 01 is missing before thread 02
  --> [REPO]/work/001-rename-fetch/PLAN.md:99:1
   |
99 | ###### Thread 02: Remove the alias
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

warning[S001]: thread 02.01.02 `Remove the alias` is new, and was not approved
  --> [REPO]/work/001-rename-fetch/PLAN.md:99:1
   |
99 | ###### Thread 02: Remove the alias
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this is not what was approved
   |
   = help: `work approve plan` approves the plan as it is now

PLAN.md: 4 warnings, 1 note
--- exit 0

"#]],
    );
    desk.refuses(
        "execute -t 2.1.1",
        1,
        &["`02.01.01` is no longer in the plan", "hint: `work approve plan`"],
    );
    for line in ["execute -t 1.1.2", "execute -t 1.2.1 --dry-run", "execute -t 2.1.2"] {
        desk.refuses(line, 8, &["hint: `work approve plan`"]);
    }
    for line in ["multi --batch 1.1", "multi --batch 1.2 --dry-run", "multi --batch 2.1"] {
        desk.refuses(line, 8, &["hint: `work approve plan`"]);
    }
    desk.shows("execute -t 1.1.2 --dry-run --allow-drift", str![[r#"
$ work execute -t 1.1.2 --dry-run --allow-drift
would run 01.01.02 Shell completions and the man page with default (anthropic/claude-sonnet-4-5) in [REPO], plain, permissions: deny; `work prompt --thread 01.01.02` shows its 1578 bytes of prompt
--- stderr
warning: thread `01.01.02` was renamed after it was approved
--- exit 0

"#]]);
    desk.shows("multi --batch 1.2 --dry-run --allow-drift", str![[r#"
$ work multi --batch 1.2 --dry-run --allow-drift
batch 01.02 The words
would run 01.02.01 Help texts with default (anthropic/claude-sonnet-4-5) in [REPO], tui, permissions: ask; `work prompt --thread 01.02.01` shows its 1264 bytes of prompt
--- stderr
warning: thread `01.02.01` was changed after it was approved
warning: thread `01.02.01` depends on `01.01.01`, which is pending
warning: batch `01.01` comes before `01.02` and is not done
--- exit 0

"#]]);
    desk.run("execute -t 1.1.1 --dry-run").ok();
    desk.shows(
        "approve plan --yes",
        str![[r#"
$ work approve plan --yes
approved 4 threads, 5 tasks; new: 02.01.02; changed: 01.01.02 01.02.01; dropped: 02.01.01
--- stderr
hint: `work multi` runs the next batch; `work status` shows how it goes
--- exit 0

"#]],
    );
    desk.shows(
        "validate",
        str![[r#"
$ work validate
note[P015]: thread 01 is missing before thread 02
  --> [REPO]/work/001-rename-fetch/PLAN.md:99:1
   |
99 | ###### Thread 02: Remove the alias
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

agents.yaml, PLAN.md, tasks.json: 1 note
--- exit 0

"#]],
    );
}

/// Sessions, reports and work that was done stay, whatever happens to the plan.
#[test]
fn a_new_approval_keeps_every_record() {
    let desk = Desk::busy();
    let before = desk.state_json();
    let plan = PLAN
        .replace(
            "- [ ] Rename the file and its test\n- [ ] Keep an alias",
            "- [ ] Keep an alias\n- [ ] Tell people",
        )
        .replace("Say `pull` in every", "Say pull in every");
    let end = plan.find("### Stage 02").expect("it is there");
    let without_completions = {
        let from = plan.find("###### Thread 02: Shell").expect("it is there");
        let to = plan.find("##### Batch 02: The words").expect("it is there");
        format!("{}{}", &plan[..from], &plan[to..end])
    };
    desk.plan(without_completions);
    desk.shows("approve plan --yes", str![[r#"
$ work approve plan --yes
approved 2 threads, 4 tasks; changed: 01.01.01 01.02.01; kept for their history: 01.01.02 01.02.02; dropped: 02.01.01
--- stderr
hint: `work multi` runs the next batch; `work status` shows how it goes
--- exit 0

"#]]);
    let after = desk.state_json();
    let sessions = |state: &serde_json::Value| -> Vec<(String, serde_json::Value)> {
        let threads = state["threads"].as_array().expect("threads").iter();
        threads
            .filter(|thread| thread["sessions"].as_array().is_some_and(|all| !all.is_empty()))
            .map(|thread| (thread["id"].to_string(), thread["sessions"].clone()))
            .collect()
    };
    assert_eq!(sessions(&before), sessions(&after));
    desk.shows(
        "tree",
        str![[r#"
$ work tree
001-rename-fetch
└── 01 Rename  2/5
    ├── 01.01 The name
    │   ├── 01.01.01 The command @default  incomplete
    │   │   ├── 01.01.01.01 Keep an alias  completed
    │   │   ├── 01.01.01.02 Tell people  pending
    │   │   └── 01.01.01.03 Rename the file and its test  completed
    │   └── 01.01.02 Shell completions and the man page @docs-writer  failed
    │       └── 01.01.02.01 Shell completions and the man page  in_progress
    └── 01.02 The words
        ├── 01.02.01 Help texts  interrupted
        │   └── 01.02.01.01 Help texts  pending
        └── 01.02.02 Blog post  cancelled
--- exit 0

"#]],
    );
    desk.shows(
        "show 1.1",
        str![[r#"
$ work show 1.1
001-rename-fetch
└── 01 Rename  2/5
    └── 01.01 The name
        ├── 01.01.01 The command @default  incomplete
        └── 01.01.02 Shell completions and the man page @docs-writer  failed
--- exit 0

"#]],
    );
    // And back again: the thread that was kept takes its place.
    desk.plan(PLAN);
    desk.shows(
        "approve plan --yes",
        str![[r#"
$ work approve plan --yes
approved 4 threads, 5 tasks; new: 02.01.01; changed: 01.01.01 01.02.01; kept for their history: 01.02.02
--- stderr
hint: `work multi` runs the next batch; `work status` shows how it goes
--- exit 0

"#]],
    );
    assert_eq!(sessions(&before), sessions(&desk.state_json()));
}

#[test]
fn a_thread_with_a_history_keeps_its_number() {
    let desk = Desk::busy();
    let moved = PLAN
        .replace("###### Thread 01: The command", "###### Thread 03: The command")
        .replace("###### Thread 02: Shell completions", "###### Thread 01: Shell completions");
    desk.plan(moved);
    desk.shows(
        "approve plan --yes",
        str![[r#"
$ work approve plan --yes
--- stderr
error: thread `The command` has a history as `01.01.01`, and the plan now calls it `01.01.03`
hint: keep its number 01.01.01 in PLAN.md; new threads take new numbers, gaps are fine
--- exit 1

"#]],
    );
    desk.refuses("approve plan --yes", 1, &["has a history as `01.01.01`"]);
    // The number of a thread that was kept for its history is not given to another one.
    desk.plan(PLAN.replace(
        "### Stage 02",
        "###### Thread 02: Release notes\n\n**Summary:**\nSay it.\n\n**Details:**\nShortly.\n\n### Stage 02",
    ));
    desk.shows(
        "approve plan --yes",
        str![[r#"
$ work approve plan --yes
--- stderr
error: `01.02.02` is the number of `Blog post`, which has a history, and the plan gives it to `Release notes`
hint: give the new thread another number, gaps are fine
--- exit 1

"#]],
    );
    desk.refuses("approve plan --yes", 1, &["`01.02.02` is the number of `Blog post`"]);
}
