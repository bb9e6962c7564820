//! The status of a thread in every situation, and every step from status to status.

use chrono::{DateTime, Utc};

use super::{
    AgentName, Ask, CheckRun, CheckedCommand, CommandEnd, End, Extra, Outcome, Owner, SessionRecord,
    SessionRef, SessionState, Stream, StreamState, Task, TaskId, TaskStatus, Thread, ThreadId, ThreadStatus,
    TransitionError, Verification, Wish, begin_check, begin_session, end_check, end_session, set_asks,
    set_stream, set_task, set_thread, thread_status, waive_check,
};
use TaskStatus::{Blocked, Cancelled, Completed, InProgress, Pending};

fn now() -> DateTime<Utc> {
    "2026-03-04T05:06:07Z".parse().expect("a time")
}

fn thread(declared: TaskStatus, tasks: &[TaskStatus]) -> Thread {
    let id: ThreadId = "01.01.01".parse().expect("an id");
    let mut thread = Thread::new(id);
    thread.declared = declared;
    for (index, status) in tasks.iter().enumerate() {
        let id: TaskId = format!("{id}.{}", index + 1).parse().expect("an id");
        thread.tasks.push(Task { status: *status, ..Task::new(id, "task".to_owned(), now()) });
    }
    thread
}

fn record(attempt: u32, state: SessionState) -> SessionRecord {
    SessionRecord {
        session: SessionRef::Unopened,
        attempt,
        agent: AgentName("default".to_owned()),
        model: "a/b".to_owned(),
        variant: None,
        backend: None,
        mode: None,
        directory: None,
        started_at: now(),
        state,
        resumed_from: None,
        turns: Vec::new(),
        usage: None,
        verification: None,
        outside_paths: None,
        extra: Extra::new(),
    }
}

/// Process 1 lives, every other one is dead.
fn running(pid: u32) -> SessionState {
    let owner = Owner { pid, started_at: 1, boot_id: "boot".to_owned(), host: "host".to_owned() };
    SessionState::Running { owner: Some(owner), asks: Vec::new() }
}

/// The same, with its agent waiting for a person.
fn asking(mut state: SessionState) -> SessionState {
    if let SessionState::Running { asks, .. } = &mut state {
        asks.push(ask());
    }
    state
}

fn ask() -> Ask {
    Ask { id: "per_1".to_owned(), wish: Wish::Unknown, since: now(), until: now() }
}

fn ended(outcome: Outcome) -> SessionState {
    SessionState::Ended { outcome, end: End::default() }
}

fn status(thread: &Thread) -> ThreadStatus {
    thread_status(thread, &|owner| owner.pid == 1)
}

#[test]
fn without_sessions_the_tasks_and_what_was_said_decide() {
    for (declared, tasks, expected) in [
        (Pending, &[][..], ThreadStatus::Pending),
        (Pending, &[Pending, Pending], ThreadStatus::Pending),
        (InProgress, &[Pending], ThreadStatus::Incomplete),
        (Pending, &[InProgress, Pending], ThreadStatus::Incomplete),
        (Pending, &[Completed, Pending], ThreadStatus::Incomplete),
        (Completed, &[Completed, Pending], ThreadStatus::Incomplete),
        (Pending, &[Completed, Completed], ThreadStatus::Completed),
        (InProgress, &[Completed, Cancelled], ThreadStatus::Completed),
        (Completed, &[], ThreadStatus::Completed),
        (Completed, &[Cancelled], ThreadStatus::Completed),
        (Pending, &[Cancelled, Cancelled], ThreadStatus::Cancelled),
        (Cancelled, &[], ThreadStatus::Cancelled),
        (Cancelled, &[Completed, Pending, Blocked], ThreadStatus::Cancelled),
        (Blocked, &[], ThreadStatus::Blocked),
        (Blocked, &[Pending], ThreadStatus::Blocked),
        (Pending, &[Completed, Blocked], ThreadStatus::Blocked),
        (Blocked, &[Completed], ThreadStatus::Completed),
    ] {
        assert_eq!(status(&thread(declared, tasks)), expected, "{declared:?} {tasks:?}");
    }
}

