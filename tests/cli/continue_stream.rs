//! `work continue`: what comes next, and when a person is asked first.

use snapbox::str;

use super::desk::Desk;

#[test]
fn what_is_not_done_is_shown_and_a_flag_must_decide() {
    let desk = Desk::busy();
    desk.shows("continue", str![[r#"
$ work continue
--- stderr
2 incomplete threads from the previous run:

Thread    Name                                Status       Sessions  Last agent   Last session                Resume
01.01.02  Shell completions and the man page  failed       1         docs-writer  failed 3m ago (rate-limit)  yes
          rate-limit: 429: the quota is used up
          → wait for the provider's limit to reset, or `work fix --thread 01.01.02 --retry --model MODEL`
01.02.01  Help texts                          interrupted  1         default      interrupted 46h ago         yes
          its window or command was closed
          → resume it where it stopped

error: 2 incomplete threads from the previous run: what becomes of them is a person's choice
hint: `--skip-failed` leaves them, `--fix-first` takes them up, `--abort` stops
--- exit 8

"#]]);
    desk.shows("continue --abort", str![[r#"
$ work continue --abort
--- stderr
2 incomplete threads from the previous run:

Thread    Name                                Status       Sessions  Last agent   Last session                Resume
01.01.02  Shell completions and the man page  failed       1         docs-writer  failed 3m ago (rate-limit)  yes
          rate-limit: 429: the quota is used up
          → wait for the provider's limit to reset, or `work fix --thread 01.01.02 --retry --model MODEL`
01.02.01  Help texts                          interrupted  1         default      interrupted 46h ago         yes
          its window or command was closed
          → resume it where it stopped

--- exit 1

"#]]);
    desk.shows(
        "continue --skip-failed --abort",
        str![[r#"
$ work continue --skip-failed --abort
--- stderr
error: the argument '--skip-failed' cannot be used with '--abort'

Usage: work continue --skip-failed

For more information, try '--help'.
--- exit 2

"#]],
    );
    desk.shows("continue --json", str![[r#"
$ work continue --json
{"error":{"kind":"needs-choice","code":8,"message":"2 incomplete threads from the previous run: what becomes of them is a person's choice","causes":[],"hints":["`--skip-failed` leaves them, `--fix-first` takes them up, `--abort` stops"]}}
--- exit 8

"#]]);
}

#[test]
fn a_stage_that_nobody_approved_is_a_gate() {
    let desk = Desk::busy();
    desk.shows(
        "continue --skip-failed",
        str![[r#"
$ work continue --skip-failed
--- stderr
error: stage 01 `Rename` comes before, and nobody has approved its result
hint: `work approve stage 01`, when it is good; `work show 01` tells of it
--- exit 8

"#]],
    );
    desk.work(["approve", "stage", "1", "--force", "--yes"]).ok();
    desk.shows_json(
        "continue-dry-run",
        "continue --dry-run",
        str![[r#"
$ work continue --dry-run --json
{
  "batch": "02.01",
  "threads": [
    {
      "thread": "02.01.01",
      "name": "Remove the alias",
      "agent": "default",
      "models": [
        "anthropic/claude-sonnet-4-5"
      ],
      "mode": "tui",
      "resume": null,
      "directory": "[REPO]",
      "promptBytes": 1168,
      "permissions": "ask",
      "warnings": [
        "batch `01.01` comes before `02.01` and is not done"
      ]
    }
  ],
  "unfinished": [
    {
      "thread": {
        "id": "01.01.02",
        "name": "Shell completions and the man page",
        "status": "failed",
        "agent": "docs-writer",
        "tasks": {
          "completed": 0,
          "total": 1,
          "blocked": 0,
          "cancelled": 0
        },
        "inPlan": true,
        "resumable": true,
        "spent": {
          "sessions": 1,
          "tokens": {
            "input": 5200,
            "output": 900,
            "reasoning": 0,
            "cacheRead": 0,
            "cacheWrite": 0
          },
          "cost": 1.5,
          "unmetered": 0,
          "unpriced": 0
        },
        "sessions": [
          {
            "attempt": 1,
            "sessionId": "ses_2f0c6b1e8ffeAb4CdEf5GhIj6K",
            "resumable": true,
            "agent": "docs-writer",
            "model": "openrouter/openai/gpt-5.2-codex#high",
            "backend": "opencode",
            "mode": "plain",
            "directory": "/",
            "startedAt": "2026-03-04T04:50:00Z",
            "endedAt": "2026-03-04T05:03:00Z",
            "status": "failed",
            "exitCode": 1,
            "error": {
              "kind": "rate-limit",
              "message": "429: the quota is used up",
              "resetAt": "2026-03-04T06:00:00Z"
            },
            "interruptedBy": null,
            "resumedFrom": null,
            "turns": [
              1
            ],
            "usage": {
              "input": 5200,
              "output": 900,
              "reasoning": 0,
              "cacheRead": 0,
              "cacheWrite": 0,
              "cost": 1.5
            },
            "cost": 1.5
          }
        ]
      },
      "why": "rate-limit: 429: the quota is used up",
      "advice": "wait for the provider's limit to reset, or `work fix --thread 01.01.02 --retry --model MODEL`",
      "proposal": "other-model",
      "notResumable": null
    },
    {
      "thread": {
        "id": "01.02.01",
        "name": "Help texts",
        "status": "interrupted",
        "agent": null,
        "tasks": {
          "completed": 0,
          "total": 1,
          "blocked": 0,
          "cancelled": 0
        },
        "inPlan": true,
        "resumable": true,
        "spent": {
          "sessions": 1,
          "tokens": {
            "input": 0,
            "output": 0,
            "reasoning": 0,
            "cacheRead": 0,
            "cacheWrite": 0
          },
          "unmetered": 1,
          "unpriced": 1
        },
        "sessions": [
          {
            "attempt": 1,
            "sessionId": "ses_2f0c6b1e7ffeLm7NoPq8RsTu9V",
            "resumable": true,
            "agent": "default",
            "model": "anthropic/claude-sonnet-4-5",
            "backend": "opencode",
            "mode": "headless",
            "directory": "/",
            "startedAt": "2026-03-02T05:00:00Z",
            "endedAt": "2026-03-02T06:30:00Z",
            "status": "interrupted",
            "exitCode": 130,
            "error": null,
            "interruptedBy": "its window or command was closed",
            "resumedFrom": null,
            "turns": [
              1
            ],
            "usage": null
          }
        ]
      },
      "why": "its window or command was closed",
      "advice": "resume it where it stopped",
      "proposal": "resume",
      "notResumable": null
    }
  ]
}
--- exit 0

"#]],
    );
    desk.shows("continue --dry-run", str![[r#"
$ work continue --dry-run
batch 02.01 Removal
would run 02.01.01 Remove the alias with default (anthropic/claude-sonnet-4-5) in [REPO], tui, permissions: ask; `work prompt --thread 02.01.01` shows its 1168 bytes of prompt
would leave 01.01.02 Shell completions and the man page: failed
would leave 01.02.01 Help texts: interrupted
--- exit 0

"#]]);
}

#[test]
fn the_first_batch_of_a_fresh_stream() {
    let desk = Desk::approved();
    desk.shows("continue --dry-run", str![[r#"
$ work continue --dry-run
batch 01.01 The name
would run 01.01.01 The command with default (anthropic/claude-sonnet-4-5) in [REPO], tui, permissions: ask; `work prompt --thread 01.01.01` shows its 1484 bytes of prompt
would run 01.01.02 Shell completions and the man page with default (anthropic/claude-sonnet-4-5) in [REPO], tui, permissions: ask; `work prompt --thread 01.01.02` shows its 1578 bytes of prompt
--- exit 0

"#]]);
}

#[test]
fn a_stream_that_is_done_is_done() {
    let desk = Desk::approved();
    for thread in ["1.1.1", "1.1.2", "1.2.1", "2.1.1"] {
        for task in ["01", "02"] {
            desk.work(["update", "--task", &format!("{thread}.{task}"), "--status", "completed"]);
        }
    }
    desk.shows(
        "continue",
        str![[r#"
$ work continue
--- stderr
all threads are done
--- exit 0

"#]],
    );
}
