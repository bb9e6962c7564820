//! What can be done about a thread that was begun and is not done, and what fits best.

use schemars::JsonSchema;
use serde::Serialize;

use super::folders::Folders;
use super::status::{SessionRow, SessionStatus, ThreadRow, status_of, thread_row};
use super::{ResolveError, resolve, verify};
use crate::model::{
    BatchId, FailureKind, Remedy, Stream, TaskStatus, Thread, ThreadId, ThreadStatus, Verification,
};

/// What can be done about a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Its last conversation goes on.
    Resume,
    /// A new session of the same agent, which is told what happened.
    Retry,
    /// The same with another model.
    OtherModel,
    /// Another agent takes over.
    ChangeAgent,
}

impl Action {
    /// The word in questions.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Resume => "Resume",
            Self::Retry => "Retry",
            Self::OtherModel => "Retry with another model",
            Self::ChangeAgent => "Change agent",
        }
    }
}

/// A thread that was begun and is not done.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// The thread as it stands.
    pub thread: ThreadRow,
    /// Why it stopped, in one line.
    pub why: String,
    /// What to do about it, in one line.
    pub advice: String,
    /// What fits best.
    pub proposal: Action,
    /// Why its last conversation can't go on; `None` when it can.
    pub not_resumable: Option<String>,
}

/// The threads that were begun, are not done, and don't run; in order.
#[must_use]
pub fn cases(stream: &Stream) -> Vec<Case> {
    let stuck = |thread: &&Thread| {
        thread.in_plan
            && matches!(
                status_of(thread),
                ThreadStatus::Incomplete
                    | ThreadStatus::Failed
                    | ThreadStatus::Interrupted
                    | ThreadStatus::Blocked
            )
    };
    stream.threads.iter().filter(stuck).map(case).collect()
}

/// A thread as a case, whatever its status.
#[must_use]
pub fn case(thread: &Thread) -> Case {
    let folders = Folders::default();
    let row = thread_row(thread, &folders);
    let not_resumable = folders.hindrance(thread);
    let last = row.sessions.last();
    let kind = last.and_then(|last| last.error.as_ref()).map(|failure| failure.kind);
    Case {
        why: why(thread, last),
        advice: advice(thread, kind),
        proposal: proposal(kind, not_resumable.is_none()),
        not_resumable,
        thread: row,
    }
}

/// Why a thread stopped.
fn why(thread: &Thread, last: Option<&SessionRow>) -> String {
    let with_status = |status: TaskStatus| thread.tasks.iter().filter(move |task| task.status == status);
    if let Some(task) = with_status(TaskStatus::Blocked).next() {
        let report = task.report.as_ref().map(|report| format!(": {report}")).unwrap_or_default();
        return format!("task {} is blocked{report}", task.id);
    }
    let Some(last) = last else { return "work was reported, and nothing runs".to_owned() };
    match (last.status, &last.error, &last.interrupted_by) {
        (_, Some(failure), _) => failure.to_string(),
        (_, None, Some(by)) => by.clone(),
        (SessionStatus::Completed, None, None) => {
            format!("the agent ended its turn, and {}", verify::open_words(thread))
        }
        (SessionStatus::Running, None, None) => "it is running".to_owned(),
        (status, None, None) => format!("{}; no reason is known", status.name()),
    }
}

/// What a person does next.
fn advice(thread: &Thread, kind: Option<FailureKind>) -> String {
    match (status_of(thread), kind) {
        (ThreadStatus::Blocked, _) if thread.sessions.is_empty() => {
            "clear what blocks it, then run it with `--message` that says so".to_owned()
        }
        (ThreadStatus::Blocked, _) => {
            "clear what blocks it, then resume with `--message` that says so".to_owned()
        }
        (_, Some(kind)) => kind.advice(thread.id),
        (_, None) if thread.sessions.is_empty() => "run it: no agent has had it yet".to_owned(),
        (ThreadStatus::Incomplete, None) => match verify::unsettled(thread) {
            None => "resume it: the agent left tasks open".to_owned(),
            Some(Verification::Failed(_)) => "resume it: the agent is told what failed".to_owned(),
            Some(_) => format!("`work verify {}` checks it", thread.id),
        },
        (_, None) => "resume it where it stopped".to_owned(),
    }
}

/// The action that fits the failure.
fn proposal(kind: Option<FailureKind>, resumable: bool) -> Action {
    let retry = if resumable { Action::Resume } else { Action::Retry };
    match kind.map(|kind| (kind, kind.remedy())) {
        Some((_, Remedy::NewSession)) => Action::Retry,
        Some((FailureKind::ModelUnknown | FailureKind::RateLimit, _)) => Action::OtherModel,
        Some(_) | None => retry,
    }
}

/// Which threads a person means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// These, by id or name.
    Threads(Vec<String>),
    /// All cases of a batch.
    Batch(String),
    /// All cases of the stream.
    All,
}

/// The cases that are meant, in order, each once. A thread that is named is a case whatever its status;
/// whether it can run, `prepare` says.
///
/// # Errors
/// [`ResolveError`] for a thread or batch that is not there.
pub fn chosen(stream: &Stream, which: &Which) -> Result<Vec<Case>, ResolveError> {
    Ok(match which {
        Which::Threads(names) => {
            let mut threads =
                names.iter().map(|name| resolve::thread(stream, name)).collect::<Result<Vec<_>, _>>()?;
            threads.sort_by_key(|thread| thread.id);
            threads.dedup_by_key(|thread| thread.id);
            threads.into_iter().map(case).collect()
        }
        Which::Batch(id) => {
            let batch: BatchId = resolve::batch(stream, id)?;
            let of_batch = |case: &Case| case.thread.id.batch == batch;
            cases(stream).into_iter().filter(of_batch).collect()
        }
        Which::All => cases(stream),
    })
}

/// Groups threads by their batches, in order.
#[must_use]
pub fn by_batch(cases: &[Case]) -> Vec<(BatchId, Vec<ThreadId>)> {
    let same = |a: &Case, b: &Case| a.thread.id.batch == b.thread.id.batch;
    let ids = |group: &[Case]| group.iter().map(|case| case.thread.id).collect();
    cases.chunk_by(same).filter_map(|group| Some((group.first()?.thread.id.batch, ids(group)))).collect()
}
