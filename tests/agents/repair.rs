//! Repair: what stopped is explained, and taken up in the same conversation, in a new one, or by another agent.

use serde_json::Value;
use work::sys::process::{self, Signal};

use crate::support::project::Project;
use crate::support::wait::{PATIENCE, wait_until};

const HANG: &str = "@text I have begun with the pump.\n@hang";

const DONE: &str =
    "```script\n@bash work update --task 01 --status completed --report repaired\n@text Done.\n```";

fn two_agents(project: &Project) {
    project.env.write(
        "repo/work/agents.yaml",
        "agents:\n  - name: default\n    best_for: all\n    models: [scripted/ok]\n  \
         - name: second\n    best_for: hard things\n    models: [scripted/ok]\n",
    );
}

/// The last request to the model that mentions `words`, as text.
fn asked(project: &Project, words: &str) -> String {
    project.model().wait_for_request(words).to_string()
}

fn ids(project: &Project, thread: u8) -> Vec<String> {
    let id = |attempt: &Value| attempt["sessionId"].as_str().unwrap_or_default().to_owned();
    project.attempts(thread).iter().map(id).collect()
}

/// L4: the conversation that goes on is the same one at the agent, in the same folder: the model hears what
/// was said before.
///
/// Mutant: the runtime opens a new session where one is to go on (the ids differ).
#[test]
fn a_resume_goes_on_in_the_same_conversation() {
    let project = Project::new(&["@text The secret word is xylophone."]);
    assert_eq!(project.execute(1, &[]).code, 1, "its task is open");
    let fix = project.work(["fix", "--thread", "1.1.1", "--resume", "--message", DONE]).ok();
    assert!(fix.stdout.contains("Done."), "{fix:#?}");
    let [first, second] = &project.attempts(1)[..] else { panic!("two attempts") };
    assert_eq!(first["sessionId"], second["sessionId"]);
    assert_eq!((&second["resumedFrom"], &second["directory"]), (&1.into(), &first["directory"]));
    assert_eq!(second["model"], first["model"]);
    let request = asked(&project, "Go on with thread 01.01.01");
    assert!(request.contains("xylophone"), "the model hears the earlier words: {request}");
    assert_eq!(project.thread_status(1), "completed");
    // What it used before is not counted again.
    let tokens = |attempt: &Value| attempt["usage"]["input"].as_u64().unwrap_or(0);
    assert!(tokens(second) > 0, "{second:#}");
    project.assert_records_are_whole();
}

/// A retry is a new conversation that is told how the last one ended; another agent is told its last words
/// as well. Back at the first agent, its own conversation goes on, and hears what the other one did.
///
/// Mutant: `converse` takes the newest conversation, of whatever agent (nobody is told what others did).
#[test]
fn agents_are_changed_and_each_keeps_its_memory() {
    let project = Project::new(&[
        "@text The valve is stuck, says one.\n@status 400 {\"error\":{\"message\":\"broken\"}}",
    ]);
    two_agents(&project);
    assert_eq!(project.execute(1, &[]).code, 1);
    let say = |words: &str| format!("```script\n@text {words}\n```");
    let other = say("It was rust, says the other.");
    project.work(["fix", "--thread", "1.1.1", "--agent", "second", "--message", &other]);
    let request = asked(&project, "What happened before");
    assert!(request.contains("provider"), "why it stopped: {request}");
    let back = say("I remember.");
    project.work(["fix", "--thread", "1.1.1", "--agent", "default", "--message", &back]);
    let request = asked(&project, "What others did since then");
    assert!(request.contains("It was rust, says the other."), "{request}");
    let ids = ids(&project, 1);
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert_eq!(ids[0], ids[2], "the first agent goes on in its own conversation");
    assert_ne!(ids[0], ids[1]);
    assert_eq!(project.attempt(1)["resumedFrom"], 1);
    let retried = project.work(["fix", "--thread", "1.1.1", "--retry", "--message", DONE]).ok();
    assert!(retried.stdout.contains("Done."), "{retried:#?}");
    assert_eq!(project.thread_status(1), "completed");
    project.assert_records_are_whole();
}

/// A session that the agent has deleted: that is said, recorded, and not offered again; a retry works, and
/// carries what is known.
///
/// Mutant: no session counts as forgotten (the second resume is tried at the agent again).
#[test]
fn a_session_that_is_gone_is_said_to_be_gone() {
    let project = Project::new(&["@text I was here."]);
    assert_eq!(project.execute(1, &[]).code, 1);
    let id = ids(&project, 1).remove(0);
    project.delete_session(&id);
    let fix = project.work(["fix", "--thread", "1.1.1", "--resume"]);
    assert_eq!(fix.code, 1, "{fix:#?}");
    assert!(
        fix.stderr.contains(&id) && fix.stderr.contains("`work fix --thread 01.01.01 --retry`"),
        "{fix:#?}"
    );
    assert_eq!(project.attempt(1)["error"]["kind"], "session-unknown");
    let again = project.work(["fix", "--thread", "1.1.1", "--resume"]);
    assert!(again.stderr.contains("does not know the session any more"), "{again:#?}");
    assert_eq!(project.attempts(1).len(), 2, "nothing was tried");
    project.work(["fix", "--thread", "1.1.1", "--retry", "--message", DONE]).ok();
    assert!(
        asked(&project, "What happened before").contains("I was here."),
        "the last words are handed over"
    );
    project.assert_records_are_whole();
}

