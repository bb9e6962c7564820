//! Background jobs with the real opencode: queued, run side by side, followed, cancelled, survived.

use serde_json::Value;
use work::sys::process::{self, Signal};

use crate::support::project::Project;
use crate::support::running::Output;
use crate::support::wait::{PATIENCE, wait_until};

const DONE: &str = "@bash work update --task 01 --status completed --report done\n@text done";
const SLOW: &str = "@sleep 2s\n@bash work update --task 01 --status completed --report done\n@text done";
const HANG: &str = "@text I think.\n@hang";

/// `work jobs --json`.
fn jobs(project: &Project) -> Vec<Value> {
    project.work(["jobs", "--json"]).ok().json().as_array().expect("a list").clone()
}

/// The statuses of all jobs, in their order.
fn statuses(project: &Project) -> Vec<String> {
    jobs(project).iter().map(|job| job["status"].as_str().expect("a status").to_owned()).collect()
}

/// Waits until the jobs have these statuses.
#[track_caller]
fn wait_for_jobs(project: &Project, wanted: &[&str]) {
    wait_until(&format!("jobs {wanted:?}"), PATIENCE, || statuses(project) == wanted);
}

fn time(value: &Value) -> chrono::DateTime<chrono::Utc> {
    value.as_str().expect("a time").parse().expect("a time")
}

/// The lines of NDJSON, each of which obeys the schema.
#[track_caller]
fn lines(output: &Output) -> Vec<Value> {
    let (_, schema) =
        work::commands::schemas().into_iter().find(|(name, _)| *name == "jobs-wait").expect("it");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let all: Vec<Value> =
        output.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for line in &all {
        let wrong: Vec<String> = schema.iter_errors(line).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{line:#}: {wrong:#?}");
    }
    all
}

/// Three threads, two at a time: each has its own session, no window and no UI, and the third begins when one
/// of the others has ended. Then: logs, show, a summary; and the oldest is forgotten.
///
/// Tried mutant: `--max-parallel` holds nothing back.
#[test]
fn jobs_run_side_by_side_as_many_as_may() {
    let project = Project::new(&[SLOW, SLOW, SLOW]);
    let queued = project.work(["multi", "--headless", "--max-parallel", "2", "--json"]).ok().json();
    let ids: Vec<&Value> = queued["jobs"].as_array().expect("jobs").iter().map(|job| &job["id"]).collect();
    assert_eq!(ids, [1, 2, 3]);
    wait_until("two to run", PATIENCE, || statuses(&project) == ["running", "running", "pending"]);
    let table = project.work(["status"]).ok().stdout;
    assert!(table.contains("pending, queued"), "{table}");
    wait_until("a thread to run", PATIENCE, || {
        project.work(["status"]).ok().stdout.contains("running, headless")
    });
    // The same batch once more has nothing to start.
    let again = project.work(["multi", "--headless"]);
    assert!(again.code == 1 && again.stderr.contains("queued already"), "{again:#?}");
    project.work(["jobs", "wait"]).ok();
    let over = jobs(&project);
    assert_eq!(statuses(&project), ["completed"; 3]);
    let (began, ended) = (time(&over[2]["startedAt"]), |job: usize| time(&over[job]["endedAt"]));
    assert!(began >= ended(0).min(ended(1)), "the third waited: {over:#?}");
    assert!(time(&over[1]["startedAt"]) < ended(0), "two ran at once: {over:#?}");
    let mut sessions: Vec<&Value> = over.iter().map(|job| &job["turn"]["session"]).collect();
    sessions.dedup();
    assert_eq!(sessions.len(), 3, "each has its own session");
    for thread in 1..=3 {
        assert_eq!(project.thread_status(thread), "completed");
        assert_eq!(project.attempt(thread)["mode"], "headless");
    }
    let logs = project.work(["jobs", "logs", "2"]).ok();
    assert!(logs.stdout.contains("done") && logs.stderr.contains("turn 1"), "{logs:#?}");
    let shown = project.work(["jobs", "show", "2"]).ok().stdout;
    assert!(shown.contains("completed") && shown.contains("ses_"), "{shown}");
    assert_eq!(project.tmux_socket(), None, "no window was opened");
    project.assert_records_are_whole();
}

/// Jobs of one thread run one after another, in the order of queueing; what resumes goes on in the same session,
/// whose earlier words the model is shown.
///
/// Tried mutant: an earlier job of the same thread blocks nothing.
#[test]
fn jobs_of_one_session_run_one_after_another() {
    let project = Project::new(&[SLOW]);
    let args = |message: &'static str| {
        ["execute", "--thread", "1.1.1", "--mode", "headless", "--resume", "--message", message]
    };
    project.work(["execute", "--thread", "1.1.1", "--mode", "headless"]).ok();
    for message in ["second word", "third word"] {
        project.work(args(message)).ok();
    }
    // Without `--resume` it would be a second beginning.
    let refused = project.work(["execute", "--thread", "1.1.1", "--mode", "headless"]);
    assert!(refused.code == 1, "{refused:#?}");
    let follow = project.spawn(&["jobs", "logs", "3", "-f"]);
    let waited = project.work(["jobs", "wait", "1", "2", "3"]);
    assert_eq!(waited.code, 0, "{waited:#?}");
    let over = jobs(&project);
    for pair in over.windows(2) {
        assert!(time(&pair[1]["startedAt"]) >= time(&pair[0]["endedAt"]), "{over:#?}");
        assert_eq!(pair[0]["turn"]["session"], pair[1]["turn"]["session"], "one session");
    }
    let followed = follow.output();
    assert_eq!(followed.code, 0, "{followed:#?}");
    assert!(followed.stderr.contains("turn 3"), "{followed:#?}");
    assert!(followed.stdout.contains("Nothing is scripted"), "{followed:#?}");
    let last = project.model().wait_for_request("third word");
    assert!(last.to_string().contains("second word"), "the session remembers");
    project.assert_records_are_whole();
}

