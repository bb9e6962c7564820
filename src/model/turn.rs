//! A turn: one prompt to a session, and how it ended.

use serde::{Deserialize, Serialize};

use super::Failure;

/// The number of a turn within its thread, from 1; the name of its journal.
pub type TurnNumber = u32;

/// Who or what cancelled a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CancelCause {
    /// A person asked for it (Ctrl-C, `work supervisor stop`).
    Person,
    /// The command or window that the turn was bound to is gone.
    ClientGone,
    /// Someone stopped the turn in the agent's own UI.
    Agent,
    /// The supervisor was told to stop.
    Shutdown,
    /// The process that ran the turn died; whoever came next wrote this down.
    OwnerDied,
}

/// How a turn ended. A turn ends exactly once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum TurnOutcome {
    /// The agent ended its turn by itself, without an error.
    Completed,
    /// It failed; the kind says why and what next.
    Failed {
        /// The failure.
        failure: Failure,
    },
    /// It was cancelled.
    Cancelled {
        /// By whom.
        cause: CancelCause,
    },
}

impl TurnOutcome {
    /// The exit code that tells it: 0 completed, 1 failed, 6 for want of a program, 130 cancelled.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Completed => 0,
            Self::Failed { failure } if failure.kind.is_program() => 6,
            Self::Failed { .. } => 1,
            Self::Cancelled { .. } => 130,
        }
    }
}

impl CancelCause {
    /// The cause in words, for a status table.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Person => "cancelled by a person",
            Self::ClientGone => "its window or command was closed",
            Self::Agent => "stopped in the agent's own UI",
            Self::Shutdown => "the supervisor was stopped",
            Self::OwnerDied => "the process that ran it died",
        }
    }
}
