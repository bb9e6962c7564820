//! Pipes, terminals and colours.

use snapbox::str;

use super::desk::{Desk, document};
use crate::support::terminal::Terminal;
use crate::support::wait::{PATIENCE, wait_until};

/// Runs a line of bash in the repository; `work` is a function of it.
fn bash(desk: &Desk, line: &str) -> (i32, String, String) {
    let script = format!("set -o pipefail\nwork() {{ '{}' \"$@\"; }}\n{line}", env!("CARGO_BIN_EXE_work"));
    let output = desk.env.run("bash", &desk.path("repo"), ["-c", &script]);
    (output.code, output.stdout, output.stderr)
}

#[test]
fn a_closed_pipe_is_silent_and_no_failure() {
    let desk = Desk::busy();
    // Much more than a pipe holds.
    let many = "- [ ] A task that goes on\n".repeat(90);
    desk.plan(super::desk::PLAN.replace("- [ ] Keep an alias\n", &many));
    desk.run("approve plan --yes").ok();
    for line in [
        "work status | head -1",
        "work tree | head -1",
        "work status --json | head -c 1",
        "work prompt -t 1.1.1 | head -1",
    ] {
        let (code, stdout, stderr) = bash(&desk, line);
        assert_eq!((code, stderr.as_str()), (0, ""), "{line}");
        assert!(!stdout.is_empty());
    }
    for line in [
        "work tree | true",
        "work status --sessions | true",
        "work validate | true",
        "work show 01 2>&1 | true",
    ] {
        let (_, _, stderr) = bash(&desk, line);
        assert_eq!(stderr, "", "{line}");
        let (_, status, _) = bash(&desk, &format!("{line}; echo ${{PIPESTATUS[0]}} >&2; true"));
        assert_eq!(status, "");
    }
    // The pipe is closed before the first word is written.
    let (code, _, stderr) = bash(&desk, "(sleep 0.3; work tree) | true");
    assert_eq!((code, stderr.as_str()), (0, ""));
    let (code, _, _) = bash(&desk, "work status >&-");
    assert_eq!(code, 0);
    let (code, _, _) = bash(&desk, "work status 2>&-");
    assert_eq!(code, 0);
    let (code, _, stderr) = bash(&desk, "work status > /dev/full");
    assert_eq!(code, 1);
    assert!(stderr.starts_with("error: cannot write to standard output: No space left"), "{stderr}");
}

#[test]
fn colours_stand_only_where_they_are_wanted() {
    let mut desk = Desk::busy();
    let coloured = |desk: &Desk, line: &str| {
        let output = desk.run(line);
        (output.stdout.contains('\u{1b}'), output.stderr.contains('\u{1b}'))
    };
    assert_eq!(coloured(&desk, "status"), (false, false));
    assert_eq!(coloured(&desk, "status --color always"), (true, false));
    assert_eq!(coloured(&desk, "show 7 --color always"), (false, true));
    assert_eq!(coloured(&desk, "validate --color always"), (true, false));
    assert_eq!(coloured(&desk, "status --color always --json"), (false, false));
    assert_eq!(coloured(&desk, "statu --color always"), (false, true), "also where the line makes no sense");
    assert_eq!(coloured(&desk, "--color=always statu --color=never"), (false, false));
    desk.env.set("NO_COLOR", "1");
    assert_eq!(coloured(&desk, "status"), (false, false));
    assert_eq!(coloured(&desk, "status --color always"), (true, false), "an option decides");
    // Colour adds nothing but colour.
    let plain = |text: &str| {
        let mut parts = text.split("\u{1b}[");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
    };
    for line in ["status", "status --sessions", "tree", "list", "agents", "show 1.1"] {
        let colour = plain(&desk.run(&format!("{line} --color always")).stdout);
        let trimmed: Vec<&str> = colour.lines().map(str::trim_end).collect();
        assert_eq!(trimmed, desk.run(line).stdout.lines().collect::<Vec<_>>(), "{line}");
    }
}

