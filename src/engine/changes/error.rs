//! Why a change or a worktree stays as it is.

use std::path::PathBuf;

use crate::adapters::git::GitError;
use crate::engine::Hint;
use crate::model::{Hindrance, Obstacle, ThreadId};
use crate::store::StoreError;
use crate::store::private::PrivateError;
use crate::sys::lock::LockError;
use crate::sys::place::PlaceError;

/// A file that a change may not write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// Whose change.
    pub thread: ThreadId,
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub obstacle: Obstacle,
}

/// Why nothing was done, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no repository, or one without a checkout.
    #[error("worktrees and changes need a git repository, and this is none")]
    NoGit,
    /// git failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Somebody else changes worktrees for too long.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The private folder can't be used.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// The state can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file or folder can't be made, read or removed.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Files could not be placed; those that were are taken back.
    #[error("the main checkout was left as it was")]
    Place(#[source] PlaceError),
    /// Files could neither be placed nor taken back.
    #[error("the main checkout is half changed, since taking it back failed too: {back}")]
    Half {
        /// Why it could not be taken back.
        back: String,
        /// Why it could not be placed.
        #[source]
        source: PlaceError,
    },
    /// Files are in the way.
    #[error("nothing was applied: {}", list(.0))]
    Blocked(Vec<Blocked>),
    /// A turn of the thread runs.
    #[error("a turn of thread `{0}` is running")]
    Running(ThreadId),
    /// The thread has no pending change.
    #[error("thread `{0}` has no pending change")]
    NothingPending(ThreadId),
    /// The thread has no worktree.
    #[error("thread `{0}` has no worktree")]
    NoWorktree(ThreadId),
    /// No such snapshot.
    #[error("thread `{thread}` has no snapshot `{wanted}`")]
    NoSnapshot {
        /// The thread.
        thread: ThreadId,
        /// What was asked for.
        wanted: String,
    },
    /// Nothing was applied that could be taken back.
    #[error("nothing was applied that could be taken back")]
    NothingApplied,
    /// Files were changed since.
    #[error("{} changed since it was applied: {}", files(.0.len()), names(.0))]
    Edited(Vec<PathBuf>),
    /// There are commits after the one that the apply made.
    #[error("the branch has moved since the change was committed")]
    HeadMoved,
    /// The main checkout was changed while something was applied to it.
    #[error("somebody changed the main checkout at the same moment; nothing was applied")]
    Meanwhile,
    /// The worktree holds what no snapshot holds, or is in use.
    #[error("the worktree of `{thread}` stays: {}", why(.hindrances))]
    Hindered {
        /// The thread.
        thread: ThreadId,
        /// Why.
        hindrances: Vec<Hindrance>,
    },
    /// A command of `worktree.setup` failed.
    #[error("`worktree.setup`: `{command}` {said}")]
    Setup {
        /// The command.
        command: String,
        /// How it ended, and its last words.
        said: String,
    },
    /// Somebody removes what git takes for garbage, again and again.
    #[error("git removed parts of a snapshot while it was made; a `git gc --prune=now` runs beside it")]
    Pruned,
    /// Somebody did not want a worktree any more while it was prepared.
    #[error("the preparation of the worktree was stopped")]
    Stopped,
    /// A panic.
    #[error("a bug in work: {0}")]
    Bug(String),
}

fn files(count: usize) -> String {
    if count == 1 { "1 file was".to_owned() } else { format!("{count} files were") }
}

fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ")
}

fn list(blocked: &[Blocked]) -> String {
    let one = |Blocked { thread, path, obstacle }: &Blocked| {
        format!("`{}` {} (thread {thread})", path.display(), obstacle.words())
    };
    blocked.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn why(hindrances: &[Hindrance]) -> String {
    hindrances.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Hint for ChangeError {
    fn hints(&self) -> Vec<String> {
        let one = |text: &str| vec![text.to_owned()];
        match self {
            Self::NoGit => one("`git init` makes one; without it threads run in the folder itself"),
            Self::Git(GitError::TooOld { .. }) => one("install a newer git, or run without `--worktree`"),
            Self::Blocked(blocked) => {
                let mut kinds: Vec<Obstacle> = blocked.iter().map(|one| one.obstacle).collect();
                kinds.sort();
                kinds.dedup();
                let threads = blocked.first().map(|one| one.thread);
                kinds.into_iter().filter_map(|kind| advice(kind, threads?)).collect()
            }
            Self::Running(id) => {
                one(&format!("wait for its end, or cancel it with `work session cancel {id}`"))
            }
            Self::NothingPending(_) => one("`work changes` lists what is pending"),
            Self::NoWorktree(id) => {
                one(&format!("`work execute --thread {id} --worktree` makes one, and runs the thread in it"))
            }
            Self::NoSnapshot { thread, .. } => one(&format!("`work changes show {thread}` lists them")),
            Self::Edited(_) => one("bring these files back as the apply left them, or undo by hand"),
            Self::HeadMoved => one("`git revert` takes a commit back that others stand on"),
            Self::Meanwhile => one("run it again when nothing writes there"),
            Self::Hindered { hindrances, .. } => {
                let ignored = hindrances.iter().any(|one| matches!(one, Hindrance::Ignored(_)));
                let hint =
                    "`--ignored` gives the ignored files up; everything else has to be moved away first";
                if ignored { one(hint) } else { Vec::new() }
            }
            Self::Setup { .. } => {
                one("mend `worktree.setup` in `work/config.yaml`, and run the thread again")
            }
            _ => Vec::new(),
        }
    }
}

fn advice(obstacle: Obstacle, thread: ThreadId) -> Option<String> {
    match obstacle {
        Obstacle::Conflict => Some(format!(
            "`work fix --thread {thread} --resume` lets its agent bring the two together in its worktree"
        )),
        Obstacle::Uncommitted => {
            Some("commit these files (or `git stash` them), then apply again".to_owned())
        }
        Obstacle::Ignored => Some("move these files away, then apply again".to_owned()),
        Obstacle::Submodule => None,
    }
}
