//! `work assign`

use snapbox::str;

use super::desk::Desk;

#[test]
fn a_thread_a_batch_a_stage() {
    let desk = Desk::approved();
    desk.agents("agents:\n  - name: default\n    models: [a/b]\n  - name: reviewer\n    models: [a/c]\n");
    desk.shows(
        "assign --thread 1.1.1 --agent reviewer",
        str![[r#"
$ work assign --thread 1.1.1 --agent reviewer
reviewer works on 01.01.01
--- stderr
PLAN.md named another agent for 01.01.01; it was changed
--- exit 0

"#]],
    );
    desk.shows(
        "assign --batch 01.01 --agent reviewer",
        str![[r#"
$ work assign --batch 01.01 --agent reviewer
reviewer works on 01.01.01, 01.01.02
--- exit 0

"#]],
    );
    desk.shows(
        "assign --stage 1 --agent default",
        str![[r#"
$ work assign --stage 1 --agent default
default works on 01.01.01, 01.01.02, 01.02.01
--- stderr
PLAN.md named another agent for 01.01.01; it was changed
--- exit 0

"#]],
    );
    assert_eq!(desk.state_json()["threads"][1]["agent"], "default");
}

#[test]
fn as_json() {
    let desk = Desk::approved();
    desk.shows_json(
        "assign",
        "assign --stage 01 --agent default",
        str![[r#"
$ work assign --stage 01 --agent default --json
{
  "agent": "default",
  "threads": [
    "01.01.01",
    "01.01.02",
    "01.02.01"
  ],
  "plan": []
}
--- exit 0

"#]],
    );
}

/// Else the next approval would bring the old agent back.
#[test]
fn where_the_plan_names_an_agent_its_line_is_changed() {
    let desk = Desk::approved();
    desk.agents("agents:\n  - name: default\n    models: [a/b]\n  - name: reviewer\n    models: [a/c]\n");
    desk.shows(
        "assign --batch 1.1 --agent reviewer",
        str![[r#"
$ work assign --batch 1.1 --agent reviewer
reviewer works on 01.01.01, 01.01.02
--- stderr
PLAN.md named another agent for 01.01.01; it was changed
--- exit 0

"#]],
    );
    let expected = super::desk::PLAN.replace("**Agent:** default", "**Agent:** reviewer");
    assert_eq!(
        String::from_utf8(desk.bytes(format!("{}/PLAN.md", super::desk::STREAM))).as_deref(),
        Ok(&*expected)
    );
    assert_eq!(desk.run("status").ok().stderr, "", "no drift");
    desk.run("approve plan --yes").ok();
    assert_eq!(desk.state_json()["threads"][0]["agent"], "reviewer");
}

#[test]
fn what_is_not_there() {
    let desk = Desk::approved();
    desk.shows(
        "assign -t 1.1.1 -a defalt",
        str![[r#"
$ work assign -t 1.1.1 -a defalt
--- stderr
error: no agent `defalt` in `work/agents.yaml`
hint: did you mean `default`?
hint: there are default
--- exit 2

"#]],
    );
    desk.shows(
        "assign -t 1.1.9 -a default",
        str![[r#"
$ work assign -t 1.1.9 -a default
--- stderr
error: no thread `1.1.9` in stream `001-rename-fetch`
hint: did you mean `01.01.02`?
hint: there are 01.01.01, 01.01.02, 01.02.01, 02.01.01
--- exit 2

"#]],
    );
    desk.shows(
        "assign -t 01.01.01.01 -a default",
        str![[r#"
$ work assign -t 01.01.01.01 -a default
--- stderr
error: `01.01.01.01` is a task; agents are assigned to threads, batches and stages
--- exit 2

"#]],
    );
    desk.shows(
        "assign -a default",
        str![[r#"
$ work assign -a default
--- stderr
error: the following required arguments were not provided:
  <--thread <ID>|--batch <ID>|--stage <ID>>

Usage: work assign --agent <AGENT> <--thread <ID>|--batch <ID>|--stage <ID>>

For more information, try '--help'.
--- exit 2

"#]],
    );
    desk.shows_json(
        "error",
        "assign -t 1.1.1 -a nobody",
        str![[r#"
$ work assign -t 1.1.1 -a nobody --json
{
  "error": {
    "kind": "agent",
    "code": 2,
    "message": "no agent `nobody` in `work/agents.yaml`",
    "causes": [],
    "hints": [
      "there are default"
    ]
  }
}
--- exit 2

"#]],
    );
}
