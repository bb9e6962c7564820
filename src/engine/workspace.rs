//! Where everything lies: the main checkout, its `work/` folder, and the private one.

use std::io;
use std::path::{Path, PathBuf};

use crate::adapters::git;
use crate::model::StreamId;
use crate::store::Store;
use crate::sys::clock::Clock;

use super::Hint;

/// A repository, or a folder outside of any, that `work` works for.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The main checkout; for a linked worktree, still the main one.
    pub root: PathBuf,
    /// `work/` in it.
    pub work_dir: PathBuf,
    /// The private folder: `.git/work`, or `work/.local` outside of git.
    pub private: PathBuf,
    /// Whether it is a git repository.
    pub is_git: bool,
    /// The clock.
    pub clock: Clock,
}

/// Why there is no workspace.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// The folder to start from is not there.
    #[error("`{path}` is not a folder that can be entered")]
    NoFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The repository can't be read.
    #[error(transparent)]
    Git(#[from] git::LocateError),
    /// It has no `work/` folder.
    #[error("`{root}` has no `work/agents.yaml`")]
    NotInitialized {
        /// The checkout.
        root: PathBuf,
    },
}

impl Hint for WorkspaceError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoFolder { .. } | Self::Git(_) => {
                vec!["name the repository with `--repo DIR`".to_owned()]
            }
            Self::NotInitialized { .. } => vec!["`work init` sets it up".to_owned()],
        }
    }
}

impl Workspace {
    /// The workspace that `start` lies in. `root` (from `WORK_ROOT`) decides when it is given.
    ///
    /// # Errors
    /// [`WorkspaceError`]; a folder outside of git is no error.
    pub fn find(start: &Path, root: Option<&Path>, clock: Clock) -> Result<Self, WorkspaceError> {
        let start = root.unwrap_or(start);
        let start = start
            .canonicalize()
            .and_then(|path| if path.is_dir() { Ok(path) } else { Err(io::ErrorKind::NotADirectory.into()) })
            .map_err(|source| WorkspaceError::NoFolder { path: start.to_owned(), source })?;
        let found = git::locate(&start)?;
        Ok(match found {
            Some(repository) => {
                let root = repository.main_checkout;
                let private = repository.common_dir.join("work");
                Self { work_dir: root.join("work"), private, root, is_git: true, clock }
            }
            None => {
                let root =
                    start.ancestors().find(|dir| dir.join("work/agents.yaml").is_file()).unwrap_or(&start);
                let work_dir = root.join("work");
                Self {
                    private: work_dir.join(".local"),
                    work_dir,
                    root: root.to_owned(),
                    is_git: false,
                    clock,
                }
            }
        })
    }

    /// The file with the agents.
    #[must_use]
    pub fn agents_file(&self) -> PathBuf {
        self.work_dir.join("agents.yaml")
    }

    /// The file with the settings.
    #[must_use]
    pub fn settings_file(&self) -> PathBuf {
        self.work_dir.join("config.yaml")
    }

    /// Whether `work init` was here.
    ///
    /// # Errors
    /// [`WorkspaceError::NotInitialized`].
    pub fn initialized(&self) -> Result<&Self, WorkspaceError> {
        if self.agents_file().is_file() || !self.stream_ids().is_empty() {
            Ok(self)
        } else {
            Err(WorkspaceError::NotInitialized { root: self.root.clone() })
        }
    }

    /// The ids of all streams, in order. A folder that is no stream is not one.
    #[must_use]
    pub fn stream_ids(&self) -> Vec<StreamId> {
        let mut ids: Vec<StreamId> = std::fs::read_dir(&self.work_dir)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        ids.sort_by(|a, b| (a.number(), a).cmp(&(b.number(), b)));
        ids
    }

    /// The folder of a stream.
    #[must_use]
    pub fn stream_dir(&self, id: &StreamId) -> PathBuf {
        self.work_dir.join(id.as_str())
    }

    /// The state of a stream.
    #[must_use]
    pub fn store(&self, id: &StreamId) -> Store {
        Store::open(self.stream_dir(id), self.clock).with_copies(&self.private)
    }
}
