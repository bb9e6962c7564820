//! What a person says of a stream as a whole: it rests, it goes on, it is finished.

use schemars::JsonSchema;
use serde::Serialize;

use super::Hint;
use super::status::status_of;
use crate::model::{self, StreamId, StreamState, ThreadId, ThreadStatus, TransitionError};
use crate::store::{Store, StoreError, TransactError};

/// A thread that is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OpenThread {
    /// The thread.
    pub id: ThreadId,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: ThreadStatus,
}

/// A stream of which something was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Standing {
    /// The stream.
    pub stream: StreamId,
    /// Its state before: `open`, `on_hold` or `completed`.
    pub from: &'static str,
    /// Its state.
    pub state: &'static str,
    /// Threads that run on.
    pub running: Vec<ThreadId>,
    /// Threads that are not done, where it was completed all the same.
    pub open: Vec<OpenThread>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StandingError {
    /// Threads are not done.
    #[error("stream `{stream}` is not done: {}", words(open))]
    Open {
        /// The stream.
        stream: StreamId,
        /// They.
        open: Vec<OpenThread>,
    },
    /// Threads run.
    #[error("stream `{stream}` can't be completed while it runs: {}", ids(running))]
    Running {
        /// The stream.
        stream: StreamId,
        /// They.
        running: Vec<ThreadId>,
    },
    /// No plan was approved, so nothing can be done.
    #[error("the plan of stream `{0}` was never approved")]
    NothingApproved(StreamId),
    /// The step is not allowed.
    #[error(transparent)]
    Step(#[from] TransitionError),
    /// The state file refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn words(open: &[OpenThread]) -> String {
    open.iter().map(|open| format!("{} is {}", open.id, open.status.name())).collect::<Vec<_>>().join(", ")
}

fn ids(ids: &[ThreadId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl From<TransactError<StandingError>> for StandingError {
    fn from(error: TransactError<StandingError>) -> Self {
        match error {
            TransactError::Store(error) => Self::Store(error),
            TransactError::Refused(error) => error,
        }
    }
}

impl Hint for StandingError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Open { .. } => vec![
                "`work continue` goes on with it".to_owned(),
                "`work complete --force` calls it completed all the same".to_owned(),
            ],
            Self::NothingApproved(_) => vec![
                "`work complete --force` calls it completed all the same".to_owned(),
                "`work delete stream` removes it".to_owned(),
            ],
            Self::Running { running, .. } => {
                running.iter().take(1).map(|id| format!("`work logs {id} -f` shows what it does")).collect()
            }
            Self::Step(_) => vec!["`work unhold` opens it again".to_owned()],
            Self::Store(_) => Vec::new(),
        }
    }
}

/// Puts a stream on hold: nothing of it is started any more. What runs goes on.
///
/// # Errors
/// [`StandingError::Step`] when it is completed.
pub fn hold(store: &Store) -> Result<Standing, StandingError> {
    set(store, StreamState::OnHold, |_| Ok(Vec::new()))
}

/// Takes a stream up again that was on hold or completed.
///
/// # Errors
/// [`StandingError::Store`].
pub fn unhold(store: &Store) -> Result<Standing, StandingError> {
    set(store, StreamState::Open, |_| Ok(Vec::new()))
}

/// Calls a stream completed.
///
/// # Errors
/// [`StandingError::Open`] while threads are not done, unless `force`.
pub fn complete(store: &Store, force: bool) -> Result<Standing, StandingError> {
    set(store, StreamState::Completed, |stream| {
        let running = running(stream);
        if !running.is_empty() {
            return Err(StandingError::Running { stream: stream.id.clone(), running });
        }
        let open: Vec<OpenThread> = stream
            .threads
            .iter()
            .filter(|thread| thread.in_plan)
            .map(|thread| OpenThread { id: thread.id, name: thread.name.clone(), status: status_of(thread) })
            .filter(|open| !open.status.is_settled())
            .collect();
        let never = stream.approvals.plan.is_none() && stream.threads.is_empty();
        match (force, open.is_empty()) {
            (false, true) if never => Err(StandingError::NothingApproved(stream.id.clone())),
            (false, false) => Err(StandingError::Open { stream: stream.id.clone(), open }),
            _ => Ok(open),
        }
    })
}

fn running(stream: &model::Stream) -> Vec<ThreadId> {
    let busy = |status| matches!(status, ThreadStatus::Running | ThreadStatus::Waiting);
    stream.threads.iter().filter(|thread| busy(status_of(thread))).map(|thread| thread.id).collect()
}

fn set(
    store: &Store,
    to: StreamState,
    check: impl FnOnce(&model::Stream) -> Result<Vec<OpenThread>, StandingError>,
) -> Result<Standing, StandingError> {
    Ok(store.transact(|stream| {
        let open = check(stream)?;
        let from = model::set_stream(stream, to)?;
        Ok::<_, StandingError>(Standing {
            stream: stream.id.clone(),
            from: from.name(),
            state: to.name(),
            running: running(stream),
            open,
        })
    })?)
}
