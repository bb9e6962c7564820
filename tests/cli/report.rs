//! `work report`

use snapbox::str;

use super::desk::{Desk, STREAM};

/// Tried mutant: the report is written where something else is.
#[test]
fn beside_the_plan() {
    let desk = Desk::busy();
    desk.shows(
        "report",
        str![[r#"
$ work report
wrote [REPO]/work/001-rename-fetch/REPORT.md
2 of 5 tasks  ·  5 threads: 1 completed, 1 failed, 1 interrupted, 1 pending, 1 cancelled
5 sessions  ·  2h 3m  ·  $1.51 + unknown
--- exit 0

"#]],
    );
    let report = desk.bytes(format!("{STREAM}/REPORT.md"));
    let printed = desk.run("report --stdout").ok();
    assert_eq!(String::from_utf8(report).expect("UTF-8"), printed.stdout);
    // An earlier report is replaced, and so is an empty file.
    desk.write_file(&format!("{STREAM}/REPORT.md"), "");
    desk.run("report").ok();
    desk.run("report").ok();
    desk.write_file(&format!("{STREAM}/REPORT.md"), "# Notes of a person\n");
    desk.shows(
        "report",
        str![[r#"
$ work report
--- stderr
error: `[REPO]/work/001-rename-fetch/REPORT.md` is there, and `work report` did not write it
hint: `work report --force` replaces it; or move it away
hint: `work report --stdout` prints the report instead
--- exit 1

"#]],
    );
    assert_eq!(desk.bytes(format!("{STREAM}/REPORT.md")), b"# Notes of a person\n");
    desk.run("report --force").ok();
    assert!(desk.bytes(format!("{STREAM}/REPORT.md")).starts_with(b"<!-- Written by `work report`"));
}

#[test]
fn as_markdown() {
    Desk::busy().shows("report --stdout", str![[r#"
$ work report --stdout
<!-- Written by `work report`, which replaces it: keep words of your own elsewhere. -->

# Report: Rename fetch

- **Stream:** 001-rename-fetch
- **Created:** 2026-03-04 05:06 UTC
- **Report made:** 2026-03-04 05:06 UTC
- **Plan:** approved 2026-03-04 05:06 UTC by tester
- **Progress:** 2 of 5 tasks
- **Threads:** 1 completed, 1 failed, 1 interrupted, 1 pending, 1 cancelled
- **Sessions:** 5
- **Time:** 2026-02-20 09:00 UTC to 2026-03-04 05:03 UTC
- **Agents worked:** 2h 3m, all sessions added up
- **Tokens:** 15,400 in, 1,240 out (9,000 of the first from a cache, 10 more written to a cache, without 2 sessions that told none)
- **Cost:** $1.51, and what 2 sessions cost that told no price

## What is left

- Thread 01.01.02 Shell completions and the man page is **failed**: rate-limit: 429: the quota is used up
  - wait for the provider's limit to reset, or `work fix --thread 01.01.02 --retry --model MODEL`
- Thread 01.02.01 Help texts is **interrupted**: its window or command was closed
  - resume it where it stopped; `work fix --thread 01.02.01 --resume`
- 1 thread did not begin.

What to do next:

1. `work fix` takes up what was begun and is not done
2. `work approve stage 01` says that the result of stage 01 is good

## Stages

| Stage | Name | Progress | Sessions | Agents worked | Cost | Result |
| --- | --- | --- | ---: | ---: | ---: | --- |
| 01 | Rename | 2 of 4 tasks | 5 | 2h 3m | $1.51 + unknown |  |
| 02 | Remove | 0 of 1 task | 0 |  |  |  |

## Agents and models

| Agent | Model | Threads | Sessions | Worked | Tokens in | Tokens out | Cost |
| --- | --- | ---: | --- | ---: | ---: | ---: | ---: |
| default | anthropic/claude-opus-4-5 | 1 | 1 completed | 10m 0s | unknown | unknown | unknown |
| default | anthropic/claude-sonnet-4-5 | 2 | 1 completed, 1 failed, 1 interrupted | 1h 40m | 10,200 + unknown | 340 + unknown | $0.0123 + unknown |
| docs-writer | openrouter/openai/gpt-5.2-codex#high | 1 | 1 failed | 13m 0s | 5,200 | 900 | $1.50 |

## Stage 01: Rename

### Batch 01.01: The name

#### Thread 01.01.01: The command

**completed** · 2 of 2 tasks · agent default · 2 sessions, 10m 1s · cost: $0.0123

- [x] 01.01.01.01 Rename the file and its test
  > Renamed; the test came along./
  > Both are green.
- [x] 01.01.01.02 Keep an alias

| Attempt | Agent | Model | Started (UTC) | Took | Status | Tokens in | Tokens out | Cost | Why |
| --- | --- | --- | --- | ---: | --- | ---: | ---: | ---: | --- |
| 1 | default | anthropic/claude-sonnet-4-5 | 2026-03-04 04:00:00 | 1s | failed |  |  | $0 | auth: 401: no key |
| 2 | default | anthropic/claude-sonnet-4-5 | 2026-03-04 04:10:00 | 10m 0s | completed | 10,200 | 340 | $0.0123 |  |

#### Thread 01.01.02: Shell completions and the man page

**failed** · 0 of 1 task · agent docs-writer · 1 session, 13m 0s · cost: $1.50

Not done: rate-limit: 429: the quota is used up. What helps: wait for the provider's limit to reset, or `work fix --thread 01.01.02 --retry --model MODEL`.

- [ ] 01.01.02.01 Shell completions and the man page (in progress)
  - left at: completions/pull.bash is done, zsh comes next

| Attempt | Agent | Model | Started (UTC) | Took | Status | Tokens in | Tokens out | Cost | Why |
| --- | --- | --- | --- | ---: | --- | ---: | ---: | ---: | --- |
| 1 | docs-writer | openrouter/openai/gpt-5.2-codex#high | 2026-03-04 04:50:00 | 13m 0s | failed | 5,200 | 900 | $1.50 | rate-limit: 429: the quota is used up |

### Batch 01.02: The words

#### Thread 01.02.01: Help texts

**interrupted** · 0 of 1 task · 1 session, 1h 30m · cost: unknown

Not done: its window or command was closed. What helps: resume it where it stopped; `work fix --thread 01.02.01 --resume`.

- [ ] 01.02.01.01 Help texts (pending)

| Attempt | Agent | Model | Started (UTC) | Took | Status | Tokens in | Tokens out | Cost | Why |
| --- | --- | --- | --- | ---: | --- | ---: | ---: | ---: | --- |
| 1 | default | anthropic/claude-sonnet-4-5 | 2026-03-02 05:00:00 | 1h 30m | interrupted |  |  | unknown | its window or command was closed |

#### Thread 01.02.02: Blog post

**cancelled** · 0 of 0 tasks · 1 session, 10m 0s · cost: unknown · no longer in the plan

> Nobody reads it

| Attempt | Agent | Model | Started (UTC) | Took | Status | Tokens in | Tokens out | Cost | Why |
| --- | --- | --- | --- | ---: | --- | ---: | ---: | ---: | --- |
| 1 | default | anthropic/claude-opus-4-5 | 2026-02-20 09:00:00 | 10m 0s | completed |  |  | unknown |  |

## Stage 02: Remove

### Batch 02.01: Removal

#### Thread 02.01.01: Remove the alias

**pending** · 0 of 1 task

- [ ] 02.01.01.01 Remove the alias (pending)
--- exit 0

"#]]);
}

#[test]
fn as_json() {
    let desk = Desk::busy();
    desk.shows_json("report", "report", str![[r#"
$ work report --json
{
  "stream": "001-rename-fetch",
  "name": "Rename fetch",
  "state": "open",
  "createdAt": "2026-03-04T05:06:07Z",
  "madeAt": "2026-03-04T05:06:07Z",
  "approved": {
    "at": "2026-03-04T05:06:07Z",
    "by": "tester"
  },
  "tasks": {
    "completed": 2,
    "total": 5,
    "blocked": 0,
    "cancelled": 0
  },
  "counts": {
    "cancelled": 1,
    "completed": 1,
    "failed": 1,
    "interrupted": 1,
    "pending": 1
  },
  "span": {
    "from": "2026-02-20T09:00:00Z",
    "to": "2026-03-04T05:03:00Z"
  },
  "spent": {
    "sessions": 5,
    "seconds": 7381,
    "untimed": 0,
    "usage": {
      "input": 6400,
      "output": 1200,
      "reasoning": 40,
      "cacheRead": 9000,
      "cacheWrite": 10,
      "cost": 1.5123
    },
    "unmetered": 2,
    "unpriced": 2
  },
  "stages": [
    {
      "id": "01",
      "name": "Rename",
      "tasks": {
        "completed": 2,
        "total": 4,
        "blocked": 0,
        "cancelled": 0
      },
      "spent": {
        "sessions": 5,
        "seconds": 7381,
        "untimed": 0,
        "usage": {
          "input": 6400,
          "output": 1200,
          "reasoning": 40,
          "cacheRead": 9000,
          "cacheWrite": 10,
          "cost": 1.5123
        },
        "unmetered": 2,
        "unpriced": 2
      },
      "batches": [
        {
          "id": "01.01",
          "name": "The name",
          "tasks": {
            "completed": 2,
            "total": 3,
            "blocked": 0,
            "cancelled": 0
          },
          "threads": [
            {
              "id": "01.01.01",
              "name": "The command",
              "status": "completed",
              "agent": "default",
              "inPlan": true,
              "progress": {
                "completed": 2,
                "total": 2,
                "blocked": 0,
                "cancelled": 0
              },
              "tasks": [
                {
                  "id": "01.01.01.01",
                  "name": "Rename the file and its test",
                  "status": "completed",
                  "report": "Renamed; the test came along./nBoth are green."
                },
                {
                  "id": "01.01.01.02",
                  "name": "Keep an alias",
                  "status": "completed"
                }
              ],
              "spent": {
                "sessions": 2,
                "seconds": 601,
                "untimed": 0,
                "usage": {
                  "input": 1200,
                  "output": 300,
                  "reasoning": 40,
                  "cacheRead": 9000,
                  "cacheWrite": 10,
                  "cost": 0.0123
                },
                "unmetered": 0,
                "unpriced": 0
              },
              "sessions": [
                {
                  "attempt": 1,
                  "agent": "default",
                  "model": "anthropic/claude-sonnet-4-5",
                  "startedAt": "2026-03-04T04:00:00Z",
                  "endedAt": "2026-03-04T04:00:01.250Z",
                  "seconds": 1,
                  "status": "failed",
                  "why": "auth: 401: no key",
                  "cost": 0.0
                },
                {
                  "attempt": 2,
                  "sessionId": "ses_2f0c6b1e9ffeXk3ZyQp7WmRt1a",
                  "agent": "default",
                  "model": "anthropic/claude-sonnet-4-5",
                  "startedAt": "2026-03-04T04:10:00Z",
                  "endedAt": "2026-03-04T04:20:00Z",
                  "seconds": 600,
                  "status": "completed",
                  "usage": {
                    "input": 1200,
                    "output": 300,
                    "reasoning": 40,
                    "cacheRead": 9000,
                    "cacheWrite": 10,
                    "cost": 0.0123
                  },
                  "cost": 0.0123
                }
              ]
            },
            {
              "id": "01.01.02",
              "name": "Shell completions and the man page",
              "status": "failed",
              "agent": "docs-writer",
              "inPlan": true,
              "progress": {
                "completed": 0,
                "total": 1,
                "blocked": 0,
                "cancelled": 0
              },
              "tasks": [
                {
                  "id": "01.01.02.01",
                  "name": "Shell completions and the man page",
                  "status": "in_progress",
                  "breadcrumb": "completions/pull.bash is done, zsh comes next"
                }
              ],
              "spent": {
                "sessions": 1,
                "seconds": 780,
                "untimed": 0,
                "usage": {
                  "input": 5200,
                  "output": 900,
                  "reasoning": 0,
                  "cacheRead": 0,
                  "cacheWrite": 0,
                  "cost": 1.5
                },
                "unmetered": 0,
                "unpriced": 0
              },
              "sessions": [
                {
                  "attempt": 1,
                  "sessionId": "ses_2f0c6b1e8ffeAb4CdEf5GhIj6K",
                  "agent": "docs-writer",
                  "model": "openrouter/openai/gpt-5.2-codex#high",
                  "startedAt": "2026-03-04T04:50:00Z",
                  "endedAt": "2026-03-04T05:03:00Z",
                  "seconds": 780,
                  "status": "failed",
                  "why": "rate-limit: 429: the quota is used up",
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
              ],
              "left": {
                "why": "rate-limit: 429: the quota is used up",
                "next": "wait for the provider's limit to reset, or `work fix --thread 01.01.02 --retry --model MODEL`"
              }
            }
          ]
        },
        {
          "id": "01.02",
          "name": "The words",
          "tasks": {
            "completed": 0,
            "total": 1,
            "blocked": 0,
            "cancelled": 0
          },
          "threads": [
            {
              "id": "01.02.01",
              "name": "Help texts",
              "status": "interrupted",
              "agent": null,
              "inPlan": true,
              "progress": {
                "completed": 0,
                "total": 1,
                "blocked": 0,
                "cancelled": 0
              },
              "tasks": [
                {
                  "id": "01.02.01.01",
                  "name": "Help texts",
                  "status": "pending"
                }
              ],
              "spent": {
                "sessions": 1,
                "seconds": 5400,
                "untimed": 0,
                "usage": {
                  "input": 0,
                  "output": 0,
                  "reasoning": 0,
                  "cacheRead": 0,
                  "cacheWrite": 0,
                  "cost": 0.0
                },
                "unmetered": 1,
                "unpriced": 1
              },
              "sessions": [
                {
                  "attempt": 1,
                  "sessionId": "ses_2f0c6b1e7ffeLm7NoPq8RsTu9V",
                  "agent": "default",
                  "model": "anthropic/claude-sonnet-4-5",
                  "startedAt": "2026-03-02T05:00:00Z",
                  "endedAt": "2026-03-02T06:30:00Z",
                  "seconds": 5400,
                  "status": "interrupted",
                  "why": "its window or command was closed"
                }
              ],
              "left": {
                "why": "its window or command was closed",
                "next": "resume it where it stopped; `work fix --thread 01.02.01 --resume`"
              }
            },
            {
              "id": "01.02.02",
              "name": "Blog post",
              "status": "cancelled",
              "agent": null,
              "inPlan": false,
              "progress": {
                "completed": 0,
                "total": 0,
                "blocked": 0,
                "cancelled": 0
              },
              "tasks": [],
              "report": "Nobody reads it",
              "spent": {
                "sessions": 1,
                "seconds": 600,
                "untimed": 0,
                "usage": {
                  "input": 0,
                  "output": 0,
                  "reasoning": 0,
                  "cacheRead": 0,
                  "cacheWrite": 0,
                  "cost": 0.0
                },
                "unmetered": 1,
                "unpriced": 1
              },
              "sessions": [
                {
                  "attempt": 1,
                  "sessionId": "ses_mkrdcbqn_7zf4i6",
                  "agent": "default",
                  "model": "anthropic/claude-opus-4-5",
                  "startedAt": "2026-02-20T09:00:00Z",
                  "endedAt": "2026-02-20T09:10:00Z",
                  "seconds": 600,
                  "status": "completed"
                }
              ]
            }
          ]
        }
      ]
    },
    {
      "id": "02",
      "name": "Remove",
      "tasks": {
        "completed": 0,
        "total": 1,
        "blocked": 0,
        "cancelled": 0
      },
      "spent": {
        "sessions": 0,
        "seconds": 0,
        "untimed": 0,
        "usage": {
          "input": 0,
          "output": 0,
          "reasoning": 0,
          "cacheRead": 0,
          "cacheWrite": 0,
          "cost": 0.0
        },
        "unmetered": 0,
        "unpriced": 0
      },
      "batches": [
        {
          "id": "02.01",
          "name": "Removal",
          "tasks": {
            "completed": 0,
            "total": 1,
            "blocked": 0,
            "cancelled": 0
          },
          "threads": [
            {
              "id": "02.01.01",
              "name": "Remove the alias",
              "status": "pending",
              "agent": null,
              "inPlan": true,
              "progress": {
                "completed": 0,
                "total": 1,
                "blocked": 0,
                "cancelled": 0
              },
              "tasks": [
                {
                  "id": "02.01.01.01",
                  "name": "Remove the alias",
                  "status": "pending"
                }
              ],
              "spent": {
                "sessions": 0,
                "seconds": 0,
                "untimed": 0,
                "usage": {
                  "input": 0,
                  "output": 0,
                  "reasoning": 0,
                  "cacheRead": 0,
                  "cacheWrite": 0,
                  "cost": 0.0
                },
                "unmetered": 0,
                "unpriced": 0
              },
              "sessions": []
            }
          ]
        }
      ]
    }
  ],
  "agents": [
    {
      "agent": "default",
      "model": "anthropic/claude-opus-4-5",
      "threads": 1,
      "counts": {
        "completed": 1
      },
      "spent": {
        "sessions": 1,
        "seconds": 600,
        "untimed": 0,
        "usage": {
          "input": 0,
          "output": 0,
          "reasoning": 0,
          "cacheRead": 0,
          "cacheWrite": 0,
          "cost": 0.0
        },
        "unmetered": 1,
        "unpriced": 1
      }
    },
    {
      "agent": "default",
      "model": "anthropic/claude-sonnet-4-5",
      "threads": 2,
      "counts": {
        "completed": 1,
        "failed": 1,
        "interrupted": 1
      },
      "spent": {
        "sessions": 3,
        "seconds": 6001,
        "untimed": 0,
        "usage": {
          "input": 1200,
          "output": 300,
          "reasoning": 40,
          "cacheRead": 9000,
          "cacheWrite": 10,
          "cost": 0.0123
        },
        "unmetered": 1,
        "unpriced": 1
      }
    },
    {
      "agent": "docs-writer",
      "model": "openrouter/openai/gpt-5.2-codex#high",
      "threads": 1,
      "counts": {
        "failed": 1
      },
      "spent": {
        "sessions": 1,
        "seconds": 780,
        "untimed": 0,
        "usage": {
          "input": 5200,
          "output": 900,
          "reasoning": 0,
          "cacheRead": 0,
          "cacheWrite": 0,
          "cost": 1.5
        },
        "unmetered": 0,
        "unpriced": 0
      }
    }
  ],
  "drift": [],
  "questions": [],
  "next": [
    "`work fix` takes up what was begun and is not done",
    "`work approve stage 01` says that the result of stage 01 is good"
  ]
}
--- exit 0

"#]]);
    assert!(!desk.path(format!("{STREAM}/REPORT.md")).exists(), "`--json` writes no REPORT.md");
}

#[test]
fn as_html() {
    let desk = Desk::busy();
    let printed = desk.run("report --html -").ok().stdout;
    desk.is(&printed, Desk::golden("report.html"));
    desk.shows(
        "report --html out.html",
        str![[r#"
$ work report --html out.html
wrote out.html
2 of 5 tasks  ·  5 threads: 1 completed, 1 failed, 1 interrupted, 1 pending, 1 cancelled
5 sessions  ·  2h 3m  ·  $1.51 + unknown
--- exit 0

"#]],
    );
    assert_eq!(String::from_utf8(desk.bytes("repo/out.html")).expect("UTF-8"), printed);
    assert!(!desk.path(format!("{STREAM}/REPORT.md")).exists(), "`--html` writes no REPORT.md");
    desk.run("report --html out.html").ok();
    desk.write_file("repo/mine.html", "<!DOCTYPE html>\n<p>Mine");
    desk.refuses("report --html mine.html", 1, &["`mine.html` is there"]);
    assert_eq!(desk.bytes("repo/mine.html"), b"<!DOCTYPE html>\n<p>Mine");
    desk.run("report --html mine.html --force").ok();
    desk.refuses("report --html no/such/folder.html", 1, &["no/such"]);
    let document = desk.run("report --html out.html --json").ok();
    assert_eq!(super::desk::document("report", &document)["stream"], "001-rename-fetch");
}

#[test]
fn what_does_not_go_together() {
    let desk = Desk::busy();
    desk.refuses("report --stdout --html x.html", 2, &["--html"]);
    desk.refuses("report --stdout --force", 2, &["--force"]);
    assert_eq!(desk.run("report --json --html -").code, 2);
    assert_eq!(desk.run("report --json --stdout").code, 2);
}

#[test]
fn of_a_stream_that_has_not_begun() {
    let desk = Desk::planned();
    desk.shows(
        "report --stdout",
        str![[r#"
$ work report --stdout
<!-- Written by `work report`, which replaces it: keep words of your own elsewhere. -->

# Report: Rename fetch

- **Stream:** 001-rename-fetch
- **Created:** 2026-03-04 05:06 UTC
- **Report made:** 2026-03-04 05:06 UTC
- **Plan:** not approved
- **Progress:** 0 of 0 tasks
- **Sessions:** 0
- **Cost:** nothing: no agent has worked

## What is left

Nothing: every thread is done.

What to do next:

1. `work validate plan`, then `work approve plan`

There are no threads yet: a plan that is approved gives them.
--- exit 0

"#]],
    );
    let html = desk.run("report --html -").ok().stdout;
    assert!(html.contains("No agent has worked on this stream yet"), "{html}");
    let desk = Desk::approved();
    desk.shows(
        "report",
        str![[r#"
$ work report
wrote [REPO]/work/001-rename-fetch/REPORT.md
0 of 5 tasks  ·  4 threads: 4 pending
no agent has worked yet
--- exit 0

"#]],
    );
}

/// What the plan would have added is missing; the rest is told.
#[test]
fn of_a_plan_that_can_not_be_read() {
    let desk = Desk::busy();
    desk.plan([0xff, 0xfe]);
    let output = desk.run("report --stdout").ok();
    assert!(output.stdout.contains("PLAN.md can't be read"), "{}", output.stdout);
    assert!(output.stderr.contains("cannot read"), "{}", output.stderr);
}
