//! What an agent or a person reports of a task or a thread.

use serde::Serialize;

use super::{Hint, ResolveError};
use crate::model::{self, NodeId, Stream, TaskStatus, ThreadId, TransitionError};
use crate::store::{Store, StoreError, TransactError};

/// A report.
#[derive(Debug, Clone)]
pub struct UpdateRequest {
    /// The task or thread, as it was typed.
    pub target: String,
    /// Its new status; `None` keeps it.
    pub status: Option<TaskStatus>,
    /// What was done.
    pub report: Option<String>,
    /// Where the work stands, for whoever continues.
    pub breadcrumb: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Updated {
    /// The task or thread.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// The status it had.
    pub from: TaskStatus,
    /// The status it has.
    pub to: TaskStatus,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// There is no such task or thread.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The step is not allowed.
    #[error(transparent)]
    Step(#[from] TransitionError),
    /// The id is of a stage or batch.
    #[error("`{0}` is no task or thread")]
    Level(NodeId),
    /// A breadcrumb belongs to a task.
    #[error("a breadcrumb belongs to a task, and `{0}` is a thread")]
    ThreadBreadcrumb(ThreadId),
    /// The state file refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TransactError<UpdateError>> for UpdateError {
    fn from(error: TransactError<UpdateError>) -> Self {
        match error {
            TransactError::Store(error) => Self::Store(error),
            TransactError::Refused(error) => error,
        }
    }
}

impl Hint for UpdateError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Resolve(error) => error.hints(),
            Self::Step(TransitionError::Step { id, .. }) => {
                vec![format!("open it again first: `work update --task {id} --status in_progress`")]
            }
            Self::Step(TransitionError::OpenTasks { .. }) => {
                vec!["complete or cancel its tasks first".to_owned()]
            }
            Self::Level(_) => vec!["`work tree` shows the ids of tasks and threads".to_owned()],
            Self::ThreadBreadcrumb(_) => vec!["give it with `--task`".to_owned()],
            Self::Step(_) | Self::Store(_) => Vec::new(),
        }
    }
}

/// Writes a report into the state.
///
/// # Errors
/// [`UpdateError`]; nothing was changed then.
pub fn update(store: &Store, request: &UpdateRequest) -> Result<Updated, UpdateError> {
    let now = store.now();
    Ok(store.transact(|stream| apply(stream, request, now))?)
}

fn apply(
    stream: &mut Stream,
    request: &UpdateRequest,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Updated, UpdateError> {
    let id = super::node(stream, &request.target)?;
    match id {
        NodeId::Task(task_id) => {
            let task = stream.thread_mut(task_id.thread).and_then(|thread| thread.task_mut(task_id));
            let task = task.ok_or(UpdateError::Level(id))?;
            let from = task.status;
            model::set_task(task, request.status.unwrap_or(from), now)?;
            if let Some(report) = &request.report {
                task.report = Some(report.clone());
            }
            if let Some(breadcrumb) = &request.breadcrumb {
                task.breadcrumb = Some(breadcrumb.clone());
            }
            Ok(Updated { id, name: task.name.clone(), from, to: task.status })
        }
        NodeId::Thread(thread_id) => {
            if request.breadcrumb.is_some() {
                return Err(UpdateError::ThreadBreadcrumb(thread_id));
            }
            let thread = stream.thread_mut(thread_id).ok_or(UpdateError::Level(id))?;
            let from = thread.declared;
            model::set_thread(thread, request.status.unwrap_or(from))?;
            if let Some(report) = &request.report {
                thread.report = Some(report.clone());
            }
            Ok(Updated { id, name: thread.name.clone(), from, to: thread.declared })
        }
        NodeId::Stage(_) | NodeId::Batch(_) => Err(UpdateError::Level(id)),
    }
}
