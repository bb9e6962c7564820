//! What a person is told of the end of a turn.

use crate::engine::notice::{Notice, of_end, summary};
use crate::model::{
    AgentName, End, Extra, Failure, FailureKind, NoticeKind, Outcome, SessionId, SessionRecord, SessionRef,
    SessionState, Stream, Task, TaskStatus, Thread, ThreadId,
};

use super::{id, now};

fn thread_id(number: u8) -> ThreadId {
    format!("01.01.{number:02}").parse().expect("an id")
}

/// A thread of one task, with one attempt that ended so.
fn thread(number: u8, task: TaskStatus, outcome: Option<Outcome>) -> Thread {
    let mut thread = Thread::new(thread_id(number));
    thread.name = format!("T{number}");
    thread.batch_name = "Side".to_owned();
    let task_id = format!("{}.01", thread.id).parse().expect("an id");
    thread.tasks.push(Task { status: task, ..Task::new(task_id, "Step".to_owned(), now()) });
    thread.sessions.extend(outcome.map(|outcome| SessionRecord {
        session: SessionRef::Known(SessionId(format!("ses_{number}"))),
        attempt: 1,
        agent: AgentName("default".to_owned()),
        model: "a/b".to_owned(),
        variant: None,
        backend: None,
        mode: None,
        directory: None,
        started_at: now(),
        state: SessionState::Ended {
            outcome,
            end: End {
                failure: (outcome == Outcome::Failed).then(|| Failure::new(FailureKind::Auth, "no key")),
                ..End::default()
            },
        },
        resumed_from: None,
        turns: Vec::new(),
        usage: None,
        verification: None,
        outside_paths: None,
        extra: Extra::default(),
    }));
    thread
}

fn told(threads: Vec<Thread>) -> Vec<(NoticeKind, String)> {
    let mut stream = Stream::new(id(), "Sample".to_owned(), now());
    stream.threads = threads;
    of_end(&stream, thread_id(1)).into_iter().map(|notice| (notice.kind, notice.text)).collect()
}

#[test]
fn an_end_is_told_as_the_status_says_it() {
    use TaskStatus::{Completed, Pending};
    let alone = |task, outcome| told(vec![thread(1, task, Some(outcome)), thread(2, Pending, None)]);
    let one = |kind, text: &str| vec![(kind, text.to_owned())];
    assert_eq!(alone(Completed, Outcome::Completed), one(NoticeKind::Done, "01.01.01 T1 is done"));
    let failed = "01.01.01 T1 failed: auth: no key";
    assert_eq!(alone(Pending, Outcome::Failed), one(NoticeKind::Failed, failed));
    let open = "01.01.01 T1 is incomplete: its agent ended, and 1 task is open";
    assert_eq!(alone(Pending, Outcome::Completed), one(NoticeKind::Failed, open));
    let blocked = "01.01.01 T1 is blocked";
    assert_eq!(alone(TaskStatus::Blocked, Outcome::Completed), one(NoticeKind::Failed, blocked));
    assert_eq!(alone(Pending, Outcome::Interrupted), [], "whoever stopped it knows");
}

#[test]
fn a_batch_is_over_when_all_were_begun_and_none_runs() {
    use TaskStatus::{Completed, Pending};
    let done = |number| thread(number, Completed, Some(Outcome::Completed));
    let batch = |threads| told(threads).into_iter().find(|(kind, _)| *kind == NoticeKind::Batch);
    let text = |threads| batch(threads).map(|(_, text)| text);
    assert_eq!(text(vec![done(1), done(2)]).as_deref(), Some("batch 01.01 Side is done"));
    let stopped = thread(2, Pending, Some(Outcome::Interrupted));
    let over = "batch 01.01 Side is over: 1 of 2 threads are done";
    assert_eq!(text(vec![done(1), stopped]).as_deref(), Some(over));
    assert_eq!(text(vec![done(1), thread(2, Pending, None)]), None, "one was not begun");
    let gone = Thread { in_plan: false, ..thread(2, Pending, None) };
    assert_eq!(text(vec![done(1), gone]).as_deref(), Some("batch 01.01 Side is done"));
}

#[test]
fn few_things_are_told_in_full_and_many_are_counted() {
    let notice = |kind: NoticeKind| Notice {
        kind,
        stream: id(),
        batch: thread_id(1).batch,
        thread: None,
        name: String::new(),
        status: None,
        text: format!("a {}", kind.name()),
    };
    let of = |kinds: &[NoticeKind]| summary(&kinds.iter().copied().map(notice).collect::<Vec<_>>());
    use NoticeKind::{Batch, Done, Failed, Waiting};
    assert_eq!(of(&[Done, Failed, Batch]), "a done; a failed; a batch");
    let many = [Done, Failed, Done, Waiting, Batch];
    assert_eq!(of(&many), "2 done, 1 failed, 1 waiting for you, a batch is over");
    assert_eq!(of(&[Failed, Failed, Batch, Batch]), "2 failed, 2 batches are over");
}
