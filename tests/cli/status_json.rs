//! `work status --json`.

use snapbox::str;

use super::desk::Desk;

#[test]
fn as_json() {
    let desk = Desk::busy();
    desk.shows_json(
        "status",
        "status",
        str![[r#"
$ work status --json
{
  "stream": "001-rename-fetch",
  "name": "Rename fetch",
  "state": "open",
  "approved": true,
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
  "spent": {
    "sessions": 5,
    "tokens": {
      "input": 6400,
      "output": 1200,
      "reasoning": 40,
      "cacheRead": 9000,
      "cacheWrite": 10
    },
    "cost": 1.5123,
    "unmetered": 2,
    "unpriced": 2
  },
  "agents": [
    {
      "agent": "default",
      "sessions": 4,
      "tokens": {
        "input": 1200,
        "output": 300,
        "reasoning": 40,
        "cacheRead": 9000,
        "cacheWrite": 10
      },
      "cost": 0.0123,
      "unmetered": 2,
      "unpriced": 2
    },
    {
      "agent": "docs-writer",
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
    }
  ],
  "stages": [
    {
      "id": "01",
      "name": "Rename",
      "approved": false,
      "tasks": {
        "completed": 2,
        "total": 4,
        "blocked": 0,
        "cancelled": 0
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
          "threads": 2,
          "settled": 1
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
          "threads": 2,
          "settled": 1
        }
      ]
    },
    {
      "id": "02",
      "name": "Remove",
      "approved": false,
      "tasks": {
        "completed": 0,
        "total": 1,
        "blocked": 0,
        "cancelled": 0
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
          "threads": 1,
          "settled": 0
        }
      ]
    }
  ],
  "threads": [
    {
      "id": "01.01.01",
      "name": "The command",
      "status": "completed",
      "agent": "default",
      "tasks": {
        "completed": 2,
        "total": 2,
        "blocked": 0,
        "cancelled": 0
      },
      "inPlan": true,
      "resumable": false,
      "spent": {
        "sessions": 2,
        "tokens": {
          "input": 1200,
          "output": 300,
          "reasoning": 40,
          "cacheRead": 9000,
          "cacheWrite": 10
        },
        "cost": 0.0123,
        "unmetered": 0,
        "unpriced": 0
      },
      "sessions": [
        {
          "attempt": 1,
          "sessionId": null,
          "resumable": false,
          "agent": "default",
          "model": "anthropic/claude-sonnet-4-5",
          "backend": "opencode",
          "mode": "tui",
          "directory": "/",
          "startedAt": "2026-03-04T04:00:00Z",
          "endedAt": "2026-03-04T04:00:01.250Z",
          "status": "failed",
          "exitCode": 1,
          "error": {
            "kind": "auth",
            "message": "401: no key"
          },
          "interruptedBy": null,
          "resumedFrom": null,
          "turns": [],
          "usage": null,
          "cost": 0.0
        },
        {
          "attempt": 2,
          "sessionId": "ses_2f0c6b1e9ffeXk3ZyQp7WmRt1a",
          "resumable": true,
          "agent": "default",
          "model": "anthropic/claude-sonnet-4-5",
          "backend": "opencode",
          "mode": "tui",
          "directory": "/",
          "startedAt": "2026-03-04T04:10:00Z",
          "endedAt": "2026-03-04T04:20:00Z",
          "status": "completed",
          "exitCode": 0,
          "error": null,
          "interruptedBy": null,
          "resumedFrom": null,
          "turns": [
            2
          ],
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
    },
    {
      "id": "02.01.01",
      "name": "Remove the alias",
      "status": "pending",
      "agent": null,
      "tasks": {
        "completed": 0,
        "total": 1,
        "blocked": 0,
        "cancelled": 0
      },
      "inPlan": true,
      "resumable": false,
      "spent": {
        "sessions": 0,
        "tokens": {
          "input": 0,
          "output": 0,
          "reasoning": 0,
          "cacheRead": 0,
          "cacheWrite": 0
        },
        "unmetered": 0,
        "unpriced": 0
      },
      "sessions": []
    }
  ],
  "drift": [],
  "planUnreadable": null,
  "updatedAt": "2026-03-04T05:06:07Z"
}
--- exit 0

"#]],
    );
}
