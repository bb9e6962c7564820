//! Where something deleted can be got back: from git, or from the trash in the private folder.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::super::{StreamHandle, Workspace};
use super::PlanEditError;
use crate::adapters::git;
use crate::store::Private;
use crate::sys::atomic;

/// Where something deleted can be got back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "from", rename_all = "camelCase")]
pub enum Recovery {
    /// It is committed as it was.
    Git {
        /// The commit.
        commit: String,
        /// The path in it.
        #[serde(serialize_with = "crate::engine::lossy::path")]
        path: PathBuf,
    },
    /// It was put into the trash.
    Trash {
        /// Where.
        #[serde(serialize_with = "crate::engine::lossy::path")]
        path: PathBuf,
    },
}

impl Recovery {
    /// In words, with the command that gets it back where there is one.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Git { commit, path } => {
                format!("commit {commit}, `git show {commit}:{}`", path.display())
            }
            Self::Trash { path } => format!("`{}`", path.display()),
        }
    }
}

/// Where the plan as it is now can be got back after an edit of it.
pub(super) fn of_plan(workspace: &Workspace, handle: &StreamHandle) -> Recovery {
    let file = handle.plan_file();
    let commit = if workspace.is_git { git::committed(&workspace.root, &file) } else { None };
    match (commit, file.strip_prefix(&workspace.root)) {
        (Some(commit), Ok(path)) => Recovery::Git { commit, path: path.to_owned() },
        _ => Recovery::Trash { path: place(workspace, handle).join("PLAN.md") },
    }
}

/// A folder in the trash that nobody has used: the stream and the time.
pub(super) fn place(workspace: &Workspace, handle: &StreamHandle) -> PathBuf {
    let stamp = workspace.clock.now().format("%Y%m%dT%H%M%SZ");
    let name = format!("{}-{stamp}", handle.id);
    let trash = workspace.private.join("trash");
    let free = |path: &PathBuf| std::fs::symlink_metadata(path).is_err();
    let first = trash.join(&name);
    if free(&first) {
        return first;
    }
    let others = (2_u32..).map(|number| trash.join(format!("{name}-{number}")));
    others.into_iter().find(free).unwrap_or(first)
}

/// Keeps a text at `path`, below the trash.
pub(super) fn keep(workspace: &Workspace, path: &Path, text: &str) -> Result<(), PlanEditError> {
    folder(workspace, path)?;
    Ok(atomic::write_private(path, text.as_bytes())?)
}

/// Makes the folder that `path` lies in, which is below the private one.
pub(super) fn folder(workspace: &Workspace, path: &Path) -> Result<(), PlanEditError> {
    let private = Private::open(&workspace.private)?;
    let parent = path.parent().unwrap_or(path);
    let below = parent.strip_prefix(&workspace.private).unwrap_or(parent);
    private.dir(below)?;
    Ok(())
}
