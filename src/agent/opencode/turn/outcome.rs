//! How a turn ended, once it has.

use chrono::{DateTime, Utc};

use super::Turn;
use crate::agent::opencode::errors::{self, ABORTED};
use crate::model::{CancelCause, Failure, FailureKind, TurnOutcome};

impl Turn {
    /// How the turn ended, given that it has.
    pub(super) fn outcome(&self, now: DateTime<Utc>) -> TurnOutcome {
        let last = self.answers.values().next_back();
        let error = match last {
            Some(answer) => answer.error.as_ref(),
            None => self.error.as_ref(),
        };
        let finish = last.and_then(|answer| answer.finish.as_deref());
        let failed = |failure| TurnOutcome::Failed { failure };
        let failed_with = |kind, words: &str| failed(Failure::new(kind, words));
        if error.is_none() && matches!(finish, Some("stop" | "length")) {
            // Even if it was cancelled: it had already said all that it wanted to say.
            return TurnOutcome::Completed;
        }
        if let (None, Some(failure)) = (self.cancelled, &self.hopeless) {
            return failed(failure.clone());
        }
        match (error, finish, self.cancelled) {
            (_, _, Some(cause)) => TurnOutcome::Cancelled { cause },
            (Some(error), _, None) if error.name == ABORTED => {
                TurnOutcome::Cancelled { cause: CancelCause::Agent }
            }
            (Some(error), _, None) => failed(errors::failure(error, now)),
            (None, Some("error"), None) => {
                failed_with(FailureKind::Provider, "the model's service ended the answer with an error")
            }
            (None, Some("content-filter"), None) => {
                failed_with(FailureKind::Provider, "the provider's content filter ended the answer")
            }
            (None, Some("tool-calls"), None) if self.refusal.is_some() => failed_with(
                FailureKind::PermissionDenied,
                &format!("the agent ended its turn: {}", self.refusal.as_deref().unwrap_or_default()),
            ),
            (None, Some(_), None) => TurnOutcome::Completed,
            (None, None, None) if last.is_none() => {
                failed_with(FailureKind::Provider, "opencode gave the prompt up without saying why")
            }
            // Aborted while it waited for a retry, in the agent's own UI.
            (None, None, None) => TurnOutcome::Cancelled { cause: CancelCause::Agent },
        }
    }
}
