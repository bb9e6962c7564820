//! The check of what a turn left, by real shells in real repositories: the thread is done only when it passes,
//! whoever runs it and whatever dies in between.

use std::path::Path;

use serde_json::Value;
use work::sys::process::{self, Signal};

use crate::support::acp_project;
use crate::support::project::Project;
use crate::support::running::Running;
use crate::support::wait::{PATIENCE, wait_until};

/// An agent that calls its task done.
const DONE: &str = "@bash work update --task 01 --status completed --report done\n@text Done.";

/// The tail that tells what failed is asked for, and what comes after it is never run.
const B: &str = "test -f b.txt || { echo there is no b >&2; exit 3; }";

/// Gives every thread of the plan these commands, and approves it.
fn must_pass(project: &Project, commands: &[&str]) {
    let lines: String = commands.iter().map(|command| format!("- `{command}`\n")).collect();
    let plan = project.read("work/001-test/PLAN.md").expect("a plan");
    let plan = plan.replace("**Tasks:**", &format!("**Verify:**\n{lines}\n**Tasks:**"));
    project.env.write("repo/work/001-test/PLAN.md", plan);
    project.work(["approve", "plan", "--yes"]).ok();
}

/// The check of the last attempt of thread 1, as it stands in the state.
fn check(project: &Project) -> Value {
    let thread = &project.state()["threads"][0];
    thread["sessions"]
        .as_array()
        .and_then(|all| all.last())
        .map(|last| last["verification"].clone())
        .unwrap_or_default()
}

fn there(project: &Project, name: &str) {
    wait_until(&format!("the file {name}"), PATIENCE, || project.read(name).is_some());
}

