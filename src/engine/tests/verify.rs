//! The check of an attempt through its record: begun with its end, and never passed by a death.

use std::path::PathBuf;
use std::time::Duration;

use super::{id, now, plan, stream};
use crate::engine::approve::approve_plan;
use crate::engine::status::status_of;
use crate::engine::verify::{Check, Order, end_check, perform};
use crate::engine::{
    SessionStart, TurnEnd, Workspace, begin_session, fail_unopened, owner, recover, write_facts,
};
use crate::model::{
    AgentEvent, AgentName, BackendKind, CancelCause, CheckRun, CheckStep, CheckVerdict, CommandEnd, Failure,
    FailureKind, Mode, Owner, SessionId, TaskStatus, ThreadId, ThreadStatus, TurnOutcome, Verification,
    set_task,
};
use crate::plan::parse;
use crate::store::{Store, StoreError, TransactError};
use crate::sys::clock::Clock;
use crate::sys::shell::Stop;

fn thread() -> ThreadId {
    "01.01.01".parse().expect("an id")
}

fn start(check: bool) -> SessionStart {
    SessionStart {
        thread: thread(),
        agent: AgentName("default".to_owned()),
        model: "a/b".parse().expect("a model"),
        backend: BackendKind::Opencode,
        mode: Mode::Plain,
        directory: "/".into(),
        resumed_from: None,
        client: None,
        used_before: None,
        check,
    }
}

/// A stream whose first thread has one task, done or not.
fn with_task(done: bool) -> (tempfile::TempDir, Store, PathBuf) {
    let (folder, store) = stream();
    let text = plan(&[(1, "A", &["one"])]);
    approve_plan(&store, &text, &parse(&text), "ada").expect("approved");
    if done {
        change(&store, |thread| {
            set_task(&mut thread.tasks[0], TaskStatus::Completed, now()).expect("allowed");
        });
    }
    let private = folder.path().join("private");
    (folder, store, private)
}

fn change(store: &Store, change: impl FnOnce(&mut crate::model::Thread)) {
    let changed: Result<(), TransactError<StoreError>> = store.transact(|stream| {
        change(stream.thread_mut(thread()).expect("it is there"));
        Ok(())
    });
    changed.expect("written");
}

fn check_of(store: &Store) -> (ThreadStatus, Option<Verification>) {
    let state = store.read().expect("read");
    let found = state.thread(thread()).expect("it is there");
    (status_of(found), found.sessions.last().and_then(|last| last.verification.clone()))
}

fn passed() -> Verification {
    Verification::of(CheckRun { at: now(), tree: None, commands: Vec::new() })
}

/// Mutant tried: a check that is begun though tasks are open.
#[test]
fn a_check_begins_with_the_end_of_a_turn_that_left_nothing_open() {
    let failed = TurnOutcome::Failed { failure: Failure::new(FailureKind::Task, "broken") };
    let cut = TurnOutcome::Cancelled { cause: CancelCause::Person };
    for (asked, done, outcome, with_check, checks, status) in [
        (true, true, TurnOutcome::Completed, true, true, ThreadStatus::Running),
        (true, true, TurnOutcome::Completed, false, false, ThreadStatus::Incomplete),
        (true, false, TurnOutcome::Completed, true, false, ThreadStatus::Incomplete),
        (true, true, failed, true, false, ThreadStatus::Failed),
        (true, true, cut, true, false, ThreadStatus::Interrupted),
        (false, true, TurnOutcome::Completed, true, false, ThreadStatus::Completed),
    ] {
        let (_folder, store, private) = with_task(done);
        let session = SessionId("ses_1".to_owned());
        let begun =
            begin_session(&store, &private, &id(), start(asked), session, "Do it", now()).expect("begun");
        let end = TurnEnd::new(&outcome, None, now());
        let end = if with_check { end.with_check() } else { end };
        let written = write_facts(&store, &private, &begun.facts, Some(&end)).expect("written");
        assert_eq!((written.attempt, written.checks), (1, checks), "{outcome:?}");
        assert_eq!(check_of(&store).0, status, "{outcome:?}");
        if checks {
            end_check(&store, thread(), 1, &owner::current(), &passed()).expect("it is ours");
            assert_eq!(check_of(&store), (ThreadStatus::Completed, Some(passed())));
            end_check(&store, thread(), 1, &owner::current(), &passed()).expect_err("it has ended");
        }
    }
}

