//! `work review`: what changed since the approval, part by part.

use snapbox::str;

use super::desk::{Desk, PLAN};

fn changed() -> String {
    PLAN.replace("Keep them short.", "Keep them very short.\nAnd polite.")
        .replace("Shell completions and the man page", "Completions")
        .replace("###### Thread 01: Remove the alias", "###### Thread 02: Remove the alias")
        .replace("- [ ] Keep an alias", "- [ ] Keep two aliases")
        .replace("**Agent:** default", "**Agent:** reviewer")
        .replace("`fetch` is gone.", "`fetch` is gone for good.")
        .replace("Texts that people read.", "All texts.")
}

#[test]
fn nothing_changed_and_nothing_approved() {
    let desk = Desk::planned();
    desk.shows(
        "review",
        str![[r#"
$ work review
the plan is not approved
--- stderr
hint: `work approve plan` approves the plan as it is now
--- exit 0

"#]],
    );
    desk.run("approve plan --yes").ok();
    desk.shows(
        "review",
        str![[r#"
$ work review
approved just now by tester
nothing changed since then
--- exit 0

"#]],
    );
    desk.shows_json(
        "review",
        "review",
        str![[r#"
$ work review --json
{
  "stream": "001-rename-fetch",
  "approvedAt": "2026-03-04T05:06:07Z",
  "approvedBy": "tester",
  "basis": "same",
  "threads": [],
  "texts": []
}
--- exit 0

"#]],
    );
}

#[test]
fn what_changed_line_by_line() {
    let desk = Desk::approved();
    desk.plan(changed());
    desk.shows(
        "review",
        str![[r#"
$ work review
approved just now by tester

01.01.01 The command  changed
  tasks
    - Keep an alias
    + Keep two aliases
  agent
    - default
    + reviewer

01.01.02 Completions  was renamed
  name
    - Shell completions and the man page
    + Completions

01.02.01 Help texts  changed
  details
    - Keep them short.
    + Keep them very short.
    + And polite.

02.01.01 Remove the alias  is gone

02.01.02 Remove the alias  is new

01.02 The words  says something else
  summary
    - Texts that people read.
    + All texts.

02 Remove  says something else
  definition
    - `fetch` is gone.
    + `fetch` is gone for good.
--- stderr
hint: `work approve plan` approves the plan as it is now
--- exit 0

"#]],
    );
    desk.shows_json(
        "review",
        "review",
        str![[r#"
$ work review --json
{
  "stream": "001-rename-fetch",
  "approvedAt": "2026-03-04T05:06:07Z",
  "approvedBy": "tester",
  "basis": "copy",
  "threads": [
    {
      "id": "01.01.01",
      "name": "The command",
      "kind": "changed",
      "parts": [
        {
          "part": "tasks",
          "lines": [
            {
              "removed": "Keep an alias"
            },
            {
              "added": "Keep two aliases"
            }
          ]
        },
        {
          "part": "agent",
          "lines": [
            {
              "removed": "default"
            },
            {
              "added": "reviewer"
            }
          ]
        }
      ]
    },
    {
      "id": "01.01.02",
      "name": "Completions",
      "kind": "renamed",
      "parts": [
        {
          "part": "name",
          "lines": [
            {
              "removed": "Shell completions and the man page"
            },
            {
              "added": "Completions"
            }
          ]
        }
      ]
    },
    {
      "id": "01.02.01",
      "name": "Help texts",
      "kind": "changed",
      "parts": [
        {
          "part": "details",
          "lines": [
            {
              "removed": "Keep them short."
            },
            {
              "added": "Keep them very short."
            },
            {
              "added": "And polite."
            }
          ]
        }
      ]
    },
    {
      "id": "02.01.01",
      "name": "Remove the alias",
      "kind": "gone",
      "parts": []
    },
    {
      "id": "02.01.02",
      "name": "Remove the alias",
      "kind": "new",
      "parts": []
    }
  ],
  "texts": [
    {
      "id": "01.02",
      "name": "The words",
      "parts": [
        {
          "part": "summary",
          "lines": [
            {
              "removed": "Texts that people read."
            },
            {
              "added": "All texts."
            }
          ]
        }
      ]
    },
    {
      "id": "02",
      "name": "Remove",
      "parts": [
        {
          "part": "definition",
          "lines": [
            {
              "removed": "`fetch` is gone."
            },
            {
              "added": "`fetch` is gone for good."
            }
          ]
        }
      ]
    }
  ]
}
--- exit 0

"#]],
    );
    desk.run("approve plan --yes").ok();
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

/// The approval was given on another machine, and the plan was committed.
#[test]
fn without_the_copy_git_may_have_the_approved_text() {
    let desk = Desk::approved();
    let repo = desk.path("repo");
    desk.env.git(&repo, &["add", "--all"]);
    desk.env.git(&repo, &["commit", "--quiet", "--message=Plan"]);
    std::fs::remove_dir_all(desk.path("repo/.git/work/approved")).expect("it was there");
    desk.plan(changed());
    let shown = desk.run("review").ok().stdout;
    assert!(shown.contains("compared with commit"), "{shown}");
    assert!(shown.contains("+ Keep them very short."), "{shown}");
}

#[test]
fn without_the_text_its_hashes_tell_what_they_can() {
    let desk = Desk::approved();
    std::fs::remove_dir_all(desk.path("repo/.git/work/approved")).expect("it was there");
    desk.plan(changed());
    desk.shows(
        "review",
        str![[r#"
$ work review
approved just now by tester
the approved text was not found; its hashes tell what changed

01.01.01 The command  changed
  tasks
    - Keep an alias
    + Keep two aliases
  agent
    - default
    + reviewer

01.01.02 Completions  was renamed
  name
    - Shell completions and the man page
    + Completions

01.02.01 Help texts  changed
  something of which the approved text is not on this machine

02.01.01 Remove the alias  is gone

02.01.02 Remove the alias  is new
--- stderr
hint: `work approve plan` approves the plan as it is now
--- exit 0

"#]],
    );
    desk.plan(PLAN.replace("`fetch` is gone.", "`fetch` is gone for good."));
    desk.shows(
        "review",
        str![[r#"
$ work review
approved just now by tester
the approved text was not found; its hashes tell what changed

plan Rename the `fetch` command  says something else
  something of which the approved text is not on this machine
--- stderr
hint: `work approve plan` approves the plan as it is now
--- exit 0

"#]],
    );
}

/// No thread drifts by it, and agents are told it.
#[test]
fn words_around_the_threads_are_told_too() {
    let desk = Desk::approved();
    desk.plan(PLAN.replace("`fetch` is gone.", "`fetch` is gone for good."));
    assert_eq!(desk.run("status").ok().stderr, "", "no thread drifted");
    desk.shows(
        "review",
        str![[r#"
$ work review
approved just now by tester

02 Remove  says something else
  definition
    - `fetch` is gone.
    + `fetch` is gone for good.
--- stderr
hint: `work approve plan` approves the plan as it is now
--- exit 0

"#]],
    );
    desk.shows(
        "validate plan",
        str![[r#"
$ work validate plan
note[S007]: what the plan, a stage or a batch says was changed after it was approved
--> [REPO]/work/001-rename-fetch/PLAN.md
 = help: `work review` shows what; `work approve plan` approves it

PLAN.md: 1 note
--- exit 0

"#]],
    );
    desk.shows("validate --explain S007", str![[r#"
$ work validate --explain S007
S007: Every thread is as it was approved, and runs; but the words around them are not: the plan's summary, a stage's definition, constitution or questions, a batch's summary, or a name. Agents are told them. `work review` shows the lines.
--- exit 0

"#]]);
}

#[test]
fn an_unreadable_plan_is_told() {
    let desk = Desk::approved();
    desk.plan(b"\xff");
    desk.refuses("review", 1, &["cannot read"]);
}
