//! What an approval makes of the state: tasks by name, then by number; history is kept.

use std::convert::Infallible;

use super::{now, plan, stream};
use crate::engine::approve::{ApproveError, Approved, approve_plan, dry_run};
use crate::model::{TaskStatus, set_task, set_thread};
use crate::plan::parse;
use crate::store::Store;

fn approve(store: &Store, text: &str) -> Result<Approved, ApproveError> {
    let parsed = parse(text);
    let would = dry_run(store, &parsed);
    let did = approve_plan(store, text, &parsed, "ada");
    if let (Ok(would), Ok(did)) = (would, &did) {
        assert_eq!(would, *did, "the dry run told something else");
    }
    did
}

fn ids<T: ToString>(ids: &[T]) -> Vec<String> {
    ids.iter().map(T::to_string).collect()
}

/// The tasks of thread 01.01.01: number, name, status, report.
fn tasks(store: &Store) -> Vec<(u8, String, TaskStatus, Option<String>)> {
    let stream = store.read().expect("read");
    let tasks = stream.threads[0].tasks.iter();
    tasks.map(|task| (task.id.number.get(), task.name.clone(), task.status, task.report.clone())).collect()
}

/// Reports on a task of thread 01.01.01.
fn report(store: &Store, index: usize, status: TaskStatus, words: &str) {
    let change = |stream: &mut crate::model::Stream| {
        let task = &mut stream.threads[0].tasks[index];
        set_task(task, status, now()).expect("allowed");
        task.report = Some(words.to_owned());
        Ok::<_, Infallible>(())
    };
    store.transact(change).expect("changed");
}

fn said(words: &str) -> Option<String> {
    Some(words.to_owned())
}

#[test]
fn the_first_approval_takes_threads_and_tasks_over() {
    let (_folder, store) = stream();
    let text = plan(&[(1, "A", &["[ ] one", "[x] two"]), (3, "B", &[])]);
    let approved = approve(&store, &text).expect("approved");
    assert_eq!((approved.threads, approved.tasks), (2, 3));
    assert_eq!(ids(&approved.added), ["01.01.01", "01.01.03"]);
    assert_eq!(
        tasks(&store),
        [(1, "one".into(), TaskStatus::Pending, None), (2, "two".into(), TaskStatus::Completed, None)]
    );
    let state = store.read().expect("read");
    assert_eq!(state.threads[1].tasks[0].name, "B", "a thread without tasks has one of its name");
    let approval = state.approvals.plan.clone().expect("approved");
    assert_eq!((approval.by.as_str(), approval.at), ("ada", now()));
    // The same again changes nothing but who and when.
    let again = approve(&store, &text).expect("approved");
    assert_eq!((again.added.len(), again.changed.len(), again.reopened.len()), (0, 0, 0));
    assert_eq!(store.read().expect("read").threads, state.threads);
}

#[test]
fn a_task_keeps_what_is_known_of_it_wherever_it_moves() {
    let (_folder, store) = stream();
    approve(&store, &plan(&[(1, "A", &["[ ] one", "[ ] two", "[ ] three"])])).expect("approved");
    report(&store, 1, TaskStatus::Completed, "two is done");
    let approved = approve(&store, &plan(&[(1, "A", &["[ ] two", "[ ] new", "[ ] one"])])).expect("approved");
    assert_eq!(ids(&approved.changed), ["01.01.01"]);
    assert_eq!(
        tasks(&store),
        [
            (1, "two".into(), TaskStatus::Completed, said("two is done")),
            (2, "new".into(), TaskStatus::Pending, None),
            (3, "one".into(), TaskStatus::Pending, None),
        ]
    );
}

#[test]
fn a_reworded_task_keeps_its_place_and_a_done_one_is_open_again() {
    let (_folder, store) = stream();
    let before = ["[ ] Write the lexer", "[ ] Write the parser", "[ ] Write the docs"];
    approve(&store, &plan(&[(1, "A", &before)])).expect("approved");
    report(&store, 0, TaskStatus::Completed, "lexer");
    report(&store, 1, TaskStatus::Completed, "parser");
    report(&store, 2, TaskStatus::InProgress, "docs");
    let after = ["[ ] Write the lexer.", "[ ] Deploy to production", "[ ] Say it in the README"];
    let approved = approve(&store, &plan(&[(1, "A", &after)])).expect("approved");
    assert_eq!(ids(&approved.reopened), ["01.01.01.02"]);
    assert_eq!(
        tasks(&store),
        [
            (1, "Write the lexer.".into(), TaskStatus::Completed, said("lexer")),
            (2, "Deploy to production".into(), TaskStatus::Pending, said("parser")),
            (3, "Say it in the README".into(), TaskStatus::InProgress, said("docs")),
        ]
    );
}

