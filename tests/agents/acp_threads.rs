//! Threads of ACP agents through the whole tool, with the scripted agent: one warm child for each thread and
//! agent, let go when it is not used, never under a turn, and never left behind.

use serde_json::Value;
use work::sys::process::{self, Signal};

use crate::support::acp_project::{agents, child, count, kill, project, received, script, scripted, warm};
use crate::support::project::Project;
use crate::support::wait::{PATIENCE, wait_until};

const DONE: &str = "@bash work update --task 01 --status completed --report done\n@text done";

fn is_gone(pid: u32) -> bool {
    work::sys::identity::Identity::of(pid).is_none()
}

/// The threads for which an agent is kept.
fn threads(project: &Project) -> Vec<String> {
    warm(project).iter().filter_map(|one| Some(one["keptFor"]["thread"].as_str()?.to_owned())).collect()
}

/// Tried mutant: the key without the thread (both threads in one child).
#[test]
fn the_turns_of_a_thread_share_a_child_and_threads_do_not() {
    let project = project(&["@env WORK_THREAD\n@text The word is heron.", DONE]);
    let first = project.execute(1, &[]);
    assert!(first.stdout.contains("01.01.01"), "its environment: {first:#?}");
    assert!(first.stderr.contains("starting `") && first.stderr.contains("scripted-acp"), "{first:#?}");
    let pid = child(&project, "01.01.01");
    let again = project.execute(1, &["--resume", "--message", &script("@recall")]);
    assert!(again.stdout.contains("heron"), "the same conversation: {again:#?}");
    assert!(!again.stderr.contains("starting"), "it was warm: {again:#?}");
    assert_eq!((count(&project, "default", "initialize"), count(&project, "default", "session/new")), (1, 1));
    assert_eq!(count(&project, "default", "session/prompt"), 2);
    project.execute(2, &[]).ok();
    assert_eq!((count(&project, "default", "initialize"), count(&project, "default", "session/new")), (2, 2));
    let all = warm(&project);
    assert_eq!(threads(&project), ["01.01.01", "01.01.02"], "{all:#?}");
    assert_eq!(all[0]["pid"], pid, "{all:#?}");
    for one in &all {
        assert_eq!((&one["state"], &one["backend"]), (&"idle".into(), &"acp".into()), "{one:#}");
        assert!(one["memory"].as_u64().is_some_and(|bytes| bytes > 1 << 20), "{one:#}");
        assert!(one["idleSince"].is_string() && one["startedAt"].is_string(), "{one:#}");
    }
    let table = project.work(["supervisor", "status"]).ok().stdout;
    assert!(table.contains("idle for") && table.contains(" MB ") && table.contains("default"), "{table}");
    let [one, two] = &project.attempts(1)[..] else { panic!("two attempts") };
    assert_eq!((&one["backend"], &one["mode"]), (&"acp".into(), &"plain".into()));
    assert_eq!((&two["resumedFrom"], &two["sessionId"]), (&1.into(), &one["sessionId"]));
    assert_eq!(project.thread_status(2), "completed");
    project.assert_records_are_whole();
    project.work(["supervisor", "stop"]).ok();
    project.wait_for_nothing();
}

/// Tried mutants: no timer (nothing happens until somebody asks); agents in use count as idle.
#[test]
fn what_is_not_used_is_let_go_and_what_works_or_waits_is_not() {
    let project = project(&["@text quick", "@permission rm -r /\n@text thanks"]);
    project.settings("pool: { idleTimeout: 300ms }\n");
    let waiting = project.start(2, &["--permissions", "ask"]);
    project.wait_for_status(2, "waiting", PATIENCE);
    project.execute(1, &[]);
    wait_until("the idle one to go", PATIENCE, || threads(&project) == ["01.01.02"]);
    let all = warm(&project);
    assert_eq!(all[0]["state"], "waiting", "{all:#?}");
    project.work(["answer", "1.1.2", "--allow"]).ok();
    assert!(waiting.output().stdout.contains("thanks"));
    wait_until("the other one to go", PATIENCE, || warm(&project).is_empty());
    wait_until("their processes to be gone", PATIENCE, || project.processes_with("scripted-acp").is_empty());
    let again = project.execute(1, &["--resume", "--message", &script("@recall")]);
    assert!(again.stdout.contains("quick"), "its session outlives its process: {again:#?}");
}

