//! PLAN.md read and written as a whole, by one command at a time.

use std::time::Duration;

use super::super::{StreamHandle, read_text};
use super::PlanEditError;
use crate::sys::atomic;
use crate::sys::lock::{self, Lock};

/// How long an edit waits for another.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether an edit is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    /// It is.
    Now,
    /// It is only tried.
    Never,
}

impl Write {
    pub(super) fn unless(dry_run: bool) -> Self {
        if dry_run { Self::Never } else { Self::Now }
    }
}

/// The text of the plan.
pub(super) fn read(handle: &StreamHandle) -> Result<String, PlanEditError> {
    let path = handle.plan_file();
    read_text(&path).map_err(|source| PlanEditError::Read { path, source })
}

/// An edit that was made, or tried.
pub(super) struct Edit<T> {
    /// The text before.
    pub(super) before: String,
    /// The text after.
    pub(super) after: String,
    /// What the edit told.
    pub(super) told: T,
    /// Nobody else edits the plan until the state knows, too.
    _alone: Option<Lock>,
}

/// Edits the plan. Two commands at once edit one after the other; an editor that has the file open does
/// not know of that.
pub(super) fn edit<T>(
    handle: &StreamHandle,
    write: Write,
    edit: impl FnOnce(&str) -> Result<(String, T), PlanEditError>,
) -> Result<Edit<T>, PlanEditError> {
    let alone = match write {
        Write::Now => Some(lock::acquire(&handle.dir.join(".PLAN.md.lock"), PATIENCE)?),
        Write::Never => None,
    };
    let before = read(handle)?;
    let (after, told) = edit(&before)?;
    if write == Write::Now && after != before {
        atomic::write_atomic(&handle.plan_file(), after.as_bytes())?;
    }
    Ok(Edit { before, after, told, _alone: alone })
}