/// Cancel works on what is pending and on what runs, and the session goes on afterwards.
#[test]
fn a_job_is_cancelled_pending_or_running_and_its_session_goes_on() {
    let project = Project::new(&[HANG, DONE]);
    project.settings("jobs: { maxParallel: 1 }\n");
    project.work(["multi", "--headless"]).ok();
    project.wait_for_status(1, "running", PATIENCE);
    wait_until("its words", PATIENCE, || project.work(["logs", "1.1.1"]).stdout.contains("I think"));
    let waiter = project.spawn(&["jobs", "wait", "2", "--json"]);
    wait_until("the waiter", PATIENCE, || statuses(&project) == ["running", "pending"]);
    project.work(["jobs", "cancel", "2"]).ok();
    assert_eq!(waiter.output().code, 1);
    let cancelled = project.work(["jobs", "cancel", "1"]).ok();
    assert_eq!(statuses(&project), ["cancelled", "cancelled"], "when it returns, it has happened");
    assert!(cancelled.stderr.contains("--resume"), "{cancelled:#?}");
    assert_eq!(project.thread_status(1), "interrupted");
    assert_eq!(project.attempts(2).len(), 0, "it never began");
    let over = project.work(["jobs", "cancel", "1"]);
    assert!(over.code == 1 && over.stderr.contains("cancelled already"), "{over:#?}");

    let session = project.attempt(1)["sessionId"].clone();
    let message = "@bash work update --task 01 --status completed";
    let args =
        ["execute", "--thread", "1.1.1", "--mode", "headless", "--resume", "--wait", "--message", message];
    let resumed = project.work(args);
    assert_eq!(project.attempt(1)["sessionId"], session, "{resumed:#?}");
    assert_eq!(project.attempt(1)["resumedFrom"], 1);
    assert_eq!(project.attempt(1)["status"], "completed", "{resumed:#?}");
    // What never began is queued once more, and what is over is forgotten on request.
    assert_eq!(project.work(["jobs", "retry", "2", "--wait"]).code, 0);
    assert_eq!(project.thread_status(2), "completed");
    assert_eq!(jobs(&project).last().expect("one")["retryOf"], 2);
    project.work(["jobs", "clear"]).ok();
    assert_eq!(jobs(&project).len(), 0);
    project.assert_records_are_whole();
}

