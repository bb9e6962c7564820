//! What a report tells of sessions that are not simply over.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::owner;
use super::{PlanFacts, Report, report};
use crate::engine::status::SessionStatus;
use crate::model::{
    AgentName, CancelCause, End, Extra, Money, Outcome, SessionId, SessionRecord, SessionRef, SessionState,
    Spent, Stream, StreamState, Task, TaskStatus, Thread, Usage,
};

fn moment(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
}

fn record(attempt: u32, state: SessionState, usage: Option<Usage>) -> SessionRecord {
    SessionRecord {
        session: SessionRef::Known(SessionId(format!("ses_{attempt}"))),
        attempt,
        agent: AgentName("default".to_owned()),
        model: "a/b".to_owned(),
        variant: None,
        backend: None,
        mode: None,
        directory: None,
        started_at: moment(i64::from(attempt) * 10),
        state,
        resumed_from: None,
        turns: Vec::new(),
        usage,
        verification: None,
        outside_paths: None,
        extra: Extra::new(),
    }
}

fn ended(outcome: Outcome, minute: i64, by: Option<CancelCause>) -> SessionState {
    let interrupted_by = by.map(|cause| cause.words().to_owned());
    SessionState::Ended { outcome, end: End { at: Some(moment(minute)), interrupted_by, ..End::default() } }
}

/// A stream of one thread with these attempts, at minute 60.
fn of(sessions: Vec<SessionRecord>) -> Report {
    let mut stream = Stream::new("001-a".parse().unwrap(), "A".to_owned(), moment(0));
    stream.threads.push(Thread {
        id: "01.01.01".parse().unwrap(),
        stage_name: "S".to_owned(),
        batch_name: "B".to_owned(),
        name: "T".to_owned(),
        agent: None,
        plan_hash: None,
        in_plan: true,
        declared: TaskStatus::Pending,
        report: None,
        sessions,
        tasks: vec![Task::new("01.01.01.01".parse().unwrap(), "Do it".to_owned(), moment(0))],
        extra: Extra::new(),
    });
    report(&stream, PlanFacts::default(), moment(60))
}

/// Tried mutant: the time of a session that runs ends when it began.
#[test]
fn a_session_that_runs_took_as_long_as_it_runs_by_now() {
    let running = SessionState::Running { owner: Some(owner::current()), asks: Vec::new() };
    let report = of(vec![record(1, ended(Outcome::Failed, 12, None), None), record(2, running, None)]);
    let thread = report.threads().next().unwrap();
    assert_eq!(thread.sessions[1].status, SessionStatus::Running);
    assert_eq!((thread.sessions[1].seconds, thread.sessions[1].ended_at), (Some(40 * 60), None));
    let span = report.span.unwrap();
    assert_eq!((span.from, span.to), (moment(10), None));
    assert_eq!(report.spent.seconds, 42 * 60);
    assert!(thread.left.as_ref().unwrap().next.contains("work logs"), "{:?}", thread.left);
}

/// The record's end is when somebody noticed that its process was gone: a night later, perhaps.
///
/// Tried mutant: that moment is taken for its end.
#[test]
fn nobody_saw_the_end_of_a_session_whose_process_died() {
    let died = ended(Outcome::Interrupted, 55, Some(CancelCause::OwnerDied));
    for state in [died, SessionState::Running { owner: None, asks: Vec::new() }] {
        let report = of(vec![record(1, state, None)]);
        let session = &report.threads().next().unwrap().sessions[0];
        assert_eq!(
            (session.status, session.seconds, session.ended_at),
            (SessionStatus::Interrupted, None, None)
        );
        assert_eq!((report.spent.seconds, report.spent.untimed), (0, 1));
        assert_eq!(report.span.unwrap().to, Some(moment(10)), "the last moment that is known");
    }
}

/// Tried mutant: a cost of zero is believed whatever was used.
#[test]
fn a_price_that_nobody_told_is_not_zero() {
    let end = || ended(Outcome::Completed, 30, None);
    let used = |cost| Some(Usage { input: 5, cost, ..Usage::default() });
    for (usage, cost) in
        [(used(0.25), Some(0.25)), (used(0.0), None), (Some(Usage::default()), None), (None, None)]
    {
        let report = of(vec![record(1, end(), usage)]);
        let cost = cost.map(Money::of_dollars);
        assert_eq!(report.threads().next().unwrap().sessions[0].cost, cost, "{usage:?}");
        assert_eq!(report.spent.used.cost, cost, "{usage:?}");
    }
    let mut unopened = record(1, ended(Outcome::Failed, 10, None), None);
    unopened.session = SessionRef::Unopened;
    let report = of(vec![unopened, record(2, end(), used(0.0)), record(3, end(), used(0.5))]);
    let Spent { unmetered, unpriced, cost, .. } = report.spent.used;
    let cost = cost.map(Money::dollars);
    assert_eq!((unmetered, unpriced, cost), (0, 1, Some(0.5)), "what opened no session used nothing");
}

#[test]
fn what_to_do_next_follows_from_the_state() {
    let mut stream = Stream::new("001-a".parse().unwrap(), "A".to_owned(), moment(0));
    let empty = report(&stream, PlanFacts::default(), moment(1));
    assert!(empty.span.is_none() && empty.stages.is_empty());
    for (state, next) in [
        (StreamState::Open, vec!["`work validate plan`, then `work approve plan`"]),
        (StreamState::OnHold, vec!["`work unhold` takes the stream up again"]),
        (StreamState::Completed, vec![]),
    ] {
        stream.state = state;
        assert_eq!(report(&stream, PlanFacts::default(), moment(1)).next, next);
    }
}
