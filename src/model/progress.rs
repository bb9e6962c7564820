//! How far something is: tasks counted by status.

use serde::Serialize;

use super::{Task, TaskStatus};

/// Counts of tasks. Cancelled ones are not wanted, and so count neither as done nor as open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Tasks that are completed.
    pub completed: usize,
    /// Tasks that are wanted.
    pub total: usize,
    /// Tasks that are blocked.
    pub blocked: usize,
    /// Tasks that were cancelled.
    pub cancelled: usize,
}

impl Progress {
    /// The counts of `tasks`.
    pub fn of<'a>(tasks: impl IntoIterator<Item = &'a Task>) -> Self {
        let mut progress = Self::default();
        for task in tasks {
            match task.status {
                TaskStatus::Cancelled => progress.cancelled += 1,
                status => {
                    progress.total += 1;
                    progress.completed += usize::from(status == TaskStatus::Completed);
                    progress.blocked += usize::from(status == TaskStatus::Blocked);
                }
            }
        }
        progress
    }

    /// Whether there was something to do, and all of it is done.
    #[must_use]
    pub fn is_complete(self) -> bool {
        self.total > 0 && self.completed == self.total
    }
}
