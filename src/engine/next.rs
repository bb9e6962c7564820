//! What comes next in a stream: the next batch, or why there is none.

use super::fix::{Case, cases};
use super::status::status_of;
use crate::model::{BatchId, StageId, Stream, Thread, ThreadId, ThreadStatus};

/// What comes next.
#[derive(Debug)]
pub enum Next {
    /// Threads of a batch that nobody has begun.
    Batch {
        /// The batch.
        id: BatchId,
        /// Those of its threads.
        threads: Vec<ThreadId>,
    },
    /// A stage is over, and a person must say that its result is good.
    Gate {
        /// The stage.
        stage: StageId,
        /// Its name.
        name: String,
    },
    /// Threads run: who follows them must wait.
    Running(Vec<ThreadId>),
    /// Nothing that was not begun is left.
    Nothing,
}

/// What comes next, and which threads of earlier runs are not done.
#[derive(Debug)]
pub struct Outlook {
    /// What comes next.
    pub next: Next,
    /// Threads up to there that were begun and are not done.
    pub unfinished: Vec<Case>,
}

/// Looks for what comes next. Batches and stages come in order, so what is unfinished is reported up to the
/// batch that comes next, itself included.
#[must_use]
pub fn outlook(stream: &Stream) -> Outlook {
    let planned: Vec<&Thread> = stream.threads.iter().filter(|thread| thread.in_plan).collect();
    let status_is = |wanted: ThreadStatus| move |thread: &&&Thread| status_of(thread) == wanted;
    let fresh: Vec<&Thread> = planned.iter().filter(status_is(ThreadStatus::Pending)).copied().collect();
    let batch = fresh.first().map(|thread| thread.id.batch);
    let here = |id: ThreadId| batch.is_none_or(|batch| id.batch <= batch);
    let busy = |thread: &&&Thread| matches!(status_of(thread), ThreadStatus::Running | ThreadStatus::Waiting);
    let running: Vec<ThreadId> =
        planned.iter().filter(busy).map(|thread| thread.id).filter(|id| here(*id)).collect();
    let unfinished = cases(stream).into_iter().filter(|case| here(case.thread.id)).collect();
    let next = match batch {
        _ if !running.is_empty() => Next::Running(running),
        Some(batch) => match gate(stream, &planned, batch) {
            Some((stage, name)) => Next::Gate { stage, name },
            None => {
                let of_batch = |thread: &&Thread| thread.id.batch == batch;
                let threads = fresh.into_iter().filter(of_batch).map(|thread| thread.id).collect();
                Next::Batch { id: batch, threads }
            }
        },
        None => Next::Nothing,
    };
    Outlook { next, unfinished }
}

/// The first stage before that of `batch` whose result nobody has approved.
fn gate(stream: &Stream, planned: &[&Thread], batch: BatchId) -> Option<(StageId, String)> {
    let mut before = planned.iter().filter(|thread| thread.id.stage() < batch.stage);
    let open = before.find(|thread| !stream.approvals.stages.contains_key(&thread.id.stage()))?;
    Some((open.id.stage(), open.stage_name.clone()))
}
