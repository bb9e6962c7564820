//! `budget` of config.yaml: what is refused, and what is told of it.

use serde_json::Value;
use snapbox::str;

use super::desk::Desk;

/// Thread 01.01.02 has cost $1.50, and the stream $1.51 and what two sessions cost that told no price.
fn desk(budget: &str) -> Desk {
    let desk = Desk::busy();
    desk.agents("agents:\n  - { name: default, models: [a/b] }\n  - { name: docs-writer, models: [a/b] }\n");
    desk.run("approve plan --yes").ok();
    desk.write_file("repo/work/config.yaml", format!("window: stream\nbudget:\n{budget}"));
    desk
}

/// Nothing of the thread starts, in whichever way, and no record is touched; others of the stream do.
///
/// Tried mutant: `prepare` that does not look at the budget.
#[test]
fn a_thread_without_budget_is_refused() {
    let desk = desk("  thread: { cost: 1.50 }\n");
    let before = desk.state_bytes();
    desk.shows(
        "execute --thread 1.1.2",
        str![[r#"
$ work execute --thread 1.1.2
--- stderr
error: thread `01.01.02` has used up its budget, $1.50 of $1.50 (`budget.thread.cost`, line 3 of `work/config.yaml`)
hint: raise `budget.thread.cost` in `work/config.yaml`, which holds for every turn from then on
hint: `--over-budget` runs it all the same, this time
--- exit 8

"#]],
    );
    desk.shows("execute --thread 1.1.2 --resume --json", str![[r#"
$ work execute --thread 1.1.2 --resume --json
{"error":{"kind":"over-budget","code":8,"message":"thread `01.01.02` has used up its budget, $1.50 of $1.50 (`budget.thread.cost`, line 3 of `work/config.yaml`)","causes":[],"hints":["raise `budget.thread.cost` in `work/config.yaml`, which holds for every turn from then on","`--over-budget` runs it all the same, this time"]}}
--- exit 8

"#]]);
    for line in [
        "execute --thread 1.1.2 --dry-run",
        "execute --thread 1.1.2 --mode headless",
        "fix --thread 1.1.2 --retry --yes",
        "fix --thread 1.1.2 --resume --headless",
        "multi --batch 1.1 --headless",
        "multi --batch 1.1",
    ] {
        let refused = desk.run(line);
        assert_eq!(refused.code, 8, "{line}: {refused:#?}");
        assert!(refused.stderr.contains("has used up its budget"), "{line}: {refused:#?}");
    }
    assert_eq!(desk.state_bytes(), before);
    assert_eq!(desk.run("jobs --json").ok().json(), Value::from([0; 0]), "nothing was queued");
    desk.shows("fix --all --resume --dry-run", str![[r#"
$ work fix --all --resume --dry-run
would go on with 01.02.01 Help texts in session ses_2f0c6b1e7ffeLm7NoPq8RsTu9V of attempt 1, by default (anthropic/claude-sonnet-4-5) in /, plain, permissions: deny; `work prompt --thread 01.02.01 --resume` shows its 945 bytes of prompt
--- stderr
warning: 01.01.02 Shell completions and the man page is left as it is: thread `01.01.02` has used up its budget, $1.50 of $1.50 (`budget.thread.cost`, line 3 of `work/config.yaml`); raise `budget.thread.cost` in `work/config.yaml`, which holds for every turn from then on; `--over-budget` runs it all the same, this time
warning: batch `01.01` comes before `01.02` and is not done
--- exit 0

"#]]);
    desk.run("execute --thread 1.2.1 --dry-run").ok();
    desk.shows("execute --thread 1.1.2 --dry-run --over-budget", str![[r#"
$ work execute --thread 1.1.2 --dry-run --over-budget
would run 01.01.02 Shell completions and the man page with docs-writer (a/b) in [REPO], plain, permissions: deny; `work prompt --thread 01.01.02` shows its 1944 bytes of prompt
--- stderr
warning: thread `01.01.02` has used up its budget, $1.50 of $1.50; it runs all the same
--- exit 0

"#]]);
    desk.shows("why 1.1.2", str![[r#"
$ work why 1.1.2
01.01.02 Shell completions and the man page is failed: its last attempt failed (rate-limit: 429: the quota is used up), and tasks are open

Looked at  When    It says
tasks      6m ago  0 of 1 are done; open: 01.01.02.01 Shell completions and the man page (in_progress, left at: completions/pull.bash is done, zsh comes next)
attempt 1  3m ago  docs-writer with openrouter/openai/gpt-5.2-codex#high: failed: rate-limit: 429: the quota is used up, exit code 1
session            ses_2f0c6b1e8ffeAb4CdEf5GhIj6K of attempt 1 (docs-writer) can go on, if the agent still has it
budget             thread `01.01.02` has used $1.50 of $1.50 (`budget.thread.cost`, line 3 of `work/config.yaml`), so no turn of it is started
--- stderr
hint: raise `budget.thread.cost` in `work/config.yaml`, or add `--over-budget`; then: wait for the provider's limit to reset, or `work fix --thread 01.01.02 --retry --model MODEL`
--- exit 0

"#]]);
}

#[test]
fn a_stream_without_budget_is_refused() {
    let desk = desk("  stream:\n    cost: 20\n    tokens: 15k\n");
    desk.run("approve stage 1 --force --yes --by ada").ok();
    desk.shows(
        "continue --skip-failed",
        str![[r#"
$ work continue --skip-failed
--- stderr
error: stream `001-rename-fetch` has used up its budget, ≥ 16,650 of 15,000 tokens (`budget.stream.tokens`, line 5 of `work/config.yaml`)
hint: raise `budget.stream.tokens` in `work/config.yaml`, which holds for every turn from then on
hint: `--over-budget` runs it all the same, this time
--- exit 8

"#]],
    );
    let all = desk.run("fix --all --resume");
    assert_eq!(all.code, 8, "{all:#?}");
    desk.shows("status", str![[r#"
$ work status
001-rename-fetch  ·  stage 1 of 2  ·  2/5 tasks  ·  1 failed, 1 interrupted  ·  ≥ $1.51 of $20.00, ≥ 16,650 of 15,000 tokens

Stage  Name       Progress    Tasks  Result
01     Rename     █████░░░░░  2/4    approved
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

001-rename-fetch  budget used up, ≥ 16,650 of 15,000 tokens: no further turn is started
--- exit 0

"#]]);
}

/// Nearly used up: it goes on, and says so. Of a thread whose cost is known only in part, too.
#[test]
fn what_is_nearly_used_up_is_told() {
    let desk = desk("  thread: { cost: $1.80 }\n  stream: { cost: 100 }\n");
    desk.shows("status", str![[r#"
$ work status
001-rename-fetch  ·  stage 1 of 2  ·  2/5 tasks  ·  1 failed, 1 interrupted  ·  ≥ $1.51 of $100.00

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

01.01.02  budget nearly used up, $1.50 of $1.80
--- exit 0

"#]]);
    desk.run("execute --thread 1.1.2 --dry-run").ok();
    let status = desk.run("status --json").ok().json();
    assert_eq!(status["budget"][0]["verdict"], "unknown", "two sessions told no price");
    let [check] = status["threads"][1]["budget"].as_array().expect("checks").as_slice() else {
        panic!("one check: {status:#}")
    };
    assert_eq!(
        (&check["verdict"], &check["used"], &check["limit"]),
        (&"warned".into(), &1.5.into(), &1.8.into())
    );
    assert_eq!((&check["key"], &check["line"]), (&"budget.thread.cost".into(), &3.into()));
}

/// An agent may not give itself more money than a person has.
///
/// Tried mutant: no such check.
#[test]
fn an_agent_can_not_go_over_a_budget() {
    let mut desk = desk("  thread: { cost: 1 }\n");
    desk.env.set("WORK_THREAD", "01.01.02");
    desk.shows(
        "execute --thread 1.1.2 --over-budget",
        str![[r#"
$ work execute --thread 1.1.2 --over-budget
--- stderr
error: thread `01.01.02` can't go over a budget: that is a person's word
hint: a person gives it outside of the agent's session, where `WORK_THREAD` is not set
--- exit 8

"#]],
    );
    for line in ["multi --over-budget", "continue --over-budget", "fix --all --resume --over-budget"] {
        assert_eq!(desk.run(line).code, 8, "{line}");
    }
}

#[test]
fn what_makes_no_sense_is_shown_at_its_place() {
    let desk = desk("  thread: { cost: 2,50 }\n  stream: { tokens: -5 }\n  warn: 120%\n");
    desk.shows(
        "validate agents",
        str![[r#"
$ work validate agents
warning[C002]: `budget.thread` has no key `50`
 --> [REPO]/work/config.yaml:3:21
  |
3 |   thread: { cost: 2,50 }
  |                     ^^ not used
  |
  = help: `budget.thread` knows `cost`, `tokens`

error[C012]: `budget.stream.tokens`: `-5` is no number of tokens above nothing
 --> [REPO]/work/config.yaml:4:21
  |
4 |   stream: { tokens: -5 }
  |                     ^^
  |
  = help: write a number such as `500000`, `500k` or `2M`; to set no limit, leave the key out

error[C012]: `budget.warn`: `120%` is no part of a budget
 --> [REPO]/work/config.yaml:5:9
  |
5 |   warn: 120%
  |         ^^^^
  |
  = help: write a percentage such as `80%`; `100%` warns of nothing

agents.yaml, config.yaml: 2 errors, 1 warning
--- exit 3

"#]],
    );
    let status = desk.run("status").ok();
    assert!(status.stderr.contains("no budget is shown"), "{status:#?}");
}