/// More than there may be are never refused; they go as soon as they are free.
///
/// Tried mutant: agents in use count as idle (a turn beyond the limit ends another that works).
#[test]
fn the_one_that_was_not_used_for_longest_makes_room() {
    let project = project(&["@sleep 1s\n@text one", "@sleep 1s\n@text two", "@text three"]);
    project.settings("pool: { maxLive: 1 }\n");
    let both = [project.start(1, &[]), project.start(2, &[])];
    wait_until("both to work", PATIENCE, || {
        warm(&project).iter().filter(|one| one["state"] == "busy").count() == 2
    });
    for (turn, words) in both.into_iter().zip(["one", "two"]) {
        let output = turn.output();
        assert!(output.stdout.contains(words), "{output:#?}");
    }
    wait_until("one to go", PATIENCE, || threads(&project).len() == 1);
    project.execute(3, &[]);
    wait_until("the other one to go", PATIENCE, || threads(&project) == ["01.01.03"]);
    wait_until("its process to be gone", PATIENCE, || project.processes_with("scripted-acp").len() == 1);
    project.assert_records_are_whole();
}

#[test]
fn a_child_that_is_killed_fails_its_turn_and_the_next_one_resumes() {
    let project = project(&["@text The word is heron.\n@hang"]);
    let running = project.start(1, &[]);
    project.wait_for_status(1, "running", PATIENCE);
    wait_until("the turn to have begun", PATIENCE, || count(&project, "default", "session/prompt") == 1);
    let pid = child(&project, "01.01.01");
    kill(pid);
    let output = running.output();
    assert_eq!(output.code, 1, "{output:#?}");
    assert_eq!(project.attempt(1)["error"]["kind"], "agent-crashed");
    assert_eq!(project.attempt(1)["status"], "failed");
    let fix = project.work(["fix", "--thread", "1.1.1", "--resume", "--message", &script("@recall")]);
    assert!(fix.stdout.contains("heron"), "{fix:#?}");
    let [first, second] = &project.attempts(1)[..] else { panic!("two attempts") };
    assert_eq!(first["sessionId"], second["sessionId"]);
    assert_ne!(child(&project, "01.01.01"), pid);
    assert_eq!(count(&project, "default", "session/new"), 1, "{:#?}", received(&project, "default"));
    project.assert_records_are_whole();
}

/// Tried mutant: nobody is told that the entry has changed (the old child stays).
#[test]
fn an_agent_whose_entry_has_changed_starts_anew() {
    let project = project(&["@env COLOUR"]);
    let with = |colour: &str, flag: &str| {
        let env = format!("    env: {{ COLOUR: {colour} }}\n");
        let entry = scripted(&project, "default", &env);
        agents(&project, &[entry.replace(", --folder", &format!("{flag}, --folder"))]);
    };
    with("red", "");
    assert!(project.execute(1, &[]).stdout.contains("red"));
    let pid = child(&project, "01.01.01");
    with("blue", ", --text-ids");
    let again = project.execute(1, &["--resume", "--message", &script("@env COLOUR")]);
    assert!(again.stdout.contains("blue"), "{again:#?}");
    wait_until("the old one to be gone", PATIENCE, || is_gone(pid) && warm(&project).len() == 1);
    assert_eq!(project.attempts(1).len(), 2);
}

/// Whoever comes after a supervisor that was killed ends the children that it left.
///
/// Tried mutant: children are not written down (the tool stays).
#[test]
fn what_a_killed_supervisor_leaves_is_ended_by_the_next() {
    let project = project(&["@bash sleep 4831", "@text fine"]);
    let running = project.start(1, &[]);
    wait_until("the tool", PATIENCE, || !project.processes_with("sleep 4831").is_empty());
    kill(project.supervisor());
    assert_eq!(running.output().code, 130);
    project.execute(2, &[]);
    wait_until("what was left to be gone", PATIENCE, || project.processes_with("sleep 4831").is_empty());
    assert_eq!(project.processes_with("scripted-acp").len(), 1, "that of the second thread");
    assert_eq!(project.thread_status(1), "interrupted");
    project.assert_records_are_whole();
}

