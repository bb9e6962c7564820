//! Session tracking that fails never stops the work; and what can't be tracked as it should be is told.
//!
//! | case | its tests |
//! |---|---|
//! | the session id is not available (opencode is too old) | here: `an_old_opencode_is_driven_by_run` and those after it; `execute_failures::an_opencode_that_does_not_work_is_told_and_recorded` |
//! | a stale session can't be resumed | `repair::a_session_that_is_gone_is_said_to_be_gone`; here, of an old opencode |
//! | several write tasks.json at once | `process::store::no_update_of_32_writers_is_lost`, `process::store::a_kill_at_every_fault_point_loses_nothing`, `cli::bad_state::two_writers_at_once_lose_nothing` |
//! | records are missing | here: `a_record_that_cannot_be_written_is_written_later`, `what_a_killed_owner_kept_is_recorded_by_the_next`, `a_record_that_was_lost_meanwhile_comes_back_with_its_end` |
//! | records are corrupt | here: `a_corrupt_state_stops_before_anything_runs`; `cli::bad_state` |
//! | the work goes on when tracking fails | here: all of the second half; `records::an_end_that_cannot_be_written_is_written_later` |
//! | warnings are logged | here: `a_record_that_cannot_be_written_is_written_later` |

use std::fs;

use serde_json::{Value, json};
use work::agent::opencode::{OpencodeRun, RunOptions};
use work::agent::{Backend as _, OpenRequest};
use work::model::{AgentEvent, Failure, FailureKind, ToolStatus, TurnOutcome, Usage};
use work::sys::process::Signal;

use crate::support::backend;
use crate::support::old_opencode::OLD;
use crate::support::opencode::{Place, environment, program};
use crate::support::project::Project;
use crate::support::scripted_model::ScriptedModel;
use crate::support::wait::{PATIENCE, wait_for, wait_until};

fn touch(project: &Project, name: &str) {
    let home = project.env.home();
    #[expect(clippy::disallowed_methods, reason = "an empty file")]
    fs::write(home.join(name), "").expect("written");
}

/// The calls of `opencode run`: directory, thread and arguments of each.
fn runs(project: &Project) -> Vec<String> {
    let runs = fs::read_to_string(project.env.home().join("runs")).unwrap_or_default();
    runs.lines().map(str::to_owned).collect()
}

/// With an opencode that is too old for its server, `opencode run` does the work: the record is there before
/// the first word, and gets the session's id with it; a resume goes on in that session.
///
/// Mutants: the id not written before the end; the server's failure taken for the turn's.
#[test]
fn an_old_opencode_is_driven_by_run() {
    let project = Project::with_fake(&["@late @wait", "@done"], OLD);
    let running = project.start(1, &[]);
    project.wait_for_status(1, "running", PATIENCE);
    let attempt = project.attempt(1);
    assert_eq!((&attempt["sessionId"], &attempt["status"]), (&Value::Null, &json!("running")), "{attempt:#}");
    assert_eq!((&attempt["backend"], &attempt["mode"]), (&json!("opencode-run"), &json!("plain")));
    touch(&project, "go");
    let id = wait_for("its id", PATIENCE, || project.attempt(1)["sessionId"].as_str().map(str::to_owned));
    assert!(id.starts_with("ses_"), "{id}");
    assert_eq!(project.thread_status(1), "running", "it is known before the end");
    touch(&project, "end");
    let output = running.output();
    assert!(output.stderr.contains("opencode is 1.0.9"), "{output:#?}");
    assert!(output.stderr.contains("`opencode run` is used"), "{output:#?}");
    assert!(output.stderr.contains(&id), "told as soon as it is known: {output:#?}");
    assert!(
        output.stdout.contains("a word and the last") || output.stdout.contains("✓ bash: ls"),
        "{output:#?}"
    );
    let attempt = project.attempt(1);
    assert_eq!((&attempt["status"], &attempt["usage"]["input"]), (&json!("completed"), &json!(100)));
    assert_eq!(project.thread(1)["resumable"], true);

    project.execute(2, &[]).ok();
    assert_eq!(project.thread_status(2), "completed", "its tools know where to report");
    let again = project.work(["fix", "--thread", "01.01.01", "--resume", "--message", "go on"]);
    assert_eq!(again.code, 1, "its task is still open: {again:#?}");
    assert_eq!(project.attempts(1)[1]["sessionId"], id.as_str());
    let repo = project.repo();
    let runs = runs(&project);
    assert_eq!(runs.len(), 3, "{runs:#?}");
    let begin = |thread: &str| format!("{} {thread} run --format json --model scripted/ok", repo.display());
    assert_eq!(runs[..2], [begin("01.01.01"), begin("01.01.02")]);
    assert_eq!(runs[2], format!("{} --session {id}", begin("01.01.01")));
    let logs = project.work(["logs", "01.01.01", "--turn", "1"]).ok();
    assert!(logs.stdout.contains("and the last"), "{logs:#?}");
    project.assert_records_are_whole();
}

