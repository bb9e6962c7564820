//! `work multi (what would run, and what is refused)`

use snapbox::str;

use super::desk::Desk;

#[test]
fn what_would_run() {
    let desk = Desk::approved();
    desk.shows("multi --dry-run", str![[r#"
$ work multi --dry-run
batch 01.01 The name
would run 01.01.01 The command with default (anthropic/claude-sonnet-4-5) in [REPO], tui, permissions: ask; `work prompt --thread 01.01.01` shows its 1484 bytes of prompt
would run 01.01.02 Shell completions and the man page with default (anthropic/claude-sonnet-4-5) in [REPO], tui, permissions: ask; `work prompt --thread 01.01.02` shows its 1578 bytes of prompt
--- exit 0

"#]]);
    desk.shows("multi --batch 1.2 --dry-run", str![[r#"
$ work multi --batch 1.2 --dry-run
batch 01.02 The words
would run 01.02.01 Help texts with default (anthropic/claude-sonnet-4-5) in [REPO], tui, permissions: ask; `work prompt --thread 01.02.01` shows its 1259 bytes of prompt
--- stderr
warning: thread `01.02.01` depends on `01.01.01`, which is pending
warning: batch `01.01` comes before `01.02` and is not done
--- exit 0

"#]]);
    desk.shows("multi --dry-run --window stream", str![[r#"
$ work multi --dry-run --window stream
batch 01.01 The name
would run 01.01.01 The command with default (anthropic/claude-sonnet-4-5) in [REPO], plain, permissions: ask; `work prompt --thread 01.01.01` shows its 1484 bytes of prompt
would run 01.01.02 Shell completions and the man page with default (anthropic/claude-sonnet-4-5) in [REPO], plain, permissions: ask; `work prompt --thread 01.01.02` shows its 1578 bytes of prompt
--- exit 0

"#]]);
    desk.shows_json(
        "multi-dry-run",
        "multi --dry-run",
        str![[r#"
$ work multi --dry-run --json
{
  "batch": "01.01",
  "name": "The name",
  "threads": [
    {
      "thread": "01.01.01",
      "name": "The command",
      "agent": "default",
      "models": [
        "anthropic/claude-sonnet-4-5"
      ],
      "mode": "tui",
      "resume": null,
      "directory": "[REPO]",
      "promptBytes": 1484,
      "permissions": "ask",
      "warnings": []
    },
    {
      "thread": "01.01.02",
      "name": "Shell completions and the man page",
      "agent": "default",
      "models": [
        "anthropic/claude-sonnet-4-5"
      ],
      "mode": "tui",
      "resume": null,
      "directory": "[REPO]",
      "promptBytes": 1578,
      "permissions": "ask",
      "warnings": []
    }
  ],
  "skipped": []
}
--- exit 0

"#]],
    );
}

#[test]
fn what_is_left_alone() {
    let desk = Desk::busy();
    desk.work(["assign", "-t", "1.1.2", "-a", "default"]).ok();
    desk.shows("multi --dry-run", str![[r#"
$ work multi --dry-run
batch 01.01 The name
would run 01.01.02 Shell completions and the man page with default (anthropic/claude-sonnet-4-5) in [REPO], tui, permissions: ask; `work prompt --thread 01.01.02` shows its 1944 bytes of prompt
would leave 01.01.01 The command: completed
--- exit 0

"#]]);
    desk.shows_json(
        "multi-dry-run",
        "multi --dry-run",
        str![[r#"
$ work multi --dry-run --json
{
  "batch": "01.01",
  "name": "The name",
  "threads": [
    {
      "thread": "01.01.02",
      "name": "Shell completions and the man page",
      "agent": "default",
      "models": [
        "anthropic/claude-sonnet-4-5"
      ],
      "mode": "tui",
      "resume": null,
      "directory": "[REPO]",
      "promptBytes": 1944,
      "permissions": "ask",
      "warnings": []
    }
  ],
  "skipped": [
    {
      "id": "01.01.01",
      "name": "The command",
      "status": "completed"
    }
  ]
}
--- exit 0

"#]],
    );
}

#[test]
fn what_is_refused() {
    let desk = Desk::busy();
    desk.shows(
        "multi",
        str![[r#"
$ work multi
--- stderr
error: no agent `docs-writer` in `work/agents.yaml`
hint: `work agents` lists them
--- exit 2

"#]],
    );
    desk.shows(
        "multi --batch 01.09",
        str![[r#"
$ work multi --batch 01.09
--- stderr
error: no batch `01.09` in stream `001-rename-fetch`
hint: did you mean `01.02`?
hint: there are 01.01, 01.02, 02.01
--- exit 2

"#]],
    );
    desk.shows(
        "multi --batch 1.1.1",
        str![[r#"
$ work multi --batch 1.1.1
--- stderr
error: no batch `1.1.1` in stream `001-rename-fetch`
hint: did you mean `01.01`?
hint: there are 01.01, 01.02, 02.01
--- exit 2

"#]],
    );
    for thread in ["1.1.2", "1.2.1", "2.1.1"] {
        desk.work(["update", "--thread", thread, "--status", "cancelled"]).ok();
    }
    desk.shows(
        "multi --dry-run",
        str![[r#"
$ work multi --dry-run
--- stderr
error: stream `001-rename-fetch` has nothing left to run
--- exit 1

"#]],
    );
    desk.shows(
        "multi --batch 1.1 --dry-run",
        str![[r#"
$ work multi --batch 1.1 --dry-run
--- stderr
error: batch `01.01` has nothing to start: 01.01.01 is completed, 01.01.02 is cancelled
hint: `work status` shows the stream
--- exit 1

"#]],
    );
    desk.shows_json(
        "error",
        "multi --dry-run",
        str![[r#"
$ work multi --dry-run --json
{
  "error": {
    "kind": "nothing-to-do",
    "code": 1,
    "message": "stream `001-rename-fetch` has nothing left to run",
    "causes": [],
    "hints": []
  }
}
--- exit 1

"#]],
    );
}

#[test]
fn before_the_plan_is_approved() {
    let desk = Desk::planned();
    desk.shows(
        "multi",
        str![[r#"
$ work multi
--- stderr
error: stream `001-rename-fetch` has no threads yet
hint: `work approve plan` takes them over from PLAN.md
--- exit 8

"#]],
    );
    desk.shows(
        "multi --dry-run",
        str![[r#"
$ work multi --dry-run
--- stderr
error: stream `001-rename-fetch` has no threads yet
hint: `work approve plan` takes them over from PLAN.md
--- exit 8

"#]],
    );
}
