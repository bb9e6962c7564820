//! `work status`

use snapbox::str;

use super::desk::{Desk, document};

#[test]
fn how_the_stream_stands() {
    let desk = Desk::busy();
    desk.shows("status", str![[r#"
$ work status
001-rename-fetch  ·  stage 1 of 2  ·  2/5 tasks  ·  1 failed, 1 interrupted  ·  ≥ $1.51

Stage  Name       Progress    Tasks
01     Rename     █████░░░░░  2/4
01.01  The name   ██████░░░░  2/3
01.02  The words  ░░░░░░░░░░  0/1
02     Remove     ░░░░░░░░░░  0/1
02.01  Removal    ░░░░░░░░░░  0/1

Thread    Name                                Status       Tasks  Sessions  Spent    Last agent   Last session                Resume
01.01.01  The command                         completed    2/2    2         $0.0123  default      completed 46m ago
01.01.02  Shell completions and the man page  failed       0/1    1         $1.50    docs-writer  failed 3m ago (rate-limit)  yes
01.02.01  Help texts                          interrupted  0/1    1                  default      interrupted 46h ago         yes
01.02.02  Blog post (no longer in the plan)   cancelled    0/0    1                  default      completed 11d ago
02.01.01  Remove the alias                    pending      0/1    0
--- exit 0

"#]]);
    desk.shows("status --sessions", str![[r#"
$ work status --sessions
001-rename-fetch  ·  stage 1 of 2  ·  2/5 tasks  ·  1 failed, 1 interrupted  ·  ≥ $1.51

Thread    Try  Status       Agent        Model                                 Session                         Started                       Took  Exit  Tokens     Cost
01.01.01  1    failed       default      anthropic/claude-sonnet-4-5           none was opened                 2026-03-04 04:00:00, 1h ago   1s    1
01.01.01  2    completed    default      anthropic/claude-sonnet-4-5           ses_2f0c6b1e9ffeXk3ZyQp7WmRt1a  2026-03-04 04:10:00, 56m ago  10m   0     10200+340  $0.0123
01.01.02  1    failed       docs-writer  openrouter/openai/gpt-5.2-codex#high  ses_2f0c6b1e8ffeAb4CdEf5GhIj6K  2026-03-04 04:50:00, 16m ago  13m   1     5200+900   $1.50
01.02.01  1    interrupted  default      anthropic/claude-sonnet-4-5           ses_2f0c6b1e7ffeLm7NoPq8RsTu9V  2026-03-02 05:00:00, 2d ago   1h    130
01.02.02  1    completed    default      anthropic/claude-opus-4-5             ses_mkrdcbqn_7zf4i6 (invented)  2026-02-20 09:00:00, 11d ago  10m   0

01.01.01 try 1: auth: 401: no key
01.01.02 try 1: rate-limit: 429: the quota is used up
01.02.01 try 1: interrupted: its window or command was closed

Agent        Sessions  Tokens in  Tokens out  Cost
default      4         ≥ 10,200   ≥ 340       ≥ $0.0123
docs-writer  1         5,200      900         $1.50
--- exit 0

"#]]);
}

#[test]
fn before_the_plan_is_approved() {
    let desk = Desk::planned();
    desk.shows(
        "status",
        str![[r#"
$ work status
001-rename-fetch  ·  no threads yet  ·  plan not approved
--- stderr
hint: `work validate plan`, then `work approve plan`
--- exit 0

"#]],
    );
    desk.shows_json(
        "status",
        "status",
        str![[r#"
$ work status --json
{
  "stream": "001-rename-fetch",
  "name": "Rename fetch",
  "state": "open",
  "approved": false,
  "tasks": {
    "completed": 0,
    "total": 0,
    "blocked": 0,
    "cancelled": 0
  },
  "counts": {},
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
  "stages": [],
  "threads": [],
  "drift": [],
  "planUnreadable": null,
  "updatedAt": "2026-03-04T05:06:07Z"
}
--- exit 0

"#]],
    );
}

#[test]
fn before_anything_has_run() {
    let desk = Desk::approved();
    desk.shows(
        "status",
        str![[r#"
$ work status
001-rename-fetch  ·  stage 1 of 2  ·  0/5 tasks

Stage  Name       Progress    Tasks
01     Rename     ░░░░░░░░░░  0/4
01.01  The name   ░░░░░░░░░░  0/3
01.02  The words  ░░░░░░░░░░  0/1
02     Remove     ░░░░░░░░░░  0/1
02.01  Removal    ░░░░░░░░░░  0/1

Thread    Name                                Status   Tasks  Sessions  Last agent  Last session  Resume
01.01.01  The command                         pending  0/2    0         default
01.01.02  Shell completions and the man page  pending  0/1    0
01.02.01  Help texts                          pending  0/1    0
02.01.01  Remove the alias                    pending  0/1    0
--- exit 0

"#]],
    );
    desk.shows(
        "status --sessions",
        str![[r#"
$ work status --sessions
001-rename-fetch  ·  stage 1 of 2  ·  0/5 tasks

no session yet
--- exit 0

"#]],
    );
}

/// Fault: the approved plan was gone, nothing of it could run, and `status` said nothing.
#[test]
fn a_plan_that_is_gone_is_told_of() {
    let desk = Desk::approved();
    std::fs::remove_file(desk.path("repo/work/001-rename-fetch/PLAN.md")).expect("removed");
    let output = desk.run("status").ok();
    assert!(output.stderr.contains("so nothing of it runs: No such file"), "{output:#?}");
    let json = document("status", &desk.run("status --json").ok());
    assert!(json["planUnreadable"].as_str().is_some_and(|why| why.contains("No such file")), "{json}");
}

/// A conversation goes on only in its folder: where that is gone, no table says that it can be resumed, and
/// a retry is proposed.
///
/// Mutant: `Folders::gone` answers `None`.
#[test]
fn a_session_whose_folder_is_gone_can_not_be_resumed() {
    let desk = Desk::elsewhere();
    let resume = |line: &str| -> Vec<String> {
        let shown = desk.run(line).stdout;
        let rows = shown.lines().filter(|line| line.starts_with("01.01.02") || line.starts_with("01.02.01"));
        rows.filter_map(|row| row.split_whitespace().last().map(str::to_owned)).collect()
    };
    assert_eq!(resume("status"), ["no", "no"]);
    assert_eq!(resume("fix"), ["no", "no"]);
    let why = desk.run("why 1.2.1").ok();
    assert!(
        why.stdout.contains("the folder that its session worked in is gone: `/home/ada/project`"),
        "{why:#?}"
    );
    assert!(
        format!("{}{}", why.stdout, why.stderr).contains("`work fix --thread 01.02.01 --retry`"),
        "{why:#?}"
    );
    let here = Desk::busy();
    desk.state(here.state_bytes());
    assert_eq!(resume("status"), ["yes", "yes"]);
}

/// tmux is asked for windows only while something runs.
///
/// Mutant: `Windows::tell` asks whatever runs (tmux is called).
#[test]
fn tmux_is_left_alone_while_nothing_runs() {
    let mut desk = Desk::busy();
    let called = desk.path("called");
    let tmux =
        desk.env.script("bin/tmux", &format!("#!/bin/sh\necho \"$@\" >> '{}'\nexit 1\n", called.display()));
    desk.env.set("WORK_TMUX", tmux);
    desk.env.set("TMUX", desk.path("socket,1,0"));
    desk.run("status").ok();
    assert!(!called.exists(), "nothing runs");
    let mut state = desk.state_json();
    state["threads"][2]["sessions"][0] = serde_json::json!({
        "sessionId": "ses_5", "agentName": "default", "model": "a/b", "attempt": 1, "status": "running",
        "startedAt": "2026-03-04T05:00:00.000Z", "mode": "tui", "backend": "opencode",
        "owner": { "pid": 4242, "startedAt": 1, "bootId": "b", "host": "elsewhere" },
    });
    desk.state(state.to_string());
    let shown = desk.run("status").ok();
    assert!(called.exists(), "one runs");
    assert!(shown.stdout.contains("running for 6m"), "a tmux that can't be asked hides nothing: {shown:#?}");
}