/// A program that ends before it has a session leaves one attempt without an id, with both reasons.
#[test]
fn what_ends_before_it_has_a_session_is_one_attempt_without_an_id() {
    let project = Project::with_fake(&["@refuse"], OLD);
    let output = project.execute(1, &[]);
    assert_eq!(output.code, 6, "{output:#?}");
    for words in ["1.0.9", "Unknown argument: format", "npm install -g opencode-ai"] {
        assert!(output.stderr.contains(words), "{words} in {output:#?}");
    }
    let attempts = project.attempts(1);
    assert_eq!(attempts.len(), 1, "{attempts:#?}");
    assert_eq!(
        (&attempts[0]["sessionId"], &attempts[0]["error"]["kind"]),
        (&Value::Null, &json!("agent-too-old"))
    );
    assert_eq!(project.thread(1)["resumable"], false);
}

/// A session that an old opencode does not know any more is said to be gone.
#[test]
fn an_old_opencode_may_have_lost_a_session() {
    let project = Project::with_fake(&["@done"], OLD);
    project.execute(1, &[]).ok();
    let state = project.state();
    let id = state["threads"][0]["sessions"][0]["sessionId"].as_str().expect("an id");
    project.env.write("repo/work/001-test/tasks.json", state.to_string().replace(id, "gone"));
    let output = project.work(["fix", "--thread", "01.01.01", "--resume", "--message", "go on"]);
    assert_eq!(output.code, 1, "{output:#?}");
    assert_eq!(project.attempt(1)["error"]["kind"], "session-unknown");
    assert_eq!(project.thread(1)["resumable"], false);
}

/// Ctrl-C ends `opencode run` with its tools, which lead sessions of their own; so does a killed supervisor,
/// when the next one comes.
#[test]
fn an_old_opencode_leaves_no_tool_behind() {
    let project = Project::with_fake(&["@hang", "@done"], OLD);
    let has_tool = || !project.processes_with("sleep 4733.5").is_empty();
    let running = project.start(1, &[]);
    wait_until("its tool", PATIENCE, has_tool);
    running.signal(Signal::SIGINT);
    assert_eq!(running.output().code, 130);
    assert!(project.processes_with("sleep 4733").is_empty());
    assert_eq!(project.attempt(1)["status"], "interrupted");

    let running = project.start(1, &[]);
    wait_until("its tool", PATIENCE, has_tool);
    let supervisor = project.supervisor();
    work::sys::process::signal_process(supervisor, Signal::SIGKILL);
    assert_eq!(running.output().code, 130);
    project.execute(2, &[]).ok();
    wait_until("the tool of the dead to be ended", PATIENCE, || {
        project.processes_with("sleep 4733").is_empty()
    });
    assert_eq!(project.thread_status(1), "interrupted");
    project.assert_records_are_whole();
}

