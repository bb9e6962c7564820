//! `work session`: records across threads.

use snapbox::str;

use super::desk::Desk;

#[test]
fn all_and_one() {
    let desk = Desk::busy();
    desk.shows("session list", str![[r#"
$ work session list
Thread    Try  Status       Agent        Model                                 Session                         Started                       Took  Exit  Tokens     Cost
01.01.01  1    failed       default      anthropic/claude-sonnet-4-5           none was opened                 2026-03-04 04:00:00, 1h ago   1s    1
01.01.01  2    completed    default      anthropic/claude-sonnet-4-5           ses_2f0c6b1e9ffeXk3ZyQp7WmRt1a  2026-03-04 04:10:00, 56m ago  10m   0     10200+340  $0.0123
01.01.02  1    failed       docs-writer  openrouter/openai/gpt-5.2-codex#high  ses_2f0c6b1e8ffeAb4CdEf5GhIj6K  2026-03-04 04:50:00, 16m ago  13m   1     5200+900   $1.50
01.02.01  1    interrupted  default      anthropic/claude-sonnet-4-5           ses_2f0c6b1e7ffeLm7NoPq8RsTu9V  2026-03-02 05:00:00, 2d ago   1h    130
01.02.02  1    completed    default      anthropic/claude-opus-4-5             ses_mkrdcbqn_7zf4i6 (invented)  2026-02-20 09:00:00, 11d ago  10m   0

01.01.01 try 1: auth: 401: no key
01.01.02 try 1: rate-limit: 429: the quota is used up
01.02.01 try 1: interrupted: its window or command was closed
--- exit 0

"#]]);
    desk.shows("session list --thread 1.1.2", str![[r#"
$ work session list --thread 1.1.2
Thread    Try  Status  Agent        Model                                 Session                         Started                       Took  Exit  Tokens    Cost
01.01.02  1    failed  docs-writer  openrouter/openai/gpt-5.2-codex#high  ses_2f0c6b1e8ffeAb4CdEf5GhIj6K  2026-03-04 04:50:00, 16m ago  13m   1     5200+900  $1.50

01.01.02 try 1: rate-limit: 429: the quota is used up
--- exit 0

"#]]);
    desk.shows(
        "session show 1.1.1",
        str![[r#"
$ work session show 1.1.1
Thread     01.01.01 The command
Attempt    2
Session    ses_2f0c6b1e9ffeXk3ZyQp7WmRt1a
Can go on  yes, if the agent still has it
Agent      default
Model      anthropic/claude-sonnet-4-5
Backend    opencode
Mode       tui
Folder     /
Started    2026-03-04 04:10:00, 56m ago
Ended      2026-03-04 04:20:00, 46m ago after 10m
Status     completed
Exit code  0
Tokens     1200 in, 300 out, 40 reasoning, 9000 read from and 10 written to the cache
Cost       $0.0123
Turns      2; `work logs 01.01.01 --turn N` shows one
--- exit 0

"#]],
    );
    desk.shows(
        "session show 1.1.1/1",
        str![[r#"
$ work session show 1.1.1/1
Thread     01.01.01 The command
Attempt    1
Session    none was opened
Can go on  no
Agent      default
Model      anthropic/claude-sonnet-4-5
Backend    opencode
Mode       tui
Folder     /
Started    2026-03-04 04:00:00, 1h ago
Ended      2026-03-04 04:00:01, 1h ago after 1s
Status     failed
Why        auth: 401: no key
Exit code  1
--- exit 0

"#]],
    );
    desk.shows(
        "session show ses_2f0c6b1e8ffeAb4CdEf5GhIj6K",
        str![[r#"
$ work session show ses_2f0c6b1e8ffeAb4CdEf5GhIj6K
Thread     01.01.02 Shell completions and the man page
Attempt    1
Session    ses_2f0c6b1e8ffeAb4CdEf5GhIj6K
Can go on  yes, if the agent still has it
Agent      docs-writer
Model      openrouter/openai/gpt-5.2-codex#high
Backend    opencode
Mode       plain
Folder     /
Started    2026-03-04 04:50:00, 16m ago
Ended      2026-03-04 05:03:00, 3m ago after 13m
Status     failed
Why        rate-limit: 429: the quota is used up
Exit code  1
Tokens     5200 in, 900 out, 0 reasoning, 0 read from and 0 written to the cache
Cost       $1.50
Turns      1; `work logs 01.01.02 --turn N` shows one
--- exit 0

"#]],
    );
    desk.shows_json(
        "session",
        "session show 1.2.1",
        str![[r#"
$ work session show 1.2.1 --json
{
  "thread": "01.02.01",
  "name": "Help texts",
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
--- exit 0

"#]],
    );
    desk.shows_json(
        "session-list",
        "session list --thread 1.2.1",
        str![[r#"
$ work session list --thread 1.2.1 --json
[
  {
    "thread": "01.02.01",
    "name": "Help texts",
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
--- exit 0

"#]],
    );
}

#[test]
fn what_is_not_there() {
    let desk = Desk::busy();
    desk.shows(
        "session show ses_nothing",
        str![[r#"
$ work session show ses_nothing
--- stderr
error: no session `ses_nothing` in stream `001-rename-fetch`
hint: `work session list` shows them all
--- exit 2

"#]],
    );
    desk.shows(
        "session show 2.1.1",
        str![[r#"
$ work session show 2.1.1
--- stderr
error: thread `02.01.01` has had no session yet
hint: `work execute --thread 02.01.01` begins one
--- exit 1

"#]],
    );
    desk.shows(
        "session show 1.1.1/9",
        str![[r#"
$ work session show 1.1.1/9
--- stderr
error: thread `01.01.01` has no attempt `9`; it has 1, 2
hint: `work session list --thread 01.01.01` shows them
--- exit 2

"#]],
    );
    desk.shows(
        "session export 1.1.1/first",
        str![[r#"
$ work session export 1.1.1/first
--- stderr
error: thread `01.01.01` has no attempt `first`; it has 1, 2
hint: `work session list --thread 01.01.01` shows them
--- exit 2

"#]],
    );
    desk.shows(
        "session show 9.9.9",
        str![[r#"
$ work session show 9.9.9
--- stderr
error: no thread `9.9.9` in stream `001-rename-fetch`
hint: did you mean `02.01.01`?
hint: there are 01.01.01, 01.01.02, 01.02.01, 01.02.02, 02.01.01
--- exit 2

"#]],
    );
}

#[test]
fn an_end_is_said_once_and_only_of_what_nobody_runs() {
    let desk = Desk::busy();
    desk.shows(
        "session complete 1.1.1 --as failed",
        str![[r#"
$ work session complete 1.1.1 --as failed
--- stderr
error: attempt 2 of thread `01.01.01` has ended: it is completed
hint: `work why 01.01.01` tells why
--- exit 1

"#]],
    );
    desk.shows(
        "session cancel 1.1.1",
        str![[r#"
$ work session cancel 1.1.1
--- stderr
error: thread `01.01.01` does not run
hint: `work why 01.01.01` tells how it stands
--- exit 1

"#]],
    );
    desk.shows(
        "session complete 1.1.1",
        str![[r#"
$ work session complete 1.1.1
--- stderr
error: the following required arguments were not provided:
  --as <HOW>

Usage: work session complete --as <HOW> <WHICH>

For more information, try '--help'.
--- exit 2

"#]],
    );
    let state = String::from_utf8(desk.state_bytes()).expect("text");
    let open = state.replacen("\"status\": \"interrupted\"", "\"status\": \"running\"", 1);
    assert_ne!(open, state);
    desk.state(&open);
    desk.shows(
        "session complete 1.2.1 --as completed",
        str![[r#"
$ work session complete 1.2.1 --as completed
attempt 1 of 01.02.01 is on record as completed
--- exit 0

"#]],
    );
    desk.shows(
        "session complete 1.2.1 --as completed",
        str![[r#"
$ work session complete 1.2.1 --as completed
--- stderr
error: attempt 1 of thread `01.02.01` has ended: it is completed
hint: `work why 01.02.01` tells why
--- exit 1

"#]],
    );
}

#[test]
fn a_session_is_written_out_for_others() {
    let desk = Desk::busy();
    desk.shows("session export 1.1.2", str![[r#"
$ work session export 1.1.2
# Thread 01.01.02: Shell completions and the man page

- **Stream:** 001-rename-fetch
- **Attempt:** 1
- **Session:** ses_2f0c6b1e8ffeAb4CdEf5GhIj6K
- **Agent:** docs-writer
- **Model:** openrouter/openai/gpt-5.2-codex#high
- **Started:** 2026-03-04T04:50:00Z
- **Ended:** 2026-03-04T05:03:00Z
- **Status:** failed
- **Why:** rate-limit: 429: the quota is used up

## Turn 1

*cannot open the journal `[REPO]/.git/work/turns/001-rename-fetch/01.01.02/1.jsonl`: No such file or directory (os error 2)*
--- exit 0

"#]]);
    desk.shows(
        "session attach 1.1.2",
        str![[r#"
$ work session attach 1.1.2
--- stderr
error: the agent's own UI needs a terminal
hint: `work logs THREAD`, or `work session export THREAD`
--- exit 2

"#]],
    );
    desk.shows(
        "session attach 1.1.1/1",
        str![[r#"
$ work session attach 1.1.1/1
--- stderr
error: attempt 1 of thread `01.01.01` has no session to open
hint: `work why 01.01.01` tells why
--- exit 1

"#]],
    );
}