/// kill -9 of the supervisor in the middle: every reader sees at once what was interrupted and what waits, on
/// disk nothing is lost, and nothing starts before a person says so.
#[test]
fn a_killed_supervisor_leaves_a_true_queue_and_nothing_starts_by_surprise() {
    let project = Project::new(&[HANG, DONE, DONE]);
    project.settings("jobs: { maxParallel: 1 }\n");
    let waiter = project.spawn(&["multi", "--headless", "--wait"]);
    project.wait_for_status(1, "running", PATIENCE);
    let supervisor = project.supervisor();
    process::signal_process(supervisor, Signal::SIGKILL);
    let waited = waiter.output();
    assert_eq!(waited.code, 130, "{waited:#?}");
    assert!(waited.stderr.contains("work jobs start"), "{waited:#?}");
    assert_eq!(statuses(&project), ["interrupted", "pending", "pending"]);
    assert!(jobs(&project)[1..].iter().all(|job| job["held"] == true));
    assert_eq!(project.thread_status(1), "interrupted");
    let table = project.work(["jobs"]).ok().stdout;
    assert!(table.contains("held") && table.contains("work jobs start"), "{table}");

    // Another supervisor comes for something else, and writes what was interrupted; no job starts.
    project.execute(2, &["--message", "@text by hand"]);
    assert_ne!(project.supervisor(), supervisor);
    let file = project.read(".git/work/jobs.json").expect("the queue");
    wait_until("the end on disk", PATIENCE, || {
        project.read(".git/work/jobs.json").is_some_and(|file| file.contains("owner-died"))
    });
    assert_eq!(statuses(&project), ["interrupted", "pending", "pending"], "{file}");
    assert_eq!(project.attempts(3).len(), 0);
    let refused = project.work(["jobs", "wait", "3"]);
    assert!(refused.code == 8 && refused.stderr.contains("work jobs start 3"), "{refused:#?}");

    project.work(["jobs", "start", "3"]).ok();
    assert_eq!(project.work(["jobs", "wait", "3"]).code, 0);
    assert_eq!(project.thread_status(3), "completed");
    // A clean stop leaves what is pending as it is, and ends what runs.
    project.work(["jobs", "cancel", "2"]).ok();
    assert_eq!(statuses(&project), ["interrupted", "cancelled", "completed"]);
    project.work(["fix", "--thread", "1.1.1", "--resume", "--mode", "headless"]).ok();
    wait_until("it to run", PATIENCE, || project.thread_status(1) == "running");
    project.work(["supervisor", "stop"]).ok();
    assert_eq!(statuses(&project)[3], "interrupted");
    project.assert_records_are_whole();
    project.wait_for_nothing();
}

