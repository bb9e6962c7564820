//! `work add-thread`

use snapbox::str;

use super::desk::{Desk, PLAN, STREAM};

#[test]
fn a_thread_with_all_that_it_needs() {
    let desk = Desk::approved();
    let line = "add-thread --batch 1.1 Tests --agent default --summary 'All is tested.' --details '- start in tests/' \
                --task 'Write them' --task 'Run them'";
    desk.shows(line, str![[r#"
$ work add-thread --batch 1.1 Tests --agent default --summary 'All is tested.' --details '- start in tests/' --task 'Write them' --task 'Run them'
added thread 01.01.03 Tests
--- stderr
hint: `work approve plan` takes it over; until then it does not run
--- exit 0

"#]]);
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
warning: thread 01.01.03 `Tests` is new, and was not approved
hint: `work approve plan` approves the plan as it is now
--- exit 0

"#]],
    );
    desk.shows(
        "approve plan --yes",
        str![[r#"
$ work approve plan --yes
approved 5 threads, 7 tasks; new: 01.01.03
--- stderr
hint: `work multi` runs the next batch; `work status` shows how it goes
--- exit 0

"#]],
    );
    assert_eq!(desk.state_json()["threads"][2]["tasks"][1]["name"], "Run them");
}

#[test]
fn one_to_fill_in() {
    let desk = Desk::planned();
    desk.shows(
        "add-thread -b 02.01 'Remove the docs' --dry-run",
        str![[r#"
$ work add-thread -b 02.01 'Remove the docs' --dry-run
would add thread 02.01.02 Remove the docs

###### Thread 02: Remove the docs

**Summary:**
TODO: what this thread achieves, in one or two sentences.

**Details:**
- TODO: files, steps, interfaces, tests.
--- exit 0

"#]],
    );
    desk.shows_json("add", "add-thread -b 02.01 'Remove the docs'", str![[r#######"
$ work add-thread -b 02.01 'Remove the docs' --json
{
  "added": [
    {
      "id": "02.01.02",
      "name": "Remove the docs"
    }
  ],
  "moved": [],
  "state": "not-approved",
  "text": "###### Thread 02: Remove the docs/n/n**Summary:**/nTODO: what this thread achieves, in one or two sentences./n/n**Details:**/n- TODO: files, steps, interfaces, tests."
}
--- exit 0

"#######]]);
    let plan = String::from_utf8(desk.bytes(format!("{STREAM}/PLAN.md"))).expect("text");
    assert!(plan.starts_with(PLAN.trim_end()));
}

#[test]
fn details_from_standard_input() {
    let desk = Desk::planned();
    let script = format!(
        "printf 'One.\\n\\n```sh\\n# a comment\\n```\\n' | '{}' add-thread -b 1.2 Piped --details - --summary s",
        env!("CARGO_BIN_EXE_work")
    );
    desk.env.run("bash", &desk.path("repo"), ["-c", &script]).ok();
    let plan = String::from_utf8(desk.bytes(format!("{STREAM}/PLAN.md"))).expect("text");
    assert!(plan.contains("**Details:**\nOne.\n\n```sh\n# a comment\n```\n\n### Stage 02"), "{plan}");
}

/// A number that somebody worked under is not given to another thread.
#[test]
fn a_number_with_a_history_is_not_given_again() {
    let desk = Desk::busy();
    desk.run("approve plan --yes").ok();
    let output = desk.run("add-thread -b 1.2 New").ok();
    assert!(output.stdout.contains("01.02.03"), "01.02.02 is kept for its history: {output:#?}");
}

#[test]
fn what_the_plan_would_misread_is_refused() {
    let desk = Desk::planned();
    desk.shows(
        "add-thread -b 1.1 x --details '###### Thread 09: y'",
        str![[r#"
$ work add-thread -b 1.1 x --details '###### Thread 09: y'
--- stderr
error: the new text holds something that a plan takes for a heading, a label or a box
hint: put it into a code block, or in other words; `--dry-run` shows what is added
--- exit 2

"#]],
    );
    for details in ["'**Agent:** y'", "'```'", "'## Stages'"] {
        desk.refuses(&format!("add-thread -b 1.1 x --details {details}"), 2, &["heading, a label"]);
    }
    desk.shows(
        "add-thread -b 1.1 x --agent nobody",
        str![[r#"
$ work add-thread -b 1.1 x --agent nobody
--- stderr
error: no agent `nobody` in `work/agents.yaml`
hint: there are default
--- exit 2

"#]],
    );
    desk.refuses("add-thread -b 9.9 x", 2, &["no batch `9.9`", "did you mean"]);
    desk.refuses("add-thread -b 1.1 x --task ''", 2, &["no name"]);
}
