//! `work fix`: what it shows, what it would do, and what it refuses. That it does it is in `agents::repair`.

use snapbox::str;

use super::desk::Desk;

const AGENTS: &str = "agents:\n  - name: default\n    best_for: all\n    models: [a/b]\n  \
                      - name: docs-writer\n    best_for: words\n    models: [c/d, e/f]\n";

#[test]
fn what_is_not_done_is_shown_with_why_and_what_fits() {
    let desk = Desk::busy();
    desk.shows("fix", str![[r#"
$ work fix
Thread    Name                                Status       Sessions  Last agent   Last session                Resume
01.01.02  Shell completions and the man page  failed       1         docs-writer  failed 3m ago (rate-limit)  yes
          rate-limit: 429: the quota is used up
          → wait for the provider's limit to reset, or `work fix --thread 01.01.02 --retry --model MODEL`
01.02.01  Help texts                          interrupted  1         default      interrupted 46h ago         yes
          its window or command was closed
          → resume it where it stopped
--- stderr
error: what to do with them is a person's choice
hint: `work fix --all --resume`, or `--thread ID` with `--resume`, `--retry` or `--agent NAME`
--- exit 8

"#]]);
    desk.shows_json(
        "fix",
        "fix",
        str![[r#"
$ work fix --json
[
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
--- exit 0

"#]],
    );
    desk.shows(
        "fix --batch 1.2",
        str![[r#"
$ work fix --batch 1.2
Thread    Name        Status       Sessions  Last agent  Last session         Resume
01.02.01  Help texts  interrupted  1         default     interrupted 46h ago  yes
          its window or command was closed
          → resume it where it stopped
--- stderr
error: what to do with them is a person's choice
hint: `work fix --batch 1.2` with `--resume`, `--retry` or `--agent NAME`
--- exit 8

"#]],
    );
}

#[test]
fn what_would_run_is_told() {
    let desk = Desk::busy();
    desk.agents(AGENTS);
    desk.shows("fix --thread 1.1.2 --retry --dry-run", str![[r#"
$ work fix --thread 1.1.2 --retry --dry-run
would run 01.01.02 Shell completions and the man page with docs-writer (c/d, then e/f) in [REPO], plain, permissions: deny; `work prompt --thread 01.01.02` shows its 1944 bytes of prompt
--- exit 0

"#]]);
    desk.shows("fix --thread 1.2.1 --agent docs-writer --dry-run", str![[r#"
$ work fix --thread 1.2.1 --agent docs-writer --dry-run
would run 01.02.01 Help texts with docs-writer (c/d, then e/f) in [REPO], plain, permissions: deny; `work prompt --thread 01.02.01 --handover` shows its 1557 bytes of prompt
--- stderr
warning: batch `01.01` comes before `01.02` and is not done
--- exit 0

"#]]);
    desk.shows("fix --thread 1.1.2 --retry --model a/b#high --dry-run", str![[r#"
$ work fix --thread 1.1.2 --retry --model a/b#high --dry-run
would run 01.01.02 Shell completions and the man page with docs-writer (a/b#high) in [REPO], plain, permissions: deny; `work prompt --thread 01.01.02` shows its 1944 bytes of prompt
--- exit 0

"#]]);
    desk.shows_json(
        "fix-dry-run",
        "fix --all --retry --dry-run",
        str![[r#"
$ work fix --all --retry --dry-run --json
{
  "threads": [
    {
      "thread": "01.01.02",
      "name": "Shell completions and the man page",
      "agent": "docs-writer",
      "models": [
        "c/d",
        "e/f"
      ],
      "mode": "tui",
      "resume": null,
      "directory": "[REPO]",
      "promptBytes": 1944,
      "permissions": "ask",
      "warnings": []
    },
    {
      "thread": "01.02.01",
      "name": "Help texts",
      "agent": "default",
      "models": [
        "a/b"
      ],
      "mode": "tui",
      "resume": null,
      "directory": "[REPO]",
      "promptBytes": 1557,
      "permissions": "ask",
      "warnings": [
        "batch `01.01` comes before `01.02` and is not done"
      ]
    }
  ],
  "left": []
}
--- stderr
warning: batch `01.01` comes before `01.02` and is not done
--- exit 0

"#]],
    );
}

#[test]
fn a_resume_needs_a_session_and_its_folder() {
    let desk = Desk::elsewhere();
    // The folder of that session was on another machine.
    desk.shows(
        "fix --thread 1.2.1 --resume",
        str![[r#"
$ work fix --thread 1.2.1 --resume
--- stderr
error: thread `01.02.01` can't be resumed: its folder `/home/ada/project` is not there any more
hint: `work fix --thread 01.02.01 --retry` begins a new session here, told what happened
--- exit 1

"#]],
    );
    desk.shows(
        "fix --thread 2.1.1 --resume",
        str![[r#"
$ work fix --thread 2.1.1 --resume
--- stderr
error: thread `02.01.01` can't be resumed: it was never run
hint: `work fix --thread 02.01.01 --retry` begins a new session, told what happened
--- exit 1

"#]],
    );
    desk.shows(
        "fix --thread 1.1.2 --resume --agent default",
        str![[r#"
$ work fix --thread 1.1.2 --resume --agent default
--- stderr
error: thread `01.01.02` can't be resumed: agent `default` never had it
hint: `work fix --thread 01.01.02 --resume --agent docs-writer` goes on with docs-writer's session
hint: `work fix --thread 01.01.02 --retry` begins a new session, told what happened
--- exit 1

"#]],
    );
}

#[test]
fn combinations_that_make_no_sense_say_what_is_possible() {
    let desk = Desk::busy();
    desk.shows(
        "fix --resume",
        str![[r#"
$ work fix --resume
--- stderr
error: which threads? none was named
hint: name them: `--thread ID` (several times), `--batch ID` or `--all`
--- exit 2

"#]],
    );
    desk.shows(
        "fix --thread 1.1.2 --resume --retry",
        str![[r#"
$ work fix --thread 1.1.2 --resume --retry
--- stderr
error: the argument '--resume' cannot be used with '--retry'

Usage: work fix --thread <ID> --resume

For more information, try '--help'.
--- exit 2

"#]],
    );
    desk.shows(
        "fix --thread 1.1.2 --all --retry",
        str![[r#"
$ work fix --thread 1.1.2 --all --retry
--- stderr
error: the argument '--thread <ID>' cannot be used with '--all'

Usage: work fix --thread <ID> --retry

For more information, try '--help'.
--- exit 2

"#]],
    );
    desk.shows(
        "fix --thread 9.9.9 --retry",
        str![[r#"
$ work fix --thread 9.9.9 --retry
--- stderr
error: no thread `9.9.9` in stream `001-rename-fetch`
hint: did you mean `02.01.01`?
hint: there are 01.01.01, 01.01.02, 01.02.01, 01.02.02, 02.01.01
--- exit 2

"#]],
    );
    desk.shows(
        "fix --thread 1.1.1 --retry",
        str![[r#"
$ work fix --thread 1.1.1 --retry
--- stderr
error: thread `01.01.01` is completed
hint: `--message TEXT` says what is still to be done
--- exit 1

"#]],
    );
    desk.shows(
        "fix --thread 1.1.2 --agent nobody",
        str![[r#"
$ work fix --thread 1.1.2 --agent nobody
--- stderr
error: no agent `nobody` in `work/agents.yaml`
hint: `work agents` lists them
--- exit 2

"#]],
    );
    desk.shows(
        "fix --new-stage Rest --resume",
        str![[r#"
$ work fix --new-stage Rest --resume
--- stderr
error: the argument '--new-stage <NAME>' cannot be used with '--resume'

Usage: work fix --new-stage <NAME>

For more information, try '--help'.
--- exit 2

"#]],
    );
}

#[test]
fn nothing_to_fix() {
    let desk = Desk::approved();
    desk.shows(
        "fix",
        str![[r#"
$ work fix
--- stderr
error: no thread has to be fixed
hint: `work continue` runs what comes next; `work status` shows the stream
--- exit 1

"#]],
    );
    desk.shows(
        "fix --all --resume",
        str![[r#"
$ work fix --all --resume
--- stderr
error: no thread has to be fixed
hint: `work continue` runs what comes next; `work status` shows the stream
--- exit 1

"#]],
    );
}

/// What was asked of all is done where it can be: the others are named with what can be done, and so is a
/// thread for which something else fits better. Alone, one that can't be resumed is refused.
///
/// Mutant: `divide` gives all cases as able (the whole command is refused).
#[test]
fn of_all_threads_those_are_resumed_that_can_be() {
    let desk = Desk::busy();
    desk.agents(AGENTS);
    let mut state = desk.state_json();
    state["threads"][2]["sessions"][0]["directory"] = "/nowhere/at-all".into();
    desk.state(state.to_string());
    desk.shows("fix --all --resume --dry-run", str![[r#"
$ work fix --all --resume --dry-run
would go on with 01.01.02 Shell completions and the man page in session ses_2f0c6b1e8ffeAb4CdEf5GhIj6K of attempt 1, by docs-writer (openrouter/openai/gpt-5.2-codex#high) in /, plain, permissions: deny; `work prompt --thread 01.01.02 --resume` shows its 1045 bytes of prompt
--- stderr
warning: 01.01.02 Shell completions and the man page is resumed as asked, though `Retry with another model` fits better: wait for the provider's limit to reset, or `work fix --thread 01.01.02 --retry --model MODEL`
warning: 01.02.01 Help texts is left as it is: thread `01.02.01` can't be resumed: its folder `/nowhere/at-all` is not there any more; `work fix --thread 01.02.01 --retry` begins a new session here, told what happened
--- exit 0

"#]]);
    desk.shows_json("fix-dry-run", "fix --batch 1.1 --resume --dry-run", str![[r#"
$ work fix --batch 1.1 --resume --dry-run --json
{
  "threads": [
    {
      "thread": "01.01.02",
      "name": "Shell completions and the man page",
      "agent": "docs-writer",
      "models": [
        "openrouter/openai/gpt-5.2-codex#high"
      ],
      "mode": "plain",
      "resume": {
        "sessionId": "ses_2f0c6b1e8ffeAb4CdEf5GhIj6K",
        "attempt": 1
      },
      "directory": "/",
      "promptBytes": 1045,
      "permissions": "deny",
      "warnings": []
    }
  ],
  "left": []
}
--- stderr
warning: 01.01.02 Shell completions and the man page is resumed as asked, though `Retry with another model` fits better: wait for the provider's limit to reset, or `work fix --thread 01.01.02 --retry --model MODEL`
--- exit 0

"#]]);
    desk.refuses("fix --batch 1.2 --resume", 1, &["none of these threads can be resumed", "--retry"]);
    desk.refuses("fix --thread 1.2.1 --resume --dry-run", 1, &["/nowhere/at-all"]);
}

/// A session stays where it was opened: an agent that is talked to in another way by now does not have it.
///
/// Tried mutant: every backend shares the sessions of every other.
#[test]
fn a_session_of_another_backend_is_not_resumed() {
    let desk = Desk::busy();
    desk.agents(
        "agents:\n  - name: docs-writer\n    backend: acp\n    command: [qwen, --acp]\n    models: [a/b]\n",
    );
    desk.shows("fix --thread 1.1.2 --resume --dry-run", str![[r#"
$ work fix --thread 1.1.2 --resume --dry-run
--- stderr
error: thread `01.01.02` can't be resumed: agent `docs-writer` had it over `opencode`, and has the backend `acp` now
hint: `work fix --thread 01.01.02 --retry` begins a new session here, told what happened
--- exit 1

"#]]);
}