#[test]
fn the_last_session_decides_what_tasks_leave_open() {
    let (live, dead) = (running(1), running(2));
    let (asking, dead_asking) = (asking(running(1)), asking(running(2)));
    let unowned = SessionState::Running { owner: None, asks: Vec::new() };
    let [done, failed, cut] = [Outcome::Completed, Outcome::Failed, Outcome::Interrupted].map(ended);
    for (declared, tasks, sessions, expected) in [
        (Pending, &[Pending][..], vec![&live], ThreadStatus::Running),
        (Pending, &[Completed], vec![&live], ThreadStatus::Running),
        (Cancelled, &[Blocked], vec![&failed, &live], ThreadStatus::Running),
        (Pending, &[Pending], vec![&asking], ThreadStatus::Waiting),
        (Completed, &[Completed], vec![&failed, &asking], ThreadStatus::Waiting),
        (Pending, &[Pending], vec![&dead_asking], ThreadStatus::Interrupted),
        (Pending, &[Pending], vec![&dead], ThreadStatus::Interrupted),
        (Pending, &[Pending], vec![&unowned], ThreadStatus::Interrupted),
        (Pending, &[Pending], vec![&failed], ThreadStatus::Failed),
        (Pending, &[Completed, Pending], vec![&failed], ThreadStatus::Failed),
        (Pending, &[Pending], vec![&cut], ThreadStatus::Interrupted),
        (Pending, &[Pending], vec![&done], ThreadStatus::Incomplete),
        (Pending, &[], vec![&done], ThreadStatus::Incomplete),
        (Pending, &[Pending], vec![&failed, &done], ThreadStatus::Incomplete),
        (Pending, &[Pending], vec![&done, &failed], ThreadStatus::Failed),
        // What is done is done, however the last attempt ended; what is blocked waits.
        (Pending, &[Completed], vec![&failed], ThreadStatus::Completed),
        (Completed, &[], vec![&dead], ThreadStatus::Completed),
        (Cancelled, &[Pending], vec![&failed], ThreadStatus::Cancelled),
        (Pending, &[Blocked], vec![&done], ThreadStatus::Blocked),
        (Pending, &[Blocked], vec![&failed], ThreadStatus::Blocked),
    ] {
        let mut thread = thread(declared, tasks);
        for (index, state) in sessions.iter().enumerate() {
            thread.sessions.push(record(u32::try_from(index).expect("few") + 1, (*state).clone()));
        }
        assert_eq!(status(&thread), expected, "{declared:?} {tasks:?} {sessions:?}");
    }
}

#[test]
fn every_step_from_status_to_status() {
    // Rows: from; columns: to; in the order of `TaskStatus::ALL`.
    let allowed = [
        // pending, in_progress, completed, blocked, cancelled
        [true, true, true, true, true],
        [true, true, true, true, true],
        [true, true, true, false, false],
        [true, true, true, true, true],
        [true, true, false, false, true],
    ];
    for (from, row) in TaskStatus::ALL.into_iter().zip(allowed) {
        for (to, allowed) in TaskStatus::ALL.into_iter().zip(row) {
            let mut of_task = thread(Pending, &[from]);
            let task = &mut of_task.tasks[0];
            let later = now() + chrono::TimeDelta::seconds(1);
            let step = TransitionError::Step { id: "01.01.01.01".to_owned(), from, to };
            let result = set_task(task, to, later);
            assert_eq!(result, if allowed { Ok(()) } else { Err(step) }, "{from:?} to {to:?}");
            let expected = if allowed { (to, later) } else { (from, now()) };
            assert_eq!((task.status, task.updated_at), expected, "{from:?} to {to:?}");

            let mut whole = thread(from, &[]);
            assert_eq!(set_thread(&mut whole, to).is_ok(), allowed, "{from:?} to {to:?}");
            assert_eq!(whole.declared, if allowed { to } else { from });
        }
    }
}

#[test]
fn a_thread_is_completed_when_its_tasks_are_settled() {
    for (tasks, open) in [
        (&[Completed, Cancelled][..], &[][..]),
        (&[Completed, Pending, Blocked, InProgress], &["01.01.01.02", "01.01.01.03", "01.01.01.04"]),
    ] {
        let mut thread = thread(InProgress, tasks);
        match set_thread(&mut thread, Completed) {
            Ok(()) => assert!(open.is_empty()),
            Err(TransitionError::OpenTasks { open: found, .. }) => assert_eq!(found, open),
            Err(other) => panic!("{other}"),
        }
        assert_eq!(thread.declared, if open.is_empty() { Completed } else { InProgress });
    }
}

#[test]
fn an_attempt_begins_once_and_ends_once() {
    let mut thread = thread(Pending, &[Pending]);
    let first = thread.next_attempt();
    begin_session(&mut thread, record(first, running(1))).expect("it begins");
    assert_eq!(
        begin_session(&mut thread, record(2, running(1))),
        Err(TransitionError::AlreadyRunning { id: thread.id, attempt: 1 })
    );
    // A failure before a session came to be is written beside it: it was never open.
    begin_session(&mut thread, record(2, ended(Outcome::Failed))).expect("it is over");
    let not_running =
        |attempt| TransitionError::NotRunning { id: "01.01.01".parse().expect("an id"), attempt };
    for wrong in [2, 3] {
        assert_eq!(
            end_session(&mut thread, wrong, Outcome::Completed, End::default()).map(|_| ()),
            Err(not_running(wrong))
        );
    }
    let end = End { exit_code: Some(130), ..End::default() };
    let record = end_session(&mut thread, 1, Outcome::Interrupted, end.clone()).expect("it ends");
    assert_eq!(record.state, SessionState::Ended { outcome: Outcome::Interrupted, end: end.clone() });
    assert_eq!(end_session(&mut thread, 1, Outcome::Completed, end).map(|_| ()), Err(not_running(1)));
    assert_eq!((thread.next_attempt(), thread.open_record().is_none()), (3, true));
}

