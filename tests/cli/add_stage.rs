//! `work add-stage`

use snapbox::str;

use super::desk::{Desk, PLAN, STREAM};

/// The plan as it is now.
fn plan(desk: &Desk) -> String {
    String::from_utf8(desk.bytes(format!("{STREAM}/PLAN.md"))).expect("text")
}

#[test]
fn a_stage_at_the_end() {
    let desk = Desk::planned();
    desk.shows(
        "add-stage 'Clean up' --dry-run",
        str![[r#"
$ work add-stage 'Clean up' --dry-run
would add stage 03 Clean up

### Stage 03: Clean up

#### Stage Definition

TODO: what is true when this stage is done.

#### Stage Constitution

**Inputs:**
- TODO: what the stage builds on.

**Structure:**
- TODO: its batches, and why in this order.

**Outputs:**
- TODO: what it leaves behind.

#### Stage Questions

- [ ] TODO: what a person has to decide before the stage starts.

#### Stage Batches
--- exit 0

"#]],
    );
    assert_eq!(plan(&desk), PLAN, "a dry run changes nothing");
    desk.shows(
        "add-stage 'Clean up'",
        str![[r#"
$ work add-stage 'Clean up'
added stage 03 Clean up
--- stderr
hint: `work edit` fills it in; `work add-batch --stage 03 NAME` goes on
hint: `work approve plan` approves the plan when it is ready
--- exit 0

"#]],
    );
    assert!(plan(&desk).starts_with(PLAN.trim_end()), "only text behind it");
    desk.shows_json("add", "add-stage Another", str![[r####"
$ work add-stage Another --json
{
  "added": [
    {
      "id": "04",
      "name": "Another"
    }
  ],
  "moved": [],
  "state": "not-approved",
  "text": "### Stage 04: Another/n/n#### Stage Definition/n/nTODO: what is true when this stage is done./n/n#### Stage Constitution/n/n**Inputs:**/n- TODO: what the stage builds on./n/n**Structure:**/n- TODO: its batches, and why in this order./n/n**Outputs:**/n- TODO: what it leaves behind./n/n#### Stage Questions/n/n- [ ] TODO: what a person has to decide before the stage starts./n/n#### Stage Batches"
}
--- exit 0

"####]]);
    desk.refuses("approve plan --yes", 1, &["placeholders"]);
}

#[test]
fn between_others_the_numbers_move_and_nothing_else() {
    let desk = Desk::with_plan(
        PLAN.replace("After two releases.", "After two releases.\n\n**Depends on:** 02.01.02"),
    );
    let before = plan(&desk);
    desk.shows(
        "add-stage Between --after 1",
        str![[r#"
$ work add-stage Between --after 1
added stage 02 Between
stage 02 is now 03
--- stderr
hint: `work edit` fills it in; `work add-batch --stage 02 NAME` goes on
hint: `work approve plan` approves the plan when it is ready
hint: ids that stand in texts of PLAN.md are as they were; `work review` shows what drifted
--- exit 0

"#]],
    );
    let after = plan(&desk);
    let (new, rest) = after.split_once("### Stage 03: Remove").expect("it moved");
    assert!(before.starts_with(new.split("### Stage 02: Between").next().expect("the front")));
    let (_, old) = before.split_once("### Stage 02: Remove").expect("it was there");
    assert_eq!(rest, old.replace("02.01.02", "03.01.02"));
}

/// Threads that nobody began move with their stage, in the state as well, and may run as before.
#[test]
fn approved_threads_stay_approved_under_their_new_numbers() {
    let desk = Desk::with_plan(
        PLAN.replace("After two releases.", "After two releases.\n\n**Depends on:** 01.01.01"),
    );
    desk.run("approve plan --yes").ok();
    desk.run("assign --thread 2.1.1 --agent default").ok();
    desk.run("add-stage Between --after 1").ok();
    assert_eq!(desk.run("status").ok().stderr, "", "no drift");
    let thread = &desk.state_json()["threads"][3];
    assert_eq!((&thread["id"], &thread["agent"]), (&"03.01.01".into(), &"default".into()));
    assert_eq!(thread["tasks"][0]["id"], "03.01.01.01");
    desk.shows(
        "review",
        str![[r#"
$ work review
approved just now by tester

02 Between  is new
--- stderr
hint: `work approve plan` approves the plan as it is now
--- exit 0

"#]],
    );
}

/// Else its records would belong to another stage.
#[test]
fn a_stage_with_a_history_keeps_its_number() {
    let desk = Desk::approved();
    desk.run("update --thread 2.1.1 --report half --status in_progress").ok();
    desk.shows(
        "add-stage Between --after 1",
        str![[r#"
$ work add-stage Between --after 1
--- stderr
error: stage 02 would get another number, and it has a history under this one
hint: add it at the end, without `--after`
--- exit 1

"#]],
    );
    desk.refuses("add-stage Between --after 1", 1, &["stage 02", "without `--after`"]);
    desk.run("add-stage Last").ok();
}

#[test]
fn on_an_approved_plan_it_waits_for_its_approval() {
    let desk = Desk::approved();
    desk.shows(
        "add-stage 'Clean up'",
        str![[r#"
$ work add-stage 'Clean up'
added stage 03 Clean up
--- stderr
hint: `work edit` fills it in; `work add-batch --stage 03 NAME` goes on
hint: `work approve plan` takes it over; until then it does not run
--- exit 0

"#]],
    );
    assert_eq!(desk.run("status").ok().stderr, "", "a stage without threads is no drift of a thread");
    desk.shows(
        "validate plan",
        str![[r#"
$ work validate plan
note[S007]: what the plan, a stage or a batch says was changed after it was approved
--> [REPO]/work/001-rename-fetch/PLAN.md
 = help: `work review` shows what; `work approve plan` approves it

warning[P022]: this stage has no threads
   --> [REPO]/work/001-rename-fetch/PLAN.md:107:1
    |
107 | ### Stage 03: Clean up
    | ^^^^^^^^^^^^^^^^^^^^^^
    |
    = help: add a thread, or remove the heading

warning[P034]: a placeholder is left in the plan
   --> [REPO]/work/001-rename-fetch/PLAN.md:111:1
    |
111 | TODO: what is true when this stage is done.
    | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ nobody has replaced this
    |
    = help: replace it, or remove it

warning[P034]: a placeholder is left in the plan
   --> [REPO]/work/001-rename-fetch/PLAN.md:116:3
    |
116 | - TODO: what the stage builds on.
    |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ nobody has replaced this
    |
    = help: replace it, or remove it

warning[P034]: a placeholder is left in the plan
   --> [REPO]/work/001-rename-fetch/PLAN.md:119:3
    |
119 | - TODO: its batches, and why in this order.
    |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ nobody has replaced this
    |
    = help: replace it, or remove it

warning[P034]: a placeholder is left in the plan
   --> [REPO]/work/001-rename-fetch/PLAN.md:122:3
    |
122 | - TODO: what it leaves behind.
    |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ nobody has replaced this
    |
    = help: replace it, or remove it

warning[P034]: a placeholder is left in the plan
   --> [REPO]/work/001-rename-fetch/PLAN.md:126:7
    |
126 | - [ ] TODO: what a person has to decide before the stage starts.
    |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ nobody has replaced this
    |
    = help: replace it, or remove it

PLAN.md: 6 warnings, 1 note
--- exit 0

"#]],
    );
}

#[test]
fn a_fix_stage_has_a_thread_for_each_that_is_not_done_and_can_run() {
    let desk = Desk::busy();
    desk.run("approve plan --yes").ok();
    desk.shows("add-stage 'Second try' --fix --dry-run", str![[r#"
$ work add-stage 'Second try' --fix --dry-run
would add stage 03 Fix - Second try
would add batch 03.01 What is left
would add thread 03.01.01 Shell completions and the man page
would add thread 03.01.02 Help texts

### Stage 03: Fix - Second try

#### Stage Definition

What these threads left undone is done: 01.01.02, 01.02.01.

#### Stage Batches

##### Batch 01: What is left

What these threads left undone is done: 01.01.02, 01.02.01.

###### Thread 01: Shell completions and the man page

**Agent:** docs-writer

**Summary:**
Finish what thread 01.01.02 left (failed: rate-limit: 429: the quota is used up).

**Details:**
Let everything that a person types or reads know the new name.

See the page of `pull`.

What was reported of thread 01.01.02 so far:

- 01.01.02.01 Shell completions and the man page (in_progress): left at: completions/pull.bash is done, zsh comes next

**Tasks:**
- [ ] Shell completions and the man page

**Paths:**
- `completions/**`
- `doc/pull.1`

**Verify:**
- make man

###### Thread 02: Help texts

**Summary:**
Finish what thread 01.02.01 left (interrupted: its window or command was closed).

**Details:**
Say `pull` in every help text.

Keep them short.

Nothing was reported of thread 01.02.01; look at what is there first.

**Tasks:**
- [ ] Help texts
--- exit 0

"#]]);
    desk.shows(
        "add-stage 'Second try' --fix",
        str![[r#"
$ work add-stage 'Second try' --fix
added stage 03 Fix - Second try
added batch 03.01 What is left
added thread 03.01.01 Shell completions and the man page
added thread 03.01.02 Help texts
--- stderr
hint: `work approve plan` takes it over; until then it does not run
hint: then `work multi --batch 03.01` runs it
--- exit 0

"#]],
    );
    desk.shows(
        "approve plan --yes",
        str![[r#"
$ work approve plan --yes
approved 6 threads, 7 tasks; new: 03.01.01 03.01.02; kept for their history: 01.02.02
--- stderr
warning: thread 03.01.01 names agent `docs-writer`, which agents.yaml does not have: it can't run before
hint: `work multi` runs the next batch; `work status` shows how it goes
--- exit 0

"#]],
    );
    desk.shows("prompt --thread 3.1.1", str![[r#"
$ work prompt --thread 3.1.1
You work on one thread of a planned piece of software work: `Rename fetch` (001-rename-fetch).

# Thread 03.01.01: Shell completions and the man page

- Stage 03: Fix - Second try
- Batch 03.01: What is left
- Other agents work on these threads at the same time; leave their work alone: 03.01.02 Help texts
- The whole plan: `work/001-rename-fetch/PLAN.md`

## What the stage is for

What these threads left undone is done: 01.01.02, 01.02.01.

## What the batch is about

What these threads left undone is done: 01.01.02, 01.02.01.

## Summary

Finish what thread 01.01.02 left (failed: rate-limit: 429: the quota is used up).

## Details

Let everything that a person types or reads know the new name.

See the page of `pull`.

What was reported of thread 01.01.02 so far:

- 01.01.02.01 Shell completions and the man page (in_progress): left at: completions/pull.bash is done, zsh comes next

## Touch only these paths

- `completions/**`
- `doc/pull.1`

## These commands must pass before you are done

- `make man`

## Tasks

- [ ] `03.01.01.01` Shell completions and the man page

## How to report

Report every task in the shell, when you begin it and when you end it. Only what is reported counts as done.

```sh
work update --stream 001-rename-fetch --task 03.01.01.01 --status in_progress
work update --stream 001-rename-fetch --task 03.01.01.01 --status completed --report "what you did, in one or two sentences"
work update --stream 001-rename-fetch --task 03.01.01.01 --status blocked --report "what is missing"
```

Leave a trail for whoever continues if you are cut off: `--breadcrumb "where you are"`.
Follow the conventions of the repository. A question may find nobody who answers it: decide what you can, and say so in the report.

--- exit 0

"#]]);
}

#[test]
fn nothing_to_fix() {
    let desk = Desk::approved();
    desk.shows(
        "add-stage x --fix",
        str![[r#"
$ work add-stage x --fix
--- stderr
error: stream `001-rename-fetch` has no thread that was begun and is not done
hint: `work status` shows the threads
--- exit 1

"#]],
    );
    desk.refuses("add-stage x --fix", 1, &["`work status`"]);
}

#[test]
fn names_and_places_that_make_no_sense() {
    let desk = Desk::planned();
    for name in ["''", "' '", "'a\nb'", "'a #'"] {
        let output = desk.run(&format!("add-stage {name}"));
        assert!(matches!(output.code, 1 | 2), "{name}: {output:#?}");
        assert_eq!(plan(&desk), PLAN, "{name}");
    }
    desk.shows(
        "add-stage ''",
        str![[r#"
$ work add-stage ''
--- stderr
error: `` is no name that can stand in a plan
hint: a name is one line of text, which Markdown takes for nothing else
--- exit 2

"#]],
    );
    desk.shows(
        "add-stage 'a #'",
        str![[r#"
$ work add-stage 'a #'
--- stderr
error: `a #` is no name that can stand in a plan
hint: a name is one line of text, which Markdown takes for nothing else
--- exit 2

"#]],
    );
    desk.shows(
        "add-stage x --after 7",
        str![[r#"
$ work add-stage x --after 7
--- stderr
error: no stage `7` in stream `001-rename-fetch`
hint: there are 01, 02
--- exit 2

"#]],
    );
    desk.shows(
        "add-stage x --after 1 --fix",
        str![[r#"
$ work add-stage x --after 1 --fix
--- stderr
error: the argument '--after <ID>' cannot be used with '--fix'

Usage: work add-stage --after <ID> <NAME>

For more information, try '--help'.
--- exit 2

"#]],
    );
    desk.refuses("add-stage x --after 1.1", 2, &["no stage `1.1`"]);
    desk.plan(b"\xff");
    desk.refuses("add-stage x", 1, &["cannot read"]);
}
