//! The status of a task as it was said, and of a thread as it is derived: in this one place.

use serde::{Deserialize, Serialize};

use super::{Outcome, Owner, SessionState, Thread, Verification};

/// What was said of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Nobody has begun it.
    #[default]
    Pending,
    /// Somebody works on it.
    InProgress,
    /// It is done.
    Completed,
    /// It can't go on without somebody else.
    Blocked,
    /// It is not wanted any more.
    Cancelled,
}

impl TaskStatus {
    /// Every status, in the order of a life.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::InProgress, Self::Completed, Self::Blocked, Self::Cancelled];

    /// The word in files, tables and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Blocked => "blocked",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more is to be done.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }
}

/// The status of a thread: one word, the same in every table, file and JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ThreadStatus {
    /// Nothing has happened yet.
    Pending,
    /// An attempt runs, and its owner lives.
    Running,
    /// An agent asks for a permission or an answer.
    Waiting,
    /// All tasks are done, and what the plan wants checked has passed.
    Completed,
    /// The last attempt ended well, or work was reported, but not all tasks are done, or the check did not pass.
    Incomplete,
    /// The last attempt failed.
    Failed,
    /// The last attempt was cancelled, or its owner died.
    Interrupted,
    /// Somebody said that it can't go on.
    Blocked,
    /// Somebody said that it is not wanted any more.
    Cancelled,
}

impl ThreadStatus {
    /// The word in tables and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Blocked => "blocked",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more is to be done.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }
}

/// The status of `thread`. `alive` tells whether the owner of an open record still lives.
///
/// In order: a live attempt runs, or waits for a person, and a check of what one left runs as well; what was
/// cancelled or finished is so; what is blocked waits for somebody; else the last attempt decides.
///
/// Finished are all tasks together with the check that the plan asks for, where an attempt was made that carries
/// one ([`Thread::check`]): until that passed, or a person calls the thread completed all the same, the last attempt
/// decides, and one that ended well leaves the thread incomplete. No check is missed where no attempt carries one: in
/// a thread that was completed by hand alone, and in records of versions that checked nothing.
pub fn thread_status(thread: &Thread, alive: &dyn Fn(&Owner) -> bool) -> ThreadStatus {
    if let Some(live) = thread.open_record().filter(|record| record.owner().is_some_and(alive)) {
        return if live.asks().is_empty() { ThreadStatus::Running } else { ThreadStatus::Waiting };
    }
    if thread.holder().is_some_and(|(_, owner)| alive(owner)) {
        return ThreadStatus::Running;
    }
    if thread.declared == TaskStatus::Cancelled {
        return ThreadStatus::Cancelled;
    }
    let tasks_settled = thread.tasks_are_settled();
    let checked = thread.check().is_none_or(Verification::is_settled);
    let any_done = thread.tasks.iter().any(|task| task.status == TaskStatus::Completed);
    let done = tasks_settled && (any_done || thread.declared == TaskStatus::Completed);
    if done && checked {
        return ThreadStatus::Completed;
    }
    if tasks_settled && !done && !thread.tasks.is_empty() {
        return ThreadStatus::Cancelled;
    }
    let blocked = thread.tasks.iter().any(|task| task.status == TaskStatus::Blocked);
    if blocked || thread.declared == TaskStatus::Blocked {
        return ThreadStatus::Blocked;
    }
    match thread.last_record().map(|record| &record.state) {
        Some(SessionState::Running { .. }) => ThreadStatus::Interrupted,
        Some(SessionState::Ended { outcome, .. }) => match outcome {
            Outcome::Completed => ThreadStatus::Incomplete,
            Outcome::Failed => ThreadStatus::Failed,
            Outcome::Interrupted => ThreadStatus::Interrupted,
        },
        None => {
            let begun = any_done
                || thread.declared != TaskStatus::Pending
                || thread.tasks.iter().any(|task| task.status == TaskStatus::InProgress);
            if begun { ThreadStatus::Incomplete } else { ThreadStatus::Pending }
        }
    }
}
