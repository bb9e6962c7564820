//! Linked worktrees: added, listed, removed.

use std::path::{Path, PathBuf};

use super::program::{Git, GitError, path};
use crate::model::ObjectId;

/// A worktree, as git knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worktree {
    /// Its folder, which may be gone.
    pub path: PathBuf,
    /// The commit that it stands on.
    pub head: Option<ObjectId>,
    /// The branch that it stands on, as a whole ref.
    pub branch: Option<String>,
    /// Why it is locked, if it is.
    pub locked: Option<String>,
}

impl Git {
    /// All worktrees of the repository, the main checkout first.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn worktrees(&self) -> Result<Vec<Worktree>, GitError> {
        let answer = self.bytes(&["worktree", "list", "--porcelain", "-z"])?;
        let mut found: Vec<Worktree> = Vec::new();
        for line in answer.split(|byte| *byte == 0) {
            if let Some(name) = line.strip_prefix(b"worktree ") {
                found.push(Worktree { path: path(name), head: None, branch: None, locked: None });
                continue;
            }
            let Some(last) = found.last_mut() else { continue };
            let line = String::from_utf8_lossy(line);
            match line.split_once(' ').unwrap_or((&line, "")) {
                ("HEAD", id) => last.head = ObjectId::new(id).filter(|id| id.as_str().contains(|c| c != '0')),
                ("branch", name) => last.branch = Some(name.to_owned()),
                ("locked", why) => last.locked = Some(why.to_owned()),
                _ => {}
            }
        }
        Ok(found)
    }

    /// Adds a worktree on a commit, on no branch. It is locked with `reason`, so that no prune takes it.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn add_worktree(&self, at: &Path, commit: &ObjectId, reason: &str) -> Result<(), GitError> {
        let options = ["worktree", "add", "--quiet", "--detach", "--lock", "--reason", reason];
        let mut args: Vec<&std::ffi::OsStr> = options.iter().map(AsRef::as_ref).collect();
        args.extend([at.as_os_str(), commit.as_str().as_ref()]);
        self.bytes(&args).map(drop)
    }

    /// Removes a worktree with everything in it, whether its folder is there or not.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn remove_worktree(&self, at: &Path) -> Result<(), GitError> {
        let options = ["worktree", "remove", "--force", "--force"];
        let mut args: Vec<&std::ffi::OsStr> = options.iter().map(AsRef::as_ref).collect();
        args.push(at.as_os_str());
        self.bytes(&args).map(drop)
    }
}
