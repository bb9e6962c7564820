//! What a person is told who is looking elsewhere.

use serde::{Deserialize, Serialize};

/// Something that a person may want to hear of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// All tasks of a thread are reported as done.
    Done,
    /// The turn of a thread ended, and the thread is not done.
    Failed,
    /// An agent asks for a permission, or asks a question.
    Waiting,
    /// The last thread of a batch that ran has ended.
    Batch,
    /// A budget is nearly or quite used up, or can't be held.
    Budget,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Done, Self::Failed, Self::Waiting, Self::Batch, Self::Budget];

    /// The word in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Waiting => "waiting",
            Self::Batch => "batch",
            Self::Budget => "budget",
        }
    }
}
