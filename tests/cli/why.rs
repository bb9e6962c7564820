//! `work why`: the evidence for a status.

use snapbox::str;

use super::desk::Desk;

#[test]
fn every_kind_of_status_has_its_evidence() {
    let desk = Desk::busy();
    desk.shows(
        "why 1.1.1",
        str![[r#"
$ work why 1.1.1
01.01.01 The command is completed: all its tasks are done

Looked at  When     It says
tasks      47m ago  2 of 2 are done
attempt 1  1h ago   default with anthropic/claude-sonnet-4-5: failed: auth: 401: no key, exit code 1
attempt 2  46m ago  default with anthropic/claude-sonnet-4-5: completed, exit code 0
session             ses_2f0c6b1e9ffeXk3ZyQp7WmRt1a of attempt 2 (default) can go on, if the agent still has it
--- exit 0

"#]],
    );
    desk.shows("why 1.1.2", str![[r#"
$ work why 1.1.2
01.01.02 Shell completions and the man page is failed: its last attempt failed (rate-limit: 429: the quota is used up), and tasks are open

Looked at  When    It says
tasks      6m ago  0 of 1 are done; open: 01.01.02.01 Shell completions and the man page (in_progress, left at: completions/pull.bash is done, zsh comes next)
attempt 1  3m ago  docs-writer with openrouter/openai/gpt-5.2-codex#high: failed: rate-limit: 429: the quota is used up, exit code 1
session            ses_2f0c6b1e8ffeAb4CdEf5GhIj6K of attempt 1 (docs-writer) can go on, if the agent still has it
--- stderr
hint: wait for the provider's limit to reset, or `work fix --thread 01.01.02 --retry --model MODEL`
--- exit 0

"#]]);
    desk.shows("why 'help texts'", str![[r#"
$ work why 'help texts'
01.02.01 Help texts is interrupted: its last attempt was interrupted (its window or command was closed)

Looked at  When      It says
tasks      just now  0 of 1 are done; open: 01.02.01.01 Help texts (pending)
attempt 1  46h ago   default with anthropic/claude-sonnet-4-5: interrupted: its window or command was closed, exit code 130
session              ses_2f0c6b1e7ffeLm7NoPq8RsTu9V of attempt 1 (default) can go on, if the agent still has it
--- stderr
hint: resume it where it stopped; `work fix --thread 01.02.01 --resume`
--- exit 0

"#]]);
    desk.shows(
        "why 1.2.2",
        str![[r#"
$ work why 1.2.2
01.02.02 Blog post is cancelled: somebody said that it is not wanted any more

Looked at  When     It says
tasks               0 of 0 are done
thread              `work update --thread 01.02.02` said cancelled
report              Nobody reads it
attempt 1  11d ago  default with anthropic/claude-opus-4-5: completed, exit code 0
session             none can go on: its session ids were made up by an older tool, and no agent knows them
plan                it has this thread no more
--- exit 0

"#]],
    );
    desk.shows(
        "why 2.1.1",
        str![[r#"
$ work why 2.1.1
02.01.01 Remove the alias is pending: nothing was reported, and no attempt was made

Looked at  When      It says
tasks      just now  0 of 1 are done; open: 02.01.01.01 Remove the alias (pending)
session              none can go on: it was never run
--- stderr
hint: `work execute --thread 02.01.01` runs it, `work continue` its batch
--- exit 0

"#]],
    );
    desk.shows_json("why", "why 1.1.2", str![[r#"
$ work why 1.1.2 --json
{
  "thread": "01.01.02",
  "name": "Shell completions and the man page",
  "status": "failed",
  "because": "its last attempt failed (rate-limit: 429: the quota is used up), and tasks are open",
  "evidence": [
    {
      "of": "tasks",
      "says": "0 of 1 are done; open: 01.01.02.01 Shell completions and the man page (in_progress, left at: completions/pull.bash is done, zsh comes next)",
      "at": "2026-03-04T05:00:00Z"
    },
    {
      "of": "attempt 1",
      "says": "docs-writer with openrouter/openai/gpt-5.2-codex#high: failed: rate-limit: 429: the quota is used up, exit code 1",
      "at": "2026-03-04T05:03:00Z"
    },
    {
      "of": "session",
      "says": "ses_2f0c6b1e8ffeAb4CdEf5GhIj6K of attempt 1 (docs-writer) can go on, if the agent still has it",
      "at": null
    }
  ],
  "next": "wait for the provider's limit to reset, or `work fix --thread 01.01.02 --retry --model MODEL`"
}
--- exit 0

"#]]);
}

#[test]
fn what_is_not_there() {
    let desk = Desk::busy();
    desk.shows(
        "why 9.9.9",
        str![[r#"
$ work why 9.9.9
--- stderr
error: no thread `9.9.9` in stream `001-rename-fetch`
hint: did you mean `02.01.01`?
hint: there are 01.01.01, 01.01.02, 01.02.01, 01.02.02, 02.01.01
--- exit 2

"#]],
    );
}
