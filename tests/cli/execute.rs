//! `work execute --thread ID (what would run, and what is refused)`

use snapbox::str;

use super::desk::{Desk, document};

#[test]
fn what_would_run() {
    let desk = Desk::approved();
    desk.shows("execute -t 1.1.1 --dry-run", str![[r#"
$ work execute -t 1.1.1 --dry-run
would run 01.01.01 The command with default (anthropic/claude-sonnet-4-5) in [REPO], plain, permissions: deny; `work prompt --thread 01.01.01` shows its 1484 bytes of prompt
--- exit 0

"#]]);
    desk.shows("execute -t 1.2.1 --dry-run", str![[r#"
$ work execute -t 1.2.1 --dry-run
would run 01.02.01 Help texts with default (anthropic/claude-sonnet-4-5) in [REPO], plain, permissions: deny; `work prompt --thread 01.02.01` shows its 1259 bytes of prompt
--- stderr
warning: thread `01.02.01` depends on `01.01.01`, which is pending
warning: batch `01.01` comes before `01.02` and is not done
--- exit 0

"#]]);
    desk.shows("execute -t 1.1.1 --dry-run --model openai/gpt-5.2#high --mode plain", str![[r#"
$ work execute -t 1.1.1 --dry-run --model openai/gpt-5.2#high --mode plain
would run 01.01.01 The command with default (openai/gpt-5.2#high) in [REPO], plain, permissions: deny; `work prompt --thread 01.01.01` shows its 1484 bytes of prompt
--- exit 0

"#]]);
    desk.shows_json(
        "execute-dry-run",
        "execute -t 1.2.1 --dry-run",
        str![[r#"
$ work execute -t 1.2.1 --dry-run --json
{
  "thread": "01.02.01",
  "name": "Help texts",
  "agent": "default",
  "models": [
    "anthropic/claude-sonnet-4-5"
  ],
  "mode": "plain",
  "resume": null,
  "directory": "[REPO]",
  "promptBytes": 1259,
  "permissions": "deny",
  "warnings": [
    "thread `01.02.01` depends on `01.01.01`, which is pending",
    "batch `01.01` comes before `01.02` and is not done"
  ]
}
--- stderr
warning: thread `01.02.01` depends on `01.01.01`, which is pending
warning: batch `01.01` comes before `01.02` and is not done
--- exit 0

"#]],
    );
}

#[test]
fn what_is_refused() {
    let desk = Desk::busy();
    desk.shows(
        "execute -t 1.1.1",
        str![[r#"
$ work execute -t 1.1.1
--- stderr
error: thread `01.01.01` is completed
hint: `--message TEXT` says what is still to be done
--- exit 1

"#]],
    );
    desk.shows(
        "execute -t 1.2.2",
        str![[r#"
$ work execute -t 1.2.2
--- stderr
error: thread `01.02.02` is cancelled
hint: `--message TEXT` says what is still to be done
--- exit 1

"#]],
    );
    desk.shows(
        "execute -t 1.1.2",
        str![[r#"
$ work execute -t 1.1.2
--- stderr
error: no agent `docs-writer` in `work/agents.yaml`
hint: `work agents` lists them
--- exit 2

"#]],
    );
    desk.shows(
        "execute -t 1.9.1",
        str![[r#"
$ work execute -t 1.9.1
--- stderr
error: no thread `1.9.1` in stream `001-rename-fetch`
hint: did you mean `01.02.01`?
hint: there are 01.01.01, 01.01.02, 01.02.01, 01.02.02, 02.01.01
--- exit 2

"#]],
    );
    desk.shows(
        "execute -t 1.2.1 --agent nobody --dry-run",
        str![[r#"
$ work execute -t 1.2.1 --agent nobody --dry-run
--- stderr
error: no agent `nobody` in `work/agents.yaml`
hint: `work agents` lists them
--- exit 2

"#]],
    );
    desk.shows(
        "execute -t 1.2.1 --model gpt --dry-run",
        str![[r#"
$ work execute -t 1.2.1 --model gpt --dry-run
--- stderr
error: `gpt` is not a model like `provider/model` or `provider/model#variant`
hint: `opencode models` lists what opencode knows
--- exit 2

"#]],
    );
    desk.shows(
        "execute -t 1.2.1 --mode tui",
        str![[r#"
$ work execute -t 1.2.1 --mode tui
--- stderr
error: `--mode tui` needs a terminal
hint: use `--mode plain`
--- exit 2

"#]],
    );
    desk.shows_json(
        "error",
        "execute -t 1.1.1",
        str![[r#"
$ work execute -t 1.1.1 --json
{
  "error": {
    "kind": "refused",
    "code": 1,
    "message": "thread `01.01.01` is completed",
    "causes": [],
    "hints": [
      "`--message TEXT` says what is still to be done"
    ]
  }
}
--- exit 1

"#]],
    );
}

#[test]
fn before_the_plan_is_approved() {
    let desk = Desk::planned();
    desk.shows(
        "execute -t 1.1.1",
        str![[r#"
$ work execute -t 1.1.1
--- stderr
error: stream `001-rename-fetch` has no threads yet
hint: `work approve plan` takes them over from PLAN.md
--- exit 8

"#]],
    );
    desk.work(["approve", "plan", "--yes"]).ok();
    desk.work(["approve", "plan", "--revoke"]).ok();
    desk.shows(
        "execute -t 1.1.1 --dry-run",
        str![[r#"
$ work execute -t 1.1.1 --dry-run
--- stderr
error: the plan of stream `001-rename-fetch` is not approved
hint: `work approve plan` checks it and shows what will run
--- exit 8

"#]],
    );
}

/// A session belongs to a person or to background jobs: no job goes on in the connected one, nor in one that was
/// a person's before, and `--mode primary` neither goes into a job's nor resumes another.
///
/// Mutant: the look at a headless turn left out of `connected_for`.
#[test]
fn a_persons_session_and_a_jobs_are_never_the_same() {
    let desk = Desk::busy();
    let agents = ["default", "docs-writer"].map(|name| format!("  - name: {name}\n    models: [a/b]\n"));
    desk.env.write("repo/work/agents.yaml", format!("agents:\n{}", agents.concat()));
    let status = document("status", &desk.run("status --json").ok());
    let threads = status["threads"].as_array().expect("threads");
    let (number, thread) =
        threads.iter().enumerate().find(|(_, thread)| thread["resumable"] == true).expect("one can go on");
    let id = thread["id"].as_str().expect("an id");
    let session = thread["sessions"].as_array().expect("sessions").last().expect("one")["sessionId"].clone();
    let headless = format!("execute -t {id} --mode headless --resume --allow-drift --dry-run");
    let primary = format!("execute -t {id} --mode primary --allow-drift --dry-run");
    let used_as = |mode: &str| {
        let mut state = desk.state_json();
        let sessions = state["threads"][number]["sessions"].as_array_mut().expect("sessions");
        sessions.last_mut().expect("one")["mode"] = mode.into();
        desk.state(state.to_string());
    };
    let connect = |line: &str| drop(desk.env.write("repo/.git/work/connected", line));

    let output = desk.run(&headless);
    assert_eq!(output.code, 0, "nobody has it open: {output:#?}");
    connect(session.as_str().expect("an id"));
    let output = desk.run(&headless);
    assert_eq!(output.code, 1, "{output:#?}");
    assert!(output.stderr.contains("is one that a person has open"), "{output:#?}");
    let output = desk.run(&primary);
    assert_eq!(output.code, 0, "{output:#?}");
    assert_eq!(desk.run(&format!("{primary} --resume")).code, 2, "both say in which session");

    used_as("headless");
    let output = desk.run(&primary);
    assert_eq!(output.code, 1, "{output:#?}");
    assert!(output.stderr.contains("belongs to background jobs"), "{output:#?}");
    connect("ses_other");
    used_as("primary");
    assert_eq!(desk.run(&headless).code, 1, "it was a person's");
}
