//! `work preview`

use snapbox::str;

use super::desk::Desk;

#[test]
fn what_the_plan_has() {
    let desk = Desk::planned();
    desk.shows(
        "preview",
        str![[r#"
$ work preview
Plan: Rename the `fetch` command
├── 01 Rename
│   ├── 01.01 The name
│   │   ├── 01.01.01 The command
│   │   │   ├── 01.01.01.01 Rename the file and its test
│   │   │   └── 01.01.01.02 Keep an alias
│   │   └── 01.01.02 Shell completions and the man page
│   └── 01.02 The words
│       └── 01.02.01 Help texts
└── 02 Remove
    └── 02.01 Removal
        └── 02.01.01 Remove the alias
--- exit 0

"#]],
    );
    desk.shows_json(
        "preview",
        "preview",
        str![[r#"
$ work preview --json
{
  "name": "Rename the `fetch` command",
  "stages": [
    {
      "id": "01",
      "name": "Rename",
      "children": [
        {
          "id": "01.01",
          "name": "The name",
          "children": [
            {
              "id": "01.01.01",
              "name": "The command",
              "children": [
                {
                  "id": "01.01.01.01",
                  "name": "Rename the file and its test"
                },
                {
                  "id": "01.01.01.02",
                  "name": "Keep an alias"
                }
              ]
            },
            {
              "id": "01.01.02",
              "name": "Shell completions and the man page"
            }
          ]
        },
        {
          "id": "01.02",
          "name": "The words",
          "children": [
            {
              "id": "01.02.01",
              "name": "Help texts"
            }
          ]
        }
      ]
    },
    {
      "id": "02",
      "name": "Remove",
      "children": [
        {
          "id": "02.01",
          "name": "Removal",
          "children": [
            {
              "id": "02.01.01",
              "name": "Remove the alias"
            }
          ]
        }
      ]
    }
  ],
  "errors": 0,
  "warnings": 0
}
--- exit 0

"#]],
    );
}

#[test]
fn what_is_wrong_is_counted() {
    let desk = Desk::planned();
    desk.plan(super::desk::PLAN.replace("###### Thread 02", "###### Thread 01"));
    desk.shows(
        "preview",
        str![[r#"
$ work preview
Plan: Rename the `fetch` command
├── 01 Rename
│   ├── 01.01 The name
│   │   ├── 01.01.01 The command
│   │   │   ├── 01.01.01.01 Rename the file and its test
│   │   │   └── 01.01.01.02 Keep an alias
│   │   └── 01.01.01 Shell completions and the man page
│   └── 01.02 The words
│       └── 01.02.01 Help texts
└── 02 Remove
    └── 02.01 Removal
        └── 02.01.01 Remove the alias
--- stderr
warning: the plan has 1 error; `work validate plan` shows them
--- exit 0

"#]],
    );
}
