//! `work tree`

use snapbox::str;

use super::desk::Desk;

#[test]
fn what_the_state_has() {
    let desk = Desk::busy();
    desk.shows(
        "tree",
        str![[r#"
$ work tree
001-rename-fetch
├── 01 Rename  2/4
│   ├── 01.01 The name
│   │   ├── 01.01.01 The command @default  completed
│   │   │   ├── 01.01.01.01 Rename the file and its test  completed
│   │   │   └── 01.01.01.02 Keep an alias  completed
│   │   └── 01.01.02 Shell completions and the man page @docs-writer  failed
│   │       └── 01.01.02.01 Shell completions and the man page  in_progress
│   └── 01.02 The words
│       ├── 01.02.01 Help texts  interrupted
│       │   └── 01.02.01.01 Help texts  pending
│       └── 01.02.02 Blog post  cancelled
└── 02 Remove  0/1
    └── 02.01 Removal
        └── 02.01.01 Remove the alias  pending
            └── 02.01.01.01 Remove the alias  pending
--- exit 0

"#]],
    );
    desk.shows(
        "tree --no-tasks",
        str![[r#"
$ work tree --no-tasks
001-rename-fetch
├── 01 Rename  2/4
│   ├── 01.01 The name
│   │   ├── 01.01.01 The command @default  completed
│   │   └── 01.01.02 Shell completions and the man page @docs-writer  failed
│   └── 01.02 The words
│       ├── 01.02.01 Help texts  interrupted
│       └── 01.02.02 Blog post  cancelled
└── 02 Remove  0/1
    └── 02.01 Removal
        └── 02.01.01 Remove the alias  pending
--- exit 0

"#]],
    );
}

#[test]
fn as_json() {
    let desk = Desk::approved();
    desk.shows_json(
        "status",
        "tree",
        str![[r#"
$ work tree --json
{
  "stream": "001-rename-fetch",
  "name": "Rename fetch",
  "state": "open",
  "approved": true,
  "tasks": {
    "completed": 0,
    "total": 5,
    "blocked": 0,
    "cancelled": 0
  },
  "counts": {
    "pending": 4
  },
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
  "agents": [],
  "stages": [
    {
      "id": "01",
      "name": "Rename",
      "approved": false,
      "tasks": {
        "completed": 0,
        "total": 4,
        "blocked": 0,
        "cancelled": 0
      },
      "batches": [
        {
          "id": "01.01",
          "name": "The name",
          "tasks": {
            "completed": 0,
            "total": 3,
            "blocked": 0,
            "cancelled": 0
          },
          "threads": 2,
          "settled": 0
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
          "threads": 1,
          "settled": 0
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
      "status": "pending",
      "agent": "default",
      "tasks": {
        "completed": 0,
        "total": 2,
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
    },
    {
      "id": "01.01.02",
      "name": "Shell completions and the man page",
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
    },
    {
      "id": "01.02.01",
      "name": "Help texts",
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

#[test]
fn before_the_approval_the_next_step() {
    let desk = Desk::planned();
    desk.shows(
        "tree",
        str![[r#"
$ work tree
001-rename-fetch
--- stderr
hint: `work preview` shows the plan; `work approve plan` takes it over
--- exit 0

"#]],
    );
}
