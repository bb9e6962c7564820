//! Deleting a whole stream: its folder goes to the trash as it is, and its journals with it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::{StreamHandle, Workspace};
use super::delete::running;
use super::{PlanEditError, trash};
use crate::adapters::git;
use crate::model::StreamId;
use crate::store::Private;
use crate::sys::lock;

/// How long the deletion waits for whoever writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A stream that was deleted, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamDeleted {
    /// The stream.
    pub deleted: StreamId,
    /// Its name.
    pub name: String,
    /// Its threads.
    pub threads: usize,
    /// Their session records.
    pub sessions: usize,
    /// Where its folder is kept.
    #[serde(serialize_with = "crate::engine::lossy::path")]
    pub folder: PathBuf,
    /// Where the journals of its turns are kept, if there are any.
    #[serde(serialize_with = "crate::engine::lossy::option")]
    pub journals: Option<PathBuf>,
    /// The commit that has the folder just as it was.
    pub commit: Option<String>,
    /// Whether it was the current stream.
    pub was_current: bool,
}

/// Deletes a stream.
///
/// # Errors
/// [`PlanEditError`]; nothing was changed then.
pub fn delete_stream(
    workspace: &Workspace,
    handle: &StreamHandle,
    dry_run: bool,
) -> Result<StreamDeleted, PlanEditError> {
    // Whoever waits to write finds the folder gone, and says so.
    let _alone = match dry_run {
        true => None,
        false => Some(lock::acquire(&handle.dir.join(".tasks.json.lock"), PATIENCE)?),
    };
    let stream = handle.store.read()?;
    let running = running(&stream, |_| true);
    if !running.is_empty() {
        return Err(PlanEditError::Running { what: handle.id.to_string(), running });
    }
    let commit = if workspace.is_git { git::committed(&workspace.root, &handle.dir) } else { None };
    let place = trash::place(workspace, handle);
    let journals = workspace.private.join("turns").join(handle.id.as_str());
    let is_there = journals.is_dir();
    let current = if workspace.private.is_dir() {
        Private::open(&workspace.private)?.current().ok().flatten()
    } else {
        None
    };
    let deleted = StreamDeleted {
        deleted: handle.id.clone(),
        name: stream.name.clone(),
        threads: stream.threads.len(),
        sessions: stream.threads.iter().map(|thread| thread.sessions.len()).sum(),
        folder: place.join(handle.id.as_str()),
        journals: is_there.then(|| place.join("turns")),
        commit,
        was_current: current.as_ref() == Some(&handle.id),
    };
    if dry_run {
        return Ok(deleted);
    }
    trash::folder(workspace, &deleted.folder)?;
    rename(&handle.dir, &deleted.folder)?;
    if let Some(to) = &deleted.journals {
        rename(&journals, to)?;
    }
    if deleted.was_current {
        Private::open(&workspace.private)?.set_current(None)?;
    }
    Ok(deleted)
}

fn rename(from: &Path, to: &Path) -> Result<(), PlanEditError> {
    let failed = |source| PlanEditError::Move { from: from.to_owned(), to: to.to_owned(), source };
    std::fs::rename(from, to).map_err(failed)
}