#[test]
fn only_an_open_attempt_asks() {
    let mut thread = thread(Pending, &[Pending]);
    thread.sessions.push(record(1, running(1)));
    assert_eq!(set_asks(&mut thread, 1, vec![ask()]), Ok(()));
    assert_eq!(status(&thread), ThreadStatus::Waiting);
    let id = thread.id;
    let not_running = |attempt| Err(TransitionError::NotRunning { id, attempt });
    assert_eq!(set_asks(&mut thread, 2, vec![ask()]), not_running(2));
    end_session(&mut thread, 1, Outcome::Interrupted, End::default()).expect("it is open");
    assert_eq!(thread.sessions[0].asks(), [], "its end is the end of what it asked");
    assert_eq!(set_asks(&mut thread, 1, vec![ask()]), not_running(1));
}

#[test]
fn a_stream_rests_ends_and_is_opened_again() {
    use StreamState::{Completed, OnHold, Open};
    for from in [Open, OnHold, Completed] {
        for to in [Open, OnHold, Completed] {
            let mut stream = Stream::new("001-x".parse().expect("an id"), "x".to_owned(), now());
            stream.state = from;
            let allowed = (from, to) != (Completed, OnHold);
            assert_eq!(set_stream(&mut stream, to).ok(), allowed.then_some(from), "{from:?} {to:?}");
            assert_eq!(stream.state, if allowed { to } else { from });
        }
    }
}

fn owner(pid: u32) -> Owner {
    Owner { pid, started_at: 1, boot_id: "boot".to_owned(), host: "host".to_owned() }
}

fn check(ends: &[CommandEnd]) -> Verification {
    let command = |end: &CommandEnd| CheckedCommand {
        command: "make check".to_owned(),
        end: end.clone(),
        millis: 5,
        tail: String::new(),
    };
    Verification::of(CheckRun { at: now(), tree: None, commands: ends.iter().map(command).collect() })
}

const GOOD: CommandEnd = CommandEnd::Exited { code: 0 };
const BAD: CommandEnd = CommandEnd::Exited { code: 2 };

/// Process 1 lives, every other one is dead.
fn checking(pid: u32) -> Verification {
    Verification::Running { since: now(), owner: owner(pid) }
}

#[test]
fn a_check_passes_only_when_every_command_does() {
    let why = || "gone".to_owned();
    for (ends, passed) in [
        (vec![GOOD], true),
        (vec![GOOD, GOOD], true),
        (vec![GOOD, BAD], false),
        (vec![CommandEnd::Exited { code: -1 }], false),
        (vec![CommandEnd::Killed { signal: 9 }], false),
        (vec![CommandEnd::TimedOut], false),
        (vec![CommandEnd::NotStarted { why: why() }], false),
    ] {
        let check = check(&ends);
        assert_eq!((check.is_settled(), check.failed().is_none()), (passed, passed), "{ends:?}");
    }
}

