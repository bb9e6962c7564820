//! Budgets with the real opencode, whose scripted model has a price: $1 for a million tokens in, $10 for a
//! million out.

use serde_json::Value;

use crate::support::acp_project::script;
use crate::support::project::Project;
use crate::support::wait::{PATIENCE, wait_until};

/// $0.051, and 6,000 tokens; the task stays open.
const DEAR: &str = "@text That was much.\n@usage input=1000 output=5000";
const DONE: &str =
    "@bash work update --task 01 --status completed --report done\n@usage input=1000 output=5000\n@text done";

const TOLD: &str = "notify: { on: [budget], command: [sh, -c, 'cat >> told.jsonl; echo >> told.jsonl'] }\n";

/// The texts of all notices.
fn told(project: &Project) -> Vec<String> {
    let lines = project.read("told.jsonl").unwrap_or_default();
    let messages = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let notices = messages.flat_map(|message| message["notices"].as_array().cloned().unwrap_or_default());
    notices.map(|notice| notice["text"].as_str().expect("a text").to_owned()).collect()
}

/// The turn that uses it up goes on to its end; the next one is refused and leaves no trace, until a person
/// lets it go.
///
/// Tried mutant: `prepare` that starts what has used up its budget.
#[test]
fn the_turn_after_the_one_that_used_it_up_is_refused() {
    let project = Project::new(&[DEAR, DEAR]);
    project.settings(&format!("budget:\n  thread: {{ cost: 0.10 }}\n  warn: 50%\n{TOLD}"));
    let first = project.execute(1, &[]);
    assert_eq!(first.code, 1, "its task is open: {first:#?}");
    let words = "thread `01.01.01` has used $0.0510 of $0.10 (`budget.thread.cost`)";
    assert!(first.stderr.contains(words), "{first:#?}");
    let words_of_a_person = script(DEAR);
    let resume = ["--resume", "--message", words_of_a_person.as_str()];
    let second = project.execute(1, &resume);
    assert_eq!(second.code, 1, "there was some left: {second:#?}");
    let words =
        "has used up its budget, $0.10 of $0.10 (`budget.thread.cost`): no further turn of it is started";
    assert!(second.stderr.contains(words), "{second:#?}");

    let (before, asked) = (project.state(), project.model().requests().len());
    let third = project.execute(1, &resume);
    assert_eq!(third.code, 8, "{third:#?}");
    assert!(third.stderr.contains("(`budget.thread.cost`, line 2 of `work/config.yaml`)"), "{third:#?}");
    assert_eq!((project.state(), project.model().requests().len()), (before, asked));
    let [one, two] = &project.attempts(1)[..] else { panic!("two attempts") };
    for attempt in [one, two] {
        assert_eq!(
            (&attempt["status"], &attempt["cost"]),
            (&"completed".into(), &0.051.into()),
            "{attempt:#}"
        );
    }
    let status = project.status();
    assert_eq!((&status["spent"]["cost"], &status["spent"]["unpriced"]), (&0.102.into(), &0.into()));
    assert_eq!(status["spent"], project.thread(1)["spent"]);
    assert_eq!(status["agents"][0]["cost"], 0.102);

    let shown = project.work(["session", "show", "1.1.1"]).ok().stdout;
    assert!(shown.contains("2 attempts: "), "{shown}");
    let forced = project.execute(1, &["--resume", "--message", &script(DEAR), "--over-budget"]);
    assert_eq!(project.attempts(1).len(), 3, "{forced:#?}");
    assert!(forced.stderr.contains("it runs all the same"), "{forced:#?}");
    // Another thread has its own.
    project.execute(2, &[]);
    assert_eq!(project.attempts(2).len(), 1);
    project.work(["supervisor", "stop"]).ok();
    let [warned, over, other] = &told(&project)[..] else { panic!("three: {:?}", told(&project)) };
    assert!(warned.contains("has used $0.0510") && over.contains("used up its budget"), "{warned} {over}");
    assert!(other.starts_with("thread `01.01.02` has used $0.0510"), "{other}");
    project.assert_records_are_whole();
}

/// What runs side by side goes on to its end, though the first of them uses up what the stream has; a job that
/// still waits then can't begin, says why, and leaves no record.
///
/// Tried mutant: `prepare_job` as if `--over-budget` had been given.
#[test]
fn a_job_whose_stream_has_no_budget_any_more_can_not_begin() {
    let project = Project::new(&[DONE, DONE, DONE]);
    project.settings("budget: { stream: { cost: 0.05 } }\n");
    let run = project.work(["multi", "--headless", "--max-parallel", "1", "--wait"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert_eq!(project.thread_status(1), "completed");
    for thread in [2, 3] {
        assert_eq!(project.thread_status(thread), "pending");
        assert!(project.attempts(thread).is_empty());
    }
    let said = "it could not begin: stream `001-test` has used up its budget, ";
    assert_eq!(run.stdout.matches(said).count(), 2, "{run:#?}");
    assert!(run.stderr.contains("stream `001-test` has used up its budget"), "told at the end: {run:#?}");
    let next = project.work(["continue"]);
    assert_eq!(next.code, 8, "{next:#?}");
    let headless = ["execute", "--thread", "1.1.2", "--mode", "headless", "--wait", "--over-budget"];
    project.work(headless).ok();
    assert_eq!(project.thread_status(2), "completed", "a person's word goes with the job");

    // All at once: each begins, and ends.
    let project = Project::new(&[DONE, DONE, DONE]);
    project.settings("budget: { stream: { cost: 0.05 } }\n");
    let run = project.work(["multi", "--window", "stream", "--wait"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!(run.stderr.matches("has used up its budget").count(), 1, "told once at the end: {run:#?}");
    assert_eq!(project.status()["spent"]["unpriced"], 0);
}

/// A budget in dollars can't be held for an agent that tells no price: that is said once, and its tokens count.
///
/// Tried mutant: said at every turn.
#[test]
fn what_tells_no_price_is_said_once_and_its_tokens_count() {
    let project = Project::new(&[DEAR, DEAR]);
    project.agents("scripted/plain");
    project.settings(&format!("budget:\n  thread: {{ cost: 0.01, tokens: 12k }}\n{TOLD}"));
    let words = "the budget can't be held: agent `default` tells no price; its tokens count";
    let first = project.execute(1, &[]);
    assert!(first.stderr.contains(words), "{first:#?}");
    let attempt = project.attempt(1);
    assert!(attempt.get("cost").is_none(), "{attempt:#}");
    let status = project.work(["status"]).ok().stdout;
    assert!(!status.contains('$') && status.contains("6k tokens"), "{status}");
    let second = project.execute(2, &[]);
    assert!(!second.stderr.contains("can't be held"), "it was said: {second:#?}");
    let third = project.execute(1, &["--resume", "--message", &script(DEAR)]);
    assert_eq!(third.code, 1, "{third:#?}");
    assert!(third.stderr.contains("12,000 of 12,000 tokens"), "{third:#?}");
    let refused = project.execute(1, &["--resume", "--message", &script(DEAR)]);
    assert_eq!(refused.code, 8, "{refused:#?}");
    assert!(refused.stderr.contains("`budget.thread.tokens`"), "{refused:#?}");
    wait_until("it to be told", PATIENCE, || told(&project).len() >= 2);
    project.work(["supervisor", "stop"]).ok();
    let told = told(&project);
    assert_eq!(told.iter().filter(|text| text.contains("tells no price")).count(), 1, "{told:?}");
}