#[test]
fn a_task_that_the_plan_dropped_stays_when_somebody_worked_on_it() {
    let (_folder, store) = stream();
    approve(&store, &plan(&[(1, "A", &["[ ] one", "[ ] two", "[ ] three"])])).expect("approved");
    report(&store, 1, TaskStatus::Completed, "two is done");
    approve(&store, &plan(&[(1, "A", &["[ ] one"])])).expect("approved");
    assert_eq!(
        tasks(&store),
        [
            (1, "one".into(), TaskStatus::Pending, None),
            (2, "two".into(), TaskStatus::Completed, said("two is done")),
        ]
    );
}

#[test]
fn a_thread_without_a_history_goes_and_one_with_a_history_stays() {
    let (_folder, store) = stream();
    approve(&store, &plan(&[(1, "A", &[]), (2, "B", &[]), (3, "C", &[])])).expect("approved");
    report(&store, 0, TaskStatus::InProgress, "begun");
    let approved = approve(&store, &plan(&[(2, "B", &[])])).expect("approved");
    assert_eq!(
        (ids(&approved.kept), ids(&approved.dropped)),
        (vec!["01.01.01".into()], vec!["01.01.03".into()])
    );
    let state = store.read().expect("read");
    assert_eq!((state.threads.len(), state.threads[0].in_plan), (2, false));
    // Nobody inherits what they did not do.
    let error = approve(&store, &plan(&[(1, "Other", &[]), (2, "B", &[])])).expect_err("refused");
    assert!(
        matches!(&error, ApproveError::Reused { old, new, .. } if old == "A" && new == "Other"),
        "{error}"
    );
    assert_eq!(store.read().expect("read"), state, "nothing was changed");
    // Its own name brings it back.
    approve(&store, &plan(&[(1, "A", &[]), (2, "B", &[])])).expect("approved");
    let state = store.read().expect("read");
    assert!(state.threads[0].in_plan);
    assert_eq!(state.threads[0].tasks[0].report, said("begun"));
}

#[test]
fn a_thread_with_a_history_is_not_renumbered() {
    let (_folder, store) = stream();
    approve(&store, &plan(&[(1, "A", &[]), (2, "B", &[])])).expect("approved");
    report(&store, 0, TaskStatus::InProgress, "begun");
    let before = store.read().expect("read");
    for moved in [
        &[(2, "A", &[][..]), (1, "B", &[])][..],
        &[(5, "A", &[])],
        &[(1, "New", &[]), (2, "B", &[]), (3, "A", &[])],
    ] {
        let error = approve(&store, &plan(moved)).expect_err("refused");
        assert!(matches!(&error, ApproveError::Renumbered { name, .. } if name == "A"), "{error}");
        assert_eq!(store.read().expect("read"), before, "nothing was changed");
    }
    // Without a history a thread moves freely, and a new name in the same place is a new name.
    approve(&store, &plan(&[(1, "A renamed", &[]), (4, "B", &[])])).expect("approved");
    assert_eq!(store.read().expect("read").threads[0].name, "A renamed");
    assert_eq!(tasks(&store)[0].3, said("begun"));
}

#[test]
fn what_was_said_of_a_thread_stays() {
    let (_folder, store) = stream();
    approve(&store, &plan(&[(1, "A", &["[ ] one"])])).expect("approved");
    let cancel = |stream: &mut crate::model::Stream| {
        stream.threads[0].report = Some("not wanted".to_owned());
        stream.threads[0].agent = Some(crate::model::AgentName("ada".to_owned()));
        set_thread(&mut stream.threads[0], TaskStatus::Cancelled)
    };
    store.transact(cancel).expect("changed");
    approve(&store, &plan(&[(1, "A", &["[ ] one", "[ ] two"])])).expect("approved");
    let thread = store.read().expect("read").threads.remove(0);
    assert_eq!((thread.declared, thread.report), (TaskStatus::Cancelled, said("not wanted")));
    assert_eq!(thread.agent.map(|agent| agent.0), said("ada"));
}

#[test]
fn more_tasks_than_ids_are_refused() {
    let (_folder, store) = stream();
    let many: Vec<String> = (0..100).map(|number| format!("[ ] task {number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    approve(&store, &plan(&[(1, "A", &many[..99])])).expect("approved");
    let error = approve(&store, &plan(&[(1, "A", &many)])).expect_err("refused");
    assert!(matches!(error, ApproveError::TooManyTasks(_)), "{error}");
}
