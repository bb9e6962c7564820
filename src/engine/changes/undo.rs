//! Taking the last apply back, byte for byte.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::record::{Committed, Record};
use super::{ChangeError, Desk};
use crate::adapters::git::RefStep;
use crate::model::ThreadId;
use crate::sys::fault;

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Undone {
    /// The threads whose changes are pending again.
    pub threads: Vec<ThreadId>,
    /// The files that are as they were before.
    #[serde(serialize_with = "crate::engine::lossy::list")]
    #[schemars(with = "Vec<String>")]
    pub files: Vec<PathBuf>,
    /// Whether nothing was done.
    pub dry_run: bool,
}

impl Desk {
    /// Takes the last apply back that was not taken back yet.
    ///
    /// # Errors
    /// [`ChangeError::Edited`] when a file of it was changed since; then nothing is done.
    pub fn undo(&self, dry_run: bool) -> Result<Undone, ChangeError> {
        let locked = self.lock()?;
        let record = self.records()?.pop().ok_or(ChangeError::NothingApplied)?;
        let edited = self.edited(&record)?;
        if !edited.is_empty() {
            return Err(ChangeError::Edited(edited));
        }
        if let Some(Committed { branch, new, .. }) = &record.committed
            && self.git.resolve(branch)?.as_ref() != Some(new)
        {
            return Err(ChangeError::HeadMoved);
        }
        let undone = Undone {
            threads: record.threads.iter().map(|one| one.thread).collect(),
            files: record.sides.iter().map(|side| side.path.clone()).collect(),
            dry_run,
        };
        if dry_run {
            return Ok(undone);
        }
        self.change_refs(&[
            RefStep::Delete(Record::name("applied", record.number), record.commit.clone()),
            RefStep::Create(Record::UNDOING.to_owned(), record.commit.clone()),
        ])?;
        fault::point("undo.begun");
        self.complete_undo(&locked, &record)?;
        Ok(undone)
    }
}
