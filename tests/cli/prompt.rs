//! `work prompt --thread ID`

use snapbox::str;

use super::desk::Desk;

#[test]
fn what_the_agent_gets() {
    let desk = Desk::busy();
    desk.shows("prompt --thread 01.01.01", str![[r#"
$ work prompt --thread 01.01.01
You work on one thread of a planned piece of software work: `Rename fetch` (001-rename-fetch).

# Thread 01.01.01: The command

- Stage 01: Rename
- Batch 01.01: The name
- Other agents work on these threads at the same time; leave their work alone: 01.01.02 Shell completions and the man page
- The whole plan: `work/001-rename-fetch/PLAN.md`

## What the stage is for

The command is `pull`, and `fetch` still works.

## The stage's inputs, structure and outputs

**Inputs:**
- The command as it is

**Outputs:**
- The command under its new name

## What the batch is about

Everything that knows the name.

## Summary

Rename the command, and keep the old name as an alias.

## Details

- Start in `src/commands/fetch.rs`

## Tasks

- [x] done: `01.01.01.01` Rename the file and its test
  - reported: Renamed; the test came along.
Both are green.
- [x] done: `01.01.01.02` Keep an alias

## What happened before

- attempt 1, `default` with anthropic/claude-sonnet-4-5 on 2026-03-04 04:00 UTC: failed, auth: 401: no key
- attempt 2, `default` with anthropic/claude-sonnet-4-5 on 2026-03-04 04:10 UTC: ended its turn

What such an attempt was about to do may be half done: look at the files before you write. What is reported as done need not be done again.

## How to report

Report every task in the shell, when you begin it and when you end it. Only what is reported counts as done.

```sh
work update --stream 001-rename-fetch --task 01.01.01.01 --status in_progress
work update --stream 001-rename-fetch --task 01.01.01.01 --status completed --report "what you did, in one or two sentences"
work update --stream 001-rename-fetch --task 01.01.01.01 --status blocked --report "what is missing"
```

Leave a trail for whoever continues if you are cut off: `--breadcrumb "where you are"`.
Follow the conventions of the repository. A question may find nobody who answers it: decide what you can, and say so in the report.

--- exit 0

"#]]);
    desk.shows("prompt -t 1.1.2 -m 'Mind the `man` page.'", str![[r#"
$ work prompt -t 1.1.2 -m 'Mind the `man` page.'
You work on one thread of a planned piece of software work: `Rename fetch` (001-rename-fetch).

# Thread 01.01.02: Shell completions and the man page

- Stage 01: Rename
- Batch 01.01: The name
- Other agents work on these threads at the same time; leave their work alone: 01.01.01 The command
- The whole plan: `work/001-rename-fetch/PLAN.md`

## What the stage is for

The command is `pull`, and `fetch` still works.

## The stage's inputs, structure and outputs

**Inputs:**
- The command as it is

**Outputs:**
- The command under its new name

## What the batch is about

Everything that knows the name.

## Summary

Let everything that a person types or reads know the new name.

## Details

See the page of `pull`.

## Touch only these paths

- `completions/**`
- `doc/pull.1`

## These commands must pass before you are done

- `make man`

## Tasks

- [~] `01.01.02.01` Shell completions and the man page
  - left at: completions/pull.bash is done, zsh comes next

## What happened before

- attempt 1, `docs-writer` with openrouter/openai/gpt-5.2-codex#high on 2026-03-04 04:50 UTC: failed, rate-limit: 429: the quota is used up

What such an attempt was about to do may be half done: look at the files before you write. What is reported as done need not be done again.

## How to report

Report every task in the shell, when you begin it and when you end it. Only what is reported counts as done.

```sh
work update --stream 001-rename-fetch --task 01.01.02.01 --status in_progress
work update --stream 001-rename-fetch --task 01.01.02.01 --status completed --report "what you did, in one or two sentences"
work update --stream 001-rename-fetch --task 01.01.02.01 --status blocked --report "what is missing"
```

Leave a trail for whoever continues if you are cut off: `--breadcrumb "where you are"`.
Follow the conventions of the repository. A question may find nobody who answers it: decide what you can, and say so in the report.

## A word from the person who started you

Mind the `man` page.

--- exit 0

"#]]);
}

#[test]
fn as_json() {
    let desk = Desk::approved();
    desk.shows_json("prompt", "prompt -t 1.2.1", str![[r#"
$ work prompt -t 1.2.1 --json
{
  "thread": "01.02.01",
  "prompt": "You work on one thread of a planned piece of software work: `Rename fetch` (001-rename-fetch)./n/n# Thread 01.02.01: Help texts/n/n- Stage 01: Rename/n- Batch 01.02: The words/n- The whole plan: `work/001-rename-fetch/PLAN.md`/n/n## What the stage is for/n/nThe command is `pull`, and `fetch` still works./n/n## The stage's inputs, structure and outputs/n/n**Inputs:**/n- The command as it is/n/n**Outputs:**/n- The command under its new name/n/n## What the batch is about/n/nTexts that people read./n/n## Summary/n/nSay `pull` in every help text./n/n## Details/n/nKeep them short./n/n## Tasks/n/n- [ ] `01.02.01.01` Help texts/n/n## How to report/n/nReport every task in the shell, when you begin it and when you end it. Only what is reported counts as done./n/n```sh/nwork update --stream 001-rename-fetch --task 01.02.01.01 --status in_progress/nwork update --stream 001-rename-fetch --task 01.02.01.01 --status completed --report /"what you did, in one or two sentences/"/nwork update --stream 001-rename-fetch --task 01.02.01.01 --status blocked --report /"what is missing/"/n```/n/nLeave a trail for whoever continues if you are cut off: `--breadcrumb /"where you are/"`./nFollow the conventions of the repository. A question may find nobody who answers it: decide what you can, and say so in the report./n/n"
}
--- exit 0

"#]]);
}

#[test]
fn what_is_not_there() {
    let desk = Desk::busy();
    desk.shows(
        "prompt -t 01.02.02",
        str![[r#"
$ work prompt -t 01.02.02
--- stderr
error: thread `01.02.02` is no longer in the plan
hint: `work approve plan` approves the plan as it is now
--- exit 1

"#]],
    );
    desk.shows(
        "prompt",
        str![[r#"
$ work prompt
--- stderr
error: the following required arguments were not provided:
  --thread <ID>

Usage: work prompt --thread <ID>

For more information, try '--help'.
--- exit 2

"#]],
    );
}
