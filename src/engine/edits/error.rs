//! Why a plan was not edited.

use std::path::PathBuf;

use super::super::approve::ApproveError;
use super::super::assign::AssignError;
use super::super::{Hint, ResolveError, StreamError};
use crate::model::{IdError, NodeId, StreamId, ThreadId};
use crate::plan::edit::EditError;
use crate::store::private::PrivateError;
use crate::store::{StoreError, TransactError};
use crate::sys::atomic;
use crate::sys::lock::LockError;

/// Why a plan was not edited, or a stream not deleted.
#[derive(Debug, thiserror::Error)]
pub enum PlanEditError {
    /// The edit makes no sense, or can't be made without changing something else.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The plan has no such part.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// No id of that kind.
    #[error(transparent)]
    Id(#[from] IdError),
    /// No such agent.
    #[error(transparent)]
    Agent(#[from] AssignError),
    /// PLAN.md can't be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The plan.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file can't be written.
    #[error(transparent)]
    Write(#[from] atomic::WriteError),
    /// Somebody else edits the plan for too long.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The private folder is of no use.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// The stream is of no use.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// What was added can't be taken over.
    #[error("PLAN.md was changed, and its new part was not taken over")]
    TakeOver(#[from] ApproveError),
    /// All threads that were begun are done.
    #[error("stream `{0}` has no thread that was begun and is not done")]
    NothingToFix(StreamId),
    /// Something of it runs.
    #[error("`{what}` can't be deleted while it runs: {}", running.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Running {
        /// What was to be deleted.
        what: String,
        /// The threads that run.
        running: Vec<ThreadId>,
    },
    /// The id is of something else.
    #[error("`{id}` is no {wanted}")]
    Level {
        /// The id.
        id: NodeId,
        /// What it should be.
        wanted: &'static str,
    },
    /// A folder can't be moved to the trash.
    #[error("cannot move `{from}` to `{to}`")]
    Move {
        /// The folder.
        from: PathBuf,
        /// Where it was to go.
        to: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Nobody can edit by hand here.
    #[error("{why}; the plan is `{path}`")]
    NoEditor {
        /// What is missing.
        why: &'static str,
        /// The plan.
        path: PathBuf,
    },
    /// The editor can't be started.
    #[error("cannot start the editor `{program}`")]
    EditorStart {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The editor failed.
    #[error("the editor `{program}` ended with {status}")]
    EditorFailed {
        /// The program.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// The state file refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TransactError<ApproveError>> for PlanEditError {
    fn from(error: TransactError<ApproveError>) -> Self {
        match error {
            TransactError::Store(error) => Self::Store(error),
            TransactError::Refused(error) => Self::TakeOver(error),
        }
    }
}

impl Hint for PlanEditError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Resolve(error) => error.hints(),
            Self::Agent(error) => error.hints(),
            Self::Stream(error) => error.hints(),
            Self::TakeOver(error) => {
                error.hints().into_iter().chain(["`work review` shows what changed".to_owned()]).collect()
            }
            Self::Edit(EditError::HasHistory(_)) => {
                vec!["add it at the end, without `--after`".to_owned()]
            }
            Self::Edit(EditError::BadName(_)) => {
                vec!["a name is one line of text, which Markdown takes for nothing else".to_owned()]
            }
            Self::Edit(EditError::BadText) => {
                vec![
                    "put it into a code block, or in other words; `--dry-run` shows what is added".to_owned(),
                ]
            }
            Self::Edit(EditError::WouldMisread) => {
                vec![
                    "edit PLAN.md by hand: `work edit`; `work validate plan` shows what is odd in it"
                        .to_owned(),
                ]
            }
            Self::Edit(EditError::NotFound(_)) => vec!["`work preview` shows what the plan has".to_owned()],
            Self::Read { .. } => {
                vec!["a plan is a file of UTF-8 text; bring it back with git, or write a new one".to_owned()]
            }
            Self::Write(error) => error.hint().into_iter().collect(),
            Self::NothingToFix(_) => vec!["`work status` shows the threads".to_owned()],
            Self::Running { running, .. } => running
                .first()
                .map(|id| format!("`work logs {id} -f` shows what it does"))
                .into_iter()
                .collect(),
            Self::NoEditor { .. } => {
                vec![
                    "name your editor in `VISUAL` or `EDITOR`, or edit the file with what you have"
                        .to_owned(),
                ]
            }
            Self::EditorStart { .. } => vec!["`VISUAL`, and else `EDITOR`, names the editor".to_owned()],
            Self::Level { wanted, .. } => vec![format!("`work preview` shows the ids; name a {wanted}")],
            Self::Edit(_)
            | Self::Id(_)
            | Self::Lock(_)
            | Self::Private(_)
            | Self::Move { .. }
            | Self::EditorFailed { .. }
            | Self::Store(_) => Vec::new(),
        }
    }
}