/// The real opencode by `run`, through the same backend: what it says is understood, to its last number.
#[tokio::test]
async fn the_real_one_is_understood() {
    let model = ScriptedModel::start();
    let place = Place::new(&model);
    let home = place.project().parent().expect("a home").to_owned();
    let env = environment(&home, &model.config());
    let because = Failure::new(FailureKind::AgentTooOld, "too old");
    let backend = OpencodeRun::new(RunOptions {
        program: program(),
        root: place.project(),
        env: env.into_iter().map(|(name, value)| (name.into(), value)).collect(),
        because,
        on_start: None,
    });
    let request = |resume| OpenRequest {
        directory: place.project(),
        title: "a test".to_owned(),
        stream: "001-test".parse().expect("an id"),
        thread: "01.01.01".parse().expect("an id"),
        environment: [("GREETING".to_owned(), "good day".to_owned())].into(),
        resume,
        questions: false,
        rejoins: false,
    };
    let mut session = backend.open(request(None)).await.expect("opened");
    assert_eq!(session.id(), None);
    let script = "@bash echo \"$GREETING $WORK_THREAD\" > greeting.txt; cat greeting.txt\n\
                  @usage input=500 output=40\n@text All \"is\" done.\n@usage input=100 output=10";
    let (events, outcome) = backend::turn(&mut *session, backend::script(script)).await;
    assert_eq!(outcome, TurnOutcome::Completed, "{events:#?}");
    assert_eq!(place.read("greeting.txt").as_deref(), Some("good day 01.01.01\n"));
    assert_eq!(backend::text(&events), "All \"is\" done.");
    let outputs = events.iter().filter_map(|event| match event {
        AgentEvent::ToolCall { status: ToolStatus::Completed, output, .. } => output.clone(),
        _ => None,
    });
    assert_eq!(outputs.collect::<Vec<_>>(), ["good day 01.01.01\n"]);
    let used = session.usage().await.expect("known");
    assert_eq!((used.input, used.output), (600, 50));
    let id = session.id().cloned().expect("known by now");
    // The client has a runtime of its own, which must not be nested in the test's.
    let requests = |id: &str| std::thread::scope(|scope| scope.spawn(|| model.requests_of(id)).join());
    assert!(requests(&id.0).expect("requests").len() >= 2, "it is opencode's own");

    let mut again = backend.open(request(Some(id.clone()))).await.expect("opened");
    let (events, outcome) = backend::turn(&mut *again, backend::script("@text Again.")).await;
    assert_eq!((outcome, backend::text(&events)), (TurnOutcome::Completed, "Again.".to_owned()));
    assert_eq!(again.id(), Some(&id));
    let last = requests(&id.0).expect("requests").pop().expect("a request");
    let conversation = last["messages"].to_string();
    assert!(conversation.contains("All \\\"is\\\" done."), "it remembers");

    let (_, outcome) = backend::turn(&mut *again, backend::ask("scripted/fail-401", "")).await;
    assert!(
        matches!(&outcome, TurnOutcome::Failed { failure } if failure.kind == FailureKind::Auth),
        "{outcome:?}"
    );
    assert_ne!(used, Usage::default());

    again.prompt(backend::script("@bash sleep 4734\n@text never")).await.expect("taken");
    backend::until_so("a tool runs", || backend::lives("sleep 4734")).await;
    again.cancel().await;
    let (_, outcome) = backend::to_the_end(&mut *again).await;
    assert!(matches!(outcome, TurnOutcome::Cancelled { .. }), "{outcome:?}");
    assert!(!backend::lives("sleep 4734"), "the tool is gone with it");
}

/// A folder in the place of the lock file is as good as a broken disk. Gives what repairs it.
fn break_lock(project: &Project) -> impl FnOnce() + use<> {
    let lock = project.repo().join("work/001-test/.tasks.json.lock");
    let away = lock.with_extension("away");
    fs::rename(&lock, &away).expect("moved");
    fs::create_dir(&lock).expect("a folder");
    move || {
        fs::remove_dir(&lock).expect("removed");
        fs::rename(away, &lock).expect("moved back");
    }
}

fn supervisor_log(project: &Project) -> String {
    fs::read_to_string(project.private().join("supervisor.log")).unwrap_or_default()
}

