//! What can go wrong with `tasks.json`, in words for people.

use std::io;
use std::path::PathBuf;

use super::copies::GoodCopy;
use crate::sys::atomic::WriteError;
use crate::sys::lock::LockError;

/// Why the state was not read or not changed. Nothing on disk was changed, unless it is
/// [`WriteError::NotDurable`].
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no state yet.
    #[error("there is no `{path}`")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// There already is one.
    #[error("`{path}` is already there")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file can't be understood. It is never replaced by anything but a good copy.
    #[error("`{path}` can't be read: line {line}, column {column}: {what}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The line where it stops making sense, from 1; 0 for the file as a whole.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong there.
        what: String,
        /// The newest version of it that can be read.
        newest: Option<Box<GoodCopy>>,
    },
    /// The file was written by a newer `work`.
    #[error("`{path}` has version {version}, which is newer than this `work`")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: String,
    },
    /// Somebody else holds the lock for too long, or it can't be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The lock file was deleted while we held it, so somebody else may be writing.
    #[error("the lock file `{path}` was deleted while it was held; nothing was written")]
    LockLost {
        /// The lock file.
        path: PathBuf,
    },
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Reading or another step failed.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried, e.g. `read`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A copy is to be restored over a file that can be read.
    #[error("`{path}` can be read; there is nothing to restore")]
    Sound {
        /// The file.
        path: PathBuf,
    },
    /// The state can't be put into JSON, which is a defect of ours.
    #[error("cannot put the state into JSON")]
    Render(#[source] serde_json::Error),
}

impl StoreError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Corrupt { newest: Some(copy), .. } => Some(format!(
                "`work validate --restore` brings back the copy of {} ({} tasks, {} session records) and keeps this file",
                copy.at.format("%Y-%m-%d %H:%M:%S UTC"),
                copy.tasks,
                copy.sessions
            )),
            Self::Corrupt { .. } => {
                Some("correct the file by hand, or bring it back with git; `work` leaves it as it is".into())
            }
            Self::Newer { .. } => Some("upgrade `work`; until then it only reads this stream".into()),
            Self::Lock(LockError::Held { .. }) => {
                Some("wait until it is done, then run this again; a lock ends with its process".into())
            }
            Self::LockLost { .. } => Some("run it again".into()),
            Self::Write(error) => error.hint(),
            Self::Missing { .. } => {
                Some("`work create` makes a stream, `work approve plan` writes its tasks".into())
            }
            Self::Exists { .. } | Self::Sound { .. } | Self::Lock(_) | Self::Io { .. } | Self::Render(_) => {
                None
            }
        }
    }
}

/// Why a transaction changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum TransactError<E> {
    /// The store could not read, lock or write.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The change itself was refused, by the caller's own rule.
    #[error(transparent)]
    Refused(E),
}