/// In CI: 0 when all is done, 1 when a thread is not, with NDJSON that obeys its schema; a failed job is told with
/// its reason.
#[test]
fn waiting_in_ci_tells_good_from_failed() {
    let project = Project::new(&[DONE, "@status 401 {\"error\":{\"message\":\"no key\"}}"]);
    let run = project.work(["execute", "--thread", "1.1.1", "--mode", "headless", "--wait", "--json"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let told = lines(&run);
    assert_eq!(told[0]["jobs"][0]["id"], 1);
    let turns: Vec<&str> = told.iter().filter_map(|line| line["turn"].as_str()).collect();
    assert!(turns.contains(&"opened") && turns.contains(&"event"), "{turns:?}");
    assert_eq!(turns.last(), Some(&"ended"));
    let last = told.last().expect("a summary");
    assert_eq!((&last["ended"], &last["jobs"][0]["threadStatus"]), (&"over".into(), &"completed".into()));
    assert!(!run.stdout.contains("OPENCODE_SERVER_PASSWORD"));

    let run = project.work(["multi", "--headless", "--wait"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stdout.contains("failed") && run.stdout.contains("no key"), "{run:#?}");
    assert_eq!(statuses(&project), ["completed", "failed"]);
    assert_eq!(jobs(&project)[1]["failure"]["kind"], "auth");
    // What was approved when it was queued, and is not any more when it starts, does not run.
    let run = project.work(["fix", "--all", "--resume", "--headless", "--wait", "--json"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert_eq!(lines(&run).last().expect("a summary")["jobs"][0]["thread"], "01.01.02");
}

/// 8 when what is left waits for a person, who then answers from elsewhere; without a word it is denied.
#[test]
fn waiting_in_ci_tells_of_a_person_who_is_missing() {
    // Outside of the repository, so that opencode asks whatever is configured.
    let asks = "@tool read {\"filePath\":\"/etc/hostname\"}\n@bash work update --task 01 --status completed\n@text done";
    let project = Project::new(&[asks]);
    let run = project.work(["multi", "--headless", "--wait", "--permissions", "ask"]);
    assert_eq!(run.code, 8, "{run:#?}");
    assert!(run.stderr.contains("work answer"), "{run:#?}");
    project.wait_for_status(1, "waiting", PATIENCE);
    assert_eq!(statuses(&project), ["running"]);
    project.work(["answer", "1.1.1", "--deny"]).ok();
    let run = project.work(["jobs", "wait"]);
    assert!(run.code == 0 || run.stderr.contains("no job is pending"), "{run:#?}");
    wait_for_jobs(&project, &["completed"]);
}

/// Ctrl-C ends the waiting, and not the job.
#[test]
fn ctrl_c_leaves_the_jobs_running() {
    let project = Project::new(&[HANG]);
    let waiting = project.spawn(&["multi", "--headless", "--wait"]);
    project.wait_for_status(1, "running", PATIENCE);
    waiting.signal(Signal::SIGINT);
    let output = waiting.output();
    assert_eq!(output.code, 130, "{output:#?}");
    assert!(output.stderr.contains("the jobs go on"), "{output:#?}");
    assert_eq!(statuses(&project), ["running"]);
    project.work(["jobs", "cancel", "--all"]).ok();
    assert_eq!(statuses(&project), ["cancelled"]);
}

/// What can't run any more when it is its turn fails with the reason, and has no record.
#[test]
fn what_changed_while_it_was_queued_is_checked_when_it_starts() {
    let project = Project::new(&[HANG, DONE]);
    project.settings("jobs: { maxParallel: 1 }\n");
    project.work(["multi", "--headless"]).ok();
    project.wait_for_status(1, "running", PATIENCE);
    project.work(["hold"]).ok();
    project.work(["jobs", "cancel", "1"]).ok();
    wait_for_jobs(&project, &["cancelled", "failed"]);
    let why = jobs(&project)[1]["why"].as_str().expect("a reason").to_owned();
    assert!(why.contains("on hold"), "{why}");
    assert_eq!(project.attempts(2).len(), 0);
    let logs = project.work(["jobs", "logs", "2"]);
    assert!(logs.code == 1 && logs.stderr.contains("on hold"), "{logs:#?}");
}

/// Without a supervisor nothing is queued, and it is said so.
#[test]
fn without_a_supervisor_nothing_is_queued() {
    let project = Project::with_fake(&["@text hello"], "exit 3");
    std::fs::create_dir_all(project.private()).expect("a folder");
    std::fs::create_dir(project.private().join("supervisor.lock")).expect("in its way");
    let run = project.work(["multi", "--headless"]);
    assert_eq!(run.code, 7, "{run:#?}");
    assert!(run.stderr.contains("background jobs need the supervisor"), "{run:#?}");
    assert_eq!(jobs(&project).len(), 0);
}