/// Tried mutants: a turn that runs is ended without `--cancel`; all threads' agents end with one's.
#[test]
fn closing_ends_the_agents_and_keeps_the_records() {
    let project = project(&["@text one", "@text two", "@hang"]);
    project.execute(1, &[]);
    project.execute(2, &[]);
    let (one, two) = (child(&project, "01.01.01"), child(&project, "01.01.02"));
    let would = project.work(["close", "1.1.1", "--dry-run"]).ok();
    assert!(would.stdout.contains("would end `") && !is_gone(one), "{would:#?}");
    let closed: Value = project.work(["close", "1.1.1", "--json"]).ok().json();
    assert_eq!((&closed["agents"][0]["pid"], &closed["thread"]), (&one.into(), &"01.01.01".into()));
    assert!(is_gone(one) && !is_gone(two));
    assert_eq!(threads(&project), ["01.01.02"]);
    assert_eq!(project.attempts(1).len(), 1, "its records stay");

    let running = project.start(3, &[]);
    wait_until("the turn to have begun", PATIENCE, || count(&project, "default", "session/prompt") == 3);
    let refused = project.work(["close", "001"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert!(refused.stderr.contains("01.01.03 is running") && !is_gone(two), "{refused:#?}");
    assert_eq!(project.work(["close", "001", "--cancel"]).code, 8, "nobody can be asked");
    let closed = project.work(["close", "001", "--cancel", "--yes", "--json"]).ok().json();
    assert_eq!(closed["cancelled"], serde_json::json!(["01.01.03"]), "{closed:#}");
    assert_eq!(closed["agents"].as_array().map(Vec::len), Some(2), "{closed:#}");
    assert_eq!(running.output().code, 130);
    assert_eq!(project.attempt(3)["status"], "interrupted");
    wait_until("all to be gone", PATIENCE, || project.processes_with("scripted-acp").is_empty());
    let again = project.execute(2, &["--resume", "--message", &script("@recall")]);
    assert!(again.stdout.contains("two"), "the next turn starts it anew: {again:#?}");
    project.assert_records_are_whole();
}

/// What another command runs is out of reach, and that is said rather than passed over.
#[test]
fn what_another_command_runs_is_not_closed() {
    let project = project(&["@hang"]);
    let running = project.start(1, &["--no-supervisor"]);
    project.wait_for_status(1, "running", PATIENCE);
    let refused = project.work(["close", "1.1.1", "--cancel", "--yes"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert!(refused.stderr.contains("is run by another command"), "{refused:#?}");
    process::signal_process(running.pid(), Signal::SIGINT);
    assert_eq!(running.output().code, 130);
    project.wait_for_nothing();
}

#[test]
fn an_agent_without_a_ui_says_so() {
    let project = project(&["@text hello"]);
    project.execute(1, &[]);
    let attach = project.work(["session", "attach", "1.1.1"]);
    assert_eq!(attach.code, 1, "{attach:#?}");
    assert!(attach.stderr.contains("agent `default` has no UI of its own"), "{attach:#?}");
}

/// What a supervisor that was killed has left is ended by a command that finds no supervisor.
///
/// Tried mutants: `close` does not look; a record is taken for one of a server.
#[test]
fn close_ends_what_a_dead_supervisor_has_left() {
    for (number, command) in [(4793, &["close", "1.1.1"][..]), (4794, &["supervisor", "stop"])] {
        let script = format!("@bash setsid sleep {number} > /dev/null 2>&1 &\n@text begun");
        let project = project(&[&script]);
        project.execute(1, &[]);
        let left = || project.processes_with(&format!("sleep {number}"));
        assert_eq!(left().len(), 1, "it runs on");
        kill(project.supervisor());
        wait_until("its child to end", PATIENCE, || project.processes_with("scripted-acp").is_empty());
        assert_eq!(left().len(), 1, "and outlives both");
        let said = project.work(command).ok();
        assert!(said.stderr.contains("had left"), "{said:#?}");
        assert!(left().is_empty(), "{said:#?}");
        let again = project.work(command).ok();
        assert!(!again.stderr.contains("had left"), "{again:#?}");
    }
}