/// A beginning that can't be recorded stops no work: it is told and logged, kept in the journal, and recorded
/// with its own time as soon as that can be, while the turn still runs.
///
/// Mutants: nothing prompted; the time of the writing taken; no second try before the end.
#[test]
fn a_record_that_cannot_be_written_is_written_later() {
    let project = Project::with_fake(&["@wait"], OLD);
    let repair = break_lock(&project);
    let running = project.start(1, &[]);
    wait_until("the agent to work", PATIENCE, || runs(&project).len() == 1);
    assert_eq!(project.attempts(1), Vec::<Value>::new(), "nothing can be recorded");
    let journal = project.private().join("turns/001-test/01.01.01/1.jsonl");
    let header: Value = wait_for("the journal", PATIENCE, || {
        serde_json::from_str(fs::read_to_string(&journal).ok()?.lines().next()?).ok()
    });
    assert_eq!(header["kept"]["backend"], "opencode-run", "{header:#}");
    let log = supervisor_log(&project);
    assert!(log.contains("the beginning of an attempt is kept to be written later"), "{log}");
    repair();
    project.wait_for_status(1, "running", PATIENCE);
    touch(&project, "end");
    let output = running.output();
    assert!(output.stderr.contains("the beginning of the session could not be recorded"), "{output:#?}");
    let attempts = project.attempts(1);
    assert_eq!(attempts.len(), 1, "{attempts:#?}");
    let attempt = &attempts[0];
    assert_eq!((&attempt["attempt"], &attempt["status"]), (&json!(1), &json!("completed")), "{attempt:#}");
    assert!(attempt["sessionId"].as_str().is_some_and(|id| id.starts_with("ses_")), "{attempt:#}");
    assert!(attempt["startedAt"].as_str() <= header["at"].as_str(), "{attempt:#} {header:#}");
    project.assert_records_are_whole();
}

/// The same without a journal, and repaired only after the end: both beginning and end are recorded then.
#[test]
fn without_a_journal_the_record_is_kept_in_memory() {
    let project = Project::with_fake(&["@text hello"], OLD);
    project.env.write("repo/.git/work/turns", "in the way");
    let repair = break_lock(&project);
    let output = project.execute(1, &[]);
    assert_eq!(output.code, 1, "its task is open: {output:#?}");
    assert!(output.stderr.contains("the end of the session could not be recorded yet"), "{output:#?}");
    assert_eq!(project.attempts(1), Vec::<Value>::new());
    repair();
    project.wait_for_status(1, "incomplete", PATIENCE);
    assert_eq!(project.attempts(1).len(), 1);
    project.assert_records_are_whole();
}

/// The owner was killed before it could write: the next runtime finds the journal, and records what it tells.
///
/// Mutant: `Left::kept` always empty.
#[test]
fn what_a_killed_owner_kept_is_recorded_by_the_next() {
    let project = Project::with_fake(&["@wait", "@text hello", "@done"], OLD);
    let repair = break_lock(&project);
    let ended = project.execute(2, &[]);
    assert_eq!(ended.code, 1, "{ended:#?}");
    let running = project.start(1, &[]);
    let journal = |thread: u8| {
        let path = format!(".git/work/turns/001-test/01.01.{thread:02}/1.jsonl");
        project.read(&path).unwrap_or_default()
    };
    wait_until("its first word", PATIENCE, || journal(1).contains("\"opened\""));
    work::sys::process::signal_process(project.supervisor(), Signal::SIGKILL);
    assert_eq!(running.output().code, 130);
    assert_eq!(project.attempts(1), Vec::<Value>::new());
    repair();
    project.execute(3, &[]).ok();
    wait_until("the records", PATIENCE, || [1, 2].iter().all(|one| project.attempts(*one).len() == 1));
    let (cut, whole) = (project.attempt(1), project.attempt(2));
    assert_eq!((&cut["status"], &whole["status"]), (&json!("interrupted"), &json!("completed")));
    for (attempt, thread) in [(&cut, 1), (&whole, 2)] {
        let id = attempt["sessionId"].as_str().expect("an id");
        assert!(journal(thread).contains(id), "{attempt:#}");
        assert_eq!((&attempt["attempt"], &attempt["model"]), (&json!(1), &json!("scripted/ok")));
    }
    // Once is enough.
    project.work(["supervisor", "stop"]).ok();
    project.execute(3, &["--message", "again"]);
    assert_eq!((project.attempts(1).len(), project.attempts(2).len()), (1, 1));
    project.assert_records_are_whole();
}

/// The end could not be recorded before the owner was killed: the journal tells the next one how it ended.
///
/// Mutant: every open attempt of a dead owner closed as interrupted.
#[test]
fn an_end_that_only_the_journal_has_is_recorded_as_it_was() {
    let project = Project::with_fake(&["@wait", "@done"], OLD);
    let running = project.start(1, &[]);
    wait_until("its id", PATIENCE, || project.attempt(1)["sessionId"].is_string());
    let repair = break_lock(&project);
    touch(&project, "end");
    assert!(running.output().stderr.contains("could not be recorded yet"));
    work::sys::process::signal_process(project.supervisor(), Signal::SIGKILL);
    wait_until("the death of its owner to be seen", PATIENCE, || project.thread_status(1) == "interrupted");
    repair();
    project.execute(2, &[]).ok();
    project.wait_for_status(1, "incomplete", PATIENCE);
    assert_eq!(project.attempt(1)["status"], "completed");
    project.assert_records_are_whole();
}

