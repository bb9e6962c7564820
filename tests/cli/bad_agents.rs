//! agents.yaml and config.yaml with slips: each with line, caret and what to do.

use snapbox::str;

use super::desk::{Desk, document};

#[test]
fn what_is_no_yaml_is_told_with_line_and_caret() {
    let desk = Desk::approved();
    desk.agents("agents:\n  - name: default\n    models: [a/b\n  - name: other\n");
    desk.shows(
        "validate agents",
        str![[r#"
$ work validate agents
error[A001]: this is not YAML: illegal placement of ':' indicator
 --> [REPO]/work/agents.yaml:4:9
  |
4 |   - name: other
  |         ^
  |
  = help: quote texts that hold `: `, `#`, `*`, `&`, `@` or brackets, and close what is opened

agents.yaml: 1 error
--- exit 3

"#]],
    );
    desk.shows(
        "agents",
        str![[r#"
$ work agents
--- stderr
error[A001]: this is not YAML: illegal placement of ':' indicator
 --> [REPO]/work/agents.yaml:4:9
  |
4 |   - name: other
  |         ^
  |
  = help: quote texts that hold `: `, `#`, `*`, `&`, `@` or brackets, and close what is opened

error: `[REPO]/work/agents.yaml` has 1 error
hint: `work validate agents` checks it again
--- exit 3

"#]],
    );
    for line in ["agents", "assign -t 1.1.1 -a default", "execute -t 1.1.1 --dry-run", "multi --dry-run"] {
        desk.refuses(line, 3, &["agents.yaml", "error[A001]", "hint: `work validate agents`"]);
    }
    // What needs no agents goes on.
    for line in ["status", "tree", "prompt -t 1.1.1", "update --task 1.1.1.1 --status in_progress"] {
        desk.run(line).ok();
    }
}

#[test]
fn an_unknown_key_is_a_warning_and_a_wrong_model_an_error() {
    let desk = Desk::approved();
    desk.agents(
        "agents:\n  - name: default\n    best-for: all\n    models:\n      - anthropic/claude\n\
         defaults: none\n",
    );
    desk.shows(
        "validate agents",
        str![[r#"
$ work validate agents
warning[A002]: an agent has no key `best-for`
 --> [REPO]/work/agents.yaml:3:5
  |
3 |     best-for: all
  |     ^^^^^^^^ not used
  |
  = help: did you mean `best_for`?

warning[A002]: the file has no key `defaults`
 --> [REPO]/work/agents.yaml:6:1
  |
6 | defaults: none
  | ^^^^^^^^ not used
  |
  = help: the file knows `agents`

agents.yaml: 2 warnings
--- exit 0

"#]],
    );
    desk.shows(
        "agents",
        str![[r#"
$ work agents
Agent    Best for  Backend   Models            Usable
default            opencode  anthropic/claude  yes
--- stderr
warning: the file has no key `defaults` (`work validate agents` shows where)
warning: an agent has no key `best-for` (`work validate agents` shows where)
--- exit 0

"#]],
    );
    desk.agents(
        "agents:\n  - name: default\n    models:\n      - claude\n      - { model: a/b, variant: 3 }\n",
    );
    desk.shows(
        "validate agents",
        str![[r#"
$ work validate agents
error[A010]: `claude` is not a model like `provider/model` or `provider/model#variant`
 --> [REPO]/work/agents.yaml:4:9
  |
4 |       - claude
  |         ^^^^^^
  |
  = help: `opencode models` lists the models

agents.yaml: 1 error
--- exit 3

"#]],
    );
    desk.shows_json(
        "error",
        "execute -t 1.1.1 --dry-run",
        str![[r#"
$ work execute -t 1.1.1 --dry-run --json
{
  "error": {
    "kind": "config",
    "code": 3,
    "message": "`[REPO]/work/agents.yaml` has 1 error",
    "causes": [],
    "hints": [
      "`work validate agents` checks it again"
    ],
    "diagnostics": [
      {
        "code": "A010",
        "severity": "error",
        "message": "`claude` is not a model like `provider/model` or `provider/model#variant`",
        "primary": {
          "span": {
            "start": 46,
            "end": 52
          },
          "text": ""
        },
        "secondary": [],
        "help": "`opencode models` lists the models"
      }
    ]
  }
}
--- exit 3

"#]],
    );
    desk.refuses("multi", 3, &["error[A010]", "agents.yaml:4:9"]);
}

#[test]
fn a_file_that_is_missing_empty_or_no_text_is_told() {
    let desk = Desk::approved();
    for (text, code) in
        [(&b""[..], "A006"), (b"# nothing\n", "A006"), (b"agents: []\n", "A006"), (b"\0", "A001")]
    {
        desk.env.write("repo/work/agents.yaml", text);
        desk.refuses("agents", 3, &[code]);
    }
    desk.env.write("repo/work/agents.yaml", b"agents:\n  - name: \xff\n");
    desk.refuses("agents", 1, &["agents.yaml`", "because: line 2 is not UTF-8 text"]);
    std::fs::remove_file(desk.path("repo/work/agents.yaml")).expect("gone");
    desk.shows(
        "agents",
        str![[r#"
$ work agents
--- stderr
error: cannot read `[REPO]/work/agents.yaml`
  because: No such file or directory (os error 2)
hint: `work init` makes one
--- exit 1

"#]],
    );
    desk.shows(
        "validate agents",
        str![[r#"
$ work validate agents
error[A000]: cannot read `[REPO]/work/agents.yaml`: No such file or directory (os error 2)
--> [REPO]/work/agents.yaml
 = help: `work init` makes one

agents.yaml: 1 error
--- exit 3

"#]],
    );
    desk.refuses("execute -t 1.1.1 --dry-run", 1, &["hint: `work init` makes one"]);
    desk.run("status").ok();
}

#[test]
fn settings_are_checked_too() {
    let desk = Desk::approved();
    desk.env.write("repo/work/config.yaml", "stallTimeout: soon\nwindow: huge\nturnTimout: 1h\n");
    desk.shows(
        "validate agents",
        str![[r#"
$ work validate agents
error[C005]: `stallTimeout`: `soon` is no length of time like `30m`, `90s` or `1h30m`
 --> [REPO]/work/config.yaml:1:15
  |
1 | stallTimeout: soon
  |               ^^^^
  |
  = help: write a number with `ms`, `s`, `m`, `h` or `d`

error[C006]: `huge` is no kind of window
 --> [REPO]/work/config.yaml:2:9
  |
2 | window: huge
  |         ^^^^
  |
  = help: write `tui` or `stream`

warning[C002]: the configuration has no key `turnTimout`
 --> [REPO]/work/config.yaml:3:1
  |
3 | turnTimout: 1h
  | ^^^^^^^^^^ not used
  |
  = help: did you mean `turnTimeout`?

agents.yaml, config.yaml: 2 errors, 1 warning
--- exit 3

"#]],
    );
    let refused = desk.run("multi --dry-run");
    assert_eq!(refused.code, 3, "{refused:#?}");
    let document = document("validate", &desk.run("validate agents --json"));
    assert_eq!(document["errors"], 2, "{document:#}");
}
