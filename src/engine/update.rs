//! What an agent or a person reports of a task or a thread.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Hint, ResolveError};
use crate::model::{self, NodeId, Stream, TaskStatus, ThreadId, TransitionError};
use crate::store::{Store, StoreError, TransactError};

/// What is reported on, as it was typed.
#[derive(Debug, Clone)]
pub enum UpdateTarget {
    /// A task, by its id.
    Task(String),
    /// A thread, by its id or unique name.
    Thread(String),
}

/// A report.
#[derive(Debug, Clone)]
pub struct UpdateRequest {
    /// The task or thread.
    pub target: UpdateTarget,
    /// Its new status; `None` keeps it.
    pub status: Option<TaskStatus>,
    /// What was done.
    pub report: Option<String>,
    /// Where the work stands, for whoever continues.
    pub breadcrumb: Option<String>,
    /// A person says it, and no agent: so a thread may be completed though its check has not passed.
    pub by_person: bool,
}

/// What became of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
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
    /// The id is of something else.
    #[error("`{id}` is no {wanted}")]
    Level {
        /// The id.
        id: NodeId,
        /// What it should be.
        wanted: &'static str,
    },
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
            Self::Level { id: NodeId::Thread(_), .. } => vec!["name a thread with `--thread`".to_owned()],
            Self::Level { id: NodeId::Task(_), .. } => vec!["name a task with `--task`".to_owned()],
            Self::Level { .. } => vec!["`work tree` shows the ids of tasks and threads".to_owned()],
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
    let (id, wanted) = match &request.target {
        UpdateTarget::Task(task) => (super::node(stream, task)?, "task"),
        UpdateTarget::Thread(thread) => (super::node(stream, thread)?, "thread"),
    };
    let level = UpdateError::Level { id, wanted };
    match (id, &request.target) {
        (NodeId::Task(task_id), UpdateTarget::Task(_)) => {
            let task = stream.thread_mut(task_id.thread).and_then(|thread| thread.task_mut(task_id));
            let task = task.ok_or(level)?;
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
        (NodeId::Thread(thread_id), UpdateTarget::Thread(_)) => {
            if request.breadcrumb.is_some() {
                return Err(UpdateError::ThreadBreadcrumb(thread_id));
            }
            let thread = stream.thread_mut(thread_id).ok_or(level)?;
            let from = thread.declared;
            model::set_thread(thread, request.status.unwrap_or(from))?;
            if request.by_person && request.status == Some(TaskStatus::Completed) {
                model::waive_check(thread);
            }
            if let Some(report) = &request.report {
                thread.report = Some(report.clone());
            }
            Ok(Updated { id, name: thread.name.clone(), from, to: thread.declared })
        }
        _ => Err(level),
    }
}