/// An older copy of the state is put back while an agent works: its record comes back with its end.
#[test]
fn a_record_that_was_lost_meanwhile_comes_back_with_its_end() {
    let project = Project::with_fake(&["@wait"], OLD);
    let before = project.state().to_string();
    let running = project.start(1, &[]);
    wait_until("its id", PATIENCE, || project.attempt(1)["sessionId"].is_string());
    project.env.write("repo/work/001-test/tasks.json", before);
    assert_eq!(project.attempts(1), Vec::<Value>::new());
    touch(&project, "end");
    running.output();
    assert_eq!(project.attempt(1)["status"], "completed");
    project.assert_records_are_whole();
}

/// What can't be understood is no broken disk: nothing runs, and nothing is replaced.
#[test]
fn a_corrupt_state_stops_before_anything_runs() {
    let project = Project::with_fake(&["@text hello"], OLD);
    let whole = project.state().to_string();
    for (text, words) in [
        (whole[..whole.len() / 2].to_owned(), "can't be read"),
        (whole.replace("\"2.0.0\"", "\"3.0.0\""), "newer"),
    ] {
        project.env.write("repo/work/001-test/tasks.json", &text);
        let output = project.execute(1, &[]);
        assert!([1, 4].contains(&output.code), "{output:#?}");
        assert!(output.stderr.contains(words), "{output:#?}");
        assert_eq!(runs(&project), Vec::<String>::new());
        assert_eq!(project.read("work/001-test/tasks.json"), Some(text));
    }
}

/// A limit of the provider that resets soon is waited for, and what was begun goes on in its session; one that
/// resets late is not, and with `waitForLimit: 0s` none is.
#[test]
fn a_limit_that_resets_soon_is_waited_for() {
    let project = Project::with_fake(&["@limit", "@far", "@far"], OLD);
    let output = project.execute(1, &[]);
    assert!(output.stderr.contains("waiting for the provider's limit until"), "{output:#?}");
    let attempts = project.attempts(1);
    assert_eq!(attempts.len(), 2, "{attempts:#?}");
    assert_eq!(
        (&attempts[0]["status"], &attempts[0]["error"]["kind"]),
        (&json!("failed"), &json!("rate-limit"))
    );
    assert_eq!((&attempts[1]["status"], &attempts[1]["resumedFrom"]), (&json!("completed"), &json!(1)));
    assert_eq!(attempts[0]["sessionId"], attempts[1]["sessionId"]);
    let reset = attempts[0]["error"]["resetAt"].as_str().expect("a time");
    assert!(attempts[1]["startedAt"].as_str() > Some(reset), "{attempts:#?}");

    let late = project.execute(2, &[]);
    assert_eq!((late.code, project.attempts(2).len()), (1, 1), "an hour is too long: {late:#?}");
    fs::remove_file(project.env.home().join("limited")).expect("removed");
    project.settings("waitForLimit: 0s\n");
    project.work(["supervisor", "stop"]).ok();
    let off = project.work(["execute", "--thread", "01.01.01", "--mode", "plain", "--message", "@limit"]);
    assert_eq!((off.code, project.attempts(1).len()), (1, 3), "{off:#?}");
    assert!(!off.stderr.contains("waiting for the provider"), "{off:#?}");
    project.assert_records_are_whole();
}

/// Whoever does not want to wait for a limit cancels; that the attempt has failed was on record before.
#[test]
fn waiting_for_a_limit_can_be_cancelled() {
    let project = Project::with_fake(&["@far"], OLD);
    project.settings("waitForLimit: 2h\n");
    let running = project.start(1, &[]);
    project.wait_for_status(1, "failed", PATIENCE);
    assert_eq!(project.attempt(1)["error"]["kind"], "rate-limit");
    running.signal(Signal::SIGINT);
    let output = running.output();
    assert_eq!((output.code, project.attempts(1).len()), (1, 1), "{output:#?}");
    project.assert_records_are_whole();
}
