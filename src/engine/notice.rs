//! What a person is told of who is looking elsewhere: made from the state, so that it says what `work status`
//! would say.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::status::{SessionRow, status_of};
use crate::model::{Ask, BatchId, NoticeKind, Stream, StreamId, Thread, ThreadId, ThreadStatus};

/// One thing that a person is told of.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// What kind of thing it is.
    pub kind: NoticeKind,
    /// The stream.
    pub stream: StreamId,
    /// The batch.
    pub batch: BatchId,
    /// The thread; `None` for a batch.
    pub thread: Option<ThreadId>,
    /// The name of thread or batch.
    pub name: String,
    /// The status of the thread; `None` for a batch.
    pub status: Option<ThreadStatus>,
    /// It in words, on one line.
    pub text: String,
}

/// What the command of a person's own gets on its standard input.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// When.
    pub at: DateTime<Utc>,
    /// All of it in words, on one line.
    pub text: String,
    /// Each thing, in the order in which they happened.
    pub notices: Vec<Notice>,
}

/// What the end of a thread's turn is worth telling: how the thread stands, unless a person stopped it, and
/// that its batch is over, when it is.
#[must_use]
pub fn of_end(stream: &Stream, thread: ThreadId) -> Vec<Notice> {
    let Some(thread) = stream.thread(thread) else { return Vec::new() };
    let own = ended(thread).map(|(kind, text)| Notice {
        kind,
        stream: stream.id.clone(),
        batch: thread.id.batch,
        thread: Some(thread.id),
        name: thread.name.clone(),
        status: Some(status_of(thread)),
        text: format!("{} {} {text}", thread.id, thread.name),
    });
    own.into_iter().chain(batch_over(stream, thread.id.batch)).collect()
}

/// That an agent waits for a person.
#[must_use]
pub fn of_ask(stream: &Stream, thread: ThreadId, ask: &Ask) -> Option<Notice> {
    let thread = stream.thread(thread)?;
    let kind = if ask.is_question() { "asks" } else { "asks for permission" };
    let words = ask.words();
    let text = format!("{} {} {kind}: {}", thread.id, thread.name, words.lines().next().unwrap_or_default());
    Some(Notice {
        kind: NoticeKind::Waiting,
        stream: stream.id.clone(),
        batch: thread.id.batch,
        thread: Some(thread.id),
        name: thread.name.clone(),
        // Its record may not say so yet.
        status: Some(ThreadStatus::Waiting),
        text,
    })
}

/// What a turn's end says of a budget.
#[must_use]
pub fn of_budget(stream: &Stream, thread: ThreadId, text: String) -> Option<Notice> {
    let thread = stream.thread(thread)?;
    Some(Notice {
        kind: NoticeKind::Budget,
        stream: stream.id.clone(),
        batch: thread.id.batch,
        thread: Some(thread.id),
        name: thread.name.clone(),
        status: Some(status_of(thread)),
        text,
    })
}

/// How the last attempt of a thread left it; nothing where a person ended it, or it goes on.
fn ended(thread: &Thread) -> Option<(NoticeKind, String)> {
    let status = status_of(thread);
    match status {
        ThreadStatus::Completed => Some((NoticeKind::Done, "is done".to_owned())),
        ThreadStatus::Failed => {
            let why = thread.last_record().and_then(|record| SessionRow::of(record).error);
            let why = why.map(|failure| format!(": {failure}")).unwrap_or_default();
            Some((NoticeKind::Failed, format!("failed{why}")))
        }
        ThreadStatus::Incomplete => {
            let open = super::verify::open_words(thread);
            Some((NoticeKind::Failed, format!("is incomplete: its agent ended, and {open}")))
        }
        ThreadStatus::Blocked => Some((NoticeKind::Failed, "is blocked".to_owned())),
        ThreadStatus::Pending
        | ThreadStatus::Running
        | ThreadStatus::Waiting
        | ThreadStatus::Interrupted
        | ThreadStatus::Cancelled => None,
    }
}

/// That a batch is over: all its threads were begun, and none runs.
fn batch_over(stream: &Stream, batch: BatchId) -> Option<Notice> {
    let threads: Vec<&Thread> =
        stream.threads.iter().filter(|thread| thread.in_plan && thread.id.batch == batch).collect();
    let first = threads.first()?;
    let goes_on = |thread: &&Thread| {
        matches!(status_of(thread), ThreadStatus::Pending | ThreadStatus::Running | ThreadStatus::Waiting)
    };
    if threads.iter().copied().any(|thread| goes_on(&thread)) {
        return None;
    }
    let done = threads.iter().filter(|thread| status_of(thread).is_settled()).count();
    let how = if done == threads.len() {
        "is done".to_owned()
    } else {
        format!("is over: {done} of {} threads are done", threads.len())
    };
    Some(Notice {
        kind: NoticeKind::Batch,
        stream: stream.id.clone(),
        batch,
        thread: None,
        name: first.batch_name.clone(),
        status: None,
        text: format!("batch {batch} {} {how}", first.batch_name),
    })
}

/// Notices as one line: each of a few, else how many of which kind.
#[must_use]
pub fn summary(notices: &[Notice]) -> String {
    if notices.len() <= 3 {
        return notices.iter().map(|notice| notice.text.as_str()).collect::<Vec<_>>().join("; ");
    }
    let counted = NoticeKind::ALL.into_iter().filter_map(|kind| {
        let count = notices.iter().filter(|notice| notice.kind == kind).count();
        let words = match kind {
            NoticeKind::Done => "done",
            NoticeKind::Failed => "failed",
            NoticeKind::Waiting => "waiting for you",
            NoticeKind::Budget if count == 1 => "warning of a budget",
            NoticeKind::Budget => "warnings of budgets",
            NoticeKind::Batch => {
                return (count > 0).then(|| {
                    if count == 1 {
                        "a batch is over".to_owned()
                    } else {
                        format!("{count} batches are over")
                    }
                });
            }
        };
        (count > 0).then(|| format!("{count} {words}"))
    });
    counted.collect::<Vec<_>>().join(", ")
}
