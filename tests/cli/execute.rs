//! `work execute --thread ID (what would run, and what is refused)`

use snapbox::str;

use super::desk::Desk;

#[test]
fn what_would_run() {
    let desk = Desk::approved();
    desk.shows("execute -t 1.1.1 --dry-run", str![[r#"
$ work execute -t 1.1.1 --dry-run
would run 01.01.01 The command with default (anthropic/claude-sonnet-4-5) in [REPO], plain, permissions: deny; `work prompt --thread 01.01.01` shows its 1484 bytes of prompt
--- exit 0

"#]]);
    desk.shows("execute -t 1.2.1 --dry-run", str![[r#"
$ work execute -t 1.2.1 --dry-run
would run 01.02.01 Help texts with default (anthropic/claude-sonnet-4-5) in [REPO], plain, permissions: deny; `work prompt --thread 01.02.01` shows its 1259 bytes of prompt
--- stderr
warning: thread `01.02.01` depends on `01.01.01`, which is pending
warning: batch `01.01` comes before `01.02` and is not done
--- exit 0

"#]]);
    desk.shows("execute -t 1.1.1 --dry-run --model openai/gpt-5.2#high --mode plain", str![[r#"
$ work execute -t 1.1.1 --dry-run --model openai/gpt-5.2#high --mode plain
would run 01.01.01 The command with default (openai/gpt-5.2#high) in [REPO], plain, permissions: deny; `work prompt --thread 01.01.01` shows its 1484 bytes of prompt
--- exit 0

"#]]);
    desk.shows_json(
        "execute-dry-run",
        "execute -t 1.2.1 --dry-run",
        str![[r#"
$ work execute -t 1.2.1 --dry-run --json
{
  "thread": "01.02.01",
  "name": "Help texts",
  "agent": "default",
  "models": [
    "anthropic/claude-sonnet-4-5"
  ],
  "mode": "plain",
  "resume": null,
  "directory": "[REPO]",
  "promptBytes": 1259,
  "permissions": "deny",
  "warnings": [
    "thread `01.02.01` depends on `01.01.01`, which is pending",
    "batch `01.01` comes before `01.02` and is not done"
  ]
}
--- stderr
warning: thread `01.02.01` depends on `01.01.01`, which is pending
warning: batch `01.01` comes before `01.02` and is not done
--- exit 0

"#]],
    );
}

#[test]
fn what_is_refused() {
    let desk = Desk::busy();
    desk.shows(
        "execute -t 1.1.1",
        str![[r#"
$ work execute -t 1.1.1
--- stderr
error: thread `01.01.01` is completed
hint: `--message TEXT` says what is still to be done
--- exit 1

"#]],
    );
    desk.shows(
        "execute -t 1.2.2",
        str![[r#"
$ work execute -t 1.2.2
--- stderr
error: thread `01.02.02` is cancelled
hint: `--message TEXT` says what is still to be done
--- exit 1

"#]],
    );
    desk.shows(
        "execute -t 1.1.2",
        str![[r#"
$ work execute -t 1.1.2
--- stderr
error: no agent `docs-writer` in `work/agents.yaml`
hint: `work agents` lists them
--- exit 2

"#]],
    );
    desk.shows(
        "execute -t 1.9.1",
        str![[r#"
$ work execute -t 1.9.1
--- stderr
error: no thread `1.9.1` in stream `001-rename-fetch`
hint: did you mean `01.02.01`?
hint: there are 01.01.01, 01.01.02, 01.02.01, 01.02.02, 02.01.01
--- exit 2

"#]],
    );
    desk.shows(
        "execute -t 1.2.1 --agent nobody --dry-run",
        str![[r#"
$ work execute -t 1.2.1 --agent nobody --dry-run
--- stderr
error: no agent `nobody` in `work/agents.yaml`
hint: `work agents` lists them
--- exit 2

"#]],
    );
    desk.shows(
        "execute -t 1.2.1 --model gpt --dry-run",
        str![[r#"
$ work execute -t 1.2.1 --model gpt --dry-run
--- stderr
error: `gpt` is not a model like `provider/model` or `provider/model#variant`
hint: `opencode models` lists what opencode knows
--- exit 2

"#]],
    );
    desk.shows(
        "execute -t 1.2.1 --mode tui",
        str![[r#"
$ work execute -t 1.2.1 --mode tui
--- stderr
error: `--mode tui` needs a terminal
hint: use `--mode plain`
--- exit 2

"#]],
    );
    desk.shows_json(
        "error",
        "execute -t 1.1.1",
        str![[r#"
$ work execute -t 1.1.1 --json
{
  "error": {
    "kind": "refused",
    "code": 1,
    "message": "thread `01.01.01` is completed",
    "causes": [],
    "hints": [
      "`--message TEXT` says what is still to be done"
    ]
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
        "execute -t 1.1.1",
        str![[r#"
$ work execute -t 1.1.1
--- stderr
error: stream `001-rename-fetch` has no threads yet
hint: `work approve plan` takes them over from PLAN.md
--- exit 8

"#]],
    );
    desk.work(["approve", "plan", "--yes"]).ok();
    desk.work(["approve", "plan", "--revoke"]).ok();
    desk.shows(
        "execute -t 1.1.1 --dry-run",
        str![[r#"
$ work execute -t 1.1.1 --dry-run
--- stderr
error: the plan of stream `001-rename-fetch` is not approved
hint: `work approve plan` checks it and shows what will run
--- exit 8

"#]],
    );
}