/// A supervisor that dies between the end in the journal and the end on record. Mutant tried: the record without
/// its check from the beginning.
#[test]
fn an_end_that_only_the_journal_tells_leaves_the_check_due() {
    let (_folder, store, private) = with_task(true);
    let session = SessionId("ses_1".to_owned());
    let mut begun =
        begin_session(&store, &private, &id(), start(true), session, "Do it", now()).expect("begun");
    let journal = begun.journal.as_mut().expect("a journal");
    journal.append_at(now(), AgentEvent::TurnEnded(TurnOutcome::Completed)).expect("written");
    change(&store, |thread| {
        let dead = Owner { boot_id: "another".to_owned(), ..owner::current() };
        let state = crate::model::SessionState::Running { owner: Some(dead), asks: Vec::new() };
        thread.sessions[0].state = state;
    });
    assert_eq!(recover(&store, &private, now()).expect("written"), 1);
    assert_eq!(check_of(&store), (ThreadStatus::Incomplete, Some(Verification::Due)));
}

#[test]
fn a_check_of_a_dead_owner_is_written_off_by_the_next_and_an_attempt_without_a_session_asks_for_none() {
    let (_folder, store, private) = with_task(true);
    let session = SessionId("ses_1".to_owned());
    let begun = begin_session(&store, &private, &id(), start(true), session, "Do it", now()).expect("begun");
    let end = TurnEnd::new(&TurnOutcome::Completed, None, now()).with_check();
    write_facts(&store, &private, &begun.facts, Some(&end)).expect("written");
    assert_eq!(recover(&store, &private, now()).expect("read"), 0, "we live");
    let dead = Owner { boot_id: "another".to_owned(), ..owner::current() };
    change(&store, |thread| {
        thread.sessions[0].verification = Some(Verification::Running { since: now(), owner: dead });
    });
    assert_eq!(check_of(&store).0, ThreadStatus::Incomplete);
    assert_eq!(recover(&store, &private, now()).expect("written"), 1);
    assert!(matches!(check_of(&store).1, Some(Verification::Stopped { .. })));
    let failure = Failure::new(FailureKind::Auth, "no key");
    fail_unopened(&store, &private, &id(), start(true), failure, &[], now()).expect("written");
    assert_eq!(check_of(&store), (ThreadStatus::Failed, None), "what was not checked is not passed by it");
}

fn order(folder: &std::path::Path, commands: &[&str], limit: Duration) -> Order {
    let workspace = Workspace::find(folder, Some(folder), Clock::System).expect("a workspace");
    Order {
        stream: id(),
        thread: thread(),
        directory: workspace.root.clone(),
        workspace,
        kept: None,
        commands: commands.iter().map(|line| (*line).to_owned()).collect(),
        limit,
        mark: "a mark of its own".to_owned(),
    }
}

fn ends(check: &Check) -> Vec<CommandEnd> {
    match check {
        Check::Done(run) => run.commands.iter().map(|command| command.end.clone()).collect(),
        Check::Stopped(_) => Vec::new(),
    }
}

/// Mutant tried: going on after the first that fails.
#[test]
fn commands_run_one_after_another_up_to_the_first_that_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = Duration::from_secs(60);
    let run = |commands: &[&str], limit| {
        let mut steps = Vec::new();
        let check =
            perform(&order(folder.path(), commands, limit), &Stop::default(), &mut |step| steps.push(step));
        (check, steps)
    };
    let environment = "echo $WORK_THREAD $WORK_STREAM; test \"$WORK_ROOT\" = \"$PWD\"";
    let (check, steps) = run(&[environment, "echo a >file", "cat file >&2; exit 7", "touch never"], long);
    let code = |code| CommandEnd::Exited { code };
    assert_eq!(ends(&check), [code(0), code(0), code(7)]);
    let Check::Done(done) = &check else { panic!("it came to its end") };
    let tails: Vec<&str> = done.commands.iter().map(|command| command.tail.as_str()).collect();
    assert_eq!((tails, done.tree.is_none()), (vec!["", "", "a"], true), "there is no git here");
    assert!(!folder.path().join("never").exists());
    let said: Vec<&str> = steps
        .iter()
        .filter_map(|step| match step {
            CheckStep::Output { delta } => Some(delta.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(said, ["01.01.01 001-sample\n", "a\n"]);
    assert_eq!(steps.last(), Some(&CheckStep::Over { verdict: CheckVerdict::Failed }));
    assert_eq!(ends(&run(&["kill -9 $$"], long).0), [CommandEnd::Killed { signal: 9 }]);
    assert_eq!(ends(&run(&["sleep 300"], Duration::from_millis(100)).0), [CommandEnd::TimedOut]);
    let mut gone = order(folder.path(), &["true"], long);
    gone.directory = folder.path().join("gone");
    let check = perform(&gone, &Stop::default(), &mut |_| {});
    assert!(matches!(ends(&check)[..], [CommandEnd::NotStarted { .. }]), "{check:?}");
    let stop = Stop::default();
    let check = perform(&order(folder.path(), &["echo up; sleep 300"], long), &stop, &mut |step| {
        if matches!(step, CheckStep::Output { .. }) {
            stop.stop();
        }
    });
    assert_eq!(check, Check::Stopped("echo up; sleep 300".to_owned()));
}
