//! Worktrees that nobody needs any more, removed when an hour has passed.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::{ChangeError, Desk, WorktreeRow};
use crate::engine::{Hint as _, StreamHandle};
use crate::model::{StreamId, StreamState, ThreadId};

/// How long a worktree stays that nobody needs.
const GRACE: Duration = Duration::from_secs(60 * 60);

/// A worktree that was removed, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Left {
    /// The stream.
    pub stream: StreamId,
    /// The thread.
    pub thread: ThreadId,
    /// Its folder.
    #[serde(serialize_with = "crate::engine::lossy::path")]
    #[schemars(with = "String")]
    pub path: PathBuf,
    /// Why nobody needs it; and where it stays all the same, what is in the way.
    pub why: String,
}

/// What was removed, and what stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Collected {
    /// Whether nothing was done.
    pub dry_run: bool,
    /// Removed, with every byte kept in a snapshot.
    pub removed: Vec<Left>,
    /// Not needed, and not removed.
    pub stays: Vec<Left>,
}

impl Desk {
    /// Removes the worktrees that nobody needs: half made ones, and those of streams and threads that are gone
    /// or done. With `dry_run` it only says which.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn collect(&self, dry_run: bool) -> Result<Collected, ChangeError> {
        let mut collected = Collected { dry_run, ..Collected::default() };
        for row in self.worktrees()? {
            let Some(why) = self.unneeded(&row)? else { continue };
            let WorktreeRow { stream, thread, path, .. } = row.clone();
            let left = |why| Left { stream: stream.clone(), thread, path: path.clone(), why };
            if !self.is_old(&row)? {
                collected.stays.push(left(format!("{why}; it stays for an hour")));
                continue;
            }
            let hindrances = self.hindrances(&row, false, false)?;
            if !hindrances.is_empty() {
                let words: Vec<String> = hindrances.iter().map(ToString::to_string).collect();
                collected.stays.push(left(format!("{why}, but {}", words.join("; "))));
                continue;
            }
            if dry_run {
                collected.removed.push(left(why));
                continue;
            }
            match self.remove_worktree(&stream, thread, false) {
                Ok(_) => collected.removed.push(left(why)),
                Err(error) => {
                    let hints = error.hints().join("; ");
                    collected.stays.push(left(format!("{why}, but {error} {hints}").trim_end().to_owned()));
                }
            }
        }
        Ok(collected)
    }

    /// Why nobody needs a worktree; none when somebody does.
    fn unneeded(&self, row: &WorktreeRow) -> Result<Option<String>, ChangeError> {
        if !row.ready {
            return Ok(Some("it is half made or half removed".to_owned()));
        }
        let handle = StreamHandle::of(&self.workspace, &row.stream);
        if !handle.dir.is_dir() {
            return Ok(Some(format!("stream `{}` is gone", row.stream)));
        }
        let state = handle.store.read()?;
        if state.thread(row.thread).is_none_or(|thread| !thread.in_plan) {
            return Ok(Some(format!("thread `{}` is gone", row.thread)));
        }
        Ok((state.state == StreamState::Completed).then(|| format!("stream `{}` is completed", row.stream)))
    }

    /// Whether nothing was kept of it, and nothing made in it, for an hour.
    fn is_old(&self, row: &WorktreeRow) -> Result<bool, ChangeError> {
        let now = self.workspace.clock.now();
        let tip = self.thread(&row.stream, row.thread)?.tip.map_or(0, |tip| tip.at);
        let made = row.path.join(".git").metadata().and_then(|meta| meta.modified());
        let made = made.map_or(0, |at| chrono::DateTime::<chrono::Utc>::from(at).timestamp());
        let newest = tip.max(made);
        Ok(now.timestamp().saturating_sub(newest) >= i64::try_from(GRACE.as_secs()).unwrap_or(i64::MAX))
    }
}
