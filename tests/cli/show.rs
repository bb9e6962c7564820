//! `work show ID`

use snapbox::str;

use super::desk::Desk;

#[test]
fn a_thread_a_task_a_batch() {
    let desk = Desk::busy();
    desk.shows("show 1.1.1", str![[r#"
$ work show 1.1.1
01.01.01 The command  completed  @default
  01.01.01.01 Rename the file and its test  completed
    report: Renamed; the test came along.
      Both are green.
  01.01.01.02 Keep an alias  completed

Thread    Try  Status     Agent    Model                        Session                         Started                       Took  Exit  Tokens     Cost
01.01.01  1    failed     default  anthropic/claude-sonnet-4-5  none was opened                 2026-03-04 04:00:00, 1h ago   1s    1
01.01.01  2    completed  default  anthropic/claude-sonnet-4-5  ses_2f0c6b1e9ffeXk3ZyQp7WmRt1a  2026-03-04 04:10:00, 56m ago  10m   0     10200+340  $0.0123

01.01.01 try 1: auth: 401: no key
--- exit 0

"#]]);
    desk.shows(
        "show 01.01.02.01",
        str![[r#"
$ work show 01.01.02.01
01.01.02.01 Shell completions and the man page  in_progress
  left at: completions/pull.bash is done, zsh comes next
  in 01 Rename › 01.01 The name › 01.01.02 Shell completions and the man page
--- exit 0

"#]],
    );
    desk.shows("show 'help texts'", str![[r#"
$ work show 'help texts'
01.02.01 Help texts  interrupted
  01.02.01.01 Help texts  pending

Thread    Try  Status       Agent    Model                        Session                         Started                      Took  Exit  Tokens  Cost
01.02.01  1    interrupted  default  anthropic/claude-sonnet-4-5  ses_2f0c6b1e7ffeLm7NoPq8RsTu9V  2026-03-02 05:00:00, 2d ago  1h    130

01.02.01 try 1: interrupted: its window or command was closed
--- exit 0

"#]]);
    desk.shows(
        "show 01.02",
        str![[r#"
$ work show 01.02
001-rename-fetch
└── 01 Rename  2/4
    └── 01.02 The words
        ├── 01.02.01 Help texts  interrupted
        └── 01.02.02 Blog post  cancelled
--- exit 0

"#]],
    );
    desk.shows(
        "show 02",
        str![[r#"
$ work show 02
001-rename-fetch
└── 02 Remove  0/1
    └── 02.01 Removal
        └── 02.01.01 Remove the alias  pending
--- exit 0

"#]],
    );
}

#[test]
fn as_json() {
    let desk = Desk::busy();
    desk.shows_json(
        "show",
        "show 1.2",
        str![[r#"
$ work show 1.2 --json
{
  "id": "01.02",
  "place": [
    {
      "id": "01",
      "name": "Rename"
    }
  ],
  "threads": [
    {
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
    {
      "id": "01.02.02",
      "name": "Blog post",
      "status": "cancelled",
      "agent": null,
      "tasks": {
        "completed": 0,
        "total": 0,
        "blocked": 0,
        "cancelled": 0
      },
      "inPlan": false,
      "resumable": false,
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
          "sessionId": "ses_mkrdcbqn_7zf4i6",
          "resumable": false,
          "agent": "default",
          "model": "anthropic/claude-opus-4-5",
          "backend": null,
          "mode": null,
          "directory": null,
          "startedAt": "2026-02-20T09:00:00Z",
          "endedAt": "2026-02-20T09:10:00Z",
          "status": "completed",
          "exitCode": 0,
          "error": null,
          "interruptedBy": null,
          "resumedFrom": null,
          "turns": [],
          "usage": null
        }
      ]
    }
  ],
  "tasks": [
    {
      "id": "01.02.01.01",
      "name": "Help texts",
      "status": "pending"
    }
  ]
}
--- exit 0

"#]],
    );
}

#[test]
fn what_is_not_there() {
    let desk = Desk::busy();
    desk.shows(
        "show 01.01.09",
        str![[r#"
$ work show 01.01.09
--- stderr
error: no thread `01.01.09` in stream `001-rename-fetch`
hint: did you mean `01.01.02`?
hint: there are 01.01.01, 01.01.02, 01.02.01, 01.02.02, 02.01.01
--- exit 2

"#]],
    );
    desk.shows(
        "show 1.1.1.9",
        str![[r#"
$ work show 1.1.1.9
--- stderr
error: no task `1.1.1.9` in stream `001-rename-fetch`
hint: did you mean `01.01.01.02`?
hint: there are 01.01.01.01, 01.01.01.02, 01.01.02.01, 01.02.01.01, 02.01.01.01
--- exit 2

"#]],
    );
    desk.shows(
        "show 03",
        str![[r#"
$ work show 03
--- stderr
error: no stage `03` in stream `001-rename-fetch`
hint: there are 01, 02
--- exit 2

"#]],
    );
    desk.shows(
        "show 'Help text'",
        str![[r#"
$ work show 'Help text'
--- stderr
error: no thread `Help text` in stream `001-rename-fetch`
hint: did you mean `Help texts`?
hint: there are 01.01.01, 01.01.02, 01.02.01, 01.02.02, 02.01.01
--- exit 2

"#]],
    );
    desk.shows_json(
        "error",
        "show x",
        str![[r#"
$ work show x --json
{
  "error": {
    "kind": "unknown-id",
    "code": 2,
    "message": "no thread `x` in stream `001-rename-fetch`",
    "causes": [],
    "hints": [
      "there are 01.01.01, 01.01.02, 01.02.01, 01.02.02, 02.01.01"
    ]
  }
}
--- exit 2

"#]],
    );
}