/// The story: a batch of four; one completes, one fails at its provider, one is killed with its window, one
/// by a kill -9 of its command and of the supervisor. `status`, `why`, `continue` and `fix` bring it to its end, and every
/// record is true.
///
/// Mutant: another agent is told as little as the same one (the last words of the first are missing).
#[test]
fn a_broken_batch_is_brought_to_its_end() {
    let project = Project::new(&[
        "@bash work update --task 01 --status completed\n@text fine",
        "@status 400 {\"error\":{\"message\":\"the model is on fire\"}}",
        HANG,
        HANG,
    ]);
    two_agents(&project);
    project.work(["multi", "--window", "stream", "--json"]);
    project.wait_for_status(1, "completed", PATIENCE);
    project.wait_for_status(2, "failed", PATIENCE);
    for thread in [3, 4] {
        wait_until("it to speak", PATIENCE, || {
            project.work(["logs", &format!("1.1.{thread}")]).stdout.contains("begun with the pump")
        });
    }
    let windows = project.tmux(&["list-windows", "-a", "-F", "#{window_id} #{@work_thread}"]).ok().stdout;
    let third = windows.lines().find_map(|line| line.strip_suffix(" =01.01.03"));
    let third = third.unwrap_or_else(|| panic!("no window in {windows}"));
    project.tmux(&["kill-window", "-t", third]).ok();
    project.wait_for_status(3, "interrupted", PATIENCE);
    // Its window as well, or that would go on with the turn at the next supervisor; and that one stopped first,
    // or it would be told of the window's end.
    let supervisor = project.supervisor();
    process::signal_process(supervisor, Signal::SIGSTOP);
    for client in project.processes_with("execute --thread 01.01.04") {
        process::signal_process(client, Signal::SIGKILL);
    }
    process::signal_process(supervisor, Signal::SIGKILL);
    project.wait_for_status(4, "interrupted", PATIENCE);

    let why = |thread: u8| project.work(["why", &format!("1.1.{thread}")]).ok();
    for (thread, words, next) in [
        (2, "the model is on fire", "fix --thread 01.01.02"),
        (3, "its window or command was closed", "fix --thread 01.01.03 --resume"),
        (4, "the process that ran it", "fix --thread 01.01.04 --resume"),
    ] {
        let output = why(thread);
        assert!(output.stdout.contains(words) && output.stderr.contains(next), "{output:#?}");
    }
    let waiting = project.work(["continue"]);
    assert_eq!(waiting.code, 8, "{waiting:#?}");
    assert!(waiting.stderr.contains("3 incomplete threads from the previous run"), "{waiting:#?}");
    assert_eq!(project.work(["continue", "--abort"]).code, 1);

    let fix = |args: &[&str]| {
        let all = ["fix"].into_iter().chain(args.iter().copied()).chain(["--message", DONE]);
        project.work(all.collect::<Vec<_>>()).ok();
    };
    fix(&["--thread", "1.1.2", "--retry"]);
    fix(&["--thread", "1.1.3", "--resume"]);
    fix(&["--thread", "1.1.4", "--agent", "second"]);
    let done = project.work(["continue"]).ok();
    assert!(done.stderr.contains("all threads are done"), "{done:#?}");
    assert_eq!(project.work(["fix", "--all", "--resume"]).code, 1, "there is nothing to fix");

    for thread in 1..=4 {
        assert_eq!(project.thread_status(thread), "completed", "{thread}");
    }
    let told = |thread: u8| -> Vec<String> {
        let one = |attempt: &Value| {
            format!(
                "{} {} {} {}",
                attempt["agent"].as_str().unwrap_or_default(),
                attempt["status"].as_str().unwrap_or_default(),
                attempt["exitCode"],
                attempt["resumedFrom"]
            )
        };
        project.attempts(thread).iter().map(one).collect()
    };
    assert_eq!(told(1), ["default completed 0 null"]);
    assert_eq!(told(2), ["default failed 1 null", "default completed 0 null"]);
    assert_eq!(told(3), ["default interrupted 130 null", "default completed 0 1"]);
    assert_eq!(told(4), ["default interrupted null null", "second completed 0 null"]);
    let (third, fourth) = (ids(&project, 3), ids(&project, 4));
    assert_eq!(third[0], third[1], "the same conversation");
    assert_ne!(fourth[0], fourth[1], "another agent's own");
    assert!(
        asked(&project, "The last that `default` said").contains("begun with the pump"),
        "its last words went along"
    );
    project.assert_records_are_whole();
}