#[test]
fn quiet_leaves_data_warnings_and_errors() {
    let desk = Desk::planned();
    desk.shows(
        "-q status",
        str![[r#"
$ work -q status
001-rename-fetch  ·  no threads yet  ·  plan not approved
--- exit 0

"#]],
    );
    desk.shows(
        "-q create Other",
        str![[r#"
$ work -q create Other
created 002-other
--- exit 0

"#]],
    );
    desk.shows(
        "-q preview -s 2",
        str![[r#"
$ work -q preview -s 2
Plan: Other
└── 01 TODO
    └── 01.01 TODO
        └── 01.01.01 TODO
--- stderr
warning: the plan has 1 warning; `work validate plan` shows them
--- exit 0

"#]],
    );
    desk.shows(
        "-q show 1",
        str![[r#"
$ work -q show 1
--- stderr
error: stream `002-other` has no threads yet
hint: `work approve plan` takes them over from PLAN.md
--- exit 8

"#]],
    );
}

fn open<'a>(desk: &'a Desk, size: (u16, u16), line: &str) -> Terminal<'a> {
    Terminal::open(&desk.env, &desk.path("repo"), size, line)
}

/// What a line shows in a terminal of this size.
fn seen(desk: &Desk, columns: u16, lines: u16, line: &str) -> String {
    let terminal = open(desk, (columns, lines), line);
    wait_until("its end", PATIENCE, || terminal.has_ended());
    let text = terminal.text();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>().trim_end().to_owned() + "\n"
}

#[test]
fn on_a_terminal_tables_fit_and_ids_stay_whole() {
    let desk = Desk::busy();
    desk.is(
        &seen(&desk, 80, 40, "work status"),
        str![[r#"
001-rename-fetch  ·  stage 1 of 2  ·  2/5 tasks  ·  1 failed, 1 interrupted
  ≥ $1.51

Stage  Name       Progress    Tasks
01     Rename     █████░░░░░  2/4
01.01  The name   ██████░░░░  2/3
01.02  The words  ░░░░░░░░░░  0/1
02     Remove     ░░░░░░░░░░  0/1
02.01  Removal    ░░░░░░░░░░  0/1

Thread    Name                                Status       Tasks  Spent
01.01.01  The command                         completed    2/2    $0.0123
          2 sessions · default · completed 46m ago
01.01.02  Shell completions and the man page  failed       0/1    $1.50
          1 session · docs-writer · failed 3m ago (rate-limit) · can be resumed
01.02.01  Help texts                          interrupted  0/1
          1 session · default · interrupted 46h ago · can be resumed
01.02.02  Blog post (no longer in the plan)   cancelled    0/0
          1 session · default · completed 11d ago
02.01.01  Remove the alias                    pending      0/1
          no session
exit 0

"#]],
    );
    desk.is(
        &seen(&desk, 80, 40, "work status --sessions"),
        str![[r#"
001-rename-fetch  ·  stage 1 of 2  ·  2/5 tasks  ·  1 failed, 1 interrupted
  ≥ $1.51

Thread    Try  Status       Agent        Started  Cost
01.01.01  1    failed       default      1h ago
          none was opened · anthropic/claude-sonnet-4-5
01.01.01  2    completed    default      56m ago  $0.0123
          ses_2f0c6b1e9ffeXk3ZyQp7WmRt1a · anthropic/claude-sonnet-4-5
01.01.02  1    failed       docs-writer  16m ago  $1.50
          ses_2f0c6b1e8ffeAb4CdEf5GhIj6K · openrouter/openai/gpt-5.2-codex#high
01.02.01  1    interrupted  default      2d ago
          ses_2f0c6b1e7ffeLm7NoPq8RsTu9V · anthropic/claude-sonnet-4-5
01.02.02  1    completed    default      11d ago
          ses_mkrdcbqn_7zf4i6 (invented) · anthropic/claude-opus-4-5

01.01.01 try 1: auth: 401: no key
01.01.02 try 1: rate-limit: 429: the quota is used up
01.02.01 try 1: interrupted: its window or command was closed

Agent        Sessions  Tokens in  Tokens out  Cost
default      4         ≥ 10,200   ≥ 340       ≥ $0.0123
docs-writer  1         5,200      900         $1.50
exit 0

"#]],
    );
    desk.is(
        &seen(&desk, 100, 40, "work status --sessions"),
        str![[r#"
001-rename-fetch  ·  stage 1 of 2  ·  2/5 tasks  ·  1 failed, 1 interrupted  ·  ≥ $1.51

Thread    Try  Status       Agent        Model                          Started  Took  Exit  Cost
01.01.01  1    failed       default      anthropic/claude-sonnet-4-5    1h ago   1s    1
          none was opened · 2026-03-04 04:00:00
01.01.01  2    completed    default      anthropic/claude-sonnet-4-5    56m ago  10m   0     $0.0123
          ses_2f0c6b1e9ffeXk3ZyQp7WmRt1a · 2026-03-04 04:10:00 · 10200+340 tokens
01.01.02  1    failed       docs-writer  openrouter/openai/gpt-5.2-co…  16m ago  13m   1     $1.50
          ses_2f0c6b1e8ffeAb4CdEf5GhIj6K · 2026-03-04 04:50:00 · 5200+900 tokens
01.02.01  1    interrupted  default      anthropic/claude-sonnet-4-5    2d ago   1h    130
          ses_2f0c6b1e7ffeLm7NoPq8RsTu9V · 2026-03-02 05:00:00
01.02.02  1    completed    default      anthropic/claude-opus-4-5      11d ago  10m   0
          ses_mkrdcbqn_7zf4i6 (invented) · 2026-02-20 09:00:00

01.01.01 try 1: auth: 401: no key
01.01.02 try 1: rate-limit: 429: the quota is used up
01.02.01 try 1: interrupted: its window or command was closed

Agent        Sessions  Tokens in  Tokens out  Cost
default      4         ≥ 10,200   ≥ 340       ≥ $0.0123
docs-writer  1         5,200      900         $1.50
exit 0

"#]],
    );
    desk.is(&seen(&desk, 120, 40, "work status"), str![[r#"
001-rename-fetch  ·  stage 1 of 2  ·  2/5 tasks  ·  1 failed, 1 interrupted  ·  ≥ $1.51

Stage  Name       Progress    Tasks
01     Rename     █████░░░░░  2/4
01.01  The name   ██████░░░░  2/3
01.02  The words  ░░░░░░░░░░  0/1
02     Remove     ░░░░░░░░░░  0/1
02.01  Removal    ░░░░░░░░░░  0/1

Thread    Name                    Status       Tasks  Sessions  Spent    Last agent   Last session                Resume
01.01.01  The command             completed    2/2    2         $0.0123  default      completed 46m ago
01.01.02  Shell completions and…  failed       0/1    1         $1.50    docs-writer  failed 3m ago (rate-limit)  yes
01.02.01  Help texts              interrupted  0/1    1                  default      interrupted 46h ago         yes
01.02.02  Blog post (no longer…   cancelled    0/0    1                  default      completed 11d ago
02.01.01  Remove the alias        pending      0/1    0
exit 0

"#]]);
    desk.is(&seen(&desk, 200, 40, "work status --sessions"), str![[r#"
001-rename-fetch  ·  stage 1 of 2  ·  2/5 tasks  ·  1 failed, 1 interrupted  ·  ≥ $1.51

Thread    Try  Status       Agent        Model                                 Session                         Started                       Took  Exit  Tokens     Cost
01.01.01  1    failed       default      anthropic/claude-sonnet-4-5           none was opened                 2026-03-04 04:00:00, 1h ago   1s    1
01.01.01  2    completed    default      anthropic/claude-sonnet-4-5           ses_2f0c6b1e9ffeXk3ZyQp7WmRt1a  2026-03-04 04:10:00, 56m ago  10m   0     10200+340  $0.0123
01.01.02  1    failed       docs-writer  openrouter/openai/gpt-5.2-codex#high  ses_2f0c6b1e8ffeAb4CdEf5GhIj6K  2026-03-04 04:50:00, 16m ago  13m   1     5200+900   $1.50
01.02.01  1    interrupted  default      anthropic/claude-sonnet-4-5           ses_2f0c6b1e7ffeLm7NoPq8RsTu9V  2026-03-02 05:00:00, 2d ago   1h    130
01.02.02  1    completed    default      anthropic/claude-opus-4-5             ses_mkrdcbqn_7zf4i6 (invented)  2026-02-20 09:00:00, 11d ago  10m   0

01.01.01 try 1: auth: 401: no key
01.01.02 try 1: rate-limit: 429: the quota is used up
01.02.01 try 1: interrupted: its window or command was closed

Agent        Sessions  Tokens in  Tokens out  Cost
default      4         ≥ 10,200   ≥ 340       ≥ $0.0123
docs-writer  1         5,200      900         $1.50
exit 0

"#]]);
    desk.is(
        &seen(&desk, 80, 40, "work show 1.1.1"),
        str![[r#"
01.01.01 The command  completed  @default
  01.01.01.01 Rename the file and its test  completed
    report: Renamed; the test came along.
      Both are green.
  01.01.01.02 Keep an alias  completed

Thread    Try  Status     Agent    Started  Cost
01.01.01  1    failed     default  1h ago
          none was opened · anthropic/claude-sonnet-4-5
01.01.01  2    completed  default  56m ago  $0.0123
          ses_2f0c6b1e9ffeXk3ZyQp7WmRt1a · anthropic/claude-sonnet-4-5

01.01.01 try 1: auth: 401: no key
exit 0

"#]],
    );
    desk.is(
        &seen(&desk, 80, 40, "work list; work agents; work preview"),
        str![[r#"
   Stream            Name          Tasks  Threads  Plan      Changed
*  001-rename-fetch  Rename fetch  2/5    5        approved  just now
Agent    Best for              Backend   Models                       Usable
default  Everyday development  opencode  anthropic/claude-sonnet-4-5  yes
Plan: Rename the `fetch` command
├── 01 Rename
│   ├── 01.01 The name
│   │   ├── 01.01.01 The command
│   │   │   ├── 01.01.01.01 Rename the file and its test
│   │   │   └── 01.01.01.02 Keep an alias
│   │   └── 01.01.02 Shell completions and the man page
│   └── 01.02 The words
│       └── 01.02.01 Help texts
└── 02 Remove
    └── 02.01 Removal
        └── 02.01.01 Remove the alias
exit 0

"#]],
    );
    desk.is(
        &seen(&desk, 60, 60, "work tree"),
        str![[r#"
001-rename-fetch
├── 01 Rename  2/4
│   ├── 01.01 The name
│   │   ├── 01.01.01 The command @default  completed
│   │   │   ├── 01.01.01.01 Rename the file and…  completed
│   │   │   └── 01.01.01.02 Keep an alias  completed
│   │   └── 01.01.02 Shell completions and the man…  failed
│   │       └── 01.01.02.01 Shell completions…  in_progress
│   └── 01.02 The words
│       ├── 01.02.01 Help texts  interrupted
│       │   └── 01.02.01.01 Help texts  pending
│       └── 01.02.02 Blog post  cancelled
└── 02 Remove  0/1
    └── 02.01 Removal
        └── 02.01.01 Remove the alias  pending
            └── 02.01.01.01 Remove the alias  pending
exit 0

"#]],
    );
}

#[test]
fn a_person_at_a_terminal_is_asked_before_a_plan_is_approved() {
    // Whole words are taken as well, and nothing of them is left to the shell.
    let answers: [(&[&str], i32, bool); 5] = [
        (&["n", "Enter"], 1, false),
        (&["Enter"], 1, false),
        (&["Escape", "Enter"], 1, false),
        (&["C-d"], 1, false),
        (&["y", "e", "s", "Enter"], 0, true),
    ];
    for (keys, exit, approved) in answers {
        let desk = Desk::planned();
        let terminal = open(&desk, (100, 40), "work approve plan");
        let shown = terminal.shows("approve 4 threads, 5 tasks?");
        assert!(shown.contains("01.01.02 Shell completions and the man page"), "{shown}");
        terminal.press(keys);
        let shown = terminal.ends_with(exit);
        let is_approved = document("status", &desk.run("status --json").ok())["approved"].as_bool();
        assert_eq!(is_approved, Some(approved), "{keys:?}: {shown}");
        assert_eq!(shown.contains("nothing was approved"), !approved, "{shown}");
    }
    // Ctrl-C is a no; and nobody is asked who gave their word already, or wants JSON.
    let desk = Desk::planned();
    let terminal = open(&desk, (100, 40), "work approve plan");
    terminal.shows("approve 4 threads, 5 tasks?");
    terminal.press(&["C-c"]);
    terminal.ends_with(130);
    assert_eq!(document("status", &desk.run("status --json").ok())["approved"], false);
    drop(terminal);
    assert!(seen(&desk, 100, 40, "work approve plan --json").contains("exit 8"));
    assert!(seen(&desk, 100, 40, "work approve plan --yes").contains("approved 4 threads, 5 tasks"));
}

/// A person at a terminal sees the stage, and is asked; no is the answer of every key but yes.
///
/// Mutant: `run_stage` does not ask (approved without a word).
#[test]
fn a_person_at_a_terminal_is_asked_before_a_stage_is_approved() {
    for (keys, exit, approved) in [(&["n", "Enter"], 1, false), (&["y", "Enter"], 0, true)] {
        let desk = Desk::busy();
        let terminal = open(&desk, (100, 40), "work approve stage 1 --force");
        let shown = terminal.shows("approve the result of stage 01?");
        assert!(
            shown.contains("01.02.01 Help texts  interrupted") && !shown.contains("Remove the alias"),
            "{shown}"
        );
        terminal.press(keys);
        terminal.ends_with(exit);
        let status = document("status", &desk.run("status --json").ok());
        assert_eq!(status["stages"][0]["approved"], approved, "{keys:?}");
    }
    let desk = Desk::busy();
    assert!(seen(&desk, 100, 40, "work approve stage 1 --force --yes").contains("approved stage 01"));
    assert!(
        seen(&desk, 100, 40, "work approve stage 2").contains("stage `02` is not done"),
        "before it asks"
    );
}

#[test]
fn the_editor_is_the_persons_own_and_what_it_changed_is_told() {
    let mut desk = Desk::approved();
    let editor = desk
        .env
        .script("bin/my editor", "#!/bin/sh\n[ \"$1\" = --wait ] || exit 3\ncat \"$0.more\" >> \"$2\"\n");
    desk.env.write("bin/my editor.more", "");
    desk.env.set("EDITOR", format!("'{}' --wait", editor.display()));
    assert!(seen(&desk, 120, 40, "work edit").contains("nothing was changed\nexit 0"));
    desk.env.write("bin/my editor.more", "And not before.\n");
    desk.is(
        &seen(&desk, 120, 40, "work edit"),
        str![[r#"
changed PLAN.md
warning: thread 02.01.01 `Remove the alias` was changed after it was approved
hint: `work review` shows what changed; `work approve plan` approves the plan as it is now
exit 0

"#]],
    );
    desk.env.write("bin/my editor.more", "\n###### Thread 01: Again\n");
    desk.is(
        &seen(&desk, 120, 40, "work edit"),
        str![[r#"
error[P014]: thread 01 stands twice
   --> [REPO]/work/001-rename-fetch/PLAN.md:108:1
    |
 99 | ###### Thread 01: Remove the alias
    | ---------------------------------- the first one
...
108 | ###### Thread 01: Again
    | ^^^^^^^^^^^^^^^^^^^^^^^ the second one
    |
    = help: give one thread another number

error[P023]: thread 02.01.01 has neither summary nor details
   --> [REPO]/work/001-rename-fetch/PLAN.md:108:1
    |
108 | ###### Thread 01: Again
    | ^^^^^^^^^^^^^^^^^^^^^^^ its agent is told nothing but this
    |
    = help: write `**Summary:**` and `**Details:**` below the heading

error: the plan was changed, and has errors
hint: `work edit` opens it again; `work validate plan` shows all findings
exit 3

"#]],
    );
    desk.env.set("EDITOR", format!("'{}'", editor.display()));
    open(&desk, (120, 40), "work edit").ends_with(6);
    desk.env.set("VISUAL", "no-such-editor");
    desk.is(
        &seen(&desk, 120, 40, "work edit"),
        str![[r#"
error: cannot start the editor `no-such-editor`
  because: No such file or directory (os error 2)
hint: `VISUAL`, and else `EDITOR`, names the editor
exit 6

"#]],
    );
    desk.env.unset("VISUAL");
    desk.env.unset("EDITOR");
    desk.is(
        &seen(&desk, 120, 40, "work edit"),
        str![[r#"
error: no editor is set; the plan is `[REPO]/work/001-rename-fetch/PLAN.md`
hint: name your editor in `VISUAL` or `EDITOR`, or edit the file with what you have
exit 2

"#]],
    );
}

#[test]
fn a_person_at_a_terminal_is_asked_before_anything_is_deleted() {
    for (key, exit, there) in [("n", 1, true), ("y", 0, false)] {
        let desk = Desk::approved();
        let terminal = open(&desk, (120, 40), "work delete thread 1.2.1");
        let shown = terminal.shows("delete 01.02.01?");
        assert!(shown.contains("this deletes thread 01.02.01 Help texts"), "{shown}");
        assert!(shown.contains("PLAN.md as it was can be got back from"), "{shown}");
        terminal.press(&[key, "Enter"]);
        let shown = terminal.ends_with(exit);
        assert_eq!(desk.run("preview").ok().stdout.contains("Help texts"), there, "{shown}");
    }
}