/// The story: it fails, that is told everywhere, the agent is told what failed, and it passes. Mutant tried:
/// a resume's prompt without the failure.
#[test]
fn what_fails_is_told_to_people_and_to_the_agent_and_passes_once_it_is_mended() {
    let project = Project::new(&[DONE]);
    must_pass(&project, &["echo looking; pwd >where", B, "touch never"]);
    let executed = project.execute(1, &[]);
    assert_eq!(executed.code, 1, "{executed:#?}");
    assert!(
        executed.stdout.contains("looking\n") && executed.stdout.contains("there is no b\n"),
        "{executed:#?}"
    );
    for words in
        ["thread `01.01.01` is not done", "failed with exit code 3", "work fix --thread 01.01.01 --resume"]
    {
        assert!(executed.stderr.contains(words), "`{words}`: {executed:#?}");
    }
    assert_eq!(project.thread_status(1), "incomplete");
    assert_eq!(project.attempt(1)["status"], "completed", "of the turn nothing is taken back");
    let told = check(&project);
    assert_eq!(
        (&told["status"], told["commands"].as_array().map(Vec::len)),
        (&"failed".into(), Some(2)),
        "{told:#}"
    );
    assert_eq!(told["commands"][0]["code"], 0);
    assert_eq!(
        (&told["commands"][1]["code"], &told["commands"][1]["tail"]),
        (&3.into(), &"there is no b".into())
    );
    assert_eq!(told["tree"].as_str().map(str::len), Some(40), "{told:#}");
    let kept =
        project.env.git(&project.repo(), &["ls-tree", "--name-only", told["tree"].as_str().expect("a tree")]);
    assert!(kept.contains("README.md") && !kept.contains("where"), "what was checked: {kept}");
    assert_eq!(project.read("where").expect("it ran").trim(), project.repo().to_str().expect("UTF-8"));
    assert_eq!(project.read("never"), None);
    for command in [&["why", "1.1.1"][..], &["status"], &["status", "--sessions"], &["report", "--stdout"]] {
        let said = project.work(command).ok().stdout;
        assert!(said.contains("exit code 3") && said.contains("test -f b.txt"), "{command:?}: {said}");
    }
    let why = project.work(["why", "1.1.1"]).ok();
    assert!(why.stdout.contains("there is no b"), "{why:#?}");
    let logs = project.work(["logs", "1.1.1"]).ok();
    let order =
        ["the agent ended its turn", "→ check: echo looking", "looking", "there is no b", "✗ check: test"];
    let places: Vec<Option<usize>> = order.iter().map(|words| logs.stdout.find(words)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?} {logs:#?}");
    // By hand it fails as well, and that is recorded.
    let by_hand = project.work(["verify", "1.1.1"]);
    assert_eq!(by_hand.code, 1, "{by_hand:#?}");
    let mend = "```script\n@bash touch b.txt\n@text Mended.\n```";
    let fixed = project.work(["fix", "--thread", "1.1.1", "--resume", "--message", mend]);
    assert_eq!(fixed.code, 0, "{fixed:#?}");
    let request = project.model().wait_for_request("Go on with thread 01.01.01").to_string();
    for words in ["The check of your work", "test -f b.txt", "exit code 3", "there is no b"] {
        assert!(request.contains(words), "`{words}`: {request}");
    }
    assert_eq!(
        (project.thread_status(1), &check(&project)["status"]),
        ("completed".into(), &"passed".into())
    );
    assert_eq!(project.attempts(1)[0]["verification"]["status"], "failed", "it is not forgotten");
    assert!(project.read("never").is_some(), "all commands ran");
    project.assert_records_are_whole();
}

/// In a worktree, as a job, and nothing of it in the main checkout: what was checked is the turn's own snapshot.
/// Mutant tried: the main checkout's tree.
#[test]
fn a_job_in_a_worktree_is_checked_there() {
    let project =
        Project::new(&["@bash touch b.txt; work update --task 01 --status completed --report x\n@text x"]);
    project.settings("isolation: worktree\n");
    must_pass(&project, &[B, "touch built; pwd; exit 4"]);
    let job = project.work(["execute", "--thread", "1.1.1", "--mode", "headless", "--wait"]);
    assert_eq!(job.code, 1, "{job:#?}");
    assert!(job.stdout.contains("incomplete"), "{job:#?}");
    let told = check(&project);
    assert_eq!((&told["status"], &told["commands"][1]["code"]), (&"failed".into(), &4.into()), "{told:#}");
    let tree = project.env.git(&project.repo(), &["rev-parse", "refs/work/001-test/01.01.01/turns/1^{tree}"]);
    assert_eq!(told["tree"], tree.trim());
    let directory = project.attempt(1)["directory"].as_str().expect("a folder").to_owned();
    assert_eq!(told["commands"][1]["tail"], directory.as_str());
    assert!(Path::new(&directory).join("built").exists() && project.read("built").is_none());
    let next = project.work(["continue", "--skip-failed"]);
    assert_ne!(next.code, 0, "there is nothing that could go on: {next:#?}");
    let by_hand = project.work(["verify", "1.1.1"]);
    assert!(by_hand.stderr.contains(&directory), "{by_hand:#?}");
}

/// Starts a turn whose check hangs.
fn hanging(more: &[&str]) -> (Project, Running) {
    let project = acp_project::project(&[DONE]);
    must_pass(&project, &["touch began; sleep 300"]);
    let running = project.start(1, more);
    there(&project, "began");
    (project, running)
}

/// While it runs the thread is taken; a cancel ends it with all its programs, and says that nobody knows. Mutant
/// tried: a cancel that does not stop the commands.
#[test]
fn a_check_that_is_cancelled_was_not_done() {
    for more in [&[][..], &["--no-supervisor"]] {
        let (project, running) = hanging(more);
        assert_eq!(project.thread_status(1), "running", "{more:?}");
        for command in [&["verify", "1.1.1"][..], &["execute", "--thread", "1.1.1", "--message", "again"]] {
            let refused = project.work(command);
            assert_eq!(refused.code, 1, "{command:?}: {refused:#?}");
            assert!(refused.stderr.contains("running"), "{command:?}: {refused:#?}");
        }
        let following = project.spawn(&["logs", "1.1.1", "-f"]);
        running.signal(Signal::SIGINT);
        let output = running.output();
        assert_eq!(output.code, 130, "{more:?}: {output:#?}");
        assert!(output.stderr.contains("work verify 01.01.01"), "{output:#?}");
        let followed = following.output();
        assert!(followed.code == 0 && followed.stdout.contains("the check was stopped"), "{followed:#?}");
        let told = check(&project);
        assert_eq!(told["status"], "stopped", "{told:#}");
        assert!(told["why"].as_str().is_some_and(|why| why.contains("sleep 300")), "{told:#}");
        assert_eq!(project.thread_status(1), "incomplete");
        assert_eq!(project.processes_with("sleep 300"), Vec::<u32>::new(), "{more:?}");
        let why = project.work(["why", "1.1.1"]).ok();
        assert!(why.stderr.contains("`work verify 01.01.01`"), "{why:#?}");
        project.assert_records_are_whole();
    }
}

/// Whoever looks at a turn in its window is what it is bound to; so is its check.
#[test]
fn a_check_ends_with_the_command_that_it_is_bound_to() {
    let (project, running) = hanging(&[]);
    running.signal(Signal::SIGKILL);
    wait_until("the check to be stopped", PATIENCE, || check(&project)["status"] == "stopped");
    assert_eq!(project.thread_status(1), "incomplete");
    assert_eq!(project.processes_with("sleep 300"), Vec::<u32>::new());
}

/// kill -9 of whoever checks: the thread is not done, the next command says so and ends what was left, and a
/// check by hand completes it. Mutant tried: programs that are left.
#[test]
fn a_killed_check_leaves_the_thread_undone() {
    let (project, running) = hanging(&[]);
    process::signal_process(project.supervisor(), Signal::SIGKILL);
    let output = running.output();
    assert_eq!(output.code, 130, "{output:#?}");
    assert_eq!(project.thread_status(1), "incomplete");
    wait_until("its end to be written", PATIENCE, || check(&project)["status"] == "stopped");
    wait_until("its programs to end", PATIENCE, || project.processes_with("sleep 300").is_empty());
    for point in ["check.claimed", "check.done"] {
        let project = acp_project::project(&[DONE]);
        must_pass(&project, &["touch checked"]);
        let mut command =
            project.command(&["execute", "--thread", "1.1.1", "--mode", "plain", "--no-supervisor"]);
        let killed = Running::piped(command.env("WORK_FAULT", point)).output();
        assert_ne!(killed.code, 0, "{point}: {killed:#?}");
        assert_eq!(project.read("checked").is_some(), point == "check.done", "{point}");
        let attempt = project.attempt(1);
        assert_eq!(
            (&attempt["status"], &attempt["verification"]["status"]),
            (&"completed".into(), &"stopped".into())
        );
        assert_eq!(project.thread_status(1), "incomplete", "{point}");
        let verified = project.work(["verify", "1.1.1"]);
        assert_eq!(verified.code, 0, "{point}: {verified:#?}");
        assert_eq!(
            (project.thread_status(1), &check(&project)["status"]),
            ("completed".into(), &"passed".into())
        );
    }
}

/// An agent that rewrites the plan in its turn is checked by what was approved, and one that leaves a task open
/// by nothing. Mutant tried: the commands of the plan as it is now.
#[test]
fn the_commands_are_those_that_were_approved_when_the_turn_began() {
    let rewrites = format!("@bash sed -i 's/touch approved/touch rewritten/' work/001-test/PLAN.md\n{DONE}");
    let project = acp_project::project(&[&rewrites, "@text I stop here."]);
    must_pass(&project, &["touch approved"]);
    project.execute(1, &[]).ok();
    assert!(project.read("approved").is_some() && project.read("rewritten").is_none());
    std::fs::remove_file(project.repo().join("approved")).expect("it is there");
    // The approved text is kept beside the plan, and counts.
    project.work(["verify", "1.1.1"]).ok();
    assert!(project.read("approved").is_some() && project.read("rewritten").is_none());
    std::fs::remove_file(project.repo().join("approved")).expect("it is there");
    // Without it nobody can tell what was approved.
    std::fs::remove_dir_all(project.private().join("approved")).expect("the copy");
    let refused = project.work(["verify", "1.1.1"]);
    assert_eq!(refused.code, 8, "{refused:#?}");
    assert!(refused.stderr.contains("work approve plan"), "{refused:#?}");
    let open = project.execute(2, &["--allow-drift"]);
    assert_eq!(open.code, 1, "{open:#?}");
    assert!(open.stderr.contains("tasks of thread `01.01.02` are open"), "{open:#?}");
    assert!(project.read("approved").is_none() && project.read("rewritten").is_none());
    let state = project.state();
    assert_eq!(state["threads"][1]["sessions"][0]["verification"]["status"], "due", "{state:#}");
}