/// Mutants tried: a check that is not looked at; that of the last record only.
#[test]
fn a_thread_is_completed_only_when_its_check_passed() {
    let [done, failed, cut] = [Outcome::Completed, Outcome::Failed, Outcome::Interrupted].map(ended);
    let stopped = Verification::Stopped { at: now(), why: "cancelled".to_owned() };
    let (passed, bad) = (check(&[GOOD]), check(&[BAD]));
    let none = None::<&Verification>;
    for (tasks, sessions, expected) in [
        (&[Completed][..], vec![(&done, Some(&passed))], ThreadStatus::Completed),
        (&[Completed], vec![(&done, Some(&bad))], ThreadStatus::Incomplete),
        (&[Completed], vec![(&done, Some(&Verification::Due))], ThreadStatus::Incomplete),
        (&[Completed], vec![(&done, Some(&stopped))], ThreadStatus::Incomplete),
        (&[Completed], vec![(&done, Some(&Verification::Unknown))], ThreadStatus::Incomplete),
        (&[Completed], vec![(&done, Some(&Verification::Waived))], ThreadStatus::Completed),
        // One of a live owner runs, and of a dead one nobody knows.
        (&[Completed], vec![(&done, Some(&checking(1)))], ThreadStatus::Running),
        (&[Completed], vec![(&done, Some(&checking(2)))], ThreadStatus::Incomplete),
        // A check does not close what is open.
        (&[Completed, Pending], vec![(&done, Some(&passed))], ThreadStatus::Incomplete),
        // Of an attempt that did not end well, its end tells more.
        (&[Completed], vec![(&failed, Some(&Verification::Due))], ThreadStatus::Failed),
        (&[Completed], vec![(&cut, Some(&Verification::Due))], ThreadStatus::Interrupted),
        (&[Completed], vec![(&running(2), Some(&Verification::Due))], ThreadStatus::Interrupted),
        (&[Completed], vec![(&running(1), Some(&Verification::Due))], ThreadStatus::Running),
        // The newest that asks for a check counts, or that ended well without one.
        (&[Completed], vec![(&done, Some(&bad)), (&done, Some(&passed))], ThreadStatus::Completed),
        (&[Completed], vec![(&done, Some(&passed)), (&done, Some(&bad))], ThreadStatus::Incomplete),
        (&[Completed], vec![(&done, Some(&bad)), (&done, none)], ThreadStatus::Completed),
        (&[Completed], vec![(&done, Some(&bad)), (&failed, none)], ThreadStatus::Failed),
        (&[Completed], vec![(&done, Some(&passed)), (&failed, none)], ThreadStatus::Completed),
        // Nobody asks for a check of what was done before there were checks, or is not wanted.
        (&[Completed], vec![(&failed, none)], ThreadStatus::Completed),
        (&[Cancelled], vec![(&done, Some(&bad))], ThreadStatus::Cancelled),
        (&[Completed, Cancelled], vec![(&done, Some(&bad))], ThreadStatus::Incomplete),
    ] {
        let mut thread = thread(Pending, tasks);
        for (index, (state, check)) in sessions.iter().enumerate() {
            let number = u32::try_from(index).expect("few") + 1;
            let verification = check.cloned();
            thread.sessions.push(SessionRecord { verification, ..record(number, (*state).clone()) });
        }
        assert_eq!(status(&thread), expected, "{tasks:?} {sessions:?}");
    }
}

#[test]
fn a_check_is_begun_once_and_ended_by_who_does_it() {
    let mut thread = thread(Pending, &[Completed]);
    let mut due = record(1, running(1));
    due.verification = Some(Verification::Due);
    thread.sessions.push(due);
    assert!(begin_check(&mut thread, 1, owner(1), now()).is_err(), "its turn runs");
    end_session(&mut thread, 1, Outcome::Completed, End::default()).expect("it is open");
    assert!(begin_check(&mut thread, 2, owner(1), now()).is_err(), "there is no such attempt");
    begin_check(&mut thread, 1, owner(1), now()).expect("it has ended");
    assert_eq!(thread.holder(), Some((1, &owner(1))));
    assert!(begin_check(&mut thread, 1, owner(3), now()).is_err(), "somebody does it");
    assert!(end_check(&mut thread, 1, &owner(3), check(&[GOOD])).is_err(), "somebody else does it");
    end_check(&mut thread, 1, &owner(1), check(&[BAD])).expect("it is theirs");
    assert!(end_check(&mut thread, 1, &owner(1), check(&[GOOD])).is_err(), "it has ended");
    assert_eq!((thread.holder(), status(&thread)), (None, ThreadStatus::Incomplete));
    // Again, by hand.
    begin_check(&mut thread, 1, owner(3), now()).expect("nobody does it");
    end_check(&mut thread, 1, &owner(3), check(&[GOOD, GOOD])).expect("it is theirs");
    assert_eq!(status(&thread), ThreadStatus::Completed);
}

/// Mutant tried: the word of an agent during its turn standing for its check.
#[test]
fn a_person_may_call_a_thread_completed_whose_check_did_not_pass() {
    for (state, before, after) in [
        (ended(Outcome::Completed), check(&[BAD]), Verification::Waived),
        (ended(Outcome::Completed), Verification::Due, Verification::Waived),
        (ended(Outcome::Completed), check(&[GOOD]), check(&[GOOD])),
        (running(1), Verification::Due, Verification::Due),
    ] {
        let mut thread = thread(Pending, &[Completed]);
        thread.sessions.push(SessionRecord { verification: Some(before), ..record(1, state) });
        set_thread(&mut thread, Blocked).expect("allowed");
        assert_ne!(thread.sessions[0].verification, Some(Verification::Waived));
        set_thread(&mut thread, Completed).expect("allowed");
        waive_check(&mut thread);
        assert_eq!(thread.sessions[0].verification, Some(after));
    }
}
